"""Figures of a scene's spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hsikit.figures.style import FigureError, new_figure, styled, titled
from hsikit.scenes.scene import Scene
from hsikit.spectra import WATER_NM


@styled
def mean_spectra(scene: Scene, classes: Sequence[int] | None = None) -> Figure:
    """Mean ± one standard deviation of the spectra of each class, a panel a class, the mean of all in grey.

    Lines break where bands are missing and in the two water absorption regions.

    Args:
        scene: The scene; without wavelengths the axis counts bands.
        classes: Classes 1..C to draw. Default: all that have valid labelled pixels.

    Raises:
        FigureError: When a class has no pixel.
    """
    labels = scene.usable
    found = [c for c in range(1, scene.n_classes + 1) if (labels == c).any()]
    classes = found if classes is None else list(classes)
    if not classes or not set(classes) <= set(found):
        raise FigureError(f"{scene.name} has no labelled pixels of {set(classes) - set(found) or 'any class'}")
    spectra = {c: np.asarray(scene.hsi[labels == c], np.float32) for c in classes}  # class -> (pixel, band)
    total = sum(len(s) for s in spectra.values())
    overall = sum(s.sum(0, dtype=np.float64) for s in spectra.values()) / total
    across = min(4, len(classes))
    down = -(-len(classes) // across)
    fig = new_figure(max(2.6 * across, 4.5) + 0.4, 1.9 * down + 1.1)
    panels = fig.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, c in zip(panels, classes):
        draw_spectrum(ax, scene, overall, None, "#aaaaaa")
        deviation = spectra[c].std(0, ddof=1, dtype=np.float64) if len(spectra[c]) > 1 else None
        draw_spectrum(ax, scene, spectra[c].mean(0, dtype=np.float64), deviation, scene.colors[c - 1])
        ax.set_title(f"{scene.class_names[c - 1]} ({len(spectra[c]):,} px)", fontsize=10)
    for ax in panels[len(classes) :]:
        ax.set_axis_off()
    for ax in panels[len(classes) - across : len(classes)] if down > 1 else ():
        ax.tick_params(labelbottom=True)  # the last panel of each column, where the row below is not full
    fig.supxlabel("band" if scene.wavelengths_nm is None else "wavelength (nm)", fontsize=10)
    fig.supylabel(f"value ({scene.units})", fontsize=10)
    fig.suptitle(titled(f"{scene.name}: mean ± standard deviation; grey: mean of all", scene, 30 * across))
    return fig


def draw_spectrum(ax: Axes, scene: Scene, mean: np.ndarray, std: np.ndarray | None, colour: str) -> None:
    """A line with its band, broken at gaps."""
    if scene.wavelengths_nm is None:
        x, order = np.arange(len(mean), dtype=float), np.arange(len(mean))
    else:
        order = np.argsort(scene.wavelengths_nm, kind="stable")
        x = scene.wavelengths_nm[order]
    mean = mean[order].astype(float)
    for low, high in WATER_NM if scene.wavelengths_nm is not None else ():
        mean[(x >= low) & (x <= high)] = np.nan
    # A step of more than three usual ones, or over water, gets a point without value, which lifts the pen.
    steps = np.diff(x)
    broken = steps > 3 * np.median(steps) if len(steps) else steps.astype(bool)
    for low, high in WATER_NM if scene.wavelengths_nm is not None else ():
        broken |= (x[:-1] <= low) & (x[1:] >= high)
    gaps = np.flatnonzero(broken) + 1
    place = np.insert(x, gaps, x[gaps - 1])
    line = np.insert(mean, gaps, np.nan)
    ax.plot(place, line, color=colour, linewidth=1.6)
    if std is not None:
        band = np.insert(std[order], gaps, np.nan)
        ax.fill_between(place, line - band, line + band, color=colour, alpha=0.25, linewidth=0)
