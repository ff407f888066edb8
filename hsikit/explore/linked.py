"""Two explorers that follow each other: what is picked, selected or zoomed to in one is so in the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

WHAT = ("place", "view", "selection")


def link(a: Any, b: Any, what: Sequence[str] = WHAT) -> Callable[[], None]:
    """Let two explorers of scenes on one grid follow each other.

    Args:
        a, b: Explorers, or their states; scenes may differ but for their rows and columns.
        what: ``"place"``: a pixel picked in one is picked in the other; ``"selection"``: pixels selected in one are
            selected in the other, as far as it holds them; ``"view"``: maps are zoomed and moved together.

    Returns:
        A function that lets them go again.

    Raises:
        ValueError: When the grids differ, `what` names something else, or one of them cannot be picked or selected in.

    Example:
        >>> from hsikit.explore.spectra import Spectra
        >>> scene = hsikit.load_scene("indian_pines")
        >>> a, b = Spectra(scene), Spectra(scene)
        >>> let_go = hsikit.explore.link(a, b, what=("place",))
        >>> spectrum = a.pick(20, 100)
        >>> b.place
        (20, 100)
    """
    if unknown := set(what) - set(WHAT):
        raise ValueError(f"{sorted(unknown)[0]!r} cannot be linked; choose among {', '.join(WHAT)}")
    if a.scene.shape != b.scene.shape:
        raise ValueError(f"the scenes are {a.scene.shape} and {b.scene.shape} (row, col); only one grid can be linked")
    needed = {"place": "pick", "selection": "select"}
    for part in what:
        for one in (a, b):
            if part in needed and not callable(getattr(one, needed[part], None)):
                raise ValueError(f"{type(one).__name__} has no {needed[part]}, so its {part} cannot be linked")
    if hasattr(a, "_lock") and hasattr(b, "_lock"):
        b._lock = a._lock  # they answer one message at a time, whichever it came to
    undo = [_follows(one, other, what) for one, other in ((a, b), (b, a))]
    if "view" in what:
        undo += _zoomed_together(a, b)

    def let_go() -> None:
        for part in undo:
            part()

    return let_go


def _follows(one: Any, other: Any, what: Sequence[str]) -> Callable[[], None]:
    """`other` does what `one` did; what it refuses is its message."""

    def place(change: Any) -> None:
        if change["new"] and change["new"] != other.place:
            _tried(other, lambda: other.pick(*change["new"]))

    def selection(change: Any) -> None:
        if change["new"] is not None and not np.array_equal(change["new"], other.chosen):
            mask = np.zeros(one.scene.shape, bool)
            mask.ravel()[change["new"]] = True
            _tried(other, lambda: other.select(mask))

    heard = [(act, name) for act, name, part in ((place, "place", "place"), (selection, "chosen", "selection"))
             if part in what]  # fmt: skip
    for act, name in heard:
        one.observe(act, name)

    def let_go() -> None:
        for act, name in heard:
            one.unobserve(act, name)

    return let_go


def _tried(state: Any, act: Callable[[], Any]) -> None:
    try:
        act()
    except ValueError as error:
        state.message = str(error)
        if hasattr(state, "say"):
            state.say(state.message)


def _zoomed_together(a: Any, b: Any) -> list[Callable[[], None]]:
    """The maps of two panels, in the browser; a state without a panel shows no map."""
    from ipywidgets import jslink  # widgets

    if not (hasattr(a, "widget") and hasattr(b, "widget")):
        return []
    a.widget()
    b.widget()
    maps = [[part for part in getattr(one._view, "parts", {}).values() if part.head["rows"]][:1] for one in (a, b)]
    return [jslink((one, "view"), (other, "view")).unlink for one, other in zip(*maps)]
