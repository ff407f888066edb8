"""Colours of classes: by what their names mean, and far enough apart for readers who see no red and green.

Distances are CIEDE2000, as the eye sees them and as under deuteranopia (Machado et al. 2009, severity 1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

import numpy as np

APART = 10.0  # CIEDE2000 between any two classes, under both
DEUTERANOPIA = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                         [-0.011820, 0.042940, 0.968881]])  # on linear RGB  # fmt: skip
# What is found in a name, the first that is -> colours for it, the best first.
MEANINGS = {
    r"shadow|shade|unlit": "#2d2140 #14143c #4b3a5e",
    r"water|river|lake|sea|ocean|pond|canal|pool": "#2171b5 #6baed6 #08306b #3ab1ed",
    r"snow|ice|glacier|cloud": "#c9f0ff #9fd8f0 #dfe9f5",
    r"roof|building|house|residential|commercial|urban|built|industr|brick|tile": "#d6604d #a63a2b #f4a582 #7a1f1f",
    r"road|street|asphalt|highway|parking|concrete|pav|bitumen|rail|runway|sidewalk": "#636363 #bdbdbd #2b2b2b #8a8f99",
    r"tree|wood|forest|pine|oak|spruce|fir|mangrove|conifer|deciduous|canopy": "#1b7837 #0b3d1e #5a9e5f #2f6b52",
    r"grass|meadow|lawn|pasture|turf|weed|clover|alfalfa": "#7fbf3f #c5e384 #a6d96a #4d9221",
    r"shrub|bush|heath|scrub|hedge|wetland|marsh|reed": "#808000 #a8a03c #5c6b1f",
    r"sand|beach|dune|gravel|rock|stone": "#f4d58d #d9c7a0 #b8a27a",
    r"soil|bare|ground|dirt|fallow|earth|clay|mud": "#a6761d #c2a55a #7f4f1f #d8b27a #4f2f10 #eddcc0",
    r"vine|grape|orchard|apple|fruit|olive": "#9467bd #c5b0d5 #5b2a86",
    r"corn|maize|wheat|barley|rye|oat|rice|crop|cereal|rape|field|hay|stubble|straw": "#e6c229 #b35900 #fff1a8 #8c6d1f",
    r"soy|bean|beet|potato|cotton|lettuce|vegetable|celery|cabbage": "#17becf #1f9e9e #8fe0d8",
    r"metal|sheet|panel|solar|car|plastic|court|track": "#e7298a #f7a8cf #8c1f5a",
}  # fmt: skip
# Tried next: Okabe and Ito (2008) without black, then others of middling lightness; then whatever is farthest.
OTHERS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#9467bd", "#8c564b", "#bcbd22",
          "#17becf", "#393b79", "#f7b6d2", "#637939", "#c7c7c7", "#843c39", "#9edae5", "#3d3d3d",
          "#5b2a86")  # fmt: skip


def class_colours(names: Sequence[str], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """A hex colour a class: that of what its name means where it stands clear of those before it, else the clearest.

    Args:
        taken: Hex colours of other classes, which stand before all of these.

    Example:
        >>> from hsikit.scenes.colours import class_colours
        >>> class_colours(["water", "asphalt road", "forest", "roof tiles"])
        ('#2171b5', '#636363', '#1b7837', '#d6604d')
    """
    step = 51 if len(names) <= 100 else 17
    free = ["#" + "".join(f"{part:02x}" for part in parts) for parts in product(range(0, 256, step), repeat=3)]
    meant = [next((c.split() for pattern, c in MEANINGS.items() if re.search(pattern, name.lower())), [])
             for name in names]  # fmt: skip
    known = list(dict.fromkeys([*free, *OTHERS, *(c for some in meant for c in some)]))
    place, seen, found = {c: k for k, c in enumerate(known)}, _seen(known), []
    gap = _apart(seen, _seen(["#ffffff"]))  # of each from those before it; white stands where nothing is labelled
    for colour in taken:
        gap = np.minimum(gap, _apart(seen, _seen([colour])))
    for wanted in meant:
        chosen = next((c for c in (*wanted, *OTHERS) if gap[place[c]] >= APART), known[int(gap[: len(free)].argmax())])
        found.append(chosen)
        gap = np.minimum(gap, _apart(seen, seen[:, place[chosen], None]))
    return tuple(found)


def palette(n: int) -> tuple[str, ...]:
    """n hex colours for classes without a name, as far apart as can be."""
    return class_colours([""] * n)


def distances(colours: Sequence[str]) -> np.ndarray:
    """CIEDE2000 between every two of n colours (n, n), the smaller of what the eye and what a deuteranope sees.

    Example:
        >>> from hsikit.scenes.colours import distances
        >>> float(distances(["#d62728", "#2ca02c"])[0, 1]) < float(distances(["#000000", "#ffffff"])[0, 1])
        True
    """
    seen = _seen(colours)
    return np.stack([_apart(seen, seen[:, k, None]) for k in range(len(colours))])


def _apart(colours: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Distance of n colours (2, n, 3) from one (2, 1, 3), as `_seen` gives them: the smaller of both."""
    from skimage.color import deltaE_ciede2000  # a fifth of a second

    return deltaE_ciede2000(colours, one).min(0)


def _seen(colours: Sequence[str]) -> np.ndarray:
    """CIELAB (2, n, 3) of hex colours: as they are, and under deuteranopia."""
    from skimage.color import rgb2lab

    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    less = np.clip(linear @ DEUTERANOPIA.T, 0, 1)
    return rgb2lab(np.stack([rgb, np.where(less <= 0.0031308, 12.92 * less, 1.055 * less ** (1 / 2.4) - 0.055)]))
