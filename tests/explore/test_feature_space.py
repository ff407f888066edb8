"""`FeatureSpaceExplorer`: cloud, map and spectra stay linked; index sets are compared, not counts."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from tiny import tiny_scene, tiny_split

from hsikit.explore import FeatureSpaceExplorer
from hsikit.explore.feature_marks import categories, picture, star_places
from hsikit.explore.feature_space import FeatureSpace
from hsikit.explore.marks import DIM, HIDDEN, LIT, PLAIN
from hsikit.explore.state import Progress
from hsikit.separation import separation


@pytest.fixture(scope="module")
def scene():
    return tiny_scene()


@pytest.fixture
def explorer(scene):
    prediction = scene.labels.copy()
    prediction[:3] = 3
    return FeatureSpaceExplorer(scene.hsi, tiny_split(scene), scene, prediction=prediction, window=3)


def test_pixels_labels_and_parts_belong_together(explorer, scene):
    split = tiny_split(scene)
    assert np.array_equal(explorer.pixels, np.sort(np.concatenate([split.train, split.val, split.test])))
    assert np.array_equal(explorer.labels, scene.labels.ravel()[explorer.pixels])
    assert np.array_equal(explorer.pixels[explorer.parts == 0], split.train)
    assert np.array_equal(explorer.pixels[explorer.parts == 2], split.test)
    vectors = scene.hsi.reshape(-1, scene.bands)[explorer.pixels]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(explorer.spaces["embeddings"], unit, atol=1e-6)


def test_the_cap_keeps_some_of_each_class(scene):
    capped = FeatureSpaceExplorer(scene.hsi, scene.labels, scene, cap_per_class=10)
    assert np.bincount(capped.labels).tolist() == [0, 10, 10, 10]


def test_vectors_with_pixels_as_flat_indices_or_rows_and_columns(scene):
    pixels = np.flatnonzero(scene.labels.ravel())[::3]
    vectors = scene.hsi.reshape(-1, scene.bands)[pixels]
    flat = FeatureSpaceExplorer(vectors, scene.labels.ravel()[pixels], scene, pixels)
    pairs = FeatureSpaceExplorer(vectors, scene.labels, scene, np.stack(np.divmod(pixels, scene.shape[1]), 1))
    assert np.array_equal(flat.pixels, pairs.pixels)
    assert np.array_equal(flat.labels, pairs.labels)
    assert np.allclose(flat.xy, pairs.xy)


def test_a_lasso_in_the_cloud_lights_those_pixels_on_the_map(explorer, scene):
    outline = np.array([[-0.3, -0.5], [0.4, -0.4], [0.2, 0.5]])
    lit = explorer.select_points(outline)
    want = explorer.pixels[Path(outline).contains_points(explorer.xy)]
    assert len(want)
    assert np.array_equal(lit, want)
    drawn, rowcol = picture(explorer), explorer.rowcol[explorer.lit]
    for (r, c), label in zip(rowcol, explorer.labels[explorer.lit]):
        assert np.allclose(drawn[r, c], to_rgb(scene.colors[label - 1]))
    others = np.delete(np.arange(scene.labels.size), want)
    grey = drawn.reshape(-1, 3)[others]
    assert np.allclose(grey, grey[:, :1])


def test_a_mask_on_the_map_lights_the_cloud(explorer, scene):
    mask = np.zeros(scene.shape, bool)
    mask[4:9, 3:7] = True
    lit = explorer.select_pixels(mask)
    assert np.array_equal(lit, np.flatnonzero(mask & (scene.labels > 0)))
    for c, mean, std, n in explorer.spectra():
        values = scene.hsi[mask & (scene.labels == c)].astype(float)
        assert n == len(values)
        assert np.allclose(mean, values.mean(0))
        assert np.allclose(std, values.std(0, ddof=1))
    explorer.clear()
    assert not explorer.lit.any()


def test_hidden_classes_are_neither_lit_nor_measured(explorer, scene):
    explorer.toggle_class(1)
    assert set(explorer.labels[explorer.visible]) == {2, 3}
    lit = explorer.select_pixels(np.ones(scene.shape, bool))
    assert set(scene.labels.ravel()[lit]) == {2, 3}
    use = explorer.visible
    want = separation(explorer.spaces["embeddings"][use], explorer.labels[use], explorer.rowcol[use], 3, 100, 0)
    assert explorer.separation().to_dict() == want.to_dict()
    explorer.toggle_class(2)
    assert "2 classes" in explorer.measure()[0][0]
    explorer.toggle_class(3)
    explorer.static()


def test_confusion_and_colours(explorer, scene):
    explorer.select_pixels(np.ones(scene.shape, bool))
    table = explorer.confusion()
    assert table.sum() == len(explorer.pixels)
    wrong = int((explorer.labels != explorer.prediction).sum())
    assert table.sum() - np.trace(table) == wrong > 0
    assert f"{wrong} of" in explorer.message
    for by in ("prediction", "correctness", "split", "class"):
        explorer.color(by)
        category, names, colours = categories(explorer)
        assert len(names) == len(colours) > category.max()
    assert colours[1:] == list(scene.colors)


def test_methods_and_several_spaces(scene):
    spaces = {"input": scene.hsi, "first half": scene.hsi[..., :8]}
    words = {"a green meadow": scene.hsi[0, 0]}
    explorer = FeatureSpaceExplorer(spaces, scene.labels, scene, cap_per_class=20, words=words)
    first = explorer.xy.copy()
    assert list(star_places(explorer)) == ["a green meadow"]
    explorer.show(method="tsne", perplexity=5)
    assert explorer.xy.shape == first.shape
    assert not np.allclose(explorer.xy, first)
    explorer.show(space="first half", method="pca")
    assert star_places(explorer) == {}
    explorer.show(space="input")
    assert np.allclose(explorer.xy, first)
    with pytest.raises(ValueError, match="perplexity 50"):
        explorer.show(method="tsne", perplexity=50)
    assert explorer.method == "pca"
    explorer.static()


def test_what_does_not_fit_is_said_at_once(scene):
    pixels = np.flatnonzero(scene.labels.ravel())
    vectors, labels = scene.hsi.reshape(-1, scene.bands)[pixels], scene.labels.ravel()[pixels]
    holed = vectors.copy()
    holed[3, 2] = np.nan
    for arguments, said in (
        ((vectors[:-1], labels, scene, pixels), f"for {len(pixels)} pixels"),
        ((vectors, labels[:-1], scene, pixels), f"for {len(pixels)} pixels"),
        ((holed, labels, scene, pixels), "NaN"),
        ((vectors, labels, scene), "pixels are needed"),
        ((vectors, labels, scene, pixels + 10_000), "outside"),
        ((vectors, labels, scene, pixels / 2), "whole numbers"),
        ((vectors, labels * 9, scene, pixels), "0 to 3"),
        ((scene.hsi[:3], scene.labels, scene), "row, col"),
        (({}, labels, scene, pixels), "no embeddings"),
        ((vectors, tiny_split(tiny_scene(rows=12)), scene, pixels), "split was made for"),
    ):
        with pytest.raises(ValueError, match=said):
            FeatureSpaceExplorer(*arguments)
    bare = FeatureSpaceExplorer(vectors, labels, scene, pixels)
    for by, said in (
        ("prediction", "prediction="),
        ("split", "needs a Split"),
        ("mood", "class, prediction"),
    ):
        with pytest.raises(ValueError, match=said):
            bare.color(by)
    with pytest.raises(ValueError, match="needs prediction"):
        bare.confusion()
    with pytest.raises(ValueError, match="class 7"):
        bare.toggle_class(7)
    assert bare.select_points(np.array([[0.0, 0.0]])).size == 0
    assert "No shown point" in bare.message


# --- the widget ----------------------------------------------------------------------------------


def looks(hand, chart: str = "cloud") -> np.ndarray:
    return np.frombuffer(hand.view[chart].looks, np.uint8)


def words(hand, chart: str = "numbers") -> list[str]:
    return [text["text"] for text in hand.view[chart].marks["texts"]]


@pytest.fixture
def live(explorer, hand):
    yield explorer, hand(explorer)
    assert explorer.failures == []


def test_a_lasso_in_the_cloud_and_a_box_on_the_map(live):
    explorer, hand = live
    (x0, y0), y1 = explorer.xy.min(0), explorer.xy[:, 1].max()
    before, map_before, places = looks(hand), hand.view["map"].picture, hand.view["cloud"].xy
    outline = [[x0, y0], [0, y0], [0, y1], [x0, y1]]
    hand.send("cloud", "outline", points=outline)
    assert np.array_equal(explorer.lit, Path(outline).contains_points(explorer.xy))
    assert np.array_equal(looks(hand) == LIT, explorer.lit)
    assert (looks(hand) != before).any()
    assert hand.view["map"].picture != map_before
    assert hand.view["cloud"].xy is places  # a selection sends no place again
    hand.send("map", "outline", points=[[2.5, 3.5], [8.5, 3.5], [8.5, 10.5], [2.5, 10.5]])
    rows, cols = explorer.rowcol.T
    assert np.array_equal(explorer.lit, (rows > 3.5) & (rows < 10.5) & (cols > 2.5) & (cols < 8.5))
    explorer._panel.walks[0].click()
    assert np.array_equal(explorer.lit, Path(outline).contains_points(explorer.xy))


def test_the_legend_shows_one_class_alone_and_ctrl_adds(live, scene):
    explorer, hand = live
    hand.send("key", "class", class_id=2)
    assert explorer.classes_shown == {2}
    assert np.array_equal(looks(hand) == DIM, explorer.labels != 2)
    assert not (looks(hand) == HIDDEN).any()
    assert [e["shown"] for e in hand.view["key"].legend] == [c == 2 for c in explorer.classes]
    hand.send("key", "class", class_id=3, ctrl=True)
    assert explorer.classes_shown == {2, 3}
    hand.send("key", "class", class_id=2)
    hand.send("key", "class", class_id=2)
    assert explorer.classes_shown == set(explorer.classes)
    assert (looks(hand) == PLAIN).all()
    assert not any(e["shown"] for e in hand.view["key"].legend)  # none stands out where all are shown


def test_a_double_click_lights_nothing_and_stops_nothing_else(live):
    explorer, hand = live
    x, y = explorer.xy[7].tolist()
    hand.send("cloud", "click", x=x, y=y, index=7)
    assert explorer.lit.sum() == 1
    explorer._jobs["numbers"] = kept = Progress()
    hand.send("cloud", "double")
    assert not explorer.lit.any()
    assert not kept.stopped
    hand.send("cloud", "double")  # nothing was clicked since
    assert not explorer.can_undo


def test_the_pointer_tells_class_answer_and_place(live, scene):
    explorer, hand = live
    hand.send("cloud", "hover", x=0.0, y=0.0, index=5)
    row, col = explorer.rowcol[5]
    label, answer = (explorer.facts.name_of(int(a[5])) for a in (explorer.labels, explorer.prediction))
    assert (
        hand.view.pointer
        == f"{label}, predicted {answer}, {('train', 'val', 'test')[explorer.parts[5]]}: row {row}, col {col}"
    )
    hand.send("map", "hover", x=float(col), y=float(row), index=-1)
    assert f"row {row}, col {col}" in hand.view.pointer
    hand.send("cloud", "hover", x=0.0, y=0.0, index=-1)
    assert hand.view.pointer == ""


def test_controls_reach_the_state(live):
    explorer, hand = live
    panel = explorer._panel
    before = hand.view["cloud"].tints, hand.view["cloud"].dots
    panel.color.set_state({"index": 2})
    assert explorer.color_by == "correctness"
    assert (hand.view["cloud"].tints, hand.view["cloud"].dots) != before
    panel.table.set_state({"index": 1})
    assert hand.view["table"].head["title"] == "distance of class centres"
    panel.method.set_state({"index": 1})
    assert explorer.method == "tsne"
    panel.perplexity.set_state({"value": 10})
    assert explorer.perplexity == 10
    panel.clear.click()


def test_a_refused_choice_is_a_message_and_the_control_goes_back(scene):
    explorer = FeatureSpaceExplorer(scene.hsi, scene.labels, scene, cap_per_class=3)
    explorer.widget()
    explorer._panel.method.set_state({"index": 1})
    assert "perplexity" in explorer._line.value
    assert explorer._panel.method.value == "pca"
    assert explorer.failures == []


def test_in_a_kernel_the_picture_is_computed_beside_and_can_be_stopped(explorer, hand):
    async def session():
        shown = hand(explorer)
        first = explorer.xy
        explorer.toggle_class(1)
        still = explorer.static()  # a still picture has its numbers at once
        assert any("silhouette" in t.get_text() for axes in still.axes for t in axes.texts)
        explorer._panel.method.value = "tsne"
        assert "Computing" in explorer.message
        assert explorer._busy.layout.visibility == "visible"
        explorer._stop.click()
        await asyncio.sleep(0.05)
        assert explorer.method == "pca"
        assert explorer._busy.layout.visibility == "hidden"
        assert "separation: stopped" in words(shown)
        explorer.toggle_class(1)
        assert "measuring separation …" in words(shown)
        explorer._panel.method.value = "tsne"
        for _ in range(400):
            await asyncio.sleep(0.05)
            if explorer.method == "tsne":
                break
        assert explorer.xy is not first

    asyncio.run(session())
    assert explorer.method == "tsne"
    assert explorer.failures == []


def test_without_anywidget_a_still_picture_with_a_hint_remains(explorer, monkeypatch):
    import sys

    from matplotlib.figure import Figure

    monkeypatch.delitem(sys.modules, "hsikit.explore.board", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    figure = explorer.widget()
    assert isinstance(figure, Figure)
    assert "hsikit[workbook]" in figure.texts[-1].get_text()


def test_the_state_is_used_from_a_script_and_knows_no_widget(scene):
    state = FeatureSpace({"a": scene.hsi, "b": scene.hsi[..., :8]}, scene.labels, scene, cap_per_class=20)
    state.show(beside="b")
    state.select_pixels(scene.labels == 2)
    assert state.chosen.tolist() == state.pixels[state.labels == 2].tolist()
    state.clear()
    state.undo()
    assert np.array_equal(state.lit, state.labels == 2)
    with pytest.raises(ValueError, match="needs prediction"):
        state.table = "confusion"
    with pytest.raises(ValueError, match="class, prediction"):
        state.color_by = "mood"
    before = state.xy
    state.space = "b"  # a trait that is set lays out anew
    assert np.allclose(state.xy, state.xy_beside)
    assert not np.allclose(state.xy, before)
    with pytest.raises(ValueError, match="no space 'third'"):
        state.beside = "third"
    assert (state.space, state.beside, state.color_by) == ("b", "b", "class")


def test_thirty_thousand_points_are_sent_as_bytes(scene, hand):
    rng = np.random.default_rng(0)
    points = rng.integers(0, scene.labels.size, 30_000)
    explorer = FeatureSpaceExplorer(
        rng.random((30_000, 3)), rng.integers(1, 4, 30_000), scene, points, cap_per_class=None
    )
    view = hand(explorer).view
    assert len(view["cloud"].xy) == 8 * 30_000
    assert np.array_equal(np.frombuffer(view["cloud"].tints, np.uint8), explorer.labels)


# --- two models side by side, and what stands beside the clouds ----------------------------------


@pytest.fixture
def pair(scene):
    spaces = {"cross-entropy": scene.hsi, "self-distillation": scene.hsi[..., :8]}
    explorer = FeatureSpaceExplorer(spaces, scene.labels, scene, cap_per_class=40, window=3)
    explorer.show(beside="self-distillation")
    return explorer


def test_what_is_lit_in_one_cloud_is_lit_in_the_other_and_on_the_map(pair, hand):
    other = FeatureSpaceExplorer(pair.scene.hsi[..., :8], pair.labels, pair.scene, pair.pixels, cap_per_class=None)
    assert np.allclose(pair.xy_beside, other.xy)
    outline = np.array([[-0.1, -0.5], [0.4, -0.4], [0.2, 0.5]])
    lit = pair.select_points(outline, beside=True)
    assert np.array_equal(lit, pair.pixels[Path(outline).contains_points(pair.xy_beside)])
    assert not np.array_equal(lit, pair.pixels[Path(outline).contains_points(pair.xy)])
    shown = hand(pair)
    for chart, xy in (("cloud", pair.xy), ("beside", pair.xy_beside)):
        sent = np.frombuffer(shown.view[chart].xy, np.float32).reshape(-1, 2)
        assert np.array_equal(sent[looks(shown, chart) == LIT], xy[pair.lit].astype(np.float32))
    pair.show(beside="")
    assert pair.beside is None
    assert shown.view["beside"].layout.display == "none"
    assert len(pair.static().axes) == len(pair._charts()) - 1
    with pytest.raises(ValueError, match="no second cloud"):
        pair.select_points(outline, beside=True)
    with pytest.raises(ValueError, match="no space 'third'"):
        pair.show(beside="third")


def test_numbers_stand_for_both_spaces(pair, scene):
    from hsikit.separation import trustworthiness

    lines = pair.measure()
    for place, space in enumerate(("cross-entropy", "self-distillation")):
        found = separation(pair.spaces[space], pair.labels, pair.rowcol, 3, 100, 0)
        line = next(line for line in lines if line[0].startswith("silhouette"))
        assert line[1 + place] == f"{found.silhouette:.3g}"
    trust = next(line for line in lines if line[0].startswith("trust"))
    wanted = trustworthiness(pair.spaces["self-distillation"], pair.xy_beside)
    assert trust[-1] == f"{wanted:.3g}"


def test_distances_of_class_centres_follow_the_classes_shown(explorer):
    from scipy.spatial.distance import cdist

    explorer.toggle_class(2)
    found = explorer.centre_distances([1, 2, 3])
    vectors = explorer.spaces["embeddings"].astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    centres = np.stack([vectors[explorer.labels == c].mean(0) for c in (1, 3)])
    assert np.allclose(found[np.ix_([0, 2], [0, 2])], cdist(centres, centres))
    assert np.isnan(found[1]).all()
    explorer.table = "distances"
    written = {((b.y0 + b.y1) / 2, (b.x0 + b.x1) / 2) for b in explorer._charts()["table"].boxes if b.text}
    assert written == {(0, 2), (2, 0)}
    explorer.toggle_class(3)
    assert np.isnan(explorer.centre_distances([1, 2, 3])).all()


def test_confusion_is_drawn_for_the_lit_pixels(explorer, scene):
    explorer.widget()
    mask = np.zeros(scene.shape, bool)
    mask[:6] = True
    explorer.select_pixels(mask)
    counts = explorer.confusion()
    assert counts.sum() == explorer.lit.sum() < len(explorer.pixels)
    table = explorer._view["table"]
    names = [int(name.split()[0]) for name in table.head["y_names"]]
    assert table.head["x_names"] == [str(c) for c in names]
    cells = {(round((b["y0"] + b["y1"]) / 2), round((b["x0"] + b["x1"]) / 2)): b["text"] for b in table.marks["boxes"]}
    for row, col in np.ndindex(len(names), len(names)):
        count = counts[names[row], names[col]]
        assert cells.get((row, col), "0") == str(count)
    assert f"{explorer.lit.sum():,} lit px" in table.head["title"]


def test_distances_within_and_between_classes_are_of_what_is_lit(pair, hand):
    pair.select_pixels(pair.scene.labels != 3)
    within, between = pair.numbers.within_and_between("cross-entropy", pair.lit)
    vectors = pair.spaces["cross-entropy"][pair.lit].astype(float)
    labels = pair.labels[pair.lit]
    centres = {c: vectors[labels == c].mean(0) for c in (1, 2)}
    own = [np.linalg.norm(v - centres[c]) for v, c in zip(vectors, labels)]
    assert within == pytest.approx(np.mean(own), rel=1e-5)
    assert between == pytest.approx(np.linalg.norm(centres[1] - centres[2]), rel=1e-5)
    assert f"{within:.3g}" in words(hand(pair))
    pair.select_pixels(pair.scene.labels == 1)
    assert np.isnan(pair.numbers.within_and_between("cross-entropy", pair.lit)[1])


def test_confidence_colours_points_in_steps(scene):
    sure = np.linspace(0, 1, scene.labels.size).reshape(scene.shape)
    explorer = FeatureSpaceExplorer(scene.hsi, scene.labels, scene, confidence=sure)
    explorer.color("confidence")
    category, names, colours = categories(explorer)
    want = np.minimum((10 * sure.ravel()[explorer.pixels]).astype(int), 9)
    assert np.array_equal(category, want)
    assert len(set(colours)) == len(names) == 10
    with pytest.raises(ValueError, match="between 0 and 1"):
        FeatureSpaceExplorer(scene.hsi, scene.labels, scene, confidence=2 * sure)
    bare = FeatureSpaceExplorer(scene.hsi, scene.labels, scene)
    with pytest.raises(ValueError, match="confidence"):
        bare.color("confidence")


def test_a_click_lights_the_nearest_point_and_far_from_all_is_a_message(explorer):
    x, y = explorer.xy[7]
    assert explorer.pick_point(x + 1e-4, y) == [explorer.pixels[7]]
    row, col = explorer.rowcol[30]
    assert explorer.pick(row, col) == [explorer.pixels[30]]
    explorer.toggle_class(1)
    explorer.toggle_class(2)
    lonely = np.argwhere(explorer.scene.labels != 3)[0]
    near = explorer.pick(*lonely)
    assert all(explorer.scene.labels.ravel()[near] == 3)
