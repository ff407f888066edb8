"""Painted labels to a file and back: GeoTIFF for a GIS, npz for a script."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hsikit._util import arrays_of, saved
from hsikit._util.errors import door
from hsikit.explore.painting import Painting
from hsikit.scenes.layers import open_layer
from hsikit.scenes.place import place
from hsikit.scenes.scene import palette
from hsikit.scenes.write import spare_input, write_map

SUFFIXES = (".tif", ".tiff", ".npz")


def save_painting(painting: Painting, path: str | Path) -> Path:
    """Write labels, class names and colours; returns the path.

    A GeoTIFF holds 0..C with a colour table and names (see `hsikit.scenes.write.write_map`); an npz holds
    `labels` (row, col) int16, `class_names` and `colors`, texts (C,).

    Raises:
        ValueError: For another ending, where nothing is painted, or a file that the scene was read from.
    """
    path = _checked(path)
    if not painting.counts().any():
        raise ValueError("nothing is painted yet, so there is nothing to save; paint some pixels first")
    if path.suffix != ".npz":
        return write_map(path, painting.labels, painting.to_scene())[0]
    spare_input([path], painting.scene.files)
    names, colors = np.array(painting.class_names), np.array(painting.colors)
    return saved(path, lambda f: np.savez_compressed(f, labels=painting.labels, class_names=names, colors=colors))


@door
def load_painting(painting: Painting, path: str | Path) -> int:
    """Replace what is painted by what a file holds; returns the number of painted pixels.

    A GeoTIFF without names, from elsewhere, gets "class 1" and so on. Raises ValueError for another ending,
    a missing or damaged file, or labels of another size than the scene.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> paths = hsikit.write_map("labels.tif", scene.labels, scene)
        >>> painting = hsikit.Painting(scene)
        >>> hsikit.load_painting(painting, "labels.tif") == (scene.labels > 0).sum()
        np.True_
    """
    path = _checked(path)
    layer = open_layer(path, "labels" if path.suffix == ".npz" else None)
    if layer.shape[2] != 1:
        raise ValueError(f"{path} is {layer.shape}, expected one channel (row, col)")
    layer = place(layer, painting.scene, classes=True)
    rows, cols = painting.scene.shape
    labels = np.nan_to_num(layer.values(slice(0, rows), slice(0, cols))[..., 0])
    names, colors = _npz_classes(path) if path.suffix == ".npz" else (list(layer.class_names), list(layer.colors))
    count = int(labels.max(initial=0))
    names = names or [f"class {i}" for i in range(1, min(count, 1000) + 1)]
    painting.replace_all(labels, names, colors if len(colors) == len(names) else list(palette(len(names))))
    return int(painting.counts().sum())


def _checked(path: str | Path) -> Path:
    if not str(path).strip():
        raise ValueError("no file is named; write one ending in .tif or .npz")
    path = Path(str(path).strip())
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path.name} ends in {path.suffix!r}; name a .tif or .npz file")
    return path


def _npz_classes(path: Path) -> tuple[list[str], list[str]]:
    with arrays_of(path) as file:
        held = {key: [str(v) for v in file[key]] if key in file else [] for key in ("class_names", "colors")}
    return held["class_names"], held["colors"]
