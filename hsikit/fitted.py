"""A trained network with all that a map needs: preprocessing, window, class ids, words. Saved without pickle."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from safetensors.torch import save as serialised
from torch import nn

from hsikit._util import replacing, saved, write_text
from hsikit._util.errors import HsikitError, MissingError, door
from hsikit.inputs import Inputs
from hsikit.models import NETWORKS, build, describe
from hsikit.patches import Normalizer
from hsikit.scenes.resample import resample_bands, usual_widths
from hsikit.scenes.scene import Scene, readable
from hsikit.text import TextVectors

log = logging.getLogger(__name__)

SAME_BAND = 0.1  # of a band's width: nearer centres are one band
FAR = 8.0  # standard deviations of the training pixels: no scene of the same kind lies there


class ModelError(HsikitError, ValueError):
    """A saved model is damaged, was changed, or names code that is not trusted. The message names the file.

    Example:
        >>> hsikit.Fitted.load("no_model_here")
        Traceback (most recent call last):
        hsikit.fitted.ModelMissingError: ...
    """


class ModelMissingError(ModelError, MissingError):
    """There is no saved model in a folder."""


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
            there = away[:, np.isfinite(away).any(0)]
            each = 0 if what == "LiDAR" else None  # channels of LiDAR are different measurements, bands are one
            if there.size and (usual := np.max(np.nanmedian(there, each))) > FAR:
                _warn_once(
                    f"{scene.name}: its {what} lie {usual:.0f} standard deviations (median) from those that the model "
                    "was trained on; check units, and `scale` and `offset` in the YAML"
                )

    @door
    def save(self, folder: Path | str) -> Path:
        """Write the folder: model.safetensors, normalizer.npz, model.json and more, aside, then moved into place.

        The JSON holds the sha256 of every file, and of its own other lines.

        Raises:
            ModelError: When the folder holds something else.
            DiskError: When there is no room for it.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / "model.json").exists() and (folder.is_file() or any(folder.iterdir())):
            raise ModelError(f"{folder} holds something else than a model, which would be lost; name another folder")
        state = {k: v.detach().cpu().contiguous() for k, v in self.network.state_dict().items()}
        facts = {"model": describe(self.network), "window": self.window, "scene": self.scene_facts,
                 "class_ids": [int(c) for c in self.class_ids], "class_names": list(self.class_names)}  # fmt: skip
        with replacing(folder) as aside:
            aside.mkdir(parents=True)
            saved(aside / "model.safetensors", lambda file: file.write(serialised(state)))
            self.normalizer.save(aside / "normalizer.npz")
            if self.text is not None:
                self.text.save(aside / "text.npz")
            if self.inputs is not None:
                self.inputs.save(aside / "inputs.npz")
            facts["sha256"] = {file.name: _sum(file.read_bytes()) for file in sorted(aside.iterdir())}
            write_text(aside / "model.json", json.dumps(facts | {"own_sha256": _own_sum(facts)}, indent=1))
        return folder

    @classmethod
    @door
    def load(cls, folder: Path | str, trust: Sequence[str] = ()) -> Fitted:
        """Read what `save` wrote. No code of the folder's is run: it names one of `hsikit.models.NETWORKS`.

        Args:
            trust: Your own modules, such as ["my_nets"], from which a network may be imported.

        Raises:
            ModelMissingError: When the folder does not hold a saved model; the message names what is missing.
            ModelError: When a file is damaged or changed (it is named), or the network is not trusted.
        """
        folder = Path(folder)
        file = folder / "model.json"
        missing = [n for n in ("model.json", "model.safetensors", "normalizer.npz") if not (folder / n).is_file()]
        if missing:
            raise ModelMissingError(f"{folder} holds no saved model: {', '.join(missing)} missing; train it first")
        with _readable(file):
            facts = json.loads(file.read_bytes())
            sums = facts.get("sha256")  # models of older versions have none
            if sums is not None and facts.pop("own_sha256", "") != _own_sum(facts):
                raise ModelError(f"{file} was changed since it was saved; copy the folder again")
            for part in (folder / Path(name).name for name in sums or ()):
                if not part.is_file() or _sum(part.read_bytes()) != sums[part.name]:
                    raise ModelError(f"{part} was changed since it was saved; copy the folder again")
        with _readable(folder / "model.safetensors"):
            state = load_file(folder / "model.safetensors")
        with _readable(folder / "normalizer.npz"):
            normalizer = Normalizer.load(folder / "normalizer.npz")
        words = folder / "text.npz"
        with _readable(words):
            text = TextVectors.load(words) if (words.is_file() if sums is None else words.name in sums) else None
        made = folder / "inputs.npz"
        with _readable(made):
            inputs = Inputs.load(made) if (made.is_file() if sums is None else made.name in sums) else None
        with _readable(file):
            network = _network(facts["model"], state, trust).eval()
            ids, names = np.array(facts["class_ids"], np.int64), [str(name) for name in facts["class_names"]]
            if not ids.size or ids.min() < 1 or ids.max() > len(names):
                raise ModelError(f"{file} has class numbers without a name; copy the folder again")
            return cls(network, normalizer, int(facts["window"]), ids, names, text, dict(facts["scene"]), inputs)


def _readable(file: Path) -> AbstractContextManager[None]:
    return readable(file, "part of a saved model", "copy the folder again, or train anew", ModelError)


def _network(description: dict[str, Any], state: dict[str, torch.Tensor], trust: Sequence[str]) -> Any:
    """The network with its weights; one of hsikit's own takes no memory before its shapes are known to be theirs."""
    if description["class"] in NETWORKS:
        with torch.device("meta"):
            wanted = {name: value.shape for name, value in build(description).state_dict().items()}
        if "text" in state and "text" in wanted:
            wanted["text"] = state["text"].shape  # words come with the weights
        if wanted != {name: value.shape for name, value in state.items()}:
            raise ValueError("it describes another network than the one whose weights lie beside it")
    network: Any = build(description, trust)
    if hasattr(network, "read_text"):
        network.read_text(state["text"].numpy())
    network.load_state_dict(state)
    return network


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _own_sum(facts: dict[str, Any]) -> str:
    return _sum(json.dumps(facts, sort_keys=True).encode())
