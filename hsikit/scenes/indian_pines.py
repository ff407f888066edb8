"""Indian Pines: AVIRIS over farmland in Indiana, 1992; read from files that the package tensorly carries."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.layers import read_numpy
from hsikit.scenes.published import SceneFacts, catalogue, find, scene_of
from hsikit.scenes.scene import Scene, SceneError

# Usual class number of values 1..16 in the fixed 695-pixel split.
SPLIT_ORDER = (2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16, 1, 7, 9)
FACTS = catalogue()["indian_pines"]
WAVELENGTHS_NM = np.asarray(FACTS.wavelengths_nm)


def load_indian_pines() -> Scene:
    """Indian Pines: 145 x 145 pixels, 200 bands, 16 classes, uint16 raw sensor counts (not reflectance).

    This is the cube that everybody uses, bit for bit, and it is damaged: every byte 0x0D became 0x0A, which makes 2.9 %
    of its samples 768 too low (`hsikit.scenes.byte_damage`; `indian_pines_repaired` mends them).

    The two arrays are read from the installed files of tensorly, which is not imported. Band centres are those tensorly
    gives; where AVIRIS's spectrometers meet they are not strictly increasing, and they are kept so. With the two
    rasters of the fixed 695-pixel split in hand, `masks["official_695"]` holds it. Raises `SceneError` when tensorly's
    files are missing or hold something else.
    """
    return with_labels(FACTS, published_cube(), WAVELENGTHS_NM)


def published_cube() -> np.ndarray:
    """The published counts (145, 145, 200) uint16.

    Raises `SceneError` when tensorly's files are missing or hold something else.
    """
    return _read(tensorly_data() / "Indian_pines_corrected.npy", (145, 145, 200))


def with_labels(facts: SceneFacts, cube: np.ndarray, wavelengths_nm: np.ndarray, **place: Any) -> Scene:
    """A scene of any cube (145, 145, band) of this place, with the labels, names, colours and masks all of them share.

    Raises `SceneError` when tensorly's labels are missing or hold something else.
    """
    labels = _read(tensorly_data() / "Indian_pines_gt.npy", (145, 145))
    return scene_of(facts, cube, labels, wavelengths_nm=wavelengths_nm, masks=official_masks(labels), **place)


def tensorly_data() -> Path:
    """The folder of tensorly's data files, found without importing tensorly.

    Raises `SceneError` when tensorly is not installed.
    """
    spec = find_spec("tensorly")
    if spec is None or not spec.submodule_search_locations:
        raise SceneError("indian_pines comes with the package tensorly, which is not installed: pip install tensorly")
    return Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data"


def official_masks(labels: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The fixed 695 / 9,671 split in the usual class numbers, or nothing when its rasters are not in hand.

    256 of its pixels are unlabelled in the usual ground truth, and 139 labelled ones are in neither raster;
    the rasters are kept as published.
    """
    paths = [find(FACTS, f.name) for f in FACTS.files]
    if not all(paths):
        return {}
    to_usual = np.array((0, *SPLIT_ORDER), np.int16)
    rasters = []
    for path in paths:
        values = _read_tiff(str(path))
        if values.shape != labels.shape or values.max() > len(SPLIT_ORDER):
            raise SceneError(f"{path}: {values.shape} with values up to {values.max()}, expected (145, 145) and 0..16")
        rasters.append(to_usual[values])
    return {"official_695": (rasters[0], rasters[1])}


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = read_numpy(path)
    except SceneError as error:
        raise SceneError(f"{error}; reinstall tensorly") from error
    if array.shape != shape:
        raise SceneError(f"{path} holds {array.shape}, expected {shape}; reinstall tensorly")
    return np.ascontiguousarray(array)


def _read_tiff(path: str) -> np.ndarray:
    from PIL import Image  # opens a small TIFF in a fifth of the time that rasterio takes to import

    try:
        with Image.open(path) as image:
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise SceneError(f"{path} is not a readable TIFF ({error})") from error
