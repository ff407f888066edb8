"""The papers' own tables: scores of each class, arms, budgets, exits, and paired differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from hsikit.tables import exit_tables
from hsikit.tables.cells import difference, percent
from hsikit.tables.frames import gains, summarise
from hsikit.tables.scenes import MAIN, TABLES, best_of, measured
from hsikit.tables.stats import paired_difference

Rows = list[dict[str, Any]]
PAIR = ("SDHSI-Net", "SDHSI-Net trunk")
FULL = "mmlgnet"  # the label of MMLGNet in its ablation
LOSSES = {
    "both directions": FULL, "vision to text alone": "mmlgnet with vision to text alone",
    "text to vision alone": "mmlgnet with text to vision alone",
    "in-batch identity (CLIP)": "mmlgnet with in-batch identity",
    "log of the positives' sum": "mmlgnet with sum of positives",
    "learned prototypes": "mmlgnet with learned prototypes",
    "trunk, balanced cross-entropy": "pixel trunk + balanced cross-entropy",
    "trunk, cross-entropy": "pixel trunk + cross-entropy",
}  # fmt: skip
MODALITIES = {
    "HSI and LiDAR, concatenated": FULL, "gated fusion": "mmlgnet with gated fusion",
    "summed": "mmlgnet with summed fusion", "sensor dropout": "mmlgnet with sensor dropout",
    "one LiDAR band": "mmlgnet with one LiDAR band", "HSI alone": "mmlgnet with HSI alone",
    "LiDAR alone": "mmlgnet with LiDAR alone",
}  # fmt: skip
WORDS = {
    "descriptive sentences": FULL, "template": "mmlgnet with template", "bare names": "mmlgnet with bare names",
    **{f"paraphrase {k}": f"mmlgnet with paraphrase {k}" for k in range(1, 6)},
    "shuffled words": "mmlgnet with shuffled words", "random vectors": "mmlgnet with random vectors",
}  # fmt: skip
BUDGETS = {"fields_25": ("fields", "25 %"), "fields_50": ("fields", "50 %"), "fields": ("fields", "100 %"),
           "random_1": ("random", "1 %"), "random_3": ("random", "3 %"), "random_10px": ("random", "10 px a class"),
           "random_10": ("random", "10 %")}  # fmt: skip


def per_class(name: str, rows: Rows) -> pd.DataFrame:
    """Recall of each class, then OA, AA and kappa, in percent: a line each, the README's methods beside each other."""
    best, lines = best_of(name, rows), []
    for split in TABLES[name]["splits"]:
        here = {m: [r for r in best if (r["name"], r["split"]) == (m, split)] for m in MAIN[name]}
        here = {m: some for m, some in here.items() if some}
        for cls in dict.fromkeys(c for some in here.values() for c in some[0]["per_class"]):
            recalls = {m: [r["per_class"][cls] for r in some] for m, some in here.items()}
            if any(v is not None for values in recalls.values() for v in values):
                lines.append({"split": split, "class": cls, **{m: _spread(v) for m, v in recalls.items()}})
        for key, shown in (("oa", "OA"), ("aa", "AA"), ("kappa", "kappa")):
            scores = {m: _spread([r[key] for r in some]) for m, some in here.items()}
            lines.append({"split": split, "class": shown, **scores})
    return pd.DataFrame(lines).fillna("")


def arms(labels: Mapping[str, str], reference: str, rows: Rows) -> pd.DataFrame:
    """Scores of the arms of an ablation and their paired difference in OA from a reference, on each split.

    Args:
        labels: What a line is called -> the arm's label.
        reference: Label of the arm that differences are taken from.
        rows: Of the ablation's config.
    """
    lines = []
    for split in dict.fromkeys(r["split"] for r in rows):
        here = [r for r in rows if r["split"] == split]
        summaries = {e["method"]: e for e in summarise(here)}
        base = {r["seed"]: r["oa"] for r in here if r["name"] == reference}
        for shown, label in labels.items():
            if label not in summaries:
                continue
            entry, own = summaries[label], {r["seed"]: r["oa"] for r in here if r["name"] == label}
            gap = "" if label == reference else difference(paired_difference(own, base))
            lines.append({"split": split, "arm": shown, "n": entry["n"], "OA": percent(entry, "oa"),
                          "AA": percent(entry, "aa"), "kappa": percent(entry, "kappa"),
                          "OA minus reference (points)": gap})  # fmt: skip
    return pd.DataFrame(lines)


def sdhsi_arms(rows: Rows) -> pd.DataFrame:
    """The ablation of SDHSI-Net against cross-entropy only."""
    method = "SDHSI-Net: "
    labels = {r["name"].removeprefix(method): r["name"] for r in rows}
    return arms(labels, f"{method}cross-entropy only", rows)


def sdhsi_budgets(rows: Rows) -> pd.DataFrame:
    """With and without self-distillation at each label budget, and their paired difference in OA."""
    lines = []
    for split, (family, budget) in BUDGETS.items():
        some = [r for r in rows if r["split"] == split and r["name"] in PAIR]
        entries = {e["method"]: e for e in summarise(some)}
        if set(entries) != set(PAIR):
            continue
        own, base = ({r["seed"]: r["oa"] for r in some if r["name"] == name} for name in PAIR)
        gap = paired_difference(own, base)
        scores = {f"{name} {key.upper()}": percent(entries[name], key) for name in PAIR for key in ("oa", "aa")}
        lines.append({"family": family, "budget": budget, "n": gap.n, **scores,
                      "difference in OA (points)": difference(gap)})  # fmt: skip
    return pd.DataFrame(lines)


def sdhsi_exits(rows: Rows) -> pd.DataFrame:
    """Every exit of SDHSI-Net: scores, and multiply-accumulates of a dense pass for each pixel."""
    table = exit_tables.exits_table(r for r in rows if r["name"] == PAIR[0])
    return pd.DataFrame([{"split": e["split"], "exit": e["name"], "n": e["n"], "OA": percent(e, "oa"),
                          "AA": percent(e, "aa"), "multiply-accumulates a pixel": f"{e['macs']:,.0f}"}
                         for e in table.to_dict("records")])  # fmt: skip


def sdhsi_claims(rows: Rows) -> pd.DataFrame:
    """The paper's claims at each budget: with minus without, paired by seed, and whether the interval is clear of 0."""
    table = exit_tables.effects(rows, PAIR, list(BUDGETS))
    lines = table.to_dict("records")
    return pd.DataFrame([{"claim": e["claim"], "measure": e["measure"], "split": e["split"], "n": e["n"],
                          "difference": f"{e['difference']:+.3f} [{e['low']:+.3f}, {e['high']:+.3f}]",
                          "verdict": e["verdict"]} for e in lines])  # fmt: skip


def differences(comparisons: Mapping[str, Sequence[Any]], rows: Rows) -> pd.DataFrame:
    """Named paired differences in points, the interval first; the first comparison is primary, Holm on the rest."""
    table = gains(rows, comparisons)
    return pd.DataFrame([{"split": e["split"], "gain": e["gain"], "metric": e["metric"].upper(), "n": e["n"],
                          "difference (points)": f"{e['difference']:+.2f} [{e['low']:+.2f}, {e['high']:+.2f}]",
                          "p": "" if e["p"] is None or pd.isna(e["p"]) else f"{e['p']:.3f}", "test": e["note"]}
                         for e in table.to_dict("records")])  # fmt: skip


def splits_side_by_side(name: str, rows: Rows) -> pd.DataFrame:
    """Every method of a scene under the disjoint and under the overlapping split, and how far apart its OA is."""
    table = measured(name, rows)
    disjoint, parity = TABLES[name]["splits"][0], TABLES[name]["splits"][-1]
    left, right = (table[table["split"] == split].set_index("method") for split in (disjoint, parity))
    number: Callable[[str], float] = lambda cell: float(cell.split()[0])  # noqa: E731
    lines = []
    for method in [*left.index, *(m for m in right.index if m not in left.index)]:
        cells: dict[str, Any] = {"method": method}
        for split, side in ((disjoint, left), (parity, right)):
            there = method in side.index
            cells |= {f"{split} {key}": side.loc[method, key] if there else "" for key in ("OA", "AA", "n")}
        both = method in left.index and method in right.index
        gap = number(right.loc[method, "OA"]) - number(left.loc[method, "OA"]) if both else None
        lines.append(cells | {f"{parity} minus {disjoint} (points of OA)": "" if gap is None else f"{gap:+.1f}"})
    return pd.DataFrame(lines)


def _spread(values: Sequence[float | None]) -> str:
    """Mean ± std in percent of the seeds that tested a class."""
    there = pd.Series([v for v in values if v is not None], dtype=float)
    return "" if there.empty else percent({"x_mean": there.mean(), "x_std": there.std()}, "x")
