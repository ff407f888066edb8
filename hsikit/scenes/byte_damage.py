"""Integer cubes that lost a byte value: found in their histograms of bytes, and mended where that can be told.

A file that once went through a conversion of line ends (CR, 0x0D, to LF, 0x0A) holds no 0x0D any more, in any byte of
any sample, and about twice as many 0x0A as it should. A high byte so changed makes a sample 768 too low, a low byte
three. The published Indian Pines cube is such a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hsikit.scenes.scene import SceneError

REACH = 3  # a byte value is expected as often as the median of so many values on either side
NEAR = 12  # byte values on either side that tell how rough the histogram is there
ENOUGH = 30  # samples expected of a byte value below which its absence says nothing
FEWEST = 16  # byte values expected so often, below which a histogram has no shape to judge by
TWICE = (1.3, 3.0)  # how often the twin occurs, as a multiple of what is expected
CLEAR = 5.0  # absence and doubling must stand out this many times above the histogram's usual roughness


@dataclass(frozen=True, eq=False)
class ByteDamage:
    """A byte value that never occurs, and the one that occurs in its place.

    Attributes:
        lost, kept: The two byte values, 0..255.
        bytes: Which bytes of a sample show it, 0 the lowest.
        counts: How often each value occurs in each byte (byte, 256).
    """

    lost: int
    kept: int
    bytes: tuple[int, ...]
    counts: np.ndarray

    def step(self, byte: int) -> int:
        """How far a damaged sample lies below its true value when the damage sits in that byte."""
        return (self.lost - self.kept) * 256**byte

    def __str__(self) -> str:
        parts = []
        for byte in self.bytes:
            times = self.counts[byte, self.kept] / _expected(self.counts[byte])[self.kept]
            share = self.counts[byte, self.kept] / self.counts[byte].sum()
            off = f"{abs(self.step(byte)):,} too {'low' if self.step(byte) > 0 else 'high'}"
            parts.append(f"byte {byte} ({times:.1f} times; those {share:.1%} of all samples are right or {off})")
        return (
            f"no sample has the byte 0x{self.lost:02X}, 0x{self.kept:02X} occurs more often than its neighbours: "
            + ", ".join(parts)
        )


def byte_counts(values: np.ndarray) -> np.ndarray:
    """How often each byte value occurs in each byte of the samples, lowest byte first: (byte, 256) of int64.

    Args:
        values: Integers of any shape and dtype; negative ones count as they are stored (two's complement).
    """
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    parts = little.reshape(-1).view(np.uint8).reshape(-1, little.dtype.itemsize)  # (sample, byte)
    return np.stack([np.bincount(part, minlength=256) for part in parts.T])


def find_damage(pieces: Iterable[np.ndarray]) -> ByteDamage | None:
    """The byte value that an integer cube has lost to another, or None, which most cubes give.

    A value counts as lost when it is the only one missing where the histogram of some byte would hold at least 30, and
    another is there about twice as often as its neighbours, both clear of the histogram's roughness. Few samples, few
    distinct spectra, or a range stretched by a factor say nothing either way, and give None.

    Args:
        pieces: The cube in pieces of any shape, all of one dtype. Real numbers are searched where they are whole, or
            whole ten-thousandths, as in a cube of counts or of scaled reflectance that was saved as float; else None.

    Example:
        >>> find_damage([np.arange(65_536, dtype=np.uint16)]) is None
        True
    """
    counts: np.ndarray | None = None
    for piece in pieces:
        whole = _whole(piece)
        if whole is None:
            return None
        counts = byte_counts(whole) + (0 if counts is None else counts)
    if counts is None:
        return None
    for byte in range(len(counts)):
        pair = _lost_and_kept(counts[byte])
        if pair is not None:
            also = [b for b in range(len(counts)) if b == byte or _agrees(counts[b], *pair)]
            return ByteDamage(*pair, tuple(also), counts)
    return None


def _whole(values: np.ndarray) -> np.ndarray | None:
    """The values as integers, those of reflectance as ten-thousandths, or None where they are no whole numbers."""
    if values.dtype.kind in "ui":
        return values
    finite = values[np.isfinite(values)].astype(np.float64)
    for counts in (finite, 10_000 * finite):
        whole = np.rint(counts)
        if np.all(np.abs(counts - whole) < 0.01) and np.all(np.abs(whole) < 2**31):
            return whole.astype(np.int32)
    return None


def _expected(counts: np.ndarray) -> np.ndarray:
    """How often each byte value (256,) should occur: the median of its neighbours, fewer at both ends."""
    padded = np.pad(counts.astype(float), REACH, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1)  # (256, neighbour)
    return np.nanmedian(np.delete(around, REACH, axis=1), axis=1)


def _lost_and_kept(counts: np.ndarray) -> tuple[int, int] | None:
    """The pair that the histogram (256,) of one byte shows beyond doubt."""
    expected = _expected(counts)
    likely = expected >= ENOUGH
    gaps = np.flatnonzero(likely & _empty_between(counts))
    if len(gaps) != 1 or likely.sum() < FEWEST:
        return None
    excess = np.where(likely, counts / np.maximum(expected, 1) - 1, 0.0)
    usual = np.maximum(_roughness(np.where(likely, excess, np.nan)), np.maximum(expected, 1) ** -0.5)
    twins = np.flatnonzero((excess + 1 > TWICE[0]) & (excess + 1 < TWICE[1]) & (excess > CLEAR * usual))
    if CLEAR * usual[gaps[0]] > 1 or not len(twins):
        return None
    surplus = np.abs(counts[twins] - expected[twins] - expected[gaps[0]])
    return int(gaps[0]), int(twins[surplus.argmin()])


def _roughness(excess: np.ndarray) -> np.ndarray:
    """Standard deviation (256,) of the excess around each byte value and over all, whichever is larger; robust."""
    padded = np.pad(np.abs(excess), NEAR, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEAR + 1)  # (256, neighbour)
    near = np.nanmedian(np.where(np.isnan(around).all(1, keepdims=True), np.inf, around), axis=1)
    return 1.4826 * np.maximum(near, np.nanmedian(np.abs(excess)))


def _agrees(counts: np.ndarray, lost: int, kept: int) -> bool:
    """Whether another byte, whose histogram may be rough, shows the same pair."""
    expected = _expected(counts)
    missing = _empty_between(counts)[lost] and expected[lost] >= ENOUGH
    return bool(missing and counts[kept] > TWICE[0] * max(expected[kept], ENOUGH))


def _empty_between(counts: np.ndarray) -> np.ndarray:
    """Byte values (256,) that never occur though both neighbours do."""
    there = np.pad(counts >= ENOUGH, 1, constant_values=True)  # beyond both ends nothing is asked
    return (counts == 0) & there[:-2] & there[2:]


def convert(values: np.ndarray, lost: int = 0x0D, kept: int = 0x0A) -> np.ndarray:
    """What such a conversion makes of integers: `lost` replaced by `kept` in every byte; shape and dtype stay."""
    stored = np.array(values, order="C")
    parts = stored.reshape(-1).view(np.uint8)
    parts[parts == lost] = kept
    return stored


def repair(cube: np.ndarray, damage: ByteDamage) -> tuple[np.ndarray, np.ndarray]:
    """Put damaged second bytes right; returns the mended cube and which samples were changed (row, col, band).

    A sample whose second byte is `kept` is either right or one step off. Along each pixel's spectrum the cheapest
    sequence of choices is taken (Viterbi), where going from band to band costs the distance to what the median ratio
    of the two bands, over all pixels, would make of the first. Ratios are taken where no choice is open, and once more
    over everything after a first pass. No label enters. Neighbouring pixels do not either: on Indian Pines a pull
    towards their median finds a handful more and makes the extremes of the bands, which are known, worse. What stands
    in the lowest byte is a few counts off, below the noise, and stays.

    Args:
        cube: Integers (row, col, band).
        damage: As `find_damage` gives it.

    Raises:
        SceneError: When the damage does not show in the second byte.
    """
    if 1 not in damage.bytes:
        raise SceneError(f"nothing can be mended: the damage shows in bytes {damage.bytes}, expected byte 1 among them")
    step = damage.step(1)
    open_ = ((cube >> 8) & 0xFF).reshape(-1, cube.shape[2]) == damage.kept  # (pixel, band)
    values = cube.reshape(open_.shape).astype(np.float64)
    first = _cheapest(values, open_, step, _ratios(values, ~open_))
    changed = _cheapest(values, open_, step, _ratios(values + step * first, np.ones_like(open_)))
    changed = changed.reshape(cube.shape)
    return cube + changed.astype(cube.dtype) * cube.dtype.type(step), changed


def _ratios(values: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Median ratio (band - 1,) of each band to the one before, over pixels where both are sure; 1 where none are."""
    use = sure[:, 1:] & sure[:, :-1] & (values[:, :-1] != 0)
    ratio = np.divide(values[:, 1:], values[:, :-1], where=use, out=np.full(use.shape, np.nan))
    ratio[:, ~use.any(0)] = 1.0
    return np.nanmedian(ratio, axis=0)


def _cheapest(values: np.ndarray, open_: np.ndarray, step: int, ratios: np.ndarray) -> np.ndarray:
    """Which samples (pixel, band) the cheapest sequence of choices moves by `step`."""
    pixels, bands = values.shape
    choice = np.stack([values, values + step], axis=-1)  # (pixel, band, choice)
    cost = np.where(open_[:, 0, None], 0.0, [0.0, np.inf])  # (pixel, choice)
    came_from = np.zeros((bands, pixels, 2), bool)
    for b in range(1, bands):
        jump = np.abs(choice[:, b, None, :] - ratios[b - 1] * choice[:, b - 1, :, None])  # (pixel, before, now)
        total = cost[:, :, None] + jump
        came_from[b] = total[:, 1] < total[:, 0]
        cost = total.min(axis=1)
        cost[~open_[:, b], 1] = np.inf
    moved = np.zeros((pixels, bands), bool)
    at = cost[:, 1] < cost[:, 0]
    for b in range(bands - 1, -1, -1):
        moved[:, b] = at
        at = np.where(at, came_from[b, :, 1], came_from[b, :, 0])
    return moved
