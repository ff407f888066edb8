"""The README's pictures of the product in use, taken from a real browser session: `python tests/browser/film.py`.

    figures/use/asked.gif    a sentence typed on the MUUFL subset, and what lights up (needs HSIKIT_DATA)
    figures/use/*.png        the leakage explorer, the painter and the feature space, as their notebooks leave them

Run it after `make workbook`, whose trained networks the notebooks find again.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from lab import FLAGS, Board, LabServer, Notebook, corners_to_path, drag
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "figures" / "use"
WIDE, MOST_BYTES = 800, 2_000_000
FIRST, SECOND = "red roofs of houses", "tall trees with dark shadows"
SUBSET = """import hsikit
from hsikit.experiments import expand, load_run
from hsikit.explore import PromptExplorer
arm = next(e for e in expand("mmlgnet_muufl_subset") if (e.label, e.split_name, e.seed) == ("mmlgnet", "masks_150", 0))
run, scene = load_run(arm), hsikit.load_scene(arm.scene)
asker = PromptExplorer(run.model, scene, hsikit.make_split(scene, arm.split, 0), hsikit.load_text_encoder("minilm"))"""


def main() -> None:
    """Make what was named on the command line, or all four."""
    wanted = sys.argv[1:] or ["asked", "leakage", "painter", "space"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        server = LabServer(Path(folder), ROOT / "build" / "quick" / "runs")
        try:
            for name in wanted:
                MADE[name](browser.new_page(viewport={"width": 1180, "height": 1300}), server)
        finally:
            server.stop()


def asked(page, server) -> None:
    """Type a sentence letter by letter, ask, look; another; click a place to see which class prompts fit there."""
    if "HSIKIT_DATA" not in os.environ:
        raise SystemExit("the film shows the MUUFL subset: name the folder that holds it in HSIKIT_DATA")
    source = server.root / "film.ipynb"
    cells = [nbformat.v4.new_code_cell(cell) for cell in (SUBSET, "asker")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), source)
    book = Notebook(page, server, source.name, 600)
    assert book.cell_errors() == []
    board, frames = Board(book, "asker"), []
    box = board.panel.get_by_label("sentences", exact=True)

    def look(milliseconds: int) -> None:
        frames.append((picture(board), milliseconds))

    look(1200)
    for sentence in (FIRST, SECOND):
        box.fill("")
        for end in range(2, len(sentence) + 2, 2):
            box.fill(sentence[:end])
            look(90)
        board.press("Ask")
        book.until("asker.sentences", [sentence], 60)
        board.settled("map")
        look(2600)
    row, col = book.ask("[int(i) for i in __import__('numpy').argwhere(scene.usable == 1)[500]]")
    board.click(board.at(row, col))
    book.until("asker.message.startswith('(')", True)
    page.wait_for_timeout(500)
    look(3000)
    file = PICTURES / "asked.gif"
    palette = frames[-1][0].quantize(256, Image.Quantize.FASTOCTREE)
    still = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame, _ in frames]
    times = [milliseconds for _, milliseconds in frames]
    still[0].save(file, save_all=True, append_images=still[1:], duration=times, loop=0, optimize=True)
    told(file)


def leakage(page, server) -> None:
    """The leakage explorer as notebook 20 leaves it."""
    book = of_notebook(page, server, "20_splits_and_leakage")
    keep("leakage", Board(book, "leaks"))


def painter(page, server) -> None:
    """The painter as notebook 15 leaves it, its map over the scene."""
    book = of_notebook(page, server, "15_label_your_scene")
    book.do("painter.fit('lda')")  # its message, in the place of a path on this machine
    keep("painter", Board(book, "painter"))


def space(page, server) -> None:
    """The feature space of notebook 50 with a lasso around a part of a cloud, lit on the map."""
    book = of_notebook(page, server, "50_feature_space")
    board = Board(book, "walk")
    book.do("walk._panel.tool.value = 'lasso'")
    x0, y0, x1, y1 = board.places("beside")["view"]
    at = lambda x, y: board.at_xy("beside", x0 + x * (x1 - x0), y0 + y * (y1 - y0))  # noqa: E731
    drag(page, corners_to_path([at(0.55, 0.1), at(0.9, 0.1), at(0.9, 0.5), at(0.55, 0.5), at(0.55, 0.1)]))
    page.wait_for_timeout(1500)
    keep("space", board)


def of_notebook(page, server, name: str) -> Notebook:
    """A notebook of the repository, all its cells run."""
    book = Notebook(page, server, server.add(ROOT / "notebooks" / f"{name}.ipynb"), 600)
    assert book.cell_errors() == []
    return book


def picture(board: Board) -> Image.Image:
    """The explorer as the browser shows it, `WIDE` pixels wide."""
    image = Image.open(io.BytesIO(board.panel.screenshot())).convert("RGB")
    return image.resize((WIDE, round(image.height * WIDE / image.width)), Image.Resampling.LANCZOS)


def keep(name: str, board: Board) -> None:
    """Write a picture of an explorer."""
    board.book.page.wait_for_timeout(500)
    file = PICTURES / f"{name}.png"
    picture(board).quantize(256).save(file, optimize=True)
    told(file)


def told(file: Path) -> None:
    """Say how large a picture is, and refuse one that a README should not carry."""
    size = file.stat().st_size
    print(f"{file.relative_to(ROOT)}: {size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        raise SystemExit(f"{file.name} has {size} bytes, a README carries {MOST_BYTES} at most")


MADE = {"asked": asked, "leakage": leakage, "painter": painter, "space": space}

if __name__ == "__main__":
    main()
