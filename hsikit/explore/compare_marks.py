"""What a `ComparedMaps` shows, as marks: both maps, their difference, gained and lost per class, shares per field."""

from __future__ import annotations

import numpy as np

from hsikit.explore.compare_maps import KINDS, ComparedMaps
from hsikit.explore.marks import (
    PLAIN,
    Box,
    Chart,
    Entry,
    Kept,
    Layer,
    Outline,
    Points,
    Ring,
    Size,
    Text,
    class_entries,
    class_layer,
    is_wide,
    map_of,
    short,
)
from hsikit.figures.style import PALETTE

# A colour for each of KINDS; gained and lost differ in lightness too, and the key and bars name them.
COLOURS = ("#ffffff", "#ededed", "#bdbdbd", "#0072B2", "#D55E00", "#000000", "#CC79A7")


def charts(state: ComparedMaps, kept: Kept) -> dict[str, Chart]:
    """The five charts; arrays that are as before are the same objects."""
    a, b = (one_map(state, kept, i) for i in (0, 1))
    shown = (state.classes_shown,)
    per_class = kept("bars", shown, lambda: classes(state))
    return {"a": a, "b": b, "kinds": difference(state, kept), "classes": per_class, "fields": fields(state, kept)}


def map_size(state: ComparedMaps) -> Size:
    """Of the maps: side by side, wide ones one above the other."""
    return Size(1.0, 500, 95, 95) if is_wide(state.scene) else Size(0.333, 230, 265, 150)


def blank(state: ComparedMaps, kept: Kept) -> np.ndarray:
    """A white sheet (row, col, 3)."""
    return kept("blank", (), lambda: np.full((*state.scene.shape, 3), 255, np.uint8))


def one_map(state: ComparedMaps, kept: Kept, place: int) -> Chart:
    """One of the two maps, pixels of the classes shown alone."""
    scene, name = state.scene, state.names[place]
    labels = kept(f"map {place}", (state.classes_shown,), lambda: np.where(state.shown, state.maps[place], 0))
    pressed = state.classes_shown if len(state.classes_shown) < scene.n_classes else ()
    entries = class_entries(scene.class_names, scene.colors, pressed) if place == 0 else ()
    return map_of(name, blank(state, kept), state.facts.pixel, layers=(class_layer(labels, scene.colors),),
                  entries=entries, view="map", size=map_size(state), hint=f"Map {name}. Click a pixel.",
                  **marker(state, kept))  # fmt: skip


def difference(state: ComparedMaps, kept: Kept) -> Chart:
    """Where the maps differ, and which of them is right."""
    codes = kept("kinds", (state.classes_shown,), lambda: np.where(state.shown, state.kinds, 0))
    entries = tuple(Entry(kind, colour) for kind, colour in zip(KINDS, COLOURS))
    simulated = " (simulated data)" if state.scene.simulated else ""
    return map_of(f"difference{simulated}", blank(state, kept), state.facts.pixel, layers=(Layer(codes, COLOURS[1:]),),
                  entries=entries, view="map", size=map_size(state), hint="Difference. Click a pixel.",
                  **marker(state, kept))  # fmt: skip


def marker(state: ComparedMaps, kept: Kept) -> dict[str, object]:
    """The picked pixel as a cross, its field outlined."""
    if not state.place:
        return {}
    (row, col), field = state.place, int(state.fields[state.place])
    edge = kept("edge", (field,), lambda: edges(state.fields == field)) if field else None
    outlines = () if edge is None else (Outline(edge, "#000000", 1.4),)
    return {"rings": (Ring(col, row, "#000000", symbol="cross"),), "outlines": outlines}


def edges(mask: np.ndarray) -> np.ndarray:
    """The edge of an area (row, col) as one broken line (m, 2) of x and y along the sides of its pixels."""
    inside = np.pad(mask, 1)
    down = np.argwhere(inside[1:] != inside[:-1])  # edges below row r - 1: (r, c)
    across = np.argwhere(inside[:, 1:] != inside[:, :-1])
    gap = np.nan
    x = [*((c - 1.5, c - 0.5, gap) for _, c in down), *((c - 0.5, c - 0.5, gap) for _, c in across)]
    y = [*((r - 0.5, r - 0.5, gap) for r, _ in down), *((r - 1.5, r - 0.5, gap) for r, _ in across)]
    return np.column_stack([np.ravel(x), np.ravel(y)])


def classes(state: ComparedMaps) -> Chart:
    """Gained to the right, lost to the left, in pixels, a row a class."""
    table = state.per_class()
    table = table[table.index.isin(state.classes_shown)]
    size = Size(0.55, 340, 190, 150)
    if table.empty:
        told = (Text(0.0, 0.0, "no truth: gained and lost cannot be told", "center"),)
        return Chart("per class", "", "", (-1.0, 1.0), (0.5, -0.5), texts=told, numbers=False, zoom="", size=size)
    most = max(1, int(table[["gained", "lost"]].to_numpy().max()))
    boxes, texts = [], []
    for y, (gained, lost) in enumerate(zip(table["gained"].tolist(), table["lost"].tolist())):
        boxes += [Box(0.0, y - 0.4, gained, y + 0.4, COLOURS[3]), Box(-lost, y - 0.4, 0.0, y + 0.4, COLOURS[4])]
        texts += [Text(gained + 0.03 * most, y, f"+{gained}"), Text(-lost - 0.03 * most, y, f"−{lost}", "right")]
    title = f"per class: {short(state.names[1], 14)} against {short(state.names[0], 14)}"
    return Chart(title, "lost  ←  px  →  gained", "", (-1.45 * most, 1.45 * most), (len(table) - 0.5, -0.5),
                 boxes=tuple(boxes), texts=tuple(texts), y_names=tuple(table["class"]), zoom="", size=size)  # fmt: skip


def fields(state: ComparedMaps, kept: Kept) -> Chart:
    """A point a field: its share right in both maps; above the line, it gained."""
    table = state.per_field()
    table = table[table["class"].isin(state.classes_shown)]
    xy = kept("fields", (state.classes_shown,), lambda: 100 * table[["share_a", "share_b"]].to_numpy(float))
    tints = kept("tints", (state.classes_shown,), lambda: table["class"].to_numpy(int) - 1)
    looks = kept("looks", (state.classes_shown,), lambda: np.full(len(table), PLAIN, np.uint8))
    points = Points(xy, tints, tuple(state.scene.colors), looks, 9.0) if len(table) else None
    rings: tuple[Ring, ...] = ()
    if state.place and (field := state.fields[state.place]) in table.index:
        x, y = 100 * table.loc[field, ["share_a", "share_b"]].to_numpy(float)
        rings = (Ring(float(x), float(y), PALETTE[5]),)
    a, b = (f"% right in {short(name, 16)}" for name in state.names)
    level = Outline(np.array([[0.0, 0.0], [100.0, 100.0]]), "#999999", 0.8)
    return Chart(f"{len(table)} fields", a, b, (-4.0, 104.0), (-4.0, 104.0), outlines=(level,) if len(table) else (),
                 points=points, rings=rings, zoom="", size=Size(0.45, 260, 190, 150))  # fmt: skip
