"""What hsikit says when an input, a file or the machine is at fault: one family, `HsikitError`, each a line to act on.

    try:
        scene = hsikit.load_scene("site.yaml")
    except hsikit.HsikitError as error:           # SceneError, SplitError, ConfigError, ModelError, DiskError, ...
        print(error)

A public function is a door (`@door`): what a library raises inside it leaves as one of the family.
"""

from __future__ import annotations

import errno
import functools
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as short
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
FULL = {errno.ENOSPC: "no space left", errno.EDQUOT: "the quota is used up", errno.EFBIG: "files may not grow so large"}

LONGEST = 2900  # letters of a message; what lies between its ends is left out

# What libraries raise on input that they cannot use.
LIBRARIES = (ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError,
             MemoryError, OSError, RuntimeError, TypeError, ValueError, struct.error, zipfile.BadZipFile,
             zlib.error)  # fmt: skip


class HsikitError(Exception):
    """Something that whoever called can mend; the message says what was given, what was expected, what to change.

    Example:
        >>> try:
        ...     hsikit.load_scene("indian_pine")
        ... except hsikit.HsikitError as error:
        ...     print(str(error)[:30])
        there is no scene 'indian_pine
    """

    def __str__(self) -> str:
        text = super().__str__()  # a file may hold a word of any length
        return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


class InputError(HsikitError, ValueError):
    """A value or a file that cannot be what was meant."""


class FileError(HsikitError, OSError):
    """A file that cannot be read or written."""


class MissingError(FileError, FileNotFoundError):
    """A file that is not there."""


class DiskError(FileError):
    """A disk that is full, or a quota or limit that is reached; nothing half-written stays."""


class MissingExtra(HsikitError, ImportError):
    """A package that is not among those of the base, and is not installed."""


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Importing packages of an extra inside: one that is missing is a `MissingExtra` that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{what} needs the package {error.name}, which is not installed; install it with: "
                           f"pip install 'hsikit[{extra}]'") from None  # fmt: skip


def disk_error(path: Path, code: int = errno.ENOSPC, needed: int = 0) -> DiskError:
    """The error of a full disk: where, which file, what it needs and what is free (bytes)."""
    folder = _folder(path)
    needs = f"{needed:,} bytes" if needed else "more"
    free = f"{shutil.disk_usage(folder).free:,} bytes are free"
    return DiskError(f"{FULL[code]} on {folder}: {path.name} needs {needs}, {free}; make room there, or name a place "
                     f"elsewhere: {os.strerror(code)}")  # fmt: skip


def _folder(path: Path) -> Path:
    return next((p for p in path.absolute().parents if p.is_dir()), Path("/"))


@contextmanager
def disk(path: Path, needed: int = 0) -> Iterator[None]:
    """Writing `path` inside: a full disk is a `DiskError`, whichever library hit it.

    Args:
        needed: Bytes that will be written at least; the disk is asked before.
    """
    if needed and shutil.disk_usage(_folder(path)).free < needed:
        raise disk_error(path, needed=needed)
    try:
        yield
    except DiskError:
        raise
    except Exception as error:
        code, free = getattr(error, "errno", None), shutil.disk_usage(_folder(path)).free
        if code in FULL:
            raise disk_error(path, code, needed) from error
        if free < max(needed, 1 << 16) and not isinstance(error, HsikitError):  # a library that hides the number
            raise disk_error(path, needed=needed) from error
        raise


def door(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a public function: what libraries raise leaves as a `HsikitError`, with itself as cause.

    An exception class of the caller's own passes as it is.
    """

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (HsikitError, InterruptedError):  # the second: whoever called wants it to end
            raise
        except LIBRARIES as error:
            trace = error.__traceback__
            if trace is None or trace.tb_next is None:  # called with arguments that it does not take
                raise
            raise _ours(error, f"{function.__qualname__}({short(args[0]) if args else ''})") from error

    return inside


def _ours(error: Exception, doing: str) -> HsikitError:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    said_here = trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("hsikit")
    if isinstance(error, ValueError) and said_here:
        return InputError(*error.args)
    reason = " ".join(str(error).split())[:300]
    if isinstance(error, OSError):
        kind = MissingError if isinstance(error, FileNotFoundError) else FileError
        return kind(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else reason)
    return InputError(f"{doing} failed ({type(error).__name__}: {reason}); look at what it was given, and at "
                      "HSIKIT_DEBUG=1 for where")  # fmt: skip


__all__ = ["DiskError", "FileError", "HsikitError", "InputError", "MissingError", "door"]
