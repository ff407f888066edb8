"""Tables as people see them: words, percent, seven columns, 100 letters on a terminal; hostile texts stay texts."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsikit import tables
from hsikit._util.wording import METHODS, SCENES, heading, prose, split_words, words
from hsikit.cli import main
from hsikit.experiments import Store
from hsikit.tables.cells import Table
from hsikit.tables.files import for_terminal, markdown
from hsikit.tables.shown import DETAILS, LEAD, MOST, WIDTH, html, pages, terminal

LEDGER = Store(ledger=Path(__file__).parents[2] / "figures" / "tables" / "runs.jsonl")


def built():
    for name in tables.NAMES:
        try:
            yield tables.build(name, LEDGER)
        except tables.TableError:
            continue


@pytest.fixture(scope="module")
def every():
    return list(built())


def test_no_page_of_any_table_has_more_than_seven_columns(every):
    assert len(every) > 20
    for table in every:
        lines = table.cells.to_dict("records")
        assert max(len(page.heads) for page in pages(lines)) <= MOST == 7, table.name
        grid = [line for line in markdown(table).splitlines() if line.startswith("|")]
        assert max(line.count("|") for line in grid if "\\|" not in line) <= MOST + 1, table.name


def test_every_table_fits_a_terminal_of_100_columns(every):
    for table in every:
        wide = [line for line in for_terminal(table).splitlines() if len(line) > WIDTH]
        assert wide == [], table.name


def test_every_cell_of_every_table_is_on_some_page_and_cost_comes_last(every):
    for table in every:
        lines = table.cells.to_dict("records")
        found = pages(lines)
        shown = {column for page in found for column in page.columns}
        there = {c for c in table.cells if any(str(v) not in ("", "nan") for v in table.cells[c])}
        same = {c for c in (*LEAD, "n") if c in there and table.cells[c].nunique() == 1}
        assert there - shown <= same, table.name
        assert len(found[0].same) == len(there - shown)
        assert {row for page in found for row in page.rows} == set(range(len(lines)))
        for page in found[1:]:
            assert all(any(line[k] for k, c in enumerate(page.columns) if c not in LEAD) for line in page.lines)
        kinds = [any(c in DETAILS for c in page.columns) for page in found]
        assert kinds == sorted(kinds), "details stand before scores"


def test_no_identifier_stands_in_a_head_or_in_a_cell_that_names_a_line(every):
    known = {*SCENES, *METHODS} - {"official", "trento", "salinas", "muufl", "simulated"}
    for table in every:
        for page in pages(table.cells.to_dict("records")):
            heads = " ".join(page.heads)
            assert "_" not in heads, table.name
            named = [text for line in page.lines for c, text in zip(page.columns, line) if c in LEAD]
            assert not [text for text in named if set(re.findall(r"\w+", text)) & known], table.name
            assert not [text for text in named if re.search(r"[a-z]_\w", text)], table.name


@pytest.mark.parametrize(
    ("name", "said"),
    [("fields", "whole fields"), ("fields_w15", "whole fields, window 15"), ("fields_p7", "whole fields, draw 7"),
     ("fields_5px", "whole fields, 5 px a class"), ("random_10", "10 % at random"), ("block_3", "3 % in blocks"),
     ("masks_150", "150-per-class masks"), ("west_east_3", "west to east, 3 px a class"),
     ("shot_20", "20 px a class at random"), ("random_2.5", "2.5 % at random"), ("my_own", "my_own"),
     ("east_west, a partition each", "east to west, a draw each seed"),
     ("masks_150 without road, building", "150-per-class masks without road, building")],
)  # fmt: skip
def test_splits_in_words(name, said):
    assert split_words(name) == said


def test_words_change_identifiers_and_nothing_else():
    assert words("mmlgnet_p with random vectors, transductive") == "one-pixel MMLGNet with random vectors, transductive"
    assert words("my_mmlgnet_p2") == "my_mmlgnet_p2"
    assert words("my_nets.mmlgnet.Net") == "my_nets.mmlgnet.Net"
    assert heading("west_east OA") == "west to east OA"
    assert heading("OA over fields") == "OA over fields"
    assert heading("SVM + profiles") == "SVM + profiles"
    assert (
        prose("`random_10` and `mmlgnet_p`, see `hsikit table`")
        == "10 % at random and one-pixel MMLGNet, see `hsikit table`"
    )


def test_fractions_become_percent_with_their_spread_and_texts_stay():
    page, = pages([{"name": "sdhsi_fields", "oa": 0.12345, "aa_mean": 0.5, "aa_std": 0.01, "n": 10_249, "p": None},
                   {"name": "x", "oa": None, "aa_mean": 0.25, "aa_std": float("nan"), "n": 3, "p": None}])  # fmt: skip
    assert page.heads == ["name", "OA (%)", "AA (%)", "n"]  # nothing stands in p
    assert page.lines == [["sdhsi_fields", "12.35", "50.00 ± 1.00", "10,249"], ["x", "", "25.00", "3"]]
    assert page.numeric == [False, True, True, True]
    (page,) = pages([{"method": "a", "OA": "98.65 ± 0.35"}])
    assert page.lines == [["a", "98.65 ± 0.35"]]  # percent already


def test_an_empty_table_is_empty():
    assert pages([])[0].lines == []
    assert terminal([]) == ""


CELL = st.one_of(st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=60))


@given(st.lists(st.dictionaries(st.sampled_from(["split", "method", "oa", "a b", "x" * 30, "note", "seconds", "k", "n",
                                                 "p", "q"]), CELL, max_size=11), max_size=4))  # fmt: skip
def test_whatever_stands_in_a_table_it_fits_and_stays_text(lines):
    assert all(len(page.heads) <= MOST for page in pages(lines))
    assert [line for line in terminal(lines).split("\n") if len(line) > WIDTH + 60] == []  # a wide letter counts once

    seen = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: seen.add(tag)
    parser.feed(html(lines))
    assert seen <= {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}


def test_a_line_stands_where_it_has_something_and_cost_is_folded_away():
    lines = [{"method": "a & b", "OA": "90.0", "seconds": 3.5}, {"method": "c", "OA": "80.0", "seconds": None},
             {"reported as": "ViT", "OA": None, "reported OA": 97.0}]  # fmt: skip
    scores, cost = pages(lines)
    assert (scores.heads, scores.lines) == (["method", "OA"], [["a & b", "90.0"], ["c", "80.0"]])
    assert (cost.heads, cost.rows) == (["method", "reported as", "seconds", "reported OA"], [0, 2])
    page = html(lines, best=frozenset({(0, "OA")}), second=frozenset({(1, "OA")}))
    assert '<th scope=row>a &amp; b</th><td class="number"><b>90.0</b></td>' in page
    assert "<i>80.0</i>" in page
    assert page.index("80.0") < page.index("<details><summary>seconds, reported OA</summary>") < page.index("ViT")


def test_a_number_of_runs_that_all_share_is_said_once_where_there_is_one():
    lines = [{"method": "a", "n": 5, "OA": "1.0"}, {"method": "b", "n": 5, "OA": "2.0"}]
    assert (pages(lines)[0].same, pages(lines)[0].heads) == (["n: 5"], ["method", "OA"])
    assert pages([line | {"n": None} for line in lines])[0].same == []
    assert pages([{"n": 5}, {"n": 5}])[0].lines == [["5"], ["5"]]


def test_a_table_shows_itself_with_its_notes_as_text():
    shown = Table("t", "T", pd.DataFrame([{"method": "lda", "OA": "1.0"}]), ("of `lda` & `x_1`, <b>",))._repr_html_()
    assert shown.startswith("<p><strong>T</strong></p>")
    assert shown.endswith('<p class="note">of LDA &amp; <code>x_1</code>, &lt;b&gt;</p>')


def test_best_cells_are_bold_on_a_terminal_and_plain_in_a_pipe(capsys, monkeypatch):
    assert main(["table", "mmlgnet_muufl_subset"]) == 0
    out = capsys.readouterr().out
    assert "\033[" not in out
    assert "<u>" not in out
    assert "**" not in out
    assert re.search(r"Read from .*runs\.jsonl, [\d,]+ runs\.", out)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(["table", "mmlgnet_muufl_subset"]) == 0
    assert "\033[1m" in (dressed := capsys.readouterr().out)
    assert max(len(re.sub(r"\033\[\d+m", "", line)) for line in dressed.splitlines()) <= WIDTH
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["table", "mmlgnet_muufl_subset"]) == 0
    assert "\033[" not in capsys.readouterr().out


@pytest.mark.parametrize("line", [["scenes"], ["table"], ["configs"]])
def test_lists_fit_a_terminal_and_json_is_as_it_was(line, capsys):
    assert main(line) == 0
    assert [text for text in capsys.readouterr().out.splitlines() if len(text) > WIDTH] == []
    assert main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_percent_that_stands_already_is_not_taken_for_a_fraction():
    (page,) = pages([{"method": "a", "oa": 98.39, "kappa": 20.56}, {"method": "b", "oa": 99.1, "kappa": 0.5}])
    assert page.heads[1:] == ["OA (%)", "kappa (%)"]
    assert page.lines == [["a", "98.39", "20.56"], ["b", "99.10", "0.50"]]
    (page,) = pages([{"method": "a", "oa_mean": 98.0, "oa_std": 1.5}])
    assert page.lines == [["a", "98.00 ± 1.50"]]  # the deviation is in the unit of its mean, and not lost
    (page,) = pages([{"method": "a", "oa": 0.9839}, {"method": "b", "oa": 1.0}])
    assert page.lines == [["a", "98.39"], ["b", "100.00"]]


def test_ends_of_an_interval_stand_with_what_they_are_of():
    (page,) = pages([{"method": "a", "difference": 1.5, "low": -0.25, "high": 3.25, "n": 5},
                     {"method": "b", "difference": 2.0, "low": 1.0, "high": 3.0, "n": 5}])  # fmt: skip
    assert (page.heads, page.same) == (["method", "difference"], ["n: 5"])
    assert page.lines == [["a", "1.5 [-0.25, 3.25]"], ["b", "2.0 [1.00, 3.00]"]]


def test_rows_of_others_are_named_on_every_page():
    lines = [
        {"reported as": "MFT", **{f"c{k}": k for k in range(9)}},
        {"reported as": "ViT", **{f"c{k}": k for k in range(9)}},
    ]
    assert [page.heads[0] for page in pages(lines)] == ["reported as", "reported as"]
