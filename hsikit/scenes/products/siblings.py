"""The files that belong to a product's cube and lie beside it: heights, masks, metadata."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from hsikit.scenes.layers import Finding, Layer
from hsikit.scenes.products.hdf5 import cube_of, opened
from hsikit.scenes.scene import SceneError, readable

NEON_TILE = re.compile(r"NEON_D\d\d_([A-Z]{4})_DP3_(\d+)_(\d+)_", re.IGNORECASE)
NEON_VISIT = re.compile(r"(20\d\d)_[A-Z]{4}_\d+")  # the folder of a year's flights over a site
EMIT_CLOUDS = [0, 1, 3, 4]  # cloud, cirrus, spacecraft, dilated cloud: what NASA's own how-to joins
IMAGE = re.compile(r"SPECTRAL_IMAGE(_COG)?\.(tiff?|jp2|bsq|bil|bip)$", re.IGNORECASE)  # of DLR's products
IMAGES = (".tif", ".tiff", ".jp2", ".bsq", ".bil", ".bip")  # as they can be ordered
XML_BYTES = 64 << 20


def neon_heights(path: Path, site: str, cube: Layer) -> tuple[dict[str, Path], tuple[Finding, ...]]:
    """CHM and DSM of a cube's tile, which is named after its lower left corner; of the same flights if there are."""
    name, t = NEON_TILE.search(path.name), cube.transform
    tile = name.groups() if name else (site, f"{t.c:.0f}", f"{t.f + t.e * cube.shape[0]:.0f}")
    tree = next((folder.parent for folder in path.absolute().parents if folder.name.startswith("DP3.30006")), None)
    year, found, other = NEON_VISIT.search(str(path.absolute())), {}, []
    for kind in ("CHM", "DSM"):
        pattern = "NEON_D??_{}_DP3_{}_{}_{}.tif".format(*tile, kind)
        near = sorted(path.parent.glob(pattern)) or ([] if tree is None else sorted(tree.rglob(pattern)))
        same = [tif for tif in near if year and year[0] in str(tif)]
        if near:
            found[kind] = (same or near)[0]
            other += [] if same or not year or not NEON_VISIT.search(str(near[0])) else [near[0].name]
    note = ("heights of another year", ", ".join(other), "get those of the cube's own flights, or name `lidar`")
    return found, (note,) if other else ()


def emit_clouds(path: Path, shape: tuple[int, int]) -> tuple[np.ndarray, list[Path], tuple[Finding, ...]]:
    """Raw pixels (downtrack, crosstrack) under cloud, of the mask file of the same time and scene; versions may differ.

    Where there is none, no pixel is, and that is said. Raises `SceneError` when that file is damaged or of another
    size.
    """
    name = re.search(r"_(\d{8}T\d{6})_\d+_(\d+)", path.name)
    beside = sorted(path.parent.glob(f"EMIT_L2A_MASK_*_{name[1]}_*_{name[2]}*.nc")) if name else []
    if not beside:
        note = ("clouds not masked", f"no EMIT_L2A_MASK file of this scene lies beside {path.name}",
                "download it too, into the same folder, or give `valid`")  # fmt: skip
        return np.zeros(shape, bool), [], (note,)
    with opened(beside[0], "EMIT mask file") as file:
        mask = cube_of(beside[0], file, "mask")
        if mask.shape[:2] != shape:
            raise SceneError(f"{beside[0]} is {mask.shape[:2]}, {path.name} {shape}; put the mask of this scene there")
        return (mask[:, :, EMIT_CLOUDS] > 0).any(2), beside[:1], ()


def delivered(path: Path) -> tuple[Path, Path, Any] | None:
    """Image, metadata and their parsed root, of a product as DLR delivers it; None where the path is none.

    Args:
        path: The unpacked folder, its metadata, or its spectral image.

    Raises:
        SceneError: When metadata or image are missing or damaged, or the folder holds several products.
    """
    ending = path.suffix.lower()
    if not path.is_dir() and ending not in (".xml", *IMAGES):
        return None
    inside = sorted(path.iterdir() if path.is_dir() else path.parent.iterdir())
    xmls = [path] if ending == ".xml" else [file for file in inside if file.name.lower().endswith(".xml")]
    xmls = xmls if path.is_dir() or ending == ".xml" else [file for file in xmls if _stem(file) == _stem(path)]
    found = [(file, root) for file in xmls if (root := _root(file)) is not None]
    if not found:
        if ending in IMAGES and IMAGE.search(path.name):
            raise SceneError(f"{path} has no METADATA.XML beside it, which holds its bands and scale; put it there")
        return None
    if len(found) > 1:
        raise SceneError(f"{path} holds several products ({', '.join(f.name for f, _ in found)}); name one's METADATA")
    file, root = found[0]
    images = [f for f in inside if f.suffix.lower() in IMAGES and not re.search("(^|[-_])QL_", f.name)]
    images = [f for f in images if IMAGE.search(f.name) and _stem(f) == _stem(file)] or images
    if len(images) != 1 and (path.is_dir() or ending == ".xml"):
        raise SceneError(f"{file} has {len(images)} images beside it, expected one: its SPECTRAL_IMAGE.TIF")
    return path if ending in IMAGES and path.is_file() else images[0], file, root


def quality_layers(image: Path, names: str) -> dict[str, Path]:
    """Quality rasters of a delivered product, by what stands after `QL_QUALITY` in their names."""
    found = {}
    for file in sorted(image.parent.iterdir()):
        name = re.search(rf"QL_QUALITY[-_]({names})(_COG)?\.tiff?$", file.name, re.IGNORECASE)
        if name and _stem(file) == _stem(image):
            found[name[1].upper()] = file
    return found


def _stem(file: Path) -> str:
    """What the names of one product's files begin with."""
    parts = re.split("SPECTRAL_IMAGE|METADATA|QL_", file.name, maxsplit=1, flags=re.IGNORECASE)
    return parts[0].upper() if len(parts) > 1 else file.stem.upper()


def _root(file: Path) -> Any:
    """The root of metadata that describe bands; None for other XML, as of GDAL."""
    if file.name.lower().endswith(".aux.xml") or file.stat().st_size > XML_BYTES:
        return None
    try:
        with readable(file, "metadata file", "download it again"):
            root = ElementTree.parse(file).getroot()
    except SceneError:
        if "METADATA" in file.name.upper():
            raise
        return None
    return root if root.find(".//{*}bandCharacterisation") is not None else None
