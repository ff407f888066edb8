"""From rows to what is printed: mean and spread over seeds, and paired comparisons with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hsikit.compare import holm, paired_difference, summary
from hsikit.experiments.config import Experiment, expand
from hsikit.experiments.store import Store
from hsikit.scenes.registry import SCENES, facts

SCORES = ("oa", "aa", "kappa")


def rows_of(store: Store, *configs: str) -> list[dict[str, Any]]:
    """The ledger's rows that configs ask for, under the configs' labels; what was not run is not there."""
    known = store.rows()
    return [known[e.hash] | {"name": e.label} for config in configs for e in expand(config) if e.hash in known]


def progress_of(store: Store, *configs: str) -> pd.DataFrame:
    """How many of each config's runs the ledger holds, and what it takes to make the rest.

    Returns:
        Columns config, runs, done, missing, minutes (that the missing runs should take one after another, judged by
        the ledger's runs of the same method and scene, as a sweep's plan is), unknown (missing runs without such a
        run to judge by), command (empty where nothing is missing).
    """
    known, lines = store.rows(), []
    for config in configs:
        experiments = expand(config)
        todo = [e for e in experiments if e.hash not in known]
        seconds, unknown = expected_seconds(todo, known.values())
        command = f"{_files_first(experiments[0].scene)}hsikit sweep {config}" if todo else ""
        lines.append({"config": config, "runs": len(experiments), "done": len(experiments) - len(todo),
                      "missing": len(todo), "minutes": round(seconds / 60, 1), "unknown": unknown,
                      "command": command})  # fmt: skip
    return pd.DataFrame(lines)


def expected_seconds(todo: Iterable[Experiment], rows: Iterable[dict[str, Any]]) -> tuple[float, int]:
    """What runs should take one after another, judged by rows of the same method and scene; and how many have none."""
    alike: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        alike.setdefault((row["method"], row["scene"]), []).append(row["seconds"])
    seconds, unknown = 0.0, 0
    for experiment in todo:
        known = alike.get((experiment.method, experiment.scene), [])
        seconds += sum(known) / len(known) if known else 0.0
        unknown += not known
    return seconds, unknown


def _files_first(scene: str) -> str:
    """What stands before a command that reads a published scene's files: their download, or the folder they lie in."""
    if scene not in SCENES or not any(file.required for file in facts(scene).files):
        return ""
    by_hand = facts(scene).manual or facts(scene).folders[:1] != (scene,)  # a part lies in the whole scene's folder
    return "HSIKIT_DATA=... " if by_hand else f"hsikit fetch {scene} && "


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
