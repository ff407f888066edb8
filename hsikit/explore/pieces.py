"""Small pieces that several panels draw with: class colours over a picture, cut names, number boxes, rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from hsikit.explore.marks import Span, lifted, short  # noqa: F401

BOX = {"flex_flow": "row wrap", "align_items": "center", "width": "100%"}


def blend(base: np.ndarray, classes: np.ndarray, colors: Sequence[str], opacity: float = 1.0) -> np.ndarray:
    """A picture (row, col, 3) in 0..1 with class colours laid over it where classes (row, col) are above 0."""
    if not len(colors):
        return base
    table = np.array([to_rgb(c) for c in colors])
    share = opacity * (classes > 0)[..., None]
    return (1 - share) * base + share * table[np.clip(classes, 1, len(table)) - 1]


def draw_spectrum(
    axes: Axes, x: np.ndarray, mean: np.ndarray, std: np.ndarray | None, colour: str, width: float
) -> list[Any]:
    """A line with its band of ± one deviation, animated; returns the artists."""
    place, line = lifted(x, mean)
    keep: dict[str, Any] = dict(animated=True, zorder=2.5)
    made: list[Any] = [*axes.plot(place, line, color=colour, lw=width, **keep)]
    if std is not None and np.isfinite(std).any():
        _, band = lifted(x, std)
        made.append(axes.fill_between(place, line - band, line + band, color=colour, alpha=0.2, lw=0, **keep))
    return made


def grey_spans(axes: Axes, spans: Sequence[Span]) -> None:
    """Grey stretches over bands that are left out."""
    for span in spans:
        axes.axvspan(span.low, span.high, color="#e8e8e8", alpha=0.8, lw=0, zorder=3.5, animated=True)


def place_boxes(shape: tuple[int, int]) -> list[Any]:
    """Number boxes for a row and a column of a raster, to pick without a mouse."""
    import ipywidgets as w

    return [
        w.BoundedIntText(0, min=0, max=most - 1, description=name, layout={"width": "150px"})
        for name, most in zip(("row", "column"), shape)
    ]


def number_box(name: str, most: int) -> Any:
    """A box for a number from 0 to `most`; arrow keys step through them."""
    import ipywidgets as w

    return w.BoundedIntText(
        0, min=0, max=most, description=name, style={"description_width": "48px"}, layout={"width": "125px"}
    )


def button(panel: Any, label: str, tooltip: str, action: Callable[[], Any]) -> Any:
    """A button that runs an action under a panel's guard."""
    import ipywidgets as w

    made = w.Button(description=label, tooltip=tooltip, layout={"width": "76px"})
    made.on_click(panel._guard(lambda _: action()))
    return made


def place_box(panel: Any, pick: Callable[[int, int], Any]) -> Any:
    """A box that picks the place typed: row, column, or coordinates of the scene, or longitude, latitude."""
    import ipywidgets as w

    box = w.Text(placeholder="row, column or x, y", description="go to", continuous_update=False,
                 style={"description_width": "44px"}, layout={"width": "215px"})  # fmt: skip
    return panel._on(box, lambda text: text.strip() and pick(*panel.facts.pixel_at(text)[:2]))


def opacity_of(panel: Any) -> Any:
    """A slider for the state's `opacity`, which follows it."""
    import ipywidgets as w

    made = w.FloatSlider(panel.opacity, min=0, max=1, step=0.05, description="opacity", readout_format=".2f",
                         layout={"width": "250px"})  # fmt: skip
    panel.observe(lambda change: setattr(made, "value", change["new"]), "opacity")
    return panel._on(made, lambda value: setattr(panel, "opacity", value))


def walks(panel: Any) -> list[Any]:
    """Undo and Redo, grey where there is nothing to take back."""
    made = [button(panel, "Undo", "Take the last step back", panel.undo),
            button(panel, "Redo", "Take it again", panel.redo)]  # fmt: skip

    def follow(_: Any = None) -> None:
        made[0].disabled, made[1].disabled = not panel.can_undo, not panel.can_redo

    panel.observe(follow, "revision")
    follow()
    return made


def help_of(text: str) -> tuple[Any, Any]:
    """A "?" button, and the gestures and keys that it shows."""
    import ipywidgets as w

    asked = w.ToggleButton(description="?", tooltip="Gestures and keys", layout={"width": "34px"})
    words = w.HTML(text, layout={"display": "none"})
    asked.observe(lambda change: setattr(words.layout, "display", "" if change["new"] else "none"), "value")
    return asked, words


def pages_of(pages: dict[str, Any]) -> Any:
    """Controls folded under titles."""
    import ipywidgets as w

    return w.Tab(list(pages.values()), titles=tuple(pages)).add_class("hsikit-pages")


def drag_shapes() -> Any:
    """Buttons that choose what a drag draws."""
    import ipywidgets as w

    return w.ToggleButtons(
        options=["lasso", "box"], description="drag a", style={"button_width": "60px", "description_width": "50px"},
        layout={"width": "240px"},
    )  # fmt: skip


def swatch(colour: str) -> str:
    """A square in class colour, as HTML."""
    box = "display:inline-block;width:12px;height:12px;border:1px solid #666;margin-right:4px"
    return f'<span style="{box};background:{colour}"></span>'


def row_of(*children: Any) -> Any:
    """Widgets side by side, wrapping where the window is narrow."""
    import ipywidgets as w

    return w.HBox(list(children), layout=BOX)
