"""From rows of SDHSI-Net to tables: its exits, budgets, separation, damage, and what held of the paper's claims.

Every function takes ledger rows that `exit_facts` filled, and compares two labels, seed by seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from hsikit.separation import METRICS
from hsikit.tables.stats import PairedDifference, paired_difference

Row = dict[str, Any]
Pair = tuple[str, str]
CLAIMS = {"accuracy": "oa", "compactness": "radius_ratio", "separability": "silhouette"}  # the paper's, and our measure


def exits_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Mean and std over seeds of each exit: method, split, exit (from 1), name, n, oa_*, aa_*, macs."""
    flat = [
        {"method": r["name"], "split": r["split"], "exit": k, **entry}
        for r in rows for k, entry in enumerate(r.get("exits", ()), 1) if entry["oa"] is not None
    ]  # fmt: skip
    if not flat:
        return pd.DataFrame(columns=["method", "split", "exit", "name", "n", "oa_mean", "oa_std", "aa_mean", "macs"])
    groups = pd.DataFrame(flat).groupby(["method", "split", "exit", "name"], sort=False)
    return groups.agg(n=("oa", "size"), oa_mean=("oa", "mean"), oa_std=("oa", "std"), aa_mean=("aa", "mean"),
                      aa_std=("aa", "std"), macs=("macs", "first")).reset_index()  # fmt: skip


def static_exits(rows: Iterable[Row], tolerance: float = 0.003) -> pd.DataFrame:
    """The shallowest exit of each run whose validation OA is within `tolerance` of the final output's.

    Returns columns split, seed, exit, oa, oa_final, lost (points of OA on test pixels), macs_ratio (full over exit).
    """
    found = []
    for row in rows:
        exits = [e for e in row.get("exits", ()) if e.get("val_oa") is not None]
        if len(exits) < 2:
            continue
        final = exits[-1]
        k, chosen = next((k, e) for k, e in enumerate(exits, 1) if e["val_oa"] >= final["val_oa"] - tolerance)
        found.append({"split": row["split"], "seed": row["seed"], "exit": k, "oa": chosen["oa"],
                      "oa_final": final["oa"], "lost": 100 * (final["oa"] - chosen["oa"]),
                      "macs_ratio": final["macs"] / chosen["macs"]})  # fmt: skip
    return pd.DataFrame(found, columns=["split", "seed", "exit", "oa", "oa_final", "lost", "macs_ratio"])


def cost_curve(rows: Iterable[Row]) -> pd.DataFrame:
    """Accuracy against the cost of a window: stopping at one exit, and leaving when sure enough.

    Means over the rows given, of one method and split: columns method ("one exit" or "when sure"), exit (from 1;
    position of the threshold), oa_mean, oa_std, macs (of a window).
    """
    points = [
        {"method": method, "exit": k, "oa": point["oa"], "macs": point["macs_window"]}
        for r in rows if r.get("early_exit")
        for method, given in (("one exit", r["exits"]), ("when sure", r["early_exit"]))
        for k, point in enumerate(given, 1)
    ]  # fmt: skip
    groups = pd.DataFrame(points, columns=["method", "exit", "oa", "macs"]).groupby(["method", "exit"], sort=False)
    return groups.agg(oa_mean=("oa", "mean"), oa_std=("oa", "std"), macs=("macs", "mean")).reset_index()


def separation_differences(rows: Iterable[Row], pair: Pair, split: str) -> pd.DataFrame:
    """Separation at each depth with and without, paired by seed.

    Returns columns exit, metric, better, n, with, without, difference, low, high (95 % interval), in the metric's own
    units.
    """
    here = [r for r in rows if r["split"] == split and r.get("exits")]
    names = [e["name"] for e in here[0]["exits"]] if here else []
    found = []
    for k, name in enumerate(names):
        for metric, better in METRICS.items():
            line = _paired(here, pair, lambda r: r["exits"][k]["separation"][metric])  # noqa: B023
            if line:
                found.append({"exit": name, "metric": metric, "better": better, **line})
    return pd.DataFrame(found)


def robustness_differences(rows: Iterable[Row], pair: Pair, split: str) -> pd.DataFrame:
    """OA under damage with and without (fractions), and their paired difference in points."""
    here = [r for r in rows if r["split"] == split and r.get("robustness")]
    kinds = [(d["kind"], d["severity"]) for d in here[0]["robustness"]] if here else []
    found = []
    for k, (kind, severity) in enumerate([("none", 0.0), *kinds]):
        line = _paired(here, pair, lambda r: r["robustness"][k - 1]["oa"] if k else r["oa"], 100)  # noqa: B023
        if line:
            found.append({"kind": kind, "severity": severity, **line})
    return pd.DataFrame(found)


def budgets_table(rows: Iterable[Row], budgets: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Accuracy by label budget: columns method, split (the family), budget, n, oa_mean, oa_std, aa_mean.

    `budgets` maps a split's short name to its family and how the budget is written, in drawing order.
    """
    table = pd.DataFrame([r for r in rows if r["split"] in budgets], columns=["name", "split", "oa", "aa"])
    groups = table.groupby(["split", "name"], sort=False)
    means = groups.agg(n=("oa", "size"), oa_mean=("oa", "mean"), oa_std=("oa", "std"), aa_mean=("aa", "mean"))
    lines = [
        {"method": name, "split": family, "budget": written, **means.loc[(split, name)]}
        for split, (family, written) in budgets.items() for name in dict.fromkeys(table["name"])
        if (split, name) in means.index
    ]  # fmt: skip
    return pd.DataFrame(lines)


# --- what held ---------------------------------------------------------------------------------------


def effects(rows: Sequence[Row], pair: Pair, splits: Sequence[str]) -> pd.DataFrame:
    """The paper's three claims at each split: with minus without, paired by seed, with a 95 % interval.

    Accuracy is OA in points; compactness the intra-class radius over the distance to the nearest centroid (lower is
    better); separability the silhouette; the last two on the final embedding, between pixels a window apart.
    `verdict`: "held" or "the opposite" where the interval is clear of 0, else "not shown".
    """
    found = []
    for split in splits:
        here = [r for r in rows if r["split"] == split]
        for claim, measure in CLAIMS.items():
            if measure == "oa":
                line = _paired(here, pair, lambda r: r["oa"], 100)
            else:
                line = _paired(here, pair, lambda r: _final_separation(r, measure))  # noqa: B023
            if line:
                lower_is_better = METRICS.get(measure) == "lower"
                bounds = (-line["high"], -line["low"]) if lower_is_better else (line["low"], line["high"])
                found.append({"claim": claim, "measure": measure, "split": split, **line, "verdict": _verdict(*bounds)})
    return pd.DataFrame(found)


def paragraph(table: pd.DataFrame) -> str:
    """What held and what did not, in sentences with effect sizes and intervals, from what `effects` gives."""
    if table.empty:
        return "The ledger holds no pair of runs to compare."
    units = {"accuracy": "points of OA", "compactness": "radius over centroid distance (lower is tighter)",
             "separability": "silhouette (higher is better)"}  # fmt: skip
    sentences = []
    for claim, part in table.groupby("claim", sort=False):
        counts = part["verdict"].value_counts()
        said = ", ".join(f"{v} at {counts[v]}" for v in ("held", "not shown", "the opposite") if v in counts)
        places = "; ".join(
            f"{line['split']} {line['difference']:+.2f} [{line['low']:+.2f}, {line['high']:+.2f}] (n = {line['n']})"
            for line in part.to_dict("records")
        )
        sentences.append(f"**{str(claim).capitalize()}**: {said} of {len(part)} budgets. "
                         f"With minus without, in {units[str(claim)]}: {places}.")  # fmt: skip
    return "\n\n".join(sentences)


def _verdict(low: float, high: float) -> str:
    return "held" if low > 0 else "the opposite" if high < 0 else "not shown"


def _final_separation(row: Row, measure: str) -> float | None:
    return row["exits"][-1]["separation"][measure] if row.get("exits") else None


def _paired(rows: Iterable[Row], pair: Pair, value: Callable[[Row], float | None],
            scale: float = 1.0) -> dict[str, Any]:  # fmt: skip
    """Means of both labels, their paired difference and its interval, scaled; empty with no shared seed."""
    by_seed: list[dict[int, float]] = [{}, {}]
    for row in rows:
        if row["name"] in pair and (number := value(row)) is not None:
            by_seed[pair.index(row["name"])][row["seed"]] = number
    shared = sorted(set(by_seed[0]) & set(by_seed[1]))
    if not shared:
        return {}
    with_it, without = ([values[s] for s in shared] for values in by_seed)
    d: PairedDifference = paired_difference(with_it, without)
    return {"n": d.n, "with": sum(with_it) / d.n, "without": sum(without) / d.n, "difference": scale * d.mean,
            "low": scale * d.low, "high": scale * d.high}  # fmt: skip
