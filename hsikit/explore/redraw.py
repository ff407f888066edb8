"""Fast redraws and mouse gestures on a matplotlib canvas.

A full draw of a map beside a spectrum takes three times as long as redrawing what moves. Artists that move
are marked animated and drawn over a kept background.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hsikit.explore.marks import inside, pixels_inside  # noqa: F401
from hsikit.explore.still import PlainFigure  # noqa: F401

CLICK_PX = 4  # a press and release this near to each other is a click


def plain_text() -> AbstractContextManager[None]:
    """Texts made inside show a dollar sign as it is: class names are no formulas."""
    return rc_context({"text.parse_math": False})


class Redraw:
    """Draws animated artists over a background that is kept until the next full draw.

    Only axes in which an animated artist changed (matplotlib's `stale`), came or went are drawn again.

    Attributes:
        full: Set it to True where something that is not animated changed: the next `now` draws everything.
    """

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self.lock = getattr(canvas, "lock", nullcontext())
        self.full = True
        self._background: dict[Axes, Any] = {}
        self._drawn: dict[Axes, list[int]] = {}
        canvas.mpl_connect("draw_event", self._after_full_draw)

    def now(self) -> None:
        """Show the artists as they are."""
        with self.lock:
            if not self._background:  # nobody has looked yet; a browser asks for its first draw
                self.canvas.draw_idle()
                return
            if self.full:
                self.canvas.draw()
                return
            changed = [axes for axes in self.canvas.figure.axes if self._changed(axes)]
            for axes in changed:
                self.canvas.restore_region(self._background[axes])
                self._draw_moving(axes)
            if changed:
                self.canvas.blit(self.canvas.figure.bbox)

    def frame(self) -> Any:
        """A copy of what is on the canvas now, or None before the first draw."""
        return self.canvas.copy_from_bbox(self.canvas.figure.bbox) if self._background else None

    def over(self, frame: Any, artist: Any) -> None:
        """Show one artist over a frame."""
        if frame is None:
            self.canvas.draw_idle()
            return
        with self.lock:
            self.canvas.restore_region(frame)
            artist.axes.draw_artist(artist)
            self.canvas.blit(self.canvas.figure.bbox)

    def _after_full_draw(self, event: Any) -> None:
        if self.canvas.is_saving():
            return
        axes_all = self.canvas.figure.axes
        self._background = {axes: self.canvas.copy_from_bbox(_cell(axes)) for axes in axes_all}
        self.full = False
        for axes in axes_all:
            self._draw_moving(axes)

    def _changed(self, axes: Axes) -> bool:
        moving = _moving(axes)
        return [id(a) for a in moving] != self._drawn.get(axes) or any(a.stale for a in moving)

    def _draw_moving(self, axes: Axes) -> None:
        moving = _moving(axes)
        for artist in moving:
            (self.canvas.figure if artist is axes else axes).draw_artist(artist)
            artist.stale = False
        self._drawn[axes] = [id(a) for a in moving]


def _moving(axes: Axes) -> list[Any]:
    """Visible animated artists of an axes in drawing order; the axes itself where all of it is animated."""
    if not axes.get_visible():
        return []
    if axes.get_animated():
        return [axes]
    moving = [a for a in axes.get_children() if a.get_animated() and a.get_visible()]
    return sorted(moving, key=lambda a: a.get_zorder())


def _cell(axes: Axes) -> Any:
    """What an axes draws into, in pixels, with its title and, where all of it is animated, its labels."""
    from matplotlib.transforms import Bbox

    x0, y0, x1, y1 = axes.bbox.extents
    side = 40 if axes.get_animated() else 4
    return Bbox.from_extents(x0 - side, y0 - (36 if axes.get_animated() else 4), x1 + side, y1 + 24)


class Gestures:
    """Click and drag on one axes: a click gives a point, a drag a closed outline, with its line visible.

    Attributes:
        shape: ``"lasso"`` or ``"box"``: what a drag draws.
    """

    def __init__(
        self,
        axes: Axes,
        redraw: Redraw,
        on_click: Callable[[float, float], Any],
        on_outline: Callable[[np.ndarray], Any] | None = None,
    ) -> None:
        self.axes, self.redraw, self.shape = axes, redraw, "lasso"
        self.on_click, self.on_outline = on_click, on_outline
        self.line = Line2D([], [], color="#000000", linewidth=1.6, zorder=20, visible=False, animated=True)
        self.line.set_path_effects(_halo())
        axes.add_line(self.line)
        self._start: tuple[float, float] | None = None
        self._trail: list[tuple[float, float]] = []
        self._frame: Any = None
        redraw.canvas.mpl_connect("button_press_event", self._press)
        redraw.canvas.mpl_connect("button_release_event", self._release)
        redraw.canvas.mpl_connect("motion_notify_event", self._move)

    def outline(self) -> np.ndarray:
        """Corners (n, 2) of what was drawn so far, x and y in data units."""
        trail = np.array(self._trail)
        if self.shape == "lasso":
            return trail
        (x0, y0), (x1, y1) = trail[0], trail[-1]
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])

    def _press(self, event: Any) -> None:
        busy = event.canvas.widgetlock.locked()  # zooming or panning with the toolbar
        if busy or event.button != 1 or event.inaxes is not self.axes:
            return
        self._start, self._trail = (event.x, event.y), [(event.xdata, event.ydata)]
        self._frame = self.redraw.frame()

    def _move(self, event: Any) -> None:
        if self._start is None or self.on_outline is None:
            return
        self._trail.append(self._inside(event))
        corners = self.outline()
        self.line.set_data(*np.vstack([corners, corners[:1]]).T)
        self.line.set_visible(True)
        self.redraw.over(self._frame, self.line)

    def _release(self, event: Any) -> None:
        if self._start is None or event.button != 1:
            return
        path = np.vstack([self.axes.transData.transform(self._trail), (event.x, event.y)])
        far = np.hypot(*(path - self._start).T).max()
        self._start, self._frame = None, None
        self.line.set_visible(False)
        if far <= CLICK_PX or self.on_outline is None:
            self.on_click(*self._trail[0])
            return
        self._trail.append(self._inside(event))
        self.on_outline(self.outline())

    def _inside(self, event: Any) -> tuple[float, float]:
        """Position in data units, kept within the axes when the mouse leaves them."""
        if event.inaxes is self.axes:  # event.x and event.y are cut to whole pixels, these are not
            return event.xdata, event.ydata
        x, y = self.axes.transData.inverted().transform((event.x, event.y))
        (left, right), (low, high) = sorted(self.axes.get_xlim()), sorted(self.axes.get_ylim())
        return min(max(float(x), left), right), min(max(float(y), low), high)


def _halo() -> list[Any]:
    """White beside the line, so that it shows on dark and on bright pixels."""
    from matplotlib.patheffects import Normal, Stroke

    return [Stroke(linewidth=3.6, foreground="#ffffff"), Normal()]
