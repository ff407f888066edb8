"""Labels drawn as points or polygons in a GIS (GeoPackage, GeoJSON, Shapefile), burnt onto a scene's grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.scene import SceneError

VECTORS = (".gpkg", ".geojson", ".json", ".shp")


def burn_labels(
    path: Path, field: str | None, names: Sequence[str], shape: tuple[int, int], crs: Any, transform: Any
) -> tuple[np.ndarray, list[str]]:
    """Labels (row, col) of a layer of points or polygons, and the class names they count by.

    A pixel belongs to a polygon when its centre does, and to a point that lies in it. Later shapes win.

    Args:
        path: The layer; it is brought to the scene's CRS.
        field: Attribute with the class, by name or by number 1..C. Default: ``class``.
        names: Class names in order; empty to take the field's own, sorted.
        shape, crs, transform: The scene's grid.

    Raises:
        SceneError: When geopandas is not installed, the scene has no place on the ground, or the layer has
            no such field, unknown classes, or nothing within the scene.
    """
    if crs is None or transform is None:
        raise SceneError(f"{path}: drawn labels need a georeferenced cube; this one has no CRS")
    layer = _read_layer(path)
    field = field or "class"
    if field not in layer.columns:
        there = ", ".join(c for c in layer.columns if c != layer.geometry.name) or "none"
        raise SceneError(f"{path} has no field {field!r}; it has: {there}")
    if layer.crs is None:
        raise SceneError(f"{path} does not say its coordinate system; set its CRS")
    layer = layer[~(layer.geometry.is_empty | layer.geometry.isna() | layer[field].isna())].to_crs(crs.to_wkt())
    numbers, names = _numbers(path, list(layer[field]), list(names))
    from rasterio.features import rasterize

    shapes = list(zip(layer.geometry, numbers))
    labels = (
        rasterize(shapes, shape, transform=transform, fill=0, dtype="int16") if shapes else np.zeros(shape, np.int16)
    )
    if not labels.any():
        raise SceneError(f"{path} marks no pixel of the scene; does it lie elsewhere?")
    return labels, names


def _read_layer(path: Path) -> Any:
    try:
        import geopandas
    except ImportError:
        raise SceneError(f"{path}: drawn labels need geopandas: pip install 'hsikit[vector]'") from None
    try:
        return geopandas.read_file(path)
    # pyogrio and shapely raise classes of their own for every way a layer can be damaged
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise SceneError(f"{path} is not a readable vector layer ({reason})") from error


def _numbers(path: Path, values: list[Any], names: list[str]) -> tuple[list[int], list[str]]:
    """Class numbers 1..C of the layer's values, which are names or already numbers."""
    if all(isinstance(v, (int, float, np.integer, np.floating)) for v in values):
        numbers = [int(v) for v in values]
        names = names or [f"class {i}" for i in range(1, max(numbers, default=0) + 1)]
        wrong = [v for v in values if v != int(v) or not 1 <= v <= len(names)]
        if wrong:
            raise SceneError(f"{path} has class {wrong[0]}, expected whole numbers 1 to {len(names)}")
        return numbers, names
    texts = [str(v) for v in values]
    names = names or sorted(set(texts))
    unknown = sorted(set(texts) - set(names))
    if unknown:
        raise SceneError(f"{path} has class {unknown[0]!r}, expected one of: {', '.join(names)}")
    return [names.index(t) + 1 for t in texts], names
