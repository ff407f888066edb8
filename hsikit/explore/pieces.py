"""Small widgets that several panels have: buttons, boxes for numbers and places, rows, folded pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

TOOLS = {"pan": "A drag moves", "lasso": "A drag draws around what is taken", "box": "A drag draws a box around it"}
BOX = {"flex_flow": "row wrap", "align_items": "center", "width": "100%"}


def number_box(name: str, most: int) -> Any:
    """A box for a number from 0 to `most`; arrow keys step through them."""
    return w.BoundedIntText(
        0, min=0, max=most, description=name, style={"description_width": "48px"}, layout={"width": "125px"}
    )


def menu(name: str, options: Any, width: int, words: int = 80) -> Any:
    """A menu so many pixels wide, its name before it."""
    return w.Dropdown(options=options, description=name, style={"description_width": f"{words}px"},
                      layout={"width": f"{width}px"})  # fmt: skip


def button(panel: Any, label: str, tooltip: str, action: Callable[[], Any]) -> Any:
    """A button that runs an action under a panel's guard."""
    made = w.Button(description=label, tooltip=tooltip, layout={"width": "76px"})
    made.on_click(panel._guard(lambda _: action()))
    return made


def place_box(panel: Any, pick: Callable[[int, int], Any]) -> Any:
    """A box that picks the place typed: row, column, or coordinates of the scene, or longitude, latitude."""
    box = w.Text(placeholder="row, column or x, y", description="go to", continuous_update=False,
                 style={"description_width": "44px"}, layout={"width": "215px"})  # fmt: skip
    return panel._on(box, lambda text: text.strip() and pick(*panel.facts.pixel_at(text)[:2]))


def opacity_of(panel: Any) -> Any:
    """A slider for the state's `opacity`, which follows it."""
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


def pages_of(pages: dict[str, Any]) -> Any:
    """Controls folded under titles."""
    return w.Tab(list(pages.values()), titles=tuple(pages)).add_class("hsikit-pages")


def hand(panel: Any, tool: str = "pan") -> Any:
    """Buttons that choose what a drag does in all charts of a panel's board."""
    made = w.ToggleButtons(options=list(TOOLS), value=tool, tooltips=list(TOOLS.values()),
                           style={"button_width": "56px"}, layout={"width": "186px"})  # fmt: skip
    panel._view.set_tool(tool)
    return panel._on(made, panel._view.set_tool)


def help_of(lines: Sequence[str]) -> tuple[Any, Any]:
    """A button "?" and the list of gestures and keys that it folds out."""
    asked = w.ToggleButton(description="?", tooltip="Gestures and keys", layout={"width": "34px"})
    listed = "".join(f"<li>{line}</li>" for line in lines)
    told = w.HTML(f'<ul style="line-height:1.4;margin:0 0 0 1em">{listed}</ul>', layout={"display": "none"})
    asked.observe(lambda c: setattr(told.layout, "display", "" if c["new"] else "none"), "value")
    return asked, told


def row_of(*children: Any) -> Any:
    """Widgets side by side, wrapping where the window is narrow."""
    return w.HBox(list(children), layout=BOX)
