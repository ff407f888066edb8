"""Batches of windows: this package's sampler against a `Dataset` that slices NumPy, and against rs-fusion-datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from bench.timing import row, seconds
from hsikit._util import one_thread
from hsikit.patches import Cube, Normalizer, PatchSampler
from hsikit.scenes import Scene

SIDE, BANDS, WINDOW, BATCH, COUNT = 160, 64, 11, 64, 2048


class Slices(Dataset):
    """What a careful user writes: float32 windows sliced from a padded array (band, row, col)."""

    def __init__(self, scene: Scene, pixels: np.ndarray) -> None:
        half = WINDOW // 2
        pad = lambda a: np.pad(np.moveaxis(a, -1, 0), ((0, 0), (half, half), (half, half)), "reflect")  # noqa: E731
        assert scene.lidar is not None
        self.hsi, self.lidar = np.ascontiguousarray(pad(scene.hsi)), np.ascontiguousarray(pad(scene.lidar))
        self.places = [divmod(int(p), scene.shape[1]) for p in pixels]
        self.targets = scene.labels.ravel()[pixels].astype(np.int64) - 1

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, int]:
        i, j = self.places[index]
        return (
            self.hsi[:, i : i + WINDOW, j : j + WINDOW],
            self.lidar[:, i : i + WINDOW, j : j + WINDOW],
            self.targets[index],
        )


def scene_of_batches() -> tuple[Scene, np.ndarray]:
    """Arrays of noise with labels everywhere, and the pixels drawn from them."""
    draw = np.random.default_rng(0)
    hsi = draw.standard_normal((SIDE, SIDE, BANDS), np.float32)
    labels = draw.integers(1, 12, (SIDE, SIDE))
    lidar = draw.standard_normal((SIDE, SIDE, 1), np.float32)
    scene = Scene("noise", hsi, labels, [str(c) for c in range(11)], lidar=lidar, simulated=True)
    return scene, draw.choice(SIDE * SIDE, COUNT, replace=False)


def measure_batches() -> list[dict[str, Any]]:
    """Windows a second of one shuffled epoch, 11 x 11 x 64 and LiDAR, 64 a batch."""
    scene, pixels = scene_of_batches()
    fresh, data = sampler_epoch(scene, pixels), Slices(scene, pixels)
    ours = fastest(lambda: list_through(fresh()))
    moved = sampler_epoch(scene, pixels, channels_last=False)
    plain = fastest(lambda: list_through(moved()))
    slow = fastest(lambda: list_through(loader(data, 0)))
    two = COUNT / seconds(lambda: list_through(loader(data, 2)))
    rows = [row("batches of windows, against a Dataset in a DataLoader", ours / slow, 3.0, ">=",
                f"TrainConfig(channels_last=True); as by default {plain:.0f} ({plain / slow:.1f}x); "
                f"num_workers=2: {two:.0f} windows a second ({ours / two:.1f}x)", fast=ours, slow=slow)]  # fmt: skip
    peer = peer_dataset(scene, pixels)
    if isinstance(peer, str):
        return [*rows, row("batches of windows, against rs-fusion-datasets", float("nan"), 8.0, ">=", peer)]
    speed = fastest(lambda: list_through(loader(peer, 0)))
    return [*rows, row("batches of windows, against rs-fusion-datasets", ours / speed, 8.0, ">=",
                       "its CommonHsiDsmDataset on the same arrays, num_workers=0", fast=ours, slow=speed)]  # fmt: skip


def fastest(work: Callable[[], Any]) -> float:
    """Windows a second with as many threads as suit best, one or all: small copies are often quicker with one."""
    alone = COUNT / seconds(one_thread()(work), times=5)
    return max(alone, COUNT / seconds(work, times=5))


def sampler_epoch(scene: Scene, pixels: np.ndarray, channels_last: bool = True) -> Callable[[], Iterator[Any]]:
    """A function that starts an epoch of this package's sampler."""
    cube = Cube.of(scene, Normalizer.fit(scene, pixels, lidar_channels=1), WINDOW)
    sampler = PatchSampler(cube, pixels, scene.labels.ravel()[pixels] - 1, SIDE, BATCH, channels_last=channels_last)
    return lambda: sampler.epoch(0, 1)


def loader(data: Dataset, workers: int) -> DataLoader:
    """A shuffling DataLoader as PyTorch's tutorials build it."""
    return DataLoader(data, BATCH, shuffle=True, num_workers=workers)


def list_through(batches: Any) -> int:
    """Draw all batches and keep none."""
    return sum(len(batch[0]) for batch in batches)


def peer_dataset(scene: Scene, pixels: np.ndarray) -> Dataset | str:
    """rs-fusion-datasets' own dataset over the same arrays, or why there is none."""
    from hsikit.text.encoders import repair

    repair()
    try:
        from rs_fusion_datasets import CommonHsiDsmDataset
    except Exception as error:
        return f"not measured: rs_fusion_datasets cannot be imported ({error}); pip install 'hsikit[bench]'"
    from scipy.sparse import coo_array

    rows, cols = np.divmod(pixels, SIDE)
    labels = coo_array((scene.labels.ravel()[pixels].astype(np.int16), (rows, cols)), shape=scene.shape)
    assert scene.lidar is not None
    return CommonHsiDsmDataset(np.moveaxis(scene.hsi, -1, 0), np.moveaxis(scene.lidar, -1, 0), labels, labels,
                               {"name": "noise", "n_class": 11}, "train", WINDOW)  # fmt: skip
