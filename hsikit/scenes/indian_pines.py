"""Indian Pines: AVIRIS over farmland in Indiana, 1992; read from files that the package tensorly carries."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.facts import SceneFacts, SceneFile, find
from hsikit.scenes.layers import read_numpy
from hsikit.scenes.scene import Scene, SceneError

CLASSES = (
    ("alfalfa", "#b5cf6b"),
    ("corn-notill", "#ff7f0e"),
    ("corn-mintill", "#ffbb78"),
    ("corn", "#e6c229"),
    ("grass-pasture", "#2ca02c"),
    ("grass-trees", "#17692b"),
    ("grass-pasture-mowed", "#98df8a"),
    ("hay-windrowed", "#c49c94"),
    ("oats", "#f7f3a1"),
    ("soybean-notill", "#1f77b4"),
    ("soybean-mintill", "#6baed6"),
    ("soybean-clean", "#17becf"),
    ("wheat", "#8c564b"),
    ("woods", "#0b3d1e"),
    ("buildings-grass-trees-drives", "#9467bd"),
    ("stone-steel-towers", "#d62728"),
)
# Usual class number of values 1..16 in the fixed 695-pixel split.
SPLIT_ORDER = (2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16, 1, 7, 9)
SPLIT_URL = (
    "https://raw.githubusercontent.com/danfenghong/IEEE_TGRS_GCN/"
    "d53879216c428270476edf0ac966671cdc796477/DataGeneration_Functions/"
)

# Band centres of the 200 kept AVIRIS bands.
# fmt: off
WAVELENGTHS_NM = np.array([
    400.02, 409.82, 419.62, 429.43, 439.25, 449.07, 458.9, 468.73, 478.57, 488.41, 498.26, 508.12, 517.98,
    527.85, 537.72, 547.6, 557.49, 567.38, 577.28, 587.18, 597.09, 607.01, 616.93, 626.85, 636.78, 646.72,
    656.67, 666.61, 676.57, 686.53, 696.5, 686.91, 696.55, 706.19, 715.83, 725.47, 735.11, 744.74, 754.38,
    764.01, 773.64, 783.27, 792.91, 802.53, 812.21, 821.79, 831.41, 841.04, 850.66, 860.28, 869.91, 879.53,
    889.14, 898.76, 908.38, 917.99, 927.61, 937.22, 946.83, 956.45, 966.06, 975.66, 985.27, 994.88, 1004.48,
    1014.09, 1023.69, 1033.29, 1042.89, 1052.49, 1062.09, 1071.69, 1081.29, 1090.88, 1100.48, 1110.07,
    1119.66, 1129.25, 1138.84, 1148.43, 1158.02, 1167.61, 1177.19, 1186.77, 1196.36, 1205.94, 1215.52,
    1225.1, 1234.68, 1244.26, 1253.83, 1263.41, 1272.98, 1282.55, 1273.0, 1282.96, 1292.93, 1302.89,
    1312.85, 1322.81, 1332.77, 1342.73, 1352.68, 1422.34, 1432.28, 1442.23, 1452.17, 1462.11, 1472.05,
    1481.99, 1491.92, 1501.86, 1511.79, 1521.73, 1531.66, 1541.59, 1551.52, 1561.44, 1571.37, 1581.3,
    1591.22, 1601.14, 1611.06, 1620.98, 1630.9, 1640.81, 1650.73, 1660.64, 1670.56, 1680.47, 1690.38,
    1700.28, 1710.19, 1720.1, 1730.0, 1739.9, 1749.81, 1759.71, 1769.6, 1779.5, 1789.4, 1799.29, 1809.19,
    1819.08, 1953.26, 1963.25, 1973.24, 1983.23, 1993.22, 2003.2, 2013.18, 2023.16, 2033.13, 2043.1,
    2053.07, 2063.04, 2073.0, 2082.97, 2092.92, 2102.88, 2112.83, 2122.78, 2132.73, 2142.68, 2152.62,
    2162.56, 2172.5, 2182.43, 2192.37, 2202.3, 2260.22, 2270.15, 2232.07, 2241.99, 2251.9, 2261.82, 2271.73,
    2281.64, 2291.54, 2301.45, 2311.35, 2321.25, 2331.14, 2341.03, 2350.92, 2360.81, 2370.7, 2380.58,
    2390.46, 2400.33, 2410.21, 2420.08, 2429.95, 2439.81, 2449.68, 2459.54, 2469.4, 2479.25, 2489.11,
    2498.96,
])
# fmt: on

FACTS = SceneFacts(
    name="indian_pines",
    rows=145,
    cols=145,
    bands=200,
    lidar=0,
    classes=16,
    labelled=10_249,
    licence="CC BY 3.0",
    citation=(
        "Baumgardner, Biehl & Landgrebe (2015), 220 Band AVIRIS Hyperspectral Image Data Set: June 12, 1992 "
        "Indian Pine Test Site 3, Purdue University Research Repository, doi:10.4231/R7RX991C"
    ),
    files=(
        SceneFile(
            "IndianTR123_temp123.tif",
            (SPLIT_URL + "IndianTR123_temp123.tif",),
            "9f7cb2caea985577c11bbeea1086c9348aa067ab7e3825d2fa671508b4ae6684",
            required=False,
        ),
        SceneFile(
            "IndianTE123_temp123.tif",
            (SPLIT_URL + "IndianTE123_temp123.tif",),
            "f7a8e34026ce97a4a21918441f7b03dba0718f63ff2619d1a35dcaa33da24ad3",
            required=False,
        ),
    ),
    folders=("indian_pines_split",),
)


def load_indian_pines() -> Scene:
    """Indian Pines: 145 x 145 pixels, 200 bands, 16 classes, uint16 raw sensor counts (not reflectance).

    This is the cube that everybody uses, bit for bit, and it is damaged: every byte 0x0D became 0x0A, which makes 2.9 %
    of its samples 768 too low (`hsikit.scenes.byte_damage`; `indian_pines_repaired` mends them).

    The two arrays are read from the installed files of tensorly, which is not imported. Band centres are
    those tensorly gives; where AVIRIS's spectrometers meet they are not strictly increasing, and they are
    kept so. With the two rasters of the fixed 695-pixel split in hand, `masks["official_695"]` holds it.

    Raises:
        SceneError: When tensorly's files are missing or hold something else.
    """
    return with_labels(FACTS, published_cube(), WAVELENGTHS_NM)


def published_cube() -> np.ndarray:
    """The published counts (145, 145, 200) uint16.

    Raises:
        SceneError: When tensorly's files are missing or hold something else.
    """
    return _read(tensorly_data() / "Indian_pines_corrected.npy", (145, 145, 200))


def with_labels(facts: SceneFacts, cube: np.ndarray, wavelengths_nm: np.ndarray, **place: Any) -> Scene:
    """A scene of any cube (145, 145, band) of this place, with the labels, names, colours and masks all of them share.

    Raises:
        SceneError: When tensorly's labels are missing or hold something else.
    """
    labels = _read(tensorly_data() / "Indian_pines_gt.npy", (145, 145))
    return Scene(
        name=facts.name,
        hsi=cube,
        labels=labels,
        class_names=tuple(name for name, _ in CLASSES),
        colors=tuple(color for _, color in CLASSES),
        units="raw sensor counts",
        wavelengths_nm=wavelengths_nm,
        masks=official_masks(labels),
        gsd_m=20.0,
        citation=facts.citation,
        licence=facts.licence,
        **place,
    )


def tensorly_data() -> Path:
    """The folder of tensorly's data files, found without importing tensorly.

    Raises:
        SceneError: When tensorly is not installed.
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
