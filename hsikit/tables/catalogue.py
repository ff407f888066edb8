"""Every table by its name: how it is made, what makes its rows, and the notes that belong to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from hsikit._util import class_at
from hsikit._util.errors import door
from hsikit.experiments.config import expand
from hsikit.experiments.ledger import MEASURED, Store, progress, rows_of
from hsikit.tables import notes
from hsikit.tables.cells import SHOWN, Table, TableError, machine, ranked, ranked_across
from hsikit.tables.layout import (
    CUBES_FROM,
    LOSSES,
    MODALITIES,
    SDHSI_FROM,
    SHOWN_AS,
    TABLES,
    WORDS,
)

HOMES = {
    "scenes": "hsikit.tables.scenes", "papers": "hsikit.tables.papers", "cubes": "hsikit.tables.cubes",
    "sdhsi": "hsikit.tables.sdhsi", "mmlgnet": "hsikit.tables.mmlgnet", "steps": "hsikit.tables.steps",
}  # fmt: skip
STANDS_IN = "STAND-IN, nothing measured"
NAMED = 20  # missing groups of runs are named one by one up to so many


@dataclass(frozen=True)
class _Kind:
    """How a table is made: from all rows of the ledger, or from those of its configs under their labels.

    `make` names the function, whose module is imported when the table is made: a list of tables needs no pandas.
    """

    title: str
    configs: tuple[str, ...]
    make: str
    notes: tuple[str, ...]
    given: tuple[Any, ...] = ()  # to the function, before the rows
    whole_ledger: bool = False
    by: tuple[str, ...] = ("split",)  # the best are sought among lines that agree in these columns,
    ranks: tuple[str, ...] = tuple(SHOWN.values())  # in these columns,
    across: bool = False  # or along each line, where methods stand beside each other


def _of_scene(name: str) -> dict[str, _Kind]:
    table, scene = TABLES[name], SHOWN_AS[TABLES[name]["scene"]]
    sides = tuple(f"{split} {key}" for split in table["splits"] for key in ("OA", "AA"))

    def kind(title: str, make: str, said: tuple[str, ...], **more: Any) -> _Kind:
        return _Kind(f"{scene}: {title}", tuple(table["configs"]), f"scenes.{make}", said, (name,), True, **more)

    return {
        name: kind("every method", "side_by_side", notes.of_scene(name)),
        f"{name}_splits": kind("disjoint and overlapping split side by side", "splits_side_by_side",
                               notes.of_splits(name), by=(), ranks=sides),
        f"{name}_classes": kind("recall of each class", "per_class", notes.of_classes(name), across=True),
        f"{name}_tried": kind("other settings that were scored", "tried", notes.of_tried(name), ranks=()),
    }  # fmt: skip


SUBSET, PINES = "MMLGNet on the MUUFL subset", "SDHSI-Net on Indian Pines"
KINDS: dict[str, _Kind] = {
    **{key: kind for name in TABLES for key, kind in _of_scene(name).items()},
    **{f"mmlgnet_{part}": _Kind(f"{SUBSET}: {part}", ("mmlgnet_ablation",), "papers.arms", notes.MMLGNET, (labels,))
       for part, labels in (("losses", LOSSES), ("modalities", MODALITIES), ("words", WORDS))},
    "mmlgnet_muufl_subset": _Kind(f"{SUBSET}: its three rows beside their twins and the forest",
                                  ("mmlgnet_muufl_subset", "mmlgnet_muufl_networks"), "mmlgnet.beside_forest",
                                  notes.RECIPE, ranks=("OA", "AA")),
    "mmlgnet_steps": _Kind(f"{SUBSET}: what inputs, scales, loss and words add", ("mmlgnet_muufl_subset",),
                           "steps.step_by_step", notes.RECIPE, ("mmlgnet_muufl_subset",), ranks=()),
    "mmlgnet_scales_words": _Kind(f"{SUBSET}: scales trained apart or together, and their words",
                                  ("mmlgnet_scales_words",), "steps.step_by_step", notes.EACH_DRAW,
                                  ("mmlgnet_scales_words",), ranks=()),
    "mmlgnet_transductive": _Kind(f"{SUBSET}: what inputs made in one pass add",
                                  ("mmlgnet_muufl_subset", "mmlgnet_transductive"), "mmlgnet.one_pass",
                                  (*notes.RECIPE, notes.ONE_PASS), ranks=()),
    "mmlgnet_folds": _Kind(f"{SUBSET}: whether folds of the label budget foretell the test",
                           ("mmlgnet_folds", "mmlgnet_muufl_subset"), "mmlgnet.foretold", notes.FOLDS, ranks=()),
    "mmlgnet_clip": _Kind("MMLGNet on five classes of the MUUFL subset: real CLIP vectors", ("mmlgnet_clip",),
                          "steps.step_by_step", notes.EACH_DRAW, ("mmlgnet_clip",), ranks=()),
    "mmlgnet_simulated": _Kind("MMLGNet on the simulated valley: the same recipe, untouched", ("mmlgnet_simulated",),
                               "mmlgnet.beside_forest", (notes.SIMULATED, *notes.RECIPE[:2]), ranks=("OA", "AA")),
    "language_pairs": _Kind("Language on the MUUFL subset: two classes told apart, none or both left out",
                            ("language_pairs", "language_controls"), "mmlgnet.told_apart", notes.LANGUAGE, ranks=()),
    "language_unseen": _Kind("Language on the MUUFL subset: each class left out alone",
                             ("language_pairs", "language_controls"), "mmlgnet.left_out", notes.LEFT_OUT, ranks=()),
    "language_few_labels": _Kind("Language on the MUUFL subset: no label and few", ("language_few_labels",),
                                 "mmlgnet.words_by_labels", notes.LANGUAGE, ("language_few_labels",), ranks=()),
    "indian_pines_cubes": _Kind("Indian Pines: what the damage of the published cube is worth", CUBES_FROM,
                                "cubes.cubes_table", notes.CUBES, ranks=()),
    **{name: _Kind(f"{PINES}: {title}", (name,), "sdhsi.against_trunk", notes.OVER_FIELDS,
                   by=("split", "cube"), ranks=("OA", "AA"))
       for name, title in (("sdhsi_partitions", "whole fields, twenty partitions"), ("sdhsi_few_labels", "few labels"),
                           ("sdhsi_one_percent", "1 % at random, every control"),
                           ("sdhsi_parity", "10 % at random, a parity check"),
                           ("sdhsi_wrong_labels_fields", "wrong labels"))},
    **{name: _Kind(f"SDHSI-Net on {title}", (name,), "sdhsi.against_trunk", notes.OVER_FIELDS,
                   by=("split", "cube"), ranks=("OA", "AA"))
       for name, title in (("sdhsi_pavia_university", "Pavia University"), ("sdhsi_salinas", "Salinas"),
                           ("sdhsi_pavia_official", "Pavia University, the split that others publish"))},
    "sdhsi_spread": _Kind(f"{PINES}: how far one partition or seed could mislead",
                          ("sdhsi_partitions_seeds",), "sdhsi.spread_made_of", notes.OVER_FIELDS, ranks=()),
    "sdhsi_claims": _Kind(f"{PINES}, repaired cube: the paper's claims", SDHSI_FROM, "sdhsi.claims",
                        notes.CLAIMS, ranks=()),
    "sdhsi_tighter": _Kind(f"{PINES}: whether tighter classes are better ones", SDHSI_FROM,
                           "sdhsi.tighter_is_better", notes.TIGHTER, ranks=()),
    "sdhsi_exits": _Kind(f"{PINES}: its exits", SDHSI_FROM, "sdhsi.exits", notes.EXITS,
                         by=("split", "cube"), ranks=("OA", "AA")),
}  # fmt: skip
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
    asked = {e.scene for config in kind.configs for e in expand(config)}
    if any(r["simulated"] for r in rows if r["scene"] in asked & MEASURED):
        kind = replace(kind, title=f"{STANDS_IN}: {kind.title}", notes=(f"{STANDS_IN}.", *kind.notes))
    gaps = missing(name, store)
    module, _, function = kind.make.partition(".")
    make = class_at(f"{HOMES[module]}.{function}")
    try:
        cells = make(*kind.given, rows) if rows else None
    except TableError:
        cells = None
    if cells is None or cells.empty:
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
    for line in progress(store, *KINDS[name].configs):
        if not line["missing"]:
            continue
        lacks: dict[tuple[str, str], list[int]] = {}
        runs = expand(line["config"])
        place = "{0.split_name} of {0.scene}" if len({e.scene for e in runs}) > 1 else "{0.split_name}"
        for e in runs:
            if e.hash not in known:
                lacks.setdefault((e.label, place.format(e)), []).append(e.seed)
        rows = "; ".join(f"{label} on {split}, seed {in_runs(seeds)}" for (label, split), seeds in lacks.items())
        if line["missing"] == line["runs"] or len(lacks) > NAMED:
            share = "all" if line["missing"] == line["runs"] else f"{line['missing']} of"
            rows = f"{share} {line['runs']} runs ({', '.join(dict.fromkeys(label for label, _ in lacks))})"
        unknown = f" and {line['unknown']} of unknown length" if line["unknown"] else ""
        takes = "Of unknown length" if line["minutes"] is None else f"About {line['minutes']:g} minutes{unknown}"
        parts.append(f"Missing of {line['config']}: {rows}. {takes}: `{line['command']}`.")
    return " ".join(parts)


def in_runs(numbers: Iterable[int]) -> str:
    """Whole numbers in few words: 0-3, 7, 9-10."""
    firsts, kept = [], sorted(set(numbers))
    for number in kept:
        if number - 1 not in kept:
            firsts.append(number)
    lasts = [next(n for n in kept if n >= first and n + 1 not in kept) for first in firsts]
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in zip(firsts, lasts))


@door
def available(store: Store | None = None) -> list[dict[str, Any]]:
    """The tables, how many of their runs the ledger lacks, the minutes these should take, and their commands.

    Runs of a method that no row of the scene tells the length of are counted apart.
    """
    store, found = store or Store.of_environment(), []
    configs = dict.fromkeys(config for kind in KINDS.values() for config in kind.configs)
    of_config = {line["config"]: line for line in progress(store, *configs)}
    for name, kind in KINDS.items():
        lines = [of_config[config] for config in kind.configs]
        lacking = [e["minutes"] for e in lines if e["missing"]]
        found.append({"table": name, "about": kind.title, "runs": sum(e["runs"] for e in lines),
                      "missing": sum(e["missing"] for e in lines),
                      "minutes": None if lacking and not any(m is not None for m in lacking)
                      else round(sum(m or 0 for m in lacking), 1),
                      "of unknown length": sum(e["unknown"] for e in lines),
                      "made by": "; ".join(e["command"] for e in lines if e["missing"])})  # fmt: skip
    return found


def _machines(rows: list[dict[str, Any]]) -> str:
    seconds = sum(r["seconds"] for r in rows) / len(rows)
    return (f"{len(rows)} runs, {seconds:.0f} seconds of training each on average, "
            f"on {' and '.join(sorted({machine(r) for r in rows}))}.")  # fmt: skip
