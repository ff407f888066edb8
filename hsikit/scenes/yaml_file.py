"""The YAML file of a user's scene: its keys, and the files that it names.

    name: my_site
    hsi: cube.hdr                                # ENVI, GeoTIFF, Zarr, MATLAB, NPY, NPZ, a product; or [tiles, ...]
    lidar: [dsm.tif, {file: intensity.tif, name: intensity (counts), nodata: 0}]
    labels: {file: fields.gpkg, field: crop, layer: survey_2024}   # or a raster: labels.tif
    classes: {wheat: "#e6c229", maize: "#1b7837"}  # or a list, or a text file: name[, colour] a line
    class_values: {1: wheat, 10..14: maize}      # in the place of `classes`: which value of the raster means what
    drop_bands: [0, 103-108, 1340-1460 nm]       # counted from 0, as `scene.check()` prints them
    nodata: -9999                                # of the cube; so `scale` and `offset`: a number, or one a band
    fill: bands                                  # samples without data are drawn between the bands beside them
    byte_order: little                           # what an ENVI header should have said; so `encoding: cp1250`
    overlap: vnir                                # EnMAP, PRISMA: of overlapping detectors; else swir, or both
    prompts: my_prompts.yaml                     # the words of the classes, for models that read them

Also: units, wavelengths_nm, bad_bands (drop or keep), valid, masks, gsd_m, citation, licence. Paths are relative to the
YAML file and stay below its folder; a path may also be absolute.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np

from hsikit._util import nearest
from hsikit.scenes.envi import DATA_SUFFIXES, decoded, header_of
from hsikit.scenes.scene import SceneError

KEYS = (
    "name", "hsi", "lidar", "labels", "classes", "class_values", "units", "wavelengths_nm", "bad_bands", "drop_bands",
    "valid", "nodata", "scale", "offset", "fill", "masks", "gsd_m", "citation", "licence", "encoding", "byte_order",
    "prompts", "overlap",
)  # fmt: skip
FILE_KEYS = ("file", "variable", "name", "field", "layer", "encoding", "nodata", "scale", "offset")
TEXTS = ("name", "classes", "class_values", "units", "citation", "licence")  # kept as they are written: NO is a name
BESIDE = (".aux.xml", ".msk")  # what belongs to a file, after its whole name or in the place of its ending
INSTEAD = (".shx", ".dbf", ".prj", ".cpg", ".tfw")


@dataclass(frozen=True)
class Named:
    """A file as the YAML names it."""

    path: Path
    variable: str | None = None
    name: str | None = None
    field: str | None = None
    layer: str | None = None
    encoding: str | None = None
    nodata: Any = None
    scale: Any = None
    offset: Any = None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that the file holds, its keys checked.

    Raises `SceneError` when the file is missing or no YAML, uses aliases (which can make a small file endless), or a
    key is not known (the nearest known one is named).
    """
    import yaml

    if not path.is_file():
        raise SceneError(f"{path} is {'no file' if path.exists() else 'missing'}")
    try:
        text = decoded(path.read_bytes())
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise SceneError(f"{path} uses a YAML alias (*...); write the value where it is used")
        spec, words = yaml.safe_load(text), yaml.load(text, yaml.BaseLoader)
    except SceneError:
        raise
    except (OSError, yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise SceneError(f"{path} is not readable YAML ({' '.join(str(error).split())[:120]})") from error
    if not isinstance(spec, dict):
        raise SceneError(f"{path} holds no `key: value` lines; expected at least `hsi: your_file.hdr`")
    check_keys(path, spec, KEYS)
    if "hsi" not in spec:
        raise SceneError(f"{path} does not name the cube; add `hsi: your_file.hdr`")
    as_written = {key for key in TEXTS if spec.get(key) is not None}
    as_written -= {key for key in ("classes", "class_values") if isinstance(spec.get(key), int | float)}
    return {key: words[key] if key in as_written else value for key, value in spec.items()}


def check_keys(path: Path, given: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    """Raises `SceneError` at the first key that is not known, naming the nearest one."""
    for key in given:
        if key not in known:
            hint = f"did you mean {nearest(key, known)!r}?"
            raise SceneError(f"{path} has an unknown key {short(key)}; {hint} known: {', '.join(known)}")


def named(path: Path, value: Any, key: str) -> Named:
    """A file entry: a path, or a mapping with `file` and perhaps others of `FILE_KEYS`."""
    if isinstance(value, str):
        value = {"file": value}
    if not isinstance(value, dict) or not isinstance(value.get("file"), str) or not value["file"].strip(". /"):
        raise SceneError(f"{path}: {key!r} is {short(value)}, expected a file name or {{file: name, variable: ...}}")
    check_keys(path, value, FILE_KEYS)
    texts = {k: None if value.get(k) is None else str(value[k]) for k in FILE_KEYS[1:6]}
    return Named(inside(path, value["file"]), **texts, **{k: value.get(k) for k in FILE_KEYS[6:]})


def inside(path: Path, name: str) -> Path:
    """The path a YAML entry means; a relative one may not climb out of the YAML's folder."""
    if os.path.isabs(name) and "\0" not in name:
        return Path(name)
    if os.path.normpath(name).split(os.sep)[0] == ".." or "\0" in name:
        raise SceneError(f"{path}: {name!r} leaves the scene's folder; move the file there or give its full path")
    return path.parent / name


def entries(path: Path, value: Any, key: str) -> list[Named]:
    """One file entry or a list of them; none for nothing."""
    if value is None:
        return []
    if value == []:
        raise SceneError(f"{path}: {key} is an empty list; name a file or leave the key out")
    return [named(path, entry, key) for entry in (value if isinstance(value, list) else [value])]


def mask_entries(path: Path, value: Any) -> Iterator[tuple[str, list[Named]]]:
    """Fixed splits: `masks: {name: [train file, test file]}`."""
    if value is not None and not isinstance(value, dict):
        raise SceneError(f"{path}: masks is {short(value)}, expected {{name: [train file, test file]}}")
    for name, pair in (value or {}).items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise SceneError(f"{path}: masks {name!r} is {short(pair)}, expected [train file, test file]")
        yield str(name), [named(path, entry, f"masks {name}") for entry in pair]


def class_file(path: Path, value: Any) -> Path | None:
    """The text file that `classes` names, or None."""
    return inside(path, value) if isinstance(value, str) else None


def number_of(path: Path, key: str, value: Any) -> Any:
    """None, a number, or a list of numbers, as given. Raises `SceneError` when it is anything else."""
    good = (lambda v: True) if key.endswith("nodata") else lambda v: np.isfinite(v) and (v != 0 or "offset" in key)
    plain = lambda v: isinstance(v, int | float) and not isinstance(v, bool) and good(v)  # noqa: E731
    if value is None or plain(value) or (isinstance(value, list) and value and all(map(plain, value))):
        return value
    raise SceneError(f"{path}: {key} is {short(value)}, expected a number, or a list with one a band")


def bands_of(path: Path, value: Any, bands: int, wavelengths: np.ndarray | None) -> np.ndarray:
    """Booleans (band,), True for those that `drop_bands` names: numbers from 0, ranges `3-7`, or `1340-1460 nm`.

    Raises `SceneError` when an entry is none of these, or names no band.
    """
    drop = np.zeros(bands, bool)
    for entry in [] if value is None else value if isinstance(value, list) else [value]:
        wrong, number = f"{path}: drop_bands has {short(entry)}", r"(\d+(?:\.\d+)?)"
        match = re.fullmatch(rf"\s*{number}\s*(?:(?:-|\.\.|to)\s*{number})?\s*(nm)?\s*", str(entry))
        if not match:
            raise SceneError(f"{wrong}, expected a band (3), a range (3-7) or 1340-1460 nm")
        low, high = float(match[1]), float(match[2] or match[1])
        if match[3] and wavelengths is None:
            raise SceneError(f"{wrong}, but the cube has no wavelengths; give band numbers")
        at = wavelengths if match[3] and wavelengths is not None else np.arange(bands)
        chosen = (at >= low) & (at <= high)
        if not chosen.any() or (not match[3] and high >= bands):
            raise SceneError(f"{wrong}, which is no band of 0 to {bands - 1}")
        drop |= chosen
    return drop


def files_of(path: Path) -> list[Path]:
    """Every file that a scene is read from: the YAML, what it names, and what belongs to those.

    Args:
        path: Of the YAML, or of a cube.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        return _with_others(path)
    spec = read_yaml(path)
    keys = ("hsi", "lidar", "labels", "valid", "prompts")
    found = [file.path for key in keys for file in entries(path, spec.get(key), key)]
    found += [file.path for _, pair in mask_entries(path, spec.get("masks")) for file in pair]
    listed = class_file(path, spec.get("classes"))
    return [path, *(other for file in [*found, *([listed] if listed else [])] for other in _with_others(file))]


def _with_others(path: Path) -> list[Path]:
    others = [Path(f"{path}{end}") for end in BESIDE] + [path.with_suffix(end) for end in INSTEAD]
    header = path if path.suffix.lower() == ".hdr" else header_of(path)
    if header is not None:
        stem = header.with_suffix("")
        others += [header, *(Path(f"{stem}{end}") for end in DATA_SUFFIXES)]
    return [path, *(other for other in dict.fromkeys(others) if other != path and other.is_file())]


def stamp_of(scene: str | Path, others: Sequence[Path] = ()) -> str:
    """Changes whenever the YAML, any file that it names, or any of `others` does; "" for a scene by its name."""
    path = Path(scene)
    if not path.exists():
        return ""
    lines = []
    for file in dict.fromkeys([*files_of(path), *others]):
        parts = [p for p in file.rglob("*") if p.is_file()] if file.is_dir() else [file] if file.exists() else []
        facts = [p.stat() for p in parts]
        size, last = sum(f.st_size for f in facts), max((f.st_mtime_ns for f in facts), default=0)
        lines.append(f"{file.absolute()} {size} {last}")
    return "\n".join(lines)
