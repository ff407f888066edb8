"""One tidy frame of results, a line a number of a run, and two verbs over it: mean with spread, and paired difference.

    spread(frame(rows), "scene", "split", "method")
    paired(frame(rows, "exit"), {"gain": ("SDHSI-Net", "SDHSI-Net trunk")}, "item", "measure")

A line has scene, split, method (the row's label), hash, partition and seed; part, item and at, which say what of the
run was measured; measure and value. What was not measured has no line.

| part        | item               | at                 | measures                                             |
| ----------- | ------------------ | ------------------ | ---------------------------------------------------- |
| score       |                    |                    | oa, aa, kappa, val_oa, seconds, and over areas       |
| class       | class              |                    | recall                                               |
| exit        | exit 1, .., final  | 1, 2, ..           | oa, aa, val_oa, macs, macs_window, those of METRICS  |
| early exit  |                    | place of threshold | oa, macs_window                                      |
| damage      | none, noise, ..    | severity           | oa, aa                                               |
| missing     | hsi, lidar         |                    | oa, aa                                               |
| calibration | raw, tempered      |                    | ece, nll, brier, temperature                         |
| unseen      | class              |                    | AUROC by each ranking, pixels                        |
| pairs       | ranking            |                    | auroc, a line a pair of classes left out             |
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from hsikit.tables.fields import apart
from hsikit.tables.stats import holm, paired_difference

Row = Mapping[str, Any]
Line = tuple[str, float | None, str, Any]  # item, at, measure, value
SCORES = ("oa", "aa", "kappa")
SCALARS = (*SCORES, "seconds", "val_oa", "area_oa", "field_oa", "group_low", "group_high")
RUN = ("scene", "split", "name", "hash", "partition", "seed")  # keys of a row; a frame calls the label its method
COLUMNS = ("scene", "split", "method", "hash", "partition", "seed", "part", "item", "at", "measure", "value")
PAIR = ["partition", "seed"]  # what two rows of a pair share
R = TypeVar("R", bound=Row)


def pooled(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows of several partitions of a scene under one split name, each with its `partition`: pairs share that too.

    Where a split of one partition goes by the same name, the other is told from it: "west_east, a partition each".
    """
    found: list[tuple[dict[str, Any], str]] = []
    splits: dict[tuple[str, str], dict[str, set[int]]] = {}
    for row in rows:
        spec = dict(row.get("config", {}).get("split", {}))
        number = spec.pop("partition", 0)
        name = row["split"].removesuffix(f"_p{number}") if number else row["split"]
        found.append((dict(row) | {"split": name, "partition": number}, json.dumps(spec, sort_keys=True)))
        splits.setdefault((row.get("scene", ""), name), {}).setdefault(found[-1][1], set()).add(number)
    for made, own in found:
        kinds = splits[made.get("scene", ""), made["split"]]
        if len(kinds) > 1 and len(kinds[own]) > 1:
            made["split"] += ", a partition each"
    return [row for row, _ in found]


def only(rows: Iterable[R], splits: Iterable[str] | None = None, methods: Iterable[str] | None = None) -> list[R]:
    """Rows of some splits, of some methods by their labels, or both."""
    splits, methods = (None if names is None else set(names) for names in (splits, methods))
    return [r for r in rows if (splits is None or r["split"] in splits) and (methods is None or r["name"] in methods)]


def frame(rows: Iterable[Row], *parts: str) -> pd.DataFrame:
    """Rows of the ledger as one long frame of the parts named, of the scores where none is."""
    lines = [
        (*(row.get(key, 0 if key == "partition" else "") for key in RUN), part, *line)
        for row in rows for part in parts or ("score",) for line in PARTS[part](row) if not pd.isna(line[-1])
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def spread(long: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Mean and standard deviation (ddof = 1) of each measure over runs, a line a group, in order of appearance.

    Returns:
        The columns `by`, n (runs), and <measure>_mean and <measure>_std; both NaN where a run of the group lacks the
        measure, so that every mean is over the n runs that stand beside it. The std of a single run is NaN.
    """
    lines = []
    for place, part in _groups(long, by):
        measures = dict(list(part.groupby("measure", sort=False)["value"]))
        n = max(map(len, measures.values()))
        line = dict(zip(by, place)) | {"n": n}
        for measure, values in measures.items():
            there = values.astype(float) if len(values) == n else pd.Series([math.nan])
            line |= {f"{measure}_mean": there.mean(), f"{measure}_std": there.std()}
        lines.append(line)
    return pd.DataFrame(lines, columns=None if lines else [*by, "n"])


def paired(long: pd.DataFrame, comparisons: Mapping[str, Sequence[Any]], *by: str, primary: int = 1) -> pd.DataFrame:
    """Named differences between methods, paired by partition and seed, for each group.

    Args:
        comparisons: Name -> (method, reference), or (method, [references]), whose mean is taken pair by pair. One
            whose methods share no pair in a group is left out there.
        by: Columns that make a group; `measure` is one of them.
        primary: So many comparisons at the head are not corrected; Holm within the group on the rest.

    Returns:
        The columns `by`, comparison, n, with, without (means over shared seeds), difference, low, high (95 % interval;
        points for OA, AA and kappa, else the measure's own unit), p, note.

    Raises:
        ValueError: When a method has a seed twice.
    """
    columns = [*by, "comparison", "n", "with", "without", "difference", "low", "high", "p", "note"]
    found: list[dict[str, Any]] = []
    for place, part in _groups(long, by):
        sides = {name: _sides(part, first, references) for name, (first, references) in comparisons.items()}
        there = [(name, both, paired_difference(both[0], both[1])) for name, both in sides.items() if len(both)]
        p = [*(d.p for *_, d in there[:primary]), *holm([d.p for *_, d in there[primary:]])]
        for k, ((name, both, d), value) in enumerate(zip(there, p)):
            here = dict(zip(by, place))
            unit = 100 if here.get("measure") in SCORES else 1
            note = "not tested (n < 8)" if value is None else "primary" if k < primary else "Holm"
            found.append(here | {"comparison": name, "n": d.n, "with": both[0].mean(), "without": both[1].mean(),
                                 "difference": unit * d.mean, "low": unit * d.low, "high": unit * d.high,
                                 "p": value, "note": note})  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def _groups(long: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Groups in order of first appearance, column by column."""
    ordered = long.assign(**{c: pd.Categorical(long[c], long[c].dropna().unique()) for c in by})
    yield from ordered.groupby(list(by), observed=True)


def _sides(part: pd.DataFrame, method: str, references: str | Sequence[str]) -> pd.DataFrame:
    """Two columns over the pairs that all have: the method's values, and the mean of its references'."""
    names = [method, *([references] if isinstance(references, str) else references)]
    keys = [key for key in PAIR if key in part]
    values = {name: part.loc[part["method"] == name].set_index(keys)["value"].astype(float) for name in names}
    for name, column in values.items():
        if column.index.has_duplicates:
            raise ValueError(f"{name!r} has a seed twice; choose one configuration first, with best_by_validation")
    wide = pd.concat(values, axis=1, join="inner")
    return pd.DataFrame({0: wide[method], 1: wide[names[1:]].mean(axis=1)})


# --- what a row holds ------------------------------------------------------------------------------


def _scores(row: Row) -> Iterator[Line]:
    yield from (("", None, key, row[key]) for key in SCALARS if key in row)


def _exits(row: Row) -> Iterator[Line]:
    for k, exit_ in enumerate(row.get("exits", ()), 1):
        plain = {key: exit_.get(key) for key in ("oa", "aa", "val_oa", "macs", "macs_window")}
        yield from ((exit_["name"], k, key, v) for key, v in (plain | exit_.get("separation", {})).items()
                    if not isinstance(v, dict))  # fmt: skip


def _early(row: Row) -> Iterator[Line]:
    for k, point in enumerate(row.get("early_exit") or (), 1):
        yield from (("", k, key, point[key]) for key in ("oa", "macs_window"))


def _damage(row: Row) -> Iterator[Line]:
    damages = row.get("robustness") or ()
    for damage in [{"kind": "none", "severity": 0.0, "oa": row["oa"], "aa": row["aa"]}, *damages] if damages else ():
        yield from ((damage["kind"], damage["severity"], key, damage[key]) for key in ("oa", "aa"))


def _calibration(row: Row) -> Iterator[Line]:
    found = row.get("calibration") or {}
    if "tempered" in found:
        yield "tempered", None, "temperature", found["temperature"]
        yield from ((kind, None, key, found[kind][key]) for key in ("ece", "nll", "brier") for kind in found
                    if kind in ("raw", "tempered"))  # fmt: skip


def _unseen(row: Row) -> Iterator[Line]:
    for name, facts in (row.get("unseen") or {}).items():
        yield from ((name, None, ranking, value) for ranking, value in facts["auroc"].items())
        yield name, None, "pixels", facts["pixels"]


PARTS: dict[str, Callable[[Row], Iterator[Line]]] = {
    "score": _scores,
    "class": lambda row: ((name, None, "recall", value) for name, value in row.get("per_class", {}).items()),
    "exit": _exits, "early exit": _early, "damage": _damage,
    "missing": lambda row: ((sensor, None, key, scores[key]) for sensor, scores in (row.get("missing") or {}).items()
                            for key in ("oa", "aa")),
    "pairs": lambda row: ((by, None, "auroc", value) for pair in row.get("pairs") or ()
                          for by, value in pair["auroc"].items()),
    "calibration": _calibration, "unseen": _unseen,
}  # fmt: skip


# --- scores of runs --------------------------------------------------------------------------------


def summarise(rows: Iterable[Row], reference: str | None = None) -> list[dict[str, Any]]:
    """One entry per method, scene and split, as JSON holds it: n, mean and std of OA, AA and kappa, as fractions.

    The std of a single run is null. With a `reference` (the label of a method), every other method of the same scene
    and split carries `p`, the two-sided Wilcoxon over shared seeds, Holm-corrected within its table, null where fewer
    than 8 are shared; `difference` from the reference in OA with its 95 % interval `low` to `high`, and `interval`,
    what that is over (`hsikit.tables.fields.Apart`), beside `naive_low` and `naive_high` where it is over fields.
    """
    rows = list(rows)
    long = frame(rows)
    table = spread(long[long["measure"].isin([*SCORES, "seconds"])], "scene", "split", "method")
    entries = [{"method": e["method"], "scene": e["scene"], "split": e["split"], "n": e["n"],
                **{f"{key}_{kind}": _plain(e[f"{key}_{kind}"]) for key in SCORES for kind in ("mean", "std")},
                "seconds": e["seconds_mean"]} for e in table.to_dict("records")]  # fmt: skip
    if reference is None:
        return entries
    others = {name: (name, reference) for name in table["method"].unique() if name != reference}
    tests = paired(long[long["measure"] == "oa"], others, "scene", "split", "measure", primary=0)
    of = {(d["scene"], d["split"], d["comparison"]): d["p"] for d in tests.to_dict("records")}
    return [e | _difference(rows, e, of[place], reference) if (place := (e["scene"], e["split"], e["method"])) in of
            else e for e in entries]  # fmt: skip


def _difference(rows: list[Row], entry: dict[str, Any], p: float | None, reference: str) -> dict[str, Any]:
    """What a row of a summary says of its difference from the reference; fractions."""
    here = [r for r in rows if (r["scene"], r["split"]) == (entry["scene"], entry["split"])]
    found = apart(only(here, methods=[entry["method"]]), only(here, methods=[reference]))
    told: dict[str, Any] = {"reference": reference, "p": _plain(p)}
    if found is None:
        return told
    told |= {"difference": found.mean, "low": _plain(found.low), "high": _plain(found.high), "interval": found.over}
    return told | (dict(zip(("naive_low", "naive_high"), map(_plain, found.naive))) if found.naive else {})


def _plain(number: float | None) -> float | None:
    return None if pd.isna(number) else number


def by_method(summaries: Iterable[dict[str, Any]], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Summaries for programs: an arm that is its method's only one on a scene and split goes by the method's name.

    `name` holds the label in any case.
    """
    method_of = {row["name"]: row["method"] for row in rows}
    arms: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        arms.setdefault((row["scene"], row["split"], row["method"]), set()).add(row["name"])
    found = []
    for entry in summaries:
        method = method_of[entry["method"]]
        alone = len(arms[entry["scene"], entry["split"], method]) == 1
        found.append(entry | {"method": method if alone else entry["method"], "name": entry["method"]})
    return found


def against(rows: Iterable[Row], reference: str) -> pd.DataFrame:
    """Every method against the reference, OA and AA in points, for each scene and split; Holm within each.

    Raises:
        ValueError: When there is no row of the reference.
    """
    rows = list(rows)
    methods = list(dict.fromkeys(row["name"] for row in rows))
    if reference not in methods:
        raise ValueError(f"no rows of {reference!r} to compare; there are {sorted(methods)}")
    table = gains(rows, {f"{name} − {reference}": (name, reference) for name in methods if name != reference})
    return table.rename(columns={"gain": "comparison"})


def gains(rows: Iterable[Row], comparisons: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Named paired differences, such as the gain of language, for each scene and split, OA and AA in points.

    Args:
        rows: Ledger rows under the labels of one config.
        comparisons: As `paired` takes them, such as a config's own. The first is the primary comparison.

    Returns:
        Columns scene, split, gain, metric, n, difference, low, high (95 % interval over seeds), p, note.
    """
    long = frame(pooled(rows))
    table = paired(long[long["measure"].isin(["oa", "aa"])], comparisons, "scene", "split", "measure")
    table = table.rename(columns={"measure": "metric", "comparison": "gain"})
    return table[["scene", "split", "gain", "metric", "n", "difference", "low", "high", "p", "note"]]


def calibration_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Calibration on test pixels, means over seeds: scene, split, method, n, ECE, NLL and Brier, raw and tempered.

    `temperature` comes from validation pixels; rows without `calibration` are left out.
    """
    long = frame(rows, "calibration")
    named = long["item"] + " " + long["measure"]
    long = long.assign(measure=named.replace("tempered temperature", "temperature"))
    means = spread(long, "scene", "split", "method")
    wanted = ["temperature", *(f"{kind} {key}" for key in ("ece", "nll", "brier") for kind in ("raw", "tempered"))]
    means = means.reindex(columns=["scene", "split", "method", "n", *(f"{name}_mean" for name in wanted)])
    return means.rename(columns={f"{name}_mean": name for name in wanted})
