"""`Spectra`: what a map and its spectra show, as state that a script drives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import traitlets as t

from hsikit.explore.marks import pixels_inside
from hsikit.explore.spectra_facts import SceneFacts
from hsikit.explore.spectra_list import Spectrum, changed, free_colour, put, read, write
from hsikit.explore.spectra_picture import COLOUR_MAPS, COMPONENTS, COMPOSITES, MODES, PRESETS_NM, ScenePicture
from hsikit.explore.state import Choice, State, Within, check_mask, check_pixel
from hsikit.scenes.scene import Scene
from hsikit.spectra import INDICES_NM, continuum_removed


class Spectra(State):
    """Look at bands and spectra of a scene: `pick` a pixel, `select` an area, `show` another picture.

    Attributes:
        entries: The spectra that are drawn; the last one is the current one. Picks collect: the last six stay, and
            those that are kept.
        mode: What the map shows, one of `MODES`.
        rgb_bands: Indices of the bands shown as red, green and blue.
        band: Index of the band shown alone, where the wavelength cursor stands; setting it shows it.
        stretch: Percentiles that are shown as black and white.
        colour_map: Of one band and of angles, one of `COLOUR_MAPS`; empty for the picture's own.
        truth_opacity, lidar_opacity: 0 to 1, how strongly these layers cover the picture.
        lidar_channel: Which LiDAR channel is laid over it.
        classes_shown: Classes 1..C whose mean spectra are drawn.
        continuum: Draw spectra with their continuum removed.

    Methods raise ValueError for a pixel outside the scene, a mask of another size, or what the scene lacks; an empty
    selection is a message. In the widget all of these are messages.

    Example:
        >>> from hsikit.explore.spectra import Spectra
        >>> state = Spectra(hsikit.load_scene("indian_pines"))
        >>> state.click(20, 100)
        >>> state.band = 30
        >>> state.mode, state.current.pixels.tolist()
        ('one band', [[20, 100]])
    """

    entries = t.Tuple().tag(shown=True, kept=True)
    classes_shown = t.Set().tag(shown=True)
    mode = Choice(MODES).tag(shown=True)
    rgb_bands = t.Tuple().tag(shown=True)
    band = t.Int()  # seen by way of `_band_set`
    stretch = t.Tuple(default_value=(2.0, 98.0)).tag(shown=True)
    colour_map = Choice(("", *COLOUR_MAPS)).tag(shown=True)
    truth_opacity = Within(0.0, 0, 1).tag(shown=True)
    lidar_opacity = Within(0.0, 0, 1).tag(shown=True)
    lidar_channel = t.Int(0).tag(shown=True)
    continuum = t.Bool(False).tag(shown=True)

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.facts = SceneFacts(scene)
        self.valid, self.x = self.facts.valid, self.facts.x
        self._picture = ScenePicture(self.facts)
        with self.step("Click a pixel for its spectrum; the lasso takes the mean of many."):
            self.rgb_bands, self.mode = self._picture.first_bands()
            self.band = self.rgb_bands[0]
        self._before_click = self.band, self.mode

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.scene.name}: {self.mode}, {len(self.entries)} spectra>"

    # --- spectra ---------------------------------------------------------------------------------

    def pick(self, row: int, col: int, keep: bool = False) -> Spectrum:
        """The spectrum of a pixel, which becomes the current one."""
        check_pixel(self.scene, row, col)
        mean = np.asarray(self.scene.hsi[row, col], np.float64)
        where = self.facts.class_name(row, col)
        name, colour = f"{where} ({row}, {col})", free_colour(self.entries, self.scene.colors)
        picked = Spectrum(name, colour, mean, None, np.array([[row, col]]), where, keep)
        told = f"({row}, {col}): {where}{self.facts.lidar_text(row, col)}{self.facts.place_text(row, col)}."
        with self.step(told + self.facts.ranking(mean)):
            self.entries, self.place = put(self.entries, picked), (row, col)
        return picked

    def pick_examples(self) -> None:
        """Something to begin with: a pixel of each of the two largest classes, and the mean around the first."""
        labels, told = self.scene.usable, self.message
        counts = np.bincount(labels.ravel(), minlength=self.scene.n_classes + 1)[1:]
        largest = [int(c) + 1 for c in np.argsort(-counts, kind="stable")[:2] if counts[c]] or [0]
        with self.step():
            for place, c in enumerate(largest):
                pixels = np.argwhere((labels == c) & self.valid)
                row, col = pixels[np.abs(pixels - np.median(pixels, axis=0)).sum(1).argmin()]
                if place == 0:
                    near = np.zeros(self.scene.shape, bool)
                    near[max(row - 4, 0) : row + 5, max(col - 4, 0) : col + 5] = True
                    self.select(near & (labels == c) & self.valid)
                self.pick(int(row), int(col))
            self.message = told

    def click(self, row: int, col: int, ctrl: bool = False) -> None:
        """What a click on the map does: `pick`, kept with Ctrl."""
        self.pick(row, col, keep=ctrl)

    def click_band(self, where: float) -> None:
        """What a click on the spectra does: `show_bands` of a wavelength or index."""
        self._before_click = self.band, self.mode
        self.show_bands(where)

    def unclick_band(self) -> None:
        """Show again what `click_band` took the place of: it was the first half of a double click."""
        with self.step():
            self.band, self.mode = self._before_click
            self.message = self.title

    def go_to(self, text: str) -> Spectrum:
        """Pick the pixel that a text means: row, column, or x, y in the scene's system, or longitude, latitude."""
        row, col, how = self.facts.pixel_at(text)
        with self.step():
            picked = self.pick(row, col)
            self.message = f"Read as {how}. {self.message}"
        return picked

    def select(self, mask: np.ndarray) -> Spectrum | None:
        """Mean ± std of the valid pixels in a mask (row, col), the current spectrum then; None if empty."""
        pixels = np.argwhere(check_mask(self.scene, mask) & self.valid)
        if not len(pixels):
            with self.step("No pixel with a measurement lies in there; draw around at least one."):
                return None
        values = np.asarray(self.scene.hsi[pixels[:, 0], pixels[:, 1]], np.float64)  # (pixel, band)
        mean, std = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else None
        colour = free_colour(self.entries, self.scene.colors)
        selected = Spectrum(f"mean of {len(pixels):,} px", colour, mean, std, pixels)
        with self.step(f"{len(pixels):,} px: {self.facts.composition(pixels)}." + self.facts.ranking(mean)):
            self.entries = put(self.entries, selected)
            self.chosen = np.ravel_multi_index(tuple(pixels.T), self.scene.shape)
        return selected

    def select_outline(self, outline: np.ndarray) -> Spectrum | None:
        """`select` the pixels whose centres lie inside an outline (n, 2) of x = column, y = row."""
        return self.select(pixels_inside(np.asarray(outline, float), self.scene.shape))

    @property
    def spectra(self) -> list[Spectrum]:
        """The spectra of the list, see the class."""
        return list(self.entries)

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest value that the axis of the spectra shows before anything is picked."""
        return self.facts.span

    @property
    def current(self) -> Spectrum | None:
        """The spectrum picked last."""
        return self.entries[-1] if self.entries else None

    def keep(self, name: str | None = None, colour: str | None = None) -> None:
        """Keep the current spectrum, perhaps under another name or colour."""
        if not self.entries:
            raise ValueError("there is no spectrum to keep; pick a pixel first")
        self.change(len(self.entries) - 1, name, colour)

    def change(self, place: int, name: str | None = None, colour: str | None = None) -> None:
        """Rename or recolour a spectrum of the list; it is kept from then on."""
        new = changed(self._at(place), name, colour)
        with self.step(f"Kept {new.name}."):
            self.entries = (*self.entries[:place], new, *self.entries[place + 1 :])

    def remove(self, place: int) -> None:
        """Take a spectrum out of the list."""
        removed = self._at(place)
        with self.step(f"Removed {removed.name}."):
            self.entries = (*self.entries[:place], *self.entries[place + 1 :])

    def clear(self) -> None:
        """Take all spectra out of the list."""
        with self.step("No spectra; Undo brings them back." if self.entries else "No spectra."):
            self.entries = ()

    def save(self, path: str | Path) -> Path:
        """Write the spectra of the list as a library, .csv or ENVI .sli, with what they were taken from beside it."""
        written = write(path, self.entries, self.facts)
        with self.step(f"Wrote {len(self.entries)} spectra to {written[0]}, what they are to {written[1].name}."):
            return written[0]

    def load(self, path: str | Path) -> None:
        """Add the spectra of a library, interpolated to the scene's bands."""
        entries, told = read(path, self.entries, self.scene)
        with self.step(told):
            self.entries = entries

    def _at(self, place: int) -> Spectrum:
        if not 0 <= place < len(self.entries):
            raise ValueError(f"there is no spectrum {place}; the list holds {len(self.entries)}")
        return self.entries[place]

    @t.observe("entries")
    def _without_angle(self, _: Any) -> None:
        if self.mode == "spectral angle" and not self.entries:
            self.mode = "three bands"

    # --- the picture -----------------------------------------------------------------------------

    def show(self, mode: str) -> None:
        """Choose what the map shows, one of `MODES`."""
        bands = self._picture.preset_bands(mode) if mode in PRESETS_NM else self.rgb_bands
        if mode in INDICES_NM:
            self._picture.index(mode)  # complains where the bands are missing
        if mode in COMPONENTS:
            self._picture.components(mode)
        if mode == "spectral angle":
            if self.current is None:
                raise ValueError("a spectral angle needs a spectrum; pick a pixel first")
            self._picture.angles(self.current.mean)
        with self.step():
            self.rgb_bands, self.mode = bands, mode
            self.message = self.title

    def show_bands(self, *where: float) -> None:
        """Show one band in grey, or three as red, green and blue; in nm, or by index without wavelengths."""
        if len(where) not in (1, 3):
            raise ValueError(f"{len(where)} bands given; give one, or three for red, green and blue")
        picks = tuple(self.facts.band_at(w) for w in where)
        with self.step():
            if len(picks) == 1:
                self.band, self.mode = picks[0], "one band"
            else:
                self.rgb_bands, self.mode = picks, "three bands"
            self.message = self.title

    def move(self, place: int, where: float) -> None:
        """Move the mark of a band to a wavelength or index: the only one, or 0, 1, 2 for red, green and blue."""
        if self.mode == "one band":
            self.show_bands(where)
            return
        nm = [float(self.x[band]) for band in self.rgb_bands]
        nm[place] = where
        self.show_bands(*nm)

    def set_layers(self, truth: float | None = None, lidar: float | None = None, channel: int | None = None) -> None:
        """Opacity (0 to 1) of ground truth and LiDAR, and the LiDAR channel."""
        for name, value in (("truth", truth), ("lidar", lidar)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"the opacity of {name} is {value!r}, expected 0 to 1")
        if lidar and self.scene.lidar is None:
            raise ValueError(f"{self.scene.name} has no LiDAR to show")
        if channel is not None and not 0 <= channel < self.scene.lidar_channels:
            raise ValueError(f"LiDAR channel {channel}; there are {self.scene.lidar_channels}, counted from 0")
        with self.step(self.title):
            self.truth_opacity = self.truth_opacity if truth is None else truth
            self.lidar_opacity = self.lidar_opacity if lidar is None else lidar
            self.lidar_channel = self.lidar_channel if channel is None else channel

    def toggle_class(self, class_id: int, shown: bool | None = None) -> None:
        """Draw or hide the mean spectrum of a class 1..C."""
        if not 1 <= class_id <= self.scene.n_classes:
            raise ValueError(f"class {class_id}; classes are 1 to {self.scene.n_classes}")
        name = self.scene.class_names[class_id - 1]
        if not np.isfinite(self.facts.class_spectra[0][class_id - 1]).any():
            raise ValueError(f"{name} has no labelled pixel, so it has no mean spectrum")
        shown = class_id not in self.classes_shown if shown is None else shown
        with self.step(f"Mean of {name} {'shown' if shown else 'hidden'}."):
            self.classes_shown = (self.classes_shown | {class_id}) if shown else (self.classes_shown - {class_id})

    def set_continuum(self, removed: bool) -> None:
        """Draw spectra as measured, or divided by their continuum."""
        with self.step("Continuum removed: 1 is the upper hull." if removed else "Spectra as measured."):
            self.continuum = bool(removed)

    @t.validate("stretch")
    def _checked_stretch(self, proposal: Any) -> tuple[float, float]:
        low, high = (float(v) for v in proposal["value"])
        if not 0 <= low < high <= 100:
            raise ValueError(f"the stretch is {low:g} to {high:g}, expected percentiles that rise within 0 to 100")
        return low, high

    @t.validate("band")
    def _checked_band(self, proposal: Any) -> int:
        if not 0 <= proposal["value"] < self.scene.bands:
            raise ValueError(f"band {proposal['value']}; bands are 0 to {self.scene.bands - 1}")
        return proposal["value"]

    @t.observe("band")
    def _band_set(self, change: Any) -> None:
        if not self._inside:  # set by itself: it is meant to be seen
            with self.step():
                self.mode, self.message = "one band", ""
                self.message = self.title

    def picture(self) -> np.ndarray:
        """What the map shows: (row, col, 3) float32 in 0..1, layers blended in, white if not measured."""
        self._picture.stretch = self.stretch
        if self.mode in COMPONENTS:
            base = self._picture.stretched(self._picture.components(self.mode))
        elif self.mode in COMPOSITES:
            base = self._picture.composite(self.rgb_bands)
        else:
            base = self._picture.painted(*self.shown_values())
        return self._picture.layered(base, self.truth_opacity, self.lidar_opacity, self.lidar_channel)

    def shown_values(self) -> tuple[np.ndarray, tuple[float, float], str]:
        """Values (row, col) of a picture with one value a pixel, the range of its colours, their name."""
        if self.mode == "one band":
            self._picture.stretch = self.stretch
            return self._picture.band(self.band), self._picture.limits(self.band), self.colour_map or "gray"
        if self.mode == "spectral angle" and self.current is not None:
            angles = self._picture.angles(self.current.mean)
            top = float(np.nanpercentile(angles[self.valid], 98))
            return angles, (0.0, top), self.colour_map or "cividis_r"
        if self.mode in INDICES_NM:
            return self._picture.index(self.mode), (-1.0, 1.0), self.colour_map or "BrBG"
        return np.full(self.scene.shape, np.nan, np.float32), (0.0, 1.0), "gray"

    @property
    def title(self) -> str:
        """What the map shows, in words."""
        if self.mode == "one band":
            return self.facts.band_text(self.band)
        if self.mode == "spectral angle":
            return f"angle to {self.current.name} (rad)" if self.current else "spectral angle: pick a pixel"
        if self.mode in INDICES_NM:
            return f"{self.mode} of {self.scene.units}"
        if self.mode in COMPONENTS:
            return f"{self.mode}: components 1, 2, 3 as red, green, blue"
        return f"{self.mode}: " + ", ".join(self.facts.band_text(b, short=True) for b in self.rgb_bands)

    # --- facts -----------------------------------------------------------------------------------

    @property
    def bands_on_show(self) -> tuple[int, ...]:
        """The bands that the map shows; none for indices, angles and components."""
        if self.mode == "one band":
            return (self.band,)
        return self.rgb_bands if self.mode in (*PRESETS_NM, "three bands") else ()

    def _told(self, row: int, col: int) -> str:
        values = (f"{self.facts.band_text(band)}: {float(self.scene.hsi[row, col, band]):.5g}"
                  for band in self.bands_on_show or (self.band,))  # fmt: skip
        return ", ".join((self.facts.class_name(row, col), *values))

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """Spectra (..., band) as they are drawn: with or without continuum."""
        if not self.continuum:
            return values
        good = ~self.facts.bad
        out = np.full(np.shape(values), np.nan)
        out[..., good] = continuum_removed(values[..., good], self.x[good])
        return out
