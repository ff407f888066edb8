"""`FeatureSpaceExplorer`: cloud, map and spectra stay linked; index sets are compared, not counts."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from tiny import tiny_scene, tiny_split

from hsikit.explore import FeatureSpaceExplorer
from hsikit.explore.feature_drawn import categories, picture, star_places
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
    assert "2 classes" in explorer.numbers.text()
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


@pytest.fixture
def live(explorer, mouse):
    explorer.widget()
    yield explorer, mouse(explorer._view.axes)
    assert explorer.failures == []


def test_mouse_lasso_in_cloud_and_box_on_map(live, mouse):
    explorer, hand = live
    before = hand.pixels()
    x, y = explorer.xy.min(0), explorer.xy.max(0)
    hand.drag([(x[0], x[1]), (0, x[1]), (0, y[1]), (x[0], y[1])])
    width = np.ptp(explorer.xy[:, 0]) / 100  # mice count whole pixels
    assert explorer.lit[explorer.xy[:, 0] < -width].mean() > 0.97
    assert not explorer.lit[explorer.xy[:, 0] > width].any()
    quick = hand.pixels()
    assert (quick != before).any()
    hand.canvas.draw()
    assert np.array_equal(hand.pixels(), quick)
    explorer._panel.shape.set_state({"index": 1})
    on_map = mouse(explorer._view.map)
    on_map.drag([(2.5, 3.5), (5, 9), (8.5, 10.5)])
    rows, cols = explorer.rowcol.T
    assert np.array_equal(explorer.lit, (rows > 3.5) & (rows < 10.5) & (cols > 2.5) & (cols < 8.5))


def test_controls_reach_the_state(live):
    explorer, hand = live
    panel = explorer._panel
    before = hand.pixels()
    panel.color.set_state({"index": 2})
    assert explorer.color_by == "correctness"
    assert (hand.pixels() != before).any()
    panel.classes[2].set_state({"value": False})
    assert explorer.classes_shown == {1, 3}
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


def test_in_a_kernel_the_picture_is_computed_beside_and_can_be_stopped(explorer, mouse):
    async def session():
        explorer.widget()
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
        assert explorer._view.text.get_text() == "separation: stopped"
        explorer.toggle_class(1)
        assert explorer._view.text.get_text() == "measuring separation …"
        explorer._panel.method.value = "tsne"
        for _ in range(400):
            await asyncio.sleep(0.05)
            if explorer.method == "tsne":
                break
        assert explorer.xy is not first

    asyncio.run(session())
    assert explorer.method == "tsne"
    assert explorer.failures == []


def test_without_ipympl_a_still_picture_with_a_hint_remains(explorer, monkeypatch):
    import sys

    from matplotlib.figure import Figure

    monkeypatch.delitem(sys.modules, "hsikit.explore.canvas", raising=False)
    monkeypatch.setitem(sys.modules, "ipympl.backend_nbagg", None)
    figure = explorer.widget()
    assert isinstance(figure, Figure)
    assert "hsikit[workbook]" in figure.texts[-1].get_text()


def test_two_threads_never_send_a_half_drawn_frame(explorer):
    """JupyterLab hands a widget's messages to a thread beside the one that runs the cells."""
    from threading import Thread

    explorer.widget()
    canvas, frames = explorer._view.figure.canvas, set()
    canvas.draw()
    send = type(canvas).get_diff_image

    def noted() -> bytes:
        frames.add(bytes(canvas.buffer_rgba()))
        return send(canvas)

    canvas.get_diff_image = noted

    def draw() -> None:
        for _ in range(6):
            explorer._view.redraw.full = True
            explorer._show()

    threads = [Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(frames) == 1


# --- two models side by side, and what stands beside the clouds ----------------------------------


@pytest.fixture
def pair(scene):
    spaces = {"cross-entropy": scene.hsi, "self-distillation": scene.hsi[..., :8]}
    explorer = FeatureSpaceExplorer(spaces, scene.labels, scene, cap_per_class=40, window=3)
    explorer.show(beside="self-distillation")
    return explorer


def test_what_is_lit_in_one_cloud_is_lit_in_the_other_and_on_the_map(pair):
    other = FeatureSpaceExplorer(pair.scene.hsi[..., :8], pair.labels, pair.scene, pair.pixels, cap_per_class=None)
    assert np.allclose(pair.xy_beside, other.xy)
    outline = np.array([[-0.1, -0.5], [0.4, -0.4], [0.2, 0.5]])
    lit = pair.select_points(outline, beside=True)
    assert np.array_equal(lit, pair.pixels[Path(outline).contains_points(pair.xy_beside)])
    assert not np.array_equal(lit, pair.pixels[Path(outline).contains_points(pair.xy)])
    pair.widget()
    view = pair._view
    shown = {tuple(p) for line in view._lit for p in line.get_xydata()}
    want = {tuple(p) for xy in (pair.xy, pair.xy_beside) for p in xy[pair.lit]}
    assert {np.float32(p).tobytes() for p in shown} == {np.float32(p).tobytes() for p in want}
    pair.show(beside="")
    assert pair.beside is None
    assert not view.second.get_visible()
    with pytest.raises(ValueError, match="no second cloud"):
        pair.select_points(outline, beside=True)
    with pytest.raises(ValueError, match="no space 'third'"):
        pair.show(beside="third")


def test_a_cloud_that_was_taken_away_leaves_no_points(pair, mouse):
    pair.widget()
    hand = mouse(pair._view.axes)
    pair.show(beside="")
    pair.toggle_class(1)
    quick = hand.pixels()
    pair._view.second.remove()
    hand.canvas.draw()
    assert np.array_equal(hand.pixels(), quick)


def test_numbers_stand_for_both_spaces(pair, scene):
    from hsikit.separation import trustworthiness

    text = pair.numbers.text()
    for place, space in enumerate(("cross-entropy", "self-distillation")):
        found = separation(pair.spaces[space], pair.labels, pair.rowcol, 3, 100, 0)
        line = next(line for line in text.splitlines() if line.startswith("silhouette"))
        assert line.split()[2 + place] == f"{found.silhouette:.3g}"
    trust = next(line for line in text.splitlines() if line.startswith("trust"))
    wanted = trustworthiness(pair.spaces["self-distillation"], pair.xy_beside)
    assert trust.split()[-1] == f"{wanted:.3g}"


def test_distances_of_class_centres_follow_the_classes_shown(explorer):
    from scipy.spatial.distance import cdist

    explorer.toggle_class(2)
    found = explorer.numbers.centre_distances([1, 2, 3])
    vectors = explorer.spaces["embeddings"].astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    centres = np.stack([vectors[explorer.labels == c].mean(0) for c in (1, 3)])
    assert np.allclose(found[np.ix_([0, 2], [0, 2])], cdist(centres, centres))
    assert np.isnan(found[1]).all()
    view = explorer._new_view(explorer.static())
    view.refresh()
    written = {place for place, text in view.distances.texts.items() if text.get_visible()}
    assert written == {(0, 2), (2, 0)}
    explorer.toggle_class(3)
    assert np.isnan(explorer.numbers.centre_distances([1, 2, 3])).all()


def test_confusion_is_drawn_for_the_lit_pixels(explorer, scene):
    explorer.widget()
    mask = np.zeros(scene.shape, bool)
    mask[:6] = True
    explorer.select_pixels(mask)
    counts = explorer.confusion()
    assert counts.sum() == explorer.lit.sum() < len(explorer.pixels)
    table = explorer._view.confusion
    for (row, col), text in table.texts.items():
        count = counts[table.classes[row], table.classes[col]]
        assert text.get_visible() == (count > 0)
        assert text.get_text() == str(count) or not count
    assert f"{explorer.lit.sum():,} lit px" in table.title.get_text()


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


def test_beyond_fifty_thousand_points_the_graphics_card_draws(pair, monkeypatch):
    pytest.importorskip("jscatter", reason="the extra `clouds` is not installed")
    from hsikit.explore import feature_space

    monkeypatch.setattr(feature_space, "MOST_DRAWN", 100)
    pair.widget()
    clouds = pair._view.elsewhere
    assert len(clouds.scatters) == len(clouds.widget.children) == 2
    clouds.scatters[1].widget.selection = np.array([3, 5, 8])  # as a lasso in the browser
    assert np.flatnonzero(pair.lit).tolist() == [3, 5, 8]
    assert clouds.scatters[0].selection().tolist() == [3, 5, 8]
    pair.select_pixels(pair.scene.labels == 2)
    assert clouds.scatters[0].selection().tolist() == np.flatnonzero(pair.labels == 2).tolist()
    pair.toggle_class(2)
    assert set(clouds.scatters[0].filter().tolist()) == set(np.flatnonzero(pair.labels != 2).tolist())
    assert pair.failures == []


def test_without_the_extra_a_big_cloud_is_drawn_with_a_hint(pair, monkeypatch):
    import sys

    from hsikit.explore import feature_space

    monkeypatch.setattr(feature_space, "MOST_DRAWN", 100)
    monkeypatch.delitem(sys.modules, "hsikit.explore.feature_scatter", raising=False)
    monkeypatch.setitem(sys.modules, "jscatter", None)
    pair.widget()
    assert "hsikit[clouds]" in pair.message
    assert pair._view.elsewhere is None
