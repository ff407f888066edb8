"""`Questions`, `ComparedMaps`, `Reasons` and `Leakage` without widgets: ways back, read-outs, verdicts in words."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.explore import marks, prompts
from hsikit.explore.compare_maps import ComparedMaps
from hsikit.explore.leakage import Leakage
from hsikit.explore.prompts import STANDS_OUT, Questions
from hsikit.explore.why import Reasons
from hsikit.predict import predict_map

HERE = {"crs": CRS.from_epsg(32616), "transform": from_origin(500_000, 4_480_000, 20, 20)}
WHERE = "row 20, col 4, E 500,090.0, N 4,479,590.0 (lon -86."


@pytest.fixture(scope="module")
def scene():
    return replace(tiny_scene(holes=True), **HERE)


@pytest.fixture(scope="module")
def speaking(scene):
    text = hsikit.text.random_vectors(scene.class_names, 12, 0)
    config = hsikit.TrainConfig(epochs=1, threads=1)
    network = hsikit.MMLGNet(scene.bands, 0, 12, window=3)
    return hsikit.fit(network, scene, tiny_split(scene), config, text=text, progress=False).model


class Words:
    """Each sentence a direction of its own."""

    name = "made up"

    def encode(self, sentences):
        found = [np.random.default_rng(sum(map(ord, s))).standard_normal(12) for s in sentences]
        return np.stack([v / np.linalg.norm(v) for v in found]).astype(np.float32)


@pytest.fixture
def questions(speaking, scene, monkeypatch):
    worth = {"z": STANDS_OUT - 0.1, "r2": 0.5}

    def answer(model, scene, sentences, *_):
        flat = predict_map(model, scene, embeddings=True).embeddings @ Words().encode(sentences).T
        return SimpleNamespace(scores=np.moveaxis(flat, -1, 0), soft=np.moveaxis(flat, -1, 0),
                               **{name: np.full(len(sentences), value) for name, value in worth.items()})  # fmt: skip

    monkeypatch.setattr(prompts, "prompt_map", answer)
    made = Questions(speaking, scene, encoder=Words())
    made.worth = worth
    return made


def test_a_verdict_in_words_comes_before_the_numbers(questions):
    questions.set_text("a road")
    assert questions.message.startswith("Nothing here stands out for “a road”")
    assert questions.message.index("stands out") < questions.message.index("z +1.9")
    assert "mixture" not in questions.message
    questions.worth |= {"z": STANDS_OUT, "r2": 0.99}
    questions.set_text("a road")
    values = questions.similarity()
    top = np.flatnonzero(values.ravel() >= np.nanquantile(values, 0.99))
    counts = np.bincount(questions.labels.ravel()[top], minlength=4)
    name = questions.scene.class_names[counts.argmax() - 1]
    assert f"stands out here, most on what is mapped as {name} ({counts.max() / len(top):.0%}" in questions.message
    assert "a mixture of the class prompts' maps" in questions.message


def test_questions_are_kept_asked_again_and_taken_back(questions):
    for text in ("a road", "a lake\na wood\n- a road", "a road"):
        questions.set_text(text)
    assert [asked.words for asked in questions.history] == ["a lake\na wood\n- a road", "a road"]
    questions.ask_again(0)
    assert (questions.sentences, questions.negatives) == (["a lake", "a wood"], ["a road"])
    questions.show(layer="soft classes")
    questions.undo()
    assert questions.sentences == ["a road"]
    assert questions.layer == "class prompts"
    questions.undo()
    questions.undo()
    questions.undo()
    assert questions.sentences == []
    with pytest.raises(ValueError, match="nothing to undo"):
        questions.undo()
    questions.redo()
    assert questions.sentences == ["a road"]


def test_an_edited_prompt_is_taken_back_with_its_map(questions):
    before = questions.labels.copy()
    questions.edit_class("pond", "anything else")
    after = questions.labels.copy()
    assert questions.edited
    assert (before != after).any()
    questions.undo()
    assert np.array_equal(questions.labels, before)
    assert not questions.edited
    questions.redo()
    assert np.array_equal(questions.labels, after)


def test_examples_are_of_classes_and_of_nothing_in_the_scene(questions):
    from hsikit.analysis.words import unrelated_sentences

    *own, other = questions.examples()
    assert own == list(questions.scene.class_names)
    assert other in unrelated_sentences()


def test_a_pick_is_marked_and_read_out(questions, scene):
    questions.pick(20, 4)
    assert questions.place == (20, 4)
    assert questions.message.startswith("(20, 4), E 500,090.0, N 4,479,590.0")
    told = questions.under_pointer(4.2, 19.9)
    assert told.startswith(WHERE)
    assert f"mapped {scene.class_names[questions.labels[20, 4] - 1]}" in told
    assert "score" not in told
    questions.set_text("a road")
    assert f"score {questions.similarity()[20, 4]:.3f}" in questions.under_pointer(4.2, 19.9)
    with pytest.raises(ValueError, match="expected 0 to 1"):
        questions.opacity = 2.0


def test_maps_are_compared_by_script(scene):
    a = np.where(scene.valid, 1, 0)
    b = np.where(scene.valid, 2, 0)
    state = ComparedMaps(a, b, scene, names=("first", "second"))
    state.pick(20, 4)
    state.show_classes({2})
    assert state.under_pointer(4, 20).startswith(WHERE)
    label = scene.labels[20, 4]
    truth = scene.class_names[label - 1] if label else "unknown"
    assert f"truth {truth}, first: meadow, second: roof" in state.under_pointer(4, 20)
    state.undo()
    assert state.classes_shown == {1, 2, 3}
    assert state.place == (20, 4)
    state.undo()
    assert state.place == ()


def test_reasons_are_taken_back_and_read_out(speaking, scene):
    state = Reasons(speaking, scene, tiny_split(scene))
    first, second = state.pick(20, 4), state.pick(2, 2)
    assert (first.row, second.row) == (20, 2)
    state.undo()
    assert state.now is first
    state.redo()
    assert state.now is second
    told = state.under_pointer(4, 20)
    assert told.startswith(WHERE)
    assert f"mapped {scene.class_names[state.prediction.labels[20, 4] - 1]}" in told


def test_leakage_is_read_out_pixel_by_pixel(scene):
    from hsikit.splits import MAP_CODES

    state, heard = Leakage(scene, window=3), []
    state.observe(lambda change: heard.append(change["new"]), "revision")
    state.show(window=5)
    assert (state.window, len(heard)) == (5, 1)
    for row, col in np.argwhere(state.now.codes > 0)[:5]:
        told = state.under_pointer(col, row)
        assert told.endswith(f"{MAP_CODES[state.now.codes[row, col]]}, {scene.lidar_names[0]}: "
                             f"{scene.lidar[row, col, 0]:.4g}")  # fmt: skip


def test_a_map_opens_on_what_was_measured(scene):
    valid = np.zeros(scene.shape, bool)
    valid[3:11, 5:19] = True
    part = replace(scene, valid=valid)
    assert part.extent == (3, 10, 5, 18)
    chart = marks.map_of("map", np.zeros((*part.shape, 3), np.uint8), part)
    assert (chart.x_range, chart.y_range) == ((4.5, 18.5), (10.5, 2.5))
    assert chart.picture.shape[:2] == scene.shape  # places stay rows and columns of the scene


@pytest.mark.parametrize(("rows", "cols", "wide"), [(10, 24, False), (10, 26, True), (24, 10, False)])
def test_a_wide_map_is_told_by_what_was_measured(rows, cols, wide):
    valid = np.zeros((40, 40), bool)
    valid[:rows, :cols] = True
    assert marks.is_wide(hsikit.Scene("part", np.ones((40, 40, 3)), np.zeros((40, 40), int), [], valid=valid)) is wide
