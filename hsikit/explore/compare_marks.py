"""What a `ComparedMaps` shows, as marks: both maps, their difference, gained and lost per class, shares per field."""

from __future__ import annotations

import numpy as np

from hsikit.explore import marks as m
from hsikit.explore.compare_maps import KINDS, ComparedMaps
from hsikit.figures.style import PALETTE

# A colour for each of KINDS; gained and lost differ in lightness too, and the key and bars name them.
COLOURS = ("#ffffff", "#ededed", "#bdbdbd", "#0072B2", "#D55E00", "#000000", "#CC79A7")
LETTERS, AROUND = 14, 45  # pixels of a line of words, and of what stands above and below a chart's axes


def charts(state: ComparedMaps, kept: m.Kept) -> dict[str, m.Chart]:
    """The five charts; arrays that are as before are the same objects."""
    a, b = (one_map(state, kept, i) for i in (0, 1))
    shown = (state.classes_shown,)
    per_class = kept("bars", shown, lambda: classes(state))
    return {"a": a, "b": b, "kinds": difference(state, kept), "classes": per_class, "fields": fields(state, kept)}


def map_size(state: ComparedMaps, wide: float = 0.5) -> m.Size:
    """Of the maps: three side by side, of wide ones two, and the third beside the numbers."""
    return m.Size(wide, 230, 200, 130) if m.is_wide(state.scene) else m.Size(0.333, 230, 265, 150)


def blank(state: ComparedMaps, kept: m.Kept) -> np.ndarray:
    """A white sheet (row, col, 3)."""
    return kept("blank", (), lambda: np.full((*state.scene.shape, 3), 255, np.uint8))


def one_map(state: ComparedMaps, kept: m.Kept, place: int) -> m.Chart:
    """One of the two maps, pixels of the classes shown alone."""
    scene, name = state.scene, state.names[place]
    labels = kept(f"map {place}", (state.classes_shown,), lambda: np.where(state.shown, state.maps[place], 0))
    pressed = state.classes_shown if len(state.classes_shown) < scene.n_classes else ()
    entries = m.class_entries(scene.class_names, scene.colors, pressed) if place == 0 else ()
    return m.map_of(name, blank(state, kept), state.scene, layers=(m.class_layer(labels, scene.colors),),
                  entries=entries, size=map_size(state), hint=f"Map {name}. Click a pixel.",
                  **marker(state, kept))  # fmt: skip


def difference(state: ComparedMaps, kept: m.Kept) -> m.Chart:
    """Where the maps differ, and which of them is right."""
    codes = kept("kinds", (state.classes_shown,), lambda: np.where(state.shown, state.kinds, 0))
    entries = tuple(m.Entry(kind, colour) for kind, colour in zip(KINDS, COLOURS))
    simulated = " (simulated data)" if state.scene.simulated else ""
    layers = (m.Layer(codes, COLOURS[1:]),)
    return m.map_of(f"difference{simulated}", blank(state, kept), state.scene, layers=layers, entries=entries,
                    size=map_size(state, 0.44), hint="Difference", **marker(state, kept))  # fmt: skip


def marker(state: ComparedMaps, kept: m.Kept) -> dict[str, object]:
    """The picked pixel as a cross, its field outlined."""
    if not state.place:
        return {}
    field = int(state.fields[state.place])
    edge = kept("edge", (field,), lambda: edges(state.fields == field)) if field else None
    outlines = () if edge is None else (m.Outline(edge, "#000000", 1.4),)
    return {"rings": m.cross(state.place), "outlines": outlines}


def edges(mask: np.ndarray) -> np.ndarray:
    """The edge of an area (row, col) as one broken line (m, 2) of x and y along the sides of its pixels."""
    inside = np.pad(mask, 1)
    down = np.argwhere(inside[1:] != inside[:-1])  # edges below row r - 1: (r, c)
    across = np.argwhere(inside[:, 1:] != inside[:, :-1])
    gap = np.nan
    x = [*((c - 1.5, c - 0.5, gap) for _, c in down), *((c - 0.5, c - 0.5, gap) for _, c in across)]
    y = [*((r - 0.5, r - 0.5, gap) for r, _ in down), *((r - 1.5, r - 0.5, gap) for r, _ in across)]
    return np.column_stack([np.ravel(x), np.ravel(y)])


def classes(state: ComparedMaps) -> m.Chart:
    """Gained to the right, lost to the left, in pixels, a row a class."""
    table = state.per_class()
    table = table[table.index.isin(state.classes_shown)]
    size = m.Size(0.33, 250, 200, 130) if m.is_wide(state.scene) else m.Size(0.55, 340, 190, 150)
    if table.empty:
        told = (m.Text(0.0, 0.0, "no truth: gained and lost cannot be told", "center"),)
        return m.Chart("per class", "", "", (-1.0, 1.0), (0.5, -0.5), texts=told, numbers=False, zoom="", size=size)
    most = max(1, int(table[["gained", "lost"]].to_numpy().max()))
    gained, lost = table["gained"].tolist(), table["lost"].tolist()
    boxes = [
        box
        for y, (up, down) in enumerate(zip(gained, lost))
        for box in (m.Box(0.0, y - 0.4, up, y + 0.4, COLOURS[3]), m.Box(-down, y - 0.4, 0.0, y + 0.4, COLOURS[4]))
    ]
    texts = [m.Text(gained[y] + 0.03 * most, y, f"+{gained[y]:,}") for y in readable(gained, size.low)]
    texts += [m.Text(-lost[y] - 0.03 * most, y, f"−{lost[y]:,}", "right") for y in readable(lost, size.low)]
    title = f"per class: {m.short(state.names[1], 14)} against {m.short(state.names[0], 14)}"
    return m.Chart(title, "lost  ←  px  →  gained", "", (-1.45 * most, 1.45 * most), (len(table) - 0.5, -0.5),
                 boxes=tuple(boxes), texts=tuple(texts), y_names=tuple(table["class"]), zoom="", size=size)  # fmt: skip


def readable(values: list[int], high: int) -> list[int]:
    """Places of the bars whose numbers are written, in a chart so many pixels high: the longest, none upon another."""
    apart, found = -(-LETTERS * len(values) // (high - AROUND)), list[int]()
    for place in sorted(range(len(values)), key=lambda place: -values[place]):
        if values[place] and all(abs(place - other) >= apart for other in found):
            found.append(place)
    return found


def fields(state: ComparedMaps, kept: m.Kept) -> m.Chart:
    """A point a field: its share right in both maps; above the line, it gained."""
    table = state.per_field()
    table = table[table["class"].isin(state.classes_shown)]
    xy = kept("fields", (state.classes_shown,), lambda: 100 * table[["share_a", "share_b"]].to_numpy(float))
    tints = kept("tints", (state.classes_shown,), lambda: table["class"].to_numpy(int) - 1)
    looks = kept("looks", (state.classes_shown,), lambda: np.full(len(table), m.PLAIN, np.uint8))
    points = m.Points(xy, tints, tuple(state.scene.colors), looks, 9.0) if len(table) else None
    rings: tuple[m.Ring, ...] = ()
    if state.place and (field := state.fields[state.place]) in table.index:
        x, y = 100 * table.loc[field, ["share_a", "share_b"]].to_numpy(float)
        rings = (m.Ring(float(x), float(y), PALETTE[5]),)
    a, b = (f"% right in {m.short(name, 16)}" for name in state.names)
    size = m.Size(0.23, 200, 200, 130) if m.is_wide(state.scene) else m.Size(0.45, 260, 190, 150)
    level = m.Outline(np.array([[0.0, 0.0], [100.0, 100.0]]), "#999999", 0.8)
    return m.Chart(f"{len(table)} fields", a, b, (-4.0, 104.0), (-4.0, 104.0), outlines=(level,) if len(table) else (),
                 points=points, rings=rings, zoom="", size=size)  # fmt: skip
