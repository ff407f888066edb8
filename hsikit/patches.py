"""From a scene to windows on the device: normalisation, PCA, mirror borders, and a gathering sampler.

Nothing here makes one array per window ahead of time. The cube sits on the device once, a pixel's bands side by
side; a batch is one gather of pixels from it, flipped on the way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hsikit._util import arrays_of, saved
from hsikit.scenes.scene import Scene

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Normalizer:
    """Band statistics and principal components, fitted on training pixels only.

    Attributes:
        mean, std: Of each band (band,), over the pixels fitted on.
        components: Rows that turn standardised bands into principal components (k, band), or None for no PCA.
        lidar_mean, lidar_std: Of each LiDAR channel used (channel,); empty without LiDAR.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> fitted = hsikit.Normalizer.fit(scene, hsikit.few_shot_split(scene).train, bands=8)
        >>> fitted.hsi(scene.hsi[:5, :7]).shape  # 63 bands became 8 components
        (5, 7, 8)
    """

    mean: np.ndarray
    std: np.ndarray
    components: np.ndarray | None
    lidar_mean: np.ndarray
    lidar_std: np.ndarray

    @classmethod
    def fit(cls, scene: Scene, pixels: np.ndarray, bands: int | None = None, lidar_channels: int = 0) -> Normalizer:
        """Fit on the given pixels (flat indices). Fewer `bands` than the scene has asks for a whitened PCA.

        Raises:
            ValueError: When more bands or LiDAR channels are wanted than exist, or too few pixels are given.
        """
        bands = scene.bands if bands is None else bands
        if bands > scene.bands:
            raise ValueError(f"the model takes {bands} bands, {scene.name} has {scene.bands}; build it with fewer")
        if lidar_channels > scene.lidar_channels:
            raise ValueError(
                f"the model takes {lidar_channels} LiDAR channel(s), {scene.name} has {scene.lidar_channels}; "
                f"build it with lidar_channels={scene.lidar_channels}"
            )
        rows, cols = np.divmod(np.asarray(pixels), scene.shape[1])
        spectra = np.asarray(scene.hsi[rows, cols], np.float64)  # (pixel, band)
        if not np.isfinite(spectra).all():
            bad = int((~np.isfinite(spectra).all(1)).sum())
            raise ValueError(f"{bad} of {len(spectra)} training pixels of {scene.name} hold NaN; mark them not valid, "
                             "or drop the bands that have no data")  # fmt: skip
        mean, std = spectra.mean(0), spectra.std(0)
        std[std < 1e-12] = 1.0  # a constant band stays zero instead of becoming NaN
        components = None
        if bands < scene.bands:
            components = _whitened_components((spectra - mean) / std, bands)
        lidar_mean = lidar_std = np.zeros(0)
        if lidar_channels and scene.lidar is not None:
            heights = np.asarray(scene.lidar[rows, cols, :lidar_channels], np.float64)
            lacking = ~np.isfinite(heights)
            if lacking.any():
                if lacking.all(0).any():
                    raise ValueError(f"no training pixel of {scene.name} has LiDAR in every channel; leave one out")
                log.warning("%s: LiDAR is missing in %d of %d training pixels; the mean of the others stands in for it",
                            scene.name, lacking.any(1).sum(), len(heights))  # fmt: skip
                heights = np.where(lacking, np.nanmean(np.where(lacking, np.nan, heights), axis=0), heights)
            lidar_mean, lidar_std = heights.mean(0), heights.std(0)
            lidar_std[lidar_std < 1e-12] = 1.0
        return cls(mean, std, components, lidar_mean, lidar_std)

    def hsi(self, spectra: np.ndarray) -> np.ndarray:
        """Normalise spectra (..., band) to float32 (..., k)."""
        out = ((spectra - self.mean) / self.std).astype(np.float32)
        return out if self.components is None else out @ self.components.T.astype(np.float32)

    def lidar(self, heights: np.ndarray) -> np.ndarray:
        """Normalise LiDAR (..., channel) to float32, keeping the channels fitted on; their mean where there is none."""
        kept = heights[..., : len(self.lidar_mean)]
        return np.nan_to_num(((kept - self.lidar_mean) / self.lidar_std).astype(np.float32), posinf=0, neginf=0)

    def save(self, path: Path) -> None:
        """Write to an npz file."""
        saved(path, lambda file: np.savez(file, **{k: v for k, v in vars(self).items() if v is not None}))

    @classmethod
    def load(cls, path: Path) -> Normalizer:
        """Read what `save` wrote."""
        with arrays_of(path) as file:
            return cls(file["mean"], file["std"], file.get("components"), file["lidar_mean"], file["lidar_std"])


def _whitened_components(standardised: np.ndarray, k: int) -> np.ndarray:
    """Rows (k, band) mapping standardised spectra (pixel, band) to uncorrelated components of unit variance."""
    from sklearn.decomposition import PCA

    if len(standardised) <= k:
        raise ValueError(
            f"{len(standardised)} training pixels cannot fit {k} principal components; "
            f"use more pixels or a model with bands < {len(standardised)}"
        )
    pca = PCA(k, svd_solver="full").fit(standardised)
    return pca.components_ / np.sqrt(np.maximum(pca.explained_variance_, 1e-12))[:, None]


def nearest_valid(valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column (row, col) of the valid pixel nearest to each pixel; itself where valid."""
    from scipy.ndimage import distance_transform_edt

    rows, cols = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return rows, cols


@dataclass(frozen=True, eq=False)
class Cube:
    """A scene, normalised, its holes filled and its border mirrored, as tensors on the device.

    Attributes:
        hsi: (band, row + 2 h, col + 2 h) float32 with h = window // 2. In memory the bands of a pixel lie side by
            side, so that a window is gathered in long runs: 2.7 times as fast as from bands one after the other.
        lidar: (channel, row + 2 h, col + 2 h) float32, or None.
        window: Side of the windows in pixels, odd.
    """

    hsi: Tensor
    lidar: Tensor | None
    window: int

    @classmethod
    def of(cls, scene: Scene, normalizer: Normalizer, window: int, device: torch.device | str = "cpu") -> Cube:
        """Prepare a whole scene. A hole takes the values of the nearest valid pixel."""
        if window < 1 or window % 2 == 0:
            raise ValueError(f"window {window} is not an odd positive number of pixels")
        fill = None if scene.valid.all() else nearest_valid(scene.valid)
        hsi = _prepared(scene.hsi, normalizer.hsi, fill, window, device)
        lidar = None
        if len(normalizer.lidar_mean) and scene.lidar is not None:
            lidar = _prepared(scene.lidar, normalizer.lidar, fill, window, device)
        return cls(hsi, lidar, window)

    def windows(self, rows: Tensor, cols: Tensor, flips: Tensor | None = None,
                channels_last: bool = False) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """Windows centred on pixels: (batch, band, window, window), and the same for LiDAR or None.

        `flips` (3, batch), booleans, turns a window left-right, up-down, and about its diagonal, in that order.
        `channels_last` leaves a pixel's bands side by side in memory, which saves half of the time.
        """
        places = self._places(rows, cols, flips)
        hsi = _gather(self.hsi, places, channels_last)
        return hsi, None if self.lidar is None else _gather(self.lidar, places, channels_last)

    def _places(self, rows: Tensor, cols: Tensor, flips: Tensor | None) -> Tensor:
        """Flat places in the cube (batch, window, window) of the pixels of windows: turned here, they cost nothing."""
        step = torch.arange(self.window, device=rows.device)
        places = (rows[:, None, None] + step[:, None]) * self.hsi.shape[2] + (cols[:, None, None] + step)
        for flag, turned in zip(() if flips is None else flips, TURNS):
            places = torch.where(flag[:, None, None], turned(places), places)
        return places


TURNS = (lambda t: t.flip(-1), lambda t: t.flip(-2), lambda t: t.transpose(-1, -2))


def _prepared(array, normalise, fill, window, device) -> Tensor:
    rows, cols, _ = array.shape
    half = window // 2
    first = normalise(np.asarray(array[:1]))
    out = np.empty((rows + 2 * half, cols + 2 * half, first.shape[-1]), np.float32)
    for row in range(rows):  # a row at a time: the stored dtype is never copied whole
        line = np.asarray(array[row]) if fill is None else np.asarray(array[fill[0][row], fill[1][row]])
        out[half + row, half : half + cols] = normalise(line)
    index = np.pad(np.arange(rows), half, mode="reflect"), np.pad(np.arange(cols), half, mode="reflect")
    out[:, :half] = out[:, half + index[1][:half]]
    out[:, half + cols :] = out[:, half + index[1][half + cols :]]
    out[:half] = out[half + index[0][:half]]
    out[half + rows :] = out[half + index[0][half + rows :]]
    return torch.from_numpy(out).to(device).permute(2, 0, 1)  # (row, col, band) -> (band, row, col), not moved


def _gather(cube: Tensor, places: Tensor, channels_last: bool) -> Tensor:
    pixels = cube.permute(1, 2, 0).reshape(-1, len(cube))  # (band, row, col) -> (pixel, band), the same memory
    picked = pixels.index_select(0, places.flatten()).view(len(places), -1, len(cube))  # (batch, pixel, band)
    if channels_last:
        return picked.view(*places.shape, len(cube)).permute(0, 3, 1, 2)
    # Viewed after it was moved: with one band nothing moves, and strides would still say channels-last to layers.
    return picked.transpose(1, 2).contiguous().view(len(places), len(cube), *places.shape[1:])


class PatchSampler:
    """Batches of windows and targets, gathered on the device, in an order that seed and epoch alone decide.

    Args:
        cube: The prepared scene.
        pixels: Flat indices (n,) of the centres.
        targets: Class indices (n,) from 0.
        cols: Columns of the scene, to split flat indices.
        batch: Wanted batch size; batches differ by at most one sample in size, so none is tiny.
        augment: Flip and transpose each training window at random.
        balanced: Draw each class equally often, with replacement, instead of each pixel once.
        channels_last: Leave a pixel's bands side by side in a batch's memory: gathered in half the time. Layers then
            add in another order, so weights trained so differ in the last bit.

    Example:
        >>> from hsikit.patches import Cube
        >>> scene = hsikit.load_scene("simulated")
        >>> split = hsikit.few_shot_split(scene, shots=5)
        >>> cube = Cube.of(scene, hsikit.Normalizer.fit(scene, split.train), window=7)
        >>> sampler = hsikit.PatchSampler(cube, split.train, split.y("train") - 1, scene.shape[1], batch=10)
        >>> hsi, lidar, target, index = next(sampler.epoch(seed=0, epoch=0))
        >>> tuple(hsi.shape), lidar, len(target)
        ((10, 63, 7, 7), None, 10)
    """

    def __init__(self, cube: Cube, pixels: np.ndarray, targets: np.ndarray, cols: int, batch: int = 64,
                 augment: bool = False, balanced: bool = False, channels_last: bool = False) -> None:  # fmt: skip
        device = cube.hsi.device
        rows, columns = np.divmod(np.asarray(pixels, np.int64), cols)
        self.cube, self.augment, self.balanced, self.channels_last = cube, augment, balanced, channels_last
        self.rows, self.cols = torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)
        self.targets = torch.from_numpy(np.asarray(targets, np.int64)).to(device)
        self.batches = max(1, round(len(rows) / batch))

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None, Tensor, Tensor]]:
        """Every pixel once, in order: (hsi, lidar, target, index)."""
        for index in torch.arange(len(self.targets), device=self.targets.device).tensor_split(self.batches):
            yield *self._windows(index), self.targets[index], index

    def epoch(self, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor | None, Tensor, Tensor]]:
        """One epoch of shuffled batches: (hsi, lidar, target, index)."""
        draw = torch.Generator().manual_seed(seed * 1_000_003 + epoch)  # on the CPU: same order on every device
        for index in self._order(draw).to(self.targets.device).tensor_split(self.batches):
            flips = torch.rand(3, len(index), generator=draw).lt(0.5).to(index.device) if self.augment else None
            yield *self._windows(index, flips), self.targets[index], index

    def drawn(self, n: int, draw: torch.Generator, views: int = 1) -> list[tuple[Tensor, Tensor | None]]:
        """`n` windows drawn evenly, as many views of them as asked for, each flipped anew: (hsi, lidar)."""
        index = torch.randint(len(self.targets), (n,), generator=draw).to(self.targets.device)
        flips = [torch.rand(3, n, generator=draw).lt(0.5).to(index.device) if self.augment else None
                 for _ in range(views)]  # fmt: skip
        return [self._windows(index, flip) for flip in flips]

    def _windows(self, index: Tensor, flips: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        return self.cube.windows(self.rows[index], self.cols[index], flips, self.channels_last)

    def _order(self, draw: torch.Generator) -> Tensor:
        n = len(self.targets)
        if not self.balanced:
            return torch.randperm(n, generator=draw)
        targets = self.targets.cpu()
        weight = 1.0 / torch.bincount(targets).clamp(min=1)[targets].double()
        return torch.multinomial(weight, n, replacement=True, generator=draw)


# --- bands to components ---------------------------------------------------------------------------


REDUCTIONS = ("pca", "discriminants", "band_means", "pca_transductive")


def reduce_bands(scene: Scene, pixels: np.ndarray, bands: int, lidar_channels: int = 0,
                 reduction: str = "pca", labels: np.ndarray | None = None) -> Normalizer:  # fmt: skip
    """Fit the normalisation and the reduction of a scene's bands to `bands` channels.

    Args:
        scene: Where to fit.
        pixels: Flat indices (n,) of the training pixels.
        bands: Channels wanted; as many as the scene has for none but standardisation.
        lidar_channels: LiDAR channels to standardise.
        reduction: "pca": whitened components of the training pixels. "discriminants": as many as there are
            trained classes, less one; spread within classes is 1 along each. "band_means": means of runs of
            neighbouring bands of equal length, standardised on the training pixels. "pca_transductive":
            components of every valid pixel of the scene, test pixels included (their spectra, never their labels),
            as many published pipelines do; it must be named in any table.
        labels: Classes (n,) of the training pixels, needed by "discriminants".

    Raises:
        ValueError: For an unknown reduction, more bands than the scene has, or another number of discriminants
            than the classes give.
    """
    if reduction == "pca":
        return Normalizer.fit(scene, pixels, bands, lidar_channels)
    if reduction == "pca_transductive":
        on_all = Normalizer.fit(scene, np.flatnonzero(scene.valid.ravel()), bands, 0)
        return replace(Normalizer.fit(scene, pixels, None, lidar_channels), mean=on_all.mean, std=on_all.std,
                       components=on_all.components)  # fmt: skip
    if reduction == "discriminants":
        return _discriminants(scene, pixels, bands, lidar_channels, labels)
    if reduction != "band_means":
        raise ValueError(f"reduction {reduction!r} is unknown; choose one of {', '.join(REDUCTIONS)}")
    if bands > scene.bands:
        raise ValueError(f"{bands} band means wanted, {scene.name} has {scene.bands} bands; ask for fewer")
    normalizer = Normalizer.fit(scene, pixels, None, lidar_channels)  # standardised bands, no components
    rows, cols = np.divmod(np.asarray(pixels), scene.shape[1])
    means = mean_rows(scene.bands, bands)
    spread = (normalizer.hsi(np.asarray(scene.hsi[rows, cols])) @ means.T).std(0)  # (k,)
    return replace(normalizer, components=means / np.maximum(spread, 1e-6)[:, None])


def _discriminants(scene, pixels, bands, lidar_channels, labels) -> Normalizer:
    from sklearn.covariance import ledoit_wolf

    classes, of = np.unique(labels, return_inverse=True)
    if bands != len(classes) - 1:
        raise ValueError(f"{len(classes)} trained classes give {len(classes) - 1} discriminants, the model takes "
                         f"{bands} channels; build it with {len(classes) - 1}")  # fmt: skip
    normalizer = Normalizer.fit(scene, pixels, None, lidar_channels)  # standardised bands, no components
    rows, cols = np.divmod(np.asarray(pixels), scene.shape[1])
    spectra = normalizer.hsi(np.asarray(scene.hsi[rows, cols])).astype(np.float64)  # (n, band)
    means = np.stack([spectra[of == c].mean(0) for c in range(len(classes))])  # (class, band)
    spread, _ = ledoit_wolf(spectra - means[of], assume_centered=True)
    values, vectors = np.linalg.eigh(spread)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-9))  # (band, band): unit spread within classes
    _, _, directions = np.linalg.svd((means - means.mean(0)) @ whiten, full_matrices=False)
    return replace(normalizer, components=(whiten @ directions[:bands].T).T)  # (band of the network, band)


def mean_rows(bands: int, groups: int) -> np.ndarray:
    """Rows (groups, bands) that take the means of neighbouring bands, each band once, lengths equal to one band."""
    rows = np.zeros((groups, bands))
    for row, run in zip(rows, np.array_split(np.arange(bands), groups)):
        row[run] = 1 / len(run)
    return rows
