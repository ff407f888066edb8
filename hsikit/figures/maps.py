"""Figures of a scene: its plate, and everything that is drawn as a map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from hsikit._util.wording import split_words
from hsikit.figures.style import (
    PALETTE,
    RIGHT,
    WRONG,
    FigureError,
    class_handles,
    legend_below,
    new_figure,
    patch,
    styled,
    titled,
)
from hsikit.scenes.plot import plot_scene
from hsikit.scenes.scene import Scene

PANEL_IN = 3.3  # longer side of a map


@styled
def scene_plate(scene: Scene) -> Figure:
    """RGB, LiDAR where there is one, and ground truth with its legend."""
    return plot_scene(scene)


@styled
def class_maps(scene: Scene, maps: Mapping[str, np.ndarray], truth: bool = True, error: bool = True,
               test: np.ndarray | None = None, title: str = "class maps") -> Figure:  # fmt: skip
    """Ground truth and class maps side by side, under each map where labelled pixels are wrong.

    Below the ground truth, or beside it where a scene is wide, stands the scene as the eye sees it.

    Args:
        scene: The scene that was mapped.
        maps: Name -> labels (row, col), 0 for no answer.
        truth: Show the ground truth first.
        error: Show where labelled pixels are wrong.
        test: Flat indices of the pixels that are judged, such as `split.test`; default all that have a label.
        title: Comes after the scene's name.

    Raises:
        FigureError: When there is nothing to draw, a map has another size than the scene, or a test pixel lies
            outside of it.
    """
    items: list[tuple[str, np.ndarray]] = [("ground truth", scene.usable)] if truth else []
    items += [(name, _checked_map(scene, name, raster)) for name, raster in maps.items()]
    if not items:
        raise FigureError("class_maps got no map; give name -> labels (row, col)")
    judged, word = _judged(scene, test)
    wide = scene.shape[1] > 1.6 * scene.shape[0]  # wide maps stand under each other, their errors beside them
    kinds, across = 1 + error, 1 if wide else -(-len(items) // -(-len(items) // 5))
    down = -(-len(items) // across)
    width, height = _map_size(scene, PANEL_IN if across < 5 else 0.75 * PANEL_IN)
    grid = (down, kinds) if wide else (down * kinds, across)
    size_in = (max(grid[1] * (width + 0.25), 4.5) + 0.6, grid[0] * (height + 0.4))
    fig = new_figure(size_in[0], size_in[1] + 0.9 + 0.07 * scene.n_classes)
    axes = fig.subplots(*grid, squeeze=False)
    for ax in axes.ravel():
        ax.set_axis_off()
    for place, (name, raster) in enumerate(items):
        line, column = divmod(place, across)
        ax = axes[line, 0] if wide else axes[line * kinds, column]
        _draw_classes(ax, scene, raster)
        _finish_map(ax, name)
        if place == 0:
            scale_bar(ax, scene)
        if error and not (truth and place == 0):
            ax = axes[line, 1] if wide else axes[line * kinds + 1, column]
            _draw_errors(ax, judged, raster)
            _finish_map(ax, f"{name}: errors")
        elif error:
            ax = axes[line, 1] if wide else axes[line * kinds + 1, column]
            ax.imshow(scene.rgb())
            _finish_map(ax, "HSI")
    for column in axes.T:
        for ax in [ax for ax in column if ax.axison][-1:]:
            ax.set_xlabel(f"column ({_pixel(scene)})")
    for ax in axes[:, 0]:
        ax.set_ylabel(f"row ({_pixel(scene)})")
    handles = class_handles(scene, range(1, scene.n_classes + 1))
    if error:
        handles += [patch(WRONG, f"{word}, wrong"), patch(RIGHT, f"{word}, right")]
    legend_below(fig, handles)
    fig.suptitle(titled(f"{scene.name}: {title}", scene))
    return fig


@styled
def split_map(scene: Scene, split: Any) -> Figure:
    """Training, validation and test pixels on the scene, with their numbers.

    Args:
        scene: The scene.
        split: Has flat indices `train`, `val` and `test`, and perhaps a `name`.

    Raises:
        FigureError: When an index lies outside the scene.
    """
    picture = np.repeat(0.7 + 0.3 * scene.rgb().mean(-1, keepdims=True), 3, -1).reshape(-1, 3)
    handles = []
    for part, colour in (("train", PALETTE[0]), ("val", PALETTE[1]), ("test", PALETTE[3])):
        chosen = np.asarray(getattr(split, part))
        if chosen.size and (chosen.min() < 0 or chosen.max() >= len(picture)):
            raise FigureError(f"{part} holds pixel {chosen.max()}, {scene.name} has {len(picture)}")
        picture[chosen] = tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        handles.append(patch(colour, f"{part} ({chosen.size:,} px)"))
    width, height = _map_size(scene, 5.0)
    fig = new_figure(max(width, 4.5) + 0.8, height + 1.4)
    ax = fig.subplots()
    ax.imshow(picture.reshape(*scene.shape, 3))
    _finish_map(ax, "")
    scale_bar(ax, scene)
    ax.set(xlabel=f"column ({_pixel(scene)})", ylabel=f"row ({_pixel(scene)})")
    legend_below(fig, handles)
    name = split_words(str(getattr(split, "name", "split")))
    fig.suptitle(titled(f"{scene.name}: {name}", scene, 50))
    return fig


@styled
def similarity_map(scene: Scene, similarity: np.ndarray, sentence: str) -> Figure:
    """How similar each pixel's embedding is to a sentence, beside the scene in true colour.

    Args:
        scene: The scene.
        similarity: Cosine similarities (row, col); NaN where there is none.
        sentence: What was asked; cut after 160 characters in the title.
    """
    values = _checked_map(scene, "the similarity map", similarity)
    width, height = _map_size(scene, 4.2)
    wide = scene.shape[1] > 1.6 * scene.shape[0]
    size = (width + 1.8, 2 * height + 2.4) if wide else (2 * width + 2.2, height + 1.4)
    fig = new_figure(max(size[0], 6.5), size[1])
    left, right = fig.subplots(2, 1) if wide else fig.subplots(1, 2)
    left.imshow(scene.rgb())
    _finish_map(left, scene.name)
    scale_bar(left, scene)
    seen = np.ones(scene.shape, bool) if scene.valid is None else scene.valid
    image = right.imshow(np.where(seen, values, np.nan), cmap="cividis")
    _finish_map(right, "similarity")
    for ax in (left, right):
        ax.set_ylabel(f"row ({_pixel(scene)})")
        if ax is right or not wide:
            ax.set_xlabel(f"column ({_pixel(scene)})")
    fig.colorbar(image, ax=[left, right] if wide else right, label="cosine similarity (no unit)", shrink=0.85)
    asked = sentence.strip() or "(empty sentence)"
    asked = asked if len(asked) <= 160 else asked[:159] + "…"
    fig.suptitle(titled(f"“{asked}”", scene, int(9 * max(size[0], 6.5))))
    return fig


@styled
def found_maps(scene: Scene, ranks: Mapping[str, np.ndarray], name: str, sentence: str) -> Figure:
    """Where a class is found that was left out of training, by its words and by controls, beside the scene.

    Args:
        scene: The scene, with its labels.
        ranks: Title -> ranks (row, col) from 0 to 1, as `hsikit.experiments.worded.found_by_words` gives them.
        name: Of the class; its labelled pixels are outlined in every panel.
        sentence: Of the class's words, for the title.

    Raises:
        FigureError: For a map of another shape, or a class that the scene does not have.
    """
    if name not in scene.class_names:
        raise FigureError(f"{scene.name} has no class {name!r}; it has {', '.join(scene.class_names)}")
    own = scene.usable == list(scene.class_names).index(name) + 1
    top, bottom, left, right = scene.extent
    height = 3.4 * (bottom - top + 1) / (right - left + 1)
    fig = new_figure(3.4 * (len(ranks) + 1) + 1.6, height + 1.6)
    axes = fig.subplots(1, len(ranks) + 1)
    axes[0].imshow(scene.rgb())
    _finish_map(axes[0], f"{scene.name}\n{name} outlined")
    scale_bar(axes[0], scene)
    for ax, (title, values) in zip(axes[1:], ranks.items()):
        image = ax.imshow(_checked_map(scene, title, values), cmap="cividis", vmin=0, vmax=1)
        _finish_map(ax, title)
    for ax in axes:
        ax.contour(own, [0.5], colors="#ff5a36", linewidths=1.2)
        ax.set(xlabel=f"column ({_pixel(scene)})", xlim=(left, right), ylim=(bottom, top))
    axes[0].set_ylabel(f"row ({_pixel(scene)})")
    fig.colorbar(image, ax=list(axes), label="rank among all pixels (1: fits best)", shrink=0.8)
    fig.suptitle(titled(f"“{sentence}”", scene, int(9 * fig.get_size_inches()[0])))
    return fig


# --- parts ---------------------------------------------------------------------------------------


def _map_size(scene: Scene, longest_in: float = PANEL_IN) -> tuple[float, float]:
    rows, cols = scene.shape
    scale = longest_in * (1.5 if cols > 1.6 * rows else 1.0) / max(rows, cols)
    return cols * scale, rows * scale


def _checked_map(scene: Scene, name: str, raster: np.ndarray) -> np.ndarray:
    raster = np.asarray(raster)
    if raster.shape != scene.shape:
        raise FigureError(f"{name} is {raster.shape}, {scene.name} is {scene.shape} (row, col)")
    return raster


def _draw_classes(ax: Axes, scene: Scene, raster: np.ndarray) -> None:
    colours = ListedColormap(["#ffffff", *scene.colors])
    ax.imshow(raster, cmap=colours, norm=BoundaryNorm(np.arange(-0.5, scene.n_classes + 1), colours.N))


def _judged(scene: Scene, test: np.ndarray | None) -> tuple[np.ndarray, str]:
    """True classes (row, col) where a map is judged, 0 elsewhere, and what such pixels are called."""
    if test is None:
        return scene.usable, "labelled"
    test = np.asarray(test)
    if not test.size or test.min() < 0 or test.max() >= scene.usable.size:
        raise FigureError(f"test holds {test.size} pixels up to {test.max(initial=0)}, {scene.name} has {scene.shape}")
    truth = np.zeros_like(scene.usable)
    truth.ravel()[test] = scene.usable.ravel()[test]
    return truth, "test pixel"


def _draw_errors(ax: Axes, truth: np.ndarray, raster: np.ndarray) -> None:
    state = np.where(truth == 0, 0, np.where(truth == raster, 1, 2))
    ax.imshow(state, cmap=ListedColormap(["#ffffff", RIGHT, WRONG]), vmin=0, vmax=2)


def _finish_map(ax: Axes, title: str) -> None:
    ax.set_axis_on()
    ax.spines[:].set_visible(True)
    ax.set_title(title, fontsize=10, wrap=True)
    ax.locator_params(nbins=4)


def scale_bar(ax: Axes, scene: Scene) -> None:
    """A bar of a round length near a fifth of the map's width, where the size of a pixel is known."""
    if scene.gsd_m is None:
        return
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar  # a tenth of a second

    fifth = scene.gsd_m * scene.shape[1] / 5
    tens = 10 ** math.floor(math.log10(fifth))
    metres = max(n * tens for n in (1, 2, 5) if n * tens <= fifth)
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    bar = AnchoredSizeBar(ax.transData, metres / scene.gsd_m, text, "lower right", pad=0.2, borderpad=0.3, sep=2,
                          color="#222222", size_vertical=max(0.6, scene.shape[0] / 120), label_top=True)  # fmt: skip
    bar.patch.set(alpha=0.8, linewidth=0)
    ax.add_artist(bar)


def _pixel(scene: Scene) -> str:
    return "px" if scene.gsd_m is None else f"px of {scene.gsd_m:g} m"
