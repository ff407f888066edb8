"""Every table by its name: how it is made, what makes its rows, and the notes that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from hsikit.experiments.config import Experiment, expand, load_config
from hsikit.experiments.ledger import Store, progress_of, rows_of
from hsikit.tables import notes, papers
from hsikit.tables.cells import SHOWN, Table, TableError, ranked, ranked_across
from hsikit.tables.layout import LOSSES, MODALITIES, PAIRS, SHOWN_AS, TABLES, WORDS
from hsikit.tables.scenes import machine, per_class, side_by_side, splits_side_by_side, tried

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Kind:
    """How a table is made: from all rows of the ledger, or from those of its configs under their labels."""

    title: str
    configs: tuple[str, ...]
    make: Callable[[Rows], pd.DataFrame]
    notes: tuple[str, ...]
    whole_ledger: bool = False
    by: tuple[str, ...] = ("split",)  # the best are sought among lines that agree in these columns,
    ranks: tuple[str, ...] = tuple(SHOWN.values())  # in these columns,
    across: bool = False  # or along each line, where methods stand beside each other


def _kinds() -> dict[str, _Kind]:
    found: dict[str, _Kind] = {}
    for name, table in TABLES.items():
        configs, scene = tuple(table["configs"]), SHOWN_AS[table["scene"]]
        found[name] = _Kind(f"{scene}: every method", configs, partial(side_by_side, name), notes.of_scene(name), True)
        found[f"{name}_splits"] = _Kind(
            f"{scene}: disjoint and overlapping split side by side", configs,
            partial(splits_side_by_side, name), notes.of_splits(name), True, by=(),
            ranks=tuple(f"{split} {key}" for split in table["splits"] for key in ("OA", "AA")),
        )  # fmt: skip
        found[f"{name}_classes"] = _Kind(f"{scene}: recall of each class", configs, partial(per_class, name),
                                         notes.of_classes(name), True, across=True)  # fmt: skip
        found[f"{name}_tried"] = _Kind(f"{scene}: other settings that were scored", configs, partial(tried, name),
                                       notes.of_tried(name), True, ranks=())  # fmt: skip
    for part, labels in (("losses", LOSSES), ("modalities", MODALITIES), ("words", WORDS)):
        found[f"mmlgnet_{part}"] = _Kind(f"MMLGNet on the MUUFL subset: {part}", ("mmlgnet_ablation",),
                                         partial(papers.arms, labels), notes.MMLGNET)  # fmt: skip
    gained = load_config("mmlgnet_muufl_subset")["comparisons"]
    found["mmlgnet_differences"] = _Kind("MMLGNet on the MUUFL subset: what words and loss add",
                                         ("mmlgnet_muufl_subset",), partial(papers.differences, gained),
                                         notes.DIFFERENCES, ranks=())  # fmt: skip
    pines = "SDHSI-Net on Indian Pines"
    found["sdhsi_arms"] = _Kind(f"{pines}, whole fields: what each part adds", ("sdhsi_ablation",),
                                papers.sdhsi_arms, notes.SDHSI_ARMS)  # fmt: skip
    found["sdhsi_budgets"] = _Kind(f"{pines}: label budgets", PAIRS, papers.sdhsi_budgets, notes.SDHSI, ranks=())
    found["sdhsi_exits"] = _Kind(f"{pines}: its exits", PAIRS[:2], papers.sdhsi_exits, notes.EXITS)
    found["sdhsi_claims"] = _Kind(f"{pines}: the paper's claims", PAIRS, papers.sdhsi_claims, notes.CLAIMS)
    return found


KINDS = _kinds()
NAMES = tuple(KINDS)


def build(name: str, store: Store | None = None) -> Table:
    """A table from the ledger. Runs that it lacks are named in its last note, with the command that makes them.

    Raises:
        TableError: When the table is unknown, or the ledger has no row for it.
    """
    if name not in KINDS:
        raise TableError(f"no table called {name!r}; there are {', '.join(KINDS)}")
    kind, store = KINDS[name], store or Store.of_environment()
    rows = list(store.rows().values()) if kind.whole_ledger else rows_of(store, *kind.configs)
    gaps = missing(name, store)
    try:
        cells = kind.make(rows) if rows else pd.DataFrame()
    except TableError:
        cells = pd.DataFrame()
    if cells.empty:
        raise TableError(f"the ledger cannot fill table {name}. {gaps}")
    said = kind.notes if kind.whole_ledger else (*kind.notes, _machines(rows))
    table = Table(name, kind.title, cells, (*said, gaps) if gaps else said)
    columns = [c for c in kind.ranks if c in cells]
    best, second = ranked(cells, columns, [c for c in kind.by if c in cells])
    if kind.across:
        best, second = ranked_across(cells, [c for c in cells if c not in ("split", "class")])
    return replace(table, best=frozenset(best), second=frozenset(second))


def missing(name: str, store: Store) -> str:
    """Which runs a table lacks, how long they should take, and the commands; empty where it lacks none."""
    known, parts = store.rows(), []
    for line in progress_of(store, *KINDS[name].configs).to_dict("records"):
        if not line["missing"]:
            continue
        lacks: dict[tuple[str, str], list[str]] = {}
        for e in expand(line["config"]):
            if e.hash not in known:
                lacks.setdefault((e.label, e.split_name), []).append(str(e.seed))
        rows = "; ".join(f"{label} on {split}, seed {', '.join(seeds)}" for (label, split), seeds in lacks.items())
        if line["missing"] == line["runs"]:
            rows = f"all {line['runs']} runs ({', '.join(dict.fromkeys(label for label, _ in lacks))})"
        unknown = f" and {line['unknown']} of unknown length" if line["unknown"] else ""
        takes = f"About {line['minutes']:g} minutes{unknown}: {line['command']}"
        parts.append(f"Missing of {line['config']}: {rows}. {takes}")
    return " ".join(parts)


def available(store: Store | None = None) -> list[dict[str, Any]]:
    """The tables, how many of their runs the ledger lacks, the minutes these should take, and their commands.

    Runs of a method that no row of the scene tells the length of are counted apart.
    """
    store, found = store or Store.of_environment(), []
    for name, kind in KINDS.items():
        lines = progress_of(store, *kind.configs).to_dict("records")
        found.append({"table": name, "about": kind.title, "runs": sum(e["runs"] for e in lines),
                      "missing": sum(e["missing"] for e in lines),
                      "minutes": round(sum(e["minutes"] for e in lines), 1),
                      "of unknown length": sum(e["unknown"] for e in lines),
                      "made by": "; ".join(e["command"] for e in lines if e["missing"])})  # fmt: skip
    return found


def folders_table(arms: Mapping[str, Experiment], store: Store, known: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """Which runs `load_run` finds in a folder, and what training the others should take.

    Args:
        known: Rows by hash, such as those of the committed ledger; a run's own row tells its seconds.

    Returns:
        Columns run, split, hash, folder (there or not), seconds (0 where it is there, NaN where unknown).
    """
    lines = []
    for name, e in arms.items():
        there = store.folder(e.hash).exists()
        seconds = 0.0 if there else known.get(e.hash, {}).get("seconds", float("nan"))
        lines.append({"run": name, "split": e.split_name, "hash": e.hash, "folder": there, "seconds": seconds})
    return pd.DataFrame(lines)


def _machines(rows: Rows) -> str:
    seconds = sum(r["seconds"] for r in rows) / len(rows)
    return (f"{len(rows)} runs, {seconds:.0f} seconds of training each on average, "
            f"on {' and '.join(sorted({machine(r) for r in rows}))}.")  # fmt: skip


__all__ = ["KINDS", "NAMES", "available", "build", "missing"]
