"""Spectral arithmetic against closed forms and slow references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsikit import spectra as sp


def test_angle_matches_a_loop_and_ignores_brightness():
    draw = np.random.default_rng(0)
    cube, one = draw.uniform(0.1, 1, (4, 5, 7)), draw.uniform(0.1, 1, 7)
    angle = sp.spectral_angle(cube, one)
    for r in range(4):
        for c in range(5):
            cosine = cube[r, c] @ one / np.linalg.norm(cube[r, c]) / np.linalg.norm(one)
            assert angle[r, c] == pytest.approx(np.arccos(cosine), abs=1e-6)
    assert np.allclose(sp.spectral_angle(3 * cube, 0.2 * one), angle, atol=1e-6)
    assert sp.spectral_angle(np.array([[0.0, 1.0]]), np.array([1.0, 0.0]))[0] == pytest.approx(np.pi / 2)


def test_angle_in_chunks_on_integers_and_with_a_mask(monkeypatch):
    cube = np.random.default_rng(1).integers(1, 5000, (6, 9, 4)).astype(np.uint16)
    whole = sp.spectral_angle(cube, cube[2, 3])
    monkeypatch.setattr(sp, "CHUNK", 5)
    assert np.array_equal(sp.spectral_angle(cube, cube[2, 3]), whole)
    assert whole[2, 3] < 1e-3
    use = np.array([True, False, True, True])
    assert np.allclose(sp.spectral_angle(cube, cube[0, 0], use), sp.spectral_angle(cube[..., use], cube[0, 0][use]))


def test_angle_of_nothing_is_nan_and_bad_references_are_named():
    cube = np.ones((1, 3, 4))
    cube[0, 0], cube[0, 1, 2] = 0, np.nan
    angle = sp.spectral_angle(cube, np.arange(1.0, 5))
    assert np.isnan(angle[0, :2]).all()
    assert np.isfinite(angle[0, 2])
    for bad, said in ((np.zeros(4), "zero"), (np.full(4, np.nan), "NaN"), (np.ones(5), "5 bands")):
        with pytest.raises(ValueError, match=said):
            sp.spectral_angle(cube, bad)
    with pytest.raises(ValueError, match="no band"):
        sp.spectral_angle(cube, np.ones(4), np.zeros(4, bool))


def test_class_means():
    cube = np.arange(24.0).reshape(2, 3, 4)
    mean, std = sp.class_means(cube, np.array([[1, 1, 0], [3, 0, 0]]), 3)
    assert np.allclose(mean[0], cube[0, :2].mean(0))
    assert np.allclose(std[0], cube[0, :2].std(0, ddof=1))
    assert np.array_equal(mean[2], cube[1, 0])
    assert np.isnan(mean[1]).all()
    assert np.isnan(std[2]).all()
    with pytest.raises(ValueError, match="rows and columns"):
        sp.class_means(cube, np.zeros((3, 2), int), 3)
    with pytest.raises(ValueError, match="0 to 1"):
        sp.class_means(cube, np.full((2, 3), 2), 1)


def _slow_hull(x, y):
    """Highest chord above every band."""
    hull = y.copy()
    for k in range(len(x)):
        for i in range(len(x)):
            for j in range(len(x)):
                if x[i] <= x[k] <= x[j] and x[i] < x[j]:
                    hull[k] = max(hull[k], y[i] + (y[j] - y[i]) * (x[k] - x[i]) / (x[j] - x[i]))
    return hull


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_continuum_matches_the_highest_chord_in_any_band_order(seed, bands):
    draw = np.random.default_rng(seed)
    x, y = draw.permutation(np.cumsum(draw.uniform(1, 20, bands))), draw.uniform(0.1, 1, (3, bands))
    got = sp.continuum_removed(y, x)
    assert np.allclose(got, [s / _slow_hull(x, s) for s in y])
    assert (got <= 1 + 1e-12).all()


def test_continuum_of_a_line_is_one_and_nan_stays_nan():
    x = np.array([400.0, 500, 500, 600])  # two bands share a wavelength
    assert np.allclose(sp.continuum_removed(0.1 * x, x), 1)
    broken = np.array([[1.0, np.nan, 1, 1], [1, 0.5, 0.5, 1]])
    got = sp.continuum_removed(broken, x)
    assert np.isnan(got[0]).all()
    assert np.allclose(got[1], [1, 0.5, 0.5, 1])
    with pytest.raises(ValueError, match="one a band"):
        sp.continuum_removed(broken, x[:3])


def test_indices_and_water():
    waves = np.array([560.0, 660, 860, 1400])
    cube = np.array([[[0.1, 0.1, 0.5, 0.2], [0.0, 0.0, 0.0, 0.0]]])
    assert np.allclose(sp.ndvi(cube, waves), [[2 / 3, np.nan]], equal_nan=True)
    assert sp.water_bands(waves).tolist() == [False, False, False, True]
    assert sp.water_bands(None, 3).tolist() == [False] * 3
    with pytest.raises(ValueError, match="wavelengths"):
        sp.ndvi(cube, None)
    with pytest.raises(ValueError, match="860"):
        sp.ndvi(cube[..., :2], waves[:2])


def test_ranking_is_nearest_first_and_leaves_empty_classes_out():
    library = {"far": np.array([0.0, 1]), "near": np.array([1, 0.1]), "none": np.full(2, np.nan)}
    ranked = sp.rank_by_angle(np.array([1.0, 0]), library)
    assert [name for name, _ in ranked] == ["near", "far"]
    assert ranked[1][1] == pytest.approx(np.pi / 2)
    assert sp.rank_by_angle(np.ones(2), {}) == []


@pytest.mark.parametrize("ending", [".csv", ".sli"])
def test_libraries_come_back(tmp_path, ending):
    spectra = {"corn, young": np.array([0.1, 0.25, 0.5]), "roof": np.array([0.5, 0.5, 0.25])}
    waves = np.array([450.5, 550.25, 650.0])
    path = sp.write_library(tmp_path / f"lib{ending}", spectra, waves)
    read, read_waves = sp.read_library(path)
    assert np.allclose(read_waves, waves)
    assert [n.replace(";", ",") for n in read] == list(spectra)
    assert np.allclose(list(read.values()), list(spectra.values()), atol=1e-6)
    assert {p.suffix for p in tmp_path.iterdir()} <= {ending, ".hdr"}
    read, none = sp.read_library(sp.write_library(tmp_path / f"bare{ending}", spectra, None))
    assert none is None
    assert len(read) == 2


def test_bad_libraries_are_named(tmp_path):
    (tmp_path / "x.csv").write_text("wavelength_nm,a\n400,dark\n")
    (tmp_path / "x.sli").write_text("not a library")
    for name, said in (("x.csv", "not a table"), ("x.sli", "ENVI"), ("none.csv", "not there")):
        with pytest.raises(ValueError, match=said):
            sp.read_library(tmp_path / name)
    with pytest.raises(ValueError, match="at least one"):
        sp.write_library(tmp_path / "y.csv", {}, None)
    with pytest.raises(ValueError, match=r"\.txt"):
        sp.write_library(tmp_path / "y.txt", {"a": np.ones(2)}, None)


# --- libraries of other programs ------------------------------------------------------------------

RAMP = np.linspace(0.1, 0.4, 5)


@pytest.mark.parametrize(
    ("text", "encoding", "waves"),
    [
        ("wavelength_nm,Mühle", "utf-8-sig", 1.0), ("wavelength_nm,Mühle", "latin-1", 1.0),
        ("Wavelength (um),Mühle", "utf-8", 1e-3),
        ("Wavelength\tMühle", "utf-8", 1.0), ("Wavelength;Mühle", "utf-8", 1e-3), ("wvl [µm],Mühle", "latin-1", 1e-3),
    ],
)  # fmt: skip
def test_tables_of_other_programs_are_understood(tmp_path, text, encoding, waves):
    nm, sign = 500 + 10.0 * np.arange(5), next(s for s in "\t;," if s in text)
    lines = [text, *(f"{w * waves:.6f}{sign}{v}" for w, v in zip(nm, RAMP))]
    (tmp_path / "lib.csv").write_bytes("\n".join(lines).encode(encoding))
    spectra, found = sp.read_library(tmp_path / "lib.csv")
    np.testing.assert_allclose(found, nm)
    np.testing.assert_allclose(spectra["Mühle"], RAMP)


def test_headings_and_wavelengths_that_cannot_be_are_refused(tmp_path):
    for text, says in (("depth,a\n1,2\n", "first column is called 'depth'; call it wavelength_nm"),
                       ("wavelength_um,a\n500,1\n", "run from 500000 to 500000 nm")):  # fmt: skip
        (tmp_path / "lib.csv").write_text(text)
        with pytest.raises(ValueError, match=says):
            sp.read_library(tmp_path / "lib.csv")


def test_deleted_channels_are_nan_and_equal_names_are_numbered(tmp_path):
    (tmp_path / "lib.csv").write_text("band,sedge,sedge,sedge 2\n0,1,2,3\n1,-1.23e34,5,6\n")
    spectra, waves = sp.read_library(tmp_path / "lib.csv")
    assert waves is None
    assert list(spectra) == ["sedge", "sedge 2", "sedge 2 2"]
    np.testing.assert_array_equal(spectra["sedge"], [1, np.nan])


@pytest.mark.parametrize("header", ["lib.hdr", "lib.sli.hdr"])
def test_envi_libraries_in_micrometres_and_with_a_scale_factor(tmp_path, header):
    (10_000 * RAMP[None]).astype(">f4").tofile(tmp_path / "lib.sli")
    (tmp_path / header).write_text(
        "ENVI\nsamples = 5\nlines = 1\nbands = 1\nheader offset = 0\ndata type = 4\nbyte order = 1\ninterleave = bsq\n"
        "file type = ENVI Spectral Library\nspectra names = {ramp}\nwavelength = {0.5, 0.51, 0.52, 0.53, 0.54}\n"
        "reflectance scale factor = 10000\n"
    )
    spectra, waves = sp.read_library(tmp_path / "lib.sli")
    np.testing.assert_allclose(waves, 500 + 10.0 * np.arange(5))
    np.testing.assert_allclose(spectra["ramp"], RAMP, rtol=1e-6)
