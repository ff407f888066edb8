"""What a `Spectra` shows, as marks: the map, and the spectra beside it."""

from __future__ import annotations

import numpy as np

from hsikit.explore.marks import Chart, Cursor, Line, Ring, Scale, Size, is_wide, lifted, map_of, ramp_of, rgb_of
from hsikit.explore.spectra import Spectra
from hsikit.explore.spectra_picture import COMPOSITES

RGB = (("#d62728", "R"), ("#2ca02c", "G"), ("#1f77b4", "B"))


MAP_HINT = (
    "Map. Click a pixel for its spectrum. Arrow keys move the picked pixel, plus and minus zoom, Home shows all; so do "
    "wheel and double click, and a drag moves."
)
SPECTRA_HINT = "Spectra. Click to show a band, drag the marks of bands; wheel, drag and double click as in the map."


def map_chart(state: Spectra) -> Chart:
    """The map with rings around picked pixels; areas are laid over it."""
    scene = state.scene
    size = Size(1.0, 500, 200, 165) if is_wide(scene) else Size(0.41, 320, 360, 160)
    return map_of(state.title, painted(state), scene, scale=colour_scale(state), rings=rings(state), size=size,
                  hint=MAP_HINT)  # fmt: skip


def rings(state: Spectra) -> tuple[Ring, ...]:
    """A ring around each picked pixel."""
    return tuple(Ring(float(s.pixels[0, 1]), float(s.pixels[0, 0]), s.colour)
                 for s in state.entries if len(s.pixels) == 1)  # fmt: skip


def map_key(state: Spectra) -> tuple[object, ...]:
    """What the colours of the map depend on."""
    angle = state.current if state.mode == "spectral angle" else None
    areas = (s for s in state.entries if len(s.pixels) > 1)
    return (state.mode, state.rgb_bands, state.band, state.stretch, state.colour_map, state.truth_opacity,
            state.lidar_opacity, state.lidar_channel, angle, *areas)  # fmt: skip


def painted(state: Spectra) -> np.ndarray:
    """The picture (row, col, 3) uint8 with selected areas in their colours."""
    picture = np.clip(255 * state.picture() + 0.5, 0, 255).astype(np.uint8)
    for s in state.entries:
        if len(s.pixels) > 1:
            at = s.pixels[:, 0], s.pixels[:, 1]
            picture[at] = np.rint(0.4 * picture[at] + 0.6 * np.array(rgb_of(s.colour))).astype(np.uint8)
    return picture


def colour_scale(state: Spectra) -> Scale | None:
    """The colours of a picture with one value a pixel; None for composites."""
    if state.mode in COMPOSITES:
        return None
    _, (low, high), name = state.shown_values()
    return Scale(low, high, ramp_of(name))


def spectra_chart(state: Spectra) -> Chart:
    """Class means and picked spectra over the bands, the marks of the bands on show, and what is left out."""
    scene = state.scene
    low, high, unit = value_axis(state)
    return Chart(
        title="spectra (simulated data)" if scene.simulated else "spectra",
        x_label="band" if scene.wavelengths_nm is None else "wavelength (nm)", y_label=unit,
        x=lifted(state.x)[0], x_range=state.facts.reach, y_range=(low, high),
        lines=lines(state), cursors=cursors(state), spans=tuple(state.facts.left_out), zoom="x",
        hint=SPECTRA_HINT, size=Size(1.0, 500, 210, 175) if is_wide(scene) else Size(0.59, 480, 360, 170),
    )  # fmt: skip


def lines(state: Spectra) -> tuple[Line, ...]:
    """A line a class, shown or only named, and one for each listed spectrum."""
    scene, found = state.scene, []
    means, stds = state.facts.class_spectra if state.classes_shown else (None, None)
    for c, (name, colour) in enumerate(zip(scene.class_names, scene.colors), 1):
        if means is None or stds is None or c not in state.classes_shown:
            found.append(Line(name, np.empty(0), colour, None, c, shown=False))
        else:
            mean, std = _drawn(state, means[c - 1], stds[c - 1])
            found.append(Line(name, mean, colour, std, c))
    for s in state.entries:
        mean, std = _drawn(state, s.mean, s.std)
        found.append(Line(s.name, mean, s.colour, std, width=2.2))
    return tuple(found)


def _drawn(state: Spectra, mean: np.ndarray, std: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Values by wavelength with the pen lifted at gaps; deviations mean nothing without the continuum."""
    spread = None if std is None or state.continuum else lifted(state.x, std)[1]
    return lifted(state.x, state.drawn(mean))[1], spread


def value_axis(state: Spectra) -> tuple[float, float, str]:
    """Lowest and highest value of the axis of the spectra, and its unit."""
    if state.continuum:
        return 0.0, 1.05, "continuum removed"
    return *state.facts.span_with([s.mean for s in state.entries]), state.scene.units


def cursors(state: Spectra) -> tuple[Cursor, ...]:
    """Where the bands on show stand on the axis of the spectra, in the colours they are shown in."""
    if state.mode == "one band":
        return (Cursor(float(state.x[state.band]), "#888888", ""),)
    return tuple(Cursor(float(state.x[b]), colour, name) for b, (colour, name) in zip(state.bands_on_show, RGB))
