"""`LabelPainter`: paint classes on a scene, fit a light model, look at its map, correct, fit again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from hsikit.explore.painter_files import load_painting, save_painting
from hsikit.explore.painter_fit import fit_light
from hsikit.explore.painting import Painting
from hsikit.explore.panel import Panel, View
from hsikit.scenes.scene import Scene


class LabelPainter(Painting, Panel):
    """A scene to paint on and the map that a model makes of it: `Painting` with a picture and controls."""

    size_in = (10.6, 5.6)

    def __init__(self, scene: Scene) -> None:
        Panel.__init__(self)
        Painting.__init__(self, scene)

    def request_fit(self, method: str | None = None) -> None:
        """`fit` beside the other controls, with progress; what is painted meanwhile counts at the next fit."""
        method = method or self.method
        scene, split = self.labelled_scene(), self.split()
        self.say(f"Fitting on {split.n_train:,} painted px …")
        self._later("fit", partial(fit_light, method, scene, split), partial(self.take, method, split))

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write what is painted: .tif, .npz, or polygons as .geojson or .gpkg; see `painter_files.save_painting`."""
        written = save_painting(self, path, overwrite)
        with self.step(f"Wrote {self.counts().sum():,} painted px to {written}."):
            return written

    def load(self, path: str | Path) -> None:
        """Replace what is painted by what a .tif or .npz holds; one step that can be taken back."""
        with self.step():
            count = load_painting(self, path)
            self.message = f"Read {count:,} painted px of {len(self.class_names)} classes from {Path(path).name}."

    # --- the panel -------------------------------------------------------------------------------

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.painter_view import PainterView

        self.observe(lambda _: self._show(), "revision")
        return PainterView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.painter_controls import PainterControls

        self._panel = PainterControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()
