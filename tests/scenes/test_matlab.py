import numpy as np
import pytest
import scipy.io
from scenes.miniature import mutated, write_mat

from hsikit.scenes import SceneError
from hsikit.scenes.matlab import read_array, read_mat


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_arrays_structs_cells_and_text_come_back_alike(tmp_path, version):
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    path = write_mat(
        tmp_path / "a.mat",
        version,
        cube=cube,
        site={"name": "north", "parts": [cube[..., 0], "two"]},
        n=np.float64(7),
    )
    np.testing.assert_array_equal(read_array(path, "cube", 3), cube)
    site = read_mat(path, "site")
    assert site["name"] == "north"
    np.testing.assert_array_equal(site["parts"][0], cube[..., 0])
    assert site["parts"][1] == "two"
    assert float(read_mat(path, "n")) == 7
    first, second = read_mat(path, "cube", "n")
    assert first.shape == (2, 3, 4)
    assert float(second) == 7


def test_the_version_is_told_by_content_not_by_name(tmp_path):
    path = write_mat(tmp_path / "new.mat", "7.3", cube=np.ones((2, 3, 4)))
    with pytest.raises(NotImplementedError):
        scipy.io.loadmat(path)
    assert read_array(path, "cube", 3).shape == (2, 3, 4)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_missing_variable_names_those_there_are(tmp_path, version):
    path = write_mat(tmp_path / "a.mat", version, paviaU=np.ones((2, 2)))
    with pytest.raises(SceneError, match=r"no variable 'cube'; it holds: paviaU"):
        read_mat(path, "cube")


def test_what_is_not_a_matlab_file_says_so(tmp_path):
    (tmp_path / "a.mat").write_bytes(b"<html>404 not found</html>" * 40)
    (tmp_path / "b.mat").write_bytes(b"")
    for name in "ab":
        with pytest.raises(SceneError, match="not a readable MATLAB file"):
            read_mat(tmp_path / f"{name}.mat", "x")
    with pytest.raises(SceneError, match="missing"):
        read_mat(tmp_path / "c.mat", "x")


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_truncated_file_is_one_line(tmp_path, version):
    path = write_mat(tmp_path / "a.mat", version, cube=np.random.default_rng(0).normal(size=(9, 9, 9)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SceneError, match="not a readable MATLAB file") as caught:
        read_mat(path, "cube")
    assert "\n" not in str(caught.value)


def test_strings_complex_numbers_and_other_shapes_are_refused(tmp_path):
    path = write_mat(tmp_path / "a.mat", "5", text="abc", wave=np.ones((2, 2)) * 1j, flat=np.ones((2, 3)))
    with pytest.raises(SceneError, match="expected real numbers"):
        read_array(path, "text", 3)
    with pytest.raises(SceneError, match="complex128, expected real numbers"):
        read_array(path, "wave", 2)
    with pytest.raises(SceneError, match="expected 3 dimensions"):
        read_array(path, "flat", 3)


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_thousand_damaged_files_end_in_scene_errors_only(tmp_path, version):
    """Bytes changed, cut or doubled at random: the reader gives an array or a `SceneError`, nothing else."""
    whole = write_mat(
        tmp_path / "whole.mat", version, hsi={"Data": np.ones((3, 4, 2)), "names": ["a", "b"]}, gt=np.eye(3)
    ).read_bytes()
    rng = np.random.default_rng(5)
    path = tmp_path / "bad.mat"
    refused, lines = 0, set()
    for _ in range(500):
        path.write_bytes(mutated(whole, rng))
        try:
            read_mat(path, "hsi")
            read_array(path, "gt", 2)
        except SceneError as error:
            refused += 1
            lines.add(str(error).count("\n"))
    assert refused > 50
    assert lines == {0}
