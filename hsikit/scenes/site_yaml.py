"""The YAML file of a user's scene: its keys, the files it names, its classes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hsikit.scenes.scene import SceneError

KEYS = (
    "name", "hsi", "lidar", "labels", "classes", "units", "wavelengths_nm", "bad_bands", "valid", "nodata",
    "masks", "gsd_m", "citation", "licence",
)  # fmt: skip
FILE_KEYS = ("file", "variable", "name", "field")


@dataclass(frozen=True)
class Named:
    """A file as the YAML names it."""

    path: Path
    variable: str | None = None
    name: str | None = None
    field: str | None = None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that the file holds, its keys checked.

    Raises:
        SceneError: When the file is missing or no YAML, or a key is not known (the nearest known one is
            named).
    """
    import yaml

    try:
        spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SceneError(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise SceneError(f"{path} is not readable YAML ({' '.join(str(error).split())[:120]})") from error
    if not isinstance(spec, dict):
        raise SceneError(f"{path} holds no `key: value` lines; expected at least `hsi: your_file.hdr`")
    check_keys(path, spec, KEYS)
    return spec


def check_keys(path: Path, given: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    """Raises `SceneError` at the first key that is not known, naming the nearest one."""
    for key in given:
        if key not in known:
            near = get_close_matches(str(key), known, n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SceneError(f"{path} has an unknown key {key!r}; {hint}known: {', '.join(known)}")


def named(path: Path, value: Any, key: str) -> Named:
    """A file entry: a path, or a mapping with `file` and perhaps `variable`, `name`, `field`."""
    if isinstance(value, str):
        value = {"file": value}
    if not isinstance(value, dict) or not isinstance(value.get("file"), str):
        raise SceneError(f"{path}: {key!r} is {value!r}, expected a file name or {{file: name, variable: ...}}")
    check_keys(path, value, FILE_KEYS)
    texts = {k: None if value.get(k) is None else str(value[k]) for k in FILE_KEYS[1:]}
    return Named(_inside(path, value["file"]), **texts)


def _inside(path: Path, name: str) -> Path:
    """The path a YAML entry means; a relative one may not climb out of the YAML's folder."""
    if os.path.isabs(name):
        return Path(name)
    if os.path.normpath(name).split(os.sep)[0] == ".." or "\0" in name:
        raise SceneError(f"{path}: {name!r} leaves the scene's folder; move the file there or give its full path")
    return path.parent / name


def read_classes(path: Path, value: Any) -> tuple[list[str], list[str]]:
    """Class names and their colours (both may be empty) from a list, a mapping name: colour, or a text file.

    The text file has a line a class: ``name`` or ``name, colour``.

    Raises:
        SceneError: When a name is given twice, a colour is none, or only some classes have one.
    """
    if value is None:
        return [], []
    if isinstance(value, str):
        pairs = _class_lines(path, _inside(path, value))
    elif isinstance(value, dict):
        pairs = [(str(name), None if color is None else str(color)) for name, color in value.items()]
    elif isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value):
        pairs = [(str(name), None) for name in value]
    else:
        raise SceneError(f"{path}: classes must be a list of names, a mapping name: colour, or a text file")
    names = [name for name, _ in pairs]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SceneError(f"{path}: class {twice[0]!r} is named twice; give each class its own name")
    colors = [color for _, color in pairs if color]
    if colors and len(colors) != len(names):
        raise SceneError(f"{path}: {len(colors)} colours for {len(names)} classes; give one a class, or none")
    return names, [_hex(path, color) for color in colors]


def _class_lines(path: Path, listed: Path) -> list[tuple[str, str | None]]:
    try:
        lines = [line.strip() for line in listed.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{path}: the class file {listed} cannot be read ({error})") from error
    parts = [[p.strip() for p in line.split(",", 1)] for line in lines if line]
    return [(p[0], p[1] if len(p) > 1 else None) for p in parts]


def _hex(path: Path, color: str) -> str:
    from matplotlib.colors import to_hex

    try:
        return to_hex(color)
    except ValueError:
        raise SceneError(f"{path}: {color!r} is no colour; write one as '#rrggbb'") from None
