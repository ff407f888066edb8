"""Trento, Houston 2013, Pavia University, Salinas: miniature files in the published layouts, loaded."""

from dataclasses import replace

import numpy as np
import pytest
from scenes.miniature import UTM, cube, grid, labels, write_mat, write_tiff

from hsikit.scenes import SceneError, houston2013, load_scene, published

ROWS, COLS = 14, 20


@pytest.fixture
def small(monkeypatch):
    """Shrinks a scene's published size and counts to the miniature's."""

    def shrink(name, bands, gt):
        known = published.catalogue()[name]
        counts = () if gt is None else tuple(np.bincount(gt.ravel(), minlength=known.classes + 1)[1:].tolist())
        made = replace(
            known, rows=ROWS, cols=COLS, bands=bands, counts=counts, wavelengths_nm=np.linspace(450, 900, bands)
        )
        monkeypatch.setitem(published.catalogue(), name, made)
        monkeypatch.setattr(houston2013, "FACTS", published.catalogue()["houston2013"])

    return shrink


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_trento(data_folder, small, version):
    gt, data = labels(ROWS, COLS, 6), cube(ROWS, COLS, 5, np.float32)
    small("trento", 5, gt)
    folder = data_folder / "trento"
    folder.mkdir()
    lidar = cube(ROWS, COLS, 2, np.float32, seed=1)
    write_mat(folder / "Italy_hsi.mat", version, data=data)
    write_mat(folder / "Italy_lidar.mat", version, data=lidar)
    write_mat(folder / "allgrd.mat", version, mask_test=gt)
    scene = load_scene("trento")
    np.testing.assert_array_equal(scene.hsi, data)
    np.testing.assert_array_equal(scene.lidar, lidar)
    np.testing.assert_array_equal(scene.labels, gt)
    assert scene.class_names == ("apple trees", "buildings", "ground", "woods", "vineyard", "roads")
    assert scene.masks == {}
    write_mat(folder / "TRLabel.mat", version, TRLabel=gt)
    write_mat(folder / "TSLabel.mat", version, TSLabel=gt * 0)
    assert (load_scene("trento").masks["official_819"][0] == gt).all()


@pytest.mark.parametrize(
    ("name", "cube_file", "variable", "gt_file", "gt_variable"),
    [
        ("pavia_university", "PaviaU.mat", "paviaU", "PaviaU_gt.mat", "paviaU_gt"),
        ("salinas", "Salinas_corrected.mat", "salinas_corrected", "Salinas_gt.mat", "salinas_gt"),
    ],
)
def test_scenes_of_one_cube_and_one_raster(data_folder, small, name, cube_file, variable, gt_file, gt_variable):
    gt, data = labels(ROWS, COLS, 5), cube(ROWS, COLS, 4, np.uint16)
    small(name, 4, gt)
    (data_folder / name).mkdir()
    write_mat(data_folder / name / gt_file, "5", **{gt_variable: gt})
    write_mat(data_folder / name / cube_file, "5", **{variable: data})
    scene = load_scene(name)
    np.testing.assert_array_equal(scene.hsi, data)
    assert scene.hsi.dtype == np.uint16
    assert scene.hsi.flags.c_contiguous
    np.testing.assert_array_equal(scene.labels, gt)
    gt[3, 3] = 0
    write_mat(data_folder / name / gt_file, "5", **{gt_variable: gt})
    with pytest.raises(SceneError, match=r"pixels of class 1, published are"):
        load_scene(name)
    write_mat(data_folder / name / gt_file, "5", **{gt_variable: gt[:-1]})
    with pytest.raises(SceneError, match="expected 14 x 20 pixels"):
        load_scene(name)


def test_a_cube_with_other_bands_is_refused(data_folder, small):
    small("trento", 5, None)
    with pytest.raises(SceneError, match="has 4 bands, expected 5"):
        published.check_bands(published.catalogue()["trento"], "Italy_hsi.mat", cube(ROWS, COLS, 4))


def roi_text(regions):
    """The contest's list of samples: names first, then `ID X Y ...` lines, a blank line between regions."""
    head = [
        "; ENVI Output of ROIs (4.7.01)",
        f"; Number of ROIs: {len(regions)}",
        "; File Dimension: 20 x 14",
        ";",
    ]
    for name, points in regions:
        head += [f"; ROI name: {name}", "; ROI rgb value: {0, 205, 0}", f"; ROI npts: {len(points)}"]
    lines = [*head, ";   ID    X    Y      Map X       Map Y        Lat         Lon"]
    for _, points in regions:
        lines += [f"{i:6d}{x:5d}{y:5d}  271460.3  3290891.2  29.72  -95.36" for i, (x, y) in enumerate(points, 1)]
        lines.append("")
    return "\n".join(lines)


@pytest.fixture
def houston(data_folder, small, monkeypatch):
    small("houston2013", 4, None)
    folder = data_folder / "houston2013"
    folder.mkdir()
    stem = str(folder / "2013_IEEE_GRSS_DF_Contest_")
    data, lidar = cube(ROWS, COLS, 4, np.uint16), cube(ROWS, COLS, 1, np.float32)
    write_tiff(folder / (stem + "CASI.tif"), data, grid(2.5), UTM)
    write_tiff(folder / (stem + "LiDAR.tif"), lidar, grid(2.5), UTM)
    train = [(f"class {c}", [(c, 1), (c, 2)]) for c in range(1, 16)]
    test = [(f"class {c} val", [(c, 13), (c, 14), (c, 12)]) for c in range(1, 16)]
    monkeypatch.setattr(houston2013, "TRAIN_COUNTS", (2,) * 15)
    monkeypatch.setattr(houston2013, "TEST_COUNTS", (3,) * 15)
    (folder / (stem + "Samples_TR.txt")).write_text(roi_text(train))
    (folder / (stem + "Samples_VA.txt")).write_text(roi_text(test))
    return folder, data


def test_houston_reads_rasters_and_sample_lists(houston):
    _, data = houston
    scene = load_scene("houston2013")
    np.testing.assert_array_equal(scene.hsi, data)
    train, test = scene.masks["official"]
    assert train[0, 4] == train[1, 4] == 5  # X is the column, Y the row, both from 1
    assert test[13, 14] == 15
    assert ((train > 0).sum(), (test > 0).sum(), (scene.labels > 0).sum()) == (30, 45, 75)
    assert scene.crs == UTM
    assert scene.transform == grid(2.5)
    assert scene.lidar.shape == (ROWS, COLS, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html>not found</html>", "not a list of samples"),
        ("", "not a list of samples .it is empty"),
        ("1 2\n", "not a list of samples"),
        (roi_text([("a", [(1, 1)])]), "samples a class"),
        (roi_text([(f"c{c}", [(21, 1), (1, 1)]) for c in range(15)]), "outside the 14 x 20 raster"),
    ],
)
def test_houston_with_another_sample_list(houston, text, says):
    folder, _ = houston
    (folder / "2013_IEEE_GRSS_DF_Contest_Samples_TR.txt").write_text(text)
    with pytest.raises(SceneError, match=says):
        load_scene("houston2013")


def test_published_counts_add_up():
    for name in ("trento", "pavia_university", "salinas"):
        known = published.catalogue()[name]
        assert sum(known.counts) == known.labelled
        assert len(known.counts) == len(known.class_names) == len(known.colors) == known.classes
        assert known.wavelengths_nm.size == known.bands
    assert (sum(houston2013.TRAIN_COUNTS), sum(houston2013.TEST_COUNTS)) == (2_832, 12_197)


def test_real_trento_lidar_labels_and_masks(real_data):
    known = published.catalogue()["trento"]
    assert published.read_published(known, *known.layout["lidar"], 3).shape == (166, 600, 2)
    assert np.bincount(published.read_labels(known).ravel())[1:].tolist() == [4034, 2903, 479, 9123, 10501, 3174]
    train, test = published.fixed_masks(known, "official_819", *known.layout["masks"]["official_819"])["official_819"]
    assert ((train > 0).sum(), (test > 0).sum()) == (819, 29_395)
    with pytest.raises(SceneError, match=r"Italy_hsi.mat is missing; run `hsikit fetch trento`"):
        load_scene("trento")
