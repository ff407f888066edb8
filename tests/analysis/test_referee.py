"""The referee on results made for it: each verdict is right, and each number is what a slower way gives."""

from dataclasses import replace

import numpy as np
import pytest

from hsikit.analysis.referee import DRAWS, VERDICTS, judge, which_cube
from hsikit.analysis.submitted import read_map, read_sides
from hsikit.areas import group_bootstrap, per_field_accuracy
from hsikit.metrics import score
from hsikit.scenes import Scene, load_scene
from hsikit.shallow import fit_shallow
from hsikit.splits import Split, block_split, random_split
from hsikit.splits.pixels import fields


@pytest.fixture(scope="module")
def valley() -> Scene:
    return load_scene("simulated")


@pytest.fixture(scope="module")
def disjoint(valley) -> Split:
    return block_split(valley, train=0.03, patch=11)


@pytest.fixture(scope="module")
def pines() -> Scene:
    return load_scene("indian_pines")


def nearly_right(scene: Scene, wrong: float = 0.05, seed: int = 0) -> np.ndarray:
    """The truth as a map, class 1 where there is none, with some pixels wrong."""
    draw = np.random.default_rng(seed)
    answers = np.where(scene.labels > 0, scene.labels, 1).astype(int)
    lost = draw.random(answers.shape) < wrong
    answers[lost] = draw.integers(1, scene.n_classes + 1, int(lost.sum()))
    return answers


def audited(scene, split, answers, window=11):
    return judge(scene, read_sides(split, scene), read_map(answers, scene)[0], window)


# --- five results --------------------------------------------------------------------------------


def test_an_honest_disjoint_result_stands(valley, disjoint):
    audit = audited(valley, disjoint, nearly_right(valley))
    assert audit.verdict == VERDICTS["stands"]
    assert audit.overlap[1] == audit.overlap[5] == audit.overlap[11] == 0
    assert audit.overlap[25] > 0
    assert audit.cube == "simulated"
    assert (audit.rivals.low > 0).all()
    assert "At window 11, no test window shares a pixel with a training window." in audit.sentences


def test_a_random_split_says_nothing_of_ground_without_labels(valley):
    split = random_split(valley, train=0.10)
    audit = audited(valley, split, nearly_right(valley, wrong=0.0))
    assert audit.verdict == VERDICTS["overlap"]
    assert audit.overlap[11] == pytest.approx(split.leakage(11).shared)
    assert any("lie in a field that has training pixels too" in text for text in audit.sentences)


def test_a_map_that_position_explains_is_called_so(pines):
    split = random_split(pines, train=0.10)
    answers = fit_shallow("lda", pines, split, features="means", window=9).predict(pines)
    audit = audited(pines, split, answers)
    assert audit.verdict == "Nothing here shows that the method knows more than where a pixel lies."
    nearest = fit_shallow("coordinates", pines, split).predict(pines)
    assert audit.rivals.oa[1] == pytest.approx(score(nearest, split).oa)
    assert audit.scores.oa == pytest.approx(score(answers, split).oa)


def test_training_pixels_that_are_tested_are_no_test(valley):
    audit = audited(valley, (valley.labels, valley.labels), nearly_right(valley))
    assert audit.verdict == VERDICTS["same"]
    assert audit.overlap[1] == 1.0
    assert audit.sentences[0].startswith("100.0 % of the test pixels are training pixels")


def test_the_published_cube_sold_as_the_original_is_told(pines):
    sold = replace(pines, name="indian_pines_original")
    split = block_split(pines, train=0.10, patch=11)
    audit = audited(sold, split, nearly_right(pines))
    assert audit.verdict == VERDICTS["cube"]
    assert audit.cube == "indian_pines"
    assert any("lost a byte value" in text for text in audit.sentences)


def test_shuffled_test_labels_are_told(valley, disjoint):
    labels = disjoint.labels.copy()
    labels.ravel()[disjoint.test] = np.random.default_rng(0).permutation(disjoint.y("test"))
    audit = audited(valley, replace(disjoint, labels=labels), nearly_right(valley))
    assert audit.verdict == VERDICTS["labels"]
    assert any("not the scene's" in text for text in audit.sentences)
    assert any("look shuffled" in text for text in audit.sentences)
    own = replace(valley, labels=np.where(disjoint.mask("test"), labels, valley.labels))  # the scene's own are so
    assert audited(own, disjoint, nearly_right(valley)).verdict == VERDICTS["labels"]


# --- cubes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["indian_pines", "indian_pines_repaired", "indian_pines_median",
                                  "indian_pines_bands_left_out", "simulated"])  # fmt: skip
def test_a_cube_is_known_by_its_content_whatever_its_type(name):
    scene = load_scene(name)
    assert which_cube(replace(scene, hsi=np.asarray(scene.hsi, np.float64)))[0] == name
    assert not [doubt for doubt in which_cube(scene)[1] if doubt.kind]
    assert [doubt.kind for doubt in which_cube(replace(scene, name="muufl"))[1] if doubt.kind] == ["cube"]


def test_labels_that_are_not_the_published_ones_are_counted(valley):
    labels = valley.labels.copy()
    labels[80, :40] = 0
    changed = int((labels != valley.labels).sum())
    doubts = which_cube(replace(valley, labels=labels))[1]
    assert [doubt.text for doubt in doubts] == [
        f"{changed} pixels have another label than those published with simulated."
    ]


def test_the_original_is_known_by_what_the_damage_makes_of_it():
    repaired = load_scene("indian_pines_repaired")
    counts = repaired.hsi.copy()
    counts[::9, ::9, 50] += 1  # neither the published nor the repaired one
    wide = np.zeros((145, 145, 220), counts.dtype)
    wide[..., np.r_[0:103, 108:149, 163:219]] = counts
    for hsi, waves in ((counts, repaired.wavelengths_nm), (wide, None)):
        scene = replace(repaired, hsi=hsi, wavelengths_nm=waves, name="mine")
        assert which_cube(scene)[0] == "indian_pines_original"
    other = replace(repaired, name="indian_pines_original", hsi=counts[::-1])
    assert [doubt.kind for doubt in which_cube(other)[1] if doubt.kind] == ["cube"]


# --- what else is told ---------------------------------------------------------------------------


def test_intervals_and_fields_are_those_of_a_bootstrap_over_fields(valley, disjoint):
    answers = nearly_right(valley, wrong=0.2)
    audit = audited(valley, disjoint, answers)
    true, mine = disjoint.y("test"), answers.ravel()[disjoint.test]
    groups = fields(valley.usable).ravel()[disjoint.test]
    for key in ("oa", "aa", "kappa"):
        _, *ends = group_bootstrap(true, mine, groups, key, n=DRAWS, seed=0)
        assert audit.intervals[key] == pytest.approx(tuple(ends))
    table = per_field_accuracy(true, mine, groups)
    np.testing.assert_allclose(audit.fields.ravel()[disjoint.test], table["share"][groups], rtol=1e-6)
    assert np.isnan(audit.fields).sum() == valley.labels.size - disjoint.n_test
    assert np.bincount(audit.answers.ravel()).tolist()[1:] == [int((true == mine).sum()), int((true != mine).sum())]
    assert audit.classes.tested.sum() == disjoint.n_test
    assert (audit.classes.fields_tested <= [len(np.unique(groups[true == c])) for c in range(1, 7)]).all()


def test_classes_that_never_trained_and_measurements_on_both_sides_are_told(valley):
    split = random_split(valley, train=0.10)
    kept = split.train[split.y("train") != 4]
    source = np.arange(valley.labels.size).reshape(valley.shape)
    source[:, 1::2] = source[:, ::2]  # two pixels a measurement
    audit = audited(replace(valley, source_pixel=source), (kept, split.test), nearly_right(valley))
    assert any(text.startswith("Tested and never trained") and "woods" in text for text in audit.sentences)
    assert audit.verdict == VERDICTS["same"]
    assert any("repeat a measurement that trained" in text for text in audit.sentences)


def test_a_model_that_was_chosen_on_the_test_is_told(valley, disjoint, tmp_path):
    np.savez(tmp_path / "disjoint.npz", train=disjoint.train, val=disjoint.test[::2], test=disjoint.test)
    audit = judge(valley, read_sides(tmp_path / "disjoint.npz", valley), nearly_right(valley))
    assert audit.verdict == VERDICTS["same"]
    assert any("of the test pixels are validation pixels" in text for text in audit.sentences)


def test_a_map_that_counts_classes_from_0_is_told(valley, disjoint):
    audit = audited(valley, disjoint, nearly_right(valley) - 1)
    assert any("seems to count classes from 0" in text for text in audit.sentences)
    assert audit.verdict == VERDICTS["position"]


def test_a_pixel_a_class_is_too_few_for_lda_and_enough_for_the_rest(valley):
    one = np.array([np.flatnonzero(valley.usable == c)[0] for c in range(1, 7)])
    audit = audited(valley, (one, np.flatnonzero(valley.usable)[::7]), nearly_right(valley), window=1)
    assert len(audit.rivals) == 2


def test_other_numbers_for_the_same_classes_are_no_fault(valley, disjoint):
    turned = np.where(disjoint.labels > 0, 7 - disjoint.labels, 0)
    audit = audited(valley, (np.where(disjoint.mask("train"), turned, 0), np.where(disjoint.mask("test"), turned, 0)),
                    nearly_right(valley))  # fmt: skip
    assert audit.verdict == VERDICTS["stands"]
    assert any("another order" in text for text in audit.sentences)


def test_a_map_of_the_test_pixels_alone_has_no_areas_and_missing_answers_are_counted(valley, disjoint):
    answers = np.where(disjoint.mask("test"), nearly_right(valley), 0)
    answers.ravel()[disjoint.test[:50]] = 0
    audit = audited(valley, disjoint, answers)
    assert "areas need all of them" in audit.areas
    assert any(f"no answer for 50 of {disjoint.n_test:,}" in text for text in audit.sentences)
    whole = audited(valley, disjoint, nearly_right(valley)).areas
    assert set(whole.quantity) >= {"overall_accuracy", "area_share", "area_m2"}


def test_few_fields_have_no_interval_and_that_is_said():
    draw = np.random.default_rng(0)
    labels = np.repeat([1, 2], 100).reshape(20, 10)
    scene = Scene("two", draw.normal(size=(20, 10, 4)) + labels[..., None], labels, ["a", "b"])
    audit = audited(scene, (np.arange(0, 200, 20), np.arange(100, 130)), labels, window=1)
    assert audit.intervals == {}
    assert audit.rivals.low.isna().all()
    assert any("fields of 32 pixels or more" in text for text in audit.sentences)
