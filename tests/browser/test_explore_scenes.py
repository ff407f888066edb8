"""Notebook 10 in JupyterLab: click, lasso, legend and sliders reach the right pixels, and seeded faults are caught."""

import time

import numpy as np
import pytest
from lab import Central, Notebook, corners_to_path, drag

import hsikit
from hsikit.explore.marks import pixels_inside

X = "_explorer"
PIXELS = f"[] if {X}.current is None else {X}.current.pixels.tolist()"
CORNERS = [(30, 30), (30, 70), (50, 70), (50, 55), (75, 55), (75, 30), (33, 30)]  # row, column


@pytest.fixture(scope="module")
def book(opened):
    book = opened("10_explore_scenes")
    book.do(f"{X} = [o for o in Out.values() if type(o).__name__ == 'SpectraExplorer'][0]")
    return book


@pytest.fixture
def central(book):
    central = Central(book, X)
    book.do(f"{X}._panel.tool.value = 'pan'; {X}.clear(); {X}.show('true colour')")
    central.shows_map(sent_map(central))
    return central


@pytest.fixture(scope="module")
def scene():
    return hsikit.load_scene("indian_pines")


def sent_map(central) -> np.ndarray:
    """The picture of the explorer, as its class computes it (not as it was sent)."""
    code = f"__import__('base64').b64encode((255 * {X}.picture() + 0.5).astype('uint8').tobytes()).decode()"
    import base64

    rows, cols = (central.head("map")[n] for n in ("rows", "cols"))
    return np.frombuffer(base64.b64decode(central.book.ask(code)), np.uint8).reshape(rows, cols, 3)


def click_and_check(central, scene, row, col, seconds=8):
    """Click a pixel: its own spectrum is picked and stands on the screen, with a ring around the pixel."""
    book, before = central.book, central.screen()
    client = central.at(row, col)
    y, x = central.place(client)  # whole client pixels: the pixel that was really hit
    wanted = [round(y), round(x)]
    central.click(client)
    book.until(PIXELS, [wanted])
    spectrum = scene.hsi[wanted[0], wanted[1]].astype(float)
    np.testing.assert_allclose(book.ask(f"{X}.current.mean.tolist()"), spectrum)
    assert book.ask(f"len({X}.failures)") == 0
    central.shows_line(spectrum, book.ask(f"{X}.current.colour"), seconds)
    assert (central.screen() != before).any(), "the picture did not change"


def lasso_and_check(central, scene, look=None, seconds=8):
    """Drag around pixels: exactly those whose centres lie inside are selected, and coloured on the map."""
    book = central.book
    central.tool("lasso")
    path = corners_to_path([central.at(*corner) for corner in CORNERS])
    outline = np.array([central.place(point)[::-1] for point in path])  # x = column, y = row
    mask = pixels_inside(outline, scene.shape)
    assert mask.sum() > 100
    drag(book.page, path, look)
    book.until(PIXELS, np.argwhere(mask).tolist())
    colour = book.ask(f"{X}.current.colour")
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    plain = sent_map(central)
    wanted = np.where(mask[..., None], np.rint(0.4 * plain + 0.6 * rgb), plain).astype(int)
    end = time.monotonic() + seconds
    while (np.abs(central.cells() - wanted) > 3).any():
        assert time.monotonic() < end, "the map does not show the pixels that were selected"
        time.sleep(0.1)


def trail_shows(central, before) -> bool:
    """Whether black edges of the drawn outline stand on the map."""
    now = central.screen().astype(int)
    added = (now.sum(2) < 60) & (before.astype(int).sum(2) > 150)
    return int(added.sum()) > 100


def test_the_notebook_runs_and_nothing_moves_by_itself(book, shot):
    assert book.cell_errors() == []
    assert book.ask(f"[{X}.mode, len({X}.spectra)]") == ["true colour", 3]  # those that the notebook picked
    assert book.ask(f"{X}.message").startswith("Click a pixel")
    shot(book.page, "10_opened")


@pytest.mark.parametrize(("row", "col"), [(20, 100), (110, 33)])
def test_a_click_gives_the_spectrum_of_that_pixel(central, scene, row, col, shot):
    click_and_check(central, scene, row, col)
    shot(central.book.page, f"10_click_{row}_{col}")


def test_a_lasso_selects_the_pixels_inside_and_shows_its_line(central, scene, shot):
    before, seen = central.screen(), []

    def look():
        time.sleep(0.3)
        seen.append(trail_shows(central, before))
        shot(central.book.page, "10_lasso")

    lasso_and_check(central, scene, look)
    assert seen == [True], "no line while dragging"
    shot(central.book.page, "10_selected")


def test_a_slider_follows_the_keyboard_and_the_map_follows_the_slider(central, shot):
    before, map_before = central.book.ask(f"int({X}.band)"), central.cells()
    slider = central.book.page.locator(".under-test .widget-slider", has_text="one band").first
    slider.locator(".noUi-handle").focus()
    for _ in range(3):
        central.book.page.keyboard.press("ArrowRight")
    central.book.until(f"[{X}.mode, int({X}.band)]", ["one band", before + 3])
    central.shows_map(sent_map(central))
    assert (central.cells() != map_before).any()
    shot(central.book.page, "10_band")


def test_arrow_keys_move_the_picked_pixel_and_stay_with_the_map(central, scene):
    cell = central.book.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex")
    click_and_check(central, scene, 60, 80)
    row, col = central.book.ask(PIXELS)[0]
    for key, step in (("ArrowRight", (0, 1)), ("ArrowDown", (1, 0)), ("ArrowLeft", (0, -1)), ("ArrowUp", (-1, 0))):
        central.book.page.keyboard.press(key)
        row, col = row + step[0], col + step[1]
        central.book.until(PIXELS, [[row, col]])
    assert central.book.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex") == cell


def test_the_legend_toggles_a_class_mean_by_keyboard(central, scene):
    entry = central.book.page.locator(".under-test .hsikit-legend button", has_text="woods")
    assert entry.get_attribute("aria-pressed") == "false"
    entry.focus()
    central.book.page.keyboard.press("Enter")
    central.book.until(f"sorted({X}.classes_shown)", [14])
    central.shows_line(scene.hsi[scene.labels == 14].mean(0), scene.colors[13])
    entry.and_(central.book.page.locator("[aria-pressed=true]")).wait_for()
    central.book.page.keyboard.press("Enter")
    central.book.until(f"sorted({X}.classes_shown)", [])


def test_a_click_on_the_spectra_shows_that_band(central):
    central.click(central.at_band(1650.0))
    central.book.until(f"[bool(abs({X}.x[{X}.band] - 1650) < 20), {X}.mode]", [True, "one band"])
    central.shows_map(sent_map(central))


def drag_mark_and_check(central, place, to, seconds=8):
    """Drag the mark of a band: that band alone changes, to the one whose wavelength is nearest, and the map with it."""
    book = central.book
    before = book.ask(f"[int(b) for b in {X}.rgb_bands]")
    start, end = (central.at_band(nm) for nm in (book.ask(f"float({X}.x[{before[place]}])"), to))
    drag(book.page, [start, ((start[0] + end[0]) // 2, start[1]), end, end])
    hit, _ = central.xy("spectra", end)
    wanted = list(before)
    wanted[place] = book.ask(f"int({X}.facts.band_at({hit}))")
    book.until(f"[int(b) for b in {X}.rgb_bands]", wanted, *([seconds] if seconds < 8 else []))
    central.shows_map(sent_map(central), seconds=seconds)


@pytest.mark.parametrize(("place", "to"), [(0, 1050.0), (2, 800.0)])
def test_the_mark_of_a_band_is_dragged(central, place, to, shot):
    drag_mark_and_check(central, place, to)
    shot(central.book.page, f"10_mark_{place}")


def test_the_wheel_zooms_a_drag_moves_and_a_double_click_shows_all_and_picks_nothing(central, scene):
    page, whole = central.book.page, central.places("map")["view"]
    spot, under = central.at(40, 100), central.place(central.at(40, 100))
    page.mouse.move(*spot)
    for _ in range(3):
        page.mouse.wheel(0, -100)
    page.wait_for_timeout(300)
    zoomed = central.places("map")["view"]
    assert zoomed[2] - zoomed[0] == pytest.approx(0.8**3 * (whole[2] - whole[0]))
    assert central.place(spot) == pytest.approx(under)  # what was under the mouse still is
    drag(page, [spot, (spot[0] - 10, spot[1] - 10), (spot[0] - 30, spot[1] + 20)])
    page.wait_for_timeout(300)
    assert central.place((spot[0] - 30, spot[1] + 20)) == pytest.approx(under)
    click_and_check(central, scene, 40, 100)  # clicks find their pixels while zoomed
    picked = central.book.ask(f"len({X}.spectra)")
    page.wait_for_timeout(600)
    page.mouse.dblclick(*central.at(50, 90))
    page.wait_for_timeout(500)
    assert central.places("map")["view"] == whole
    assert central.book.ask(f"len({X}.spectra)") == picked
    page.mouse.move(*central.at_band(900))
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(300)
    (low, _, high, _), home = (central.places("spectra")[what] for what in ("view", "home"))
    assert high - low == pytest.approx(0.8 * (home[2] - home[0]))
    page.mouse.dblclick(*central.at_band(1250))
    page.wait_for_timeout(500)
    assert central.places("spectra")["view"] == home
    assert central.book.ask(f"{X}.mode") == "true colour"


def test_ctrl_keeps_a_spectrum_and_undo_brings_back_what_was_cleared(central):
    page, book = central.book.page, central.book
    page.keyboard.down("Control")
    central.click(central.at(30, 30))
    page.keyboard.up("Control")
    book.until(f"[s.kept for s in {X}.spectra]", [True])
    page.wait_for_timeout(500)
    central.click(central.at(60, 30))
    book.until(f"[s.kept for s in {X}.spectra]", [True, False])
    page.locator(".under-test button", has_text="Clear").click()
    book.until(f"len({X}.spectra)", 0)
    page.locator(".under-test button", has_text="Undo").click()
    book.until(f"[s.kept for s in {X}.spectra]", [True, False])


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 800), (900, 800), (853, 533)])  # the last: 150 %
def test_the_panel_fits_its_cell_and_the_screen(central, width, height, shot):
    page, size = central.book.page, central.book.page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    try:
        page.wait_for_timeout(800)
        central.panel.evaluate("c => c.scrollIntoView({block: 'center'})")
        panel = page.locator(".under-test").bounding_box()
        cell = page.locator(".under-test").evaluate(
            "p => { const b = p.closest('.jp-OutputArea-output').getBoundingClientRect(); return [b.left, b.right]; }"
        )
        assert panel["height"] <= 640
        parts = page.locator(".under-test canvas, .under-test .widget-hbox, .under-test .hsikit-legend > *")
        for part in parts.all():
            box = part.bounding_box()
            if box is not None and box["width"]:
                assert box["x"] >= cell[0] - 1
                assert box["x"] + box["width"] <= cell[1] + 1
        page.mouse.move(*central.at(20, 20))
        if height >= 700:
            message = page.locator(".under-test .hsikit-message").bounding_box()
            assert 0 <= message["y"] <= height
        shot(page, f"10_fits_{width}")
    finally:
        page.set_viewport_size(size)
        page.wait_for_timeout(500)


# --- faults that these checks have to catch -------------------------------------------------------

FAULTS = {
    "row and column swapped": "{c}.pick = lambda self, row, col: _pick(self, col, row)",
    "the neighbour's spectrum": "{c}.pick = lambda self, row, col: _pick(self, row + 1, col)",
    "a stale frame": "type({x}._view).refresh = lambda self: None",
    "a callback that raises": "{c}.pick = lambda self, row, col: 1 / 0",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seeded_fault_in_a_click_is_caught(central, scene, fault, monkeypatch):
    book, c = central.book, f"type({X})"
    book.do(f"_pick, _refresh = {c}.pick, type({X}._view).refresh\n" + FAULTS[fault].format(c=c, x=X))
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted: Notebook.until(book, e, wanted, 2))
        try:
            with pytest.raises(AssertionError):
                click_and_check(central, scene, 60, 90, seconds=2)
        finally:
            book.do(f"{c}.pick, type({X}._view).refresh = _pick, _refresh\n{X}.failures.clear()\n{X}._show()")
    click_and_check(central, scene, 62, 70 + 8 * list(FAULTS).index(fault))  # mended: another pixel each time


def test_a_lasso_with_rows_and_columns_swapped_is_caught(central, scene, monkeypatch):
    book, c = central.book, f"type({X})"
    book.do(f"_outline = {c}.select_outline\n{c}.select_outline = lambda self, o: _outline(self, o[:, ::-1])")
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted: Notebook.until(book, e, wanted, 2))
        try:
            with pytest.raises(AssertionError):
                lasso_and_check(central, scene, seconds=2)
        finally:
            book.do(f"{c}.select_outline = _outline")


def test_a_lasso_whose_pixels_do_not_reach_the_map_is_caught(central, scene):
    book = central.book
    book.do(f"_view = type({X}._view)\n_refresh = _view.refresh\n_view.refresh = lambda self: None")
    try:
        with pytest.raises(AssertionError, match="does not show"):
            lasso_and_check(central, scene, seconds=2)
    finally:
        book.do(f"_view.refresh = _refresh\n{X}._show()")


def test_marks_that_move_another_band_are_caught(central, monkeypatch):
    book, c = central.book, f"type({X})"
    book.do(f"_move = {c}.move\n{c}.move = lambda self, place, at: _move(self, (place + 1) % 3, at)")
    with monkeypatch.context() as hurry:
        hurry.setattr(book, "until", lambda e, wanted, *_: Notebook.until(book, e, wanted, 2))
        try:
            with pytest.raises(AssertionError):
                drag_mark_and_check(central, 0, 1050.0, seconds=2)
        finally:
            book.do(f"{c}.move = _move")


def test_an_invisible_lasso_is_caught(central, scene):
    before, seen = central.screen(), []
    hide = "() => { const p = CanvasRenderingContext2D.prototype; p.kept = p.closePath; p.closePath = p.beginPath; }"
    central.book.page.evaluate(hide)  # what closes the outline empties it instead
    try:
        lasso_and_check(central, scene, lambda: (time.sleep(0.3), seen.append(trail_shows(central, before))))
    finally:
        central.book.page.evaluate("() => { const p = CanvasRenderingContext2D.prototype; p.closePath = p.kept; }")
    assert seen == [False], "the fault did not hide the line, so the check proves nothing"


def test_an_exception_that_nobody_catches_is_heard_on_iopub(central):
    """The harness itself: an error raised outside the guard of a callback reaches only iopub, and is found there."""
    book = central.book
    book.callback_errors()
    book.do(f"_hear = {X}._view['map'].on_msg(lambda *_: 1 / 0)")
    central.click(central.at(40, 40))
    book.until(PIXELS, [[round(v) for v in central.place(central.at(40, 40))]])
    found, end = "", time.monotonic() + 10
    while "ZeroDivisionError" not in found and time.monotonic() < end:  # on a busy machine it comes late
        found += "".join(book.callback_errors())
    book.do(f"{X}._view['map']._msg_callbacks.callbacks.pop()")
    assert "ZeroDivisionError" in found
