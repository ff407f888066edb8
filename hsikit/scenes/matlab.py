"""MATLAB files, version 5 and 7.3, read by one function that fails in one way."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.scene import SceneError

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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # readers warn about damage before they fail on it
            held = _read_73(path, names) if is_mat73(path) else _read_5(path, names)
    except SceneError:
        raise
    # A damaged file can raise almost anything inside the readers; all of it means the same to the caller.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise SceneError(f"{path} is not a readable MATLAB file ({reason}); download or export it again") from error
    missing = [n for n in names if n not in held]
    if missing:
        there = ", ".join(variables(path)) or "none"
        raise SceneError(f"{path} has no variable {missing[0]!r}; it holds: {there}")
    values = tuple(held[n] for n in names)
    return values[0] if len(names) == 1 else values


def read_array(path: str | Path, name: str, ndim: int) -> np.ndarray:
    """One numeric array of a MATLAB file with a known number of dimensions.

    Raises:
        SceneError: As `read_mat`, and when the variable is not a real numeric array of `ndim` dimensions.
    """
    return numeric(path, name, read_mat(path, name), ndim)


def numeric(path: str | Path, name: str, value: Any, ndim: int) -> np.ndarray:
    """The value as an array, checked to be real numbers with `ndim` dimensions.

    Raises:
        SceneError: When it is anything else.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "buif":
        kind = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise SceneError(f"{path}: {name!r} holds {kind}, expected real numbers")
    if value.ndim != ndim:
        raise SceneError(f"{path}: {name!r} is {value.shape}, expected {ndim} dimensions")
    return value


def is_mat73(path: Path) -> bool:
    """Whether the file is HDF5 inside (MATLAB 7.3), with or without MATLAB's 512-byte user block."""
    with path.open("rb") as f:
        head = f.read(520)
    return head.startswith(HDF5_SIGNATURE) or head[512:520] == HDF5_SIGNATURE


def variables(path: Path) -> list[str]:
    """Names of the variables a MATLAB file holds; empty when it cannot be read."""
    try:
        if is_mat73(path):
            import h5py

            with h5py.File(path, "r") as f:
                return [k for k in f if not k.startswith("#")]
        from scipy.io import whosmat

        return [name for name, _, _ in whosmat(str(path))]
    except Exception:
        return []


def _read_5(path: Path, names: Sequence[str]) -> dict[str, Any]:
    from scipy.io import loadmat

    return loadmat(
        str(path),
        variable_names=list(names) or None,
        simplify_cells=True,
        verify_compressed_data_integrity=True,
    )


def _read_73(path: Path, names: Sequence[str]) -> dict[str, Any]:
    import h5py

    with h5py.File(path, "r") as f:
        return {n: _from_hdf5(f, f[n]) for n in names if n in f}


def _from_hdf5(f: Any, node: Any, depth: int = 0) -> Any:
    """A MATLAB value out of its HDF5 node: struct -> dict, cell -> list, char -> str, number -> array."""
    import h5py

    if depth > 12:
        raise SceneError("structures nested deeper than 12 levels")
    if isinstance(node, h5py.Group):
        return {k: _from_hdf5(f, node[k], depth + 1) for k in node}
    kind = node.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    value = node[()]
    if node.attrs.get("MATLAB_empty", 0):
        return "" if kind == "char" else np.empty(tuple(int(n) for n in np.ravel(value)))
    if kind == "cell" or h5py.check_ref_dtype(node.dtype) is not None:
        return [_from_hdf5(f, f[ref], depth + 1) for ref in np.ravel(value, order="F")]
    if kind == "char":
        return "".join(chr(int(c)) for c in np.ravel(value))
    value = np.asarray(value).T  # MATLAB stores column-major: the axes come reversed
    return value.squeeze() if 1 in value.shape and value.ndim <= 2 else value
