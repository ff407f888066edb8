"""The spectra that are collected: their colours, which of them stay, and libraries in and out."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from hsikit.explore.marks import hex_of, rgb_of
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.scenes.scene import Scene
from hsikit.scenes.write import spare_input
from hsikit.spectra import read_library, write_library

MOST = 6  # spectra that stay without being kept
SPREAD = "± "  # before the name of a spectrum, its standard deviations
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b2cbf", "#ff1f5b", "#00cd6c",
           "#af58ba", "#a6761d", "#1b1bff", "#ff00ff", "#00e5ff", "#8c001a")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A spectrum in the list.

    Attributes:
        name: What the legend says.
        colour: Hex colour of line and marker.
        mean: Values (band,) float64 in the scene's units.
        std: Standard deviation (band,) over the pixels, ddof 1; None for a single pixel.
        pixels: Row and column (n, 2) of the pixels it was taken from; none for one from a library.
        class_name: Class of a single pixel, ``"unlabelled"``, or ``""`` for several pixels.
        kept: Stays however many others are picked.
    """

    name: str
    colour: str
    mean: np.ndarray
    std: np.ndarray | None
    pixels: np.ndarray
    class_name: str = ""
    kept: bool = False


def free_colour(entries: Sequence[Spectrum], of_classes: Sequence[str]) -> str:
    """The colour farthest from those of classes and of listed spectra, among a few that are easily told apart.

    A colour that a class has is never given; one that is listed already only when all others are.
    """
    taken = np.array([rgb_of(c) for c in of_classes], float).reshape(-1, 3)
    free = [c for c in COLOURS if not len(taken) or np.abs(taken - rgb_of(c)).sum(1).min() > 24] or list(COLOURS)
    used = [s.colour for s in entries]
    unused = [c for c in free if c not in used]
    return unused[0] if unused else min(free, key=used.count)


def put(entries: Sequence[Spectrum], spectrum: Spectrum, most: int = MOST) -> tuple[Spectrum, ...]:
    """The list with one more spectrum; of those that are not kept, the last `most` stay."""
    loose = [s for s in (*entries, spectrum) if not s.kept]
    gone = set(map(id, loose[: max(0, len(loose) - most)]))
    return tuple(s for s in (*entries, spectrum) if id(s) not in gone)


def changed(old: Spectrum, name: str | None, colour: str | None) -> Spectrum:
    """A spectrum under another name or colour, kept from then on; ValueError for what is no colour."""
    given = old.colour if colour is None else hex_of(colour)
    return replace(old, name=(name or "").strip() or old.name, colour=given, kept=True)


def stamped(now: datetime | None = None, name: str = "spectra", ending: str = ".csv") -> str:
    """A file name that no file has yet: what it holds and the time."""
    return f"{name}_{now or datetime.now():%Y-%m-%d_%H%M%S}{ending}"


def write(path: str | Path, entries: Sequence[Spectrum], facts: SceneFacts) -> list[Path]:
    """Write means and deviations as a library (.csv or .sli), and beside it a table of what each was taken from.

    Raises ValueError where there is nothing to write, or where one of the files is there already.
    """
    if not entries:
        raise ValueError("there is no spectrum to save; pick a pixel first")
    path, scene = Path(path), facts.scene
    about = path.with_name(f"{path.name}.about.csv")
    files = [path, about] + ([path.with_suffix(".hdr")] if path.suffix == ".sli" else [])
    spare_input(files, scene.files)
    if there := [file.name for file in files if file.exists()]:
        raise ValueError(f"{there[0]} is there already in {path.parent.resolve()}; choose another name")
    named: dict[str, np.ndarray] = {}
    for number, s in enumerate(entries, 1):
        named[f"{number} {s.name}"] = s.mean
        if s.std is not None:
            named[f"{SPREAD}{number} {s.name}"] = s.std
    write_library(path, named, scene.wavelengths_nm)
    with about.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["spectrum", "pixels", "row", "column", "place", "class"])
        writer.writerows(_about(f"{number} {s.name}", s, facts) for number, s in enumerate(entries, 1))
    return [path, about]


def _about(name: str, spectrum: Spectrum, facts: SceneFacts) -> list[str]:
    pixels = spectrum.pixels
    if not len(pixels):
        return [name, "0", "", "", "from a library", ""]
    row, col = pixels.mean(0)
    place = facts.place_text(round(row), round(col)).removeprefix(", ")
    classes = spectrum.class_name or facts.composition(pixels, most=facts.scene.n_classes + 1)
    return [name, f"{len(pixels)}", f"{row:g}", f"{col:g}", place, classes]


def read(path: str | Path, entries: Sequence[Spectrum], scene: Scene) -> tuple[tuple[Spectrum, ...], str]:
    """The list with the spectra of a library, interpolated to the scene's bands, and what was done in words."""
    library, waves = read_library(path)
    by_number = waves is None or scene.wavelengths_nm is None
    found = {name: _on_bands(name, values, waves, scene) for name, values in library.items()}
    listed = list(entries)
    for name, values in found.items():
        if name.startswith(SPREAD) and name.removeprefix(SPREAD) in found:
            continue
        colour = free_colour(listed, scene.colors)
        nowhere = np.empty((0, 2), int)
        listed.append(Spectrum(name, colour, values, found.get(SPREAD + name), nowhere, kept=True))
    whose = "the library" if waves is None else "the scene"
    said = f"; {whose} has no wavelengths, so bands were taken by number" if by_number else ""
    return tuple(listed), f"Read {len(listed) - len(entries)} spectra from {Path(path).name}{said}."


def _on_bands(name: str, values: np.ndarray, waves: np.ndarray | None, scene: Scene) -> np.ndarray:
    if waves is not None and scene.wavelengths_nm is not None:
        order = np.argsort(waves)
        return np.interp(scene.wavelengths_nm, waves[order], values[order], np.nan, np.nan)
    if values.size != scene.bands:
        raise ValueError(f"{name} has {values.size} bands and no wavelengths, the scene {scene.bands}")
    return values
