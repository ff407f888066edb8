"""What a `Reasons` shows, as marks: the map with the picked pixel and its likes, spectra, scores, exits, occlusion."""

from __future__ import annotations

import numpy as np

from hsikit.explore import marks as m
from hsikit.explore.why import Reasons
from hsikit.figures.style import PALETTE

DASHES = ((), (6, 3), (6, 3, 1.5, 3), (1.5, 3), (5, 1.5, 1.5, 1.5, 1.5, 1.5))  # one a neighbour: classes share colours
MOST_SCORES = 6


def charts(state: Reasons, kept: m.Kept) -> dict[str, m.Chart]:
    """The six charts; those of a reason are kept while it stays."""
    now = (state.now,)
    return {"map": the_map(state), "spectra": kept("spectra", now, lambda: spectra(state)),
            "scores": kept("scores", now, lambda: scores(state)), "exits": kept("exits", now, lambda: exits(state)),
            "bands": kept("bands", now, lambda: bands(state)),
            "sensors": kept("sensors", now, lambda: sensors(state))}  # fmt: skip


def the_map(state: Reasons) -> m.Chart:
    """The class map with the picked pixel and the numbers of its likes."""
    size = m.Size(0.5, 300, 215, 150) if m.is_wide(state.scene) else m.Size(0.38, 300, 320, 190)
    return m.map_of(f"{state.facts.name}: class map", state.facts.grey, state.scene,
                  layers=(m.class_layer(state.prediction.labels, state.scene.colors),), rings=rings(state), size=size,
                  hint="Class map. Click a pixel to see what its answer rests on.")  # fmt: skip


def rings(state: Reasons) -> tuple[m.Ring, ...]:
    """The picked pixel as a cross, its likes with their numbers."""
    if state.now is None:
        return ()
    near = zip(state.now.near.pixels.tolist(), state.now.near.labels.tolist())
    likes = [m.Ring(col, row, "#000000", str(i)) for i, ((row, col), _) in enumerate(near, 1)]
    return (*likes, m.Ring(state.now.col, state.now.row, "#000000", symbol="cross"))


def spectra(state: Reasons) -> m.Chart:
    """The picked spectrum and those of its likes, in the colours of their classes."""
    scene, now = state.scene, state.now
    found, title = [], "spectra: pick a pixel"
    if now is not None:
        likes = f"nearest {state.known} pixels (1–{len(now.near.labels)})"
        title = f"picked pixel and {likes}" if len(now.near.labels) else "picked pixel; none far enough away"
        for i, ((row, col), c) in enumerate(zip(now.near.pixels.tolist(), now.near.labels.tolist())):
            name = f"{i + 1} {state.facts.name_of(c)}"
            found.append((name, (row, col), colour_of(state, c), 1.4, DASHES[i % len(DASHES)]))
        found.insert(0, ("picked", (now.row, now.col), "#000000", 2.4, ()))
    values = np.array([scene.hsi[place] for _, place, *_ in found], float).reshape(-1, scene.bands)
    x, drawn = m.lifted(state.facts.x, values)
    lines = tuple(m.Line(name, y, colour, width=width, dash=dash)
                  for (name, _, colour, width, dash), y in zip(found, drawn))  # fmt: skip
    size = m.Size(0.5, 300, 215, 130) if m.is_wide(state.scene) else m.Size(0.62, 400, 320, 130)
    return m.Chart(title, "band" if scene.wavelengths_nm is None else "wavelength (nm)", scene.units, state.facts.reach,
                 state.facts.span_with(values), x=x, lines=lines[::-1], zoom="x", size=size)  # fmt: skip


def scores(state: Reasons) -> m.Chart:
    """Probabilities of the likeliest classes."""
    size = m.Size(0.27, 220, 165, 120)
    if state.now is None:
        return m.bars_of("class scores", [], [], [], (0.0, 1.25), "probability", size=size)
    answer = state.now.answer
    order = np.argsort(-answer.scores, kind="stable")[:MOST_SCORES]
    ids = answer.classes[order].tolist()
    return m.bars_of("class scores", [state.facts.name_of(c) for c in ids], answer.scores[order].tolist(),
                   [colour_of(state, c) for c in ids], (0.0, 1.25), "probability", size=size)  # fmt: skip


def exits(state: Reasons) -> m.Chart:
    """Each exit's answer: its class in words on a bar as long as its probability."""
    names, values, colours = [], [], []
    for exit_name, scores in zip(state.exit_names(), () if state.now is None else state.now.answer.exits):
        assert state.now is not None
        best = int(state.now.answer.classes[scores.argmax()])
        names.append(f"{exit_name}: {state.facts.name_of(best)}")
        values.append(float(scores.max()))
        colours.append(colour_of(state, best))
    title = "answer of each exit" if len(state.exit_names()) > 1 else "one exit only"
    return m.bars_of(title, names, values, colours, (0.0, 1.25), "probability", size=m.Size(0.29, 220, 165, 120))


def bands(state: Reasons) -> m.Chart:
    """What the probability of the answer loses without each group of bands."""
    occlusion, boxes = state.occlusion, []
    waves = occlusion.scene.wavelengths_nm
    x = np.arange(occlusion.scene.bands, dtype=float) if waves is None else waves[occlusion.order]
    half = float(np.median(np.diff(x))) / 2 if len(x) > 1 else 0.5
    if state.now is not None:
        for (first, last), drop in zip(state.now.answer.groups, state.now.answer.band_drop.tolist()):
            boxes.append(m.Box(float(x[first]) - half, 0.0, float(x[last]) + half, drop, sign(drop)))
    level = m.Outline(np.array([[x[0] - half, 0.0], [x[-1] + half, 0.0]]), "#888888", 0.8)
    reach = (float(x[0]) - half, float(x[-1]) + half)
    return m.Chart("without these bands", "band" if waves is None else "wavelength (nm)", "probability lost", reach,
                 drops(state), boxes=tuple(boxes), outlines=(level,), zoom="x",
                 size=m.Size(0.27, 220, 165, 120))  # fmt: skip


def sensors(state: Reasons) -> m.Chart:
    """The same without a whole sensor, where there are two."""
    found = {} if state.now is None else state.now.answer.sensor_drop
    if len(found) < 2:
        return m.BLANK
    low, high = drops(state)
    return m.bars_of("without a sensor", list(found), list(found.values()), [sign(d) for d in found.values()],
                   (low, 1.6 * high), "lost", size=m.Size(0.17, 150, 165, 120))  # fmt: skip


def sign(drop: float) -> str:
    """Colour of what is lost, and of what is gained."""
    return PALETTE[0] if drop >= 0 else PALETTE[1]


def colour_of(state: Reasons, class_id: int) -> str:
    """Colour of a class 1..C; grey where the scene names fewer than the model."""
    return state.scene.colors[class_id - 1] if class_id <= state.scene.n_classes else m.NO_COLOUR


def drops(state: Reasons) -> tuple[float, float]:
    """One scale for bands and sensors."""
    every = [0.0] if state.now is None else [*state.now.answer.band_drop, *state.now.answer.sensor_drop.values()]
    return min(-0.05, 1.1 * min(every)), max(0.05, 1.1 * max(every))
