"""One picture of a scene: what the eye sees, what the LiDAR sees, and what is labelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hsikit._util.wording import words
from hsikit.scenes.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_IN = 4.6  # longest side of a panel in inches


def plot_scene(scene: Scene) -> Figure:
    """RGB | LiDAR (first channel, if any) | ground truth with a legend in the class colours.

    Wide scenes are stacked, others stand side by side. Axes count pixels. A simulated scene says so.
    """
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    rows, cols = scene.shape
    panels = 3 if scene.lidar is not None else 2
    stacked = cols > 2 * rows
    scale = PICTURE_IN * (1.6 if stacked else 1.0) / max(rows, cols)
    wide, high = max(cols * scale, 1.8) + 0.9, max(rows * scale, 1.8) + 0.75
    legend_in = 0.35 + 0.075 * max((len(c) for c in scene.class_names), default=8) + 0.35
    grid = (panels, 1) if stacked else (1, panels)
    size = (grid[1] * wide + legend_in, max(grid[0] * high + 0.5, 0.22 * scene.n_classes + 1.2))
    fig = Figure(figsize=size, layout="constrained")
    axes = np.ravel(fig.subplots(*grid))
    axes[0].imshow(scene.rgb(), interpolation="nearest")
    axes[0].set_title(_colour_title(scene))
    if scene.lidar is not None:
        _draw_lidar(scene, axes[1], beside=list(axes) if stacked else [axes[1]])
    _draw_labels(scene, axes[-1])
    for ax in axes:
        ax.set_xlabel("column (px)")
        ax.set_ylabel("row (px)")
    _legend(scene, fig, below=stacked)
    fig.suptitle(title(scene))
    for text in fig.findobj(Text):  # names are no formulas
        text.set_parse_math(False)
    return fig


def title(scene: Scene) -> str:
    """The scene's name, with how much of it has HSI where that is not all, and "simulated" where it is."""
    name = words(scene.name)
    text = f"{name}, simulated data" if scene.simulated and scene.name != "simulated" else name
    if scene.name == "simulated":
        text = "simulated valley (no sensor saw it)"
    if not scene.valid.all():
        text += f": {int(scene.valid.sum()):,} of {scene.valid.size:,} px have HSI"
    return text


def _colour_title(scene: Scene) -> str:
    waves = scene.wavelengths_nm
    seen = waves is not None and waves.min() <= 520 and waves.max() >= 600
    return "HSI, true colour" if seen else "HSI, three bands"


def _draw_lidar(scene: Scene, ax: Axes, beside: list[Axes]) -> None:
    assert scene.lidar is not None
    channel = np.asarray(scene.lidar[..., 0], np.float32)
    low, high = np.nanpercentile(channel, (1, 99))
    picture = ax.imshow(channel, cmap="viridis", vmin=low, vmax=max(high, low + 1e-6), interpolation="nearest")
    shrink = 0.85 if len(beside) == 1 else 0.3  # beside all panels, so that none is pushed out of line
    ax.figure.colorbar(picture, ax=beside, shrink=shrink, label=scene.lidar_names[0])  # type: ignore[union-attr]
    ax.set_title("LiDAR")


def _draw_labels(scene: Scene, ax: Axes) -> None:
    from matplotlib.colors import BoundaryNorm, ListedColormap

    cmap = ListedColormap(["#ffffff", *scene.colors])
    norm = BoundaryNorm(np.arange(-0.5, scene.n_classes + 1), cmap.N)
    ax.imshow(scene.labels, cmap=cmap, norm=norm, interpolation="nearest")
    ax.set_title("ground truth")


def _legend(scene: Scene, fig: Figure, below: bool) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=c, edgecolor="#888888", label=n) for n, c in zip(scene.class_names, scene.colors)]
    handles.append(Patch(facecolor="#ffffff", edgecolor="#888888", label="unlabelled"))
    if below:
        fig.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    else:
        fig.legend(handles=handles, loc="outside right center", frameon=False, fontsize=9)
