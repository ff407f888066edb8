"""`LabelPainter`: what is painted, undone, suggested, saved and fitted, by script and by mouse."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.path import Path
from tiny import tiny_scene

from hsikit.explore import LabelPainter
from hsikit.explore.marks import disc
from hsikit.explore.painter_fit import fit_light, painted_split
from hsikit.explore.painting import STEPS_KEPT
from hsikit.explore.state import Progress, Stopped
from hsikit.spectra import spectral_angle

TRUE = np.repeat(np.arange(24) * 3 // 24 + 1, 20).reshape(24, 20)  # the stripes of the tiny scene


@pytest.fixture(scope="module")
def bare():
    """A scene as most users have it: no labels, no classes."""
    scene = tiny_scene(holes=True)
    return replace(scene, labels=np.zeros(scene.shape, int), class_names=(), colors=())


@pytest.fixture
def painter(bare):
    made = LabelPainter(bare)
    for name in ("meadow", "roof", "pond"):
        made.add_class(name)
    return made


@pytest.fixture
def painted(painter):
    """A box in each of the three stripes."""
    for c, top in ((1, 0), (2, 9), (3, 17)):
        painter.choose(c)
        painter.box(top, 1, top + 4, 6)
    return painter


def test_brush_paints_every_pixel_within_its_radius_of_the_path(painter, bare):
    painter.choose(2, radius=2)
    path = np.array([[3.0, 4.0], [12.0, 4.0], [12.0, 10.0]])
    painter.brush(path)
    rows, cols = np.indices(bare.shape)
    dots = [(4, c) for c in range(3, 13)] + [(r, 12) for r in range(4, 11)]
    near = np.min([np.hypot(rows - r, cols - c) for r, c in dots], 0) <= 2
    assert np.array_equal(painter.labels == 2, near & bare.valid)
    assert not disc(np.array([[-40.0, 3.0]]), 1, bare.shape).any()


def test_lasso_and_box_paint_the_pixels_whose_centres_they_hold(painter, bare):
    outline = np.array([[2.3, 8.1], [15.2, 9.0], [7.9, 20.4]])
    painter.choose(1)
    painter.lasso(outline)
    rows, cols = np.indices(bare.shape)
    want = Path(outline).contains_points(np.column_stack([cols.ravel(), rows.ravel()])).reshape(bare.shape)
    assert want.any()
    assert np.array_equal(painter.labels == 1, want)
    painter.choose(3)
    painter.box(0, 0, 1, 2)
    assert np.array_equal(np.argwhere(painter.labels == 3), [(r, c) for r in (0, 1) for c in (0, 1, 2)])


def test_undo_takes_strokes_back_one_by_one_eraser_included(painted):
    states = [painted.labels.copy()]
    painted.choose(0)
    painted.box(0, 0, 12, 12)
    states.append(painted.labels.copy())
    painted.choose(2)
    painted.box(3, 3, 20, 9)
    assert painted.labels[:3, :13].max() == 0
    for state in reversed(states):
        assert painted.undo() > 0
        assert np.array_equal(painted.labels, state)
    while painted.can_undo:
        painted.undo()
    assert not painted.labels.any()
    assert painted.undo() == 0
    assert "Nothing is left" in painted.message


def test_the_way_back_is_long_but_not_endless(painter):
    painter.choose(1, radius=0)
    for i in range(STEPS_KEPT + 5):
        painter.choose(1 + i % 2)
        painter.box(0, 0, 0, 0)
    taken = 0
    while painter.undo():
        taken += 1
    assert taken == STEPS_KEPT


def test_classes_are_added_renamed_and_recoloured(painter, bare, hand):
    assert LabelPainter(bare).class_names == ()
    assert len(set(painter.colors)) == 3
    painter.change_class(2, name=" tiled   roof ", color="tomato")
    assert painter.class_names == ("meadow", "tiled roof", "pond")
    painter.choose(2)
    painter.box(10, 10, 12, 12)
    base = bare.rgb()[11, 11]
    wanted = 0.2 * base + 0.8 * np.array(to_rgb("tomato"))
    assert np.allclose(hand(painter).colours("map")[11, 11] / 255, wanted, atol=0.003)
    figure = painter.static()
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    assert (np.abs(drawn - wanted).max(-1) < 0.01).sum() > 50


def test_a_labelled_scene_starts_painted():
    scene = tiny_scene(holes=True)
    painter = LabelPainter(scene)
    assert np.array_equal(painter.labels, scene.usable)
    assert tuple(painter.class_names) == scene.class_names
    assert tuple(painter.colors) == scene.colors


def test_suggestions_are_the_nearest_class_means_by_angle(painted, bare):
    labels = painted.labels
    count = painted.suggest(0.3)
    means = [bare.hsi[labels == c].mean(0, dtype=float) for c in (1, 2, 3)]
    angles = np.stack([spectral_angle(bare.hsi, m) for m in means])
    want = np.where((angles.min(0) <= 0.3) & (labels == 0) & bare.valid, angles.argmin(0) + 1, 0)
    assert count == (want > 0).sum() > 20
    assert np.array_equal(painted.suggested, want)
    painted.static()
    painted.accept(2)
    assert np.array_equal(painted.labels, np.where(want == 2, 2, labels))
    assert painted.suggested is None
    painted.undo()
    assert np.array_equal(painted.labels, labels)
    assert painted.suggest(1e-4) == 0
    assert painted.suggested is None
    assert "larger angle" in painted.message


@pytest.mark.parametrize("name", ["labels.tif", "labels.npz"])
def test_saved_labels_come_back_with_names_and_colours(painted, bare, tmp_path, name):
    painted.change_class(1, color="#123456")
    written = painted.save(tmp_path / "deep" / name)
    other = LabelPainter(bare)
    other.load(written)
    assert np.array_equal(other.labels, painted.labels)
    assert other.class_names == painted.class_names
    assert other.colors == painted.colors
    assert [f.name for f in written.parent.iterdir() if ".part" in f.name or ".tmp" in f.name] == []


def test_painted_pixels_are_the_split_and_what_is_set_aside_is_disjoint(painted):
    scene, split = painted.labelled_scene(), painted.split()
    everything = np.sort(np.concatenate([split.train, split.val, split.test]))
    assert np.array_equal(everything, np.flatnonzero(painted.labels))
    assert scene.class_names == ("meadow", "roof", "pond")
    counts = painted.counts()
    assert np.array_equal(split.counts("val"), counts // 10)
    assert np.array_equal(split.counts("train"), counts - 2 * (counts // 10))
    painted.add_class("path")
    painted.box(0, 19, 1, 19)  # two pixels are too few
    assert painted.split().dropped_classes == (4,)


@pytest.mark.parametrize("method", ["lda", "rf", "cnn2d"])
def test_a_light_model_maps_the_scene_and_is_corrected(painted, bare, method):
    found = painted.fit(method)
    assert found.labels.shape == bare.shape
    assert (found.labels[~bare.valid] == 0).all()
    right = (found.labels == TRUE)[bare.valid].mean()
    assert right > 0.8
    assert np.allclose(painted.confidence()[bare.valid], found.scores[bare.valid].max(-1))
    assert "set aside are right" in painted.message
    painted.show("confidence")
    painted.static()
    before = painted.prediction
    painted.choose(3)
    painted.box(16, 10, 20, 15)
    painted.fit(method)
    assert painted.prediction is not before


def test_labels_outside_the_strokes_do_not_reach_the_fit(bare):
    """A model sees painted pixels only: a truth hidden under the scene changes nothing."""
    maps = []
    for truth in (np.zeros(bare.shape, int), np.where(TRUE == 3, 2, 1)):
        scene = replace(bare, labels=truth, class_names=("x", "y"), colors=())
        painter = LabelPainter(scene)
        painter.labels = np.zeros(bare.shape, np.int16)
        for c, top in ((1, 0), (2, 17)):
            painter.choose(c)
            painter.box(top, 1, top + 4, 6)
        maps.append(painter.fit("lda").scores)
    assert np.array_equal(*maps, equal_nan=True)


def test_bad_input_is_said(painter, bare, tmp_path):
    empty = LabelPainter(bare)
    (tmp_path / "torn.npz").write_bytes(b"no zip")
    np.savez(tmp_path / "small.npz", labels=np.ones((3, 3), int))
    for wrong, said in (
        (lambda: empty.box(0, 0, 2, 2), "add one first"),
        (lambda: painter.add_class("  "), "1 to 60 characters"),
        (lambda: painter.add_class("x" * 61), "1 to 60 characters"),
        (lambda: painter.add_class("roof"), "already"),
        (lambda: painter.add_class("lake", "no such"), "no colour"),
        (lambda: painter.choose(9), "0 to 3"),
        (lambda: painter.choose(tool="roller"), "brush, lasso, box"),
        (lambda: painter.choose(radius=99), "0 to 20"),
        (lambda: painter.paint(np.zeros((2, 2), bool)), "expected"),
        (lambda: painter.suggest(), "paint some pixels"),
        (lambda: painter.suggest(0), "above 0"),
        (lambda: painter.accept(), "suggest first"),
        (lambda: painter.confidence(), "fit a model first"),
        (lambda: painter.fit(), "labels"),
        (lambda: painter.show("heat"), "class map, confidence"),
        (lambda: painter.save(tmp_path / "a.tif"), "nothing is painted"),
        (lambda: painter.save("a.png"), ".tif or .npz"),
        (lambda: painter.load(" "), "no file is named"),
        (lambda: painter.load(tmp_path / "none.npz"), "missing"),
        (lambda: painter.load(tmp_path / "torn.npz"), "NumPy"),
        (lambda: painter.load(tmp_path / "small.npz"), "labels are"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    assert painter.lasso(np.array([[1, 1]])) == 0
    assert "drag over at least one" in painter.message
    painter.choose(1)
    painter.box(0, 0, 2, 6)
    with pytest.raises(ValueError, match="second one"):
        painter.fit("lda")
    with pytest.raises(ValueError, match="unknown"):
        painter.fit("magic")


def test_scenes_without_wavelengths_or_lidar_are_painted_too(bare):
    painter = LabelPainter(replace(bare, wavelengths_nm=None, lidar=None, lidar_names=()))
    for c, top in ((1, 0), (2, 17)):
        painter.add_class(f"class {c}")
        painter.box(top, 1, top + 4, 6)
    painter.suggest(0.2)
    painter.fit("lda")
    painter.static()


def test_progress_rises_and_a_stop_is_heard(painted):
    scene, split = painted.labelled_scene(), painted.split()
    told: list[float] = []
    fit_light("cnn2d", scene, split, Progress(told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 20
    progress = Progress()
    progress.stop()
    with pytest.raises(Stopped):
        fit_light("cnn2d", scene, split, progress)


def test_a_split_needs_ten_painted_pixels_of_a_class(painter):
    for c in (1, 2):
        painter.choose(c)
        painter.box(4 * c, 10, 4 * c, 15)  # six pixels
    with pytest.raises(ValueError, match="ten painted"):
        painted_split(painter.labelled_scene())


def test_widget_paints_by_mouse_on_both_pictures(painter, bare, hand):
    live, panel = hand(painter), painter._panel
    panel.classes.set_state({"index": 2})  # eraser, meadow, roof
    assert painter.active == 2
    panel.radius.set_state({"value": 0})
    assert live.view["map"].tool == "brush"
    assert live.view["answer"].brush == {"radius": 0, "colour": painter.colors[1]}
    before = live.colours("map")
    live.draw("map", [(3, 10), (8, 10), (12, 10)], brush=True)
    painted = [(10, c) for c in range(3, 13)]
    assert np.array_equal(np.argwhere(painter.labels == 2), painted)
    assert np.array_equal(np.argwhere((live.colours("map") != before).any(-1)), painted)
    panel.tool.set_state({"index": 2})
    assert live.view["map"].tool == "box"
    live.draw("answer", [(1.6, 17.6), (4.4, 17.6), (4.4, 20.4), (1.6, 20.4)])
    rows, cols = np.nonzero(painter.labels[14:])
    assert (rows.min() + 14, rows.max() + 14, cols.min(), cols.max()) == (18, 20, 2, 4)
    live.click("map", 5, 5)
    assert "box is empty" in painter.message
    panel.undo.click()
    assert not painter.labels[14:].any()
    panel.redo.click()
    assert painter.labels[14:].any()
    panel.undo.click()
    panel.fit.click()
    assert "second" in painter.message or "two classes" in painter.message
    assert painter.failures == []
    assert painter._line.value


def test_fill_picker_legend_and_keys_by_mouse(painted, hand):
    live, panel = hand(painted), painted._panel
    live.send("map", "class", class_id=1, ctrl=False)
    assert panel.classes.value == painted.active == 1
    assert [e["shown"] for e in live.view["map"].legend] == [True, False, False]
    panel.tool.set_state({"index": 3})
    assert live.view["map"].tool == "pan"  # a click fills, a drag moves the map
    two = painted.labels == 2
    live.click("map", 2, 10)
    assert (painted.labels[two] == 1).all()
    live.send("map", "double")  # the click was the first half of a double click
    assert (painted.labels[two] == 2).all()
    live.click("map", 2, 18, ctrl=True)
    assert painted.active == 3
    live.send("map", "key", key="2", ctrl=False)
    assert painted.active == 2
    live.send("map", "key", key="]", ctrl=False)
    assert panel.radius.value == painted.radius == 3
    live.send("answer", "key", key="z", ctrl=True)
    assert not (painted.labels == 3).any()
    live.send("map", "hover", x=2.0, y=10.0, index=-1)
    assert "painted roof" in live.view.pointer
    panel.opacity.set_state({"value": 0.25})
    assert live.view["map"].opacities == [0.25]
    assert painted.failures == []


def test_means_of_what_is_painted_follow_the_strokes(painted, bare, hand):
    live = hand(painted)
    first = np.frombuffer(live.view["spectra"].lines[0]["mean"], np.float32)
    assert np.allclose(first, bare.hsi[painted.labels == 1].mean(0, dtype=float), rtol=1e-5)
    assert len(live.view["spectra"].lines) == 3
    assert painted._panel.angles.value.count("<td>") == 9
    painted.undo()
    assert len(live.view["spectra"].lines) == 2


def test_controls_follow_and_complain_in_words(painter):
    painter.widget()
    panel = painter._panel
    panel.name.set_state({"value": "gravel"})
    panel.add.click()
    assert painter.class_names[-1] == "gravel"
    assert panel.classes.value == painter.active == 4
    panel.colour.set_state({"value": "#ff0000"})
    assert painter.colors[3] == "#ff0000"
    panel.add.click()  # the name is empty now
    assert "1 to 60 characters" in painter.message
    for control, value in ((panel.row, 20), (panel.col, 4)):
        control.set_state({"value": value})
    panel.dab.click()
    assert painter.labels[20, 4] == 4
    panel.file.set_state({"value": "labels.doc"})
    panel.save.click()
    assert ".tif or .npz" in painter.message
    panel.accept.click()
    assert painter.failures == []


def test_suggestions_come_and_go_in_the_widget(painted, hand):
    live = hand(painted)
    plain = live.colours("map")
    painted._panel.angle.value = 0.3
    painted._panel.suggest.click()
    rows, cols = np.nonzero(painted.suggested)
    odd = (rows + cols) % 2 == 1
    changed = (live.colours("map") != plain).any(-1)
    assert np.array_equal(np.argwhere(changed), np.stack([rows, cols], 1)[odd])
    assert odd.any()
    painted._panel.dismiss.click()
    assert painted.suggested is None
    assert np.array_equal(live.colours("map"), plain)
    assert painted.failures == []


def test_a_fit_in_the_widget_leaves_other_controls_alive_and_can_be_stopped(painted):
    painted.widget()
    panel = painted._panel

    async def use() -> None:
        panel.model.value = "cnn2d"
        panel.fit.click()
        assert painted.busy
        assert painted._busy.layout.visibility == "visible"
        painted.choose(1, "brush")  # answered while the model is fitted
        painted.brush(np.array([[15.0, 2.0]]))
        assert painted.prediction is None
        painted._stop.click()
        await asyncio.sleep(0.2)
        assert painted.prediction is None
        assert "Stopped" in painted.message
        panel.fit.click()
        for _ in range(600):
            await asyncio.sleep(0.05)
            if painted.prediction is not None:
                break

    asyncio.run(use())
    assert painted.prediction is not None
    assert painted.method == "cnn2d"
    assert painted._busy.layout.visibility == "hidden"
    assert painted.failures == []
