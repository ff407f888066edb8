"""The referee's page: what there is to say of anyone's map on anyone's split, without a script, to be sent as it is."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np

from hsikit._util import saved
from hsikit._util.errors import door, needs
from hsikit.analysis.referee import Audit, judge
from hsikit.analysis.submitted import read_map, read_sides
from hsikit.scenes import Scene, load_scene

TEMPLATES = Path(__file__).parent / "templates"
ANSWERS = ("#56B4E9", "#D55E00")  # right and wrong, told apart by colour-blind readers too
SCORES = {"oa": "Overall accuracy", "aa": "Average accuracy", "kappa": "Cohen's kappa"}


@door
def referee(scene: Scene | str | Path, split: Any, prediction: Any, window: int = 11,
            out: str | Path | None = None) -> Audit:  # fmt: skip
    """Judge anyone's map on anyone's split: what its score can show, and what it cannot.

    Args:
        scene: A scene, or what `load_scene` takes.
        split: A `Split`; the path of an npz with `train` and `test` (flat indices or rasters); two rasters as
            "train.tif,test.tif"; or a pair of arrays. Sides may overlap and labels be wrong: that is told, not refused.
        prediction: What `predict_map` gives; classes (row, col), 0 for no answer; or the path of a raster or npz.
        window: Side of the windows that the method looked at, in pixels.
        out: Where a page goes that says all of it; None for none.

    Raises:
        SceneError, SplitError, ValueError: When scene, split or map cannot be read, or do not fit each other.

    Example:
        >>> scene = hsikit.load_scene("simulated")
        >>> audit = hsikit.referee(scene, hsikit.few_shot_split(scene), scene.labels, window=11)  # the truth as a map
        >>> audit.verdict
        'The score does not show how ground would be mapped that has no known pixels near it.'
        >>> audit.overlap[11] > 0.5
        True
    """
    scene = scene if isinstance(scene, Scene) else load_scene(scene)
    answers, noticed = read_map(prediction, scene)
    audit = judge(scene, read_sides(split, scene), answers, window, (noticed,))
    if out is not None:
        saved(Path(out), lambda file: file.write(page(audit).encode()))
    return audit


def page(audit: Audit) -> str:
    """An audit as one page of HTML that brings nothing in from outside; names of classes and scenes stand as text."""
    with needs("workbook", "the referee's page"):
        import jinja2

    jinja = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    jinja.filters |= {"percent": _percent, "points": _points}
    scores = [(name, getattr(audit.scores, key), audit.intervals.get(key)) for key, name in SCORES.items()]
    areas = audit.areas if isinstance(audit.areas, str) else audit.areas.to_dict("records")
    return jinja.get_template("referee.html").render(
        audit=audit, scores=scores, rivals=audit.rivals.to_dict("records"), classes=audit.classes.to_dict("records"),
        areas=areas, names=("all classes", *audit.classes["class"]), picture=_picture(audit),
    )  # fmt: skip


def _percent(value: float, digits: int = 1) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{100 * value:.{digits}f} %"


def _points(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{100 * value:+.1f}"


def _picture(audit: Audit) -> str:
    """Right and wrong test pixels beside the accuracy of each field, as the address of a PNG within the page."""
    from matplotlib.colors import ListedColormap  # half a second
    from matplotlib.figure import Figure

    rows, cols = audit.shape
    grid = (2, 1) if cols > 1.6 * rows else (1, 2)
    wide = 9.0 if grid[0] == 2 else 4.6
    fig = Figure(figsize=(wide * grid[1], (wide * rows / cols + 0.6) * grid[0]), layout="constrained")
    left, right = fig.subplots(*grid)
    left.imshow(audit.answers, cmap=ListedColormap(["#ffffff", *ANSWERS]), vmin=0, vmax=2, interpolation="nearest")
    left.set_title("test pixels: right blue, wrong orange")
    drawn = right.imshow(audit.fields, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    right.set_title("share of each field that is right")
    fig.colorbar(drawn, ax=right, shrink=0.8)
    for ax in (left, right):
        ax.set(xlabel="column (px)", ylabel="row (px)")
    stream = io.BytesIO()
    fig.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
