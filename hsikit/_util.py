"""Small things that every room needs, each in one place: near names, lazy faces, whole files, one thread."""

from __future__ import annotations

import difflib
import importlib
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any


def nearest(word: object, known: Iterable[object]) -> str:
    """The known name that is most like a word, for "did you mean"; "" where nothing is known."""
    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.0)
    return close[0] if close else ""


def class_at(path: str) -> Any:
    """The class at a dotted path, such as `my_module.MyLoss`.

    Raises `ValueError` when there is none; the message holds what Python said.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"cannot import {path!r}: {error}") from None


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
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write a file or folder to, which takes its place when the block ends well.

    Readers see the old one or the new one, never a half; after an error the old one is as it was.
    """
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        yield aside
        if aside.is_dir():
            remove(path)
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what matters
            remove(aside)
        raise


def load_yaml(text: str) -> Any:
    """What a YAML text says, plain values only, read by libyaml, which is ten times as fast, where PyYAML has it."""
    import yaml  # not needed by `import hsikit`

    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def saved(path: Path, save: Callable[[Any], object]) -> Path:
    """The path, once `save` has written a binary file there, whole; its folder is made where it is absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside, aside.open("wb") as file:
        save(file)
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file whole. Raises `OSError` when it cannot be written; the file is then as it was."""
    try:
        with replacing(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror or error}; nothing was changed") from None


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
