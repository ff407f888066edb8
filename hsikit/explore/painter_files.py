"""Painted labels to a file and back: GeoTIFF and polygons for a GIS, npz for a script."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from hsikit._util import arrays_of, replacing, saved
from hsikit._util.errors import door
from hsikit.explore.painting import Painting
from hsikit.scenes.colours import class_colours
from hsikit.scenes.layers import open_layer
from hsikit.scenes.place import place
from hsikit.scenes.write import spare_input, write_map

RASTERS, DRAWN = (".tif", ".tiff", ".npz"), (".geojson", ".gpkg")


def save_painting(painting: Painting, path: str | Path, overwrite: bool = False) -> Path:
    """Write labels, class names and colours; returns the path.

    A GeoTIFF holds 0..C with a colour table and names (see `hsikit.scenes.write.write_map`); an npz holds `labels`
    (row, col) int16, `class_names` and `colors`, texts (C,). A GeoJSON or GeoPackage holds a polygon for each area of
    one class, with the fields class, class_id, color and pixels: GeoJSON in longitude and latitude, as RFC 7946 asks, a
    GeoPackage in the scene's own system.

    Raises:
        ValueError: For another ending, where nothing is painted, for polygons of a scene without a CRS, or a file that
            is there already and not to be overwritten, or that the scene was read from.
    """
    path = _checked(path, (*RASTERS, *DRAWN))
    if not painting.counts().any():
        raise ValueError("nothing is painted yet, so there is nothing to save; paint some pixels first")
    spare_input([path], painting.scene.files)
    if path.exists() and not overwrite:
        raise ValueError(f"{path.name} is there already in {path.parent.resolve()}; choose another name")
    if path.suffix in DRAWN:
        return _save_polygons(painting, path)
    if path.suffix != ".npz":
        return write_map(path, painting.labels, painting.labelled_scene())[0]
    names, colors = np.array(painting.class_names), np.array(painting.colors)
    return saved(path, lambda f: np.savez_compressed(f, labels=painting.labels, class_names=names, colors=colors))


def _save_polygons(painting: Painting, path: Path) -> Path:
    scene = painting.scene
    if scene.crs is None or scene.transform is None:
        raise ValueError(
            f"{scene.name} has no place on the ground, so polygons of it would have none; save a .tif or .npz"
        )
    try:
        import geopandas
    except ImportError:
        raise ValueError("polygons need geopandas: pip install 'hsikit[vector]'") from None
    from rasterio.features import shapes
    from shapely.geometry import shape

    labels = painting.labels
    found = [(shape(outline), int(c)) for outline, c in shapes(labels, labels > 0, transform=scene.transform)]
    pixel = abs(scene.transform.determinant)
    table = geopandas.GeoDataFrame(
        {
            "class": [painting.class_names[c - 1] for _, c in found],
            "class_id": [c for _, c in found],
            "color": [painting.colors[c - 1] for _, c in found],
            "pixels": [round(polygon.area / pixel) for polygon, _ in found],
        },
        geometry=[polygon for polygon, _ in found],
        crs=scene.crs.to_wkt(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside, tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / path.name  # drivers want the ending
        (table.to_crs(4326) if path.suffix == ".geojson" else table).to_file(made)
        made.rename(aside)
    return path


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
    path = _checked(path, RASTERS)
    layer = open_layer(path, "labels" if path.suffix == ".npz" else None)
    if layer.shape[2] != 1:
        raise ValueError(f"{path} is {layer.shape}, expected one channel (row, col)")
    layer = place(layer, painting.scene, classes=True)
    rows, cols = painting.scene.shape
    labels = np.nan_to_num(layer.values(slice(0, rows), slice(0, cols))[..., 0])
    names, colors = _npz_classes(path) if path.suffix == ".npz" else (list(layer.class_names), list(layer.colors))
    count = int(labels.max(initial=0))
    names = names or [f"class {i}" for i in range(1, min(count, 1000) + 1)]
    painting.replace_all(labels, names, colors if len(colors) == len(names) else list(class_colours(names)))
    return int(painting.counts().sum())


def _checked(path: str | Path, known: tuple[str, ...]) -> Path:
    polygons = ", or .geojson or .gpkg for polygons" if ".gpkg" in known else ""
    if not str(path).strip():
        raise ValueError(f"no file is named; write one ending in .tif or .npz{polygons}")
    path = Path(str(path).strip())
    if path.suffix not in known:
        raise ValueError(f"{path.name} ends in {path.suffix!r}; name a .tif or .npz file{polygons}")
    return path


def _npz_classes(path: Path) -> tuple[list[str], list[str]]:
    with arrays_of(path) as file:
        held = {key: [str(v) for v in file[key]] if key in file else [] for key in ("class_names", "colors")}
    return held["class_names"], held["colors"]
