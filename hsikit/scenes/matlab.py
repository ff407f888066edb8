"""MATLAB files, version 5 and 7.3, read by one function that fails in one way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.scene import SceneError, readable

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def read_mat(path: str | Path, *names: str) -> Any:
    """Read variables of a MATLAB file; structs become dicts, cells lists, char arrays strings.

    Args:
        path: The file, MATLAB 5 (through SciPy) or 7.3 (through h5py; told apart by content, not by name).
        names: The variables wanted; one name gives its value, several a tuple in that order.

    Raises:
        SceneError: When the file is missing, damaged, not MATLAB, or lacks a variable (those there are
            named).
    """
    path = Path(path)
    if not path.is_file():
        raise SceneError(f"{path} is missing")
    with readable(path, "MATLAB file", "download or export it again"):
        held = _read_73(path, names) if is_mat73(path) else _read_5(path, names)
    missing = [n for n in names if n not in held]
    if missing:
        there = ", ".join(variables(path)) or "none"
        raise SceneError(f"{path} has no variable {missing[0]!r}; it holds: {there}")
    values = tuple(held[n] for n in names)
    return values[0] if len(names) == 1 else values


NUMERIC = {
    "double": "f8",
    "single": "f4",
    **{f"{s}int{8 * n}": f"{s[:1] or 'i'}{n}" for s in ("", "u") for n in (1, 2, 4, 8)},
}


def mat_facts(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of a variable, without reading it where it is plain numbers.

    Raises `SceneError` when it cannot be read, or is no array.
    """
    shape, dtype = _heads(path).get(name, ((), None))
    if dtype is None:
        value = read_mat(path, name)
        if not isinstance(value, np.ndarray):
            raise SceneError(f"{path} holds a {type(value).__name__}, expected an array; name another `variable`")
        shape, dtype = shape if np.prod(shape) == value.size else value.shape, value.dtype
    return shape if len(shape) < 4 else tuple(n for n in shape if n != 1), dtype


def mat_array(path: Path, name: str) -> np.ndarray:
    """A variable of plain numbers, in MATLAB's own axes."""
    return numeric(path, name, np.asarray(read_mat(path, name)), None)


def read_array(path: str | Path, name: str, ndim: int) -> np.ndarray:
    """One numeric array of a MATLAB file with a known number of dimensions.

    Raises `SceneError` as `read_mat`, and when the variable is not a real numeric array of `ndim` dimensions.
    """
    return numeric(path, name, read_mat(path, name), ndim)


def numeric(path: str | Path, name: str, value: Any, ndim: int | None) -> np.ndarray:
    """The value as an array, checked to be real numbers with `ndim` dimensions (None: any).

    Raises `SceneError` when it is anything else.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "buif":
        kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise SceneError(f"{path}: {name!r} holds {kind}, expected real numbers")
    if ndim is not None and value.ndim != ndim:
        raise SceneError(f"{path}: {name!r} is {value.shape}, expected {ndim} dimensions")
    return value


def is_mat73(path: Path) -> bool:
    """Whether the file is HDF5 inside (MATLAB 7.3), with or without MATLAB's 512-byte user block."""
    with path.open("rb") as f:
        head = f.read(520)
    return head.startswith(HDF5_SIGNATURE) or head[512:520] == HDF5_SIGNATURE


def variables(path: Path) -> list[str]:
    """Names of the variables a MATLAB file holds; empty when it cannot be read."""
    return list(_heads(path))


def _heads(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype | None]]:
    """Shape of every variable, and its dtype if it is plain numbers; empty when the file cannot be read."""
    try:
        if is_mat73(path):
            import h5py

            with h5py.File(path, "r") as f:
                return {k: _head(f, k) for k in f if not k.startswith("#")}
        from scipy.io import whosmat

        return {name: (tuple(shape), np.dtype(NUMERIC[kind]) if kind in NUMERIC else None)
                for name, shape, kind in whosmat(str(path))}  # fmt: skip
    except Exception:
        return {}


def _head(f: Any, name: str) -> tuple[tuple[int, ...], np.dtype | None]:
    import h5py

    if isinstance(f.get(name, getlink=True), h5py.ExternalLink) or not isinstance(f[name], h5py.Dataset):
        return (), None
    node = f[name]
    numbers = node.dtype.kind in "uif" and not node.attrs.get("MATLAB_empty", 0)
    return tuple(node.shape[::-1]), node.dtype if numbers and _class(node) != "char" else None


def _class(node: Any) -> str:
    kind = node.attrs.get("MATLAB_class", b"")
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def _read_5(path: Path, names: Sequence[str]) -> dict[str, Any]:
    from scipy.io import loadmat

    return loadmat(
        str(path), variable_names=list(names) or None, simplify_cells=True, verify_compressed_data_integrity=True
    )


def _read_73(path: Path, names: Sequence[str]) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as f:
        return {n: _from_hdf5(f, _inside(f, n)) for n in names if n in f}


def _inside(group: Any, name: str) -> Any:
    """A member of a group that lies in the file itself: a link could lead to any file of this machine."""
    import h5py

    node = None if isinstance(group.get(name, getlink=True), h5py.ExternalLink) else group[name]
    if node is None or (isinstance(node, h5py.Dataset) and node.external):
        raise SceneError(f"{group.file.filename}: {name!r} lies in another file; export it into one")
    return node


def _from_hdf5(f: Any, node: Any, depth: int = 0) -> Any:
    """A MATLAB value out of its HDF5 node: struct -> dict, cell -> list, char -> str, number -> array."""
    import h5py

    if depth > 12:
        raise SceneError("structures nested deeper than 12 levels")
    if isinstance(node, h5py.Group):
        return {k: _from_hdf5(f, _inside(node, k), depth + 1) for k in node}
    kind = _class(node)
    value = node[()]
    if node.attrs.get("MATLAB_empty", 0):
        return "" if kind == "char" else np.empty(tuple(int(n) for n in np.ravel(value)))
    if kind == "cell" or h5py.check_ref_dtype(node.dtype) is not None:
        return [_from_hdf5(f, f[ref], depth + 1) for ref in np.ravel(value, order="F")]
    if kind == "char":
        return "".join(chr(int(c)) for c in np.ravel(value))
    value = np.asarray(value).T  # MATLAB stores column-major: the axes come reversed
    return value.squeeze() if 1 in value.shape and value.ndim <= 2 else value
