"""MMLGNet's tables on the MUUFL subset: its rows beside their twins and the forest, what folds foretell, its words.

Functions take ledger rows under the labels of their configs, as `hsikit.experiments.rows_of` gives them. Pairs are of
one draw and seed; where rows tell fields apart, intervals are over fields (`hsikit.tables.fields`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from hsikit.tables.cells import SHOWN, difference, percent
from hsikit.tables.frames import frame, pooled, spread
from hsikit.tables.layout import FOREST, TWINS
from hsikit.tables.pairs import pairs_table
from hsikit.tables.steps import METRICS, Steps, gap, step_by_step

Rows = Iterable[dict[str, Any]]
FOLDS, TESTED = ", fold ", "masks_150"  # what the split of a fold is named with, and the split that folds are of
SEES_ALL = ", transductive"  # ends the label of an arm whose inputs were made in one pass


def beside_forest(rows: Rows) -> pd.DataFrame:
    """Scores of every arm, and how far it is from the forest on the same inputs and from its twin with cross-entropy.

    Returns:
        A line a split and method: n pairs; OA and AA, mean ± standard deviation; OA and AA minus the forest's, minus
        the twin's, in points with 95 % intervals (over fields where rows tell them apart, else over seeds).
    """
    rows = pooled(rows)
    there = spread(frame(rows), "split", "scene", "method").to_dict("records")
    lines = []
    for e in there:
        place = e["split"], e["scene"]
        line = {"split": e["split"], "method": e["method"], "n": e["n"],
                **{SHOWN[key]: percent(e, key) for key in METRICS}}  # fmt: skip
        for called, reference in (("forest", FOREST), ("its trunk", TWINS.get(e["method"], ""))):
            for key in METRICS:
                own = e["method"] == reference or not reference
                found = None if own else gap(rows, place, e["method"], reference, key)
                line[f"{SHOWN[key]} minus {called}"] = difference(found) if found else ""
        lines.append(line)
    return pd.DataFrame(lines)


def one_pass(rows: Rows) -> pd.DataFrame:
    """What inputs made in one pass over the scene, test side included, add to those of each side alone.

    Returns:
        A line a split and method: n; OA and AA of each side alone, and what one pass adds, in points with intervals.
    """
    rows = pooled(rows)
    own = {(e["split"], e["method"]): e for e in spread(frame(rows), "split", "method").to_dict("records")}
    lines = []
    for split, method in own:
        alone = method.removesuffix(SEES_ALL)
        if method == alone or (split, alone) not in own:
            continue
        found = {key: gap(rows, (split, rows[0]["scene"]), method, alone, key) for key in METRICS}
        means = {f"{SHOWN[key]}, sides alone": percent(own[split, alone], key) for key in METRICS}
        adds = {f"{SHOWN[key]}, one pass adds": difference(g) if g else "" for key, g in found.items()}
        lines.append({"split": split, "method": alone, "n": own[split, alone]["n"], **means, **adds})
    return pd.DataFrame(lines)


def foretold(rows: Rows) -> pd.DataFrame:
    """What folds of the label budget say of each method, beside its test score; the last line is how they agree.

    Returns:
        A line a method: OA and AA in percent, means over folds and over the seeds of the test; the last one holds
        Spearman's rank correlation of folds with test over the methods.
    """
    of: dict[bool, dict[str, Mapping[str, Any]]] = {}
    for folded in (True, False):
        part = [r for r in rows if (FOLDS in r["split"]) == folded and r["split"].startswith(TESTED)]
        of[folded] = {e["method"]: e for e in spread(frame(part), "method").to_dict("records")}
    columns = {(folded, key): f"{SHOWN[key]}, {'folds' if folded else 'test'}" for folded in of for key in METRICS}
    table = pd.DataFrame([{"method": name, **{shown: 100 * of[folded][name][f"{key}_mean"]
                                              for (folded, key), shown in columns.items()}}
                          for name in of[True] if name in of[False]])  # fmt: skip
    if table.empty:
        return table
    agree = {columns[True, key]: f"{table[columns[True, key]].corr(table[columns[False, key]], 'spearman'):.2f}"
             for key in METRICS}  # fmt: skip
    shown = table.assign(**{c: table[c].map("{:.2f}".format) for c in columns.values()})
    return pd.concat([shown, pd.DataFrame([{"method": "rank correlation with the test", **agree}])]).fillna("")


# --- what language is worth --------------------------------------------------------------------------


def told_apart(rows: Rows) -> pd.DataFrame:
    """Two classes left out, or never shown, and told apart: mean AUROC over pairs, and how far words are from each.

    Returns:
        A line an arm: draws; AUROC over pairs with its jackknife interval over classes, by the ridge and quantities
        where there are labels; words minus it; the pairs below .5, the worst first; for maps with no label their AA.
    """
    rows = list(rows)
    aa = {r["name"]: [100 * other["aa"] for other in rows if other["name"] == r["name"]] for r in rows}
    return pd.DataFrame([{
        "labels": e["labels"], "method": e["method"], "draws": e["n"],
        "AUROC over pairs": "{auroc:.3f} [{low:.3f}, {high:.3f}]".format(**e),
        "words minus it": "" if pd.isna(e["less"]) else "{less:+.3f} [{less_low:+.3f}, {less_high:+.3f}]".format(**e),
        "pairs below .5": e["below"],
        "AA": f"{sum(aa[e['method']]) / e['n']:.1f}" if e["labels"] == "none" else "",
    } for e in one_ranking(pairs_table(rows)).to_dict("records")])  # fmt: skip


def one_ranking(pairs: pd.DataFrame) -> pd.DataFrame:
    """Lines of `pairs_table` by ridge and quantities together, or by quantities where nothing was trained."""
    return pairs[pairs["ranking"] == pairs["labels"].map({"other classes": "both", "none": "quantities"})]


def left_out(rows: Rows) -> pd.DataFrame:
    """AUROC of each class left out alone among all test pixels, means over draws.

    Returns:
        A line a class and the mean; columns of the first arm by its words, by novelty, and by ridge and quantities
        together; of the others by the last alone.
    """
    long = frame([r for r in rows if r.get("unseen")], "unseen")
    first = long["method"].iloc[0]
    shown = long["measure"].eq("both") | (long["method"].eq(first) & long["measure"].isin(["prompt", "novelty"]))
    long = long[shown].assign(column=long["method"] + ": " + long["measure"])
    table = long.pivot_table("value", "item", "column", sort=False)
    table.loc["mean over classes"] = table.mean()
    return table.map("{:.3f}".format).rename_axis("class").rename_axis(None, axis=1).reset_index()


def few_labels(rows: Rows) -> pd.DataFrame:
    """Accuracy by labels a class, with words and without, as `hsikit.figures.budget_curves` draws it.

    Returns:
        A line a direction, method and budget (labels a class): n, aa_mean, aa_std, oa_mean, oa_std, fractions. Methods
        that read no label stand once, at 0.
    """
    found = []
    for r in pooled(rows):
        spec = r["config"]["split"]
        none = r["method"] == "zero_shot"
        if none and spec["per_class"] != 1:
            continue  # the same map with any budget
        found.append(r | {"split": spec["kind"], "budget": 0 if none else spec["per_class"]})
    long = frame(found)
    long = long.assign(budget=long["hash"].map({r["hash"]: r["budget"] for r in found}))
    return spread(long[long["measure"].isin(METRICS)], "split", "method", "budget").sort_values("budget", kind="stable")


def words_by_labels(steps: Steps, rows: Rows) -> pd.DataFrame:
    """`step_by_step` at each number of labels; what no label went into stands once a direction."""
    table = step_by_step(steps, rows)
    none = table["step"].str.startswith("no label")
    table["split"] = table["split"].where(~none, table["split"].str.replace(r"_\d+$", "", regex=True))
    return table[~(none & table.duplicated(["split", "step"]))]
