import numpy as np
import pytest
from scenes.miniature import cube, mutated, write_envi

from hsikit.scenes import SceneError
from hsikit.scenes.layers import open_layer


@pytest.mark.parametrize("interleave", ["bil", "bip", "bsq"])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<u2", "<f4", ">f4", "<f8", "|u1"])
def test_every_interleave_and_type_is_mapped_as_stored(tmp_path, interleave, dtype):
    data = (cube() / (10 if dtype == "|u1" else 1)).astype(dtype)
    opened = open_layer(write_envi(tmp_path, data, interleave))
    assert opened.array().dtype == np.dtype(dtype)
    assert isinstance(opened.array(), np.memmap)
    assert not opened.array().flags.writeable
    np.testing.assert_array_equal(opened.array(), data)
    np.testing.assert_allclose(opened.wavelengths, 450 + 50 * np.arange(6))


def test_header_or_data_file_may_be_named(tmp_path):
    header = write_envi(tmp_path, cube())
    np.testing.assert_array_equal(open_layer(header).array(), open_layer(tmp_path / "cube.dat").array())


def test_bad_bands_nodata_and_micrometres(tmp_path):
    header = write_envi(
        tmp_path,
        cube(),
        bbl=[1, 1, 0, 1, 1, 0],
        data_ignore_value=-9999,
        wavelength=[0.45, 0.5, 0.55, 0.6, 0.65, 0.7],
        wavelength_units="Micrometers",
    )
    opened = open_layer(header)
    assert opened.good.tolist() == [True, True, False, True, True, False]
    assert (opened.nodata == -9999).all()
    np.testing.assert_allclose(opened.wavelengths, [450, 500, 550, 600, 650, 700])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"lines": 13}, "bytes"),
        ({"lines": 11}, "bytes"),
        ({"bands": 0}, "at least 1"),
        ({"samples": -4}, "at least 1"),
        ({"interleave": "bsx"}, "interleave 'bsx'"),
        ({"byte_order": 1}, "byte order"),
        ({"byte_order": 7}, "byte order '7'"),
        ({"data_type": 99}, "not a readable ENVI header"),
        ({"lines": "many"}, "not a readable ENVI header"),
        ({"lines": None}, "not a readable ENVI header"),
        ({"wavelength_units": "furlongs"}, "furlongs"),
        ({"wavelength": ["a", "b"]}, "not a readable ENVI header"),
        ({"file_type": "ENVI Spectral Library"}, "spectral library"),
        ({"bands": 10**12}, "bytes"),
    ],
)
def test_a_wrong_header_is_one_clear_line(tmp_path, fields, says):
    with pytest.raises(SceneError, match=says) as caught:
        open_layer(write_envi(tmp_path, cube(), **fields))
    assert "\n" not in str(caught.value)


def test_floats_with_swapped_bytes_are_noticed(tmp_path):
    with pytest.raises(SceneError, match="byte order"):
        open_layer(write_envi(tmp_path, cube().astype("<f4"), byte_order=1))


def test_complex_values_are_refused(tmp_path):
    with pytest.raises(SceneError, match="complex64 values"):
        open_layer(write_envi(tmp_path, cube().astype(np.complex64)))


def test_a_header_without_its_data_says_what_it_looked_for(tmp_path):
    header = write_envi(tmp_path, cube())
    (tmp_path / "cube.dat").unlink()
    with pytest.raises(SceneError, match=r"no data file beside it; expected cube"):
        open_layer(header)


def test_a_thousand_damaged_headers_end_in_scene_errors_only(tmp_path):
    whole = write_envi(tmp_path, cube(), bbl=[1, 0, 1, 1, 1, 1], data_ignore_value=-1).read_bytes()
    rng = np.random.default_rng(3)
    header = tmp_path / "cube.hdr"
    refused, lines = 0, set()
    for _ in range(1000):
        header.write_bytes(mutated(whole, rng))
        try:
            assert open_layer(header).array().ndim == 3
        except SceneError as error:
            refused += 1
            lines.add(str(error).count("\n"))
    assert refused > 200
    assert lines == {0}
