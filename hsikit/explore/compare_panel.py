"""`CompareMaps`: two maps side by side with their difference."""

from __future__ import annotations

from typing import Any

from hsikit.explore.compare_maps import ComparedMaps
from hsikit.explore.panel import Panel, View


class CompareMaps(ComparedMaps, Panel):
    """Two maps and their difference: `ComparedMaps` with pictures and controls."""

    size_in = (10.6, 6.8)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Panel.__init__(self)
        ComparedMaps.__init__(self, *args, **kwargs)

    def _new_view(self, figure: Any) -> View:
        from hsikit.explore.compare_view import CompareView

        self.observe(lambda _: self._show(), "revision")
        return CompareView(figure, self)

    def _controls(self) -> list[Any]:
        import ipywidgets as w

        from hsikit.explore.pieces import button, drag_shapes, place_boxes, row_of

        names = [("all classes", 0), *((name, c) for c, name in enumerate(self.scene.class_names, 1))]
        self.chooser = w.Dropdown(options=names, description="class", layout={"width": "280px"})
        self._on(self.chooser, lambda c: self.show_classes({c} if c else None))
        self.shape = drag_shapes()
        self.row, self.col = place_boxes(self.scene.shape)
        pick = button(self, "Pick", "Say what both maps answer here", lambda: self.pick(self.row.value, self.col.value))
        return [row_of(self.chooser, self.shape, self.row, self.col, pick), None]

    def _connect(self) -> None:
        from hsikit.explore.redraw import Gestures

        click = self._guard(lambda x, y: self.pick(round(y), round(x)))
        view, drag = self._view, self._guard(self.select_outline)
        self.gestures = [Gestures(ax, view.redraw, click, drag) for ax in view.pictures]
        self._on(self.shape, self._set_shape)

    def _set_shape(self, shape: str) -> None:
        for gesture in self.gestures:
            gesture.shape = shape

    def _sync(self) -> None:
        self.chooser.value = next(iter(self.classes_shown)) if len(self.classes_shown) == 1 else 0
        if self.place is not None:
            self.row.value, self.col.value = self.place.row, self.place.col
