"""From rows to what is printed: mean and spread over seeds, and paired comparisons with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hsikit.tables.stats import holm, paired_difference, summary

SCORES = ("oa", "aa", "kappa")


def summarise(rows: Iterable[dict[str, Any]], reference: str | None = None) -> list[dict[str, Any]]:
    """One entry per method, scene and split: mean and std (ddof = 1) over seeds, as fractions.

    With a `reference` (the label of a method), every other method of the same scene and split carries `p`, the
    two-sided Wilcoxon over shared seeds, Holm-corrected within its table; null where fewer than 8 seeds are shared.
    """
    table = pd.DataFrame(list(rows))
    if table.empty:
        return []
    out = []
    for (scene, split), part in table.groupby(["scene", "split"], sort=False):
        entries = [_entry(name, scene, split, group) for name, group in part.groupby("name", sort=False)]
        if reference is not None:
            _add_p(entries, part, reference)
        out += entries
    return out


def by_method(summaries: Iterable[dict[str, Any]], rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summaries for programs: an arm that is its method's only one on a scene and split goes by the method's name.

    `name` holds the label in any case.
    """
    arms: dict[tuple[str, ...], set[str]] = {}
    method_of = {}
    for row in rows:
        method_of[row["name"]] = row["method"]
        arms.setdefault((row["scene"], row["split"], row["method"]), set()).add(row["name"])
    found = []
    for entry in summaries:
        method = method_of[entry["method"]]
        alone = len(arms[entry["scene"], entry["split"], method]) == 1
        found.append(entry | {"method": method if alone else entry["method"], "name": entry["method"]})
    return found


def comparison(rows: Iterable[dict[str, Any]], pairs: Sequence[tuple[str, str]], metric: str = "oa") -> pd.DataFrame:
    """Paired differences between methods, in points, the first pair primary and Holm on the rest.

    Args:
        rows: Ledger rows of one scene and split.
        pairs: (method, reference) labels; the first is the table's one primary comparison.
        metric: "oa", "aa" or "kappa".

    Returns:
        Columns comparison, metric, n, difference, low, high (points, 95 % interval), p, note.
    """
    table = pd.DataFrame(list(rows))
    found = []
    for method, reference in pairs:
        found.append((f"{method} − {reference}", paired_difference(*_by_seed(table, method, reference, metric))))
    p = [found[0][1].p, *holm([d.p for _, d in found[1:]])] if found else []
    return pd.DataFrame(
        [
            {"comparison": name, "metric": metric, "n": d.n, "difference": 100 * d.mean, "low": 100 * d.low,
             "high": 100 * d.high, "p": value, "note": _note(k, value)}
            for k, ((name, d), value) in enumerate(zip(found, p))
        ]
    )  # fmt: skip


def against(rows: Iterable[dict[str, Any]], reference: str) -> pd.DataFrame:
    """Every method against the reference, OA and AA in points, for each scene and split; Holm within each."""
    table = pd.DataFrame(list(rows))
    found = []
    for (scene, split), part in table.groupby(["scene", "split"], sort=False):
        pairs = [(name, reference) for name in part["name"].unique() if name != reference]
        for metric in ("oa", "aa"):
            lines = comparison(part.to_dict("records"), pairs, metric)
            found.append(lines.assign(scene=scene, split=split))
    return pd.concat(found, ignore_index=True)[["scene", "split", *found[0].columns[:-2]]]


def gains(rows: Iterable[dict[str, Any]], comparisons: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Named paired differences, such as the gain of language, for each scene and split, OA and AA in points.

    Args:
        rows: Ledger rows under the labels of one config.
        comparisons: Name -> [arm, reference], or [arm, [references]], whose mean over the references is taken seed
            by seed. The first is the primary comparison, the rest is Holm-corrected. A comparison is left out
            where a scene and split has no rows of one of its arms.

    Returns:
        Columns scene, split, gain, metric, n, difference, low, high (points, 95 % interval over seeds), p, note.
    """
    table, found = pd.DataFrame(list(rows)), []
    for (scene, split), part in table.groupby(["scene", "split"], sort=False):
        there = {name: of for name, of in comparisons.items() if {of[0], *_listed(of[1])} <= set(part["name"])}
        for metric in ("oa", "aa"):
            d = [paired_difference(*_against_mean(part, of[0], _listed(of[1]), metric)) for of in there.values()]
            p = [d[0].p, *holm([each.p for each in d[1:]])] if d else []
            found += [
                {"scene": scene, "split": split, "gain": name, "metric": metric, "n": each.n,
                 "difference": 100 * each.mean, "low": 100 * each.low, "high": 100 * each.high, "p": value,
                 "note": _note(k, value)}
                for k, (name, each, value) in enumerate(zip(there, d, p))
            ]  # fmt: skip
    return pd.DataFrame(found)


def _listed(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _against_mean(table: pd.DataFrame, arm: str, references: list[str], metric: str) -> list[dict[int, float]]:
    """Seed -> score of an arm, and seed -> mean score of its references, over the seeds that all of them have."""
    pairs = [_by_seed(table, arm, reference, metric) for reference in references]
    shared = set.intersection(*(set(other) for _, other in pairs))
    return [pairs[0][0], {seed: sum(other[seed] for _, other in pairs) / len(pairs) for seed in shared}]


def _note(position: int, p: float | None) -> str:
    if p is None:
        return "not tested (n < 8)"
    return "primary" if position == 0 else "Holm"


def _entry(name: str, scene: str, split: str, group: pd.DataFrame) -> dict[str, Any]:
    entry: dict[str, Any] = {"method": name, "scene": scene, "split": split, "n": len(group)}
    for key in SCORES:
        over_seeds = summary(group[key].to_numpy())
        entry[f"{key}_mean"] = over_seeds.mean
        entry[f"{key}_std"] = over_seeds.std if len(group) > 1 else None
    entry["seconds"] = float(group["seconds"].mean())
    return entry


def _add_p(entries: list[dict[str, Any]], part: pd.DataFrame, reference: str) -> None:
    others = [e for e in entries if e["method"] != reference]
    raw = [paired_difference(*_by_seed(part, e["method"], reference, "oa")).p for e in others]
    for entry, p in zip(others, holm(raw)):
        entry["reference"], entry["p"] = reference, p


def _by_seed(table: pd.DataFrame, method: str, reference: str, metric: str) -> list[dict[int, float]]:
    """Seed -> score of two methods."""
    found = []
    for name in (method, reference):
        scores = table[table["name"] == name].set_index("seed")[metric]
        if scores.empty:
            raise ValueError(f"no rows of {name!r} to compare; there are {sorted(table['name'].unique())}")
        if scores.index.has_duplicates:
            raise ValueError(f"{name!r} has a seed twice; choose one configuration first, with best_by_validation")
        found.append(scores.astype(float).to_dict())
    return found


def calibration_table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Calibration on test pixels, means over seeds: scene, split, method, n, ECE, NLL and Brier, raw and tempered.

    `temperature` comes from validation pixels; rows without `calibration` are left out.
    """
    lines = []
    for row in rows:
        found = row.get("calibration")
        if found and "tempered" in found:
            lines.append(
                {"scene": row["scene"], "split": row["split"], "method": row["name"],
                 "temperature": found["temperature"],
                 **{f"{kind} {key}": found[kind][key] for key in ("ece", "nll", "brier")
                    for kind in ("raw", "tempered")}}
            )  # fmt: skip
    if not lines:
        return pd.DataFrame(columns=["scene", "split", "method", "n"])
    groups = pd.DataFrame(lines).groupby(["scene", "split", "method"], sort=False)
    table = groups.mean()
    table.insert(0, "n", groups.size())
    return table.reset_index()
