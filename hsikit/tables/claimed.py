"""What the project says of both methods: sentences, the rows of the ledger that bear them, and the same on a new scene.

`hsikit/claims.yaml` holds it. A sentence is a template such as ``{trunk.oa:.1f} points``; its `numbers` say what each
name is, with `config`, `scene` and `split` from the sentence's `from`:

| a name is                     | and has                                                                            |
| ----------------------------- | ---------------------------------------------------------------------------------- |
| an arm's label                | n, oa, aa, kappa (percent, means over runs) and the other scores of a row          |
| {arm, part, item}             | n and the mean measures of a part of `hsikit.tables.frames`, of one item if named  |
| [arm, arm or list of arms]    | n, fields; oa, oa_low, oa_high, aa, ..: paired difference in points, 95 % interval |
| {cubes: [scene, scene]}       | share (percent) of samples that differ, counts (mean) by which they do             |
| {reported: name, scene, ..}   | oa, aa, kappa as another paper printed them (`hsikit/reported.yaml`)               |

``{n:words}`` writes a number out. `holds` are conditions that the sentence means, such as ``gain.oa_low > 0``.
"""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml

from hsikit._util.errors import door
from hsikit.experiments.config import expand, load_config
from hsikit.experiments.ledger import Store, rows_of
from hsikit.experiments.sweep import Failure, sweep
from hsikit.scenes import Scene, load_scene
from hsikit.splits import SplitError, make_split
from hsikit.splits.pixels import fields
from hsikit.tables.cells import TableError
from hsikit.tables.fields import apart
from hsikit.tables.frames import SCORES, frame, pooled, spread
from hsikit.tables.scenes import reported
from hsikit.tables.steps import METRICS, side_of
from hsikit.text.prompts import TextError, load_prompts, source_of

PERCENT = (*SCORES, "val_oa", "recall")
FEWEST = 5  # tested fields, below which an interval over them says nothing
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]  # fmt: skip
SIGNS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt, "==": operator.eq}


class Number(float):
    """A number as prose writes it: with a minus sign, or in words."""

    def __format__(self, spec: str) -> str:
        if spec == "words":
            return WORDS[int(self)]
        text = super().__format__(spec or "g")
        return text.replace("-", "−") if float(text) else text.lstrip("+-")  # no sign before a zero


@dataclass(frozen=True)
class Told:
    """A sentence as the ledger has it.

    Attributes:
        template: As claims.yaml holds it, on one line.
        text: With its numbers filled in.
        files: Where it stands, from the project's folder.
        broken: Its conditions that the ledger does not bear.
        hashes: Of the rows that bear it.
    """

    template: str
    text: str
    files: tuple[str, ...]
    broken: tuple[str, ...]
    hashes: tuple[str, ...]


def told(store: Store | None = None) -> list[Told]:
    """Every sentence of claims.yaml, recomputed from the ledger.

    Raises:
        TableError: When the ledger has no row that a sentence rests on.
    """
    store, found = store or Store.of_environment(), []
    for claim in _file()["said"]:
        template, hashes = " ".join(claim["says"].split()), dict[str, None]()
        used = set(re.findall(r"(\w+)\.", " ".join([*re.findall(r"{(.+?)}", template), *claim.get("holds", ())])))
        numbers = {name: _number(claim.get("from", {}) | _spec(given), store, hashes)
                   for name, given in claim["numbers"].items() if name in used}  # fmt: skip
        broken = [text for text in claim.get("holds", ()) if not _holds(text, numbers)]
        found.append(Told(template, template.format(**numbers), tuple(claim["in"]), tuple(broken), tuple(hashes)))
    return found


def _file() -> dict[str, Any]:
    return yaml.safe_load((resources.files("hsikit") / "claims.yaml").read_text(encoding="utf-8"))


def _spec(given: Any) -> dict[str, Any]:
    if isinstance(given, str):
        return {"arm": given}
    return {"arm": given[0], "less": given[1]} if isinstance(given, list) else given


def _number(spec: Mapping[str, Any], store: Store, hashes: dict[str, None]) -> SimpleNamespace:
    """What a name of a sentence stands for; the hashes of its rows are added to those of the sentence."""
    if "cubes" in spec:
        first, second = (np.asarray(load_scene(name).hsi, float) for name in spec["cubes"])
        gaps = (second - first)[second != first]
        return _named(share=100 * gaps.size / first.size, counts=gaps.mean())
    if "reported" in spec:
        lines = reported(spec["scene"]).query("split == @spec['split'] and method == @spec['reported']")
        return _named(**{key: lines[key].item() for key in SCORES})
    rows = [r for r in pooled(rows_of(store, spec["config"]))
            if all(r[key] == spec[key] for key in ("scene", "split") if key in spec)]  # fmt: skip
    sides = [side_of(rows, spec[key]) for key in ("arm", "less") if key in spec]
    hashes.update((h, None) for side in sides for r in side for h in r["hash"].split())
    if not all(sides):
        raise TableError(f"claims.yaml: the ledger holds no run for {dict(spec)}; run: hsikit sweep {spec['config']}")
    if "less" not in spec:
        long = frame(sides[0], spec.get("part", "score"))
        (means,) = spread(long[long["item"] == spec["item"]] if "item" in spec else long, "method").to_dict("records")
        own = {name.removesuffix("_mean"): value for name, value in means.items() if name.endswith("_mean")}
        return _named(n=len(sides[0]), **{k: 100 * v if k in PERCENT else v for k, v in own.items()})
    gaps = {metric: apart(sides[0], sides[1], metric) for metric in METRICS}
    if gaps["oa"] is None or gaps["aa"] is None:
        raise TableError(f"claims.yaml: no two runs of {dict(spec)} make a pair")
    drawn = int(over.split()[0]) if (over := gaps["oa"].over).endswith("fields") else 0
    points = {f"{metric}{end}": 100 * value for metric, gap in gaps.items() if gap
              for end, value in (("", gap.mean), ("_low", gap.low), ("_high", gap.high))}  # fmt: skip
    return _named(n=gaps["oa"].n, fields=drawn, **points)


def _named(**values: float) -> SimpleNamespace:
    return SimpleNamespace(**{name.replace(" ", "_"): Number(value) for name, value in values.items()})


def _holds(text: str, numbers: Mapping[str, SimpleNamespace]) -> bool:
    """Whether a condition such as ``-1 < gain.oa < 1`` is so."""
    words = text.split()
    values = [getattr(numbers[name], key) if name in numbers else float(word)
              for word in words[::2] for name, _, key in (word.partition("."),)]  # fmt: skip
    return all(SIGNS[sign](*pair) for sign, pair in zip(words[1::2], itertools.pairwise(values)))


# --- the same settings on another scene -------------------------------------------------------------


class Claimed(NamedTuple):
    """Wins and losses, a line a comparison and metric; what was left out and why; runs that failed."""

    table: pd.DataFrame
    left_out: list[str]
    failures: list[Failure]


@door
def claims_on(scene: str, seeds: int | None = None, store: Store | None = None) -> Claimed:
    """Run the frozen settings of both methods on a scene, untouched, and tell where they win and lose.

    Args:
        scene: A name, or the path of a site's YAML.
        seeds: Partitions of the scene's fields, 0 to seeds - 1, each with the networks' seed of its number; those of
            the configs if left out.

    Returns:
        The table has method, claim, metric, n, difference, low, high (points, 95 % interval), over (what the interval
        is over) and verdict: "win" or "loss" where the interval is clear of 0.

    Raises:
        SplitError: When whole fields cannot be kept apart, or fewer than 5 of them are tested.
    """
    land, lines, left_out, failures = load_scene(scene), [], [], []
    for study in _file()["frozen"]:
        if lacks := _lacking(land, study):
            left_out.append(f"{study['method']} was left out: {scene} has no {lacks}")
            continue
        done = sweep(expand(_moved(study, scene, seeds)), store)
        failures += done.failures
        rows = pooled(done.rows)
        for claim, (arm, less) in study["pairs"].items():
            for metric in METRICS:
                if gap := apart(side_of(rows, arm), side_of(rows, less), metric):
                    ends = [100 * value for value in (gap.mean, gap.low, gap.high)]
                    verdict = "win" if gap.low > 0 else "loss" if gap.high < 0 else "not shown"
                    lines.append((study["method"], claim, metric, gap.n, *ends, gap.over, verdict))
    if not lines and not failures:
        raise SplitError("; ".join(left_out))
    columns = ["method", "claim", "metric", "n", "difference", "low", "high", "over", "verdict"]
    return Claimed(pd.DataFrame(lines, columns=columns), left_out, failures)


def _moved(study: Mapping[str, Any], scene: str, seeds: int | None) -> dict[str, Any]:
    """A config's arms that the comparisons name, on another scene and its fields; all else as it was."""
    named = {name for pair in study["pairs"].values() for side in pair
             for name in ([side] if isinstance(side, str) else side)}  # fmt: skip
    config = load_config(study["config"])
    arms = [arm for arm in config["arms"] if arm.get("name", arm["method"]) in named]
    config = {key: value for key, value in config.items() if key not in ("sweep", "reference", "comparisons")}
    return config | {"scene": scene, "split": study["split"], "arms": arms,
                     "seeds": config["seeds"] if seeds is None else list(range(seeds))}  # fmt: skip


def _lacking(land: Scene, study: Mapping[str, Any]) -> str:
    """What settings need and a scene has not; "" where they can run.

    Raises:
        SplitError: When too few fields are tested for an interval over them.
    """
    needs = study.get("needs", ())
    if "LiDAR" in needs and land.lidar is None:
        return "LiDAR"
    if "sentences" in needs:
        try:
            load_prompts(source_of(land)).only(land.class_names)
        except TextError as error:
            return f"sentences for its classes ({error})"
    split = make_split(land, {key: value for key, value in study["split"].items() if key != "partition"})
    if (tested := np.unique(fields(land.usable).ravel()[split.test]).size) < FEWEST:
        raise SplitError(f"{land.name} is too small: {tested} of its fields are tested, {FEWEST} are needed for an "
                         "interval over fields; label more of them")  # fmt: skip
    trained = np.unique(split.y("train")).size
    return f"{study['classes']} classes to train on whole fields, only {trained}" if trained < study["classes"] else ""
