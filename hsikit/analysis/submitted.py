"""What somebody hands in to be judged, a split and a map, read as they are: wrong ones are told of, not mended."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import open_layer
from hsikit.scenes.place import place
from hsikit.scenes.scene import Scene
from hsikit.splits import SplitError

Given = Any  # a `Split`, the path of an npz, "train.tif,test.tif", or two arrays


@dataclass(frozen=True, eq=False)
class Sides:
    """Training, validation and test pixels; unlike those of a `Split` they may overlap.

    Attributes:
        train, val, test: Sorted flat indices (n,) int64 of pixels that the scene labels.
        labels: The scene's labels (row, col), 0 where a pixel is not valid.
        given: Labels (row, col) that came with the split, 0 elsewhere; None where it names pixels alone.
        unlabelled: Pixels of the split that the scene does not label, which are left out.
        scene_hash: Of the scene that the split says it was made for; "" where it does not say.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    labels: np.ndarray
    given: np.ndarray | None = None
    unlabelled: int = 0
    scene_hash: str = ""

    def y(self, part: str) -> np.ndarray:
        """The scene's labels 1..C (n,) of a part."""
        return self.labels.ravel()[getattr(self, part)]


def read_sides(split: Given, scene: Scene) -> Sides:
    """The sides of a split, its pixels brought to the scene's grid.

    Args:
        split: A `Split`; the path of an npz with `train` and `test` (flat indices, or rasters), perhaps `val` and
            `labels`; the paths of two rasters, "train.tif,test.tif"; or a pair of arrays. Rasters are above 0 where a
            pixel is meant, and their values are its labels unless all of them are 1.

    Raises:
        SplitError: When it is none of these, does not fit the scene, or a side has no labelled pixel.
    """
    stored = _stored(split, scene)
    sizes = [np.shape(stored["labels"])] if stored.get("labels") is not None else []
    sizes += [tuple(np.ravel(stored["shape"]).tolist())] if "shape" in stored else []
    for size in sizes:
        if size != scene.shape:
            raise SplitError(
                f"the split is of a scene of {size}, {scene.name} is {scene.shape} (row, col); give its own"
            )
    rasters = {
        part: array for part in ("train", "val", "test") if (array := np.asarray(stored.get(part, ()))).ndim == 2
    }
    flat = {part: _pixels(part, rasters.get(part, stored.get(part, ())), scene) for part in ("train", "val", "test")}
    labels = scene.usable
    kept = {part: pixels[labels.ravel()[pixels] > 0] for part, pixels in flat.items()}
    for part in ("train", "test"):
        if not kept[part].size:
            raise SplitError(f"the split has {flat[part].size} {part} pixels, of which {scene.name} labels none")
    given = stored.get("labels")
    if given is None and any(raster.max() > 1 for raster in rasters.values()):
        given = np.zeros(scene.shape, np.int64)
        for part in ("train", "val", "test"):  # where sides overlap, what is tested counts
            given = np.where(rasters[part] > 0, rasters[part], given) if part in rasters else given
    lost = sum(pixels.size for pixels in flat.values()) - sum(pixels.size for pixels in kept.values())
    return Sides(**kept, labels=labels, given=None if given is None else np.asarray(given, np.int64), unlabelled=lost,
                 scene_hash=str(stored.get("scene_hash", "")))  # fmt: skip


def _stored(split: Given, scene: Scene) -> dict[str, Any]:
    """The arrays of a split by their names."""
    if hasattr(split, "train") and hasattr(split, "test"):
        return {key: value for key, value in vars(split).items() if value is not None}
    if isinstance(split, Sequence) and not isinstance(split, str) and len(split) == 2:
        return dict(zip(("train", "test"), split))
    path = Path(str(split))
    if path.suffix.lower() == ".npz":
        found = _npz(path, SplitError)
        if not {"train", "test"} <= set(found):
            raise SplitError(f"{path} holds {', '.join(found) or 'nothing'}; a split needs `train` and `test`")
        return found
    files = str(split).split(",")
    if len(files) != 2:
        raise SplitError(f"the split is {str(split)!r:.80}; expected split.npz, or two rasters: train.tif,test.tif")
    return {part: _raster(Path(file.strip()), scene) for part, file in zip(("train", "test"), files)}


def _pixels(part: str, array: Any, scene: Scene) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim == 2 and array.shape != scene.shape:
        raise SplitError(f"{part} is {array.shape}, {scene.name} is {scene.shape} (row, col); give its own split")
    flat = np.flatnonzero(array) if array.ndim == 2 else array
    if flat.ndim != 1 or (flat.size and flat.dtype.kind not in "ui"):
        raise SplitError(f"{part} is {flat.dtype} {flat.shape}; expected flat indices row * cols + col, or a raster")
    if flat.size and not 0 <= int(flat.min()) <= int(flat.max()) < scene.labels.size:
        raise SplitError(f"{part} names pixels outside {scene.name}, which is {scene.shape} (row, col)")
    return np.unique(flat).astype(np.int64)


def read_map(prediction: Any, scene: Scene) -> tuple[np.ndarray, str]:
    """Classes (row, col) int64 of a map, 0 for no answer, and what was noticed, "" for nothing.

    Args:
        prediction: What `predict_map` gives; an array (row, col); or the path of a raster, or of an npz with `labels`.
            Where a raster names its classes as the scene does, but in another order, its values follow the names.

    Raises:
        ValueError: When it has another size, or holds other than whole numbers 0..C.
    """
    names: Sequence[str] = ()
    if isinstance(prediction, str | Path):
        path = Path(prediction)
        if path.suffix.lower() == ".npz":
            found = _npz(path, ValueError)
            if "labels" not in found:
                raise ValueError(f"{path} holds {', '.join(found) or 'nothing'}; a map needs `labels` (row, col)")
            array = found["labels"]
        else:
            array, names = _raster(path, scene), open_layer(path).class_names
    else:
        array = np.asarray(getattr(prediction, "labels", prediction))
    if array.shape != scene.shape:
        raise ValueError(f"the map is {array.shape}, {scene.name} is {scene.shape} (row, col); give a map of it")
    if array.dtype.kind not in "uib" and not (array.dtype.kind == "f" and np.array_equal(array, np.rint(array))):
        raise ValueError(f"the map holds {array.dtype} values that are no classes; expected 0..{scene.n_classes}")
    if array.min() < 0 or array.max() > scene.n_classes:
        raise ValueError(f"the map runs from {array.min():.0f} to {array.max():.0f}, expected 0 to {scene.n_classes}")
    array = array.astype(np.int64)
    if sorted(names) == sorted(scene.class_names) and tuple(names) != tuple(scene.class_names):
        order = np.array([0, *(list(scene.class_names).index(name) + 1 for name in names)])
        return order[array], "The map numbers the classes in another order than the scene; its names were followed."
    return array, ""


def _raster(path: Path, scene: Scene) -> np.ndarray:
    """Values (row, col) of a raster of one channel on the scene's grid, 0 where there is none."""
    layer = open_layer(path)
    if layer.shape[2] != 1:
        raise ValueError(f"{path} is {layer.shape}, expected one channel (row, col)")
    return np.nan_to_num(place(layer, scene, classes=True).values(slice(0, scene.shape[0]), slice(0, scene.shape[1])))[
        ..., 0
    ]


def _npz(path: Path, error: type[ValueError]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as held:
            return {key: held[key] for key in held.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as problem:
        reason = "it is missing" if isinstance(problem, FileNotFoundError) else str(problem).split("\n")[0]
        raise error(f"{path} cannot be read as an npz of arrays: {reason}") from None
