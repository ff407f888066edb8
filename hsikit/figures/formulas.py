"""The losses of both papers as formulas, drawn: they read wherever a picture does, without a script."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from hsikit.figures.style import FigureError, new_figure, styled

if TYPE_CHECKING:
    from torch import nn

TEXT_TO_VISION = {
    "multi": r"\dfrac{1}{|C_B|}\sum_{c \in C_B}\dfrac{1}{n_c}\sum_{i:\,y_i=c}"
    r"\log\,\dfrac{\exp s_{ic}}{\sum_{j}\exp s_{jc}}",
    "sum": r"\dfrac{1}{|C_B|}\sum_{c \in C_B}\log\,\dfrac{\sum_{i:\,y_i=c}\exp s_{ic}}{\sum_{j}\exp s_{jc}}",
    "identity": r"\dfrac{1}{B}\sum_{i}\log\,\dfrac{\exp s_{iy_i}}{\sum_{j}\exp s_{jy_i}}",
}
TEACHER = {
    "deep_to_shallow": "the final output teaches every exit",
    "shallow_to_deep": "each output teaches the next deeper one",
    "temporal": "an average of a pixel's own past final outputs teaches all",
    "mean_to_all": "the mean of all outputs teaches all of them, the final one included",
}
Line = tuple[str, str]


def formulas(loss: nn.Module) -> list[Line]:
    """Lines of a loss as (formula, what it says), with the weights that this loss has; terms of weight 0 are left out.

    Formulas are in the TeX that matplotlib reads.

    Raises:
        FigureError: For a loss that is neither of the papers'.

    Example:
        >>> from hsikit.figures.formulas import formulas
        >>> [len(formulas(loss)) for loss in (hsikit.SymmetricContrastive(), hsikit.SelfDistillation())]
        [4, 5]
    """
    known: dict[str, Any] = {"SymmetricContrastive": _contrastive, "SelfDistillation": _distillation}
    if type(loss).__name__ not in known:
        raise FigureError(f"no formulas of {type(loss).__name__}; give one of {', '.join(known)}")
    return known[type(loss).__name__](loss)


def _contrastive(loss: Any) -> list[Line]:
    weights = {"v→t": loss.vision_to_text, "t→v": loss.text_to_vision}
    names = {"v→t": r"L_{v \to t}", "t→v": r"L_{t \to v}"}
    terms = [_weight(w) + names[k] for k, w in weights.items() if w]
    lines = [(f"L = {' + '.join(terms)}", "known: both directions. Assumed: all that follows"),
             (r"s_{ic} = \tau\,\langle z_i, t_c\rangle,\quad |z_i| = |t_c| = 1",
              "similarity of window i and the words of class c; "
              "τ is learned, starts at 1/0.07, at most 100")]  # fmt: skip
    if loss.vision_to_text:
        lines.append((rf"{names['v→t']} = -\dfrac{{1}}{{B}}\sum_{{i}}\log\,\dfrac{{\exp s_{{iy_i}}}}{{\sum_{{c}}"
                      r"\exp s_{ic}}", "vision to text: window i among the words of all trained classes; "
                      "B windows in a batch, y their classes"))  # fmt: skip
    if loss.text_to_vision:
        how = {"multi": "mean over the n of class c", "sum": "their sum", "identity": "one window at a time"}
        lines.append((f"{names['t→v']} = -{TEXT_TO_VISION[loss.positives]}",
                      f"text to vision: the words of class c among the windows of the batch, {how[loss.positives]}; "
                      "its minimum is not 0, since windows of one class share the words"))  # fmt: skip
    return lines


def _distillation(loss: Any) -> list[Line]:
    softly = f", labels smoothed by {loss.cross_entropy.smoothing:g}" if loss.cross_entropy.smoothing else ""
    lines = [(rf"{_weight(loss.ce_final)}\mathrm{{CE}}(p, y)", f"the final output p and the labels y{softly}")]
    if loss.ce_exits:
        lines.append((rf"{_weight(loss.ce_exits)}\sum_k \mathrm{{CE}}(p_k, y)", "every exit k and the same labels"))
    if loss.kl:
        ramp = rf"\,\min(1, t/{loss.rampup:g})^2" if loss.rampup else ""
        over = f"; t is the share of the training gone, the weight rises until {loss.rampup:g}" if loss.rampup else ""
        lines.append((rf"{loss.kl:g}{ramp}\,\sum_k T^2\,\mathrm{{KL}}(\bar p^{{\,T}}\,\Vert\,p_k^{{\,T}}),"
                      rf"\quad T = {loss.temperature:g}",
                      f"soft targets, softened by T, known; assumed: {TEACHER[loss.direction]}, and learns nothing "
                      f"in doing so{over}"))  # fmt: skip
    if loss.hint:
        lines.append((rf"{loss.hint:g}\,\sum_k \mathrm{{MSE}}(\hat f_k, \hat f)",
                      "features of every exit, projected and of unit length, and those of the end"))  # fmt: skip
    total = " + ".join(f"L_{k}" for k in range(1, len(lines) + 1))
    numbered = [(rf"L_{k} = {tex}", said) for k, (tex, said) in enumerate(lines, 1)]
    return [
        (f"L = {total}", "known: that exits and final output agree. Assumed: the terms and their weights"),
        *numbered,
    ]


def _weight(value: float) -> str:
    return "" if value == 1 else rf"{value:g}\,"


@styled
def loss_formulas(loss: nn.Module, title: str) -> Figure:
    """A loss written out, a line a term, with what each says and its weights as this loss has them.

    Args:
        loss: A `SymmetricContrastive` or `SelfDistillation`.
        title: Above it.

    Raises:
        FigureError: As `formulas` does.

    Example:
        >>> from hsikit import figures
        >>> len(figures.loss_formulas(hsikit.SymmetricContrastive(), "MMLGNet").axes[0].texts)
        8
    """
    lines = [(tex, textwrap.fill(said, 52)) for tex, said in formulas(loss)]
    fig = new_figure(11, 0.85 * len(lines) + 0.5)
    ax = fig.subplots()
    ax.set(xlim=(0, 11), ylim=(len(lines) - 0.5, -0.5))
    ax.set_axis_off()
    for place, (tex, said) in enumerate(lines):
        ax.text(0.1, place, f"${tex}$", fontsize=16, va="center", parse_math=True)
        ax.text(6.1, place, said, va="center", linespacing=1.25)
    fig.suptitle(title)
    return fig
