"""Quantities measured and in words, tables of signs, and maps without labels."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

import hsikit
from hsikit.analysis.quantities import MEASURES, measure, nearness
from hsikit.text import TextError, TextVectors, load_prompts, load_text_encoder
from hsikit.text.quantities import (
    MEASURED,
    content_hash,
    load_quantities,
    signatures,
    signs,
    table_of,
)
from tests.tiny import NAMES, tiny_scene

QUANTITIES = load_quantities()
TABLE = {"meadow": {"height": -1, "greenness": 1}, "roof": {"height": 1, "greenness": -1},
         "pond": {"height": -1, "greenness": -1}}  # fmt: skip


def valley():
    """Meadow green and low, roof high, pond dark and low, as their names say."""
    scene = tiny_scene(rows=36, cols=30, bands=12)
    waves = scene.wavelengths_nm
    green = np.where(waves > 700, 0.5, 0.05)
    spectra = np.stack([green, np.full(12, 0.3), np.full(12, 0.03)])
    draw = np.random.default_rng(1)
    truth = np.repeat(np.arange(36) * 3 // 36, 30).reshape(36, 30)
    hsi = spectra[truth] * draw.uniform(0.9, 1.1, (36, 30, 1)) * draw.uniform(0.98, 1.02, (36, 30, 12))
    height = np.array([0.1, 5.0, 0.0])[truth][..., None] + 0.01 * draw.standard_normal((36, 30, 1))
    return replace(scene, hsi=hsi.astype(np.float32), lidar=height.astype(np.float32), lidar_names=("height (m)",),
                   valid=scene.valid, gsd_m=1.0), truth + 1  # fmt: skip


def test_what_may_be_measured_is_what_files_may_name():
    assert tuple(MEASURES) == MEASURED
    assert [quantity.measured for quantity in QUANTITIES] == list(MEASURED)


def test_measures_are_what_they_say_in_deviations_over_the_scene():
    scene, _ = valley()
    measured = measure(scene, QUANTITIES)
    np.testing.assert_allclose(measured.reshape(-1, 6).mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(measured.reshape(-1, 6).std(0), 1, atol=1e-5)
    bright = np.log(scene.hsi.astype(float)).mean(2)
    np.testing.assert_allclose(measured[..., 2], (bright - bright.mean()) / bright.std(), atol=1e-4)
    logs = np.log(scene.hsi.astype(float))
    apart = np.sqrt(((logs - uniform_filter(logs, (7, 7, 1))) ** 2).mean(2))
    np.testing.assert_allclose(measured[..., 5], (apart - apart.mean()) / apart.std(), atol=1e-4)


def test_what_cannot_be_measured_is_left_out_and_told(caplog):
    scene, truth = valley()
    bare = replace(scene, lidar=None, lidar_names=())
    measured = measure(bare, QUANTITIES)
    assert np.isnan(measured[..., [0, 3]]).all()
    assert np.isfinite(measured[..., [1, 2, 4, 5]]).all()
    assert "height is left out: the scene has no LiDAR" in caplog.text
    answer = hsikit.zero_shot(bare, table=TABLE)
    assert answer.quantities == ("greenness",)
    assert (answer.labels[truth == 1] == 1).all()
    with pytest.raises(ValueError, match="none of the quantities can be measured"):
        hsikit.zero_shot(replace(bare, wavelengths_nm=None), table=TABLE)


def test_a_table_of_signs_maps_a_scene_of_which_no_label_is_read():
    scene, truth = valley()
    unlabelled = replace(scene, labels=np.zeros(scene.shape, np.int16))
    answer, same = hsikit.zero_shot(scene, table=TABLE), hsikit.zero_shot(unlabelled, table=TABLE)
    assert (answer.labels == truth).mean() > 0.95
    assert np.array_equal(answer.labels, same.labels)
    assert answer.class_names == NAMES
    assert answer.quantities == ("height", "greenness")
    rest = answer.rests_on()
    assert list(rest.index) == list(NAMES)
    assert rest.loc["roof", "decided by height"] > 0.5
    shares = answer.prediction().scores
    np.testing.assert_allclose(shares.sum(2), 1, rtol=1e-5)
    np.testing.assert_allclose(shares.max(2), answer.confidence, rtol=1e-5)


def test_classes_that_the_scene_does_not_name_are_numbered_in_the_order_given_and_holes_are_none():
    scene = tiny_scene(holes=True)
    answer = hsikit.zero_shot(scene, table={"low": {"height": -1}, "high": {"height": 1}})
    assert answer.class_ids.tolist() == [1, 2]
    assert set(np.unique(answer.labels[scene.valid])) == {1, 2}
    assert (answer.labels[~scene.valid] == 0).all()
    assert (answer.reason[~scene.valid] == -1).all()
    assert np.isnan(answer.confidence[~scene.valid]).all()


def test_words_find_what_they_speak_of_and_shuffled_words_do_not():
    scene, truth = valley()
    words = {"meadow": "short green grass and other living plants at ground level",
             "roof": "the roof of a tall building, many metres above the ground",
             "pond": "nearly black dark water, without any plants"}  # fmt: skip
    right = (hsikit.zero_shot(scene, words).labels == truth).mean()
    wrong = dict(zip(words, [*list(words.values())[1:], words["meadow"]]))
    assert right > 0.8 > 0.2 > (hsikit.zero_shot(scene, wrong).labels == truth).mean()
    assert (hsikit.zero_shot(scene, words, filled_by_words=True).labels == truth).mean() > 0.5


def test_signatures_are_products_with_the_pair_of_sentences_spread_over_classes():
    encoder = load_text_encoder()
    vectors = encoder.encode(["a tall tower", "a flat lawn", "a black pool"])
    found = signatures(vectors, QUANTITIES[:1], encoder)
    much, little = encoder.encode([QUANTITIES[0].much])[0], encoder.encode([QUANTITIES[0].little])[0]
    by_hand = (vectors - vectors.mean(0)) @ (much - little)
    np.testing.assert_allclose(found[:, 0], (by_hand - by_hand.mean()) / by_hand.std(), rtol=1e-3)
    assert found[0, 0] > 0
    assert signs(np.array([[1.2, -0.4], [-0.6, 0.1]])).tolist() == [[1, 0], [-1, 0]]


def test_nearness_is_minus_the_squared_distance_over_known_quantities():
    measured = np.array([[[1.0, np.nan], [0.0, 2.0]]])
    assert nearness(measured, np.array([[1.0, 1.0], [-1.0, 0.0]])).tolist() == [[[0, -4], [-2, -5]]]


def test_every_class_of_the_experts_table_and_of_the_prompts_is_the_same():
    names = load_prompts("muufl").class_names
    table = table_of("muufl", names, QUANTITIES)
    assert table.shape == (11, 6)
    assert set(np.unique(table)) == {-1, 0, 1}


@pytest.mark.parametrize(("make", "message"), [
    (lambda: hsikit.zero_shot(tiny_scene()), "either prompts"),
    (lambda: hsikit.zero_shot(tiny_scene(), table={"a": {"heigth": 1}}), "speaks of"),
    (lambda: hsikit.zero_shot(tiny_scene(), table={"a": {"height": 2}, "b": {"height": 0}}), "write -1, 0 or 1"),
    (lambda: hsikit.zero_shot(tiny_scene(), {"roof": "a roof"}), "one class alone"),
    (lambda: table_of("muufl", ("trees", "gras"), QUANTITIES), "no signs for 'gras'"),
    (lambda: load_quantities("land_covr"), "did you mean 'land_cover'"),
])  # fmt: skip
def test_what_lacks_something_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_file_of_ones_own_is_read_and_its_content_alone_is_hashed(tmp_path):
    entry = "- {name: height, measured: height, much: tall, little: flat}\n"
    (tmp_path / "a.yaml").write_text("quantities:\n" + entry)
    (tmp_path / "b.yaml").write_text("# mine\nquantities:\n" + entry)
    (tmp_path / "c.yaml").write_text("quantities:\n" + entry.replace("tall", "high"))
    (tmp_path / "d.yaml").write_text("quantities:\n" + entry.replace("measured: height", "measured: weight"))
    a, b, c = (content_hash(tmp_path / f"{name}.yaml") for name in "abc")
    assert a == b != c
    assert load_quantities(tmp_path / "a.yaml")[0].much == "tall"
    with pytest.raises(TextError, match="'weight' cannot be measured; did you mean 'height'"):
        load_quantities(tmp_path / "d.yaml")


def test_class_vectors_already_encoded_are_taken_as_they_are():
    scene, _ = valley()
    vectors = load_text_encoder().encode(["low green grass", "a tall roof", "dark water"])
    answer = hsikit.zero_shot(scene, TextVectors(vectors, NAMES, "mine"))
    assert answer.class_names == NAMES
