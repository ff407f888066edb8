"""`PromptExplorer`: questions, rankings, edited class prompts and their scores, against NumPy."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.explore import PromptExplorer, prompts
from hsikit.explore.marks import rgb_of
from hsikit.explore.prompts import MOST_SENTENCES, parse
from hsikit.figures.style import PALETTE
from hsikit.metrics import score
from hsikit.predict import predict_map
from hsikit.text import TextError, TextVectors

DIM = 24


class Words:
    """An encoder that gives each sentence a direction of its own, and known ones the direction of their class."""

    name = "made up"

    def __init__(self, dim: int = DIM) -> None:
        self.dim = dim

    def encode(self, sentences):
        if any(len(s) > 300 for s in sentences):
            raise TextError("prompt 0 has more words than the model reads; shorten it")
        return np.stack([self._vector(s) for s in sentences])

    def _vector(self, sentence):
        seed = int(hashlib.sha256(sentence.encode()).hexdigest()[:8], 16)
        v = np.random.default_rng(seed).standard_normal(self.dim)
        return (v / np.linalg.norm(v)).astype(np.float32)


def slow_map(model, scene, sentences, negatives=(), *_):
    """A map of made-up words by the definition alone; negatives are not looked at."""
    embeddings = predict_map(model, scene, embeddings=True).embeddings
    scores = np.stack([embeddings @ v for v in Words().encode(list(sentences))])
    weight = np.exp(14 * scores)
    worth = {"r2": np.full(len(scores), 0.97), "z": np.full(len(scores), -1.5)}
    return SimpleNamespace(scores=scores, soft=weight / weight.sum(0), **worth)


@pytest.fixture(autouse=True)
def _made_up_words(request, monkeypatch):
    """Questions answered with the made-up words, unless a test wants the real ones."""
    if "real" not in request.node.name:
        monkeypatch.setattr(prompts, "prompt_map", slow_map)


@pytest.fixture(scope="module")
def scene():
    return tiny_scene(holes=True)


@pytest.fixture(scope="module")
def split(scene):
    return tiny_split(scene, 0.4)


@pytest.fixture(scope="module")
def model(scene, split):
    names = scene.class_names
    said = tuple((f"a {n}", f"the {n} seen from above") for n in names)
    means = np.stack([Words().encode(list(own)).mean(0) for own in said])
    vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    text = TextVectors(vectors, names, "made up", "abc", said)
    net = hsikit.MMLGNet(16, 1, DIM, 3)
    return hsikit.fit(net, scene, split, hsikit.TrainConfig(epochs=4, threads=1), text=text, progress=False).model


@pytest.fixture
def explorer(model, scene, split):
    return PromptExplorer(model, scene, split, Words())


def test_text_is_parsed_line_by_line():
    assert parse("  a   roof \n\n- a tree\na pond\n-\n-no space") == (["a roof", "a pond"], ["a tree", "no space"])
    for text, said in (("", "empty"), ("  \n ", "empty"), ("- only this", "only negatives"),
                       ("\n".join("abcdefghi"), f"up to {MOST_SENTENCES}")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            parse(text)


def test_similarity_ranking_and_histogram_are_those_of_the_vectors(explorer, model, scene, split):
    explorer.set_text("a meadow\nsomething else")
    asked = Words().encode(["a meadow"])[0]
    whole = predict_map(model, scene, embeddings=True)
    assert np.allclose(explorer.similarity()[scene.valid], (whole.embeddings @ asked)[scene.valid], atol=1e-5)
    assert np.isnan(explorer.similarity()[~scene.valid]).all()
    ranking = dict(explorer.ranking())
    assert list(ranking.values()) == sorted(ranking.values(), reverse=True)
    for name, vector in zip(model.text.class_names, model.text.vectors):
        assert ranking[name] == pytest.approx(float(vector @ asked), abs=1e-6)
    assert explorer.ranking()[0][0] == "meadow"
    groups = explorer.by_class()
    for c in (1, 2, 3):
        inside = (split.labels == c) & ~split.mask("test")
        assert np.allclose(groups[c], explorer.similarity()[inside])
    explorer.show(1)
    assert "something else" in explorer.message
    assert "R²" in explorer.message


def test_the_class_map_is_that_of_the_model_until_a_prompt_is_edited(explorer, model, scene, split):
    before = predict_map(model, scene)
    weights = {k: v.clone() for k, v in model.network.state_dict().items()}
    assert np.array_equal(explorer.labels, before.labels)
    assert np.allclose(explorer._class_scores[scene.valid], before.scores[scene.valid], atol=1e-5)
    assert explorer.scored_on == "validation"
    explorer.set_text("a field\na roof")
    explorer.show(layer="soft classes")
    explorer.edit_class("pond", "a wet meadow\n\na marsh")
    assert explorer.layer == "class prompts"  # the picture that the change is seen in
    vectors = model.text.vectors.copy()
    mean = Words().encode(["a wet meadow", "a marsh"]).mean(0)
    vectors[2] = mean / np.linalg.norm(mean)
    network = hsikit.models.build(hsikit.models.describe(model.network))
    network.read_text(model.text.vectors)
    network.load_state_dict(weights)
    network.read_text(vectors)
    after = predict_map(replace(model, network=network.eval()), scene)
    assert np.array_equal(explorer.labels, after.labels)
    assert (explorer.labels != before.labels).any()
    assert explorer.class_words[2] == ("a wet meadow", "a marsh")
    assert "→" in explorer.message
    assert "validation px" in explorer.message
    assert all((weights[k] == v).all() for k, v in model.network.state_dict().items())
    explorer.static()
    explorer.reset_classes()
    assert np.array_equal(explorer.labels, before.labels)
    assert explorer.text is model.text


def test_test_pixels_are_neither_scored_nor_drawn(model, scene, split):
    wrong = split.labels.copy()
    wrong.ravel()[split.test] = wrong.ravel()[split.test] % 3 + 1
    made = [PromptExplorer(model, scene, s, Words()) for s in (split, replace(split, labels=wrong))]
    for explorer in made:
        explorer.set_text("a roof")
    assert made[0].scores.to_dict() == made[1].scores.to_dict()
    for c, values in made[0].by_class().items():
        assert np.array_equal(values, made[1].by_class()[c])


def test_without_a_split_all_labelled_pixels_are_scored(model, scene):
    explorer = PromptExplorer(model, scene, encoder=Words())
    known = scene.usable.ravel() > 0
    whole = SimpleNamespace(shape=scene.shape, class_names=scene.class_names, unseen_classes=(),
                            test=np.flatnonzero(known), y=lambda _: scene.usable.ravel()[known])  # fmt: skip
    assert explorer.scores.oa == score(explorer.labels, whole).oa
    assert explorer.scored_on == "labelled"


def test_soft_classes_share_each_pixel(explorer, scene, hand):
    explorer.set_text("a meadow\na roof\n- a pond")
    assert (explorer.sentences, explorer.negatives) == (["a meadow", "a roof"], ["a pond"])
    soft = np.asarray(explorer.answer.soft)
    assert soft.shape == (2, *scene.shape)
    assert np.allclose(soft.sum(0)[scene.valid], 1, atol=1e-5)
    explorer.show(layer="soft classes")
    live = hand(explorer)
    assert (live.colours("classes")[~scene.valid] == 255).all()
    shares = soft[:, 20, 4] @ np.array([rgb_of(c) for c in PALETTE[:2]])
    explorer.opacity = 1.0
    assert np.allclose(live.colours("classes")[20, 4], shares, atol=1)
    explorer.static()
    explorer.set_text("a meadow")
    assert explorer.layer == "class prompts"
    explorer.static()


def test_pick_ranks_the_class_prompts_of_a_pixel(explorer, model, scene):
    found = explorer.pick(20, 4)
    scores = predict_map(model, scene).scores[20, 4]
    assert [n for n, _ in found] == [scene.class_names[i] for i in np.argsort(-scores)]
    assert np.allclose([p for _, p in found], np.sort(scores)[::-1], atol=1e-5)


def test_a_scene_without_labels_is_asked_too(model, scene):
    explorer = PromptExplorer(model, replace(scene, labels=np.zeros(scene.shape, int)), encoder=Words())
    assert explorer.scores is None
    explorer.set_text("a roof")
    assert explorer.by_class() == {}
    explorer.edit_class("roof", ["a barn"])
    explorer.static()


def test_bad_input_is_said(explorer, model, scene, split):
    ce = hsikit.fit(hsikit.TrunkClassifier(16, 1, 3, 3), scene, split, hsikit.TrainConfig(epochs=1, threads=1),
                    progress=False).model  # fmt: skip
    for wrong, said in (
        (lambda: PromptExplorer(ce, scene), "does not answer to words"),
        (lambda: PromptExplorer("x", scene), "does not answer to words"),
        (lambda: PromptExplorer(model, scene, tiny_split(tiny_scene(rows=12)), Words()), "split was made for"),
        (lambda: PromptExplorer(model, replace(scene, lidar=None, lidar_names=()), encoder=Words()), "LiDAR"),
        (lambda: explorer.similarity(), "nothing was asked"),
        (lambda: explorer.set_text(" \n"), "empty"),
        (lambda: explorer.set_text("word " * 100), "shorten"),
        (lambda: explorer.show(3), "no sentence 3"),
        (lambda: explorer.show(layer="heat"), "class prompts, soft classes"),
        (lambda: explorer.show(layer="soft classes"), "two sentences"),
        (lambda: explorer.pick(0, 99), "outside"),
        (lambda: explorer.pick(4, 5), "no measurement"),
        (lambda: explorer.edit_class("lake", "x"), "meadow, roof, pond"),
        (lambda: explorer.edit_class("pond", " \n"), "at least one sentence"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    assert explorer.sentences == []
    explorer.encoder = Words(DIM + 1)
    with pytest.raises(ValueError, match="made up gives vectors of 25"):
        explorer.edit_class("pond", "x")


def test_widget_asks_edits_and_complains_in_words(explorer, hand):
    live, panel = hand(explorer), explorer._panel
    before = live.colours("map")
    panel.text.set_state({"value": "a roof\na meadow"})
    panel.ask.click()
    assert explorer.sentences == ["a roof", "a meadow"]
    assert (live.colours("map") != before).any()
    panel.sentence.set_state({"index": 1})
    assert explorer.shown == 1
    panel.layer.set_state({"index": 1})
    assert explorer.layer == "soft classes"
    panel.name.set_state({"index": 2})
    assert panel.words.value == "a pond\nthe pond seen from above"
    panel.words.set_state({"value": "a meadow"})
    panel.layer.set_state({"index": 0})
    before = live.colours("classes")
    panel.change.click()
    assert explorer.class_words[2] == ("a meadow",)
    assert (live.colours("classes") != before).any()
    panel.reset.click()
    assert panel.words.value == "a pond\nthe pond seen from above"
    assert np.array_equal(live.colours("classes"), before)
    live.click("map", 4, 20)
    assert "(20, 4)" in explorer.message
    for text, said in (("", "empty"), ("word " * 100, "shorten")):
        panel.text.set_state({"value": text})
        panel.ask.click()
        assert said in explorer.message
    assert explorer.sentences == ["a roof", "a meadow"]
    assert explorer.failures == []


def test_the_answer_lies_over_the_scene_and_a_click_leaves_a_mark(explorer, scene, hand):
    explorer.set_text("a roof")
    live, panel = hand(explorer), explorer._panel
    values = explorer.similarity()
    low, high = np.nanpercentile(values, (1, 99))
    top = np.nanargmax(values)
    panel.opacity.set_state({"value": 1.0})
    found = live.colours("map").reshape(-1, 3)
    assert found[top].tolist() == [254, 232, 56]  # the upper end of cividis
    assert np.allclose(found[~scene.valid.ravel()], 255)
    panel.opacity.set_state({"value": 0.0})
    assert np.array_equal(live.colours("map"), explorer.facts.grey)
    assert live.view["map"].scale["low"] == f"{low:.4g}"
    assert live.view["map"].scale["high"] == f"{high:.4g}"
    live.click("classes", 4, 20)
    for chart in ("map", "classes"):
        assert [(r["x"], r["y"], r["symbol"]) for r in live.view[chart].marks["rings"]] == [(4, 20, "cross")]
    live.send("classes", "double")
    assert live.view["map"].marks["rings"] == []
    panel.place.set_state({"value": "20, 4"})
    assert explorer.place == (20, 4)


def test_examples_and_earlier_questions_are_asked_by_choosing_them(explorer, hand):
    hand(explorer)
    panel = explorer._panel
    panel.example.set_state({"index": 1})
    assert explorer.sentences == [explorer.examples()[0]] == [panel.text.value]
    explorer.set_text("a second one\n- not this")
    assert [label for label, _ in panel.earlier.options[1:]] == [explorer.examples()[0], "a second one | - not this"]
    panel.earlier.set_state({"index": 1})
    assert explorer.sentences == [explorer.examples()[0]]
    panel.undo.click()
    assert explorer.sentences == ["a second one"]
    assert "<td>not: not this</td>" in panel.worth.value
    assert explorer.failures == []


def test_bars_and_curves_are_the_ranking_and_the_scores_by_class(explorer, hand):
    explorer.set_text("a roof")
    live = hand(explorer)
    ranking = explorer.ranking()
    assert live.view["ranks"].head["y_names"] == [name for name, _ in ranking]
    assert [box["x1"] for box in live.view["ranks"].marks["boxes"]] == [value for _, value in ranking]
    groups = explorer.by_class()
    edges = np.linspace(min(v.min() for v in groups.values()), max(v.max() for v in groups.values()) + 1e-9, 41)
    for c, line in zip(sorted(groups), live.view["counts"].lines):
        share = 100 * np.histogram(groups[c], edges)[0] / len(groups[c])
        assert np.allclose(np.frombuffer(line["mean"], np.float32)[1:-1:2], share, rtol=1e-5)
        assert line["colour"] == explorer.scene.colors[c - 1]


def test_a_later_question_overtakes_an_earlier_one(explorer):
    explorer.widget()

    async def use() -> None:
        explorer.request("a roof")
        explorer.request("a pond")
        explorer.pick(20, 4)  # answered meanwhile
        for _ in range(400):
            await asyncio.sleep(0.02)
            if explorer.sentences:
                break
        await asyncio.sleep(0.2)

    asyncio.run(use())
    assert explorer.sentences == ["a pond"]
    assert explorer.failures == []


def test_real_words_answer_with_their_worth(scene, split):
    encoder = hsikit.load_text_encoder("minilm")
    own = tuple((f"a {n}",) for n in scene.class_names)
    text = TextVectors(np.stack([encoder.encode(p)[0] for p in own]), scene.class_names, encoder.name, "", own)
    net = hsikit.MMLGNet(16, 1, 384, 3)
    model = hsikit.fit(net, scene, split, hsikit.TrainConfig(epochs=2, threads=1), text=text, progress=False).model
    explorer = PromptExplorer(model, scene, split)
    explorer.set_text("a green field\nparliament and taxes\n- water")
    assert explorer.similarity().shape == scene.shape
    assert np.asarray(explorer.answer.soft).shape == (2, *scene.shape)
    assert (np.asarray(explorer.answer.r2) <= 1).all()
    assert np.isfinite(explorer.answer.z).all()
    explorer.show(layer="soft classes")
    explorer.static()
