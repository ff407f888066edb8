"""What a method reads of a scene in the place of its bands: derivatives, profiles, the shape of the ground.

    inputs = Inputs.fit(scene, split, hsi=("derivative", "profiles"), lidar=("values", "profiles", "above_ground"))
    inputs.of(scene)                       # the same scene with 88 and 16 channels, as dense as it was
    hsikit.fit(network, scene, split, inputs=inputs)

Whatever is fitted is fitted on training pixels, and is saved with the model. A raster of inputs is made in one pass
over the scene. Openings by reconstruction reach without bound: where a split keeps its sides apart, what lies around a
pixel is computed on each side alone, the other side filled as a hole is, so that no test pixel is seen in training.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from hsikit._util import nearest
from hsikit._util.errors import door
from hsikit.inputs import spatial
from hsikit.inputs.spectral import band_steps, log_derivative, smoothed
from hsikit.patches import Normalizer, nearest_valid
from hsikit.scenes.scene import Scene
from hsikit.splits import Split
from hsikit.splits.repeats import chebyshev

log = logging.getLogger(__name__)


@lru_cache  # a sweep fits on one scene again and again
def _warn_once(text: str) -> None:
    log.warning(text)


HSI = ("spectra", "derivative", "profiles")
LIDAR = ("values", "profiles", "above_ground", "slope", "range", "deviation")
DARKEST = 0.05  # of a band's mean: what is darker is mostly noise (assumed)
COMPONENTS = 4  # principal components whose profiles are taken
HEIGHT = ("height", "elevation", "dsm", "dem", "chm", "altitude")  # what a channel of heights is called
# Of the height alone: layers (row, col) from heights in metres and the size of a pixel.
GROUND: dict[str, Callable[[np.ndarray, float], list[np.ndarray]]] = {
    "above_ground": spatial.above_ground,
    "slope": spatial.slope,
    "range": lambda height, gsd_m: spatial.local_range(height),
    "deviation": lambda height, gsd_m: spatial.local_deviation(height),
}


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs fitted on the training pixels of a split.

    Attributes:
        hsi: Kinds that make the channels of the cube, in their order: "spectra" (as it is), "derivative"
            (`hsikit.inputs.spectral`), "profiles" (of four principal components, `hsikit.inputs.spatial`).
        lidar: Kinds that make the LiDAR channels: "values" (each channel; an intensity as log(1 + it)), "profiles"
            of those, and of the height "above_ground", "slope", "range" and "deviation".
        joined: Whether the LiDAR channels stand behind those of the cube.
        bands: Bands of the scenes they are made of.
        steps: Nanometres between neighbouring bands (band - 1,), NaN where a run ends.
        floor: Of each band (band,), a twentieth of its mean over training pixels: what is darker counts as that, as
            over-corrected atmosphere takes dark pixels to 0 and below, where there is no logarithm.
        components: Principal components of the training pixels, or None.
        lidar_names: Of the channels read.
        gsd_m: Size of a pixel on the ground in metres.
        scene: Name of the scene fitted on.
        sides: Raster (row, col): 1 where a pixel is nearer to training and validation pixels, 2 where nearer to test
            pixels; None where everything is computed in one pass.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> split = hsikit.block_split(scene, train=0.1, patch=11)
        >>> inputs = hsikit.Inputs.fit(scene, split, hsi=["derivative", "profiles"])
        >>> inputs.of(scene).bands, sorted(set(inputs.sides.ravel().tolist()))
        (87, [1, 2])
    """

    hsi: tuple[str, ...]
    lidar: tuple[str, ...]
    joined: bool
    bands: int
    steps: np.ndarray
    floor: np.ndarray
    components: Normalizer | None
    lidar_names: tuple[str, ...]
    gsd_m: float
    scene: str
    sides: np.ndarray | None
    _made: WeakKeyDictionary = field(default_factory=WeakKeyDictionary, repr=False)  # goes with the scene

    @classmethod
    @door
    def fit(cls, scene: Scene, split: Split, hsi: Sequence[str] = ("spectra",), lidar: Sequence[str] = (),
            joined: bool = False, transductive: bool = False) -> Inputs:  # fmt: skip
        """Fit on the training pixels of a split.

        Args:
            hsi, lidar: Kinds, see above; LiDAR kinds may be none.
            joined: Put the LiDAR channels behind those of the cube, for networks of one sensor.
            transductive: Compute everything in one pass also where the split keeps its sides apart: inputs then see
                pixels of the test side, never their labels. Name it in any table.

        Raises:
            ValueError: For an unknown kind, LiDAR that the scene lacks, or a training pixel that the logarithm of the
                derivative does not allow.
        """
        _known("hsi", hsi, HSI)
        _known("lidar", lidar, LIDAR)
        if not hsi:
            raise ValueError(f"inputs name nothing of the cube; give at least one of {', '.join(HSI)}")
        if lidar and scene.lidar is None:
            raise ValueError(f"{scene.name} has no LiDAR; leave `lidar` out of the inputs")
        steps = band_steps(scene.wavelengths_nm, scene.bands)
        floor = _floor(scene, split.train, steps) if "derivative" in hsi else np.zeros(0)
        components = Normalizer.fit(scene, split.train, COMPONENTS) if "profiles" in hsi else None
        around = components is not None or any(spatial.reach(kind, 1.0) != 0 for kind in lidar)
        sides = sides_of(split) if around and split.patch and not transductive else None
        if scene.gsd_m is None and set(lidar) & {"above_ground", "slope"}:
            _warn_once(f"{scene.name} does not say how large a pixel is; it is taken for 1 m")
        names = tuple(scene.lidar_names) if lidar else ()
        return cls(tuple(hsi), tuple(lidar), joined, scene.bands, steps, floor, components, names, scene.gsd_m or 1.0,
                   scene.name, sides)  # fmt: skip

    @door
    def of(self, scene: Scene) -> Scene:
        """A scene with the inputs in the place of its bands and LiDAR, float32; NaN where it is not valid.

        On the scene fitted on, each side is computed alone where the split keeps them apart.

        Raises:
            ValueError: For a scene of other bands, or with fewer LiDAR channels.
        """
        if scene not in self._made:
            self._made[scene] = self._of(scene)
        return self._made[scene]

    def _of(self, scene: Scene) -> Scene:
        if scene.bands != self.bands or (self.lidar and scene.lidar_channels < len(self.lidar_names)):
            raise ValueError(f"the inputs are made of {self.bands} bands and {len(self.lidar_names)} LiDAR channel(s), "
                             f"{scene.name} has {scene.bands} and {scene.lidar_channels}")  # fmt: skip
        sided = self.sides is not None and scene.name == self.scene and scene.shape == self.sides.shape
        masks = [scene.valid & (self.sides == side) for side in (1, 2)] if sided else [scene.valid]
        cube = self._pixels(scene)
        lidar = np.full((*scene.shape, len(self.lidar_channel_names)), np.nan, np.float32)
        for mask in masks:
            if mask.any():
                fill = nearest_valid(mask)
                self._around(scene, fill, mask, cube)
                self._ground(scene, fill, mask, lidar)
        if self.joined:
            cube, lidar = np.concatenate([cube, lidar], 2), lidar[..., :0]
        names = self.lidar_channel_names[: lidar.shape[2]]
        return replace(scene, hsi=cube, wavelengths_nm=None, fwhm_nm=None, units="inputs", valid=scene.valid,
                       lidar=lidar if names else None, lidar_names=names)  # fmt: skip

    @property
    def channels(self) -> int:
        """Channels that stand in the place of bands."""
        return sum(self._widths().values()) + self.joined * len(self.lidar_channel_names)

    @property
    def lidar_channels(self) -> int:
        """LiDAR channels beside the cube, 0 where no kind is named or they are joined to it."""
        return 0 if self.joined else len(self.lidar_channel_names)

    @property
    def lidar_channel_names(self) -> tuple[str, ...]:
        """A name for each LiDAR channel that is made."""
        levels = [f"{what} {radius}" for radius in spatial.RADII for what in ("opening", "closing")]
        each = {"values": [*self.lidar_names], "above_ground": ["above ground (m)", "log above ground"],
                "profiles": [f"{name}, {level}" for name in self.lidar_names for level in levels]}  # fmt: skip
        return tuple(name for kind in self.lidar for name in each.get(kind, [kind]))

    @property
    def reach(self) -> int | None:
        """Pixels away from which a value can still matter to an input; None without bound."""
        each = [*(spatial.reach(kind, self.gsd_m) for kind in self.lidar), None if "profiles" in self.hsi else 0]
        return None if None in each else max(each)  # type: ignore[type-var]

    def in_pieces(self, scene: str) -> int:
        """`reach`, for a map that is made piece by piece.

        Raises:
            ValueError: Where a piece cannot give what the whole gives.
        """
        if self.reach is None:
            raise ValueError(f"profiles reach without bound, so {scene} cannot be mapped in pieces with this model; "
                             "map it whole with predict_map, or train without profiles")  # fmt: skip
        if self.sides is not None and scene == self.scene:
            raise ValueError(f"the model's inputs keep the sides of its split on {scene} apart, which pieces cannot; "
                             "map it whole with predict_map")  # fmt: skip
        return self.reach

    # --- layers ----------------------------------------------------------------------------------

    def _widths(self) -> dict[str, int]:
        """Channels of each kind of the cube, in their order."""
        each = {"spectra": self.bands, "derivative": int((~np.isnan(self.steps)).sum()) + 1,
                "profiles": COMPONENTS * 2 * len(spatial.RADII)}  # fmt: skip
        return {kind: each[kind] for kind in self.hsi}

    def _pixels(self, scene: Scene) -> np.ndarray:
        """The cube (row, col, channel) with what a pixel's own spectrum gives; the rest and holes are NaN."""
        out = np.full((*scene.shape, sum(self._widths().values())), np.nan, np.float32)
        low, start = 0, 0
        for kind, width in self._widths().items():
            place = slice(start, start := start + width)
            for row in range(scene.shape[0]) if kind != "profiles" else ():  # a row at a time: cubes stay on disk
                spectra = np.asarray(scene.hsi[row])
                out[row, :, place] = spectra if kind == "spectra" else log_derivative(spectra, self.steps, self.floor)
                if kind == "derivative":
                    low += int((spectra[scene.valid[row]] <= 0).any(-1).sum())
        if low:
            _warn_once(f"{scene.name}: {low / scene.valid.sum():.1%} of valid pixels hold values of 0 or below, which "
                       "have no logarithm; a twentieth of the band's mean stands in")  # fmt: skip
        out[~scene.valid] = np.nan
        return out

    def _around(self, scene: Scene, fill: tuple[np.ndarray, np.ndarray], mask: np.ndarray, cube: np.ndarray) -> None:
        """Write the profiles of principal components at the pixels of a mask."""
        if self.components is None:
            return
        widths = self._widths()
        start = sum(width for kind, width in widths.items() if self.hsi.index(kind) < self.hsi.index("profiles"))
        maps = np.stack([self.components.hsi(np.asarray(scene.hsi[r, c], np.float64)) for r, c in zip(*fill)])
        levels = [level for layer in np.moveaxis(maps, 2, 0) for level in spatial.profile(layer)]
        for k, level in enumerate(levels):
            cube[mask, start + k] = level[mask]

    def _ground(self, scene: Scene, fill: tuple[np.ndarray, np.ndarray], mask: np.ndarray, lidar: np.ndarray) -> None:
        """Write the LiDAR channels at the pixels of a mask."""
        if not self.lidar or scene.lidar is None:
            return
        values = [_measured(np.asarray(scene.lidar[..., k], np.float64), name, mask, fill, scene.name)
                  for k, name in enumerate(self.lidar_names)]  # fmt: skip
        height = values[height_channel(self.lidar_names)]
        layers: list[np.ndarray] = []
        for kind in self.lidar:
            if kind == "values":
                layers += values
            elif kind == "profiles":
                layers += [level for value in values for level in spatial.profile(value)]
            else:
                layers += GROUND[kind](height, self.gsd_m)
        for k, layer in enumerate(layers):
            lidar[mask, k] = layer[mask]

    # --- kept ------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write to an npz file."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("components", "_made")}
        arrays: dict[str, Any] = {name: value for name, value in plain.items() if isinstance(value, np.ndarray)}
        facts = {name: value for name, value in plain.items() if name not in arrays}
        if self.components is not None:
            arrays |= {f"pca_{name}": value for name, value in vars(self.components).items()}
        np.savez_compressed(path, facts=np.array(json.dumps(facts)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Inputs:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            facts: dict[str, Any] = json.loads(str(file["facts"]))
            names = ("mean", "std", "components", "lidar_mean", "lidar_std")
            pca = Normalizer(*(file[f"pca_{name}"] for name in names)) if "pca_mean" in file else None
            arrays = {name: file[name] for name in ("steps", "floor", "sides") if name in file}
        lists = {name: tuple(facts[name]) for name in ("hsi", "lidar", "lidar_names")}
        return cls(**{**facts, **lists, **arrays}, components=pca)


def sides_of(split: Split) -> np.ndarray:
    """Which side each pixel is on (row, col) uint8: 1 near training and validation pixels, 2 near test pixels."""
    own = chebyshev(split.mask("train") | split.mask("val"))
    return np.where(own <= chebyshev(split.mask("test")), 1, 2).astype(np.uint8)


def height_channel(names: Sequence[str]) -> int:
    """Which LiDAR channel holds heights: the first whose name says so, else the first of all."""
    said = [k for k, name in enumerate(names) if any(word in name.lower() for word in HEIGHT)]
    return said[0] if said else 0


def _measured(values: np.ndarray, name: str, mask: np.ndarray, fill: tuple[np.ndarray, np.ndarray],
              scene: str) -> np.ndarray:  # fmt: skip
    """One LiDAR channel, everything outside of the mask and every gap filled from the nearest measured pixel."""
    known = mask & np.isfinite(values)
    if not known.any():
        raise ValueError(f"{scene}: no valid pixel has {name}; leave LiDAR out of the inputs")
    rows, cols = fill if known.sum() == mask.sum() else nearest_valid(known)
    values = values[rows, cols]
    if "intensity" not in name.lower():
        return values
    if values.min() < 0:
        raise ValueError(f"{scene}: {name} goes down to {values.min():g}, and log(1 + intensity) is taken of it; shift "
                         "it to 0 and more, or give the channel another name")  # fmt: skip
    return np.log1p(values)


def _floor(scene: Scene, pixels: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """A share of each band's mean over training pixels, once smoothed."""
    rows, cols = np.divmod(np.asarray(pixels), scene.shape[1])
    mean = smoothed(np.asarray(scene.hsi[rows, cols]), steps).mean(0)
    if not (mean > 0).all():
        bands = ", ".join(map(str, np.flatnonzero(~(mean > 0))[:8]))
        raise ValueError(f"the mean {scene.units} of {scene.name}'s training pixels is not above 0 in band(s) {bands}, "
                         "so the derivative has no logarithm there; drop those bands, or name `spectra`")  # fmt: skip
    return DARKEST * mean


def _known(where: str, kinds: Sequence[str], known: Sequence[str]) -> None:
    if isinstance(kinds, str):
        raise ValueError(f"inputs.{where} is {kinds!r}; expected a list such as [{kinds}]")
    for kind in kinds:
        if kind not in known:
            raise ValueError(f"inputs.{where} names {kind!r}; did you mean {nearest(kind, known)!r}? "
                             f"Known: {', '.join(known)}")  # fmt: skip
        if list(kinds).count(kind) > 1:
            raise ValueError(f"inputs.{where} names {kind!r} twice")


__all__ = ["HSI", "LIDAR", "Inputs", "height_channel", "sides_of"]
