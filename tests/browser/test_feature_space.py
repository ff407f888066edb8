"""Notebook 50 in JupyterLab: what is lassoed in a cloud lights up on the map, in the other cloud, and back."""

import numpy as np
import pytest
from lab import Notebook, Picture, corners_to_path

from hsikit.explore.marks import inside, pixels_inside

NOTEBOOK = "50_feature_space"
X = "walk"
LIT = f"__import__('numpy').flatnonzero({X}.lit).tolist()"


@pytest.fixture
def picture(book):
    picture = Picture(book, X)
    book.do(f"{X}.show('input', 'pca', beside='exit 1, self-distillation')\n{X}.clear()")
    picture.whole()
    return picture


def lasso_and_check(picture, axes, cloud, seconds=10):
    """Drag a lasso in a cloud: exactly the points inside light up, and they alone are coloured on the map."""
    book, before = picture.book, picture.settle()
    xy = np.array(book.ask(f"{X}.{cloud}.tolist()"))
    low, high = np.quantile(xy, 0.15, axis=0), np.quantile(xy, 0.6, axis=0)
    corners = [low, (high[0], low[1]), high, (low[0], high[1]), (low[0], low[1] + 0.05 * (high[1] - low[1]))]
    path = corners_to_path([picture.at(axes, x, y) for x, y in corners])
    outline = np.array([picture.data(axes, p) for p in path])
    wanted = np.flatnonzero(inside(outline, xy))
    assert len(wanted) > 50
    picture.drag(path)
    book.until(LIT, wanted.tolist(), seconds)
    shown = picture.cells("map", (145, 145))[..., :3].astype(int)
    rowcol, labels = np.array(book.ask(f"{X}.rowcol.tolist()")), np.array(book.ask(f"{X}.labels.tolist()"))
    colours = book.ask(f"list({X}.scene.colors)")
    table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours])
    lit = rowcol[wanted]
    assert np.abs(shown[tuple(lit.T)] - table[labels[wanted] - 1]).max() < 3, "lit pixels are not in their colours"
    dark = np.ones(shown.shape[:2], bool)
    dark[tuple(lit.T)] = False
    assert np.ptp(shown[dark], axis=1).max() < 3, "pixels that are not lit are coloured on the map"
    assert (picture.settle() != before).any()
    assert book.ask(f"len({X}.failures)") == 0


def test_the_notebook_runs_without_errors(book):
    assert book.cell_errors() == []
    assert book.ask(f"[{X}.space, {X}.beside]") == ["input", "exit 1, self-distillation"]


def test_a_lasso_in_the_left_cloud_lights_the_map(picture, shot):
    lasso_and_check(picture, "axes", "xy")
    shot(picture.book.page, "50_lasso_left")


def test_a_lasso_in_the_right_cloud_lights_the_same_explorer(picture, shot):
    lasso_and_check(picture, "second", "xy_beside")
    shot(picture.book.page, "50_lasso_right")


def test_a_box_on_the_map_lights_the_cloud(picture):
    book, before = picture.book, picture.settle()
    picture.panel.get_by_text("box", exact=True).click()
    path = corners_to_path([picture.at("map", 30, 30), picture.at("map", 95, 75)])
    (x0, y0), (x1, y1) = picture.data("map", path[0]), picture.data("map", path[-1])
    mask = pixels_inside(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), (145, 145))
    picture.drag(path)
    pixels = np.array(book.ask(f"{X}.pixels.tolist()"))
    book.until(LIT, np.flatnonzero(mask.ravel()[pixels]).tolist())
    assert (picture.settle() != before).any()
    picture.panel.get_by_text("lasso", exact=True).click()


def test_a_class_toggle_takes_its_points_away(picture):
    book, before = picture.book, picture.settle()
    box = picture.panel.get_by_label("11 soybean-mintill")
    box.uncheck()
    book.until(f"11 in {X}.classes_shown", False)
    assert (picture.settle() != before).any()
    box.check()
    book.until(f"11 in {X}.classes_shown", True)


def test_the_perplexity_follows_the_keyboard_with_progress_and_can_be_stopped(picture, shot):
    book = picture.book
    picture.panel.get_by_label("picture", exact=True).select_option(label="t-SNE")
    book.until(f"{X}.method", "tsne", 90)
    slider = picture.panel.locator(".widget-slider", has_text="perplexity").locator(".noUi-handle")
    before, frame = book.ask(f"int({X}.perplexity)"), picture.settle()
    slider.focus()
    book.page.keyboard.press("ArrowLeft")
    busy = picture.panel.locator(".hsikit-busy")
    busy.wait_for(state="visible")
    shot(book.page, "50_progress")
    busy.get_by_role("button", name="Stop").click()
    book.until(f"[{X}.busy, int({X}.perplexity)]", [False, before])
    book.page.wait_for_function("([s, v]) => +s.ariaValueNow === v", arg=[slider.element_handle(), before])
    slider.focus()  # back where it stood also on the screen: a key counts from there
    book.page.keyboard.press("ArrowLeft")
    book.until(f"int({X}.perplexity)", before - 1, 90)
    assert (picture.settle() != frame).any()


def test_numbers_and_tables_come_without_being_asked(picture):
    picture.book.until(f"'trust' in {X}._view.text.get_text()", True, 60)
    picture.settle()


FAULTS = {
    "x and y swapped": f"_c = type({X}); _kept = _c.select_points\n"
    "_c.select_points = lambda self, o, beside=False: _kept(self, o[:, ::-1], beside)",
    "the other cloud": f"_c = type({X}); _kept = _c.select_points\n"
    "_c.select_points = lambda self, o, beside=False: _kept(self, o, not beside)",
    "a stale frame": f"_c = type({X}._view); _kept = _c.refresh; _c.refresh = lambda self: None",
    "a callback that raises": f"_c = type({X}); _kept = _c.select_points\n"
    "_c.select_points = lambda self, o, beside=False: 1 / 0",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_is_caught(picture, fault, monkeypatch):
    book = picture.book
    name = "refresh" if fault == "a stale frame" else "select_points"
    # The gestures hold bound methods; they look the function up anew, as the panel is built again.
    book.do(FAULTS[fault] + f"\n{X}._panel.connect({X}._view)")
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted, seconds=2: Notebook.until(book, e, wanted, 2))
        try:
            with pytest.raises(AssertionError):
                lasso_and_check(picture, "axes", "xy")
        finally:
            book.do(f"_c.{name} = _kept\n{X}._panel.connect({X}._view)\n{X}.failures.clear()")
