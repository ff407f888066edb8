"""Notebook 15 in JupyterLab: paint, correct, fit, look, save and load, as someone without labels would."""

import time
from itertools import pairwise

import numpy as np
from lab import corners_to_path

from hsikit.explore.marks import disc, pixels_inside

NOTEBOOK = "15_label_your_scene"
X = "painter"
SHAPE = (145, 145)
LABELS = f"{X}.painting.labels"


def pixels_of(book, condition: str) -> list:
    return book.ask(f"__import__('numpy').argwhere({condition}).tolist()")


def press(picture, label: str) -> None:
    picture.panel.get_by_role("button", name=label, exact=True).click()


def test_the_notebook_runs_without_errors(book):
    assert book.cell_errors() == []


def test_a_new_class_is_added_and_brushed(picture, shot):
    book, before = picture.book, picture.settle()
    picture.panel.get_by_label("new class").fill("road")
    press(picture, "Add")
    book.until(f"{X}.class_name({X}.active)", "road")
    picture.panel.get_by_text("brush", exact=True).click()
    book.until(f"[{X}.tool, {X}.radius]", ["brush", 2])
    book.do("_before = painter.painting.labels.copy()")
    path = corners_to_path([picture.at("map", col, row) for row, col in ((8, 110), (8, 130), (20, 130))])
    points = np.array([picture.data("map", p) for p in path])
    corner = [tuple(p) for p in points]
    wanted = np.zeros(SHAPE, bool)
    for a, b in pairwise(corner):
        wanted |= disc(np.array([a, b]), 2, SHAPE)
    seen = []

    def midway():
        time.sleep(0.3)
        seen.append(picture.screen())
        shot(book.page, "15_brush")

    picture.drag(path, midway)
    book.until(f"bool({X}.painting.counts()[-1] > 0)", True)
    assert pixels_of(book, f"{LABELS} == {X}.active") == np.argwhere(wanted).tolist()
    assert (seen[0] != before).any(), "no brush while dragging"
    assert (picture.settle() != before).any()
    shot(book.page, "15_painted")


def test_undo_takes_the_stroke_back(picture):
    picture.panel.get_by_role("button", name="Undo", exact=True).click()
    picture.book.until(f"bool(({LABELS} == _before).all())", True)
    picture.settle()


def test_a_lasso_paints_exactly_what_it_encloses_on_the_map_of_the_model_too(picture):
    book = picture.book
    picture.panel.get_by_text("lasso", exact=True).click()
    book.until(f"{X}.tool", "lasso")
    corners = [(100, 5), (100, 25), (115, 25), (115, 5), (102, 5)]
    path = corners_to_path([picture.at("answer", col, row) for row, col in corners])
    outline = np.array([picture.data("answer", p) for p in path])
    picture.drag(path)
    wanted = np.argwhere(pixels_inside(outline, SHAPE)).tolist()
    book.until(f"__import__('numpy').argwhere({LABELS} == {X}.active).tolist()", wanted)
    picture.settle()


def test_the_eraser_takes_paint_away(picture):
    book = picture.book
    picture.panel.get_by_label("class", exact=True).select_option(label="eraser")
    book.until(f"{X}.active", 0)
    press(picture, "Paint")  # by keyboard alone: a dab at row and column
    picture.panel.get_by_label("row", exact=True).fill("108")
    picture.panel.get_by_label("column", exact=True).fill("15")
    picture.panel.get_by_label("column", exact=True).press("Tab")
    picture.panel.get_by_text("brush", exact=True).click()
    book.until(f"{X}.tool", "brush")
    press(picture, "Paint")
    book.until(f"int({LABELS}[108, 15])", 0)
    assert book.ask(f"int({LABELS}[108, 12])") > 0


def test_suggestions_are_shown_and_accepted(picture):
    book, before = picture.book, picture.settle()
    picture.panel.get_by_label("angle (rad)").fill("0.02")
    picture.panel.get_by_label("angle (rad)").press("Tab")
    press(picture, "Suggest")
    book.until(f"{X}.suggested is not None", True)
    assert (picture.settle() != before).any()
    count = book.ask(f"int({X}.painting.counts().sum())")
    press(picture, "Accept")
    book.until(f"int({X}.painting.counts().sum()) > {count}", True)
    press(picture, "Undo")
    book.until(f"int({X}.painting.counts().sum())", count)


def test_fit_shows_map_and_confidence_then_a_correction_and_another_fit(picture, shot):
    book = picture.book
    for _ in range(2):
        book.do("_old = painter.prediction")
        before = picture.settle()
        picture.panel.get_by_label("model", exact=True).select_option(label="linear discriminant (instant)")
        press(picture, "Fit")
        book.until(f"{X}.prediction is not _old and {X}.method", "lda", 60)
        assert (picture.settle() != before).any(), "the map on the right did not change"
        book.do(f"{X}.choose(1, 'brush')\n{X}.brush(__import__('numpy').array([[40.0, 90.0], [60.0, 92.0]]))")
    picture.panel.get_by_label("show", exact=True).select_option(label="confidence")
    book.until(f"{X}.layer", "confidence")
    picture.settle()
    shot(book.page, "15_confidence")


def test_a_long_fit_shows_progress_other_controls_answer_and_it_can_be_stopped(picture):
    book = picture.book
    book.do("_old = painter.prediction")
    picture.panel.get_by_label("model", exact=True).select_option(label="2-D CNN (under a minute)")
    book.until(f"{X}.method", "cnn2d")
    press(picture, "Fit")
    busy = picture.panel.locator(".hsikit-busy")
    busy.wait_for(state="visible")
    radius = picture.panel.locator(".widget-slider", has_text="radius").locator(".noUi-handle")
    radius.focus()
    book.page.keyboard.press("ArrowRight")
    book.until(f"{X}.radius", 3)  # answered while the model is fitted
    busy.get_by_role("button", name="Stop").click()
    book.until(f"[{X}.busy, {X}.message]", [False, "Stopped; everything stays as it was."])
    busy.wait_for(state="hidden")
    assert book.ask(f"{X}.prediction is _old")


def test_labels_are_saved_and_come_back(picture, server):
    book = picture.book
    for name in ("mine.tif", "mine.npz"):
        book.do("_kept = painter.painting.labels.copy()")
        picture.panel.get_by_label("file", exact=True).fill(name)
        press(picture, "Save")
        book.until(f"{X}.message.startswith('Wrote')", True)
        assert (server.root / name).stat().st_size > 100
        book.do(f"{X}.choose(0)\n{X}.box(0, 0, 144, 144)")
        book.until(f"int({X}.painting.counts().sum())", 0)
        press(picture, "Load")
        book.until(f"bool(({LABELS} == _kept).all())", True)
    picture.settle()


def test_bad_input_is_a_message_in_the_panel(picture):
    book = picture.book
    for name, said in (("labels.doc", ".tif or .npz"), ("nowhere.npz", "nowhere.npz"), (" ", "no file is named")):
        picture.panel.get_by_label("file", exact=True).fill(name)
        press(picture, "Load")
        picture.panel.locator(".hsikit-message", has_text=said).wait_for()
    assert book.ask(f"len({X}.failures)") == 0
