from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.analysis import words
from hsikit.predict import predict_map
from hsikit.text import TextVectors, encode_classes, load_text_encoder
from hsikit.text.prompts import TextError, prompts_from

CLASSES = {
    "scene": "tiny",
    "classes": [
        {"name": "meadow", "place": "a green meadow", "synonyms": ["grassland", "pasture"]},
        {"name": "roof", "place": "a metal roof", "synonyms": ["a house top"]},
        {"name": "pond", "place": "a dark pond"},
    ],
}


@pytest.fixture(scope="module")
def scene():
    return tiny_scene(holes=True)


@pytest.fixture(scope="module")
def model(scene):
    text = encode_classes(load_text_encoder(), prompts_from(CLASSES))
    net = hsikit.MMLGNet(16, 1, text.dim, 3)
    config = hsikit.TrainConfig(epochs=4, threads=1)
    return hsikit.fit(net, scene, tiny_split(scene, 0.4), config, text=text, progress=False).model


def test_scores_are_cosines_less_the_negatives(model, scene):
    encoder = load_text_encoder()
    found = words.prompt_map(model, scene, ["a metal roof", "water"], ["a green meadow"])
    features = predict_map(model, scene, embeddings=True).embeddings
    a, b, minus = encoder.encode(["a metal roof", "water", "a green meadow"])
    for row, col in ((0, 0), (12, 7), (23, 19)):
        for k, vector in enumerate((a, b)):
            expected = features[row, col] @ vector - features[row, col] @ minus
            assert found.scores[k, row, col] == pytest.approx(expected, abs=1e-5)
    assert np.isnan(found.scores[:, ~scene.valid]).all()
    assert np.isnan(found.soft[:, ~scene.valid]).all()
    assert np.allclose(found.soft[:, scene.valid].sum(0), 1)
    scale = words.temperature_scale(model)
    ratio = np.exp(scale * (found.scores[0, 12, 7] - found.scores[1, 12, 7]))
    assert found.soft[0, 12, 7] / found.soft[1, 12, 7] == pytest.approx(ratio, rel=1e-3)


def test_a_class_prompt_is_a_mixture_of_class_prompts_and_finds_its_class(model, scene):
    found = words.prompt_map(model, scene, "a metal roof")
    assert found.sentences == ("a metal roof",)
    assert found.r2[0] == pytest.approx(1, abs=1e-6)
    own, others = found.scores[0][scene.usable == 2], found.scores[0][scene.usable == 3]
    assert own.mean() > others.mean()


def test_r2_against_least_squares_by_hand_and_its_limits():
    draw = np.random.default_rng(0)
    classes = draw.normal(size=(400, 3))
    noise = draw.normal(size=400)
    maps = np.column_stack([classes @ [1, -2, 0.5] + 3, noise, np.full(400, 0.2)])
    design = np.column_stack([classes, np.ones(400)])
    fitted = design @ np.linalg.solve(design.T @ design, design.T @ noise)
    by_hand = 1 - ((noise - fitted) ** 2).sum() / ((noise - noise.mean()) ** 2).sum()
    assert words.explained(maps, classes) == pytest.approx([1, by_hand, 1])


def test_z_by_hand():
    draw = np.random.default_rng(1)
    others, maps = draw.normal(size=(1000, 50)), draw.normal(size=(1000, 1)) + 5
    usual = np.quantile(others, 0.99, axis=0)
    z = (np.quantile(maps[:, 0], 0.99) - usual.mean()) / usual.std(ddof=1)
    assert words.standing_out(maps, others) == pytest.approx([z])
    assert abs(words.standing_out(others, others).mean()) < 1e-9


def test_unrelated_sentences_are_fifty_different_ones():
    sentences = words.unrelated_sentences()
    assert len(sentences) == len(set(sentences)) == 50
    assert all(s.strip() == s and len(s) > 10 for s in sentences)


def test_synonyms_are_judged_on_test_pixels(model, scene, monkeypatch):
    monkeypatch.setattr(words, "load_prompts", lambda name: prompts_from(CLASSES))
    split = tiny_split(scene, 0.4)
    table = words.synonym_precision(model, scene, split)
    assert list(table["synonym"]) == ["grassland", "pasture", "a house top"]
    scores = words.prompt_map(model, scene, "a house top").scores[0].ravel()[split.test]
    true = split.y("test")[np.argsort(-scores, kind="stable")] == 2
    by_hand = (true.cumsum() / np.arange(1, true.size + 1))[true].mean()
    assert table["precision"].iloc[2] == pytest.approx(by_hand)
    assert table["share"].iloc[2] == true.mean()
    bare = {**CLASSES, "classes": [{k: v for k, v in c.items() if k != "synonyms"} for c in CLASSES["classes"]]}
    monkeypatch.setattr(words, "load_prompts", lambda name: prompts_from(bare))
    with pytest.raises(TextError, match="no class has synonyms"):
        words.synonym_precision(model, scene, split)


@pytest.mark.parametrize(
    ("sentence", "error", "said"),
    [(" ", TextError, "empty"), ([], TextError, "at least one prompt"), ("word " * 600, TextError, "reads")],
)
def test_bad_sentences_are_named(model, scene, sentence, error, said):
    with pytest.raises(error, match=said):
        words.prompt_map(model, scene, sentence)


def test_models_without_words_and_other_widths_are_named(model, scene):
    with pytest.raises(ValueError, match="does not answer to words"):
        words.prompt_map(replace(model, text=None), scene, "a roof")
    narrow = replace(model, text=TextVectors(np.eye(3, 8), scene.class_names, "made up"))
    with pytest.raises(ValueError, match="MiniLM gives vectors of 384, the model was trained on 8"):
        words.prompt_map(narrow, scene, "a roof")
