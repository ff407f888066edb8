"""One formatter for every table that people look at: words for identifiers, percent, at most seven columns a page.

The columns that name a line come first on every page that has some of them; what all lines share is said above; cost,
source and trials follow in a page of their own. Files for programs (CSV) keep their columns and all digits.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from hsikit._util.wording import heading, split_words, words

MOST = 7  # columns of a page
WIDTH = 100  # letters of a line on a terminal
WRAP = 30  # letters after which a text goes on in the next line of its cell there, at most
PADDING = 2  # letters that tabulate adds to a head
NUMBERS = 26  # letters that are left for a column of numbers beside those that name a line
LEAD = ("scene", "split", "cube", "labels", "arm", "method", "step", "claim", "measure", "metric", "class",
        "comparison", "exit", "way", "table", "config", "part", "name", "kind", "severity", "window",
        "damage", "reported as", "run")  # fmt: skip
DETAILS = ("seconds", "parameters", "trials", "machine", "encoder", "hash", "minutes", "made by", "source",
           "reported OA", "reported AA", "reported kappa", "naive", "naive (OA)", "note")  # fmt: skip
WORDED = ("scene", "cube", "labels", "arm", "method", "step", "comparison")  # the rest may be typed in commands
INTERVAL = ("difference", "low", "high")  # columns that are shown as one
FRACTIONS = re.compile(r"(val_)?(oa|aa|kappa|recall|shared)(_mean|_std|_final)?")
Place = tuple[int, str]  # line and column


@dataclass(frozen=True)
class Page:
    """A part of a table that fits a page.

    Attributes:
        columns: The table's own names of its columns, `heads` in words.
        lines: Texts of the cells, `rows` the places of these lines in the table.
        numeric: Whether a column holds numbers, which stand to the right.
        same: What is the same in all lines, "head: text"; on the first page alone.
        wrap: Letters of a line of a cell on a terminal.
    """

    columns: list[str]
    heads: list[str]
    lines: list[list[str]]
    rows: list[int]
    numeric: list[bool]
    same: list[str] = field(default_factory=list)
    wrap: int = WRAP


def pages(table: Sequence[Mapping[str, Any]], most: int = MOST, width: int = 0) -> list[Page]:
    """A table's lines as pages of at most so many columns and, with a `width`, of so many letters.

    A line stands on the pages that have something of it; one that has nothing on any stands on the first.

    Example:
        >>> from hsikit.tables.shown import pages
        >>> page, = pages([{"method": "sdhsi", "split": "random_10", "oa_mean": 0.9, "oa_std": 0.01},
        ...                {"method": "lda", "split": "random_10", "oa_mean": 0.8, "oa_std": 0.0}])
        >>> page.heads, page.lines, page.same
        (['method', 'OA (%)'], [['SDHSI-Net', '90.00 ± 1.00'], ['LDA', '80.00']], ['split: 10 % at random'])
    """
    columns = list(dict.fromkeys(key for line in table for key in line))
    columns = [c for c in columns if not (c.endswith("_std") and f"{c[:-4]}_mean" in columns)]
    texts = {c: _texts(c, table) for c in columns}
    if set(INTERVAL) <= set(columns):  # stands together
        texts[INTERVAL[0]] = [f"{d} [{a}, {b}]" if a and b else d for d, a, b in zip(*(texts[c] for c in INTERVAL))]
        columns = [c for c in columns if c not in INTERVAL[1:]]
    lead = [c for c in columns if c in LEAD]
    same = [c for c in lead if len(table) > 1 and len(set(texts[c])) == 1][: max(0, len(lead) - 1)]
    runs = texts["n"] if "n" in columns and len(columns) > len(same) + 1 else []
    same += ["n"] if len(runs) > 1 and runs[0] and len(set(runs)) == 1 else []
    lead = [c for c in lead if c not in same][: most - 1]
    rest = [c for c in columns if c not in (*lead, *same) and any(texts[c])]
    wrap = min(WRAP, (width - NUMBERS) // max(1, len(lead)) - 2) if width else WRAP
    parts: list[list[str]] = [[]]
    for kind in (False, True):
        parts += [[]] if kind and parts[-1] else []
        for c in (c for c in rest if (c in DETAILS) == kind):
            there = [*lead, *parts[-1], c]
            wide = sum(_width(k, texts[k], wrap) + 2 for k in there) - 2
            if parts[-1] and (len(there) > most or (width and wide > width)):
                parts.append([])
            parts[-1].append(c)
    parts = [part for part in parts if part] or [[]]
    found = []
    for number, part in enumerate(parts):
        empty = lambda k, some: not any(texts[c][k] for c in some)  # noqa: E731
        rows = [k for k in range(len(table)) if (empty(k, rest) and number == 0) or not empty(k, part)]
        here = [c for c in lead if any(texts[c][k] for k in rows)] + part or lead
        lines = [[texts[c][k] for c in here] for k in rows if here]
        numeric = [all(re.match(r"[-+−]?\d|$", text) for text in texts[c]) for c in here]
        said = [f"{_head(c, table)}: {texts[c][0]}" for c in same] if number == 0 else []
        found.append(Page(here, [_head(c, table) for c in here], lines, rows, numeric, said, wrap))
    return found


def terminal(table: Sequence[Mapping[str, Any]], best: frozenset[Place] = frozenset(),
             second: frozenset[Place] = frozenset(), dressed: bool = False) -> str:  # fmt: skip
    """A table for a terminal of 100 columns; with `dressed`, best cells bold and second ones underlined (ANSI)."""
    from tabulate import tabulate  # a list of tables and `--help` need it not

    said = []
    for page in pages(table, width=WIDTH):
        lines = [["\n".join(_wrapped(text, page.wrap)) for text in line] for line in page.lines]
        first = [line[0] for line in page.lines]
        for k in range(1, len(lines) * (len(page.heads) > 1)):  # what the line above says already
            lines[k][0] = "" if first[k] == first[k - 1] else lines[k][0]
        if dressed:
            dress(lines, page, best, "\033[1m{}\033[0m".format)
            dress(lines, page, second, "\033[4m{}\033[0m".format)
        said += ["; ".join(page.same)] if page.same else []
        widths = [_width(c, texts, page.wrap) for c, texts in zip(page.columns, zip(*page.lines))]
        heads = [textwrap.fill(head, width - PADDING) for head, width in zip(page.heads, widths)]
        said.append(tabulate(lines, headers=heads, disable_numparse=True,
                             colalign=["right" if number else "left" for number in page.numeric]))  # fmt: skip
    return "\n\n".join(said)


def html(table: Sequence[Mapping[str, Any]], best: frozenset[Place] = frozenset(),
         second: frozenset[Place] = frozenset()) -> str:  # fmt: skip
    """A table as HTML, a table a page; whatever its cells hold stays text.

    Best cells are bold, second ones in italics; cost, source and trials are folded away.
    """
    first, *more = pages(table)
    folded = [page for page in more if set(DETAILS) & set(page.columns)]
    parts = [_grid(page, best, second) for page in (first, *more) if page not in folded]
    if folded:
        heads = [head for page in folded for c, head in zip(page.columns, page.heads) if c not in LEAD]
        below = "\n".join(_grid(page, best, second) for page in folded)
        parts.append(f"<details><summary>{escape(', '.join(heads))}</summary>{below}</details>")
    return "\n".join(parts)


def _grid(page: Page, best: frozenset[Place], second: frozenset[Place]) -> str:
    kind = [' class="number"' if number else ' class="long"' if _long(texts) else ""
            for number, texts in zip(page.numeric, zip(*page.lines))]  # fmt: skip
    heads = "".join(f'<th scope="col"{k}>{escape(head)}</th>' for head, k in zip(page.heads, kind))
    lines = [[str(escape(text)) for text in line] for line in page.lines]
    dress(lines, page, best, "<b>{}</b>".format)
    dress(lines, page, second, "<i>{}</i>".format)
    rows = ["".join(f"<{tag}{' scope=row' * (tag == 'th')}{k}>{text}</{tag}>"
                    for tag, text, k in zip(["th", *["td"] * len(line)], line, kind)) for line in lines]  # fmt: skip
    same = f"<p>{escape('; '.join(page.same))}</p>\n" if page.same else ""
    return (f'{same}<div class="scroll" tabindex="0" role="region" aria-label="Table"><table><thead><tr>{heads}'
            "</tr></thead><tbody>\n" + "\n".join(f"<tr>{row}</tr>" for row in rows)
            + "\n</tbody></table></div>")  # fmt: skip


def _long(texts: Sequence[str]) -> bool:
    return any(len(text) > 40 for text in texts)


def dress(lines: list[list[str]], page: Page, places: frozenset[Place], how: Callable[[str], str]) -> None:
    """Change the cells of some places of a page in its lines."""
    for row, column in places:
        if column in page.columns and row in page.rows:
            line, k = lines[page.rows.index(row)], page.columns.index(column)
            line[k] = how(line[k]) if line[k] else ""


# --- cells ---------------------------------------------------------------------------------------


def _head(column: str, table: Sequence[Mapping[str, Any]]) -> str:
    rate = FRACTIONS.fullmatch(column) and any(isinstance(line.get(column), float) for line in table)
    return heading(column) + " (%)" * bool(rate)


def _texts(column: str, table: Sequence[Mapping[str, Any]]) -> list[str]:
    """A column as texts; numbers get as many decimals as four digits of each need, at most four."""
    values = [line.get(column) for line in table]
    rates = [abs(v) for v in values if isinstance(v, float) and math.isfinite(v)] if FRACTIONS.fullmatch(column) else []
    if rates:
        times = 100 if max(rates) <= 1 else 1  # else they are percent as they stand
        beside = [
            line.get(f"{column.removesuffix('_mean')}_std") if column.endswith("_mean") else None for line in table
        ]
        return [_percent(v, std, times) for v, std in zip(values, beside)]
    numbers = [v for v in values if isinstance(v, float) and math.isfinite(v)]
    if not numbers:
        return [_text(column, v) for v in values]
    short = [f"{v:.4g}" if 1e-4 <= abs(v) < 1000 else f"{v:.0f}" for v in numbers]
    digits = min(4, max(len(text.partition(".")[2]) for text in short))
    tiny = 0.5 * 10**-digits
    return [_text(column, v) if not isinstance(v, float) else "" if v != v else
            f"{v:.1e}" if 0 < abs(v) < tiny else f"{v + 0.0:,.{digits}f}" for v in values]  # fmt: skip


def _missing(value: Any) -> bool:
    return value is None or (str(value) in ("nan", "NaT", "<NA>") and not isinstance(value, str))


def _percent(value: Any, std: Any, times: int) -> str:
    if _missing(value) or not isinstance(value, float | int):
        return "" if _missing(value) else str(value)
    spread = "0.00" if _missing(std) or not isinstance(std, float | int) else f"{times * std:.2f}"
    return f"{round(times * value, 2) + 0.0:.2f}" + (f" ± {spread}" if spread != "0.00" else "")  # -0 is 0


def _text(column: str, value: Any) -> str:
    if _missing(value):
        return ""
    if not isinstance(value, str):
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if column in ("split", "family"):
        return split_words(value)
    if column in ("measure", "metric"):
        return heading(value)
    return words(value) if column in WORDED else value


def _width(column: str, texts: Sequence[str], wrap: int) -> int:
    """Letters that a column needs once long texts are wrapped; its head is wrapped as its cells are."""
    cells = max((len(line) for text in texts for line in _wrapped(text, wrap)), default=0)
    return max(cells, min(wrap, max(map(len, heading(column).split()), default=0)) + PADDING, 8)


def _wrapped(text: str, most: int) -> list[str]:
    if re.match(r"[-+−]?\d", text) and len(text) <= WRAP:  # a number with its interval stays whole
        return [text]
    return textwrap.wrap(text, most, break_long_words=True) or [""]
