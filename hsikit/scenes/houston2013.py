"""Houston 2013: CASI HSI and LiDAR over the University of Houston; IEEE GRSS Data Fusion Contest 2013."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hsikit.scenes.layers import open_layer
from hsikit.scenes.published import catalogue, require, scene_of
from hsikit.scenes.scene import Scene, SceneError

TRAIN_COUNTS = (198, 190, 192, 188, 186, 182, 196, 191, 193, 191, 181, 192, 184, 181, 187)
TEST_COUNTS = (1053, 1064, 505, 1056, 1056, 143, 1072, 1053, 1059, 1036, 1054, 1041, 285, 247, 473)
_STEM = "2013_IEEE_GRSS_DF_Contest_"

FACTS = catalogue()["houston2013"]


def load_houston2013() -> Scene:
    """Houston 2013: 349 x 1905 pixels, 144 bands, one LiDAR surface model, 15 classes.

    `masks["official"]` is the contest's split: 2,832 training and 12,197 test pixels. Band centres are assumed evenly
    spaced. Raises `SceneError` when a file is missing (which one, and where it goes) or is not the published one.
    """
    shape = (FACTS.rows, FACTS.cols)
    layers = [open_layer(require(FACTS, _STEM + name)) for name in ("CASI.tif", "LiDAR.tif")]
    cube, lidar = (layer.read(*layer.everywhere) for layer in layers)
    for what, array, expected in (("CASI", cube, (*shape, FACTS.bands)), ("LiDAR", lidar, (*shape, 1))):
        if array.shape != expected:
            raise SceneError(f"houston2013: the {what} raster is {array.shape}, expected {expected}")
    train = read_samples(require(FACTS, _STEM + "Samples_TR.txt"), shape, TRAIN_COUNTS)
    test = read_samples(require(FACTS, _STEM + "Samples_VA.txt"), shape, TEST_COUNTS)
    return scene_of(FACTS, cube, np.where(train > 0, train, test), lidar=lidar, lidar_names=("surface height (m)",),
                    masks={"official": (train, test)}, crs=layers[0].crs, transform=layers[0].transform)  # fmt: skip


def read_samples(path: Path, shape: tuple[int, int], counts: tuple[int, ...]) -> np.ndarray:
    """Labels (row, col) out of the contest's text file: lines `ID X Y ...`, a region for each class in order.

    X is the column and Y the row, counted from 1; each region counts its IDs from 1 again. Raises `SceneError` when the
    file is no such list, leaves the raster, or has other than the published counts.
    """
    try:
        if not path.stat().st_size:
            raise ValueError("it is empty")
        rows = np.loadtxt(path, comments=";", usecols=(0, 1, 2), ndmin=2, encoding="latin-1")
    except (ValueError, OSError, IndexError) as error:
        raise SceneError(f"{path} is not a list of samples ({str(error).splitlines()[0]})") from error
    number, x, y = rows.T.astype(np.int64)
    classes = np.cumsum(number == 1)
    found = np.bincount(classes, minlength=len(counts) + 1)[1:]
    if tuple(found) != counts:
        raise SceneError(f"{path} has {found.tolist()} samples a class, published are {list(counts)}")
    if x.min() < 1 or y.min() < 1 or x.max() > shape[1] or y.max() > shape[0]:
        raise SceneError(f"{path} names pixels outside the {shape[0]} x {shape[1]} raster")
    labels = np.zeros(shape, np.int16)
    labels[y - 1, x - 1] = classes
    return labels
