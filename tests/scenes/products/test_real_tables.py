"""Products made with the band tables of real ones, where no small real cube exists."""

import json

import h5py
import numpy as np
import pytest
from scenes.products import made

from hsikit.scenes import load_scene
from hsikit.scenes.products import open_product
from hsikit.scenes.site import open_site


@pytest.fixture
def table(real_data):
    """The path of a table among the real files."""

    def find(name):
        path = real_data / "products" / name
        if not path.is_file():
            pytest.skip(f"{path} is not there")
        return path

    return find


@pytest.mark.parametrize(("year", "ends"), [("20220817", (381.00559, 2492.92388)), ("20241025", (380.918, 2492.836))])
def test_emit(table, tmp_path, monkeypatch, year, ends):
    micrometres = np.loadtxt(table(f"emit_l2a/EMIT_Wavelengths_{year}.txt"))[20:305, 1]
    monkeypatch.setattr(made, "EMIT_NM", np.sort(1000 * micrometres))
    layer = open_product(made.emit(tmp_path, good=False))
    np.testing.assert_allclose(layer.wavelengths[[0, -1]], ends, atol=5e-4)
    assert np.flatnonzero(~layer.good).tolist() == [*range(127, 142), *range(187, 213)]
    np.testing.assert_array_equal(layer.good, open_product(made.emit(tmp_path)).good)


def test_prisma(table, tmp_path, monkeypatch):
    rows = np.genfromtxt(table("prisma_l2d/prisma_wavelengths_20200116.csv"), str, delimiter=",", skip_header=1)
    listed = {name: rows[rows[:, 0] == name, 2].astype(float) for name in ("VNIR", "SWIR")}
    monkeypatch.setattr(made, "PRISMA_NM", listed)
    layer = open_product(made.prisma(tmp_path))
    assert layer.shape[2] == 63 + 171
    assert (np.diff(layer.wavelengths) > 0).all()
    np.testing.assert_allclose(layer.wavelengths[[0, -1]], [402.45, 2496.88], atol=0.01)
    both = (layer.wavelengths > 942.9) & (layer.wavelengths < 972.7)
    assert [(layer.detector[both] == name).sum() for name in ("vnir", "swir")] == [3, 4]
    assert load_scene(layer.path).bands == 234 - 3


def test_tanager_in_micrometres(table, tmp_path):
    item = json.loads(table("tanager/20250514_115302_15_4001.json").read_text())
    bands = item["assets"]["basic_radiance_hdf5"]["eo:bands"]
    centres, widths = (np.array([band[key] for band in bands]) for key in ("center_wavelength", "full_width_half_max"))
    path = made.tanager(tmp_path)
    with h5py.File(path, "r+") as file:
        attributes = file["HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance"].attrs
        attributes["wavelengths"], attributes["fwhm"] = centres, widths
    layer = open_product(path)
    np.testing.assert_allclose(layer.wavelengths[[0, -1]], [376.44, 2499])
    assert 5.1 < layer.fwhm.min() < layer.fwhm.max() < 6.9


def test_aviris_3(table, tmp_path, monkeypatch):
    nm = np.sort(1000 * np.loadtxt(table("aviris_3/AVIRIS3_Wavelengths_20230610.txt"))[:, 1])
    nm = nm[(nm > 383) & (nm < 2488)]
    monkeypatch.setattr(made, "AV3_NM", nm)
    layer = open_product(made.aviris_3(tmp_path))
    assert layer.shape[2] == 284
    np.testing.assert_allclose(layer.wavelengths[[0, -1]], [383.43, 2487.64], atol=0.005)


def test_what_lies_beside_a_cube_stamps_its_maps(tmp_path):
    path = made.emit(tmp_path)
    before, mask = open_site(path).stamp, next(tmp_path.glob("*MASK*"))
    with h5py.File(mask, "r+") as file:
        file["more"] = np.zeros(1000)
    assert open_site(path).stamp != before
