"""What is known of each published scene before its files are opened, and where its files are looked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hsikit.scenes.scene import SceneError


@dataclass(frozen=True)
class SceneFile:
    """One published file: its name in the data folder, its mirrors in order, and its sum where it is known.

    `required` is False for files that add something (fixed masks) to a scene that loads without them.
    """

    name: str
    urls: tuple[str, ...] = ()
    sha256: str | None = None
    required: bool = True


@dataclass(frozen=True)
class SceneFacts:
    """The row a scene has in the table of scenes.

    `folders` are searched in order; what lies in `partial_folders` may hold a part of the scene
    only, and does not count as having it.
    """

    name: str
    rows: int
    cols: int
    bands: int
    lidar: int
    classes: int
    labelled: int | None
    licence: str
    citation: str
    files: tuple[SceneFile, ...] = ()
    folders: tuple[str, ...] = ()
    partial_folders: tuple[str, ...] = ()
    manual: str = ""  # how to get the files where no licence allows a download

    def file(self, name: str) -> SceneFile:
        """The record of one of the scene's files."""
        return next(f for f in self.files if f.name == name)


def cache_root() -> Path:
    """The user's cache for hsikit on this platform (where downloads go)."""
    from platformdirs import (
        user_cache_path,
    )  # what pooch.os_cache calls, without the time pooch takes to import

    return user_cache_path("hsikit")


def data_roots() -> list[Path]:
    """Folders that hold scene folders: `HSIKIT_DATA` (only ever read), then the user's cache.

    Raises:
        SceneError: When `HSIKIT_DATA` is set to something that is not a folder.
    """
    named = os.environ.get("HSIKIT_DATA")
    if not named:
        return [cache_root()]
    if not Path(named).is_dir():
        raise SceneError(f"HSIKIT_DATA is {named!r}, which is not a folder; correct or unset it")
    return [Path(named), cache_root()]


def find(facts: SceneFacts, filename: str) -> Path | None:
    """The first file of that name among the scene's folders, or None."""
    paths = (root / folder / filename for folder in facts.folders for root in data_roots())
    return next((path for path in paths if path.is_file()), None)


def find_whole(facts: SceneFacts, file: SceneFile) -> Path | None:
    """As `find`, but a required file in a folder that may hold a part of it does not count."""
    path = find(facts, file.name)
    partial = path is not None and file.required and path.parent.name in facts.partial_folders
    return None if partial else path


def require(facts: SceneFacts, filename: str) -> Path:
    """Like `find`, but a missing file is an error that says which file, where it goes and how to get it.

    Raises:
        SceneError: When the file is in none of the scene's folders.
    """
    path = find(facts, filename)
    if path is not None:
        return path
    folder = facts.folders[0]
    root = data_roots()[0]
    place = root / folder / filename
    also = "" if os.environ.get("HSIKIT_DATA") else f" (or name a data folder: HSIKIT_DATA/{folder}/{filename})"
    if facts.manual:
        raise SceneError(f"{facts.name}: {filename} is missing; it goes to {place}{also}. {facts.manual}")
    raise SceneError(
        f"{facts.name}: {filename} is missing; run `hsikit fetch {facts.name}`, or put it at {place}{also}"
    )


def in_hand(facts: SceneFacts) -> bool:
    """Whether every required file is there, so that the scene loads now."""
    return all(find_whole(facts, f) is not None for f in facts.files if f.required)
