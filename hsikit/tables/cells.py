"""What tables are made of: a table with its notes, cells in percent, and which of them are best."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from hsikit._util.errors import HsikitError
from hsikit._util.wording import prose
from hsikit.tables.shown import html

if TYPE_CHECKING:
    import pandas as pd

SHOWN = {"oa": "OA", "aa": "AA", "kappa": "kappa"}


class TableError(HsikitError, ValueError):
    """A table that is not known, or that the ledger cannot fill. The message says what to run."""


@dataclass(frozen=True)
class Table:
    """A table as it is printed.

    Attributes:
        name: Of its files.
        title: One line.
        cells: Text and numbers, one line a row.
        notes: What a reader must know beside the numbers.
        best: (row, column) of the best cells, `second` of those that come next.
    """

    name: str
    title: str
    cells: pd.DataFrame
    notes: tuple[str, ...] = ()
    best: frozenset[tuple[int, str]] = frozenset()
    second: frozenset[tuple[int, str]] = frozenset()

    def _repr_html_(self) -> str:
        notes = [re.sub("`([^`]*)`", r"<code>\1</code>", escape(prose(note))) for note in self.notes]
        grid = html(self.cells.to_dict("records"), self.best, self.second)
        below = "".join(f'<p class="note">{note}</p>' for note in notes)
        return f"<p><strong>{escape(self.title)}</strong></p>{grid}{below}"


def each_text(cells: pd.DataFrame, how: Callable[[str], str]) -> pd.DataFrame:
    """The cells with every text, also those of the heads, changed by a function."""
    changed = lambda value: how(value) if isinstance(value, str) else value  # noqa: E731
    return cells.map(changed).rename(columns=changed)


def for_markdown(text: str) -> str:
    """A name as it must be written so that no cell ends and no tag begins in it."""
    return str(text).replace("|", "\\|").replace("<", "&lt;")


def for_csv(text: str) -> str:
    """A name that no spreadsheet takes for a formula; signed numbers stay."""
    return f"'{text}" if re.match(r"[=@\t\r]|[+-](?![\d.\s]|$)", text) else text


def percent(entry: Mapping[str, Any], key: str) -> str:
    """Mean ± standard deviation of a summary in percent; no ± where all seeds gave the same."""
    mean, std = 100 * entry[f"{key}_mean"], entry[f"{key}_std"]
    spread = "0.00" if std is None or std != std else f"{100 * std:.2f}"  # NaN for a single seed
    return f"{mean:.2f}" if spread == "0.00" else f"{mean:.2f} ± {spread}"


def difference(line: Mapping[str, Any], digits: int = 2) -> str:
    """A paired difference with its 95 % interval, which one pair has none of."""
    middle, low, high = (f"{line[key]:+.{digits}f}" for key in ("difference", "low", "high"))
    return f"{middle} (one pair)" if line["low"] != line["low"] else f"{middle} [{low}, {high}]"


def ranked(cells: pd.DataFrame, columns: Sequence[str], by: Sequence[str] = ()) -> list[set[tuple[int, str]]]:
    """(row, column) of the best and of the second best cells of each column, within rows that agree in `by`."""
    found: list[set[tuple[int, str]]] = [set(), set()]
    cells = cells.reset_index(drop=True)
    groups = cells.groupby(list(by), sort=False) if by else [("", cells)]
    for _, part in groups:
        for column in columns:
            _mark(found, [((row, column), text) for row, text in part[column].items()])
    return found


def ranked_across(cells: pd.DataFrame, columns: Sequence[str]) -> list[set[tuple[int, str]]]:
    """The same along each row, where methods stand beside each other."""
    found: list[set[tuple[int, str]]] = [set(), set()]
    for row, line in cells.reset_index(drop=True).iterrows():
        _mark(found, [((row, column), line[column]) for column in columns])
    return found


def _mark(found: list[set[tuple[int, str]]], places: list[tuple[Any, Any]]) -> None:
    """Add the places of the highest two numbers; equals share a rank; where all are equal none has won."""
    values = {place: float(str(text).split()[0]) for place, text in places if str(text).strip() not in ("", "nan")}
    highest = sorted(set(values.values()), reverse=True)[:2]
    for rank, value in enumerate(highest if len(set(values.values())) > 1 else []):
        found[rank] |= {place for place, v in values.items() if v == value}


def machine(row: dict[str, Any]) -> str:
    """Where a run was made, and with how many threads."""
    return f"{row['machine']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
