"""Look for trouble in a scene before a model does; every finding comes with its remedy."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from hsikit.scenes.byte_damage import find_damage
from hsikit.scenes.scene import Scene

Finding = tuple[str, str, str]  # finding, where, remedy

# Water vapour leaves almost no light between these wavelengths (nm).
WATER_NM = ((1340.0, 1460.0), (1790.0, 1960.0))
FEW_PIXELS = 20  # below this a class's recall is hardly a measurement
CHUNK_ROWS = 64
SATURATED_SHARE = 0.001
LOWEST_M = -500.0  # no ground lies lower
LIDAR_REACH = 50.0  # times the span from the median to the 99th percentile


class Findings(pd.DataFrame):
    """Findings, a row each; printed as whole sentences at any width."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # of a part of them

    def __repr__(self) -> str:
        wide = max(shutil.get_terminal_size().columns, 40)
        lines = [f"- {finding}: {where}. Remedy: {remedy}." for finding, where, remedy in self.itertuples(index=False)]
        return "\n".join(textwrap.fill(line, wide, subsequent_indent="  ") for line in lines) or "nothing found"

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            return pd.DataFrame(self).to_html(index=False)


def check_scene(scene: Scene) -> Findings:
    """Findings as a table with the columns `finding`, `where` and `remedy`; an empty table is good news.

    What was noticed while the scene was read comes first. The cube is read in chunks of rows, so that memory-mapped
    scenes stay on disk.
    """
    checks: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
        _check_flat, _check_values, _check_bytes, _check_wavelengths, _check_labels, _check_lidar, _check_repeats,
    )  # fmt: skip
    rows = [*scene.findings, *(finding for check in checks for finding in check(scene))]
    return Findings(rows, columns=["finding", "where", "remedy"])


def _chunks(scene: Scene) -> Iterator[np.ndarray]:
    """Valid spectra (pixel, band) of some rows at a time, in the stored dtype."""
    for top in range(0, scene.shape[0], CHUNK_ROWS):
        rows = slice(top, top + CHUNK_ROWS)
        yield np.asarray(scene.hsi[rows])[scene.valid[rows]]


def _measured(scene: Scene) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of each chunk the spectra (pixel, band) that are more than one value, and the one value (pixel,) of the rest."""
    for spectra in _chunks(scene):
        flat = (spectra == spectra[:, :1]).all(1) & (scene.bands > 2)
        yield spectra[~flat], spectra[flat, 0]


def _check_flat(scene: Scene) -> Iterator[Finding]:
    """Pixels that hold one value in every band: no data of which the file says nothing."""
    values, counts = np.unique(np.concatenate([flat for _, flat in _measured(scene)]), return_counts=True)
    if len(values):
        value, pixels = values[counts.argmax()], int(counts.sum())
        others = f" ({len(values)} such values in all)" if len(values) > 1 else ""
        yield ("the same value in every band", f"{pixels:,} pixels, most of them {value:.6g}{others}",
               f"if that means no data, write `nodata: {value:.6g}`; it is taken for a spectrum as it is")  # fmt: skip


def _check_values(scene: Scene) -> Iterator[Finding]:
    bands = scene.bands
    bad, negative, dark = (np.zeros(bands, int) for _ in range(3))
    unlogged = 0
    low, high = np.full(bands, np.inf), np.full(bands, -np.inf)
    twin = np.ones(bands - 1, bool)
    for spectra, _ in _measured(scene):
        if not len(spectra):
            continue
        finite = np.isfinite(spectra)
        bad += (~finite).sum(0)
        negative += (spectra < 0).sum(0)
        dark += (spectra <= 0).sum(0)
        unlogged += int((spectra <= 0).any(1).sum())
        low = np.minimum(low, np.where(finite, spectra, np.inf).min(0))
        high = np.maximum(high, np.where(finite, spectra, -np.inf).max(0))
        twin &= (spectra[:, 1:] == spectra[:, :-1]).all(0)
    pixels = int(scene.valid.sum())
    if np.isinf(low).all():
        return  # nothing but single values
    if bad.any():
        where = f"{bad.sum():,} values in bands {_runs(bad > 0)}"
        yield "NaN or infinite values", where, "mark those pixels invalid or drop those bands"
    if negative.any():
        where = f"{negative.sum() / (pixels * bands):.2%} of values, bands {_runs(negative > 0)}"
        remedy = "over-corrected atmosphere or dark pixels: keep if few, otherwise drop those bands"
        yield "negative values", where, remedy
    if dark.any() and scene.units == "reflectance":
        where = f"{unlogged / pixels:.2%} of pixels hold 0 or less, bands {_runs(dark > 0)}"
        remedy = "drop those bands if many; log-derivative inputs take a twentieth of the band's mean there"
        yield "reflectance without a logarithm", where, remedy
    constant = high <= low
    if constant.any():
        yield "constant bands", f"bands {_runs(constant)}", "drop them: they carry nothing"
    twin &= ~(constant[1:] | constant[:-1])
    if twin.any():
        yield ("duplicated bands", f"bands {_runs(np.r_[False, twin])} repeat the band before", "drop the copies")
    yield from _check_saturation(scene, high)


def _check_saturation(scene: Scene, high: np.ndarray) -> Iterator[Finding]:
    """Saturation: many pixels of a band share its highest value."""
    at_top, pixels = np.zeros(scene.bands, int), 0
    for spectra, _ in _measured(scene):
        at_top += (spectra == high).sum(0)
        pixels += len(spectra)
    flat = (at_top > max(3, SATURATED_SHARE * pixels)) & (at_top < pixels)
    if flat.any():
        where = f"bands {_runs(flat)}: up to {at_top[flat].max() / pixels:.1%} of pixels share the highest value"
        yield "saturated values", where, "treat those pixels or bands with care: their tops are cut off"


def _check_bytes(scene: Scene) -> Iterator[Finding]:
    damage = find_damage(_chunks(scene))
    if damage is not None:
        remedy = ("the file went through a conversion, as of line ends (0x0D to 0x0A): fetch it again as a binary "
                  "file; of Indian Pines there are indian_pines_original and indian_pines_repaired")  # fmt: skip
        yield "a byte value is lost", str(damage), remedy


def _check_wavelengths(scene: Scene) -> Iterator[Finding]:
    waves = scene.wavelengths_nm
    if waves is None:
        yield "no wavelengths", "the whole cube", "give band centres in nm, or choose bands by index"
        return
    back = np.r_[False, np.diff(waves) <= 0]
    if back.any():
        remedy = "overlapping spectrometers: keep as they are; sort by wavelength only to draw or to resample"
        yield "wavelengths not increasing", f"bands {_runs(back)} lie at or below the band before", remedy
    water = np.logical_or.reduce([(waves > a) & (waves < b) for a, b in WATER_NM])
    if water.any():
        yield "water-absorption bands", f"bands {_runs(water)}", "drop them: they hold mostly noise"


def _check_labels(scene: Scene) -> Iterator[Finding]:
    counts = np.bincount(scene.usable.ravel(), minlength=scene.n_classes + 1)[1:]
    whole = scene.class_counts()
    if not whole.any():
        yield "no labels", "the whole scene", "label some pixels before training"
        return
    for name, usable, labelled in zip(scene.class_names, counts, whole):
        if usable >= FEW_PIXELS:
            continue
        where = f"{name}: {usable} valid labelled pixels" + (f" of {labelled}" if labelled > usable else "")
        yield "class with too few pixels", where, "label more, merge it with a like class, or leave it out"
    lost = int((whole - counts).sum())
    if lost:
        yield (
            "labels without HSI",
            f"{lost:,} of {whole.sum():,} labelled pixels",
            "splits draw from valid pixels only",
        )


def _check_lidar(scene: Scene) -> Iterator[Finding]:
    if scene.lidar is None:
        return
    plausible = True
    for i, name in enumerate(scene.lidar_names):
        channel = np.asarray(scene.lidar[..., i])
        bad = ~np.isfinite(channel)
        if bad.any():
            yield ("NaN or infinite LiDAR", f"{name}: {bad.sum():,} pixels", "fill them, or mark those pixels invalid")
        if bad.all() or np.ptp(channel[~bad]) == 0:
            yield "constant LiDAR channel", name, "drop it: it carries nothing"
            continue
        usual, high = np.percentile(channel[~bad], (50, 99))
        reach = LIDAR_REACH * max(high - usual, 1.0)
        odd = ~bad & ((channel < LOWEST_M) | (np.abs(channel - usual) > reach))
        if odd.any():
            plausible = False
            example = channel[odd][0]
            far = f"{odd.sum():,} pixels lie far from the others (median {usual:.4g}), such as {example:.6g}"
            remedy = f"if that means no data, write `lidar: {{file: ..., nodata: {example:.6g}}}`"
            yield "implausible LiDAR values", f"{name}: {far}", remedy
    shift = lidar_offset(scene) if plausible else None
    if shift is not None and max(map(abs, shift)) >= 2:
        where = f"edges agree best when the LiDAR is moved by {shift[0]:+d} rows, {shift[1]:+d} columns"
        remedy = "compare roofs in both pictures (shadows pull edges too); if they disagree, register the LiDAR"
        yield "HSI and LiDAR are offset", where, remedy


def _check_repeats(scene: Scene) -> Iterator[Finding]:
    if scene.source_pixel is None:
        return
    own = scene.source_pixel[scene.valid]
    _, counts = np.unique(own[own >= 0], return_counts=True)
    if counts.size and (repeated := counts[counts > 1].sum() / max(own.size, 1)) > 0:
        where = f"{repeated:.0%} of valid pixels share their raw pixel with another ({counts.size:,} measurements)"
        yield "repeated measurements", where, "count measurements, not pixels; splits take each of them once"


def lidar_offset(scene: Scene, reach: int = 8) -> tuple[int, int] | None:
    """Rows and columns to move the LiDAR by so that its edges meet the HSI's, found by cross-correlation.

    The edge strength of each LiDAR channel is compared with that of the HSI's mean band, over the box that
    holds all valid pixels. None without LiDAR, or where no shift up to `reach` pixels stands out.
    """
    if scene.lidar is None:
        return None
    from scipy.ndimage import gaussian_gradient_magnitude
    from scipy.signal import fftconvolve

    rows, cols = np.nonzero(scene.valid)
    box = (slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1))
    valid = scene.valid[box]
    step = max(1, scene.bands // 10)
    grey = np.asarray(scene.hsi[box][..., ::step], np.float32).mean(2)
    weight = gaussian_gradient_magnitude(valid.astype(np.float32), 1.0) < 1e-3  # away from holes' rims
    weight &= valid
    if weight.sum() < 400:
        return None
    edges = _edges(grey, weight)
    best, place = 0.0, (0, 0)
    for i in range(scene.lidar_channels):
        other = _edges(np.asarray(scene.lidar[box][..., i], np.float32), np.ones_like(weight))
        score = fftconvolve(edges, other[::-1, ::-1], mode="same") / weight.sum()
        middle = np.array(score.shape) // 2  # where no shift lies
        near = score[middle[0] - reach : middle[0] + reach + 1, middle[1] - reach : middle[1] + reach + 1]
        at = np.unravel_index(near.argmax(), near.shape)
        if near.size and near[at] > best:
            best, place = float(near[at]), (int(at[0]) - reach, int(at[1]) - reach)
    return place if best > 0.1 else None


def _edges(picture: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Edge strength, standardised over the weighted pixels, 0 elsewhere."""
    from scipy.ndimage import gaussian_gradient_magnitude

    strength = gaussian_gradient_magnitude(np.nan_to_num(picture), 1.0)
    strength = np.minimum(strength, np.percentile(strength[weight], 99))
    inside = strength[weight]
    return np.where(weight, (strength - inside.mean()) / max(inside.std(), 1e-9), 0.0)


def _runs(which: np.ndarray) -> str:
    """Band indices as text, runs shortened: 0-3, 7, 12-19."""
    index = np.flatnonzero(which)
    parts = np.split(index, np.flatnonzero(np.diff(index) > 1) + 1)
    text = [str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts]
    return ", ".join(text[:8]) + (", ..." if len(text) > 8 else "")
