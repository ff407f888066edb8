"""Notebook 50 in JupyterLab: what is lassoed in a cloud lights up on the map, in the other cloud, and back."""

import numpy as np
import pytest
from lab import Board, Notebook, corners_to_path, drag

from hsikit.explore.marks import inside, pixels_inside

NOTEBOOK = "50_feature_space"
X = "walk"
LIT = f"__import__('numpy').flatnonzero({X}.lit).tolist()"


@pytest.fixture
def board(book):
    board = Board(book, X)
    book.do(f"{X}.show('input', 'pca', beside='exit 1, self-distillation')\n{X}.clear()")
    book.do(f"{X}._panel.tool.value = 'lasso'; {X}.classes_shown = set({X}.classes)")
    board.shows_map(sent_map(board))
    return board


def sent_map(board) -> np.ndarray:
    """The map as the explorer's marks compute it anew (not as it was sent)."""
    code = f"__import__('hsikit.explore.feature_marks', fromlist=['picture']).picture({X})"
    values = board.book.ask(f"(255 * {code} + 0.5).astype('uint8').ravel().tolist()")
    return np.array(values).reshape(145, 145, 3)


def lasso_and_check(board, chart, cloud, seconds=10):
    """Drag a lasso in a cloud: exactly the points inside light up, and they alone are coloured on the map."""
    book, before = board.book, board.screen(chart)
    xy = np.array(book.ask(f"{X}.{cloud}.tolist()"))
    low, high = np.quantile(xy, 0.15, axis=0), np.quantile(xy, 0.6, axis=0)
    corners = [low, (high[0], low[1]), high, (low[0], high[1]), (low[0], low[1] + 0.05 * (high[1] - low[1]))]
    path = corners_to_path([board.at_xy(chart, x, y) for x, y in corners])
    outline = np.array([board.xy(chart, p) for p in path])
    wanted = np.flatnonzero(inside(outline, xy))
    assert len(wanted) > 50
    drag(book.page, path)
    book.until(LIT, wanted.tolist(), seconds)
    rowcol, labels = np.array(book.ask(f"{X}.rowcol.tolist()")), np.array(book.ask(f"{X}.labels.tolist()"))
    colours = book.ask(f"list({X}.scene.colors)")
    table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours])
    lit = rowcol[wanted]

    def coloured() -> bool:
        shown = board.cells("map").astype(int)
        dark = np.ones(shown.shape[:2], bool)
        dark[tuple(lit.T)] = False
        return (
            np.abs(shown[tuple(lit.T)] - table[labels[wanted] - 1]).max() < 3 and np.ptp(shown[dark], axis=1).max() < 3
        )

    board._until(coloured, "the lit pixels in their colours, and no others", seconds)
    assert (board.screen(chart) != before).any()
    assert book.ask(f"len({X}.failures)") == 0


def test_the_notebook_runs_without_errors(book):
    assert book.cell_errors() == []
    assert book.ask(f"[{X}.space, {X}.beside]") == ["input", "exit 1, self-distillation"]


def test_a_lasso_in_the_left_cloud_lights_the_map(board, shot):
    lasso_and_check(board, "cloud", "xy")
    shot(board.book.page, "50_lasso_left")


def test_a_lasso_in_the_right_cloud_lights_the_same_explorer(board, shot):
    lasso_and_check(board, "beside", "xy_beside")
    shot(board.book.page, "50_lasso_right")


def test_a_box_on_the_map_lights_the_cloud(board):
    book, before = board.book, board.screen("cloud")
    board.tool("box")
    path = corners_to_path([board.at(30, 30), board.at(75, 95)])
    (y0, x0), (y1, x1) = board.place(path[0]), board.place(path[-1])
    mask = pixels_inside(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), (145, 145))
    drag(book.page, path)
    pixels = np.array(book.ask(f"{X}.pixels.tolist()"))
    book.until(LIT, np.flatnonzero(mask.ravel()[pixels]).tolist())
    board._until(lambda: (board.screen("cloud") != before).any(), "the cloud", 8)
    board.tool("lasso")


def test_a_legend_click_shows_one_class_and_ctrl_adds_another(board, shot):
    book, before = board.book, board.screen("cloud")
    entry = lambda name: board.panel.locator(".hsikit-legend button", has_text=name)  # noqa: E731
    entry("11 soybean-mintill").click()
    book.until(f"sorted({X}.classes_shown)", [11])
    entry("11 soybean-mintill").and_(book.page.locator("[aria-pressed=true]")).wait_for()
    board._until(lambda: (board.screen("cloud") != before).any(), "the cloud", 8)
    board.shows_map(sent_map(board))
    shot(book.page, "50_only")
    book.page.keyboard.down("Control")
    entry("2 corn-notill").first.click()
    book.page.keyboard.up("Control")
    book.until(f"sorted({X}.classes_shown)", [2, 11])
    board.panel.get_by_role("button", name="Undo").click()
    book.until(f"sorted({X}.classes_shown)", [11])
    entry("11 soybean-mintill").click()
    book.until(f"{X}.classes_shown == set({X}.classes)", True)


def test_hover_tells_class_and_place(board):
    book = board.book
    x, y = book.ask(f"{X}.xy[40].tolist()")
    book.page.mouse.move(*board.at_xy("cloud", x, y))
    book.page.mouse.move(*board.at_xy("cloud", x, y))
    line = board.panel.locator(".hsikit-pointer")
    book.page.wait_for_function("e => e.textContent.includes('confidence')", arg=line.element_handle())
    assert "row" in line.text_content()


def test_the_perplexity_follows_the_keyboard_with_progress_and_can_be_stopped(board, shot):
    book = board.book
    board.panel.get_by_label("picture", exact=True).select_option(label="t-SNE")
    book.until(f"{X}.method", "tsne", 90)
    slider = board.panel.locator(".widget-slider", has_text="perplexity").locator(".noUi-handle")
    before, frame = book.ask(f"int({X}.perplexity)"), board.screen("cloud")
    slider.focus()
    book.page.keyboard.press("ArrowLeft")
    busy = board.panel.locator(".hsikit-busy")
    busy.wait_for(state="visible")
    shot(book.page, "50_progress")
    busy.get_by_role("button", name="Stop").click()
    book.until(f"[{X}.busy, int({X}.perplexity)]", [False, before])
    book.page.wait_for_function("([s, v]) => +s.ariaValueNow === v", arg=[slider.element_handle(), before])
    slider.focus()  # back where it stood also on the screen: a key counts from there
    book.page.keyboard.press("ArrowLeft")
    book.until(f"int({X}.perplexity)", before - 1, 90)
    board._until(lambda: (board.screen("cloud") != frame).any(), "the cloud", 8)


def test_numbers_and_tables_come_without_being_asked(board):
    board.book.until(f"'trust' in str({X}._view['numbers'].marks['texts'])", True, 60)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 800), (900, 800)])
def test_the_panel_fits_its_cell_and_the_screen(board, width, height, shot):
    page, size = board.book.page, board.book.page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    try:
        page.wait_for_timeout(800)
        board.panel.evaluate("c => c.scrollIntoView({block: 'center'})")
        assert board.panel.bounding_box()["height"] <= 640
        cell = board.panel.evaluate(
            "p => { const b = p.closest('.jp-OutputArea-output').getBoundingClientRect(); return [b.left, b.right]; }"
        )
        for part in board.panel.locator("canvas, .widget-hbox, .hsikit-legend > *").all():
            box = part.bounding_box()
            if box is not None and box["width"]:
                assert box["x"] >= cell[0] - 1
                assert box["x"] + box["width"] <= cell[1] + 1
        shot(page, f"50_fits_{width}")
    finally:
        page.set_viewport_size(size)
        page.wait_for_timeout(500)


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
def test_a_seeded_fault_is_caught(board, fault, monkeypatch):
    book = board.book
    name = "refresh" if fault == "a stale frame" else "select_points"
    book.do(FAULTS[fault])
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted, seconds=2: Notebook.until(book, e, wanted, 2))
        try:
            with pytest.raises(AssertionError):
                lasso_and_check(board, "cloud", "xy", 2)
        finally:
            book.do(f"_c.{name} = _kept\n{X}.failures.clear()\n{X}._show()")
