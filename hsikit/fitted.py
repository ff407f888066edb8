"""A trained network with all that a map needs: preprocessing, window, class ids, words. Saved without pickle."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from torch import nn

from hsikit._util import replacing
from hsikit.inputs import Inputs
from hsikit.models import build, describe
from hsikit.patches import Normalizer
from hsikit.scenes.resample import resample_bands, usual_widths
from hsikit.scenes.scene import Scene
from hsikit.text import TextVectors

log = logging.getLogger(__name__)

SAME_BAND = 0.1  # of a band's width: nearer centres are one band
FAR = 8.0  # standard deviations of the training pixels: no scene of the same kind lies there


@lru_cache  # a large scene is matched piece by piece
def _warn_once(text: str) -> None:
    log.warning(text)


def _unnamed(names: Sequence[str]) -> bool:
    """Whether channels are called what a scene calls them that is given no names."""
    return all(name == f"channel {i}" for i, name in enumerate(names))


@dataclass(eq=False)
class Fitted:
    """A trained network and everything fitted beside it.

    Attributes:
        network: The module, in evaluation mode once trained.
        normalizer: Band statistics and components, fitted on training pixels.
        window: Side of the windows in pixels.
        class_ids: Trained classes (1..C), the candidates of a prediction.
        class_names: All class names of the scene.
        text: The class vectors it was trained with, or None.
        scene_facts: What the training scene was: name, bands, wavelengths and widths, units, LiDAR names, colours.
        inputs: What the network reads in the place of bands and LiDAR, or None for those themselves.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> network = hsikit.CNN2D(bands=8, classes=scene.n_classes, window=7)
        >>> once = hsikit.TrainConfig(epochs=1, threads=1)
        >>> run = hsikit.fit(network, scene, hsikit.few_shot_split(scene), once, progress=False)
        >>> folder = run.model.save("my_model")
        >>> hsikit.Fitted.load("my_model").class_names == list(scene.class_names)
        True
    """

    network: nn.Module
    normalizer: Normalizer
    window: int
    class_ids: np.ndarray
    class_names: Sequence[str]
    text: TextVectors | None = None
    scene_facts: dict[str, Any] = field(default_factory=dict)
    inputs: Inputs | None = None

    def remember(self, scene: Scene) -> None:
        """Note what the training scene was, so that another one can be matched with it."""
        numbers = lambda values: None if values is None else [float(v) for v in values]  # noqa: E731
        self.scene_facts = {
            "name": scene.name, "bands": scene.bands, "wavelengths_nm": numbers(scene.wavelengths_nm),
            "fwhm_nm": numbers(scene.fwhm_nm), "units": scene.units, "colors": list(scene.colors),
            "lidar_names": list(scene.lidar_names[: self._lidar_read]), "simulated": scene.simulated,
        }  # fmt: skip

    @property
    def _lidar_read(self) -> int:
        """LiDAR channels of a scene that are read, by the inputs where there are some."""
        return len(self.normalizer.lidar_mean if self.inputs is None else self.inputs.lidar_names)

    def match(self, scene: Scene) -> Scene:
        """A scene as the model takes it: on the bands of the training scene, its LiDAR channels by name, as inputs.

        Bands nearer than a tenth of their width are the same; others are resampled where both have wavelengths.

        Raises:
            ValueError: When bands or LiDAR channels are others; the message names them.
        """
        scene = self._matched(scene)
        return scene if self.inputs is None else self.inputs.of(scene)

    def _matched(self, scene: Scene) -> Scene:
        facts = self.scene_facts
        gone = getattr(getattr(self.network, "trunk", None), "absent", None) == "lidar"  # it is to do without
        order = [] if gone else self.lidar_order(scene.name, scene.lidar_names)
        if scene.lidar is not None and order and order != list(range(len(order))):
            names = [scene.lidar_names[i] for i in order]
            scene = replace(scene, lidar=np.asarray(scene.lidar)[..., order], lidar_names=names)
        bands, waves, have = facts.get("bands", scene.bands), facts.get("wavelengths_nm"), scene.wavelengths_nm
        if waves is not None and have is not None and not np.array_equal(waves, have):
            widths = np.asarray(facts.get("fwhm_nm") or usual_widths(np.array(waves)))
            if len(waves) == len(have) and (np.abs(have - waves) <= SAME_BAND * widths).all():
                return scene
            return resample_bands(scene, np.array(waves), facts["name"])
        if scene.bands != bands:
            raise ValueError(
                f"the model was trained on {bands} bands of {facts['name']}, {scene.name} has "
                f"{scene.bands} and one of them no wavelengths to resample by; give the scene's wavelengths"
            )
        return scene

    def lidar_order(self, scene: str, names: Sequence[str]) -> list[int]:
        """Which of a scene's LiDAR channels the model takes, in its own order; empty where it takes none.

        Raises:
            ValueError: When one of them is missing.
        """
        needed = self._lidar_read
        if len(names) < needed:
            raise ValueError(f"the model takes {needed} LiDAR channel(s), {scene} has {len(names)}; describe cube and "
                             "LiDAR in a YAML file and give that, or take a model trained without")  # fmt: skip
        wanted = self.scene_facts.get("lidar_names") or []  # older models do not say
        if not needed or _unnamed(wanted) or _unnamed(names):
            if needed and len(names) > 1:
                _warn_once(f"{scene}: LiDAR channels are taken in their order, as they are not all named")
            return list(range(needed))
        for name in wanted:
            if name not in names:
                raise ValueError(
                    f"the model takes the LiDAR channel {name!r}, {scene} has {', '.join(names)}; "
                    f"give the one that measures the same its name: `lidar: {{file: ..., name: {name}}}`"
                )
        return [list(names).index(name) for name in wanted]

    def doubt(self, scene: Scene) -> None:
        """Warn where a matched scene's units are others, or its values lie far from those trained on."""
        known = [self.scene_facts.get("units", ""), scene.units] if self.inputs is None else ["", ""]
        if known[0] != known[1] and not any(not unit or unit.startswith("unknown") for unit in known):
            _warn_once(
                f"{scene.name} holds {known[1]}, the model was trained on {known[0]} of {self.scene_facts['name']}"
            )
        pixels = np.flatnonzero(scene.valid)
        rows, cols = np.divmod(pixels[:: max(1, len(pixels) // 500)], scene.shape[1])
        norm = self.normalizer
        parts = [("values", scene.hsi, norm.mean, norm.std), ("LiDAR", scene.lidar, norm.lidar_mean, norm.lidar_std)]
        for what, raster, mean, std in parts:
            if raster is None or not len(mean):
                continue
            away = np.abs(np.asarray(raster[rows, cols], np.float64)[:, : len(mean)] - mean) / std  # (pixel, channel)
            if what == "LiDAR" and (lacking := np.mean(~np.isfinite(away).all(1))) > 0:
                _warn_once(f"{scene.name}: LiDAR is missing in {lacking:.0%} of pixels; the mean of the training "
                           "pixels stands in for it there")  # fmt: skip
            if np.isfinite(away).any() and (usual := np.nanmedian(away)) > FAR:
                _warn_once(
                    f"{scene.name}: its {what} lie {usual:.0f} standard deviations (median) from those that the model "
                    "was trained on; check units, and `scale` and `offset` in the YAML"
                )

    def save(self, folder: Path | str) -> Path:
        """Write the folder: model.safetensors, normalizer.npz, model.json and more, aside, then moved into place.

        Raises:
            ValueError: When the folder holds something else.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / "model.json").exists() and (folder.is_file() or any(folder.iterdir())):
            raise ValueError(f"{folder} holds something else than a model, which would be lost; name another folder")
        state = {k: v.detach().cpu().contiguous() for k, v in self.network.state_dict().items()}
        facts = {"model": describe(self.network), "window": self.window, "scene": self.scene_facts,
                 "class_ids": [int(c) for c in self.class_ids], "class_names": list(self.class_names)}  # fmt: skip
        with replacing(folder) as aside:
            aside.mkdir(parents=True)
            save_file(state, aside / "model.safetensors")
            self.normalizer.save(aside / "normalizer.npz")
            if self.text is not None:
                self.text.save(aside / "text.npz")
            if self.inputs is not None:
                self.inputs.save(aside / "inputs.npz")
            (aside / "model.json").write_text(json.dumps(facts, indent=1))
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> Fitted:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: When the folder does not hold a saved model; the message names what is missing.
        """
        folder = Path(folder)
        missing = [n for n in ("model.json", "model.safetensors", "normalizer.npz") if not (folder / n).exists()]
        if missing:
            raise FileNotFoundError(f"{folder} holds no saved model: {', '.join(missing)} missing; train it first")
        facts = json.loads((folder / "model.json").read_text())
        state = load_file(folder / "model.safetensors")
        network: Any = build(facts["model"])
        if hasattr(network, "read_text"):
            network.read_text(state["text"].numpy())
        network.load_state_dict(state)
        text = TextVectors.load(folder / "text.npz") if (folder / "text.npz").exists() else None
        inputs = Inputs.load(folder / "inputs.npz") if (folder / "inputs.npz").exists() else None
        return cls(network.eval(), Normalizer.load(folder / "normalizer.npz"), facts["window"],
                   np.array(facts["class_ids"]), facts["class_names"], text, facts["scene"], inputs)  # fmt: skip
