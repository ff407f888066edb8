"""Figures of a feature space: the cloud, before and after, separation numbers, similar vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hsikit.figures.style import (
    PALETTE,
    FigureError,
    class_handles,
    needed,
    new_figure,
    styled,
    table_title,
    titled,
)
from hsikit.scenes.scene import Scene
from hsikit.separation import METRICS, Separation

if TYPE_CHECKING:
    import pandas as pd

CHUNKS = 20  # a line a class hides the classes before it; shuffled chunks mix them
CAPTION = ("silhouette", "neighbourhood_hit", "radius_ratio", "davies_bouldin")
PROPER = {"davies_bouldin": "Davies–Bouldin", "calinski_harabasz": "Calinski–Harabasz"}


@styled
def feature_space(
    coordinates: np.ndarray, labels: np.ndarray, scene: Scene, title: str, method: str = "t-SNE"
) -> Figure:
    """A cloud of pixels in class colours.

    Args:
        coordinates: Positions (n, 2).
        labels: Classes (n,) 1..C.
        scene: Gives names and colours.
        title: Says what the features are and which pixels were drawn.
        method: Names the axes.

    Raises:
        FigureError: On NaN, other shapes, or labels the scene does not have.
    """
    coordinates, labels = _checked(coordinates, labels, scene)
    fig = new_figure(7.4, max(5.0, 0.25 * len(np.unique(labels)) + 1))
    _draw_cloud(fig.subplots(), coordinates, labels, scene, method)
    _class_legend(fig, labels, scene)
    fig.suptitle(titled(title, scene, 70))
    return fig


@styled
def feature_space_pair(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    scene: Scene,
    titles: tuple[str, str] = ("before", "after"),
    separations: tuple[Separation, Separation] | None = None,
    title: str = "Feature space, test pixels",
    method: str = "t-SNE",
) -> Figure:
    """The same pixels in two feature spaces, with the separation measured in the full spaces below.

    Args:
        before, after: Positions (n, 2) of the same pixels.
        labels: Classes (n,) 1..C.
        scene: Gives names and colours.
        titles: Of the two panels.
        separations: Measured on the features themselves, not on the picture.
        title: Of the figure.
        method: Names the axes; use one method, seed and perplexity for both.

    Raises:
        FigureError: As `feature_space` does.
    """
    fig = new_figure(11.5, max(5.2, 0.25 * len(np.unique(labels)) + 1))
    for k, (ax, coordinates) in enumerate(zip(fig.subplots(1, 2), (before, after))):
        _draw_cloud(ax, *_checked(coordinates, labels, scene), scene, method)
        ax.set_title(titles[k])
        if separations is not None:
            ax.set_xlabel(f"{ax.get_xlabel()}\n\n{_caption(separations[k])}")
    _class_legend(fig, np.asarray(labels), scene)
    fig.suptitle(titled(title, scene, 100))
    return fig


@styled
def separation_bars(table: pd.DataFrame, scene: Scene | None = None) -> Figure:
    """Separation numbers of several feature spaces, a panel a number, which way is better in its title.

    Args:
        table: Column name, and any of the numbers of `Separation`; several rows of a name, such as seeds, are
            drawn as mean ± standard deviation.
        scene: The scene measured, for the title.

    Raises:
        FigureError: On missing columns.
    """
    needed(table, ("name",), "separation_bars")
    metrics = [m for m in METRICS if m in table]
    if not metrics:
        raise FigureError(f"separation_bars needs one of the columns {list(METRICS)}; there are {list(table)}")
    groups = table.groupby("name", sort=False)[metrics]
    means, stds, count = groups.mean(), groups.std(ddof=1), groups.size()
    across = min(3, len(metrics))
    down = -(-len(metrics) // across)
    fig = new_figure(3.2 * across + 1.5, (0.42 * len(means) + 1.2) * down + 0.7)
    axes = fig.subplots(down, across, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.08})
    for ax, metric in zip(axes.ravel(), metrics):
        ax.barh(
            range(len(means)),
            means[metric],
            xerr=stds[metric],
            color=[PALETTE[k % 8] for k in range(len(means))],
            height=0.7,
            capsize=3,
        )
        ax.axvline(0, color="#666666", linewidth=0.8)
        ax.set_xlabel(f"{_spelled(metric)} (no unit)")
        ax.set_title(f"{METRICS[metric]} is better", fontsize=10)
        ax.locator_params(axis="x", nbins=4)
    for ax in axes.ravel()[len(metrics) :]:
        ax.set_axis_off()
    axes[0, 0].set_yticks(range(len(means)), [f"{n} (n = {count[n]})" for n in means.index])
    axes[0, 0].set_ylim(len(means) - 0.5, -0.5)
    text = table_title("separation of classes in feature space", table)
    fig.suptitle(titled(text.capitalize() if scene is None else f"{scene.name}: {text}", scene, 80))
    return fig


@styled
def similarity_matrix(vectors: np.ndarray, names: Sequence[str], title: str = "Similarity") -> Figure:
    """Cosine similarity between vectors, such as those of class prompts.

    Args:
        vectors: Vectors (n, dim), finite.
        names: n names.
        title: Says what the vectors are.

    Raises:
        FigureError: On NaN or lengths that do not match.
    """
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim != 2 or len(vectors) != len(names) or not np.isfinite(vectors).all():
        raise FigureError(f"vectors are {vectors.shape} for {len(names)} names; give a finite (n, dim), one a name")
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosine = unit @ unit.T
    side = 0.5 * len(names) + 0.6
    longest = max(map(len, names))
    fig = new_figure(side + 0.09 * longest + 2.0, side + 0.07 * longest + 1.0)
    ax = fig.subplots()
    low = min(0.0, float(cosine.min()))
    image = ax.imshow(cosine, cmap="cividis", vmin=low, vmax=1)
    if len(names) <= 20:
        for row, column in np.ndindex(*cosine.shape):
            ink = "black" if cosine[row, column] > 0.6 + 0.4 * low else "white"
            text = f"{cosine[row, column]:.2f}"
            ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=9)
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    ax.spines[:].set_visible(False)
    fig.colorbar(image, ax=ax, label="cosine similarity (no unit)", shrink=0.8)
    fig.suptitle(titled(title, wrap=int(11 * fig.get_figwidth())))
    return fig


# --- parts ---------------------------------------------------------------------------------------


def _draw_cloud(ax: Axes, coordinates: np.ndarray, labels: np.ndarray, scene: Scene, method: str) -> None:
    """Points by `plot`, several times faster than `scatter`."""
    size = float(np.clip(120 / np.sqrt(len(labels)), 1.5, 6))
    order = np.random.default_rng(0).permutation(len(labels))
    for part in np.array_split(order, min(CHUNKS, len(order))):
        for c in np.unique(labels[part]):
            chosen = part[labels[part] == c]
            ax.plot(*coordinates[chosen].T, "o", color=scene.colors[c - 1], markersize=size, markeredgewidth=0)
    ax.set(xlabel=f"{method} 1 (arbitrary units)", ylabel=f"{method} 2 (arbitrary units)")
    ax.set_aspect("equal", adjustable="datalim")


def _class_legend(fig: Figure, labels: np.ndarray, scene: Scene) -> None:
    classes, counts = np.unique(labels, return_counts=True)
    fig.legend(handles=class_handles(scene, classes, counts.tolist()), loc="outside right center")


def _spelled(metric: str) -> str:
    return PROPER.get(metric, metric.replace("_", " "))


def _caption(measured: Separation) -> str:
    """Four numbers; only the first three leave near pixels out."""
    a, b, c, d = (f"{_spelled(m)} {getattr(measured, m):.2f}" for m in CAPTION)
    far = f" (all three: pixels ≥ {measured.window} px apart)" if measured.window else ""
    return f"{a} · {b}\n{c}{far}\n{d} · n = {measured.n:,}"


def _checked(coordinates: np.ndarray, labels: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    coordinates, labels = np.asarray(coordinates), np.asarray(labels)
    if coordinates.ndim != 2 or coordinates.shape[1] != 2 or labels.shape != coordinates.shape[:1]:
        raise FigureError(f"coordinates are {coordinates.shape}, labels {labels.shape}; expected (n, 2) and (n,)")
    if not len(labels) or not np.isfinite(coordinates).all():
        raise FigureError("coordinates are empty or hold NaN; leave those points out")
    if labels.min() < 1 or labels.max() > scene.n_classes:
        raise FigureError(
            f"labels run {labels.min()} to {labels.max()}, {scene.name} has classes 1 to {scene.n_classes}"
        )
    return coordinates, labels
