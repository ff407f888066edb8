"""What a `FeatureSpace` shows, as marks: clouds, map, spectra, distances of classes, confusion, numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from hsikit.explore import marks as m
from hsikit.explore.feature_inputs import PARTS
from hsikit.explore.feature_space import FeatureSpace
from hsikit.features import project
from hsikit.figures.style import PALETTE, WRONG

STEPS = 10  # of confidence, each with a colour of its own
PART_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[3], "#bbbbbb")
UNKNOWN = "#bbbbbb"
METHOD_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
LOW = 178  # height in pixels of a row where there are three columns of 240
CLOUD_HINT = "Points of pixels in feature space. Plus and minus zoom, arrows move, Home shows all."


def categories(state: FeatureSpace) -> tuple[np.ndarray, list[str], list[str]]:
    """Category (n,) of every point under the present colouring, and the categories' names and colours."""
    names = [state.facts.name_of(c) for c in range(state.scene.n_classes + 1)]
    colours = [UNKNOWN, *state.scene.colors]
    if state.color_by == "prediction" and state.prediction is not None:
        return state.prediction, names, colours
    if state.color_by == "correctness" and state.prediction is not None:
        right = np.where(state.labels == 0, 0, np.where(state.labels == state.prediction, 1, 2))
        return right, ["unlabelled", "right", "wrong"], ["#f0f0f0", PALETTE[0], WRONG]
    if state.color_by == "confidence" and state.confidence is not None:
        step = np.minimum((state.confidence * STEPS).astype(int), STEPS - 1)
        names = [f"{k / STEPS:.1f} to {(k + 1) / STEPS:.1f}" for k in range(STEPS)]
        return step, names, [to_hex(colormaps["cividis"](k / (STEPS - 1))) for k in range(STEPS)]
    if state.color_by == "split":
        return state.parts, list(PARTS), list(PART_COLOURS)
    return state.labels, names, colours


def picture(state: FeatureSpace) -> np.ndarray:
    """The map (row, col, 3) in 0..1: the scene in pale grey, lit (or all shown) points in colour."""
    category, _, colours = categories(state)
    which = state.lit if state.lit.any() else state.visible
    rows, cols = state.rowcol[which].T
    found = state.backdrop.copy()
    found[rows, cols] = np.array([to_rgb(c) for c in colours])[category[which]]
    return found


def star_places(state: FeatureSpace, beside: bool = False) -> dict[str, np.ndarray]:
    """Name -> place (2,) of the words in a picture, where they have the space's dimension."""
    space = state.beside if beside and state.beside else state.space
    dim = state.spaces[space].shape[1]
    fitting = {n: v / max(float(np.linalg.norm(v)), 1e-12) for n, v in state.words.items() if v.size == dim}
    if not fitting:
        return {}
    placed = project(state.pictures.one(space, state.settings()), np.stack(list(fitting.values())))
    return dict(zip(fitting, placed))


def charts(state: FeatureSpace, kept: m.Kept, numbers: Sequence[Sequence[str]]) -> dict[str, m.Chart]:
    """All charts by name; `numbers` are the lines of `FeatureSpace.measure`, or what stands there meanwhile."""
    seen = (state.lit, state.classes_shown)
    key = m.Chart("", "", "", (0.0, 1.0), (0.0, 1.0), entries=entries(state), zoom="", numbers=False,
                size=m.Size(1.0, 300, 0, 0))  # fmt: skip
    return {
        "cloud": cloud(state, kept, beside=False),
        "beside": cloud(state, kept, beside=True) if state.beside else m.BLANK,
        "map": map_chart(state, kept),
        "key": key,
        "spectra": kept("spectra", seen, lambda: spectra_chart(state)),
        "table": kept("table", (*seen, state.table, state.space), lambda: table_chart(state)),
        "numbers": numbers_chart(state, numbers),
    }


def cloud(state: FeatureSpace, kept: m.Kept, beside: bool) -> m.Chart:
    """A cloud with its words as stars."""
    xy, (category, _, colours) = state.cloud(beside), categories(state)
    points = m.Points(
        kept(f"xy {beside}", (xy,), lambda: xy.astype(np.float32)),
        kept("tints", (state.color_by,), lambda: category.astype(np.uint8)), tuple(colours),
        kept("looks", (state.lit, state.classes_shown), lambda: looks(state)), 4.6 if len(xy) > 3000 else 5.4,
    )  # fmt: skip
    stars = kept(f"stars {beside}", (xy,), lambda: star_places(state, beside))
    every = np.vstack([xy, *[place[None] for place in stars.values()]])
    low, high = every.min(0), every.max(0)
    margin = 0.04 * np.maximum(high - low, 1e-9)
    settings = {"tsne": f"; perplexity {state.perplexity:g}", "umap": f"; {state.neighbours} neighbours"}
    name = METHOD_NAMES[state.method]
    return m.Chart(
        state.beside if beside else state.space, f"{name} 1 (no unit{settings.get(state.method, '')})",
        f"{name} 2 (no unit)", (low[0] - margin[0], high[0] + margin[0]), (low[1] - margin[1], high[1] + margin[1]),
        points=points, numbers=False, hint=CLOUD_HINT,
        rings=tuple(m.Ring(float(x), float(y), "#000000", word, "star") for word, (x, y) in stars.items()),
        size=third(280) if state.beside else m.Size(1.0 if m.is_wide(state.scene) else 0.66, 300, 280, LOW),
    )  # fmt: skip


def map_chart(state: FeatureSpace, kept: m.Kept) -> m.Chart:
    """The lit (or all shown) pixels in colour over the pale scene."""
    key = (state.lit, state.classes_shown, state.color_by)
    shown = kept("map", key, lambda: np.rint(255 * picture(state)).astype(np.uint8))
    title = "map (simulated data)" if state.scene.simulated else "map"
    size = m.Size(1.0, 400, 180, 150) if m.is_wide(state.scene) else third(280)
    return m.map_of(title, shown, state.scene, size=size)


def looks(state: FeatureSpace) -> np.ndarray:
    """How each point (n,) is drawn: lit, plain, or dim where its class is not shown."""
    return np.where(state.visible, np.where(state.lit, m.LIT, m.PLAIN), m.DIM).astype(np.uint8)


def third(high: int) -> m.Size:
    """A third of a row."""
    return m.Size(1 / 3, 225, high, LOW)


def whose(state: FeatureSpace) -> str:
    """Which pixels the tables are of."""
    lit = int(state.lit.sum())
    return f"of {lit:,} lit px" if lit else "of all shown"


def entries(state: FeatureSpace) -> tuple[m.Entry, ...]:
    """Classes to click, or what the colours mean where they are not those of the classes."""
    category, names, colours = categories(state)
    if state.color_by == "class":
        pressed = state.classes_shown if state.classes_shown != set(state.classes) else ()  # of all, none is marked
        return tuple(m.Entry(f"{c} {names[c]}", colours[c], c, c in pressed) for c in state.classes)
    return tuple(m.Entry(names[c], colours[c]) for c in np.unique(category).tolist())


def spectra_chart(state: FeatureSpace) -> m.Chart:
    """Mean spectra of the largest classes among the lit (or all shown) pixels."""
    scene, facts = state.scene, state.facts
    lines = []
    for c, mean, std, _ in reversed(state.spectra()):
        rows = [mean] if std is None else [mean, std]
        x, *drawn = m.lifted(facts.x, *rows)
        colour = scene.colors[c - 1] if c else "#888888"
        lines.append(m.Line(facts.name_of(c), drawn[0], colour, drawn[1] if len(drawn) > 1 else None, c or -1, x=x))
    return m.Chart(
        f"class means {whose(state)}", "band" if scene.wavelengths_nm is None else "wavelength (nm)", scene.units,
        facts.reach, facts.span, lines=tuple(lines), spans=tuple(facts.left_out), zoom="x", legend=False,
        size=third(192),
    )  # fmt: skip


def table_chart(state: FeatureSpace) -> m.Chart:
    """Class by prediction among the lit (or all shown) pixels, or how far the means of the classes lie apart."""
    if state.table == "confusion" and state.prediction is not None:
        classes = sorted({*state.classes, *np.unique(state.prediction).tolist()})
        counts = state.confusion()[np.ix_(classes, classes)].astype(float)
        return m.table_of(f"confusion {whose(state)}", counts, named(state, classes), tuple(map(str, classes)),
                        ("predicted", ""), size=third(192))  # fmt: skip
    classes = [c for c in state.classes if c]
    if len(classes) < 2:
        return m.BLANK
    return m.table_of("distance of class centres", state.centre_distances(classes), named(state, classes),
                    tuple(map(str, classes)), ("class", ""), size=third(192))  # fmt: skip


def named(state: FeatureSpace, classes: Sequence[int]) -> tuple[str, ...]:
    """Classes by number and name."""
    return tuple(f"{c} {state.facts.name_of(c)}" for c in classes)


def numbers_chart(state: FeatureSpace, numbers: Sequence[Sequence[str]]) -> m.Chart:
    """Numbers of the full space in lines, a column a space; below them those of what is lit."""
    sides = ("left", "right") if state.beside and len(numbers) > 1 else ()
    if len(numbers) == 1:  # why there are none, or that they are being measured
        numbers = [(words,) for words in textwrap.wrap(numbers[0][0], 44)]
    lines = [(*line, *(() if place else sides)) for place, line in enumerate(numbers)]
    pairs = [state.numbers.within_and_between(space, state.lit if state.lit.any() else state.visible)
             for space in state.spaces_shown]  # fmt: skip
    lines += [(whose(state),)]
    lines += [(name, *("–" if np.isnan(pair[k]) else f"{pair[k]:.3g}" for pair in pairs))
              for k, name in enumerate(("to own centre ↓", "between centres ↑"))]  # fmt: skip
    columns = (0.8, 1.0) if state.beside else (1.0,)
    texts = [m.Text(0.0, float(row), line[0]) for row, line in enumerate(lines)]
    texts += [
        m.Text(at, float(row), value, "right") for row, line in enumerate(lines) for at, value in zip(columns, line[1:])
    ]
    low = max(len(lines), 12) - 0.4
    return m.Chart("in the full space", "", "", (0.0, 1.0), (low, -0.6), texts=tuple(texts), zoom="", numbers=False,
                 size=third(192), frame=False)  # fmt: skip
