"""What a `Painting` shows, as marks: the painted scene, the map of the model, mean spectra of what is painted."""

from __future__ import annotations

import numpy as np

from hsikit.explore import marks as m
from hsikit.explore.painting import Painting

MOST_NAMES = 26  # in a legend
PAINT_HINT = (
    "The scene under paint. Drag or click with the chosen tool; Control and click takes the class under the pointer. "
    "Arrow keys move and paint, digits choose classes, brackets the brush, Control Z and Y walk back and on."
)


def charts(state: Painting, kept: m.Kept) -> dict[str, m.Chart]:
    """The three charts; arrays that are as before are the same objects."""
    return {"map": painted(state, kept), "answer": answered(state, kept), "spectra": spectra(state)}


def painted(state: Painting, kept: m.Kept) -> m.Chart:
    """The scene under paint; suggestions on every second pixel."""
    layers = [m.Layer(state.labels, state.colors, state.opacity)]
    dotted = "" if state.suggested is None else "; dotted: suggested"
    if state.suggested is not None:
        odd = np.indices(state.scene.shape).sum(0) % 2 == 1
        layers.append(m.Layer(kept("dots", (state.suggested,), lambda: state.suggested * odd), state.colors))
    names = [f"{name} ({count:,})" for name, count in zip(state.class_names, state.counts().tolist())]
    size = m.Size(0.5, 300, 212, 150) if m.is_wide(state.scene) else m.Size(0.36, 300, 390, 215)
    return m.map_of(f"{state.facts.name}: painted{dotted}", state.facts.rgb, state.scene, layers=tuple(layers),
                  entries=m.class_entries(names[:MOST_NAMES], state.colors, {state.active}), size=size,
                  rings=m.cross(state.place), hint=PAINT_HINT)  # fmt: skip


def answered(state: Painting, kept: m.Kept) -> m.Chart:
    """What the model says: classes in their colours, or how sure it is."""
    made, scale = state.prediction, None
    layers: tuple[m.Layer, ...] = ()
    picture, title = state.facts.grey, "no map yet: fit a model"
    if made is not None:
        title = f"{state.layer} ({made_by(state)})"
        if state.layer == "class map":
            layers = (m.class_layer(made.labels, state.colors),)
        else:
            scale = m.Scale(0.0, 1.0, m.ramp_of("cividis"))
            picture = kept("sure", (made,), lambda: confidence_picture(state))
    size = m.Size(0.5, 300, 212, 150) if m.is_wide(state.scene) else m.Size(0.36, 300, 390, 215)
    return m.map_of(title, picture, state.scene, layers=layers, scale=scale, size=size, rings=m.cross(state.place),
                  hint="The map of the model; corrections may be painted here too.")  # fmt: skip


def made_by(state: Painting) -> str:
    """The model that was fitted last, in words."""
    from hsikit.explore.painter_fit import MODELS  # torch

    return next(name.split(" (")[0] for name, method in MODELS.items() if method == state.fitted)


def confidence_picture(state: Painting) -> np.ndarray:
    """Confidence (row, col, 3) uint8 in colours, white where there is none."""
    sure = state.confidence()
    steps = np.rint(255 * np.nan_to_num(sure)).astype(int)
    return np.where(np.isfinite(sure)[..., None], m.ramp_of("cividis")[steps], 255).astype(np.uint8)


def spectra(state: Painting) -> m.Chart:
    """Mean ± one deviation of each painted class."""
    facts, (means, stds) = state.facts, state.means()
    spans, reach = tuple(facts.left_out), facts.span_with(means)
    x, means, stds = m.lifted(facts.x, means, stds)
    lines = tuple(m.Line(name, mean, colour, std, c)
                  for c, (name, mean, std, colour) in enumerate(zip(state.class_names, means, stds, state.colors), 1)
                  if np.isfinite(mean).any())  # fmt: skip
    size = m.Size(1.0, 280, 120, 110) if m.is_wide(state.scene) else m.Size(0.28, 260, 390, 115)
    return m.Chart("means of what is painted", "band" if facts.unit != "nm" else "wavelength (nm)", state.scene.units,
                 facts.reach, reach, x=x, lines=lines, spans=spans, zoom="x", size=size,
                 entries=(m.Entry("bands left out", "#d9d9d9"),) if spans else ())  # fmt: skip


def angle_table(state: Painting) -> str:
    """Spectral angles between the painted classes, in hundredths of a radian, as HTML."""
    from html import escape

    angles, seen = state.angles(), np.flatnonzero(state.counts())
    if len(seen) < 2:
        return "Spectral angles between classes stand here once two are painted."
    names = [escape(state.class_names[c]) for c in seen]
    head = "".join(f"<th>{n}</th>" for n in names)
    cell = lambda a, b: "" if a == b else f"{100 * angles[a, b]:.1f}"  # noqa: E731
    rows = "".join(
        f"<tr><th>{n}</th>{''.join(f'<td>{cell(a, b)}</td>' for b in seen)}</tr>" for n, a in zip(names, seen)
    )
    style = "max-height:110px;overflow:auto;line-height:1.3"
    caption = "Spectral angles between the means of the painted classes (0.01 rad)"
    return f'<div style="{style}">{caption}<table cellpadding="3"><tr><th></th>{head}</tr>{rows}</table></div>'
