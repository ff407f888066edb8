import re

import pandas as pd

from hsikit.tables.cells import Table, difference, percent, ranked, ranked_across
from hsikit.tables.files import latex, markdown
from hsikit.tables.stats import paired_difference


def test_percent():
    assert percent({"oa_mean": 0.9865, "oa_std": 0.0035}, "oa") == "98.65 ± 0.35"
    assert percent({"oa_mean": 0.5, "oa_std": None}, "oa") == "50.00"
    assert percent({"oa_mean": 0.5, "oa_std": float("nan")}, "oa") == "50.00"
    assert percent({"oa_mean": 0.5, "oa_std": 1e-9}, "oa") == "50.00"


def test_a_difference_stands_with_its_interval():
    d = paired_difference([50, 60, 70], [40, 40, 40])  # mean 20 points, half width 4.303 * 10 / sqrt(3)
    assert difference({"difference": d.mean, "low": d.low, "high": d.high}) == "+20.00 [-4.84, +44.84]"


CELLS = pd.DataFrame({"split": ["a", "a", "a", "b"], "OA": ["9.00 ± 5.00", "10.00", "", "1.00"], "n": [5, 5, 5, 5]})


def test_ranks_are_of_numbers_within_a_split_and_a_lone_cell_wins_nothing():
    assert ranked(CELLS, ["OA"], ["split"]) == [{(1, "OA")}, {(0, "OA")}]
    assert ranked(CELLS, ["OA"]) == [{(1, "OA")}, {(0, "OA")}]


def test_equals_share_a_rank():
    same = CELLS.assign(OA=["2.00", "2.00 ± 0.10", "1.00", "1.00"])
    assert ranked(same, ["OA"]) == [{(0, "OA"), (1, "OA")}, {(2, "OA"), (3, "OA")}]


def test_where_all_are_equal_none_has_won():
    assert ranked(CELLS.assign(OA=["2.00"] * 4), ["OA"]) == [set(), set()]


def test_ranks_along_a_line():
    cells = pd.DataFrame({"class": ["x", "y"], "one": ["1.00", ""], "two": ["2.00", "3.00"]})
    assert ranked_across(cells, ["one", "two"]) == [{(0, "two")}, {(0, "one")}]


TABLE = Table("t", "Scores & co", pd.DataFrame({"method_a": ["x_1", "<b>"], "OA (%)": ["1.00 ± 0.10", "2.00"]}),
              ("A note with 5 % and `code`.",), frozenset({(1, "OA (%)")}), frozenset({(0, "OA (%)")}))  # fmt: skip


def test_markdown():
    lines = markdown(TABLE).splitlines()
    assert lines[2].replace(" ", "") == "|x_1|*1.00\u00a0±\u00a00.10*|"
    assert lines[3].replace(" ", "") == "|&lt;b>|**2.00**|"
    assert lines[-1] == "A note with 5 % and `code`."


def test_latex_escapes_what_latex_would_read():
    text = latex(TABLE)
    assert r"\caption{Scores \& co}" in text
    assert re.search(r"method a +& ", text)
    assert r"x\_1" in text
    assert r"OA (\%)" in text
    assert r"\textit{1.00 $\pm$ 0.10}" in text
    assert r"\textbf{2.00}" in text
    assert r"\ensuremath{<}b\ensuremath{>}" in text
    assert "A note with 5 \\% and code." in text
    assert text.count("{") == text.count("}")


def test_a_wide_table_is_scaled_to_the_page():
    wide = Table("w", "Wide", pd.DataFrame([{f"c{k}": k for k in range(9)}]))
    assert latex(wide).count(r"\resizebox{\textwidth}") == 1  # seven columns; the other two follow below
    assert latex(wide).count(r"\begin{tabular}") == 2
    assert latex(wide).count("{") == latex(wide).count("}")
    assert "resizebox" not in latex(TABLE)
