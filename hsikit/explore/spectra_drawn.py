"""What the views of `SpectraExplorer` draw beside the map: lines, their axis, cursors, colour scale and legend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit.explore.spectra_picture import PRESETS_NM

if TYPE_CHECKING:
    from hsikit.explore.spectra import SpectraExplorer


@dataclass(frozen=True, eq=False)
class Line:
    """A spectrum as it is drawn: values (band,), deviations (band,) or None, pixels (n, 2) it was taken from."""

    mean: np.ndarray
    std: np.ndarray | None
    colour: str
    picked: bool
    pixels: np.ndarray


def lines(explorer: SpectraExplorer) -> list[Line]:
    """The spectra as they are drawn, class means first."""
    means, stds = explorer.class_spectra if explorer.classes_shown else (np.empty(0), np.empty(0))
    nowhere = np.empty((0, 2), int)
    found = [
        Line(means[c - 1], stds[c - 1], explorer.scene.colors[c - 1], False, nowhere)
        for c in sorted(explorer.classes_shown)
    ]
    found += [Line(s.mean, s.std, s.colour, True, s.pixels) for s in explorer.spectra]
    if not explorer.continuum:
        return found
    return [replace(line, mean=explorer.drawn(line.mean), std=None) for line in found]


def axis(explorer: SpectraExplorer) -> tuple[float, float, str]:
    """Lowest and highest value of the axis of the spectra, and its unit."""
    if explorer.continuum:
        return 0.0, 1.05, "continuum removed"
    low, high = explorer.span
    for spectrum in explorer.spectra:
        good = spectrum.mean[~explorer.bad]
        good = good[np.isfinite(good)]
        low, high = min([low, *good]), max([high, *good])
    return float(low), float(high), explorer.scene.units


def cursors(explorer: SpectraExplorer) -> list[tuple[float, str]]:
    """Where the bands of the picture stand on the axis of the spectra, with the colours they are shown in."""
    if explorer.mode == "one band":
        return [(float(explorer.x[explorer.band]), "#000000")]
    colours = ("#d62728", "#2ca02c", "#1f77b4") if explorer.mode in (*PRESETS_NM, "three bands") else ()
    return [(float(explorer.x[band]), colour) for band, colour in zip(explorer.rgb_bands, colours)]


def colour_scale(explorer: SpectraExplorer) -> tuple[tuple[float, float], str] | None:
    """Range and colour map of a picture with one value a pixel; None for colour composites."""
    return None if explorer.mode in (*PRESETS_NM, "three bands") else explorer.shown_values()[1:]


def legend(explorer: SpectraExplorer) -> list[dict[str, Any]]:
    """Label, colour, class_id (0 if none) and shown of each entry: listed spectra, classes, bands left out."""
    found = [dict(label=s.name, colour=s.colour, class_id=0, shown=True) for s in explorer.spectra]
    for c, (name, colour) in enumerate(zip(explorer.scene.class_names, explorer.scene.colors), 1):
        found.append(dict(label=name, colour=colour, class_id=c, shown=c in explorer.classes_shown))
    if explorer.bad.any():
        found.append(dict(label="bands left out", colour="#e8e8e8", class_id=0, shown=False))
    return found
