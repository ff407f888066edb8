"""The simulated valley: what it holds, that it repeats, and that it is as hard as a real scene."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from hsikit.scenes import simulated as sim
from hsikit.scenes.scene import Scene, SceneError
from hsikit.scenes.simulated import light as spectra
from hsikit.scenes.simulated.land import Land, build_land, edge_of

TRENTO_COUNTS = np.array([4034, 2903, 479, 9123, 10501, 3174])
APPLE, BUILDING, GROUND, WOODS, VINEYARD, ROAD = range(1, 7)
SMALL = sim.SMALLEST


@pytest.fixture(scope="module")
def scene() -> Scene:
    return sim.load_simulated()


@pytest.fixture(scope="module")
def land() -> Land:
    return build_land(np.random.default_rng(0), 166, 600)  # the land of seed 0: it is drawn first


def test_shapes_types_and_facts(scene: Scene) -> None:
    assert scene.name == "simulated"
    assert scene.simulated
    assert scene.hsi.shape == (166, 600, 63)
    assert scene.hsi.dtype == np.float32
    assert scene.lidar is not None
    assert scene.lidar.shape == (166, 600, 2)
    assert scene.lidar.dtype == np.float32
    assert scene.class_names == ("apple trees", "buildings", "ground", "woods", "vineyard", "roads")
    assert scene.units == "reflectance (simulated)"
    np.testing.assert_allclose(scene.wavelengths_nm, np.linspace(400, 990, 63))
    assert "no sensor saw" in scene.citation
    assert scene.licence == "Apache-2.0"
    assert scene.valid.all()


def test_values_are_possible(scene: Scene) -> None:
    assert np.isfinite(scene.hsi).all()
    assert scene.hsi.min() >= 0
    assert scene.hsi.max() < 1
    assert scene.lidar is not None
    assert np.isfinite(scene.lidar).all()
    assert scene.lidar[..., 1].min() >= 0


def test_counts_have_the_flavour_of_trento(scene: Scene) -> None:
    counts = scene.class_counts()
    assert 28_000 < counts.sum() < 33_000
    assert (np.abs(counts / TRENTO_COUNTS - 1) < 0.25).all()


def test_same_seed_same_bits_other_seed_other_scene() -> None:
    sim._build.cache_clear()
    first = sim.load_simulated(3, *SMALL)
    assert sim.load_simulated(seed=3, rows=SMALL[0], cols=SMALL[1]) is first  # cached
    sim._build.cache_clear()
    again = sim.load_simulated(3, *SMALL)
    assert again is not first
    assert again.content_hash == first.content_hash
    assert sim.load_simulated(4, *SMALL).content_hash != first.content_hash


def test_arrays_cannot_be_written(scene: Scene) -> None:
    for array in (scene.hsi, scene.lidar, scene.labels, scene.valid):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_too_small_a_scene_is_refused() -> None:
    with pytest.raises(SceneError, match="ask for at least 64 rows and 128 cols"):
        sim.load_simulated(0, 20, 600)


def test_a_seed_without_room_for_a_class_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = lambda land, rng: np.zeros(land.cover.shape, np.int16)  # noqa: E731
    monkeypatch.setattr(sim, "draw_labels", empty)
    with pytest.raises(SceneError, match="seed 991 left no room for classes"):
        sim.load_simulated(991, *SMALL)


def test_importing_brings_neither_torch_nor_prosail() -> None:
    code = "import sys, hsikit.scenes.simulated; sys.exit(bool({'torch', 'prosail'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_houses_and_woods_stand_above_the_ground(scene: Scene, land: Land) -> None:
    assert scene.lidar is not None
    above = scene.lidar[..., 0] - land.terrain_m
    middle = {k: np.median(above[scene.labels == k]) for k in range(1, 7)}
    assert abs(middle[GROUND]) < 0.5
    assert abs(middle[ROAD]) < 0.5
    assert middle[BUILDING] > 3
    assert middle[WOODS] > 8
    assert middle[ROAD] < middle[VINEYARD] < middle[APPLE] < middle[BUILDING]


def test_plants_are_greener_than_man_made_covers(scene: Scene) -> None:
    red, infrared = (scene.hsi[..., scene.band_at(nm)] for nm in (670, 800))
    ndvi = (infrared - red) / (infrared + red + 1e-6)
    plants = [np.median(ndvi[scene.labels == k]) for k in (APPLE, WOODS, VINEYARD)]
    others = [np.median(ndvi[scene.labels == k]) for k in (BUILDING, GROUND, ROAD)]
    assert min(plants) > 0.6
    assert max(others) < 0.5


def test_shares_sum_to_one_and_some_labelled_pixels_are_mixed(scene: Scene, land: Land) -> None:
    shares = sim.abundances(land, np.random.default_rng(1))
    np.testing.assert_allclose(sum(shares.values()), 1.0, atol=1e-9)
    assert min(share.min() for share in shares.values()) > -1e-9
    houses = scene.labels == BUILDING
    foreign = (shares["roof"] + shares["grass"])[houses] < 0.8  # moss belongs to a roof
    assert 0.05 < foreign.mean() < 0.6


def test_labels_follow_the_cover_and_leave_much_out(scene: Scene, land: Land) -> None:
    named = scene.labels > 0
    assert (scene.labels[named] == land.cover[named]).all()
    assert 0.2 < named.mean() < 0.4
    assert edge_of(land.unit)[named].any()  # some polygons reach their edge


def test_shadow_of_a_wall_has_the_length_the_sun_gives() -> None:
    surface = np.zeros((60, 60))
    surface[40:, :] = 10.0  # a long wall in the south, 10 m high
    shadow = spectra.cast_shadow(surface, 1.0)
    zenith, azimuth = np.deg2rad((spectra.SUN_ZENITH_DEG, spectra.SUN_AZIMUTH_DEG))
    expected_m = 10.0 * np.tan(zenith) * -np.cos(azimuth)  # northwards
    assert abs((shadow[:40, 30] > 0.5).sum() - expected_m) <= 1.5
    assert shadow[42:, 30].max() < 0.5


def test_slopes_towards_the_sun_are_brighter() -> None:
    row, _ = np.indices((40, 40)).astype(float)
    zenith, azimuth = np.deg2rad((spectra.SUN_ZENITH_DEG, spectra.SUN_AZIMUTH_DEG))
    flat, facing, averted = (spectra.slope_light(s, 1.0)[20, 20] for s in (0 * row, -0.2 * row, 0.2 * row))
    assert flat == pytest.approx(1.0)
    closed_form = (np.cos(zenith) - 0.2 * np.sin(zenith) * np.cos(azimuth)) / np.sqrt(1.04) / np.cos(zenith)
    assert facing == pytest.approx(closed_form, rel=1e-6)
    assert averted < 1 < facing


def test_canopies_match_prosail_on_its_grid() -> None:
    import prosail

    leaf_area, chlorophyll = spectra.LEAF_AREA_NODES[2], spectra.CHLOROPHYLL_NODES[1]
    vine = spectra.VINE
    leaf = (vine.leaf_layers, chlorophyll, vine.carotenoids, vine.brown, vine.water_cm, vine.dry_matter)
    light = (spectra.SUN_ZENITH_DEG, spectra.VIEW_ZENITH_DEG, 90.0)
    full = prosail.run_prosail(*leaf, leaf_area, vine.leaf_angle_deg, 0.05, *light, rsoil=0.9, psoil=0.5)
    ours = spectra.prosail_table(vine)((leaf_area, chlorophyll, 0.5))
    np.testing.assert_allclose(ours, np.interp(spectra.WAVELENGTHS_NM, np.arange(400, 2501), full), rtol=1e-9)


def support_vectors(x: np.ndarray, y: np.ndarray, seed: int, shuffled: bool = False) -> float:
    """Accuracy of an RBF-SVM, tuned inside 819 training pixels, on 5,000 of the others."""
    train, rest = train_test_split(np.arange(y.size), train_size=819, stratify=y, random_state=seed)
    rng = np.random.default_rng(seed)
    test = rng.choice(rest, 5000, replace=False)
    known = rng.permutation(y[train]) if shuffled else y[train]
    grid = {"svc__C": [100, 1000], "svc__gamma": [0.001, 0.005, 0.02]}
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), grid, cv=3).fit(x[train], known)
    return float((search.predict(x[test]) == y[test]).mean())


def test_it_is_as_hard_as_a_real_scene(scene: Scene) -> None:
    named = scene.labels > 0
    y, x, lidar = scene.labels[named], scene.hsi[named], scene.lidar[named]  # type: ignore[index]
    alone = np.array([support_vectors(x, y, seed) for seed in (0, 1)])
    both = np.array([support_vectors(np.hstack([x, lidar]), y, seed) for seed in (0, 1)])
    assert (alone > 0.80).all()
    assert (alone < 0.93).all()
    assert (both - alone).mean() > 0.02
    largest = np.bincount(y).max() / y.size
    chance = np.mean([support_vectors(x, y, seed, shuffled=True) for seed in (0, 1)])
    assert chance < largest + 0.05
