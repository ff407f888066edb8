"""A real JupyterLab on loopback, driven in headless Chromium, with a second client on the same kernel."""

from __future__ import annotations

import ast
import base64
import io
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

TOKEN = "loopback"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
RUN_ALL = """async () => {
  const panel = jupyterapp.shell.currentWidget;
  await panel.context.ready; await panel.sessionContext.ready;
  if (!jupyterapp.shell.leftCollapsed) await jupyterapp.commands.execute('application:toggle-left-area');
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
KERNEL_ID = "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.id ?? null"
DONE = """() => {
  const panel = jupyterapp.shell.currentWidget, model = panel.model;
  const code = [...model.cells].filter(c => c.type === 'code' && c.sharedModel.getSource().trim());
  return code.every(c => c.executionCount !== null) && panel.sessionContext.session.kernel.status === 'idle';
}"""
CELL_ERRORS = """() => [...jupyterapp.shell.currentWidget.model.cells].filter(c => c.type === 'code')
  .flatMap(c => c.outputs.toJSON()).filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)"""


class LabServer:
    """JupyterLab with every folder of its own in a temporary place."""

    def __init__(self, folder: Path, runs: Path) -> None:
        self.folder, self.runtime = folder, folder / "runtime"
        shutil.copytree(Path(__file__).parents[2] / "figures", folder / "figures")  # tables and pictures
        places = {key: str(folder / key.lower()) for key in
                  ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "JUPYTERLAB_SETTINGS_DIR",
                   "JUPYTERLAB_WORKSPACES_DIR")}  # fmt: skip
        env = os.environ | places | {"JUPYTER_RUNTIME_DIR": str(self.runtime), "OMP_NUM_THREADS": "1",
                                     "HSIKIT_RUNS": str(runs),
                                     "HSIKIT_LEDGER": str(folder / "runs.jsonl")}  # fmt: skip
        self.root = folder / "notebooks"
        self.root.mkdir()
        quiet = Path(places["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)  # nobody asks whether we want news
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        command = [sys.executable, "-m", "jupyterlab", "--expose-app-in-browser", "--no-browser", "--allow-root",
                   "--ip=127.0.0.1", "--port=0", f"--IdentityProvider.token={TOKEN}",
                   f"--ServerApp.root_dir={self.root}", "--LabApp.news_url=None",
                   "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
        self.log = (folder / "lab.log").open("w")
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log)
        self.url = self._wait()

    def _wait(self, seconds: float = 90) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for path in self.runtime.glob("jpserver-*.json"):
                return json.loads(path.read_text())["url"]
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'lab.log').read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def add(self, notebook: Path) -> str:
        """Copy a notebook in and return its name."""
        shutil.copy(notebook, self.root / notebook.name)
        return notebook.name


class Notebook:
    """One notebook, opened and run in the browser; the kernel's truth comes through a second client."""

    def __init__(self, page, server: LabServer, name: str, seconds: float = 150) -> None:
        from jupyter_client import BlockingKernelClient

        self.page, self.console = page, []
        page.on("console", lambda m: self.console.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.goto(f"{server.url}lab/tree/{name}?token={TOKEN}&reset", timeout=120_000)
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=90_000)
        page.wait_for_function(f"() => ({KERNEL_ID})() !== null", timeout=90_000)
        page.evaluate(RUN_ALL)
        page.wait_for_function(DONE, timeout=1000 * seconds)
        # Two clients: whoever waits for an answer reads iopub away from whoever listens to it.
        self.client, self.ears = BlockingKernelClient(), BlockingKernelClient()
        for client in (self.client, self.ears):
            client.load_connection_file(str(server.runtime / f"kernel-{page.evaluate(KERNEL_ID)}.json"))
            client.start_channels()
            client.wait_for_ready(timeout=30)

    def close(self) -> None:
        """Leave the notebook and end its kernel."""
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.client.stop_channels()
        self.ears.stop_channels()
        self.page.close()

    def cell_errors(self) -> list[str]:
        """Errors that cells ended with."""
        return self.page.evaluate(CELL_ERRORS)

    def callback_errors(self) -> list[str]:
        """Exceptions on iopub whose parent is a message of a widget: invisible in Lab."""
        found = []
        while True:
            try:
                message = self.ears.get_iopub_msg(timeout=0.5)
            except queue.Empty:
                return found
            if message["msg_type"] == "error" and message["parent_header"].get("msg_type") == "comm_msg":
                found.append(f"{message['content']['ename']}: {message['content']['evalue']}")

    def do(self, code: str) -> None:
        """Run code in the kernel."""
        reply = self.client.execute_interactive(code, store_history=False, timeout=60, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", [reply["content"].get(k) for k in ("ename", "evalue")]

    def ask(self, expression: str):
        """The value of an expression in the kernel, by way of JSON."""
        wrapped = f"__import__('json').dumps({expression})"
        reply = self.client.execute_interactive("", silent=True, user_expressions={"v": wrapped}, timeout=60,
                                                output_hook=lambda _: None)  # fmt: skip
        value = reply["content"]["user_expressions"]["v"]
        assert value["status"] == "ok", value
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def until(self, expression: str, wanted, seconds: float = 20):
        """Wait until an expression has the value wanted; fails with the last one."""
        end, value = time.monotonic() + seconds, None
        while time.monotonic() < end:
            value = self.ask(expression)
            if value == wanted:
                return
            time.sleep(0.1)
        raise AssertionError(f"{expression} is {str(value)[:200]}, expected {str(wanted)[:200]}")


MARKED = """
def _marked(explorer, name):
    import numpy as np
    from hsikit.explore.marks import Kept, rgb_of
    kept, explorer._kept = explorer._kept, Kept()
    chart, explorer._kept = explorer._charts()[name], kept
    found = chart.picture.astype(float)
    for layer in chart.layers:
        table, share = np.array([(0, 0, 0), *map(rgb_of, layer.palette)], float), layer.opacity * (layer.values > 0)
        found = (1 - share[..., None]) * found + share[..., None] * table[layer.values]
    return np.rint(found).astype(int).tolist()
"""


class Board:
    """The charts of an explorer: where things are, and what the browser shows."""

    def __init__(self, book: Notebook, explorer: str) -> None:
        self.book, self.explorer = book, explorer
        book.do(f"{explorer}._widget.add_class('under-test')")
        self.panel = book.page.locator(".under-test")
        self.canvases = {name: self.panel.locator("canvas.hsikit-central").nth(place)
                         for place, name in enumerate(book.ask(f"list({explorer}._view.parts)"))}  # fmt: skip
        first = next(iter(self.canvases.values()))
        first.wait_for(state="visible")
        first.evaluate("c => c.scrollIntoView({block: 'center'})")

    def places(self, chart: str) -> dict:
        """Where area and scale lie on the canvas (left, top, width, height), and what is zoomed to: view, of home."""
        return json.loads(self.canvases[chart].get_attribute("data-places"))

    def head(self, chart: str) -> dict:
        """Words and sizes of a chart."""
        return self.book.ask(f"{self.explorer}._view['{chart}'].head")

    def tool(self, name: str) -> None:
        """Choose what a drag does."""
        self.panel.locator("button", has_text=name).first.click()
        self.book.until(f"[p.tool for p in {self.explorer}._view.parts.values()]", [name] * len(self.canvases))
        self.book.page.wait_for_timeout(100)

    def at_xy(self, chart: str, x: float, y: float) -> tuple[int, int]:
        """Client position, in whole pixels, of a place in data units."""
        found = self.places(chart)
        (left, top, wide, high), (x0, y0, x1, y1) = found["area"], found["view"]
        box = self.canvases[chart].bounding_box()
        return (round(box["x"] + left + (x - x0) / (x1 - x0) * wide),
                round(box["y"] + top + (y - y0) / (y1 - y0) * high))  # fmt: skip

    def xy(self, chart: str, client: tuple[int, int]) -> tuple[float, float]:
        """Data units of a client position: the inverse of `at_xy`."""
        found = self.places(chart)
        (left, top, wide, high), (x0, y0, x1, y1) = found["area"], found["view"]
        box = self.canvases[chart].bounding_box()
        return ((client[0] - box["x"] - left) / wide * (x1 - x0) + x0,
                (client[1] - box["y"] - top) / high * (y1 - y0) + y0)  # fmt: skip

    def at(self, row: float, col: float, chart: str = "map") -> tuple[int, int]:
        """Client position, in whole pixels, of a place on a map."""
        return self.at_xy(chart, col, row)

    def place(self, client: tuple[int, int], chart: str = "map") -> tuple[float, float]:
        """Row and column of a client position: the inverse of `at`."""
        return self.xy(chart, client)[::-1]

    def click(self, client: tuple[int, int]) -> None:
        self.book.page.mouse.click(*client)

    def screen(self, chart: str = "map") -> np.ndarray:
        """What the browser shows of a chart (row, col, 3) uint8."""
        return decoded(self.canvases[chart].evaluate("c => c.toDataURL('image/png')"))[..., :3]

    def measured(self, chart: str) -> tuple[slice, slice]:
        """Rows and columns of a map that are shown when nothing is zoomed."""
        head = self.head(chart)
        (left, right), (bottom, top) = head["x_range"], head["y_range"]
        return slice(round(top + 0.5), round(bottom + 0.5)), slice(round(left + 0.5), round(right + 0.5))

    def cells(self, chart: str = "map") -> np.ndarray:
        """What the browser shows at the centre of every pixel of a map (row, col, 3), of the rectangle measured."""
        left, top, wide, high = self.places(chart)["area"]
        rows, cols = (part.stop - part.start for part in self.measured(chart))
        y = np.floor(top + (np.arange(rows) + 0.5) * high / rows).astype(int)
        x = np.floor(left + (np.arange(cols) + 0.5) * wide / cols).astype(int)
        return self.screen(chart)[y[:, None], x]

    def shows_map(self, wanted: np.ndarray, but: np.ndarray | None = None, seconds: float = 8, chart="map") -> None:
        """Wait until a map shows colours (row, col, 3) uint8, except where `but` (row, col) is True."""
        look = np.ones(wanted.shape[:2], bool) if but is None else ~but
        self._until(lambda: (np.abs(self.cells(chart).astype(int) - wanted)[look] <= 1).all(), "the map", seconds)

    def marked(self, chart: str) -> np.ndarray:
        """A map (row, col, 3) as the explorer's marks make it anew, not as it was sent."""
        self.book.do(MARKED)
        return np.array(self.book.ask(f"_marked({self.explorer}, '{chart}')"))

    def settled(self, *charts: str, but: np.ndarray | None = None, seconds: float = 8) -> None:
        """Wait until maps show what their marks say, except where `but` (row, col) is True."""
        for chart in charts:
            part = self.measured(chart)
            wanted = self.marked(chart)[part]
            look = np.ones(wanted.shape[:2], bool) if but is None else ~but[part]

            def shown(chart=chart, wanted=wanted, look=look) -> bool:
                left, top, wide, high = self.places(chart)["area"]
                screen = self.screen(chart)[top : top + high, left : left + wide].astype(int)
                right = np.zeros(screen.shape[:2], bool)
                for at in itertools.product((0.4, 0.5, 0.6), repeat=2):  # a smaller map shows either of two neighbours
                    row, col = (np.floor((np.arange(size) + part) * n / size).astype(int)
                                for size, n, part in zip((high, wide), wanted.shape, at))  # fmt: skip
                    right |= np.abs(screen - wanted[row[:, None], col]).max(-1) <= 2
                return right[look[row[:, None], col]].mean() > 0.998

            self._until(shown, f"the {chart}", seconds)

    def changed(self, chart: str, before: np.ndarray, seconds: float = 8) -> None:
        """Wait until a map shows something else than before, be it in a few pixels."""
        self._until(lambda: (self.drawn(chart) != before).any(), f"the change of {chart}", seconds)

    def drawn(self, chart: str) -> np.ndarray:
        """What the browser shows of a map's area, every pixel of the screen."""
        left, top, wide, high = self.places(chart)["area"]
        return self.screen(chart)[top : top + high, left : left + wide]

    def press(self, label: str) -> None:
        """Press a button by its label."""
        self.panel.get_by_role("button", name=label, exact=True).click()

    def page_of(self, title: str) -> None:
        """Fold a page of controls out."""
        self.panel.locator(".lm-TabBar-tab", has_text=title).first.click()

    def _until(self, holds, what: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"{what} on the screen is not what the kernel holds")
            time.sleep(0.1)


class Central(Board):
    """The map and the spectra of a `SpectraExplorer`."""

    def at_band(self, where: float, height: float = 0.3) -> tuple[int, int]:
        """Client position, in whole pixels, of a wavelength on the spectra."""
        _, top, _, high = self.places("spectra")["area"]
        x, _ = self.at_xy("spectra", where, 0.0)
        return x, round(self.canvases["spectra"].bounding_box()["y"] + top + height * high)

    def shows_line(self, mean: np.ndarray, colour: str, seconds: float = 8) -> None:
        """Wait until a spectrum (band,) is drawn in its colour: looked for at every band that is not greyed."""
        found = self.places("spectra")
        (left, top, wide, high), (low, most, reach, least) = found["area"], found["view"]
        spans = self.book.ask(f"{self.explorer}._view['spectra'].marks['spans']")
        bands = [(x, v) for x, v in zip(self.book.ask(f"{self.explorer}.x.tolist()"), mean)
                 if not any(s["low"] - 15 <= x <= s["high"] + 15 for s in spans)]  # fmt: skip
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])

        def drawn() -> bool:
            screen = self.screen("spectra").astype(int)
            hits = 0
            for x, value in bands:
                px = round(left + (x - low) / (reach - low) * wide)
                py = round(top + (value - most) / (least - most) * high)
                spot = screen[max(py - 2, 0) : py + 3, max(px - 2, 0) : px + 3].reshape(-1, 3)
                hits += bool((np.abs(spot - rgb).max(1) < 60).any())
            return hits > 0.97 * len(bands)

        self._until(drawn, "the spectrum", seconds)


def drag(page, path: list[tuple[int, int]], midway=None) -> None:
    """Press, move at a human pace, look midway, release."""
    page.mouse.move(*path[0])
    page.mouse.down()
    for point in path[1:]:
        page.mouse.move(*point)
        time.sleep(0.05)
    if midway is not None:
        midway()
    page.mouse.up()


def corners_to_path(client: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A path along straight edges; a busy browser may merge moves on the way without changing the outline."""
    path = []
    for a, b in pairwise(client):
        path += [
            tuple(np.round(np.array(a) + (np.array(b) - a) * t).astype(int).tolist()) for t in (0.0, 0.0, 0.5, 1.0)
        ]
    return [*path, client[-1]]


def decoded(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))
