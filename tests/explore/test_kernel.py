"""Explorers in a real kernel: messages as the browser sends them, answers as it gets them, and what goes wrong."""

from __future__ import annotations

import ast
import json
import queue
import time
from pathlib import Path

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel
from tiny import tiny_scene

SETUP = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from tiny import tiny_scene
from hsikit.explore import FeatureSpaceExplorer, LabelPainter, SpectraExplorer
scene = tiny_scene()
spectra = SpectraExplorer(scene)
cloud = FeatureSpaceExplorer(scene.hsi, scene.labels, scene)
painter = LabelPainter(scene)
display(spectra, cloud, painter)
ids = dict(map=spectra._view["map"].model_id, spectra=spectra._view["spectra"].model_id,
           band=spectra._panel.cursor.model_id,
           cloud=cloud._view["cloud"].model_id, fit=painter._panel.fit.model_id,
           method=painter._panel.model.model_id, stop=painter._stop.model_id)
"""


class Kernel:
    """A kernel whose widgets are spoken to by comm messages; everything on iopub is kept."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", startup_timeout=90)
        self.heard: list[dict] = []
        self.do(SETUP, seconds=120)
        self.ids = self.ask("ids")

    def do(self, code: str, seconds: float = 60, **more) -> dict:
        reply = self.client.execute(code, **more)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.listen(0.1)
            try:
                answer = self.client.get_shell_msg(timeout=0.1)
            except queue.Empty:
                continue
            if answer["parent_header"].get("msg_id") == reply:
                assert answer["content"]["status"] == "ok", answer["content"].get("evalue")
                return answer["content"]
        raise AssertionError(f"no answer to {code[:60]} within {seconds} s")

    def ask(self, expression: str):
        wrapped = {"v": f"__import__('json').dumps({expression})"}
        found = self.do("", silent=True, user_expressions=wrapped)["user_expressions"]["v"]
        assert found["status"] == "ok", found.get("evalue")
        return json.loads(ast.literal_eval(found["data"]["text/plain"]))

    def send(self, widget: str, **content) -> None:
        """A custom message to a widget."""
        self._comm(widget, {"method": "custom", "content": content})

    def set(self, widget: str, **state) -> None:
        """A change of state, as from a slider."""
        self._comm(widget, {"method": "update", "state": state})

    def _comm(self, widget: str, data: dict) -> None:
        message = self.client.session.msg("comm_msg", {"comm_id": self.ids[widget], "data": data})
        self.client.shell_channel.send(message)

    def listen(self, seconds: float = 0.5) -> list[dict]:
        """Everything heard on iopub so far."""
        while True:
            try:
                self.heard.append(self.client.get_iopub_msg(timeout=seconds))
            except queue.Empty:
                return self.heard

    def errors(self) -> list[str]:
        """Exceptions of callbacks: errors whose parent is a comm message. JupyterLab shows none of them."""
        heard = self.listen()
        return [m["content"]["ename"] for m in heard
                if m["msg_type"] == "error" and m["parent_header"].get("msg_type") == "comm_msg"]  # fmt: skip

    def sent_to(self, widget: str) -> list[dict]:
        """Comm messages that the browser would get for a widget."""
        return [m for m in self.listen() if m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == self.ids[widget]]


@pytest.fixture(scope="module")
def kernel():
    kernel = Kernel()
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


@pytest.fixture(autouse=True)
def quiet(kernel):
    kernel.heard.clear()
    yield
    assert kernel.errors() == []
    assert kernel.ask("[len(p.failures) for p in (spectra, cloud, painter)]") == [0, 0, 0]


def test_a_click_is_answered_with_the_bytes_of_that_spectrum(kernel):
    kernel.send("map", kind="click", x=7, y=3)
    assert kernel.ask("spectra.current.pixels.tolist()") == [[3, 7]]
    (answer,) = [m for m in kernel.sent_to("spectra") if ["lines", 0, "mean"] in m["content"]["data"]["buffer_paths"]]
    place = answer["content"]["data"]["buffer_paths"].index(["lines", 0, "mean"])
    sent = np.frombuffer(answer["buffers"][place], np.float32)
    assert np.array_equal(sent, tiny_scene().hsi[3, 7].astype(np.float32))
    again = [m for m in kernel.sent_to("map") if ["picture"] in m["content"]["data"].get("buffer_paths", [])]
    assert again == [], "a pick sent the whole map again"


def test_a_slider_sends_another_map(kernel):
    kernel.set("band", index=8)
    assert kernel.ask("[spectra.mode, int(spectra.band)]") == ["one band", 8]
    maps = [m for m in kernel.sent_to("map") if ["picture"] in m["content"]["data"].get("buffer_paths", [])]
    assert len(maps) == 1


def test_an_outline_over_nothing_is_a_message(kernel):
    kernel.send("map", kind="outline", points=[])
    kernel.send("map", kind="outline", points=[[1, 1], [2, 2]])
    assert "No pixel" in kernel.ask("spectra.message")


def test_a_lasso_in_the_cloud_sends_which_points_are_lit_and_no_place_again(kernel):
    kernel.do("low, high = cloud.xy.min(0) - 0.01, cloud.xy.max(0) + 0.01; middle = cloud.xy.mean(0)")
    outline = "[(low[0], low[1]), (middle[0], low[1]), (middle[0], high[1]), (low[0], high[1])]"
    points = kernel.ask(f"[[float(v) for v in p] for p in {outline}]")
    kernel.send("cloud", kind="outline", points=points)
    wanted = kernel.ask("__import__('numpy').flatnonzero(cloud.xy[:, 0] < middle[0]).tolist()")
    assert kernel.ask("__import__('numpy').flatnonzero(cloud.lit).tolist()") == wanted
    (answer,) = [m for m in kernel.sent_to("cloud") if ["looks"] in m["content"]["data"].get("buffer_paths", [])]
    paths = answer["content"]["data"]["buffer_paths"]
    assert np.flatnonzero(np.frombuffer(answer["buffers"][paths.index(["looks"])], np.uint8) == 3).tolist() == wanted
    assert ["xy"] not in paths


def test_a_fit_runs_beside_other_messages_and_can_be_stopped(kernel):
    kernel.set("method", index=2)
    kernel.send("fit", event="click")
    kernel.set("band", index=3)
    assert kernel.ask("[painter.busy, int(spectra.band), painter.prediction is None]") == [True, 3, True]
    kernel.send("stop", event="click")
    assert kernel.ask("[painter.busy, painter.message]") == [False, "Stopped; everything stays as it was."]


def test_an_exception_that_nobody_catches_is_heard(kernel):
    kernel.do("spectra._view['map'].on_msg(lambda *_: 1 / 0)")
    kernel.send("map", kind="hover", x=1, y=1)
    assert kernel.ask("spectra._view.pointer").startswith("row 1, col 1")
    assert kernel.errors() == ["ZeroDivisionError"]
    kernel.do("spectra._view['map']._msg_callbacks.callbacks.pop()")
    kernel.heard.clear()


def test_an_unexpected_error_in_a_callback_is_caught_said_and_remembered(kernel):
    kernel.do("keep = spectra.facts.class_name\nspectra.facts.class_name = lambda *_: 1 / 0")
    kernel.send("map", kind="click", x=1, y=1)
    assert "ZeroDivisionError" in kernel.ask("spectra.message")
    assert kernel.ask("len(spectra.failures)") == 1
    kernel.do("spectra.facts.class_name = keep\nspectra.failures.clear()")
