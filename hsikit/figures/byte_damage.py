"""Figures of a cube that lost a byte value, beside the same cube mended: a band, the bytes, a spectrum."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hsikit.figures.spectra import draw_spectrum
from hsikit.figures.style import PALETTE, WRONG, FigureError, legend_below, new_figure, patch, styled, titled
from hsikit.scenes.byte_damage import ByteDamage, byte_counts, find_damage
from hsikit.scenes.scene import Scene

PANEL_IN = 3.4
BESIDE = 5  # byte values shown on either side of the pair


@styled
def damaged_band(damaged: Scene, mended: Scene, band: int | None = None) -> Figure:
    """One band of the damaged and of the mended cube on the same scale of grey, and the pixels that differ.

    Args:
        damaged, mended: The same scene before and after.
        band: Index from 0. Default: the band with most differences.

    Raises:
        FigureError: When the cubes differ in shape, or there is no such band.
    """
    differs = _differences(damaged, mended)
    if band is None:
        band = int(differs.sum((0, 1)).argmax())
    if not 0 <= band < damaged.bands:
        raise FigureError(f"{damaged.name} has no band {band}; choose 0 to {damaged.bands - 1}")
    after = mended.hsi[..., band]
    low, high = np.percentile(after[mended.valid], (1, 99))
    size = PANEL_IN / max(damaged.shape)
    fig = new_figure(3 * (size * damaged.shape[1] + 0.5), size * damaged.shape[0] + 0.8)
    axes = fig.subplots(1, 3)
    for ax, cube in zip(axes, (damaged.hsi, mended.hsi)):
        grey = ax.imshow(cube[..., band], cmap="gray", vmin=low, vmax=high)
    axes[2].imshow(differs[..., band], cmap="gray_r", vmin=0, vmax=1)
    count = int(differs[..., band].sum())
    for ax, title in zip(axes, ("as published", "mended", f"pixels that differ ({count:,})")):
        ax.set_title(title)
        ax.set_xlabel("column (px)")
    axes[0].set_ylabel("row (px)")
    fig.colorbar(grey, ax=axes[:2], label=damaged.units, shrink=0.8)
    at = "" if damaged.wavelengths_nm is None else f", {damaged.wavelengths_nm[band]:.0f} nm"
    fig.suptitle(titled(f"{damaged.name}: band {band}{at}", damaged))
    return fig


@styled
def damaged_bytes(damaged: Scene, mended: Scene) -> Figure:
    """How often each byte value near the lost one occurs, a panel for each byte, before and after mending.

    Raises:
        FigureError: When the cubes differ in shape, or the first shows no damage.
    """
    _differences(damaged, mended)
    damage = find_damage([damaged.hsi])
    if damage is None:
        raise FigureError(f"no byte value is lost in {damaged.name}, so there is no gap to draw")
    fig = new_figure(4.6 * len(damage.bytes), 3.9)
    axes = fig.subplots(1, len(damage.bytes), squeeze=False)[0]
    after = byte_counts(np.asarray(mended.hsi))
    near = np.arange(max(0, damage.kept - BESIDE), min(256, damage.lost + BESIDE + 1))
    for ax, byte in zip(axes, damage.bytes):
        colours = [PALETTE[1] if value == damage.kept else "#BBBBBB" for value in near]
        ax.bar(near, damage.counts[byte, near] / 1e3, color=colours, width=0.9)
        ax.plot(near, after[byte, near] / 1e3, color=PALETTE[0], marker="o", linestyle="none")
        ax.annotate("gap", (damage.lost, 0), (0, 10), textcoords="offset points", ha="center", color=WRONG)
        ax.set_xticks(near, [f"{value:02X}" for value in near])
        ax.set(xlabel="value of the byte (hexadecimal)", ylabel="samples (thousands)")
        ax.set_title("lower byte (1 count)" if byte == 0 else f"higher byte ({256**byte:,} counts)")
    legend_below(fig, _handles(damage))
    fig.suptitle(titled(f"{damaged.name}: byte 0x{damage.lost:02X} never occurs", damaged, 45 * len(axes)))
    return fig


@styled
def damaged_spectra(damaged: Scene, mended: Scene, pixels: Iterable[tuple[int, int]] = ()) -> Figure:
    """Spectra of some pixels before and after mending, a panel a pixel.

    Args:
        damaged, mended: The same scene before and after.
        pixels: (row, col) each. Default: the labelled pixel with most differences.

    Raises:
        FigureError: When the cubes differ in shape, or a pixel lies outside.
    """
    differs = _differences(damaged, mended).sum(2) * (damaged.usable > 0)
    row, col = np.unravel_index(differs.argmax(), damaged.shape)
    chosen = list(pixels) or [(int(row), int(col))]
    fig = new_figure(7.5, 2.6 * len(chosen) + 0.9)
    for ax, (row, col) in zip(fig.subplots(len(chosen), 1, sharex=True, squeeze=False)[:, 0], chosen):
        if not (0 <= row < damaged.shape[0] and 0 <= col < damaged.shape[1]):
            raise FigureError(f"pixel ({row}, {col}) lies outside of {damaged.name}, {damaged.shape}")
        draw_spectrum(ax, damaged, damaged.hsi[row, col], None, WRONG)
        draw_spectrum(ax, mended, mended.hsi[row, col], None, PALETTE[0])
        label = damaged.labels[row, col]
        ax.set_title(f"row {row}, column {col}: {damaged.class_names[label - 1] if label else 'unlabelled'}")
        ax.set_ylabel(damaged.units)
    ax.set_xlabel("band" if damaged.wavelengths_nm is None else "wavelength (nm)")
    legend_below(fig, [Line2D([], [], color=c, label=n) for c, n in ((WRONG, "as published"), (PALETTE[0], "mended"))])
    fig.suptitle(titled(f"{damaged.name}: spectra before and after mending", damaged))
    return fig


def _handles(damage: ByteDamage) -> list[Artist]:
    after = Line2D([], [], color=PALETTE[0], marker="o", linestyle="none", label="mended")
    return [patch("#BBBBBB", "as published"), patch(PALETTE[1], f"0x{damage.kept:02X}, in its place"), after]


def _differences(damaged: Scene, mended: Scene) -> np.ndarray:
    """Where the two cubes differ (row, col, band)."""
    if damaged.hsi.shape != mended.hsi.shape:
        raise FigureError(
            f"{damaged.name} is {damaged.hsi.shape}, {mended.name} {mended.hsi.shape}; give one scene twice"
        )
    return np.asarray(damaged.hsi != mended.hsi)
