"""A class map as a Cloud-Optimised GeoTIFF that a GIS opens in place, with colours and class names."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from hsikit._util import replacing
from hsikit._util.errors import DiskError, door
from hsikit.scenes.scene import Scene, SceneError

STEP, CACHE_MB = 512, 64  # rows written at a time; GDAL's own cache would be a twentieth of the machine's memory


class NoRoomError(SceneError, DiskError):
    """A map that its disk has no room for."""


@dataclass(frozen=True)
class Grid:
    """What a map needs to know of its scene: name, place on the ground, classes, and the files that it came from."""

    name: str
    crs: Any
    transform: Any
    class_names: Sequence[str]
    colors: Sequence[str] = ()
    simulated: bool = False
    gcps: Any = None
    files: Sequence[Path] = ()


@door
def write_map(path: str | Path, labels: np.ndarray, scene: Scene, scores: np.ndarray | None = None) -> list[Path]:
    """Write a class map, and its scores beside it, on the scene's grid.

    The map holds 0 (nothing) and classes 1..C, with the scene's CRS, a colour table and the class names (as
    band metadata, and in an ``.aux.xml`` that GDAL and QGIS read). `scores` become ``<name>_scores.tif``:
    float32, a band for each class, described by its name.

    Args:
        path: Where the map goes; ``.tif`` is added if there is no suffix.
        labels: Whole numbers 0..C (row, col).
        scene: Gives grid, CRS, colours and names.
        scores: (row, col, C), or None.

    Returns:
        The rasters written: the map, and the scores if there are any.

    Raises:
        SceneError: When shapes do not fit the scene, classes are not its own, the files cannot be written, or
            are those that the scene was read from.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> [path.name for path in hsikit.write_map("map.tif", scene.labels, scene)]
        ['map.tif']
    """
    path = Path(path) if Path(path).suffix else Path(f"{path}.tif")
    beside = path.with_name(f"{path.stem}_scores{path.suffix}")
    spare_input((path, Path(f"{path}.aux.xml"), *([] if scores is None else [beside])), scene.files)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise SceneError(f"{path.name} ends in {path.suffix!r}, but a map is a GeoTIFF; name it .tif")
    labels = _checked_labels(labels, scene)
    if scores is not None and scores.shape != (*scene.shape, scene.n_classes):
        wanted = (*scene.shape, scene.n_classes)
        raise SceneError(f"the scores are {scores.shape}, expected {wanted} (row, col, class) of {scene.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = [write_grid(path, labels, scene)]
        if scores is not None:
            written.append(_write_scores(beside, scores, scene))
    except DiskError as error:
        raise NoRoomError(str(error)) from error
    except OSError as error:
        raise SceneError(f"{path} cannot be written ({error.strerror or error})") from error
    return written


def spare_input(outputs: Sequence[Path], files: Sequence[Path]) -> None:
    """Raises `SceneError` where an output is, or lies in or around, a file that a scene was read from."""
    for out in outputs:
        for file in files:
            one, other = out.resolve(), file.resolve()
            same = out.exists() and file.exists() and out.samefile(file)
            if same or one == other or other in one.parents or (one in other.parents and out.suffix == ".zarr"):
                raise SceneError(f"{out} is a file that the scene is read from; name another one for the map")


def _checked_labels(labels: np.ndarray, scene: Scene) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != scene.shape:
        raise SceneError(f"the map is {labels.shape}, expected {scene.shape} (row, col) of {scene.name}")
    whole = labels.dtype.kind in "uib" or (labels.dtype.kind == "f" and np.all(labels == np.rint(labels)))
    if not whole or labels.min() < 0 or labels.max() > scene.n_classes:
        raise SceneError(f"the map must hold whole numbers 0 to {scene.n_classes}, the classes of {scene.name}")
    return labels.astype(class_dtype(scene.class_names))


def class_dtype(class_names: Sequence[str]) -> np.dtype:
    """The smallest type that holds all classes."""
    return np.dtype(np.uint8 if len(class_names) < 256 else np.uint16)


def write_grid(path: Path, labels: np.ndarray, scene: Scene | Grid) -> Path:
    """Write a class map (row, col) of uint8 or uint16 that may be memory-mapped; see `write_map`."""

    def describe(target: Any) -> None:
        target.write_colormap(1, {i: _rgba(color) for i, color in enumerate(("#00000000", *scene.colors))})
        target.update_tags(1, **{f"CLASS_{i}": name for i, name in enumerate(scene.class_names, 1)})
        target.update_tags(class_names=json.dumps(list(scene.class_names)), scene=scene.name)
        if scene.simulated:
            target.update_tags(note="map of a simulated scene")
        target.set_band_description(1, "class")

    with replacing(Path(f"{path}.aux.xml")) as sidecar, replacing(path, labels.nbytes) as temporary:
        _write_cog(temporary, labels[None], scene, describe, nodata=0, overviews="MODE", predictor="NO")
        sidecar.write_text(_category_names(scene), encoding="utf-8")
    return path


def _write_scores(path: Path, scores: np.ndarray, scene: Scene) -> Path:
    def describe(target: Any) -> None:
        for i, name in enumerate(scene.class_names, 1):
            target.set_band_description(i, name)

    bands = np.moveaxis(np.asarray(scores, np.float32), -1, 0)  # (row, col, class) -> (class, row, col)
    with replacing(path, bands.nbytes) as temporary:
        _write_cog(temporary, bands, scene, describe, nodata=np.nan, overviews="AVERAGE", predictor="YES")
    return path


def _write_cog(
    path: Path, bands: np.ndarray, scene: Scene | Grid, describe: Any, nodata: float, overviews: str, predictor: str
) -> None:
    """Write (band, row, col) through a plain GeoTIFF beside it, as GDAL makes Cloud-Optimised ones by copying."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.shutil import copy

    profile = {
        "driver": "GTiff", "count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2],
        "dtype": bands.dtype, "crs": scene.crs, "nodata": nodata, "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    if scene.transform is not None:
        profile["transform"] = scene.transform
    elif scene.gcps is not None:
        profile |= {"gcps": scene.gcps[0], "crs": scene.gcps[1]}
    options = {"compress": "DEFLATE", "predictor": predictor, "overview_resampling": overviews}
    plain = path.with_name(f"{path.name}.plain")
    try:
        with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_CACHEMAX=CACHE_MB):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(plain, "w", **profile) as target:
                for row in range(0, bands.shape[1], STEP):  # a few rows at a time: the map may lie on disk
                    part = bands[:, row : row + STEP]
                    target.write(part, window=((row, row + part.shape[1]), (0, part.shape[2])))
                describe(target)
            copy(plain, path, driver="COG", **options)
    except RasterioError as error:
        raise OSError(str(error).splitlines()[0]) from error
    finally:
        plain.unlink(missing_ok=True)


def _category_names(scene: Scene | Grid) -> str:
    """The names of values 0..C as GDAL's side file states them."""
    names = "".join(f"<Category>{escape(name)}</Category>" for name in ("unlabelled", *scene.class_names))
    band = f'<PAMRasterBand band="1"><CategoryNames>{names}</CategoryNames></PAMRasterBand>'
    return f"<PAMDataset>{band}</PAMDataset>\n"


def _rgba(color: str) -> tuple[int, int, int, int]:
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = (round(255 * part) for part in to_rgba(color))
    return red, green, blue, alpha
