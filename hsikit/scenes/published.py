"""Published scenes: what is known of each before its files are opened, where they are looked for, how they are read.

The facts stand in `published.yaml`. A scene of MATLAB files that needs no code of its own is read by its layout there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hsikit._util import load_yaml
from hsikit.scenes.matlab import read_array
from hsikit.scenes.scene import Scene, SceneError

STAND_IN = b"STAND-IN"


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
    class_names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()  # published pixels of each class
    wavelengths_nm: np.ndarray | None = None
    units: str = ""
    gsd_m: float | None = None
    layout: Mapping[str, Any] | None = None  # role -> [file, variable], of a scene in MATLAB files

    def file(self, name: str) -> SceneFile:
        """The record of one of the scene's files."""
        return next(f for f in self.files if f.name == name)


@lru_cache
def catalogue() -> dict[str, SceneFacts]:
    """Name -> facts of every scene in `published.yaml`."""
    text = resources.files(__package__).joinpath("published.yaml").read_text(encoding="utf-8")
    return {name: _facts(name, entry) for name, entry in load_yaml(text).items()}


def _facts(name: str, entry: dict[str, Any]) -> SceneFacts:
    classes: dict[str, Any] = entry.pop("classes", {})
    counted = [value for value in classes.values() if isinstance(value, dict)]
    files = [SceneFile(f["name"], tuple(f.get("urls", ())), f.get("sha256"), f.get("required", True))
             for f in entry.pop("files", [])]  # fmt: skip
    waves = entry.pop("wavelengths_nm", None)
    if isinstance(waves, dict):
        waves = np.delete(np.linspace(waves["from"], waves["to"], waves["count"]), waves.get("without", []))
    known: dict[str, Any] = {key: tuple(entry.pop(key, ())) for key in ("folders", "partial_folders")}
    known |= entry.pop("size") | {
        "files": tuple(files), "class_names": tuple(classes), "counts": tuple(value["count"] for value in counted),
        "colors": tuple(value["color"] if isinstance(value, dict) else value for value in classes.values()),
        "wavelengths_nm": None if waves is None else np.array(waves, np.float64),
    }  # fmt: skip
    return SceneFacts(name, **known, **entry)


def cache_root() -> Path:
    """The user's cache for hsikit on this platform (where downloads go)."""
    from platformdirs import user_cache_path  # what pooch.os_cache calls, without the time pooch takes to import

    return user_cache_path("hsikit")


def data_roots() -> list[Path]:
    """Folders that hold scene folders: `HSIKIT_DATA` (only ever read), then the user's cache.

    Raises `SceneError` when `HSIKIT_DATA` is set to something that is not a folder.
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

    Raises `SceneError` when the file is in none of the scene's folders.
    """
    if (path := find(facts, filename)) is not None:
        return path
    folder = facts.folders[0]
    place = data_roots()[0] / folder / filename
    also = "" if os.environ.get("HSIKIT_DATA") else f" (or name a data folder: HSIKIT_DATA/{folder}/{filename})"
    if facts.manual:
        raise SceneError(f"{facts.name}: {filename} is missing; it goes to {place}{also}. {facts.manual}")
    fetch = f"run `hsikit fetch {facts.name}`"
    raise SceneError(f"{facts.name}: {filename} is missing; {fetch}, or put it at {place}{also}")


def in_hand(facts: SceneFacts) -> bool:
    """Whether every required file is there, and what makes a simulated scene, so that the scene loads now."""
    if facts.name == "simulated" and find_spec("prosail") is None:
        return False
    return all(find_whole(facts, f) is not None for f in facts.files if f.required)


def read_published(facts: SceneFacts, filename: str, variable: str, ndim: int) -> np.ndarray:
    """An array of one of the scene's files, checked against the scene's rows and columns (and bands, if 3-D).

    Raises `SceneError` when the file is missing or holds something else.
    """
    path = require(facts, filename)
    array = read_array(path, variable, ndim)
    if array.shape[:2] != (facts.rows, facts.cols):
        raise SceneError(f"{path}: {variable!r} is {array.shape}, expected {facts.rows} x {facts.cols} pixels")
    return np.ascontiguousarray(array)


def check_bands(facts: SceneFacts, filename: str, cube: np.ndarray) -> np.ndarray:
    """The cube, when it has the published number of bands. Raises `SceneError` when it has another."""
    if cube.shape[2] != facts.bands:
        raise SceneError(f"{facts.name}: {filename} has {cube.shape[2]} bands, expected {facts.bands}")
    return cube


def check_counts(facts: SceneFacts, filename: str, labels: np.ndarray) -> np.ndarray:
    """The labels, when each class has the published number of pixels.

    Raises `SceneError` when one has another; the first such class is named.
    """
    found = np.bincount(np.asarray(labels).astype(np.int64).clip(0).ravel(), minlength=len(facts.counts) + 1)[1:]
    for i, expected in enumerate(facts.counts):
        if found[i] != expected:
            raise SceneError(
                f"{facts.name}: {filename} has {found[i]} pixels of class {i + 1}, published are {expected}; "
                "it is another version of the file, or a damaged one"
            )
    return labels


def fixed_masks(facts: SceneFacts, name: str, train: tuple[str, str],
                test: tuple[str, str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """The scene's fixed split {name: (train, test)} out of two (file, variable) pairs; empty if not in hand.

    Raises `SceneError` when a file is there but holds something else.
    """
    if any(find(facts, filename) is None for filename, _ in (train, test)):
        return {}
    first, second = (read_published(facts, *part, 2).astype(np.int16) for part in (train, test))
    return {name: (first, second)}


def scene_of(facts: SceneFacts, hsi: np.ndarray, labels: np.ndarray, **more: Any) -> Scene:
    """A scene with the published facts that belong to every one: names, colours, units, bands, terms.

    One of whose files says that it is a stand-in is simulated.
    """
    known = {key: getattr(facts, key) for key in
             ("name", "class_names", "colors", "units", "wavelengths_nm", "gsd_m", "citation", "licence")}  # fmt: skip
    there = (find(facts, file.name) for file in facts.files)
    known |= {"simulated": any(is_stand_in(path) for path in there if path)}
    return Scene(**(known | {"hsi": hsi, "labels": labels} | more))


def is_stand_in(path: Path) -> bool:
    """Whether a file says in its head that it was made in the place of a published one, to rehearse."""
    with path.open("rb") as file:
        return STAND_IN in file.read(4096)


def load_matlab(facts: SceneFacts) -> Scene:
    """A scene of MATLAB files, read as its layout says and checked against its published size and counts.

    Raises `SceneError` when a file is missing (which one, and where it goes) or is not the published one.
    """
    layout = dict(facts.layout or {})
    (cube_file, cube_variable), lidar_of = layout["cube"], layout.get("lidar")
    cube = read_published(facts, cube_file, cube_variable, 3)
    lidar = None if lidar_of is None else read_published(facts, lidar_of[0], lidar_of[1], 3)
    masks: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, (train, test) in layout.get("masks", {}).items():
        masks |= fixed_masks(facts, name, train, test)
    return scene_of(facts, check_bands(facts, cube_file, cube), read_labels(facts), lidar=lidar,
                    lidar_names=layout.get("lidar_names", ()), masks=masks)  # fmt: skip


def read_labels(facts: SceneFacts) -> np.ndarray:
    """Labels (row, col) of a scene of MATLAB files, 0 unlabelled, checked against the published counts."""
    filename, variable = (facts.layout or {})["labels"]
    return check_counts(facts, filename, read_published(facts, filename, variable, 2))
