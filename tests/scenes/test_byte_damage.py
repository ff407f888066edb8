import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes.miniature import write_tiff

from hsikit.scenes import Scene, SceneError, load_scene
from hsikit.scenes.byte_damage import byte_counts, convert, find_damage, repair
from hsikit.scenes.indian_pines import published_cube

DTYPES = ("uint8", "int8", "uint16", "int16", ">i2", "int32", "uint32")


def gamma_cube(dtype="uint16", shape=(50, 50, 40), scale=700.0, seed=0):
    """Counts between 0 and some thousands, as a sensor gives them."""
    values = np.random.default_rng(seed).gamma(3.0, scale, shape)
    limits = np.iinfo(np.dtype(dtype))
    return np.clip(values, limits.min, limits.max).astype(dtype)


def smooth_cube(rows=40, cols=40, bands=60, noise=8.0, seed=0):
    """Spectra of a few kinds, bright and dark, that pass through the high byte 0x0D again and again."""
    rng = np.random.default_rng(seed)
    kinds = 3000 + 1200 * np.sin(np.arange(bands) / 6 + rng.uniform(0, 6, (4, 1)))  # (kind, band)
    bright = rng.uniform(0.7, 1.4, (rows, cols, 1))
    values = kinds[rng.integers(0, 4, (rows, cols))] * bright + rng.normal(0, noise, (rows, cols, bands))
    return values.astype(np.uint16)


# --- bytes ------------------------------------------------------------------------------------------


@given(st.sampled_from(DTYPES), st.integers(0, 2**32 - 1))
def test_bytes_are_counted_as_they_are_stored(dtype, seed):
    limits = np.iinfo(np.dtype(dtype))
    values = np.random.default_rng(seed).integers(limits.min, limits.max, (3, 4, 5), endpoint=True).astype(dtype)
    slow = np.zeros((values.dtype.itemsize, 256), int)
    for value in values.ravel().tolist():
        for byte, digit in enumerate(value.to_bytes(values.dtype.itemsize, "little", signed=limits.min < 0)):
            slow[byte, digit] += 1
    np.testing.assert_array_equal(byte_counts(values), slow)


def test_conversion_replaces_both_bytes_and_leaves_the_input_alone():
    values = np.array([0x0D0D, 0x0D00, 0x000D, 0x0A0D, 0x0B0C], np.uint16)
    assert convert(values).tolist() == [0x0A0A, 0x0A00, 0x000A, 0x0A0A, 0x0B0C]
    assert values[0] == 0x0D0D


# --- found where it is, and nowhere else ------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint16", "int16", ">u2", "int32"])
@pytest.mark.parametrize(("lost", "kept"), [(0x0D, 0x0A), (0x0A, 0x0D), (0x40, 0x20)])
def test_damage_is_found_with_its_two_values(dtype, lost, kept):
    damage = find_damage([convert(gamma_cube(dtype), lost, kept)])
    assert (damage.lost, damage.kept) == (lost, kept)
    assert damage.bytes[0] == 0
    assert damage.step(1) == 256 * (lost - kept)


def test_damage_of_the_high_byte_is_told_and_put_into_words():
    damage = find_damage([convert(smooth_cube())])
    assert damage.bytes == (0, 1)
    assert str(damage).startswith("no sample has the byte 0x0D, 0x0A occurs more often than its neighbours: byte 0 (")
    assert "right or 3 too low" in str(damage)
    assert "right or 768 too low" in str(damage)


def test_a_cube_of_counts_saved_as_float_is_searched_and_may_hold_nan():
    counts = convert(gamma_cube()).astype(np.float32)
    counts[0, 0, 0] = np.nan
    assert find_damage([counts]).lost == 0x0D
    assert find_damage([counts / 10_000]).lost == 0x0D  # reflectance, as files scale it
    assert find_damage([counts / 3]) is None


def test_pieces_add_up():
    cube = convert(gamma_cube())
    assert find_damage(iter(cube)).lost == 0x0D
    assert find_damage([cube[:1, :5]]) is None  # too little to say
    assert find_damage([]) is None


@settings(max_examples=150)
@given(
    dtype=st.sampled_from(DTYPES),
    kind=st.sampled_from(["uniform", "normal", "gamma", "few spectra", "stretched", "enlarged", "flat"]),
    top=st.sampled_from([10, 200, 3_000, 10_000, 60_000]),
    side=st.integers(3, 60),
    bands=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
)
def test_undamaged_cubes_give_nothing(dtype, kind, top, side, bands, seed):
    rng = np.random.default_rng(seed)
    shape = (side, side, bands)
    if kind == "uniform":
        values = rng.integers(0, top, shape, endpoint=True).astype(float)
    elif kind == "normal":
        values = rng.normal(top / 2, top / rng.uniform(3, 12), shape)
    elif kind == "flat":
        values = np.full(shape, float(top))
    elif kind == "few spectra":
        values = rng.integers(0, top, (rng.integers(2, 300), bands)).astype(float)
        values = values[rng.integers(0, len(values), shape[:2])]
    else:
        values = rng.gamma(rng.uniform(0.5, 5), top / 8, shape)
    if kind == "stretched":
        factor = rng.choice([1.1, 1.5, 2, 3, 4, 10, 16])
        values = np.rint(np.rint(values / factor) * factor)
    elif kind == "enlarged":
        values = values.repeat(3, axis=0).repeat(3, axis=1)
    limits = np.iinfo(np.dtype(dtype))
    assert find_damage([np.clip(values, limits.min, limits.max).astype(dtype)]) is None


@settings(max_examples=50)
@given(
    dtype=st.sampled_from(["uint16", "int16", "int32"]),
    scale=st.floats(150, 2500),
    seed=st.integers(0, 2**32 - 1),
)
def test_damaged_cubes_with_enough_samples_are_found(dtype, scale, seed):
    damage = find_damage([convert(gamma_cube(dtype, scale=scale, seed=seed))])
    assert (damage.lost, damage.kept) == (0x0D, 0x0A)


def test_labels_of_equal_number_are_no_damage():
    """A raster of classes with as many pixels each, and one class twice as large, ends without a gap inside."""
    assert find_damage([np.repeat(np.arange(1, 13), [*[150] * 10, 300, 150]).astype(np.uint8)]) is None


def test_scenes_in_hand(real_data):
    found = [name for name in ("indian_pines", "simulated", "muufl_subset") if find_damage([load_scene(name).hsi])]
    assert found == ["indian_pines"]


def test_products_in_hand_are_not_damaged(real_data):
    import rasterio

    neon = real_data / "products" / "neon_aop"
    for path in (neon / "NEON_D01_HARV_DP3_726000_4699000_reflectance_crop.tif",):
        with rasterio.open(path) as file:
            cube = file.read()
        assert cube.dtype == np.int16
        assert find_damage([cube]) is None
        assert find_damage([convert(cube)]).lost == 0x0D


def findings(cube):
    labels = np.ones(cube.shape[:2], int)
    table = Scene("s", cube, labels, ("a",), wavelengths_nm=np.linspace(500, 900, cube.shape[2])).check()
    return dict(zip(table["finding"], table["where"]))


def test_check_tells_it():
    assert "a byte value is lost" not in findings(smooth_cube())
    assert "0x0D" in findings(convert(smooth_cube()))["a byte value is lost"]


@pytest.mark.parametrize("more", ["", "scale: 0.0001\n", "nodata: 5\n"])
def test_check_tells_it_of_a_file_of_ones_own(more, tmp_path):
    write_tiff(tmp_path / "cube.tif", convert(gamma_cube("int16")))
    (tmp_path / "site.yaml").write_text(f"name: mine\nhsi: cube.tif\n{more}")
    assert "a byte value is lost" in set(load_scene(tmp_path / "site.yaml").check().finding)


def test_check_leaves_invalid_pixels_out():
    cube = convert(gamma_cube())
    valid = np.zeros(cube.shape[:2], bool)
    valid[0] = True
    scene = Scene("s", cube, np.ones(valid.shape, int), ("a",), valid=valid)
    assert "a byte value is lost" not in set(scene.check().finding)


# --- repair -----------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), noise=st.floats(0, 40))
def test_repair_of_smooth_spectra(seed, noise):
    true = smooth_cube(noise=noise, seed=seed)
    damaged = convert(true)
    mended, changed = repair(damaged, find_damage([damaged]))
    was_damaged = (true >> 8) == 0x0D
    assert mended.dtype == np.uint16
    assert changed[was_damaged].mean() > 0.95
    assert changed[~was_damaged].mean() < 0.01
    np.testing.assert_array_equal(mended.astype(int) - damaged, 768 * changed)
    assert not changed[(damaged >> 8) != 0x0A].any()


def test_repair_takes_the_cheapest_of_all_sequences():
    """Against every sequence of choices, one pixel at a time."""
    from itertools import product

    from hsikit.scenes.byte_damage import _cheapest

    rng = np.random.default_rng(2)
    values, open_ = rng.uniform(2000, 3500, (30, 7)), rng.random((30, 7)) < 0.6
    ratios = rng.uniform(0.8, 1.2, 6)
    for pixel, got in zip(range(30), _cheapest(values, open_, 768, ratios)):
        choices = [c for c in product((0, 1), repeat=7) if not np.any(np.array(c, bool) & ~open_[pixel])]
        lifted = values[pixel] + 768 * np.array(choices)
        cost = np.abs(lifted[:, 1:] - ratios * lifted[:, :-1]).sum(1)
        assert tuple(got) == choices[cost.argmin()]


def test_repair_needs_damage_in_the_second_byte():
    cube = convert(gamma_cube("uint8", scale=30.0))
    damage = find_damage([cube])
    assert damage.bytes == (0,)
    with pytest.raises(SceneError, match=r"damage shows in bytes \(0,\), expected byte 1"):
        repair(cube, damage)


def test_repair_where_a_band_has_nothing_but_open_samples():
    cube = np.array([[[3000, 2600, 3100], [3100, 2620, 3200]]], np.uint16)
    damage = find_damage([convert(smooth_cube())])
    mended, _ = repair(cube, damage)
    assert mended[..., 1].tolist() == [[3368, 3388]]


# --- the proof that the published Indian Pines cube is damaged, in five steps -------------------------


@pytest.fixture
def truth(real_data):
    """(rows, cols, counts (695, 200), lowest (200,), range (200,)) of the undamaged spectra and of all their bands."""
    scaled = scipy.io.loadmat(real_data / "indian_pines_truth" / "Train_X.mat")["Train_X"]
    train, _ = load_scene("indian_pines").masks["official_695"]
    cols, rows = np.nonzero(train.T)  # the file counts down the columns
    steps = np.diff(np.sort(scaled, axis=0), axis=0)
    ranges = np.rint(1 / np.where(steps > 1e-9, steps, np.inf).min(axis=0)).astype(int)
    counts = np.rint(scaled * ranges).astype(int)
    assert np.abs(scaled * ranges - counts).max() < 1e-9
    off = published_cube()[rows, cols] - counts
    lowest = np.array([np.unique(band, return_counts=True) for band in off.T], object)
    lowest = np.array([values[times.argmax()] for values, times in lowest], int)
    return rows, cols, counts + lowest, lowest, ranges


def test_step_1_a_byte_value_is_missing_and_its_twin_is_doubled():
    low, high = byte_counts(published_cube())
    assert high[9:15].tolist() == [135_704, 246_321, 190_010, 161_401, 0, 117_100]
    assert np.flatnonzero(low == 0).tolist() == [0x0D]
    assert low[0x0A] == 41_910
    assert low[[0x09, 0x0B, 0x0C, 0x0E]].tolist() == [20_834, 21_146, 20_466, 20_348]
    damage = find_damage([published_cube()])
    assert (damage.lost, damage.kept, damage.bytes) == (0x0D, 0x0A, (0, 1))


def test_step_2_the_published_values_are_the_true_ones_converted(truth):
    rows, cols, true, _, _ = truth
    published = published_cube()[rows, cols]
    np.testing.assert_array_equal(convert(true.astype(np.uint16)), published)
    high, low = true >> 8, true & 0xFF
    assert [(high == 0x0D).sum(), (low == 0x0D).sum()] == [4_067, 682]
    assert [(high == 0x0A).sum(), (low == 0x0A).sum()] == [4_395, 717]
    values, times = np.unique(published - true, return_counts=True)
    assert dict(zip(values.tolist(), times.tolist())) == {0: 134_265, -768: 4_053, -3: 668, -771: 14}


def test_step_3_nothing_leads_back(truth):
    """True values that the conversion makes equal: the other file cannot have been made from the published one."""
    rows, cols, true, _, _ = truth
    published = published_cube()[rows, cols]
    both = [np.unique(true[published >> 8 == 0x0A] >> 8), np.unique(true[(published & 0xFF) == 0x0A] & 0xFF)]
    assert [b.tolist() for b in both] == [[0x0A, 0x0D], [0x0A, 0x0D]]


def test_step_4_extremes_of_all_pixels(truth):
    _, _, _, lowest, ranges = truth

    def right(cube):
        flat = cube.reshape(-1, 200).astype(int)
        low, width = flat.min(axis=0), np.ptp(flat, axis=0)
        return (low == lowest).sum(), (width == ranges).sum()

    assert right(published_cube()) == (175, 172)
    assert right(load_scene("indian_pines_repaired").hsi) == (198, 196)


def test_step_5_the_rule_is_that_of_bytes(truth):
    """True counts show no such gap, and the same rule laid on them makes the very damage, in both bytes."""
    _, _, true, _, _ = truth
    assert find_damage([true.astype(np.uint16)]) is None
    assert find_damage([convert(true.astype(np.uint16))]).bytes == (0, 1)


def test_the_repair_on_the_true_spectra(truth):
    rows, cols, true, _, _ = truth
    mended = load_scene("indian_pines_repaired").hsi[rows, cols]
    high = true >> 8
    assert ((mended >> 8) == 0x0D)[high == 0x0D].sum() >= 4_061
    assert ((mended >> 8) == 0x0A)[high == 0x0A].all()  # none harmed
