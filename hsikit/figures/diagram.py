"""What the two networks are, drawn from the networks themselves: every shape is one of a real forward pass.

A box names a part; what is known of it from the paper stands on blue, what we assume on orange with a broken edge.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hsikit.figures.style import FigureError, legend_below, new_figure, patch, styled

if TYPE_CHECKING:
    from torch import nn

KNOWN, ASSUMED = "#cfe6f5", "#fbe3c0"
WIDE, LINE, LETTERS = 1.7, 0.2, 20  # inches: of a box and of a line of its text; letters of a line at most
ACROSS, UP = 2.75, 1.5  # inches between the middles of columns and of rows
Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class Part:
    """A box of a diagram.

    Attributes:
        at: Column from the left and row from the bottom of its middle.
        known, assumed: What is said in it, lines apart; "" for nothing.
        shape: Of what leaves it, the batch left out; () for what has no shape.
        to: The boxes it goes to.
        over: Columns that it reaches over, to the left of its middle as far as to the right.
    """

    at: tuple[float, float]
    known: str
    assumed: str
    shape: Shape
    to: tuple[str, ...] = ()
    over: float = 0.0

    @property
    def width(self) -> float:
        """Inches."""
        return WIDE + ACROSS * self.over

    @property
    def strips(self) -> list[tuple[str, str, str, float]]:
        """From the top: text, colour, line and height in inches of what is known and of what is assumed."""
        there = [(text, *look) for text, *look in ((self.known, KNOWN, "-"), (self.assumed, ASSUMED, "--")) if text]
        found, room = [], 0.08 if len(there) == 2 else 0.16
        for text, colour, line in there:
            lines = textwrap.wrap(text, int(LETTERS * self.width / WIDE))
            found.append(("\n".join(lines), colour, line, LINE * len(lines) + room))
        return found

    @property
    def height(self) -> float:
        """Inches."""
        return sum(strip[-1] for strip in self.strips)


def traced(network: nn.Module) -> dict[str, Shape]:
    """What every part of a network gives to one window of zeros: dotted name -> shape without the batch.

    "name:in" is what the part was given; "hsi" and "lidar" are the inputs.

    Example:
        >>> from hsikit.figures.diagram import traced
        >>> traced(hsikit.SDHSINet(bands=15, classes=6, window=9))["classify"]
        (6, 1, 1)
    """
    import torch  # seconds; drawings of results need none

    net: Any = network
    shapes: dict[str, Shape] = {}

    def note(name: str) -> Any:
        def hook(_: nn.Module, given: Any, made: Any) -> None:
            made = made[0] if isinstance(made, tuple) else made
            shapes[name], shapes[f"{name}:in"] = tuple(made.shape[1:]), tuple(given[0].shape[1:])

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in net.named_modules() if name]
    trained, where = net.training, next(net.parameters()).device
    channels = {"hsi": net.bands, "lidar": net.lidar_channels}
    windows = {k: torch.zeros(1, n, net.window, net.window, device=where) for k, n in channels.items() if n}
    try:
        with torch.no_grad():
            output = net.eval()(windows["hsi"], windows.get("lidar"))
    finally:
        net.train(trained)
        for hook in hooks:
            hook.remove()
    shapes |= {name: tuple(x.shape[1:]) for name, x in windows.items()}
    return shapes | {"logits": tuple(output.logits.shape[1:]), "embedding": tuple(output.embedding.shape[1:])}


def parts_of(network: nn.Module) -> dict[str, Part]:
    """The boxes of a network's diagram by their names.

    Raises:
        FigureError: For a network that is neither MMLGNet with words read in, at one scale or several, nor SDHSI-Net.
    """
    kind = type(network).__name__
    if kind == "SDHSINet":
        return _sdhsi(network, traced(network))
    if kind not in ("MMLGNet", "MMLGNetScales"):
        raise FigureError(f"there is no diagram of {kind}; give an MMLGNet, an MMLGNetScales or an SDHSINet")
    if not len(network.text):  # type: ignore[arg-type]
        raise FigureError(f"this {kind} has read no words yet; call its read_text first")
    return _mmlgnet(network, traced(network))


def _mmlgnet(network: Any, shapes: dict[str, Shape]) -> dict[str, Part]:
    scaled = hasattr(network, "parts")
    k = len(network.parts) - 1 if scaled else 0  # of several scales the widest is drawn
    trunk, head = (f"parts.{k}", f"parts.{k}.head") if scaled else ("trunk", "project")
    more = f", at {k + 1} windows ({', '.join(map(str, network.windows))}) whose scores are summed" if k else ""
    window = network.windows[-1] if scaled else network.window
    dim, classes = network.text_dim, len(network.text)
    parts = {}
    for sensor, row in (("hsi", 3.0), ("lidar", 1.65)):
        encoder = f"{trunk}.{sensor}"
        if encoder not in shapes:
            continue
        around = network.get_submodule(f"{encoder}.context" if scaled else f"{encoder}.layers")
        layers = sum(hasattr(module, "kernel_size") for module in around) - 1
        name, branches = {"hsi": "HSI", "lidar": "LiDAR"}[sensor], [f"{sensor} around"]
        if scaled:
            branches.append(f"{sensor} pixel")
            parts[branches[1]] = Part((1, row + 0.36), "", "the centre: 1×1, norm, ReLU", shapes[f"{encoder}.pixel"],
                                      (f"{sensor} mean",))  # fmt: skip
        parts[sensor] = Part((0, row), f"{name} window", "", (shapes[sensor][0], window, window), tuple(branches))
        left = shapes[f"{encoder}.context" if scaled else f"{encoder}.layers"]
        parts[branches[0]] = Part((1, row - 0.3 * scaled), "simple CNN", f"1×1, then {layers} × (3×3, norm, ReLU)",
                                  left, (f"{sensor} mean",))  # fmt: skip
        parts[f"{sensor} mean"] = Part((2, row), "", "mean over what is left" + ", beside the centre" * scaled,
                                       shapes[encoder], ("fusion",))  # fmt: skip
    fused = getattr(network.trunk, "fusion", "concat") if not scaled else "concat"
    how = {"concat": "side by side", "gated": "a learned share of each", "sum": "sum"}[fused]
    return parts | {
        "fusion": Part((3, 2.325), "fusion", how + more, shapes[f"{head}:in"], ("project",)),
        "project": Part((4, 2.325), "shared space", "linear, unit length", shapes["embedding"], ("similarity",)),
        "words": Part((0, 0.55), "handcrafted prompts of each class", "", ("sentences",), ("encoder",)),
        "encoder": Part((1.5, 0.55), "text encoder, frozen", "", ("sentences", dim), ("mean",)),
        "mean": Part((3, 0.55), "", "mean over sentences, unit length", (classes, dim), ("similarity",)),
        "similarity": Part((4, 1.25), "similarity of window and words", "× learned scale, at most 100",
                           shapes["logits"], ("answer",)),
        "answer": Part((4, 0.35), "a score a class", "", ()),
    }  # fmt: skip


def _sdhsi(network: Any, shapes: dict[str, Shape]) -> dict[str, Part]:
    spatial, total, exits = len(network.stages), len(network.blocks), len(network.exits)
    names = {module: name for name, module in network.named_modules()}
    parts = {"hsi": Part((0, 2.5), "HSI window", "as components or discriminants", shapes["hsi"], ("stage 1",))}
    for k, block in enumerate(network.blocks, 1):
        layer = "×".join(map(str, block[0].kernel_size)) + (", norm, ReLU" if len(block) == 3 else ", ReLU")
        onward = (f"stage {k + 1}" if k < total else "head", *([f"exit {k}"] if k <= exits else []))
        known, assumed = ("3-D convolution", layer) if k <= spatial else ("", f"2-D convolution {layer}")
        parts[f"stage {k}"] = Part((k, 2.5), known, assumed, shapes[names[block]], onward)
    pooled = "mean, 1×1, ReLU" if len(network.head) == 3 else "dense 256, dense 128"
    parts["head"] = Part((total + 1, 2.5), "", pooled, shapes["head"], ("final",))
    agree = ("targets",) if exits else ()
    parts["final"] = Part((total + 1, 1.35), "final output", "dropout, linear", shapes["logits"], agree)
    for k, leave in enumerate(network.exits, 1):
        parts[f"exit {k}"] = Part((k, 1.35), f"exit {k}", f"mean of {leave.look}×{leave.look} px, small MLP",
                                  shapes[f"exits.{k - 1}.classify"], agree)  # fmt: skip
    if exits:
        said = "exits and final output agree through soft targets, no other teacher"
        parts["targets"] = Part((1 + total / 2, 0.4), said, "who teaches whom, temperature and weights", (), over=total)
    return parts


@styled
def network_diagram(network: nn.Module, title: str) -> Figure:
    """A network as boxes and arrows, with the shape of one window's tensor on every arrow (channel, .., row, col).

    Args:
        network: An `MMLGNet` or `MMLGNetScales` that has read its words, or an `SDHSINet`.
        title: Above it.

    Raises:
        FigureError: As `parts_of` does.

    Example:
        >>> from hsikit import figures
        >>> drawn = figures.network_diagram(hsikit.SDHSINet(bands=15, classes=6, window=9), "SDHSI-Net")
        >>> any(text.get_text() == "15×9×9" for text in drawn.axes[0].texts)
        True
    """
    parts = parts_of(network)
    right = max(ACROSS * part.at[0] for part in parts.values()) + WIDE / 2
    low = min(UP * part.at[1] - part.height / 2 for part in parts.values())
    top = max(UP * part.at[1] + part.height / 2 for part in parts.values())
    fig = new_figure(right + WIDE / 2 + 0.3, top - low + 1.0)
    ax = fig.subplots()
    ax.set(xlim=(-WIDE / 2 - 0.1, right + 0.1), ylim=(low - 0.1, top + 0.1), aspect="equal")
    ax.set_axis_off()
    for part in parts.values():
        _box(ax, part)
        for other in part.to:
            _arrow(ax, part, parts[other])
    fig.suptitle(title)
    legend_below(fig, [patch(KNOWN, "known of the paper"), patch(ASSUMED, "assumed: ours")])
    return fig


def _box(ax: Axes, part: Part) -> None:
    x, top = ACROSS * part.at[0] - part.width / 2, UP * part.at[1] + part.height / 2
    for text, colour, line, high in part.strips:
        ax.add_patch(Rectangle((x, top - high), part.width, high, facecolor=colour, edgecolor="#555555",
                               linestyle=line, linewidth=0.9, zorder=2))  # fmt: skip
        ax.text(x + part.width / 2, top - high / 2, text, ha="center", va="center", zorder=3, linespacing=1.2)
        top -= high


def _arrow(ax: Axes, part: Part, other: Part) -> None:
    """From edge to edge, with the shape of what goes along."""
    (x, y), (to_x, to_y) = ((ACROSS * p.at[0], UP * p.at[1]) for p in (part, other))
    if abs(to_x - x) <= other.width / 2:  # straight down
        start, end = (x, y - part.height / 2), (x, to_y + other.height / 2)
    else:
        start, end = (x + part.width / 2, y), (to_x - other.width / 2, to_y)
    lift = 0.12 * (y == to_y)  # above a level arrow, which is short, and across any other
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": "#333333", "shrinkA": 0, "shrinkB": 0},
                zorder=1)  # fmt: skip
    if part.shape:
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + lift, "×".join(map(str, part.shape)), fontsize=9,
                ha="center", va="center", zorder=4, bbox=ground)  # fmt: skip
