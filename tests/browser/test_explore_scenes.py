"""Notebook 10 in JupyterLab: a click, a lasso and a slider reach the right pixels, and seeded faults are caught."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from lab import Notebook, Picture

import hsikit
from hsikit.explore.redraw import pixels_inside

ROOT = Path(__file__).parents[2]
X = "_explorer"
PIXELS = f"[] if {X}.current is None else {X}.current.pixels.tolist()"


@pytest.fixture(scope="module")
def book(chromium, server, shot):
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    book = Notebook(page, server, server.add(ROOT / "notebooks" / "10_explore_scenes.ipynb"))
    book.do(f"{X} = [o for o in Out.values() if type(o).__name__ == 'SpectraExplorer'][-1]")
    yield book
    shot(page, "10_explore_scenes")
    assert book.callback_errors() == []
    page.close()


@pytest.fixture
def picture(book):
    picture = Picture(book, X)
    book.do(f"{X}._view.redraw.full = True\n{X}._show()")  # every check begins with a whole frame
    picture.settle()
    return picture


@pytest.fixture(scope="module")
def scene():
    return hsikit.load_scene("indian_pines")


def click_and_check(picture, scene, row, col):
    """Click a pixel: its own spectrum is the current one, and the screen has changed to what the kernel drew."""
    before = picture.settle()
    client = picture.at("map", col, row)
    x, y = picture.data("map", client)  # whole client pixels: the pixel that was really hit
    wanted = [round(y), round(x)]
    picture.click(client)
    picture.book.until(PIXELS, [wanted])
    shown = np.array(picture.book.ask(f"{X}.current.mean.tolist()"))
    np.testing.assert_allclose(shown, scene.hsi[wanted[0], wanted[1]])
    assert picture.book.ask(f"len({X}.failures)") == 0
    assert (picture.settle() != before).any(), "the picture did not change"


def lasso_and_check(picture, scene, corners, look=None):
    """Drag around pixels: exactly those whose centres lie inside are selected.

    Edges run along rows and columns, so that a busy browser may merge moves on the way without changing the outline.
    """
    client = [picture.at("map", col, row) for row, col in corners]
    path = [tuple(np.round(np.array(a) + (np.array(b) - a) * t).astype(int).tolist())
            for a, b in pairwise(client) for t in (0.0, 0.0, 0.5, 1.0)] + [client[-1]]  # fmt: skip
    outline = np.array([picture.data("map", point) for point in path])
    wanted = np.argwhere(pixels_inside(outline, scene.shape)).tolist()
    assert len(wanted) > 100
    picture.drag(path, look)
    picture.book.until(PIXELS, wanted)
    assert picture.book.ask(f"len({X}.failures)") == 0


def test_the_notebook_runs_without_errors(book):
    assert book.cell_errors() == []
    assert [line for line in book.console if "hsikit" in line or "matplotlib" in line] == []


@pytest.mark.parametrize(("row", "col"), [(20, 100), (110, 33)])
def test_a_click_gives_the_spectrum_of_that_pixel(picture, scene, row, col):
    click_and_check(picture, scene, row, col)


def test_a_lasso_selects_the_pixels_inside_and_shows_its_line(picture, scene, shot):
    before, midway = picture.settle(), []
    look = lambda: midway.append(picture.settle())  # noqa: E731
    lasso_and_check(picture, scene, [(30, 30), (30, 70), (50, 70), (50, 55), (75, 55), (75, 30), (33, 30)], look)
    assert (midway[0] != before).any(), "no line while dragging"
    picture.settle()


def test_a_slider_follows_the_keyboard(picture):
    before, frame = picture.book.ask(f"int({X}.band)"), picture.settle()
    slider = picture.book.page.locator(".widget-slider", has_text="one band").first
    slider.locator(".noUi-handle").focus()
    for _ in range(3):
        picture.book.page.keyboard.press("ArrowRight")
    picture.book.until(f"{X}.mode", "one band")
    picture.book.until(f"int({X}.band) > {before}", True)
    assert (picture.settle() != frame).any()
    picture.book.do(f"{X}.show('true colour')")


FAULTS = {
    "row and column swapped": "{c}.pick = lambda self, row, col: _pick(self, col, row)",
    "the neighbour's spectrum": "{c}.pick = lambda self, row, col: _pick(self, row + 1, col)",
    "a stale frame": "type({x}._view).refresh = lambda self: None",
    "a callback that raises": "{c}.pick = lambda self, row, col: 1 / 0",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_in_a_click_is_caught(picture, scene, fault, monkeypatch):
    book, c = picture.book, f"type({X})"
    keep = f"_pick, _refresh = {c}.pick, type({X}._view).refresh"
    monkeypatch.setattr(book, "until", lambda e, wanted, seconds=2: Notebook.until(book, e, wanted, 2))
    book.do(keep + "\n" + FAULTS[fault].format(c=c, x=X))
    try:
        with pytest.raises(AssertionError):
            click_and_check(picture, scene, 60, 90)
    finally:
        book.do(f"{c}.pick, type({X}._view).refresh = _pick, _refresh\n{X}.failures.clear()\n{X}._show()")
    click_and_check(picture, scene, 62, 70 + 8 * list(FAULTS).index(fault))  # mended: another pixel each time


def test_an_invisible_lasso_is_caught(picture, scene):
    book, line = picture.book, f"{X}._panel.gestures.line"
    before = picture.settle()
    frames = []
    book.do(f"_shown = {line}.set_visible\n{line}.set_visible = lambda v: _shown(False)")
    try:
        path = [picture.at("map", col, row) for row, col in ((40, 40), (40, 60), (60, 60), (60, 40))]
        picture.drag(path, lambda: frames.append(picture.settle()))
    finally:
        book.do(f"{line}.set_visible = _shown")
    assert (frames[0] == before).all(), "the fault did not hide the line, so the check proves nothing"
