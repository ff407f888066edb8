"""`SpectraExplorer`: a map and its spectra, linked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.explore.panel import Panel, View
from hsikit.explore.redraw import pixels_inside
from hsikit.figures.style import PALETTE
from hsikit.scenes.base import COLOUR_INFRARED_NM, TRUE_COLOUR_NM, Scene
from hsikit.spectra import (
    INDICES_NM,
    bad_bands,
    class_means,
    continuum_removed,
    normalised_difference,
    rank_by_angle,
    read_library,
    spectral_angle,
    write_library,
)

PRESETS_NM = {"true colour": TRUE_COLOUR_NM, "colour infrared": COLOUR_INFRARED_NM}
MODES = (*PRESETS_NM, "three bands", "one band", "spectral angle", *INDICES_NM)
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


class SpectraExplorer(Panel):
    """Look at bands and spectra of a scene: `pick` a pixel, `select` an area, `show` another picture.

    Attributes:
        spectra: What is drawn; the last entry is the current one; the next pick replaces it unless kept.
        mode: What the map shows, one of `MODES`.
        rgb_bands: Indices of the bands shown as red, green and blue.
        band: Index of the band shown alone, where the wavelength cursor stands.
        truth_opacity, lidar_opacity: 0 to 1, how strongly these layers cover the picture.
        lidar_channel: Which LiDAR channel is laid over it.
        classes_shown: Classes 1..C whose mean spectra are drawn.
        continuum: Draw spectra with their continuum removed.
        bad: Booleans (band,), True for bands greyed out and left out of spectral angles: water absorption,
            and bands that are constant or hold NaN.

    Methods raise ValueError for a pixel outside the scene, a mask of another size, or what the scene lacks;
    an empty selection is a message. In the widget all of these are messages.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        assert scene.valid is not None
        self.valid = scene.valid
        self.x = np.arange(scene.bands, dtype=float) if scene.wavelengths_nm is None else scene.wavelengths_nm
        self.spectra: list[Spectrum] = []
        self.classes_shown: set[int] = set()
        self.truth_opacity, self.lidar_opacity, self.lidar_channel = 0.0, 0.0, 0
        self.continuum = False
        self.rgb_bands, self.mode = self._first_bands()
        self.band = self.rgb_bands[0]
        self._stretched: dict[int, tuple[float, float]] = {}
        self._angle: tuple[Spectrum, np.ndarray] | None = None
        if scene.shape[1] > 1.6 * scene.shape[0]:  # wide scenes stand above their spectra
            self.size_in = (10.4, 7.4)
        self.message = "Click a pixel for its spectrum; drag around pixels for their mean."

    def __repr__(self) -> str:
        return f"<SpectraExplorer of {self.scene.name}: {self.mode}, {len(self.spectra)} spectra>"

    # --- spectra ---------------------------------------------------------------------------------

    def pick(self, row: int, col: int) -> Spectrum:
        """The spectrum of a pixel, which becomes the current one."""
        rows, cols = self.scene.shape
        if not (0 <= row < rows and 0 <= col < cols):
            raise ValueError(
                f"pixel ({row}, {col}) is outside the scene; rows are 0..{rows - 1}, columns 0..{cols - 1}"
            )
        if not self.valid[row, col]:
            raise ValueError(f"pixel ({row}, {col}) has no measurement; pick one that is not white")
        mean = np.asarray(self.scene.hsi[row, col], np.float64)
        where = self.class_name(row, col)
        picked = Spectrum(f"{where} ({row}, {col})", self._next_colour(), mean, None, np.array([[row, col]]), where)
        self._append(picked)
        self._tell(f"({row}, {col}): {where}{self.lidar_text(row, col)}." + self._ranking(mean))
        return picked

    def select(self, mask: np.ndarray) -> Spectrum | None:
        """Mean ± std of the valid pixels in a mask (row, col), the current spectrum then; None if empty."""
        mask = np.asarray(mask)
        if mask.shape != self.scene.shape or mask.dtype != bool:
            raise ValueError(f"the mask is {mask.shape} {mask.dtype}, expected {self.scene.shape} of booleans")
        pixels = np.argwhere(mask & self.valid)
        if not len(pixels):
            self._tell("No pixel with a measurement lies in there; drag around at least one.")
            return None
        values = np.asarray(self.scene.hsi[pixels[:, 0], pixels[:, 1]], np.float64)  # (pixel, band)
        mean, std = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else None
        selected = Spectrum(f"mean of {len(pixels):,} px", self._next_colour(), mean, std, pixels)
        self._append(selected)
        self._tell(f"{len(pixels):,} px: {self._composition(pixels)}." + self._ranking(mean))
        return selected

    def select_outline(self, outline: np.ndarray) -> Spectrum | None:
        """`select` the pixels whose centres lie inside an outline (n, 2) of x = column, y = row."""
        return self.select(pixels_inside(np.asarray(outline, float), self.scene.shape))

    @property
    def current(self) -> Spectrum | None:
        """The spectrum picked last."""
        return self.spectra[-1] if self.spectra else None

    def keep(self, name: str | None = None, colour: str | None = None) -> None:
        """Keep the current spectrum, perhaps under another name or colour."""
        if not self.spectra:
            raise ValueError("there is no spectrum to keep; pick a pixel first")
        self.change(len(self.spectra) - 1, name, colour)

    def change(self, place: int, name: str | None = None, colour: str | None = None) -> None:
        """Rename or recolour a spectrum of the list; it is kept from then on."""
        from matplotlib.colors import is_color_like, to_hex

        old = self._at(place)
        if colour is not None and not is_color_like(colour):
            raise ValueError(f"{colour!r} is no colour; give a name or a hex code such as #0072b2")
        given = old.colour if colour is None else to_hex(colour)
        self.spectra[place] = replace(old, name=(name or "").strip() or old.name, colour=given, kept=True)
        self._tell(f"Kept {self.spectra[place].name}.")

    def remove(self, place: int) -> None:
        """Take a spectrum out of the list."""
        self._tell(f"Removed {self._at(place).name}.", lambda: self.spectra.pop(place))

    def clear(self) -> None:
        """Take all spectra out of the list."""
        self._tell("No spectra.", self.spectra.clear)

    def save(self, path: str | Path) -> Path:
        """Write the spectra of the list as a spectral library, .csv or ENVI .sli."""
        if not self.spectra:
            raise ValueError("there is no spectrum to save; pick a pixel first")
        named = {f"{i + 1} {s.name}": s.mean for i, s in enumerate(self.spectra)}
        written = write_library(path, named, self.scene.wavelengths_nm)
        self._tell(f"Wrote {len(named)} spectra to {written}.")
        return written

    def load(self, path: str | Path) -> None:
        """Add the spectra of a library, interpolated to the scene's bands."""
        library, waves = read_library(path)
        for name, values in library.items():
            if waves is not None and self.scene.wavelengths_nm is not None:
                order = np.argsort(waves)
                values = np.interp(self.x, waves[order], values[order], np.nan, np.nan)
            if values.size != self.scene.bands:
                raise ValueError(f"{name} has {values.size} bands and no wavelengths, the scene {self.scene.bands}")
            place = np.empty((0, 2), int)
            self.spectra.append(Spectrum(name, self._next_colour(), values, None, place, kept=True))
        self._tell(f"Read {len(library)} spectra from {Path(path).name}.")

    # --- the picture -----------------------------------------------------------------------------

    def show(self, mode: str) -> None:
        """Choose what the map shows, one of `MODES`."""
        if mode not in MODES:
            raise ValueError(f"{mode!r} is unknown; choose one of {', '.join(MODES)}")
        if mode in PRESETS_NM:
            self.rgb_bands = self._reach(mode)
        if mode in INDICES_NM:
            self._index(mode)  # complains where the bands are missing
        if mode == "spectral angle":
            if self.current is None:
                raise ValueError("a spectral angle needs a spectrum; pick a pixel first")
            self._angles()
        self.mode = mode
        self._tell(self.title)

    def show_bands(self, *where: float) -> None:
        """Show one band in grey, or three as red, green and blue; in nm, or by index without wavelengths."""
        if len(where) not in (1, 3):
            raise ValueError(f"{len(where)} bands given; give one, or three for red, green and blue")
        picks = tuple(self.band_at(w) for w in where)
        if len(picks) == 1:
            self.band, self.mode = picks[0], "one band"
        else:
            self.rgb_bands, self.mode = picks, "three bands"
        self._tell(self.title)

    def set_layers(self, truth: float | None = None, lidar: float | None = None, channel: int | None = None) -> None:
        """Opacity (0 to 1) of ground truth and LiDAR, and the LiDAR channel."""
        for name, value in (("truth", truth), ("lidar", lidar)):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"the opacity of {name} is {value!r}, expected 0 to 1")
        if lidar and self.scene.lidar is None:
            raise ValueError(f"{self.scene.name} has no LiDAR to show")
        if channel is not None and not 0 <= channel < self.scene.lidar_channels:
            raise ValueError(f"LiDAR channel {channel}; there are {self.scene.lidar_channels}, counted from 0")
        self.truth_opacity = self.truth_opacity if truth is None else truth
        self.lidar_opacity = self.lidar_opacity if lidar is None else lidar
        self.lidar_channel = self.lidar_channel if channel is None else channel
        self._tell(self.title)

    def toggle_class(self, class_id: int, shown: bool | None = None) -> None:
        """Draw or hide the mean spectrum of a class 1..C."""
        if not 1 <= class_id <= self.scene.n_classes:
            raise ValueError(f"class {class_id}; classes are 1 to {self.scene.n_classes}")
        name = self.scene.class_names[class_id - 1]
        if not np.isfinite(self.means[class_id - 1]).any():
            raise ValueError(f"{name} has no labelled pixel, so it has no mean spectrum")
        shown = class_id not in self.classes_shown if shown is None else shown
        (self.classes_shown.add if shown else self.classes_shown.discard)(class_id)
        self._tell(f"Mean of {name} {'shown' if shown else 'hidden'}.")

    def set_continuum(self, removed: bool) -> None:
        """Draw spectra as measured, or divided by their continuum."""
        self.continuum = bool(removed)
        self._tell("Continuum removed: 1 is the upper hull." if removed else "Spectra as measured.")

    def picture(self) -> np.ndarray:
        """What the map shows: (row, col, 3) float32 in 0..1, layers blended in, white if not measured."""
        from matplotlib import colormaps
        from matplotlib.colors import to_rgb

        if self.mode in (*PRESETS_NM, "three bands"):
            base = np.stack([self._grey(b) for b in self.rgb_bands], -1)
        else:
            values, (low, high), cmap = self.shown_values()
            base = colormaps[cmap](np.clip((values - low) / max(high - low, 1e-9), 0, 1))[..., :3]
        base = np.where(self.valid[..., None] & np.isfinite(base), base, 1.0)
        if self.lidar_opacity and self.scene.lidar is not None:
            height = colormaps["viridis"](self._lidar_stretched())[..., :3]
            base = (1 - self.lidar_opacity) * base + self.lidar_opacity * height
        if self.truth_opacity:
            colours = np.array([to_rgb(c) for c in self.scene.colors])
            painted = colours[np.maximum(self.scene.labels, 1) - 1]
            share = self.truth_opacity * (self.scene.labels > 0)[..., None]
            base = (1 - share) * base + share * painted
        return base.astype(np.float32)

    def shown_values(self) -> tuple[np.ndarray, tuple[float, float], str]:
        """Values (row, col) of a picture with one value a pixel, the range of its colours, their name."""
        if self.mode == "one band":
            return np.asarray(self.scene.hsi[..., self.band], np.float32), self._range(self.band), "gray"
        if self.mode == "spectral angle" and self.current is not None:
            angles = self._angles()
            return angles, (0.0, float(np.nanpercentile(angles[self.valid], 98))), "cividis_r"
        if self.mode in INDICES_NM:
            return self._index(self.mode), (-1.0, 1.0), "BrBG"
        return np.full(self.scene.shape, np.nan, np.float32), (0.0, 1.0), "gray"

    @property
    def title(self) -> str:
        """What the map shows, in words."""
        if self.mode == "one band":
            return self.band_text(self.band)
        if self.mode == "spectral angle":
            return f"angle to {self.current.name} (rad)" if self.current else "spectral angle: pick a pixel"
        if self.mode in INDICES_NM:
            return f"{self.mode} of {self.scene.units}"
        return f"{self.mode}: " + ", ".join(self.band_text(b, short=True) for b in self.rgb_bands)

    # --- facts -----------------------------------------------------------------------------------

    def band_at(self, where: float) -> int:
        """Index of the band nearest to a wavelength in nm, or to an index where there are no wavelengths."""
        if not np.isfinite(where) or not self.x.min() - 50 <= where <= self.x.max() + 50:
            reach = f"{self.x.min():g} to {self.x.max():g} {self.unit}"
            raise ValueError(f"{where:g} is outside the bands, which run {reach}")
        return int(np.abs(self.x - where).argmin())

    @property
    def unit(self) -> str:
        """``"nm"``, or ``"(band index)"`` without wavelengths."""
        return "(band index)" if self.scene.wavelengths_nm is None else "nm"

    def band_text(self, band: int, short: bool = False) -> str:
        """A band in words."""
        if self.scene.wavelengths_nm is None:
            return f"{band}" if short else f"band {band}"
        return f"{self.x[band]:.0f} nm" if short else f"band {band} ({self.x[band]:.1f} nm)"

    def class_name(self, row: int, col: int) -> str:
        """Class of a pixel or ``"unlabelled"``."""
        label = int(self.scene.labels[row, col])
        return self.scene.class_names[label - 1] if label else "unlabelled"

    def lidar_text(self, row: int, col: int) -> str:
        """LiDAR values of a pixel in words, empty without LiDAR."""
        if self.scene.lidar is None:
            return ""
        values = np.asarray(self.scene.lidar[row, col], float)
        return "".join(f", {n}: {v:.4g}" for n, v in zip(self.scene.lidar_names, values))

    def under_pointer(self, x: float, y: float) -> str:
        """Values at a place on the map, for the line below the canvas."""
        col, row = round(x), round(y)
        if not (0 <= row < self.scene.shape[0] and 0 <= col < self.scene.shape[1]):
            return ""
        value = float(self.scene.hsi[row, col, self.band])
        measured = f"{self.band_text(self.band)}: {value:.5g}{self.lidar_text(row, col)}"
        return f"row {row}, col {col}: {self.class_name(row, col)}, {measured}"

    @cached_property
    def class_spectra(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and deviations (C, band) of the classes."""
        return class_means(self.scene.hsi, self.scene.usable, self.scene.n_classes)

    @property
    def means(self) -> np.ndarray:
        """Mean spectra (C, band) of the classes, NaN for a class without pixels."""
        return self.class_spectra[0]

    @cached_property
    def bad(self) -> np.ndarray:
        """Bands greyed out, see the class."""
        return bad_bands(self._sample, self.scene.wavelengths_nm)

    @cached_property
    def span(self) -> tuple[float, float]:
        """Values between which nearly all spectra run."""
        good = self._sample[:, ~self.bad]
        low, high = np.nanpercentile(good, (0.1, 99.9))
        margin = 0.05 * max(high - low, 1e-9)
        return float(low - margin), float(high + margin)

    def drawn(self, values: np.ndarray) -> np.ndarray:
        """Spectra (..., band) as they are drawn: with or without continuum."""
        if not self.continuum:
            return values
        good = ~self.bad
        out = np.full(np.shape(values), np.nan)
        out[..., good] = continuum_removed(values[..., good], self.x[good])
        return out

    # --- inside ----------------------------------------------------------------------------------

    def _first_bands(self) -> tuple[tuple[int, ...], str]:
        try:
            return self._reach("true colour"), "true colour"
        except ValueError:
            return tuple(int(f * (self.scene.bands - 1)) for f in (0.75, 0.5, 0.25)), "three bands"

    def _reach(self, preset: str) -> tuple[int, ...]:
        """Bands of a preset, or a complaint."""
        waves, nm = self.scene.wavelengths_nm, PRESETS_NM[preset]
        if waves is None:
            raise ValueError(f"{preset} needs wavelengths, which {self.scene.name} lacks; choose three bands by index")
        if waves.min() - 50 > min(nm) or waves.max() + 50 < max(nm):
            reach = f"{waves.min():g} to {waves.max():g} nm"
            raise ValueError(f"{preset} needs {min(nm):g} to {max(nm):g} nm; the bands run {reach}")
        return tuple(self.band_at(w) for w in nm)

    @cached_property
    def _sample(self) -> np.ndarray:
        return sample_spectra(self.scene)

    def _range(self, band: int) -> tuple[float, float]:
        if band not in self._stretched:
            values = np.asarray(self.scene.hsi[..., band], np.float32)[self.valid]
            values = values[np.isfinite(values)]
            low, high = np.percentile(values, (2, 98)) if values.size else (0.0, 1.0)
            self._stretched[band] = (float(low), float(high))
        return self._stretched[band]

    def _grey(self, band: int) -> np.ndarray:
        low, high = self._range(band)
        values = np.asarray(self.scene.hsi[..., band], np.float32)
        return np.clip((values - low) / max(high - low, 1e-9), 0, 1)

    def _lidar_stretched(self) -> np.ndarray:
        assert self.scene.lidar is not None
        channel = np.asarray(self.scene.lidar[..., self.lidar_channel], np.float32)
        low, high = np.nanpercentile(channel, (1, 99))
        return np.clip((channel - low) / max(high - low, 1e-9), 0, 1)

    def _index(self, name: str) -> np.ndarray:
        return normalised_difference(self.scene.hsi, self.scene.wavelengths_nm, *INDICES_NM[name])

    def _angles(self) -> np.ndarray:
        assert self.current is not None
        if self._angle is None or self._angle[0].mean is not self.current.mean:
            use = ~self.bad & np.isfinite(self.current.mean)
            self._angle = (self.current, spectral_angle(self.scene.hsi, self.current.mean, use))
        return self._angle[1]

    def _ranking(self, mean: np.ndarray, most: int = 3) -> str:
        good = ~self.bad & np.isfinite(mean)
        library = {n: m[good] for n, m in zip(self.scene.class_names, self.means)}
        try:
            nearest = rank_by_angle(mean[good], library)[:most]
        except ValueError:
            return ""
        listed = ", ".join(f"{name} {angle:.3f}" for name, angle in nearest)
        return f" Nearest class means by angle (rad): {listed}." if listed else ""

    def _composition(self, pixels: np.ndarray, most: int = 3) -> str:
        counts = np.bincount(self.scene.labels[pixels[:, 0], pixels[:, 1]], minlength=self.scene.n_classes + 1)
        names = ("unlabelled", *self.scene.class_names)
        top = [c for c in np.argsort(-counts, kind="stable")[:most] if counts[c]]
        return ", ".join(f"{names[c]} {counts[c]:,}" for c in top)

    def _next_colour(self) -> str:
        used = [s.colour for s in self.spectra if s.kept]
        free = [c for c in COLOURS if c not in used]
        return free[0] if free else COLOURS[len(used) % len(COLOURS)]

    def _append(self, spectrum: Spectrum) -> None:
        self.spectra = [s for s in self.spectra if s.kept] + [spectrum]

    def _at(self, place: int) -> Spectrum:
        if not 0 <= place < len(self.spectra):
            raise ValueError(f"there is no spectrum {place}; the list holds {len(self.spectra)}")
        return self.spectra[place]

    def _tell(self, message: str, change: Callable[[], Any] | None = None) -> None:
        """Change, if asked to, then show the state with a message."""
        if change is not None:
            change()
        if self.mode == "spectral angle" and self.current is None:
            self.mode = "three bands"
        self.message = message
        self._show()

    # --- the panel -------------------------------------------------------------------------------

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.spectra_view import SpectraView

        return SpectraView(figure, self)

    def _controls(self) -> list[Any]:
        from hsikit.explore.spectra_controls import SpectraControls

        self._panel = SpectraControls(self)
        return self._panel.rows()

    def _connect(self) -> None:
        self._panel.connect(self._view)

    def _sync(self) -> None:
        self._panel.sync()


def sample_spectra(scene: Scene, most: int = 2000) -> np.ndarray:
    """About `most` valid spectra (n, band) float64, evenly spread over the scene."""
    assert scene.valid is not None
    rows, cols = np.nonzero(scene.valid)
    step = max(1, len(rows) // most)
    return np.asarray(scene.hsi[rows[::step], cols[::step]], np.float64)
