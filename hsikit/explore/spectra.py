"""`SpectraExplorer`: a map and its spectra, linked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hsikit.explore.panel import Panel, View
from hsikit.explore.redraw import pixels_inside
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.spectra_list import Spectrum, SpectrumList
from hsikit.explore.spectra_picture import MODES, PRESETS_NM, ScenePicture
from hsikit.scenes.scene import Scene
from hsikit.spectra import INDICES_NM, continuum_removed


class SpectraExplorer(Panel):
    """Look at bands and spectra of a scene: `pick` a pixel, `select` an area, `show` another picture.

    Attributes:
        spectra: What is drawn; the last entry is the current one; the next pick replaces it unless kept.
        mode: What the map shows, one of `MODES`.
        rgb_bands: Indices of the bands shown as red, green and blue.
        band: Index of the band shown alone, where the wavelength cursor stands.
        truth_opacity, lidar_opacity: 0 to 1, how strongly these layers cover the picture.
        lidar_channel: Which LiDAR channel is laid over it.
        classes_shown: Classes 1..C whose mean spectra are drawn.
        continuum: Draw spectra with their continuum removed.
        bad: Booleans (band,), True for bands greyed out and left out of spectral angles: water absorption,
            and bands that are constant or hold NaN.

    Methods raise ValueError for a pixel outside the scene, a mask of another size, or what the scene lacks;
    an empty selection is a message. In the widget all of these are messages.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.facts = SceneFacts(scene)
        self.valid, self.x = self.facts.valid, self.facts.x
        self._list, self._picture = SpectrumList(scene), ScenePicture(self.facts)
        self.classes_shown: set[int] = set()
        self.truth_opacity, self.lidar_opacity, self.lidar_channel = 0.0, 0.0, 0
        self.continuum = False
        self.rgb_bands, self.mode = self._picture.first_bands()
        self.band = self.rgb_bands[0]
        if scene.shape[1] > 1.6 * scene.shape[0]:  # wide scenes stand above their spectra
            self.size_in = (10.4, 7.4)
        self.message = "Click a pixel for its spectrum; drag around pixels for their mean."

    def __repr__(self) -> str:
        return f"<SpectraExplorer of {self.scene.name}: {self.mode}, {len(self.spectra)} spectra>"

    # --- spectra ---------------------------------------------------------------------------------

    def pick(self, row: int, col: int) -> Spectrum:
        """The spectrum of a pixel, which becomes the current one."""
        rows, cols = self.scene.shape
        if not (0 <= row < rows and 0 <= col < cols):
            raise ValueError(
                f"pixel ({row}, {col}) is outside the scene; rows are 0..{rows - 1}, columns 0..{cols - 1}"
            )
        if not self.valid[row, col]:
            raise ValueError(f"pixel ({row}, {col}) has no measurement; pick one that is not white")
        mean = np.asarray(self.scene.hsi[row, col], np.float64)
        where = self.class_name(row, col)
        picked = Spectrum(
            f"{where} ({row}, {col})", self._list.next_colour(), mean, None, np.array([[row, col]]), where
        )
        self._list.put(picked)
        self._tell(f"({row}, {col}): {where}{self.facts.lidar_text(row, col)}." + self.facts.ranking(mean))
        return picked

    def select(self, mask: np.ndarray) -> Spectrum | None:
        """Mean ± std of the valid pixels in a mask (row, col), the current spectrum then; None if empty."""
        mask = np.asarray(mask)
        if mask.shape != self.scene.shape or mask.dtype != bool:
            raise ValueError(f"the mask is {mask.shape} {mask.dtype}, expected {self.scene.shape} of booleans")
        pixels = np.argwhere(mask & self.valid)
        if not len(pixels):
            self._tell("No pixel with a measurement lies in there; drag around at least one.")
            return None
        values = np.asarray(self.scene.hsi[pixels[:, 0], pixels[:, 1]], np.float64)  # (pixel, band)
        mean, std = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else None
        selected = Spectrum(f"mean of {len(pixels):,} px", self._list.next_colour(), mean, std, pixels)
        self._list.put(selected)
        self._tell(f"{len(pixels):,} px: {self.facts.composition(pixels)}." + self.facts.ranking(mean))
        return selected

    def select_outline(self, outline: np.ndarray) -> Spectrum | None:
        """`select` the pixels whose centres lie inside an outline (n, 2) of x = column, y = row."""
        return self.select(pixels_inside(np.asarray(outline, float), self.scene.shape))

    @property
    def spectra(self) -> list[Spectrum]:
        """The spectra of the list, see the class."""
        return self._list.entries

    @property
    def current(self) -> Spectrum | None:
        """The spectrum picked last."""
        return self.spectra[-1] if self.spectra else None

    def keep(self, name: str | None = None, colour: str | None = None) -> None:
        """Keep the current spectrum, perhaps under another name or colour."""
        if not self.spectra:
            raise ValueError("there is no spectrum to keep; pick a pixel first")
        self.change(len(self.spectra) - 1, name, colour)

    def change(self, place: int, name: str | None = None, colour: str | None = None) -> None:
        """Rename or recolour a spectrum of the list; it is kept from then on."""
        self._tell(f"Kept {self._list.change(place, name, colour).name}.")

    def remove(self, place: int) -> None:
        """Take a spectrum out of the list."""
        removed = self._list.at(place)
        self.spectra.pop(place)
        self._tell(f"Removed {removed.name}.")

    def clear(self) -> None:
        """Take all spectra out of the list."""
        self.spectra.clear()
        self._tell("No spectra.")

    def save(self, path: str | Path) -> Path:
        """Write the spectra of the list as a spectral library, .csv or ENVI .sli."""
        written = self._list.save(path)
        self._tell(f"Wrote {len(self.spectra)} spectra to {written}.")
        return written

    def load(self, path: str | Path) -> None:
        """Add the spectra of a library, interpolated to the scene's bands."""
        self._tell(self._list.load(path))

    # --- the picture -----------------------------------------------------------------------------

    def show(self, mode: str) -> None:
        """Choose what the map shows, one of `MODES`."""
        if mode not in MODES:
            raise ValueError(f"{mode!r} is unknown; choose one of {', '.join(MODES)}")
        if mode in PRESETS_NM:
            self.rgb_bands = self._picture.preset_bands(mode)
        if mode in INDICES_NM:
            self._picture.index(mode)  # complains where the bands are missing
        if mode == "spectral angle":
            if self.current is None:
                raise ValueError("a spectral angle needs a spectrum; pick a pixel first")
            self._picture.angles(self.current.mean)
        self.mode = mode
        self._tell(self.title)

    def show_bands(self, *where: float) -> None:
        """Show one band in grey, or three as red, green and blue; in nm, or by index without wavelengths."""
        if len(where) not in (1, 3):
            raise ValueError(f"{len(where)} bands given; give one, or three for red, green and blue")
        picks = tuple(self.band_at(w) for w in where)
        if len(picks) == 1:
            self.band, self.mode = picks[0], "one band"
        else:
            self.rgb_bands, self.mode = picks, "three bands"
        self._tell(self.title)

    def set_layers(self, truth: float | None = None, lidar: float | None = None, channel: int | None = None) -> None:
        """Opacity (0 to 1) of ground truth and LiDAR, and the LiDAR channel."""
        for name, value in (("truth", truth), ("lidar", lidar)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"the opacity of {name} is {value!r}, expected 0 to 1")
        if lidar and self.scene.lidar is None:
            raise ValueError(f"{self.scene.name} has no LiDAR to show")
        if channel is not None and not 0 <= channel < self.scene.lidar_channels:
            raise ValueError(f"LiDAR channel {channel}; there are {self.scene.lidar_channels}, counted from 0")
        self.truth_opacity = self.truth_opacity if truth is None else truth
        self.lidar_opacity = self.lidar_opacity if lidar is None else lidar
        self.lidar_channel = self.lidar_channel if channel is None else channel
        self._tell(self.title)

    def toggle_class(self, class_id: int, shown: bool | None = None) -> None:
        """Draw or hide the mean spectrum of a class 1..C."""
        if not 1 <= class_id <= self.scene.n_classes:
            raise ValueError(f"class {class_id}; classes are 1 to {self.scene.n_classes}")
        name = self.scene.class_names[class_id - 1]
        if not np.isfinite(self.means[class_id - 1]).any():
            raise ValueError(f"{name} has no labelled pixel, so it has no mean spectrum")
        shown = class_id not in self.classes_shown if shown is None else shown
        (self.classes_shown.add if shown else self.classes_shown.discard)(class_id)
        self._tell(f"Mean of {name} {'shown' if shown else 'hidden'}.")

    def set_continuum(self, removed: bool) -> None:
        """Draw spectra as measured, or divided by their continuum."""
        self.continuum = bool(removed)
        self._tell("Continuum removed: 1 is the upper hull." if removed else "Spectra as measured.")

    def picture(self) -> np.ndarray:
        """What the map shows: (row, col, 3) float32 in 0..1, layers blended in, white if not measured."""
        if self.mode in (*PRESETS_NM, "three bands"):
            base = self._picture.composite(self.rgb_bands)
        else:
            base = self._picture.painted(*self.shown_values())
        return self._picture.layered(base, self.truth_opacity, self.lidar_opacity, self.lidar_channel)

    def shown_values(self) -> tuple[np.ndarray, tuple[float, float], str]:
        """Values (row, col) of a picture with one value a pixel, the range of its colours, their name."""
        if self.mode == "one band":
            return np.asarray(self.scene.hsi[..., self.band], np.float32), self._picture.limits(self.band), "gray"
        if self.mode == "spectral angle" and self.current is not None:
            angles = self._picture.angles(self.current.mean)
            return angles, (0.0, float(np.nanpercentile(angles[self.valid], 98))), "cividis_r"
        if self.mode in INDICES_NM:
            return self._picture.index(self.mode), (-1.0, 1.0), "BrBG"
        return np.full(self.scene.shape, np.nan, np.float32), (0.0, 1.0), "gray"

    @property
    def title(self) -> str:
        """What the map shows, in words."""
        if self.mode == "one band":
            return self.facts.band_text(self.band)
        if self.mode == "spectral angle":
            return f"angle to {self.current.name} (rad)" if self.current else "spectral angle: pick a pixel"
        if self.mode in INDICES_NM:
            return f"{self.mode} of {self.scene.units}"
        return f"{self.mode}: " + ", ".join(self.facts.band_text(b, short=True) for b in self.rgb_bands)

    # --- facts -----------------------------------------------------------------------------------

    def band_at(self, where: float) -> int:
        """Index of the band nearest to a wavelength in nm, or to an index where there are no wavelengths."""
        return self.facts.band_at(where)

    def class_name(self, row: int, col: int) -> str:
        """Class of a pixel or ``"unlabelled"``."""
        return self.facts.class_name(row, col)

    def under_pointer(self, x: float, y: float) -> str:
        """Values at a place on the map, for the line below the canvas."""
        col, row = round(x), round(y)
        if not (0 <= row < self.scene.shape[0] and 0 <= col < self.scene.shape[1]):
            return ""
        value = float(self.scene.hsi[row, col, self.band])
        measured = f"{self.facts.band_text(self.band)}: {value:.5g}{self.facts.lidar_text(row, col)}"
        return f"row {row}, col {col}: {self.class_name(row, col)}, {measured}"

    @property
    def class_spectra(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and deviations (C, band) of the classes."""
        return self.facts.class_spectra

    @property
    def means(self) -> np.ndarray:
        """Mean spectra (C, band) of the classes, NaN for a class without pixels."""
        return self.class_spectra[0]

    @property
    def bad(self) -> np.ndarray:
        """Bands greyed out, see the class."""
        return self.facts.bad

    @property
    def span(self) -> tuple[float, float]:
        """Values between which nearly all spectra run."""
        return self.facts.span

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """Spectra (..., band) as they are drawn: with or without continuum."""
        if not self.continuum:
            return values
        good = ~self.bad
        out = np.full(np.shape(values), np.nan)
        out[..., good] = continuum_removed(values[..., good], self.x[good])
        return out

    # --- inside ----------------------------------------------------------------------------------

    def _tell(self, message: str) -> None:
        """Show the state with a message."""
        if self.mode == "spectral angle" and self.current is None:
            self.mode = "three bands"
        self.message = message
        self._show()

    # --- the panel -------------------------------------------------------------------------------

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.spectra_view import SpectraView

        return SpectraView(figure, self)

    def _open(self) -> tuple[Any, Any]:
        from hsikit.explore.central import CentralView

        view = CentralView(self)
        return view, view.widget

    def _controls(self) -> list[Any]:
        from hsikit.explore.spectra_controls import SpectraControls

        self._panel = SpectraControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()
