"""The spectra that a `SpectraExplorer` lists: kept ones, and the current one at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hsikit.figures.style import PALETTE
from hsikit.scenes.scene import Scene
from hsikit.scenes.write import spare_input
from hsikit.spectra import read_library, write_library

COLOURS = tuple(c for c in PALETTE if c != "#999999")


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
        kept: Stays when another pixel is picked.
    """

    name: str
    colour: str
    mean: np.ndarray
    std: np.ndarray | None
    pixels: np.ndarray
    class_name: str = ""
    kept: bool = False


class SpectrumList:
    """Spectra of a scene in `entries`; those not kept go when another is put in.

    Methods raise ValueError for a place outside the list, a colour that is none, and an empty list to save.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.entries: list[Spectrum] = []

    def next_colour(self) -> str:
        """The first colour that no kept spectrum has, or any once all are taken."""
        used = [s.colour for s in self.entries if s.kept]
        free = [c for c in COLOURS if c not in used]
        return free[0] if free else COLOURS[len(used) % len(COLOURS)]

    def put(self, spectrum: Spectrum) -> None:
        """Make a spectrum the current one."""
        self.entries = [s for s in self.entries if s.kept] + [spectrum]

    def at(self, place: int) -> Spectrum:
        """The spectrum at a place, counted from 0."""
        if not 0 <= place < len(self.entries):
            raise ValueError(f"there is no spectrum {place}; the list holds {len(self.entries)}")
        return self.entries[place]

    def change(self, place: int, name: str | None = None, colour: str | None = None) -> Spectrum:
        """Rename or recolour a spectrum, which is kept from then on."""
        from matplotlib.colors import is_color_like, to_hex

        old = self.at(place)
        if colour is not None and not is_color_like(colour):
            raise ValueError(f"{colour!r} is no colour; give a name or a hex code such as #0072b2")
        given = old.colour if colour is None else to_hex(colour)
        self.entries[place] = replace(old, name=(name or "").strip() or old.name, colour=given, kept=True)
        return self.entries[place]

    def save(self, path: str | Path) -> Path:
        """Write the list as a spectral library, .csv or ENVI .sli."""
        if not self.entries:
            raise ValueError("there is no spectrum to save; pick a pixel first")
        named = {f"{i + 1} {s.name}": s.mean for i, s in enumerate(self.entries)}
        spare_input([Path(path), Path(path).with_suffix(".hdr")], self.scene.files)
        return write_library(path, named, self.scene.wavelengths_nm)

    def load(self, path: str | Path) -> str:
        """Add the spectra of a library, interpolated to the scene's bands; says how many, and whether by number."""
        library, waves = read_library(path)
        by_number = waves is None or self.scene.wavelengths_nm is None
        for name, values in library.items():
            if waves is not None and self.scene.wavelengths_nm is not None:
                order = np.argsort(waves)
                values = np.interp(self.scene.wavelengths_nm, waves[order], values[order], np.nan, np.nan)
            if values.size != self.scene.bands:
                raise ValueError(f"{name} has {values.size} bands and no wavelengths, the scene {self.scene.bands}")
            place = np.empty((0, 2), int)
            self.entries.append(Spectrum(name, self.next_colour(), values, None, place, kept=True))
        whose = "the library" if waves is None else "the scene"
        said = f"; {whose} has no wavelengths, so bands were taken by number" if by_number else ""
        return f"Read {len(library)} spectra from {Path(path).name}{said}."
