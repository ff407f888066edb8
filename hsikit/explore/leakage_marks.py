"""What a `Leakage` shows, as marks: where leaking test pixels lie, and curves over the window."""

from __future__ import annotations

import numpy as np

from hsikit.explore.leakage import Leakage
from hsikit.explore.marks import Chart, Entry, Kept, Layer, Line, Ring, Size, map_of
from hsikit.figures.style import PALETTE, WRONG
from hsikit.splits import MAP_CODES

COLOURS = ("#f2f2f2", "#000000", PALETTE[1], PALETTE[4], WRONG)  # a colour for each of MAP_CODES


def charts(state: Leakage, kept: Kept) -> dict[str, Chart]:
    """Map and curves."""
    return {"map": the_map(state, kept), "curve": curves(state)}


def the_map(state: Leakage, kept: Kept) -> Chart:
    """What each pixel is in the split."""
    sheet = kept("sheet", (), lambda: np.full((*state.scene.shape, 3), int(COLOURS[0][1:3], 16), np.uint8))
    entries = tuple(Entry(name, colour) for name, colour in zip(MAP_CODES, COLOURS))
    size = Size(1.0, 500, 190, 150) if state.facts.wide else Size(0.45, 300, 360, 190)
    return map_of(f"{state.now.kind}, window {state.now.window}", sheet, state.facts.pixel, entries=entries, size=size,
                  layers=(Layer(state.now.codes, COLOURS[1:]),), hint="What each pixel is in the split.")  # fmt: skip


def curves(state: Leakage) -> Chart:
    """Accuracy of each kind of split as a line, shared windows dashed, over the windows measured so far."""
    lines = []
    for place, kind in enumerate(dict.fromkeys(kind for kind, _ in state.done)):
        measured = sorted((m for (k, _), m in state.done.items() if k == kind), key=lambda m: m.window)
        x, colour = np.array([m.window for m in measured], float), PALETTE[place % 7]
        for name, values, dash in (("accuracy", [m.accuracy for m in measured], ()),
                                   ("shared", [m.shared for m in measured], (6.0, 3.0))):  # fmt: skip
            lines.append(Line(f"{kind}: {name}", 100 * np.array(values), colour, x=x, dash=dash, dots=True))
    now = tuple(
        Ring(float(state.now.window), 100 * share, "#000000") for share in (state.now.accuracy, state.now.shared)
    )
    title = "over windows (simulated data)" if state.scene.simulated else "over windows"
    last = max(30.0, max(window for _, window in state.done) + 1.0)
    return Chart(title, "window (px)", "% (shared: dashed)", (0.0, last), (-3.0, 104.0), lines=tuple(lines), rings=now, zoom="",
                 size=Size(1.0, 500, 190, 150) if state.facts.wide else Size(0.55, 380, 360, 170))  # fmt: skip
