"""What a `Questions` shows, as marks: similarity over the scene, the class map, nearest prompts, scores by class."""

from __future__ import annotations

import numpy as np

from hsikit.explore import marks as m
from hsikit.explore.prompts import Questions
from hsikit.figures.style import LINES, PALETTE

BINS = 40
MOST_RANKS = (10, 4)  # classes among the bars: beside a map, and in a low row of their own
MOST_LINES = 8  # classes in the histogram, the largest
DASHES = {"-": (), "--": (6, 3), "-.": (6, 3, 1.5, 3), ":": (1.5, 3)}


def charts(state: Questions, kept: m.Kept) -> dict[str, m.Chart]:
    """The four charts; arrays that are as before are the same objects."""
    asked = (state.asked, state.shown)
    return {"map": similarity(state, kept), "classes": classes(state, kept),
            "ranks": kept("ranks", (*asked, state.text), lambda: ranks(state)),
            "counts": kept("counts", asked, lambda: counts(state))}  # fmt: skip


def map_size(state: Questions) -> m.Size:
    """Of both maps, side by side."""
    return m.Size(0.5, 300, 195, 130) if m.is_wide(state.scene) else m.Size(0.28, 260, 330, 170)


def similarity(state: Questions, kept: m.Kept) -> m.Chart:
    """The scene under the scores of the sentence shown."""
    layers: tuple[m.Layer, ...] = ()
    scale, title = None, f"{state.facts.name}: ask something"
    if state.asked is not None:
        values = kept("scores", (state.asked, state.shown), state.similarity)
        low, high = (float(v) for v in np.nanpercentile(values, (1, 99)))
        made = kept("layer", (values,), lambda: m.shaded(values, low, high, "cividis", 1.0))
        layers = (m.Layer(made.values, made.palette, state.opacity),)
        scale = m.Scale(low, high, m.ramp_of("cividis"))
        title = f"“{m.short(state.sentences[state.shown], 48)}”" + (" (simulated)" if state.scene.simulated else "")
    return m.map_of(title, state.facts.grey, state.scene, layers=layers, scale=scale, rings=m.cross(state.place),
                  size=map_size(state), hint="Similarity. Click a pixel to ask it.")  # fmt: skip


def classes(state: Questions, kept: m.Kept) -> m.Chart:
    """Classes of the prompts, or the sentences as soft classes: colours mixed by their shares."""
    scene, picture = state.scene, state.facts.grey
    layers: tuple[m.Layer, ...] = ()
    if state.layer == "soft classes" and state.asked is not None:
        title = "sentences as soft classes"
        picture = kept("soft", (state.asked, state.opacity), lambda: mixed(state))
        entries = tuple(m.Entry(f"{i + 1} {m.short(s, 24)}", PALETTE[i % 8]) for i, s in enumerate(state.sentences))
    else:
        title = f"map of the class prompts{' (edited)' if state.edited else ''}"
        layers = (m.class_layer(state.labels, scene.colors, state.opacity),)
        seen = [int(c) for c in state.model.class_ids]
        entries = tuple(e for e in m.class_entries(scene.class_names, scene.colors) if e.class_id in seen)
    return m.map_of(title, picture, state.scene, layers=layers, entries=entries, rings=m.cross(state.place),
                  size=map_size(state), hint="Classes by their words. Click a pixel to ask it.")  # fmt: skip


def mixed(state: Questions) -> np.ndarray:
    """Soft classes (row, col, 3) uint8 over the scene, white where nothing was measured."""
    assert state.answer is not None
    soft = np.nan_to_num(np.asarray(state.answer.soft, float))  # (sentence, row, col)
    table = np.array([m.rgb_of(PALETTE[i % 8]) for i in range(len(soft))], float)
    laid = state.opacity * np.einsum("nrc,nk->rck", soft, table) + (1 - state.opacity) * state.facts.grey
    return np.rint(np.where(state.facts.valid[..., None], np.clip(laid, 0, 255), 255)).astype(np.uint8)


def ranks(state: Questions) -> m.Chart:
    """How alike the sentence and each class prompt are."""
    wide = m.is_wide(state.scene)
    ranking = state.ranking()[: MOST_RANKS[wide]]
    of = dict(zip(state.scene.class_names, state.scene.colors))
    names, values = [name for name, _ in ranking], [value for _, value in ranking]
    reach = (min([0.0, *(1.1 * v for v in values)]), max([0.3, *(1.65 * v for v in values)]))
    size = m.Size(0.42, 300, 118, 110) if wide else m.Size(0.2, 200, 330, 130)
    return m.bars_of("nearest class prompts", names, values, [of[name] for name in names], reach, "cosine", size=size)


def counts(state: Questions) -> m.Chart:
    """Distribution of the sentence's scores over known pixels of each class."""
    groups = state.by_class() if state.asked is not None else {}
    lines, reach, top = [], (0.0, 1.0), 1.0
    if groups:
        every = np.concatenate(list(groups.values()))
        edges = np.linspace(float(np.nanmin(every)), float(np.nanmax(every)) + 1e-9, BINS + 1)
        reach, x = (float(edges[0]), float(edges[-1])), np.repeat(edges, 2)
        for place, c in enumerate(sorted(sorted(groups, key=lambda c: -len(groups[c]))[:MOST_LINES])):
            share = 100 * np.histogram(groups[c], edges)[0] / len(groups[c])
            y, dash = np.pad(np.repeat(share, 2), 1), DASHES[LINES[place % 4]]
            lines.append(m.Line(state.scene.class_names[c - 1], y, state.scene.colors[c - 1], x=x, dash=dash))
            top = max(top, 1.12 * float(share.max()))
    known = "labelled" if state.split is None else "training and validation"
    title = f"scores by true class ({known} px)" if groups or state.asked is None else "no labels: no scores by class"
    size = m.Size(0.58, 340, 118, 110) if m.is_wide(state.scene) else m.Size(0.24, 220, 330, 130)
    return m.Chart(title, "score of the sentence", "% of a class", reach, (0.0, top), lines=tuple(lines), zoom="x",
                   size=size)  # fmt: skip


def worth_table(state: Questions) -> str:
    """R² and z of every sentence, and the scores of the class prompts, as HTML."""
    from html import escape

    lines = []
    if state.answer is not None:
        for i, (r2, z) in enumerate(zip(state.answer.r2, state.answer.z)):
            mark, words = "▶" if i == state.shown else "", escape(m.short(state.sentences[i], 60))
            lines.append(f"<tr><td>{mark}</td><td>{words}</td><td>{z:+.1f}</td><td>{r2:.3f}</td></tr>")
        if state.negatives:
            negatives = escape("; ".join(m.short(n, 40) for n in state.negatives))
            lines.append(f"<tr><td></td><td>not: {negatives}</td></tr>")
    head = "<tr><th></th><th>sentence</th><th>z</th><th>R²</th></tr>" if lines else ""
    told = ""
    if (scores := state.scores) is not None:
        where = f"{scores.support.sum():,} {state.scored_on} px"
        told = f"Class prompts on {where}: OA {scores.oa:.3f}, AA {scores.aa:.3f}."
    style = "max-height:110px;overflow:auto;line-height:1.3"
    return f'<div style="{style}">{told}<table cellpadding="3">{head}{"".join(lines)}</table></div>'
