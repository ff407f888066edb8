"""Figures of a cube that lost a byte value, on a small one that the damage was laid on."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from hsikit import figures
from hsikit.figures import FigureError
from hsikit.figures.style import PALETTE, WRONG
from hsikit.scenes import Scene
from hsikit.scenes.byte_damage import byte_counts, convert, find_damage, repair

ROWS, COLS, BANDS = 40, 44, 60


def scene(hsi, **other):
    labels = np.repeat([0, 1, 2, 1], ROWS // 4)[:, None].repeat(COLS, 1)
    facts = {"units": "raw sensor counts", "wavelengths_nm": np.linspace(500, 1300, hsi.shape[2])} | other
    return Scene("tiny", hsi, labels, ("meadow", "roof"), **facts)


def counts():
    rng = np.random.default_rng(0)
    bright = rng.uniform(0.7, 1.4, (ROWS, COLS, 1))
    wave = 3000 + 1200 * np.sin(np.arange(BANDS) / 6)
    return (wave * bright + rng.normal(0, 8, (ROWS, COLS, BANDS))).astype(np.uint16)


CUBE = convert(counts())
MENDED, CHANGED = repair(CUBE, find_damage([CUBE]))
BEFORE, AFTER = scene(CUBE), scene(MENDED)


def test_a_band_is_drawn_before_and_after_on_one_scale():
    fig = figures.damaged_band(BEFORE, AFTER, 7)
    first, second, where = (ax.images[0] for ax in fig.axes[:3])
    np.testing.assert_array_equal(first.get_array(), CUBE[..., 7])
    np.testing.assert_array_equal(second.get_array(), MENDED[..., 7])
    np.testing.assert_array_equal(where.get_array(), CHANGED[..., 7])
    assert first.get_clim() == second.get_clim()
    assert f"({CHANGED[..., 7].sum():,})" in fig.axes[2].get_title()
    assert "band 7, 595 nm" in fig.get_suptitle()
    assert fig.axes[3].get_ylabel() == "raw sensor counts"


def test_the_band_with_most_differences_is_the_default():
    most = int(CHANGED.sum((0, 1)).argmax())
    assert f"band {most}," in figures.damaged_band(BEFORE, AFTER).get_suptitle()
    with pytest.raises(FigureError, match="has no band 60; choose 0 to 59"):
        figures.damaged_band(BEFORE, AFTER, 60)


def test_bytes_show_the_gap_and_the_twin():
    fig = figures.damaged_bytes(BEFORE, AFTER)
    for byte, ax in enumerate(fig.axes):
        heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in ax.patches}
        assert heights[0x0D] == 0
        assert 1000 * heights[0x0A] == pytest.approx(byte_counts(CUBE)[byte, 0x0A])
        twin = [bar for bar in ax.patches if to_hex(bar.get_facecolor()) == PALETTE[1].lower()]
        assert [round(bar.get_x() + bar.get_width() / 2) for bar in twin] == [0x0A]
        dots = dict(zip(*ax.lines[0].get_data()))
        assert 1000 * dots[0x0D] == pytest.approx(byte_counts(MENDED)[byte, 0x0D])
    assert [ax.get_title().partition(" (")[0] for ax in fig.axes] == ["lower byte", "higher byte"]
    assert "0x0D never occurs" in fig.get_suptitle()
    with pytest.raises(FigureError, match="no byte value is lost"):
        figures.damaged_bytes(scene(counts()), AFTER)


def test_spectra_of_chosen_pixels():
    fig = figures.damaged_spectra(BEFORE, AFTER, [(2, 3), (12, 4)])
    for ax, (row, col) in zip(fig.axes, [(2, 3), (12, 4)]):
        drawn = {to_hex(line.get_color()): line.get_ydata() for line in ax.lines}
        np.testing.assert_array_equal(drawn[WRONG.lower()], CUBE[row, col])
        np.testing.assert_array_equal(drawn[PALETTE[0].lower()], MENDED[row, col])
    assert [ax.get_title() for ax in fig.axes] == ["row 2, column 3: unlabelled", "row 12, column 4: meadow"]
    assert fig.axes[-1].get_xlabel() == "wavelength (nm)"
    with pytest.raises(FigureError, match=r"pixel \(40, 0\) lies outside"):
        figures.damaged_spectra(BEFORE, AFTER, [(40, 0)])


def test_the_labelled_pixel_with_most_differences_is_the_default():
    row, col = np.unravel_index((CHANGED.sum(2) * (BEFORE.labels > 0)).argmax(), (ROWS, COLS))
    assert f"row {row}, column {col}: " in figures.damaged_spectra(BEFORE, AFTER).axes[0].get_title()


def test_cubes_of_unlike_shape_are_refused_and_simulated_ones_named():
    other = scene(CUBE[..., :-1])
    for make in (figures.damaged_band, figures.damaged_bytes, figures.damaged_spectra):
        with pytest.raises(FigureError, match="give one scene twice"):
            make(BEFORE, other)
        assert "simulated" in make(scene(CUBE, simulated=True), AFTER).get_suptitle()
