"""SDHSI-Net's tables: every arm against its trunk over partitions and draws, what the spread is made of, its claims.

Functions take ledger rows under the labels of their configs, as `hsikit.experiments.rows_of` gives them. All pairs are
of one partition and seed; on whole fields intervals are over fields (`hsikit.tables.fields`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from hsikit.separation import METRICS as MEASURES
from hsikit.tables.cells import SHOWN, difference, percent
from hsikit.tables.fields import pairs_of, shares
from hsikit.tables.frames import frame, only, paired, pooled, spread
from hsikit.tables.layout import SCENE_OR_CUBE, TRUNK, WITH
from hsikit.tables.steps import METRICS, gap

Rows = Iterable[dict[str, Any]]
CLAIMS = {"oa": "accuracy", "radius_ratio": "compactness", "silhouette": "separability"}  # our measures of the paper's


def against_trunk(rows: Rows) -> pd.DataFrame:
    """Scores of every arm, and its paired difference from the plain trunk.

    Returns:
        A line a split, cube and method: n pairs; OA and AA, mean ± standard deviation; OA and AA minus the trunk's in
        points, with their 95 % interval (over fields where rows tell them apart, else Student's t over seeds); that of
        Student's t over partitions, named naive; and what it saw beside labelled pixels.
    """
    rows = pooled(rows)
    saw = {(r["split"], r["scene"], r["name"]): seen(r) for r in rows}
    lines = []
    for e in spread(frame(rows), "split", "scene", "method").to_dict("records"):
        place, method = (e["split"], e["scene"]), e["method"]
        line = {"split": e["split"], "cube": SCENE_OR_CUBE[e["scene"]], "method": e["method"], "n": e["n"],
                **{SHOWN[key]: percent(e, key) for key in METRICS}}  # fmt: skip
        gaps = {key: None if method == TRUNK else gap(rows, place, method, TRUNK, key) for key in METRICS}
        line |= {f"{SHOWN[key]} minus trunk (points)": difference(g) if g else "" for key, g in gaps.items()}
        lines.append(line | {"naive (OA)": gaps["oa"]["naive"] if gaps["oa"] else "", "saw": saw[*place, method]})
    return pd.DataFrame(lines)


def seen(row: Mapping[str, Any]) -> str:
    """What a run saw beside its labelled pixels: nothing, or windows without label, with test pixels or without."""
    train = row["config"]["train"]
    if not train.get("unlabelled"):
        return ""
    return "unlabelled background" if train.get("pool") == "background" else "transductive"


def spread_made_of(rows: Rows) -> pd.DataFrame:
    """How far a single partition or seed could have misled, for each arm against the trunk, in points of OA and AA.

    Returns:
        A line an arm and metric: partitions, runs, difference with its interval over fields, the naive one, the
        standard deviations that seed and partition add (empty where the runs cannot tell them apart), and the lowest
        and highest difference of any one run.
    """
    rows = pooled(rows)
    lines: list[dict[str, Any]] = []
    for name in dict.fromkeys(r["name"] for r in rows if r["name"] != TRUNK):
        sides = [only(rows, methods=[label]) for label in (name, TRUNK)]
        for key in METRICS:
            found = gap(rows, (rows[0]["split"], rows[0]["scene"]), name, TRUNK, key)
            if found is None:
                continue
            pairs = pairs_of(*sides)
            single = [100 * a[key] - 100 * b[key] for a, b in pairs]
            try:
                parts = {part: f"{100 * sd:.2f}" for part, sd in shares(sides[0], sides[1], key).items()}
            except ValueError:
                parts = {}
            lines.append({"arm": name, "metric": SHOWN[key], "partitions": len({a["partition"] for a, _ in pairs}),
                          "runs": len(single), "minus trunk": difference(found), "naive": found["naive"],
                          "sd of seeds": parts.get("seed", ""), "sd of partitions": parts.get("partition", ""),
                          "one run": f"{min(single):+.1f} to {max(single):+.1f}"})  # fmt: skip
    return pd.DataFrame(lines)


def claims(rows: Rows, scene: str = "indian_pines_repaired") -> pd.DataFrame:
    """The paper's three claims for both self-distilled arms against the trunk, at each budget of a cube.

    Returns:
        arm, then the columns of `claims_of` but for the two means and the ends of the interval, which is said in words.
    """
    found = pd.concat([claims_of(rows, arm, scene).assign(arm=arm) for arm in WITH])
    found["difference"] = [difference(e, 3) for e in found.to_dict("records")]
    return found[["arm", "claim", "measure", "split", "n", "difference", "verdict"]]


def claims_of(rows: Rows, arm: str, scene: str = "indian_pines_repaired") -> pd.DataFrame:
    """The paper's three claims for one arm against the trunk, at each budget of a cube, as `claims_forest` draws them.

    Accuracy is OA in points, on whole fields with an interval over fields; compactness the intra-class radius over the
    distance to the nearest centroid (lower is better); separability the silhouette; the last two on the final
    embedding, between pixels a window apart. `verdict`: "held" or "the opposite" where the 95 % interval is clear of 0,
    else "not shown".
    """
    rows = [r for r in pooled(rows) if r["scene"] == scene]
    long = frame(rows, "score", "exit")
    final = long["measure"].isin(CLAIMS) & (long["item"] == "final")
    long = long[(long["part"] == "score") & (long["measure"] == "oa") | final & (long["measure"] != "oa")]
    lines = paired(long, {"": (arm, TRUNK)}, "split", "measure").to_dict("records")
    for e in lines:
        if e["measure"] == "oa" and (over := gap(rows, (e["split"], scene), arm, TRUNK)):
            e |= {key: over[key] for key in ("low", "high")}
        low, high = (-e["high"], -e["low"]) if MEASURES.get(e["measure"]) == "lower" else (e["low"], e["high"])
        e["claim"] = CLAIMS[e["measure"]]
        e["verdict"] = "held" if low > 0 else "the opposite" if high < 0 else "not shown"
    columns = ["claim", "measure", "split", "n", "with", "without", "difference", "low", "high", "verdict"]
    return pd.DataFrame(lines, columns=columns)


def exits(rows: Rows) -> pd.DataFrame:
    """Every exit of the method with unlabelled windows: scores, and multiply-accumulates of a dense pass a pixel."""
    rows = [r for r in pooled(rows) if r["name"] == WITH[1]]
    table = spread(frame(rows, "exit"), "split", "scene", "at", "item")
    if "oa_mean" not in table:
        return pd.DataFrame()
    table = table.dropna(subset=["oa_mean"])
    return pd.DataFrame([{"split": e["split"], "cube": SCENE_OR_CUBE[e["scene"]], "exit": e["item"], "n": e["n"],
                          **{SHOWN[key]: percent(e, key) for key in METRICS},
                          "multiply-accumulates a pixel": f"{e['macs_mean']:,.0f}"}
                         for e in table.to_dict("records")])  # fmt: skip


def tighter_is_better(rows: Rows) -> pd.DataFrame:
    """Rank correlation of accuracy with the separation of the final features, over all runs of a split.

    Returns:
        A line a split, cube and measure of separation: runs, Spearman's correlation with OA and with AA, its sign
        turned where lower is tighter, so that above 0 says: tighter goes with better.
    """
    lines = []
    rows = [r for r in pooled(rows) if r.get("exits")]
    if not rows:
        return pd.DataFrame()
    long = frame(rows, "exit")
    long = long[(long["item"] == "final") & long["measure"].isin(MEASURES)]
    wide = long.pivot_table(index=["split", "scene", "hash"], columns="measure", values="value")
    scores = pd.DataFrame([{"hash": r["hash"], "oa": r["oa"], "aa": r["aa"]} for r in rows]).set_index("hash")
    for (split, scene), part in wide.groupby(level=[0, 1], sort=False):
        there = part.droplevel([0, 1]).join(scores)
        for measure, better in MEASURES.items():
            if measure not in there:
                continue
            sign = -1 if better == "lower" else 1
            told = {key: sign * there[measure].corr(there[key], method="spearman") for key in METRICS}
            lines.append({"split": split, "cube": SCENE_OR_CUBE[scene], "measure": measure, "runs": len(there),
                          **{f"with {SHOWN[key]}": "" if value != value else f"{value:+.2f}"
                             for key, value in told.items()}})  # fmt: skip
    return pd.DataFrame(lines)
