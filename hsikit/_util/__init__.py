"""Small things that every room needs, each in one place: near names, lazy faces, whole files, one thread."""

from __future__ import annotations

import difflib
import errno
import glob
import importlib
import os
import shutil
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from reprlib import repr as short
from types import ModuleType
from typing import Any

from hsikit._util.errors import DiskError, FileError, InputError, disk


def nearest(word: object, known: Iterable[object]) -> str:
    """The known name that is most like a word, for "did you mean"; "" where nothing is known."""
    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.0)
    return close[0] if close else ""


def class_at(path: str) -> Any:
    """The class at a dotted path, such as `my_module.MyLoss`; importing its module runs it, so ask `allowed` before.

    Raises:
        InputError: When there is none; the message holds what Python said.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # a module may raise anything while it is imported
        raise InputError(f"cannot import {path!r}: {error}") from None


def allowed(path: object, trust: Sequence[str] | None, where: str) -> str:
    """The dotted path of a class outside hsikit, if `trust` holds it, its module or a package around it.

    Args:
        path: What a file names, such as `my_nets.Pixelwise`.
        trust: None trusts everything but Python's own library, which holds no network: for names that the caller wrote.
        where: What names it, for the message.

    Raises:
        InputError: When it is not trusted; nothing was imported then.
    """
    parts = path.split(".") if isinstance(path, str) else []
    if len(parts) < 2 or not all(part.isidentifier() for part in parts) or parts[0] in sys.stdlib_module_names:
        raise InputError(f"{where} names {short(path)}, which is no network or loss; name one of hsikit's, or a class "
                         "of your own as my_module.MyClass")  # fmt: skip
    around = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    if trust is not None and not around & set(trust):
        raise InputError(f"{where} names {short(path)}, code that does not belong to hsikit and would be run; if you "
                         f"trust it, say so: trust=[{parts[0]!r}], or --trust {parts[0]}")  # fmt: skip
    return str(path)


def lazily(package: str, homes: Mapping[str, Sequence[str]]) -> tuple[list[str], Callable[[str], Any]]:
    """`__all__` and `__getattr__` of a package whose names are imported when they are first used.

    Args:
        package: Its name.
        homes: Module -> the public names that it holds.
    """
    home_of = {name: module for module, names in homes.items() for name in names}

    class Face(ModuleType):
        """A package whose public names stay what they are where a module within is called the same."""

        def __setattr__(self, name: str, value: Any) -> None:
            if name not in home_of or not isinstance(value, ModuleType):
                super().__setattr__(name, value)

    def find(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"{package} has no {name!r}; it has {', '.join(sorted(home_of))}")
        value = getattr(importlib.import_module(home_of[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    sys.modules[package].__class__ = Face
    return sorted(home_of), find


@contextmanager
def replacing(path: Path, needed: int = 0) -> Iterator[Path]:
    """A place beside `path` to write a file or folder to, which takes its place when the block ends well.

    Readers see the old one or the new one, never a half; after an error the old one is as it was. What a killed
    process left an hour ago is swept.

    Raises:
        DiskError: When the disk is full, or has less room than the bytes `needed`.
    """
    for old in path.parent.glob(f"{glob.escape(path.name)}.{'?' * 12}.part"):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - 3600:
                remove(old)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        with disk(path, needed):
            yield aside
        if aside.is_dir():
            remove(path)
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what matters
            remove(aside)
        raise


def load_yaml(text: str, most: int = 100_000) -> Any:
    """What a YAML text says, plain values only, read by libyaml, which is ten times as fast, where PyYAML has it.

    Raises:
        yaml.YAMLError: When it is none, nests deeper than a hundred levels, or its aliases, with which a few hundred
            letters can stand for more than a memory holds, add more than `most` values.
    """
    import yaml  # not needed by `import hsikit`

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    inside: list[tuple[str | None, int]] = []  # the lists and mappings around, by anchor, and where they began
    size: dict[str, int] = {}  # values that an anchor stands for
    count = added = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.AliasEvent):
            meant = size.get(str(event.anchor), most)  # an anchor that is still open stands for itself, without end
            added, count = added + meant, count + meant
        elif isinstance(event, yaml.CollectionStartEvent):
            inside.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            size |= {event.anchor: 1} if event.anchor else {}
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, begun = inside.pop()
            size |= {anchor: count - begun} if anchor else {}
        if added >= most or len(inside) > 100:
            raise yaml.YAMLError("its aliases stand for too many values, or it nests deeper than 100 levels; write it "
                                 "out plainly")  # fmt: skip
    return yaml.load(text, loader)


@contextmanager
def _written(path: Path, needed: int = 0) -> Iterator[Path]:
    """A place for the whole of a file, brought to the disk itself before it takes the old one's place."""
    try:
        with replacing(path, needed) as aside:
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
    except DiskError as error:
        raise DiskError(f"{error}; nothing was changed") from error.__cause__
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}; nothing was changed") from None


def load_mapping(text: str, where: str, keys: str, error: type[Exception]) -> dict[str, Any]:
    """The mapping that a YAML text holds, with `keys` such as it may have; anything else is an `error` that says so."""
    import yaml  # not needed by `import hsikit`

    try:
        content = load_yaml(text)
    except yaml.YAMLError as cause:
        raise error(f"{where} is not YAML: {' '.join(str(cause).split())[:200]}") from None
    if not isinstance(content, dict):
        raise error(f"{where} holds {type(content).__name__}, expected keys such as {keys}")
    return content


def saved(path: Path, save: Callable[[Any], object], needed: int = 0) -> Path:
    """The path, once `save` has written a binary file there, whole; its folder is made where it is absent.

    A power cut leaves the old file or the new one. Raises `OSError` when it cannot be written; the file is then as it
    was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _written(path, needed) as aside, aside.open("wb") as file:
        save(file)
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, as `saved` does a binary one."""
    with _written(path, len(text)) as aside:
        aside.write_text(text, encoding="utf-8")


@contextmanager
def arrays_of(path: Path, most: int = 1 << 30) -> Iterator[Any]:
    """An NPZ of plain numbers and texts, open: a regular file whose arrays take at most so many bytes unpacked.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: When it is anything else.
    """
    import numpy as np  # not needed by `import hsikit`

    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with np.load(path, allow_pickle=False) as file:
        if not hasattr(file, "zip"):
            raise InputError(f"{path} holds one array, expected an NPZ of several")
        if (size := sum(member.file_size for member in file.zip.infolist())) > most:
            raise InputError(f"{path} unpacks to {size:,} bytes, expected at most {most:,}")
        yield file


def contents(path: Path) -> bytes:
    """The bytes of a regular file; a pipe or a device would be waited for without end. Raises `OSError`."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return path.read_bytes()


def warn(text: str) -> None:
    """Warn at the line that called the package, however many of its own functions lie between."""
    package, frame, level = str(Path(__file__).parents[1]), sys._getframe(1), 2
    while frame.f_back is not None and frame.f_back.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level + 1)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, and the caller's number of threads back afterwards.

    Sums are then taken in one order, so that results are the same bits whatever the machine; and where layers are
    short, more threads cost more than they bring, above all on a busy machine.
    """
    import torch  # the text back-ends come here before torch is wanted

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
