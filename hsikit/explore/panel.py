"""What every explorer shares: a picture that follows plain state, with or without a browser.

A state answers questions; a `Panel` shows its charts with controls around them, and leaves a PNG where nobody is there
to click.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from hsikit._util.errors import HsikitError
from hsikit.explore.marks import Chart, Kept
from hsikit.explore.state import Progress, State, Stopped
from hsikit.explore.still import picture_of

log = logging.getLogger(__name__)
NO_WIDGETS = "Install hsikit[workbook] for the interactive view; this is a still picture."
DOUBLE_S = 2.0  # a double click is told within that, also by a busy browser
PICK = "pick"  # slot of what a click asks for
STOPPED = "Stopped; everything stays as it was."
CSS = """<style>
.hsikit-pages .lm-TabBar-tab { min-width: 60px !important; flex: 0 1 auto !important; }
.hsikit-pages .widget-tab-contents { padding: 4px !important; }
.hsikit-explorer { container-type: inline-size; }
.hsikit-told { position: relative; }
.hsikit-message { flex: 1 1 100%; }
.hsikit-message .widget-html-content { height: 2.9em; line-height: 1.45em; overflow-y: auto; }
.hsikit-pointer .widget-html-content { min-height: 1.45em; line-height: 1.45em; font-size: 12px; padding-left: 8px; }
.hsikit-told.jupyter-widgets-disconnected { outline: 2px solid #d55e00; min-height: calc(2.9em + 4px); }
.hsikit-told.jupyter-widgets-disconnected .hsikit-message { display: none; }
.hsikit-explorer .jupyter-widgets-disconnected::before { display: none; }
.hsikit-told.jupyter-widgets-disconnected::after {
  content: "The kernel was restarted: run the cell again."; font-weight: bold; }
.hsikit-busy { position: absolute; right: 0; background: var(--jp-layout-color1, #fff); }
</style>"""
VIEW = "application/vnd.jupyter.widget-view+json"
# A picture that JupyterLab shows where the output after it is no living panel; elsewhere it stays hidden.
LEFT = """<style>
.jp-OutputArea-child:has(.hsikit-left):not(:has(+ .jp-OutputArea-child .hsikit-explorer)) .hsikit-left {{
  display: block !important; }}
.jp-OutputArea-child:has(.hsikit-left) + .jp-OutputArea-child:not(:has(.hsikit-explorer)) {{ display: none; }}
</style><div class="hsikit-left" style="display: none"><img src="data:image/png;base64,{}" alt="The panel
as it was left" style="max-width: 100%"><br>A picture of the panel; run the cell again to use it.</div>"""

Act = Callable[[dict[str, Any]], Any]
Acts = Mapping[tuple[str, str], Act]  # by chart and kind of message, see `board.Board`


class Unfit(HsikitError, ValueError):
    """Input that an explorer cannot open; in a notebook its message stands alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"This cannot be shown: {self}"]


class Panel(State):
    """Base of the explorers: what they show, their controls, their message, what they compute.

    Attributes:
        message: The line under the picture: what happened, or what to change.
        failures: Exceptions that were caught in callbacks because nobody expected them, newest last.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """What the constructor refuses becomes `Unfit`."""
        super().__init_subclass__(**kwargs)
        construct = cls.__init__

        @functools.wraps(construct)
        def checked(self: Any, *args: Any, **kwargs: Any) -> None:
            if not hasattr(self, "_jobs"):  # a state knows nothing of its panel
                self._set_up()
            try:
                construct(self, *args, **kwargs)
            except Unfit:
                raise
            except ValueError as error:
                raise Unfit(str(error)) from error

        cls.__init__ = checked  # type: ignore[method-assign]

    def _set_up(self) -> None:
        self.failures: list[Exception] = []
        self._view: Any = None
        self._widget: Any = None
        self._panel: Any = None
        self._line: Any = None
        self._syncing = False
        self._lock = threading.RLock()  # a cell and a widget's messages may run side by side
        self._jobs: dict[str, Progress] = {}
        self._kept = Kept()  # arrays of charts

    # --- what an explorer provides ---------------------------------------------------------------

    def _charts(self) -> Mapping[str, Chart]:
        """The charts that are shown, by name; always the same names."""
        raise NotImplementedError

    def _acts(self) -> Acts:
        """What messages of the charts do; see `board.Board`."""
        return {}

    def _map_acts(self, names: Sequence[str], click: Callable[[int, int, bool], Any],
                  brush: Act | None = None) -> dict[tuple[str, str], Act]:  # fmt: skip
        """Acts of maps: a click does `click(row, col, ctrl)`, a double click takes it back, the read-out follows."""
        clicked = lambda m: click(round(m["y"]), round(m["x"]), bool(m.get("ctrl")))  # noqa: E731
        hovered = lambda m: setattr(self._view, "pointer", self.under_pointer(m["x"], m["y"]))  # type: ignore[attr-defined]  # noqa: E731
        return self._click_acts(names, clicked, brush) | {(name, "hover"): hovered for name in names}

    def _click_acts(self, names: Sequence[str], click: Act, brush: Act | None = None) -> dict[tuple[str, str], Act]:
        """Acts of charts whose click, or dab, a double click takes back."""
        last: list[tuple[object, float]] = [(None, 0.0)]  # the step that a click made, and when

        def noted(act: Act, alone: bool = False) -> Act:
            def run(m: dict[str, Any]) -> None:
                before = self.latest
                if alone:  # a click that fails or keeps nothing leaves nothing to take back
                    last[0] = (None, 0.0)
                act(m)
                if self.latest is not before:
                    last[0] = (self.latest, time.monotonic())

            return run

        def doubled(_: dict[str, Any]) -> None:
            if PICK in self._jobs:  # what the click asked for is still being computed
                self.stop(PICK)
            elif self.latest is not None and last[0][0] is self.latest and time.monotonic() - last[0][1] < DOUBLE_S:
                self.undo()

        acts = {"click": noted(click, alone=True), "double": doubled}
        acts |= {"brush": noted(brush)} if brush else {}
        return {(name, kind): act for name in names for kind, act in acts.items()}

    def _controls(self) -> list[Any]:
        """Rows of widgets above and below the picture; the picture itself stands where None is."""
        raise NotImplementedError

    def _governed_by(self, panel: Any) -> list[Any]:
        """The rows of controls that are an object of their own, which `_sync` then asks to follow the state."""
        self._panel = panel
        return panel.rows()

    def _sync(self) -> None:
        """Set the controls to the state."""
        if self._panel is not None:
            self._panel.sync()

    # --- pictures --------------------------------------------------------------------------------

    def static(self) -> Figure:
        """The present state as a figure of its own, for papers and for runs without a browser."""
        return picture_of(self._charts())

    def widget(self) -> Any:
        """The interactive view, made once: an ipywidgets box (or a still picture where anywidget is missing)."""
        if self._widget is None:
            try:
                self._widget = self._build()
            except ImportError as error:
                log.debug("no interactive view", exc_info=error)
                figure = self.static()
                figure.text(0.005, 0.003, f"{NO_WIDGETS} ({error})", fontsize=7.5, color="#555555")
                return figure
        return self._widget

    def _build(self) -> Any:
        import ipywidgets as w

        from hsikit.explore.board import Board  # anywidget may be missing

        self._view = Board(self._charts, {name: self._guard(act) for name, act in self._acts().items()})  # type: ignore[arg-type]
        self.observe(lambda _: self._show(), "revision")
        self._line = w.HTML(self.message).add_class("hsikit-message")
        self._bar = w.FloatProgress(0, min=0, max=1, description="progress", layout={"width": "230px"})
        self._stop = w.Button(description="Stop", tooltip="End what is being computed", layout={"width": "76px"})
        self._stop.on_click(lambda _: self.stop())
        self._busy = w.HBox([self._bar, self._stop], layout={"visibility": "hidden"}).add_class("hsikit-busy")
        style = w.HTML(CSS, layout={"display": "none"})
        told = w.HBox([style, self._line, self._busy], layout={"width": "100%"}).add_class("hsikit-told")
        rows = [part for row in self._controls() for part in ((told, self._view.widget) if row is None else (row,))]
        self._show()
        return w.VBox(rows, layout={"width": "100%"}).add_class("hsikit-explorer")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget for a browser and a PNG for everyone else."""
        widget, buffer = self.widget(), io.BytesIO()
        still = isinstance(widget, Figure)
        (widget if still else self.static()).savefig(buffer, format="png", dpi=100)
        bundle = {"text/plain": repr(self), "image/png": base64.b64encode(buffer.getvalue()).decode("ascii")}
        if not still:
            shown = widget._repr_mimebundle_(**kwargs) or {}
            bundle |= {VIEW: shown[VIEW]} if VIEW in shown else {}
        return bundle

    def _ipython_display_(self) -> None:
        """Show the panel, behind a picture that takes its place where a notebook is opened without its kernel."""
        from IPython.display import display

        bundle = self._repr_mimebundle_()
        if VIEW in bundle:
            display({"text/html": LEFT.format(bundle["image/png"]), "text/plain": ""}, raw=True)
        display(bundle, raw=True)

    # --- state to pixels -------------------------------------------------------------------------

    def _show(self) -> None:
        """Bring picture, controls and message to the state; nothing to do while there is no widget."""
        if self._view is None:
            return
        with self._lock:
            self._view.refresh()
            self._follow()

    def _follow(self) -> None:
        """Set controls and message to the state."""
        with self._lock:
            self._syncing = True
            try:
                self._sync()
            finally:
                self._syncing = False
            self.say(self.message)

    def say(self, text: str) -> None:
        """Show a line under the picture."""
        from html import escape

        self.message = text
        if self._line is not None:
            self._line.value = escape(text)

    def _guard(self, action: Callable[..., Any]) -> Callable[..., None]:
        """A callback that turns errors into a message and stays quiet while controls follow the state."""

        def guarded(*args: Any) -> None:
            with self._lock:
                if self._syncing:
                    return
                try:
                    action(*args)
                except Exception as error:
                    self._complain(error)

        return guarded

    def _complain(self, error: Exception) -> None:
        """Say what went wrong and set the controls back to the state."""
        if isinstance(error, ValueError):
            self.message = str(error)
        else:
            log.error("a callback failed", exc_info=error)
            self.failures.append(error)
            self.message = f"This did not work: {type(error).__name__}: {error}"
        self._follow()

    # --- long computations -----------------------------------------------------------------------

    def stop(self, only: str | None = None) -> None:
        """End what is being computed, all of it or in one slot; everything stays as it was."""
        slots = [slot for slot in self._jobs if only in (None, slot)]
        if not slots:
            return
        for slot in slots:
            self._jobs.pop(slot).stop()
        self._show_progress()
        self.message = STOPPED
        self._show()
        self.say(STOPPED)

    @property
    def busy(self) -> bool:
        """Whether something is being computed."""
        return bool(self._jobs)

    def _later(self, slot: str, work: Callable[[Progress], Any], done: Callable[[Any], None]) -> None:
        """Run `work(progress)` beside the other controls, then `done(result)`; a later one in a slot stops it.

        `work` ends early where it calls `progress.step` now and then. Without a running event loop (a script, a
        test) both run at once.
        """
        if slot in self._jobs:
            self._jobs[slot].stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            done(work(Progress()))
            return
        self._jobs[slot] = job = Progress(self._teller(loop))
        self._show_progress()

        async def run() -> None:
            try:
                result = await loop.run_in_executor(None, work, job)
            except Stopped:
                return
            if self._over(slot, job):
                done(result)

        def finished(task: Any) -> None:
            failed = None if task.cancelled() else task.exception()
            if failed is not None and (self._over(slot, job) or not job.stopped):
                self._complain(failed)

        loop.create_task(run()).add_done_callback(finished)

    def _over(self, slot: str, job: Progress) -> bool:
        """Take a job off the list; False where it was stopped or overtaken."""
        if self._jobs.get(slot) is not job:
            return False
        del self._jobs[slot]
        self._show_progress()
        return True

    def _teller(self, loop: Any) -> Callable[[float], None]:
        """What a computing thread calls with its share; fifty messages to the browser, not thousands."""
        last = [0.0]

        def told(share: float) -> None:
            if self._view is not None and (share - last[0] >= 0.02 or share >= 1):
                last[0] = share
                loop.call_soon_threadsafe(setattr, self._bar, "value", share)

        return told

    def _show_progress(self) -> None:
        """Bar and Stop button stand there while something is being computed."""
        if self._view is not None:
            self._busy.layout.visibility = "visible" if self._jobs else "hidden"
            self._bar.value = max((job.share for job in self._jobs.values()), default=0.0)

    def _on(self, control: Any, action: Callable[[Any], Any]) -> Any:
        """Call `action(value)` when a control's value changes; returns the control."""
        control.observe(self._guard(lambda change: action(change["new"])), "value")
        return control
