"""Two linked panels driven in JupyterLab, and what a panel says when its kernel was restarted."""

import nbformat
import numpy as np
import pytest
from lab import Board, Notebook, corners_to_path, drag

from hsikit.explore.marks import pixels_inside

# Of the restart and of the notebook that is opened again, not ours.
LABS_OWN = ("Could not restore the debugger state", "Error: Canceled future for", "Error: widget model not found")
CELLS = [
    """import hsikit
from hsikit.explore import FeatureSpaceExplorer, SpectraExplorer, link
pines, mended = hsikit.load_scene("indian_pines"), hsikit.load_scene("indian_pines_repaired")
spectra = SpectraExplorer(pines)
cloud = FeatureSpaceExplorer(mended.hsi, mended.labels, mended, cap_per_class=None)
let_go = link(spectra, cloud)""",
    "spectra",
    "cloud",
]


@pytest.fixture(scope="module")
def book(chromium, server, tmp_path_factory, shot):
    source = tmp_path_factory.mktemp("linked") / "linked.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), source)
    page = chromium.new_page(viewport={"width": 1280, "height": 1700})
    book = Notebook(page, server, server.add(source))
    assert book.cell_errors() == []
    yield book
    shot(page, "linked_end")
    book.close()
    ours = [line for line in book.console if not line.startswith(LABS_OWN)]
    assert ours == []


@pytest.fixture(scope="module")
def pair(book):
    boards = Board(book, "spectra"), Board(book, "cloud")
    for board, name in zip(boards, ("one", "two")):  # each under a class of its own
        book.do(f"{board.explorer}._widget.remove_class('under-test'); {board.explorer}._widget.add_class('{name}')")
        board.panel = book.page.locator(f".{name}")
        board.canvases = {chart: board.panel.locator("canvas.hsikit-central").nth(place)
                          for place, chart in enumerate(board.canvases)}  # fmt: skip
    return boards


def test_a_click_on_one_map_is_a_place_in_the_other_panel(book, pair):
    spectra, cloud = pair
    client = spectra.at(100, 60)
    row, col = (round(v) for v in spectra.place(client))
    spectra.click(client)
    book.until("[list(spectra.place), len(spectra.entries)]", [[row, col], 1])
    book.until("[[int(v) for v in p] for p in cloud.rowcol[cloud.lit]]", [[row, col]])
    book.page.wait_for_timeout(500)
    client = cloud.at(52, 66)
    cloud.click(client)
    book.until("[cloud.place == spectra.place, len(cloud.place), int(cloud.lit.sum())]", [True, 2, 1])


def test_a_lasso_in_the_cloud_is_a_mean_spectrum_in_the_other_panel(book, pair, shot):
    spectra, cloud = pair
    before = spectra.screen("spectra")
    book.do("cloud._panel.tool.value = 'box'")
    path = corners_to_path([cloud.at(60, 20), cloud.at(100, 60)])
    (y0, x0), (y1, x1) = cloud.place(path[0]), cloud.place(path[-1])
    mask = pixels_inside(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), (145, 145))
    drag(book.page, path)
    labels = np.array(book.ask("mended.labels.tolist()"))
    wanted = np.argwhere(mask & (labels > 0)).tolist()
    book.until("[[int(v) for v in p] for p in cloud.rowcol[cloud.lit]]", wanted)
    book.until("spectra.current.pixels.tolist()", wanted)
    spectra._until(lambda: (spectra.screen("spectra") != before).any(), "the mean spectrum", 8)
    shot(book.page, "linked_selection")


def test_maps_are_zoomed_together_without_the_kernel(book, pair):
    spectra, cloud = pair
    whole = cloud.places("map")["view"]
    book.page.mouse.move(*spectra.at(40, 100))
    for _ in range(3):
        book.page.mouse.wheel(0, -100)
    book.page.wait_for_timeout(600)
    zoomed = spectra.places("map")["view"]
    assert zoomed != whole
    assert cloud.places("map")["view"] == pytest.approx(zoomed)
    book.page.mouse.dblclick(*cloud.at(*np.mean([zoomed[1::2], zoomed[::2]], axis=1)))
    book.page.wait_for_timeout(600)
    assert spectra.places("map")["view"] == cloud.places("map")["view"] == whole


def test_a_long_message_does_not_move_the_picture(book, pair):
    canvas, before = pair[0].canvases["map"], book.ask("spectra.message")
    height = canvas.bounding_box()["y"]
    for words in ("", "Short.", "word " * 200):
        book.do(f"spectra.say({words!r})")
        book.page.wait_for_timeout(300)
        assert canvas.bounding_box()["y"] == height
    book.do(f"spectra.say({before!r})")


def test_a_link_that_is_cut_is_caught(book, pair):
    """A seeded fault: the place no longer goes over."""
    spectra, _ = pair
    book.do("let_go()")
    try:
        lit = book.ask("cloud.pixels[cloud.lit].tolist()")
        spectra.click(spectra.at(20, 20))
        book.until("len(spectra.place)", 2)
        book.page.wait_for_timeout(500)
        assert book.ask("cloud.pixels[cloud.lit].tolist()") == lit
    finally:
        book.do("let_go = link(spectra, cloud)")


def test_after_a_restart_of_the_kernel_the_panel_says_what_to_do(book, pair, shot):
    page = book.page
    assert book.console == []
    told = page.locator(".one .hsikit-told")
    assert page.locator(".hsikit-left").count() == 2
    assert not page.locator(".hsikit-left").first.is_visible()  # the panel itself is there
    content = "e => getComputedStyle(e, '::after').content"
    assert told.evaluate(content) == "none"
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.locator(".one .hsikit-told.jupyter-widgets-disconnected").wait_for(timeout=30_000)
    assert "run the cell again" in told.evaluate(content)
    assert told.bounding_box()["height"] > 15
    told.evaluate("e => e.scrollIntoView({block: 'center'})")
    shot(page, "linked_restarted")


def test_a_notebook_opened_again_shows_what_was_left_and_no_error(book, pair, shot):
    """After the restart no model is there: each panel's picture stands in its place."""
    page = book.page
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(1500)
    page.reload()
    pictures = page.locator(".hsikit-left")
    pictures.first.wait_for(state="visible", timeout=60_000)
    page.wait_for_timeout(1500)
    assert [pictures.nth(k).is_visible() for k in range(pictures.count())] == [True, True]
    assert pictures.first.locator("img").evaluate("i => i.naturalWidth") > 500
    assert not page.get_by_text("model not found").first.is_visible()
    shot(page, "linked_opened_again")
