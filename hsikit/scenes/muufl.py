"""MUUFL Gulfport, campus 1: CASI-1500 HSI and Gemini LiDAR over a Mississippi campus, 2010, at 1 m."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.matlab import numeric, read_array, read_mat
from hsikit.scenes.published import catalogue, find, require, scene_of
from hsikit.scenes.scene import Scene, SceneError

log = logging.getLogger(__name__)

SCENE_FILE = "muufl_gulfport_campus_1_hsi_220_label.mat"
MASK_FILES = ("mask_train_150.mat", "mask_test_150.mat")
# The subset's two rectangles, as (rows, columns), 0-based with both ends included.
SUBSET = (((129, 228), (119, 218)), ((150, 239), (29, 118)))
FIVE = ("trees", "mostly grass", "road", "building", "sidewalk")  # classes that ADE20K names too, as CLIP files do
FACTS = catalogue()["muufl"]
COLORS = dict(zip(FACTS.class_names, FACTS.colors))
SUBSET_FACTS = replace(FACTS, name="muufl_subset", partial_folders=(), labelled=15_481)  # where it has HSI
FIVE_FACTS = replace(SUBSET_FACTS, name="muufl_five", classes=len(FIVE), labelled=12_706)


def load_muufl() -> Scene:
    """MUUFL Gulfport: 325 x 220 pixels, 64 bands of reflectance (float32), height and intensity, 11 classes.

    From a file that holds the HSI of the subset alone, the scene comes back named ``muufl_subset``, with a warning:
    figures measured on it do not compare with published ones. `masks["masks_150"]` holds the 150-per-class split when
    its two files are in hand. Raises `SceneError` when a file is missing, or does not have the published layout.
    """
    scene = read_muufl(require(FACTS, SCENE_FILE), FACTS.name)
    if not (scene.valid & ~subset_area(scene.shape)).any():
        log.warning("the MUUFL file at hand holds HSI for the subset alone; the scene is named muufl_subset")
        return replace(scene, name=SUBSET_FACTS.name)
    return scene


def load_muufl_subset() -> Scene:
    """MUUFL subset: as `load_muufl`, with the HSI of two rectangles (18,100 pixels) and NaN elsewhere.

    The full published file and the file of the subset give the same scene. LiDAR and labels are whole. Raises
    `SceneError` when a file is missing, or does not have the published layout.
    """
    scene = read_muufl(require(SUBSET_FACTS, SCENE_FILE), SUBSET_FACTS.name)
    valid = scene.valid & subset_area(scene.shape)
    return replace(scene, valid=valid, hsi=np.where(valid[..., None], scene.hsi, np.float32(np.nan)))


def load_muufl_five() -> Scene:
    """MUUFL subset with the labels of five classes alone, renumbered 1..5: for words that know no others.

    Raises `SceneError` as `load_muufl_subset`.
    """
    scene = load_muufl_subset()
    new = np.zeros(scene.n_classes + 1, np.int16)
    for k, name in enumerate(FIVE, 1):
        new[scene.class_names.index(name) + 1] = k
    masks = {name: (new[train], new[test]) for name, (train, test) in scene.masks.items()}
    return replace(scene, name=FIVE_FACTS.name, labels=new[scene.labels], masks=masks, class_names=FIVE,
                   colors=[COLORS[name] for name in FIVE])  # fmt: skip


def subset_area(shape: tuple[int, int]) -> np.ndarray:
    """Booleans (row, col), True inside the subset's two rectangles."""
    area = np.zeros(shape, bool)
    for (top, bottom), (left, right) in SUBSET:
        area[top : bottom + 1, left : right + 1] = True
    return area


def read_muufl(path: Path, name: str) -> Scene:
    """Read a file of the published MATLAB layout (struct `hsi`) of any size.

    A pixel is valid where `valid_mask` (if there is one) says so and its whole spectrum is finite. Raises `SceneError`
    when fields are missing or do not fit each other.
    """
    hsi = read_mat(path, "hsi")
    cube = numeric(path, "hsi.Data", _field(path, hsi, "Data"), 3).astype(np.float32, copy=False)
    labels = numeric(path, "hsi.sceneLabels.labels", _field(path, hsi, "sceneLabels", "labels"), 2)
    wavelengths = numeric(path, "hsi.info.wavelength", _field(path, hsi, "info", "wavelength"), 1)
    names = [str(n) for n in np.ravel(np.asarray(_field(path, hsi, "sceneLabels", "Materials_Type"), object))]
    lidar = numeric(path, "hsi.Lidar{1}.z", _field(path, hsi, "Lidar", 0, "z"), 3)
    valid = np.asarray(np.isfinite(cube).all(2))
    if "valid_mask" in hsi:
        mask = numeric(path, "hsi.valid_mask", hsi["valid_mask"], 2)
        if mask.shape != valid.shape:
            raise SceneError(f"{path}: hsi.valid_mask is {mask.shape}, the cube {cube.shape}")
        valid = np.logical_and(valid, mask > 0)
    return scene_of(
        FACTS, np.ascontiguousarray(cube), np.where(labels == -1, 0, labels), name=name, class_names=names,
        colors=[COLORS[n] for n in names] if all(n in COLORS for n in names) else (), wavelengths_nm=wavelengths,
        lidar=np.ascontiguousarray(lidar[..., :2], dtype=np.float32),
        lidar_names=("height (m)", "intensity (counts)")[: lidar.shape[2]], valid=valid, masks=_masks(valid.shape),
    )  # fmt: skip


def _field(path: Path, value: Any, *steps: str | int) -> Any:
    """Walk into structs and cells; a one-element cell comes unpacked, so index 0 may be the thing itself."""
    for i, step in enumerate(steps):
        if step == 0 and isinstance(value, dict):
            continue
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            at = ".".join(("hsi", *map(str, steps[: i + 1])))
            raise SceneError(f"{path} has no {at}; expected the published layout of MUUFL Gulfport") from None
    return value


def _masks(shape: tuple[int, ...]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    paths = [find(FACTS, name) for name in MASK_FILES]
    if None in paths:
        return {}
    pair = [read_array(str(p), name, 2) for p, name in zip(paths, ("mask_train", "mask_test"))]
    for path, mask in zip(paths, pair):
        if mask.shape != shape:
            raise SceneError(f"{path} is {mask.shape}, the scene {shape}; use the masks made for this scene")
    return {"masks_150": (pair[0].astype(np.int16), pair[1].astype(np.int16))}
