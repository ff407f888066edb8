"""What files say about themselves, wherever they keep it; damaged ones end in one line."""

import warnings

import h5py
import numpy as np
import pytest
import rasterio
import zarr
from rasterio import shutil
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning
from scenes.miniature import UTM, cube, grid, labels, map_info, mutated, write_envi, write_mat, write_tiff

from hsikit.scenes import SceneError
from hsikit.scenes.layers import open_layer
from hsikit.scenes.site import open_site

ROWS, COLS, BANDS = 12, 10, 6
EVERYTHING = slice(0, ROWS), slice(0, COLS)
WAVES = 450 + 50.0 * np.arange(BANDS)


@pytest.fixture
def tiff(tmp_path):
    return write_tiff(tmp_path / "cube.tif", cube(), grid(), UTM)


def edit(path, change):
    with warnings.catch_warnings(), rasterio.open(path, "r+") as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        change(file)


def test_scale_and_offset_apply_after_no_data(tiff):
    def change(file):
        file.scales, file.offsets, file.nodata = [0.5] * BANDS, [-1.0 * b for b in range(BANDS)], float(cube()[3, 4, 2])

    edit(tiff, change)
    layer = open_layer(tiff)
    right = 0.5 * cube().astype(np.float32) - np.arange(BANDS)
    right[cube() == cube()[3, 4, 2]] = np.nan
    np.testing.assert_allclose(layer.values(*EVERYTHING), right)
    np.testing.assert_array_equal(layer.read(*EVERYTHING), cube())
    part = layer.take([4, 1])
    np.testing.assert_allclose(part.values(*EVERYTHING), right[..., [4, 1]])


def test_an_internal_mask_and_an_alpha_band_mask_pixels(tiff, tmp_path):
    mask = np.full((ROWS, COLS), 255, np.uint8)
    mask[:3] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        edit(tiff, lambda file: file.write_mask(mask))
    assert np.isnan(open_layer(tiff).values(*EVERYTHING)).any(2).sum() == 3 * COLS
    picture = write_tiff(tmp_path / "two.tif", np.stack([labels(), mask], -1), photometric="MINISBLACK", alpha="YES")
    layer = open_layer(picture)
    assert layer.shape == (ROWS, COLS, 1)
    assert np.isnan(layer.values(*EVERYTHING)[:3]).all()


def test_no_data_of_each_band_of_its_own(tiff, tmp_path):
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{b + 1}"><NoDataValue>{cube()[b, b, b]}</NoDataValue><SimpleSource>'
        f'<SourceFilename relativeToVRT="1">cube.tif</SourceFilename><SourceBand>{b + 1}</SourceBand></SimpleSource>'
        "</VRTRasterBand>" for b in range(BANDS)
    )  # fmt: skip
    size = f'rasterXSize="{COLS}" rasterYSize="{ROWS}"'
    (tmp_path / "stack.vrt").write_text(f"<VRTDataset {size}>{bands}</VRTDataset>")
    lacking = np.isnan(open_layer(tmp_path / "stack.vrt").values(*EVERYTHING))
    np.testing.assert_array_equal(lacking, cube() == np.array([cube()[b, b, b] for b in range(BANDS)]))


def test_a_page_a_band(tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="pages: tifffile is not installed")
    tifffile.imwrite(tmp_path / "cube.tif", cube().transpose(2, 0, 1), photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(open_layer(tmp_path / "cube.tif").read(*EVERYTHING), cube())
    with tifffile.TiffWriter(tmp_path / "odd.tif") as file:
        file.write(labels())
        file.write(labels()[:5])
    with pytest.raises(SceneError, match="2 pages that are not one band each of one size"):
        open_layer(tmp_path / "odd.tif")


@pytest.mark.parametrize("where", ["band tags", "imagery", "envi domain", "names"])
def test_wavelengths_of_a_tiff_wherever_they_stand(tiff, where):
    def change(file):
        for b, nm in enumerate(WAVES, 1):
            if where == "band tags":
                file.update_tags(b, wavelength=nm, wavelength_units="Nanometers", fwhm=10, bbl=int(b != 2))
            elif where == "imagery":
                file.update_tags(b, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=nm / 1000, FWHM_UM=0.01)
            elif where == "names":
                file.set_band_description(b, f"{nm} Nanometers")
        if where == "envi domain":
            file.update_tags(ns="ENVI", wavelength="{" + ", ".join(f"{nm / 1000}" for nm in WAVES) + "}",
                             wavelength_units="Micrometers", fwhm="{" + ", ".join(["0.01"] * BANDS) + "}")  # fmt: skip

    edit(tiff, change)
    layer = open_layer(tiff)
    np.testing.assert_allclose(layer.wavelengths, WAVES)
    if where != "names":
        np.testing.assert_allclose(layer.fwhm, 10)
    assert (layer.good is not None) == (where == "band tags")
    assert where != "band tags" or layer.good.tolist() == [True, False, True, True, True, True]


def test_control_points_become_a_transform_or_are_carried(tmp_path):
    at = lambda r, c, bend=0: GroundControlPoint(r, c, 600_000 + 2 * c + bend, 5_100_000 - 2 * r)  # noqa: E731
    for name, bend in (("flat", 0), ("bent", 9)):
        path = write_tiff(tmp_path / f"{name}.tif", cube())
        points = [at(0, 0), at(0, COLS), at(ROWS, 0), at(ROWS, COLS, bend)]
        edit(path, lambda file, points=points: setattr(file, "gcps", (points, UTM)))
    flat, bent = (open_layer(tmp_path / f"{name}.tif") for name in ("flat", "bent"))
    assert flat.transform.almost_equals(grid(), 1e-6)
    assert flat.crs == UTM
    assert bent.transform is None
    assert len(bent.gcps[0]) == 4
    assert "carried into maps" in bent.findings[0][2]


def test_zarr_attributes_are_read(tmp_path):
    facts = {"crs": "EPSG:32632", "transform": list(grid())[:6], "wavelengths_nm": WAVES.tolist(), "_FillValue": -1}
    attributes = {**facts, "scale_factor": 0.1}
    zarr.create_array(tmp_path / "cube.zarr", data=cube(), chunks=(5, 5, 6), attributes=attributes)
    layer = open_layer(tmp_path / "cube.zarr")
    np.testing.assert_allclose(layer.values(slice(3, 9), slice(2, 4)), 0.1 * cube()[3:9, 2:4].astype(np.float32))
    assert layer.transform == grid()
    assert (layer.nodata == -1).all()


def test_envi_keeps_scale_classes_names_and_a_place_that_looks_like_another_format(tmp_path):
    fields = {"reflectance_scale_factor": 10000, "fwhm": [0.01] * BANDS, "wavelength_units": "Micrometers"}
    names = [f"{w} Nanometers" for w in WAVES]
    header = write_envi(tmp_path, cube(), wavelength=None, band_names=names, **fields, **map_info())
    data = tmp_path / "cube.dat"
    data.write_bytes(b"\xff\xd8\xff\xe0" + data.read_bytes()[4:])
    layer = open_layer(header)
    np.testing.assert_allclose(layer.values(*EVERYTHING)[1:], cube()[1:] / 10000, rtol=1e-6)
    np.testing.assert_allclose(layer.wavelengths, WAVES)
    assert layer.units == "reflectance"
    assert (layer.crs, layer.transform) == (UTM, grid())
    lookup = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]
    fields = {"file_type": "ENVI Classification", "class_names": ["none", "a", "b", "c"], "class_lookup": lookup}
    gt = write_envi(tmp_path, labels()[..., None], name="gt", wavelength=None, **fields)
    assert open_layer(gt).class_names == ("a", "b", "c")
    assert open_layer(gt).colors == ("#ff0000", "#00ff00", "#0000ff")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1250"])
def test_headers_in_any_encoding_keep_their_place(tmp_path, encoding):
    header = write_envi(tmp_path, cube(), description="Mühlgraben", **map_info())
    header.write_bytes(header.read_text(encoding="utf-8").encode(encoding))
    layer = open_layer(header, encoding=encoding if encoding == "cp1250" else None)
    np.testing.assert_array_equal(layer.array(), cube())
    assert layer.crs == UTM


def test_bytes_that_may_be_right_are_a_finding_and_the_order_can_be_settled(tmp_path):
    values = (cube() // 16).astype(np.uint16) * np.uint16(256)
    assert open_layer(write_envi(tmp_path, values)).findings[0][0] == "values are multiples of 256"
    settled = open_layer(tmp_path / "cube.hdr", byte_order="little")
    assert settled.findings == ()
    np.testing.assert_array_equal(settled.array(), values)
    swapped = open_layer(tmp_path / "cube.hdr", byte_order="big")
    np.testing.assert_array_equal(swapped.array(), values.byteswap())


def test_a_small_file_that_unpacks_to_much_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("hsikit.scenes.layers.WHOLE_BYTES", 1000)
    np.savez_compressed(tmp_path / "cube.npz", a=cube())
    write_mat(tmp_path / "cube.mat", "5", data=cube())
    write_mat(tmp_path / "new.mat", "7.3", data=cube())
    for name in ("cube.npz", "cube.mat", "new.mat"):
        layer = open_layer(tmp_path / name)
        assert layer.shape == cube().shape
        with pytest.raises(SceneError, match="unpacks to more than"):
            layer.read(*EVERYTHING)
    np.save(tmp_path / "cube.npy", cube())
    np.testing.assert_array_equal(open_layer(tmp_path / "cube.npy").read(*EVERYTHING), cube())


def test_matlab_values_in_another_file_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = cube()
    path = write_mat(tmp_path / "cube.mat", "7.3", other=np.ones((2, 2)))
    with h5py.File(path, "r+") as file:
        file["data"] = h5py.ExternalLink("secret.h5", "/data")
    with pytest.raises(SceneError, match="lies in another file"):
        open_layer(path, "data").read(*EVERYTHING)


def test_a_pipe_is_no_file(tmp_path):
    import os

    os.mkfifo(tmp_path / "cube.npy")
    with pytest.raises(SceneError, match=r"cube\.npy is no file"):
        open_layer(tmp_path / "cube.npy")


def test_single_pixels_of_mapped_files_are_read_from_the_file(tmp_path):
    for interleave in ("bil", "bip", "bsq"):
        layer = open_layer(write_envi(tmp_path, cube().astype(">f4"), interleave))
        for row, col in ((0, 0), (11, 9), (5, 3)):
            pixel = layer.read(slice(row, row + 1), slice(col, col + 1))[0, 0]
            np.testing.assert_array_equal(pixel, layer.array()[row, col])


@pytest.mark.parametrize("kind", ["cube.tif", "cube.vrt", "cube.npy", "cube.npz", "cube.mat", "dsm.tif"])
def test_damaged_files_end_in_scene_errors_only_whole_and_in_pieces(kind, tmp_path):
    """Headers, opening, pixels and pieces: nothing but hsikit's own errors, in one line."""
    write_envi(tmp_path, cube(), name="base", **map_info())
    write_tiff(tmp_path / "cube.tif", cube(), grid(), UTM, compress="deflate")
    write_tiff(tmp_path / "dsm.tif", np.ones((20, 20), np.float32), grid(1.5), UTM)
    np.save(tmp_path / "cube.npy", cube())
    np.savez_compressed(tmp_path / "cube.npz", a=cube())
    write_mat(tmp_path / "cube.mat", "5", data=cube())
    with rasterio.open(tmp_path / "cube.tif") as file:
        shutil.copy(file, tmp_path / "cube.vrt", driver="VRT")
    hsi, more = ("base.hdr", f"lidar: {kind}") if kind == "dsm.tif" else (kind, "")
    (tmp_path / "site.yaml").write_text(f"hsi: {hsi}\n{more}\n")
    whole, rng, lines = (tmp_path / kind).read_bytes(), np.random.default_rng(5), []
    for _ in range(60):
        (tmp_path / kind).write_bytes(mutated(whole, rng))
        try:
            site = open_site(tmp_path / "site.yaml")
            site.scene()
            site.cut(0, 3, 0, 3)
        except SceneError as error:
            lines.append(str(error).count("\n"))
    assert len(lines) > 5
    assert set(lines) == {0}


def test_names_of_a_class_map_stand_in_its_side_file(tmp_path):
    path = write_tiff(tmp_path / "map.tif", labels(), grid(), UTM)
    edit(path, lambda file: file.write_colormap(1, {1: (255, 0, 0, 255), 2: (0, 255, 0, 255), 3: (0, 0, 255, 255)}))
    side = "".join(f"<Category>{name}</Category>" for name in ("none", "a &amp; b", "c", "d"))
    head, tail = '<PAMDataset><PAMRasterBand band="1"><CategoryNames>', "</CategoryNames></PAMRasterBand></PAMDataset>"
    (tmp_path / "map.tif.aux.xml").write_text(head + side + tail)
    assert open_layer(path).class_names == ("a & b", "c", "d")
    assert open_layer(path).colors == ("#ff0000", "#00ff00", "#0000ff")
    (tmp_path / "map.tif.aux.xml").write_text("<PAM")
    assert open_layer(path).class_names == ()
