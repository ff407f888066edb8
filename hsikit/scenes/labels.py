"""Labels of a user's scene and the names of their classes: from rasters, or drawn as points and polygons in a GIS."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.envi import decoded
from hsikit.scenes.layers import Finding, Layer
from hsikit.scenes.place import place
from hsikit.scenes.scene import SceneError, readable

VECTORS = (".gpkg", ".geojson", ".json", ".shp")
NOT_LOOKED_AT = (255, 65535, 32767, 9999, 999, 99)  # what rasters without a no-data value hold where nobody looked


@dataclass(frozen=True)
class Labels:
    """Labels (row, col), the names and colours that they count by, and what was noticed."""

    raster: np.ndarray
    names: list[str]
    colors: list[str] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()


def raster_labels(layer: Layer, cube: Layer, names: list[str], colors: list[str],
                  values: Mapping[int, str] | None = None) -> Labels:  # fmt: skip
    """Labels of a raster, placed on the cube's grid.

    Args:
        layer: One channel of whole numbers; 0, NaN and no-data are unlabelled.
        cube: Gives the grid.
        names, colors: Of values 1..C; where empty, those that the raster's file keeps, or "class 1" and so on.
        values: Value in the raster -> name of its class; any other value is unlabelled.

    Raises:
        SceneError: When it has several channels or cannot be placed.
    """
    if layer.shape[2] != 1:
        raise SceneError(f"{layer.path} is {layer.shape}, expected one channel (row, col)")
    layer = place(layer, cube, classes=True)
    found = list(layer.findings)
    raster = layer.values(*layer.everywhere)[..., 0]
    zeros = bool((raster == 0).any())
    if values is None:
        raster = np.nan_to_num(raster)  # unlabelled is NaN, as many programs write it
    if layer.quality is not None and (pure := layer.quality(*layer.everywhere)[..., 0][raster > 0]).size:
        found.append(("labels of a finer grid", f"{layer.path.name}: on average {np.nanmean(pure):.0%} of a pixel's "
                      f"finer labels agree with it, in {np.mean(pure < 0.75):.0%} of pixels fewer than three quarters",
                      "leave mixed pixels out where they matter"))  # fmt: skip
    if values is not None:
        raster, names, lost = _by_value(raster, values)
        if lost:
            found.append(("values that no class has", f"{layer.path.name}: {lost}", "add them to `class_values`"))
        return Labels(raster, names, colors, tuple(found))
    given = bool(names)
    if not names and layer.class_names:
        names, colors = list(layer.class_names), list(layer.colors)
    held = np.unique(raster[raster > 0])
    if not names and held.size and np.isfinite(held).all():
        top = int(held[-1])
        if top in NOT_LOOKED_AT and (held.size == 1 or held[-2] <= top // 2):
            share = f"{layer.path.name}: {np.mean(raster == top):.0%} of pixels"
            found.append((f"value {top} taken as unlabelled", share,
                          f"if it is a class, name it with `class_values: {{{top}: ...}}`"))  # fmt: skip
            raster, held = np.where(raster == top, 0, raster), held[:-1]
        names = [f"class {i}" for i in range(1, min(int(held[-1]) if held.size else 0, 1000) + 1)]
        if held.size and len(names) > 2 * held.size:
            found.append(("label numbers with gaps", f"{held.size} numbers up to {int(held[-1])}",
                          "name those that occur: `class_values: {1: ..., 10..14: ...}`"))  # fmt: skip
    if zeros and held.size and given and held[-1] == len(names) - 1:
        found.append(("labels may count from 0", f"{layer.path.name}: the highest of {len(names)} classes does not "
                      "occur, but value 0 does, which is read as unlabelled",
                      f"if value 0 is {names[0]!r}, write `class_values: {{0: {names[0]}, 1: ...}}`"))  # fmt: skip
    return Labels(raster, names, colors, tuple(found))


def _by_value(raster: np.ndarray, values: Mapping[int, str]) -> tuple[np.ndarray, list[str], str]:
    names = list(dict.fromkeys(values.values()))
    out = np.zeros(raster.shape, np.int16)
    for value, name in values.items():
        out[raster == value] = names.index(name) + 1
    others = np.unique(raster[~np.isin(raster, [0, *values]) & np.isfinite(raster)])
    return out, names, ", ".join(f"{v:g}" for v in others[:8]) + (", ..." if others.size > 8 else "")


def class_values(path: Path, value: Any) -> dict[int, str] | None:
    """Value -> name out of the YAML's `class_values: {1: gravel, 10..14: sedge}`.

    Raises `SceneError` when it is no such mapping, or a value is given twice.
    """
    if value is None:
        return None
    wanted = f"{path}: class_values must be like {{1: gravel, 10..14: sedge}}"
    if not isinstance(value, dict) or not value:
        raise SceneError(wanted)
    found: dict[int, str] = {}
    for key, name in value.items():
        match = re.fullmatch(r"\s*(-?\d+)\s*(?:(?:\.\.|-|to)\s*(-?\d+))?\s*", str(key))
        if not match or not isinstance(name, str) or not name.strip():
            raise SceneError(f"{wanted}, found {str(key)[:40]!r}: {str(name)[:40]!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= first + 65535:
            raise SceneError(f"{path}: class_values {str(key)!r} is no range of values from low to high")
        for number in range(first, last + 1):
            if number in found:
                raise SceneError(f"{path}: class_values gives {number} twice")
            found[number] = name.strip()
    return found


def read_classes(path: Path, value: Any, listed: Path | None) -> tuple[list[str], list[str]]:
    """Class names and their colours (both may be empty) from a list, a mapping name: colour, or a text file.

    Args:
        path: The YAML file, for messages.
        value: What stands under `classes`, its words as they are written.
        listed: The text file that it names, with a line a class: ``name`` or ``name, colour``; or None.

    Raises:
        SceneError: When a name is given twice, a colour is none, or only some classes have one.
    """
    if value is None:
        return [], []
    if listed is not None:
        pairs = _class_lines(path, listed)
    elif isinstance(value, dict):
        pairs = [(str(name), None if color in (None, "", "~", "null", "Null", "NULL") else str(color))
                 for name, color in value.items()]  # fmt: skip
    elif isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value):
        pairs = [(str(name), None) for name in value]
    else:
        raise SceneError(f"{path}: classes must be a list of names, a mapping name: colour, or a text file")
    names = [name for name, _ in pairs]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise SceneError(f"{path}: class {twice[0]!r} is named twice; give each class its own name")
    colors = [color for _, color in pairs if color]
    if colors and len(colors) != len(names):
        raise SceneError(f"{path}: {len(colors)} colours for {len(names)} classes; give one a class, or none")
    return names, [_hex(path, color) for color in colors]


def _class_lines(path: Path, listed: Path) -> list[tuple[str, str | None]]:
    try:
        if listed.exists() and not listed.is_file():
            raise OSError("it is no file")
        lines = [line.strip() for line in decoded(listed.read_bytes()).splitlines()]
    except OSError as error:
        raise SceneError(f"{path}: the class file {listed} cannot be read ({error})") from error
    parts = [[p.strip() for p in line.split(",", 1)] for line in lines if line]
    return [(p[0], p[1] if len(p) > 1 else None) for p in parts]


def _hex(path: Path, color: str) -> str:
    from matplotlib.colors import to_hex

    try:
        return to_hex(color)
    except ValueError:
        raise SceneError(f"{path}: {color[:40]!r} is no colour; write one as '#rrggbb'") from None


# --- drawn in a GIS ------------------------------------------------------------------------------


def drawn_labels(path: Path, attribute: str | None, layer: str | None, encoding: str | None, names: Sequence[str],
                 cube: Layer) -> tuple[np.ndarray, list[str]]:  # fmt: skip
    """Labels (row, col) of a layer of points or polygons, and the class names they count by.

    A pixel belongs to a polygon when its centre does, and to a point that lies in it. Later shapes win.

    Args:
        path: The file; its shapes are brought to the cube's CRS.
        attribute: With the class, by name or by number 1..C. Default: ``class``.
        layer: Which layer of the file; may be left out where there is one.
        encoding: Of its texts, where the file does not say.
        names: Class names in order; empty to take the attribute's own, sorted, numbers as numbers.
        cube: Gives the grid.

    Raises:
        SceneError: When geopandas is not installed, the cube has no place on the ground, or the file has several
            layers, no such attribute, unknown classes, or nothing within the scene.
    """
    if cube.crs is None or cube.transform is None:
        raise SceneError(f"{path}: drawn labels need a georeferenced cube; this one has no CRS")
    shapes = _read_shapes(path, layer, encoding)
    attribute = attribute or "class"
    if attribute not in shapes.columns:
        there = ", ".join(c for c in shapes.columns if c != shapes.geometry.name) or "none"
        raise SceneError(f"{path} has no field {attribute!r}; it has: {there}")
    if shapes.crs is None:
        raise SceneError(f"{path} does not say its coordinate system; set its CRS")
    shapes = shapes[~(shapes.geometry.is_empty | shapes.geometry.isna() | shapes[attribute].isna())]
    with readable(path, "layer in the cube's coordinate system", "reproject it to that first"):  # PROJ has its own
        shapes = shapes.to_crs(cube.crs.to_wkt())
    numbers, names = _numbers(path, list(shapes[attribute]), list(names))
    from rasterio.features import rasterize

    burnt = [(shape, number) for shape, number in zip(shapes.geometry, numbers)]
    labels = np.zeros(cube.shape[:2], np.int16)
    if burnt:
        labels = rasterize(burnt, cube.shape[:2], transform=cube.transform, fill=0, dtype="int16")
    if not labels.any():
        raise SceneError(f"{path} marks no pixel of the scene; does it lie elsewhere?")
    return labels, names


def _read_shapes(path: Path, layer: str | None, encoding: str | None) -> Any:
    try:
        import geopandas
    except ImportError:
        raise SceneError(f"{path}: drawn labels need geopandas: pip install 'hsikit[vector]'") from None
    with readable(path, "vector layer", "export it again"):  # pyogrio and shapely raise classes of their own
        layers = geopandas.list_layers(path)
        there = [str(name) for name in layers["name"][layers["geometry_type"].notna()]]
        if layer is None and len(there) > 1:
            raise SceneError(f"{path} holds several layers ({', '.join(there)}); say which with `layer`")
        if layer is not None and layer not in there:
            raise SceneError(f"{path} has no layer {layer!r}; it has: {', '.join(there)}")
        return geopandas.read_file(
            path, layer=layer, **({"encoding": codecs.lookup(encoding).name} if encoding else {})
        )


def _numbers(path: Path, values: list[Any], names: list[str]) -> tuple[list[int], list[str]]:
    """Class numbers 1..C of the layer's values, which are names or already numbers."""
    if all(isinstance(v, (int, float, np.integer, np.floating)) and not isinstance(v, bool) for v in values):
        highest = max((int(v) for v in values if np.isfinite(v)), default=0)
        names = names or [f"class {i}" for i in range(1, min(highest, 1000) + 1)]
        wrong = [v for v in values if not np.isfinite(v) or v != int(v) or not 1 <= v <= len(names)]
        if wrong:
            raise SceneError(f"{path} has class {wrong[0]}, expected whole numbers 1 to {len(names)}")
        return [int(v) for v in values], names
    texts = [str(v) for v in values]
    numbers = all(re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", text) for text in texts)
    if names and numbers and not set(texts) <= set(names):  # numbers kept as text, names given in their order
        return _numbers(path, [float(text) for text in texts], names)
    names = names or sorted(set(texts), key=float if numbers else None)
    unknown = sorted(set(texts) - set(names))
    if unknown:
        raise SceneError(f"{path} has class {unknown[0]!r}, expected one of: {', '.join(names)}")
    return [names.index(t) + 1 for t in texts], names
