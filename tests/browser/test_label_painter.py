"""Notebook 15 in JupyterLab: paint, correct, fit, look, save and load, as someone without labels would."""

import time
from itertools import pairwise

import numpy as np
import pytest
from lab import Notebook, corners_to_path, drag

from hsikit.explore.marks import disc, pixels_inside

NOTEBOOK = "15_label_your_scene"
X = "painter"
SHAPE = (145, 145)
LABELS = f"{X}.labels"
FAULTS = {
    "rows for columns": ("_t = type(painter); _kept_drag = _t.drag\n"
                         "_t.drag = lambda self, points: _kept_drag(self, points[:, ::-1])", "_t.drag = _kept_drag"),
    "a stale map": ("_t = type(painter._view); _kept_refresh = _t.refresh; _t.refresh = lambda self: None",
                    "_t.refresh = _kept_refresh"),
}  # fmt: skip


def pixels_of(book, condition: str) -> list:
    return book.ask(f"__import__('numpy').argwhere({condition}).tolist()")


def choose(board, tool: str) -> None:
    board.panel.get_by_role("button", name=tool, exact=True).first.click()
    board.book.until(f"{X}.tool", tool)
    board.book.page.wait_for_timeout(100)  # the browser hears of it too


def stroke(board, chart: str, corners, midway=None) -> np.ndarray:
    """Drag the brush along corners (row, col); the pixels that it must have taken (row, col)."""
    path = corners_to_path([board.at(row, col, chart) for row, col in corners])
    points = np.array([board.xy(chart, p) for p in path])
    radius = board.book.ask(f"{X}.radius")
    wanted = np.zeros(SHAPE, bool)
    for a, b in pairwise(map(tuple, points)):
        wanted |= disc(np.array([a, b]), radius, SHAPE)
    drag(board.book.page, path, midway)
    return wanted


def stroke_and_check(board) -> None:
    """A stroke takes its pixels, and the map on the screen shows it."""
    wanted = stroke(board, "map", ((30, 100), (34, 120)))
    expected = np.argwhere(wanted | np.array(board.book.ask("_held.tolist()"))).tolist()
    board.book.until(f"__import__('numpy').argwhere({LABELS} == 2).tolist()", expected)
    board.settled("map", seconds=3)


def test_the_notebook_runs_without_errors(book):
    assert book.cell_errors() == []


def test_a_new_class_is_added_and_brushed(board, shot):
    book, before = board.book, board.screen("map")
    board.page_of("Classes")
    board.panel.get_by_label("new class").fill("road")
    board.press("Add")
    book.until(f"{X}.class_name({X}.active)", "road")
    choose(board, "brush")
    book.do("_before = painter.labels.copy()")
    seen = []

    def midway():
        time.sleep(0.3)
        seen.append(board.screen("map"))
        shot(book.page, "15_brush")

    wanted = stroke(board, "map", ((8, 110), (8, 130), (20, 130)), midway)
    book.until(f"bool({X}.counts()[-1] > 0)", True)
    assert pixels_of(book, f"{LABELS} == {X}.active") == np.argwhere(wanted).tolist()
    assert (seen[0] != before).any(), "no brush while dragging"
    board.settled("map", "answer")
    shot(book.page, "15_painted")


def test_undo_and_redo_by_buttons_and_keys(board):
    book = board.book
    book.do("_after = painter.labels.copy()")
    board.press("Undo")
    book.until(f"bool(({LABELS} == _before).all())", True)
    board.settled("map")
    board.press("Redo")
    book.until(f"bool(({LABELS} == _after).all())", True)
    board.canvases["map"].focus()
    book.page.keyboard.press("Control+z")
    book.until(f"bool(({LABELS} == _before).all())", True)
    book.page.keyboard.press("Control+y")
    book.until(f"bool(({LABELS} == _after).all())", True)
    book.page.keyboard.press("Control+z")
    for key, expression, wanted in (("2", f"{X}.active", 2), ("]", f"{X}.radius", 3), ("[", f"{X}.radius", 2)):
        book.page.keyboard.press(key)
        book.until(expression, wanted)
    board.settled("map")


def test_a_lasso_paints_exactly_what_it_encloses_on_the_map_of_the_model_too(board):
    book = board.book
    choose(board, "lasso")
    corners = [(100, 5), (100, 25), (115, 25), (115, 5), (102, 5)]
    path = corners_to_path([board.at(row, col, "answer") for row, col in corners])
    outline = np.array([board.xy("answer", p) for p in path])
    book.do("_held = painter.labels == painter.active")
    drag(book.page, path)
    wanted = np.argwhere(pixels_inside(outline, SHAPE)).tolist()
    book.until(f"__import__('numpy').argwhere(({LABELS} == {X}.active) & ~_held).tolist()", wanted)
    board.settled("map", "answer")


def test_fill_picker_and_legend(board):
    book = board.book
    board.panel.locator(".hsikit-legend button", has_text="hay").first.click()
    book.until(f"{X}.class_name({X}.active)", "hay")
    choose(board, "fill")
    old = pixels_of(book, f"{LABELS} == {LABELS}[108, 15]")
    board.click(board.at(108, 15))
    book.until(f"{X}.class_name(int({LABELS}[108, 15]))", "hay")
    assert [108, 15] in old
    board.settled("map")
    board.press("Undo")
    choose(board, "picker")
    board.click(board.at(108, 15))
    book.until(f"{X}.active", book.ask(f"int({LABELS}[108, 15])"))
    choose(board, "brush")
    row, col = book.ask(f"__import__('numpy').argwhere({LABELS} == 5)[0].tolist()")
    book.page.keyboard.down("Control")
    board.click(board.at(row, col))
    book.page.keyboard.up("Control")
    book.until(f"{X}.active", 5)  # with any tool


def test_the_eraser_takes_paint_away(board):
    book = board.book
    choose(board, "eraser")
    wanted = stroke(board, "map", ((104, 15), (110, 15)))
    book.until(f"int({LABELS}[108, 15])", 0)
    assert not np.array(book.ask(f"{LABELS}.tolist()"))[wanted].any()
    assert book.ask(f"int({LABELS}[108, 20])") > 0
    board.settled("map")
    board.panel.get_by_label("class", exact=True).select_option(label="1 corn")
    board.page_of("By number")  # by keyboard alone: a dab at row and column
    board.panel.get_by_label("row", exact=True).fill("108")
    board.panel.get_by_label("column", exact=True).fill("20")
    board.panel.get_by_label("column", exact=True).press("Tab")
    board.press("Paint")
    book.until(f"int({LABELS}[108, 20])", 0)
    choose(board, "brush")


def test_suggestions_are_shown_and_accepted(board):
    book, before = board.book, board.screen("map")
    board.page_of("Alike")
    board.panel.get_by_label("angle (rad)").fill("0.02")
    board.panel.get_by_label("angle (rad)").press("Tab")
    board.press("Suggest")
    book.until(f"{X}.suggested is not None", True)
    board.settled("map")
    assert (board.screen("map") != before).any()
    count = book.ask(f"int({X}.counts().sum())")
    board.press("Accept")
    book.until(f"int({X}.counts().sum()) > {count}", True)
    board.press("Undo")
    book.until(f"int({X}.counts().sum())", count)


def test_fit_shows_map_and_confidence_then_a_correction_and_another_fit(board, shot):
    book = board.book
    board.page_of("Fit")
    for _ in range(2):
        book.do("_old = painter.prediction")
        before = board.screen("answer")
        board.panel.get_by_label("model", exact=True).select_option(label="linear discriminant (instant)")
        board.press("Fit")
        book.until(f"{X}.prediction is not _old and {X}.method", "lda", 60)
        board.settled("answer")
        assert (board.screen("answer") != before).any(), "the map on the right did not change"
        book.do(f"{X}.choose(1, 'brush')\n{X}.brush(__import__('numpy').array([[40.0, 90.0], [60.0, 92.0]]))")
    board.panel.get_by_label("show", exact=True).select_option(label="confidence")
    book.until(f"{X}.layer", "confidence")
    board.settled("map", "answer")
    shot(book.page, "15_confidence")


def test_a_long_fit_shows_progress_other_controls_answer_and_it_can_be_stopped(board):
    book = board.book
    book.do("_old = painter.prediction")
    board.page_of("Fit")
    board.panel.get_by_label("model", exact=True).select_option(label="2-D CNN (under a minute)")
    book.until(f"{X}.method", "cnn2d")
    board.press("Fit")
    busy = board.panel.locator(".hsikit-busy")
    busy.wait_for(state="visible")
    radius = board.panel.locator(".widget-slider", has_text="radius").locator(".noUi-handle")
    radius.focus()
    book.page.keyboard.press("ArrowRight")
    book.until(f"{X}.radius", 3)  # answered while the model is fitted
    busy.get_by_role("button", name="Stop").click()
    book.until(f"[{X}.busy, {X}.message]", [False, "Stopped; everything stays as it was."])
    busy.wait_for(state="hidden")
    assert book.ask(f"{X}.prediction is _old")


def test_labels_are_saved_come_back_and_are_not_written_over(board, server):
    book = board.book
    board.page_of("Files")
    for name in ("mine.tif", "mine.npz"):
        book.do("_kept = painter.labels.copy()")
        board.panel.get_by_label("file", exact=True).fill(name)
        board.press("Save")
        book.until(f"{X}.message.startswith('Wrote')", True)
        assert (server.root / name).stat().st_size > 100
        book.do(f"{X}.choose(0)\n{X}.box(0, 0, 144, 144)")
        book.until(f"int({X}.counts().sum())", 0)
        board.panel.get_by_label("file", exact=True).fill(name)
        board.press("Load")
        book.until(f"bool(({LABELS} == _kept).all())", True)
        board.press("Save")
        board.panel.locator(".hsikit-message", has_text="there already").wait_for()
    board.settled("map")


def test_bad_input_is_a_message_in_the_panel(board):
    board.page_of("Files")
    for name, said in (("labels.doc", ".tif or .npz"), ("nowhere.npz", "nowhere.npz"), (" ", "no file is named")):
        board.panel.get_by_label("file", exact=True).fill(name)
        board.press("Load")
        board.panel.locator(".hsikit-message", has_text=said).wait_for()
    assert board.book.ask(f"len({X}.failures)") == 0


def test_the_panel_fits_its_cell_at_every_size(board):
    page = board.book.page
    for size in ((1440, 900), (1280, 800), (900, 800)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_timeout(500)
        panel = board.panel.bounding_box()
        assert panel["height"] <= 640
        for canvas in board.canvases.values():
            box = canvas.bounding_box()
            assert panel["x"] <= box["x"]
            assert box["x"] + box["width"] <= panel["x"] + panel["width"] + 1
    page.set_viewport_size({"width": 1280, "height": 1500})


def test_a_stroke_is_what_it_should_be_without_faults(board):
    board.book.do(f"{X}.choose(2, 'brush', 1)\n_held = painter.labels == 2")
    stroke_and_check(board)
    board.book.do(f"{X}.undo()")


@pytest.mark.parametrize("fault", FAULTS)
def test_seeded_faults_are_caught(board, fault, monkeypatch):
    book = board.book
    book.do(f"{X}.choose(2, 'brush', 1)")
    code, back = FAULTS[fault]
    book.do(f"_held = painter.labels == 2\n{code}")
    try:
        with monkeypatch.context() as hurry:
            hurry.setattr(book, "until", lambda e, wanted, seconds=4: Notebook.until(book, e, wanted, 4))
            with pytest.raises(AssertionError):
                stroke_and_check(board)
    finally:
        book.do(f"{back}\n{X}.undo()")
