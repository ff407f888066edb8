"""Prose against the ledger: every sentence of claims.yaml stands where it says, and no number stands outside one."""

import json
import re
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest

from hsikit.cli import main
from hsikit.experiments import Store, rows_of
from hsikit.tables import MARKS, TableError, claimed, pooled, told

ROOT = Path(__file__).parents[2]
LEDGER = Store(ledger=ROOT / "figures" / "tables" / "runs.jsonl")
TEMPLATES = [" ".join(claim["says"].split()) for claim in claimed._file()["said"]]
TEXTS = sorted((ROOT / "hsikit" / "workbook" / "texts").glob("*.md"))
PAGES = ["README.md", *(str(p.relative_to(ROOT)) for p in [*TEXTS, *sorted((ROOT / "notebooks").glob("*.ipynb"))])]
# Numbers that are no result: each kind with its reason. What none of these covers has to be a claim, or go.
EXEMPT = {
    r"`[^`]*`": "typed or computed: code, commands, names of files",
    r"\]\([^)]*\)|<[^>]*>": "addresses and marks",
    r"\barXiv \d{4}\.\d{5}\b": "the name of a paper",
    r"\b20\d\d\b": "a year",
    r"\bPython 3\.\d+ to 3\.\d+": "versions that pyproject.toml bounds",
    r"\b0x[0-9A-F]{2}\b|\b0[AD]\b": "a byte",
    r"\w*[A-Za-z]-?\d[\w.]*(-\w+)*|\b\d-D\b|\bViT-B/16\b": "a name with a digit in it, as L2A, bfloat16, 3-D",
    r"\b95 % intervals?\b": "the level of every interval of this project",
    r"\b(clear of|across|above|spans|severity|At) 0\b|\bbelow \.5\b": "the origin of a scale, or chance",
    r"\b\d+( %)?(, \d+)*( and \d+)? (pixels a class|% at random|% of the labels|% random)": "a label budget",
    r"\brandom \d+(, \d+)* and \d+ %": "label budgets",
    r"\bstages \d to \d\b|\b\d, \d and \d+ pixels": "the layout of a network",
    r"\b[\d,]+( x \d+| [a-z]+ [\d,]+)? (px|pixels|nm|GB|bins|epochs|counts|x \d+)\b|\bwindow \d+\b": "a size",
    r"\b\d, \d or \d points\b": "a question, not an answer",
    r"\bwindows up to \d+\b|\b\d+-per-class\b|\bnotebook \d\d\b|\b\d\d_[a-z]\w+": "a name of a split or a notebook",
}
SPELT = "|".join(claimed.WORDS[2:])
WRITTEN = (
    rf"[+−-]?\d[\d,.]*\d|\d|\b(?:{SPELT}|forty|fifty|hundred) (?:points|percent|per cent|partitions|seeds|times)\b"
)


@cache
def prose(page: str) -> str:
    """The words of a page on one line: no blocks of code, nothing of the table that the ledger writes."""
    file = ROOT / page
    if file.suffix == ".ipynb":
        text = "\n\n".join(c.source for c in nbformat.read(file, as_version=4).cells if c.cell_type == "markdown")
    else:
        text = re.sub(f"{re.escape(MARKS[0])}.*?{re.escape(MARKS[1])}", "", file.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split())


@cache
def sentences():
    return told(LEDGER)


def numbers_in(text: str) -> list[str]:
    """Numbers of a text that no rule exempts, each with the words around it."""
    for pattern in EXEMPT:
        text = re.sub(pattern, " … ", text)
    return [text[max(0, m.start() - 40) : m.end() + 25] for m in re.finditer(WRITTEN, text, re.IGNORECASE)]


@pytest.mark.parametrize("number", range(len(TEMPLATES)), ids=lambda number: TEMPLATES[number][:40])
def test_a_sentence_stands_where_it_says_with_the_ledgers_numbers_and_holds(number):
    claim = sentences()[number]
    assert claim.files
    for page in claim.files:
        assert claim.text in prose(page), f"{page} and the ledger part; the ledger gives: {claim.text}"
    assert claim.broken == (), f"the ledger does not bear {claim.text!r}"


@pytest.mark.parametrize("page", PAGES)
def test_no_number_of_the_prose_stands_outside_a_claim(page):
    text = prose(page)
    for claim in sentences():
        text = text.replace(claim.text, " … ") if page in claim.files else text
    assert numbers_in(text) == [], "write these into hsikit/claims.yaml, compute them in a cell, or leave them out"


def test_a_template_holds_no_number_of_its_own():
    bare = {c.template: numbers_in(re.sub(r"{.+?}", "", c.template)) for c in sentences()}
    assert {template: found for template, found in bare.items() if found} == {}


def test_every_exemption_is_used_and_a_result_passes_none():
    everything = " ".join(map(prose, PAGES))
    assert [pattern for pattern in EXEMPT if not re.search(pattern, everything)] == []
    for text in ("reaches 97.3 on fields", "scores 82 % there", "+3.0 points of OA", "two points more", "AUROC .83",
                 "an OA of 0.93", "in 4 of 10 runs", "1.5 times as fast", "over twenty partitions"):  # fmt: skip
        assert numbers_in(text), text


def test_the_rows_that_bear_a_sentence_are_in_the_ledger():
    known = LEDGER.rows()
    for claim in sentences():
        assert all(h in known for h in claim.hashes)
        assert claim.hashes or "cube" in prose(claim.files[0])  # what is said of files rests on no run


def test_numbers_by_hand():
    """Of one sentence, from the rows alone: a mean, a paired difference, and the mean of two references."""
    rows = [r for r in pooled(rows_of(LEDGER, "sdhsi_partitions")) if r["scene"] == "indian_pines_repaired"]
    of = {name: {r["partition"]: 100 * r["oa"] for r in rows if r["name"] == name} for name in ("sdhsi_trunk", "lda")}
    spec = {"config": "sdhsi_partitions", "scene": "indian_pines_repaired", "split": "fields"}
    trunk = claimed._number(spec | {"arm": "sdhsi_trunk"}, LEDGER, {})
    assert trunk.oa == pytest.approx(np.mean(list(of["sdhsi_trunk"].values())))
    gap = claimed._number(spec | {"arm": "sdhsi_trunk", "less": "lda"}, LEDGER, {})
    assert gap.oa == pytest.approx(np.mean([of["sdhsi_trunk"][k] - of["lda"][k] for k in of["lda"]]))
    assert gap.oa_low < gap.oa < gap.oa_high
    assert (gap.n, gap.fields) == (20, 32)
    both = claimed._number(spec | {"arm": "sdhsi_trunk", "less": ["lda", "sdhsi_trunk"]}, LEDGER, {})
    assert both.oa == pytest.approx(gap.oa / 2)
    assert both.aa == pytest.approx(gap.aa / 2)
    assert both.fields == 32


def test_what_another_paper_printed_is_read_from_its_file():
    spec = {"reported": "MFT", "scene": "trento", "split": "official"}
    assert claimed._number(spec, LEDGER, {}).oa == 98.32


def test_a_number_is_written_as_prose_does():
    assert f"{claimed.Number(-1.26):+.1f} {claimed.Number(3):+.1f} {claimed.Number(20):words}" == "−1.3 +3.0 twenty"
    assert f"{claimed.Number(32)}" == "32"


def test_a_condition_is_a_chain():
    numbers = {"gain": claimed._named(oa=0.5, oa_low=-0.1)}
    assert claimed._holds("-1 < gain.oa < 1", numbers)
    assert not claimed._holds("0 < gain.oa_low < gain.oa", numbers)


def test_a_ledger_without_the_rows_is_told_so(tmp_path):
    with pytest.raises(TableError, match=r"holds no run for .*hsikit sweep sdhsi_partitions"):
        told(Store(ledger=tmp_path / "runs.jsonl"))


# --- on a new scene ---------------------------------------------------------------------------------


def farm(folder: Path, fields: int, classes: int) -> Path:
    """A cube of fields far apart, three in a row of each class, and the site file that names it."""
    draw = np.random.default_rng(0)
    labels = np.zeros((20 * -(-fields // 3), 60), np.uint8)
    for k in range(fields):
        row, col = divmod(k, 3)
        labels[20 * row + 6 : 20 * row + 14, 20 * col + 6 : 20 * col + 14] = 1 + row % classes
    cube = draw.normal(size=(classes + 1, 34))[labels] + 0.4 * draw.normal(size=(*labels.shape, 34))
    np.save(folder / "cube.npy", cube.astype(np.float32))
    np.save(folder / "labels.npy", labels)
    names = [f"crop {k}" for k in range(classes)]
    (folder / "site.yaml").write_text(f"name: farm\nhsi: cube.npy\nlabels: labels.npy\nclasses: {names}\n")
    return folder / "site.yaml"


def test_frozen_settings_run_on_a_new_scene_and_one_without_lidar_leaves_a_method_out(tmp_path, monkeypatch, capsys):
    site = farm(tmp_path, fields=18, classes=6)
    monkeypatch.setenv("HSIKIT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HSIKIT_LEDGER", str(tmp_path / "runs.jsonl"))
    assert main(["claims", str(site), "--seeds", "1", "--json"]) == 0
    said = capsys.readouterr()
    lines = json.loads(said.out)
    assert "MMLGNet was left out" in said.err
    assert "has no LiDAR" in said.err
    assert {line["method"] for line in lines} == {"SDHSI-Net"}
    assert {line["metric"] for line in lines} == {"oa", "aa"}
    for line in lines:
        assert line["n"] == 1
        assert line["over"].endswith("fields")
        assert line["low"] <= line["difference"] <= line["high"]
        assert line["verdict"] == ("win" if line["low"] > 0 else "loss" if line["high"] < 0 else "not shown")
    rows = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    frozen = {r["name"]: r["config"] for r in rows_of(LEDGER, "sdhsi_partitions") if r["seed"] == 0}
    for row in rows:  # all but the scene is as it was
        same = [{k: v for k, v in config.items() if k != "scene"} for config in (row["config"], frozen[row["name"]])]
        assert same[0] == same[1]


@pytest.mark.parametrize(("fields", "classes", "why"), [
    (6, 2, r"farm is too small: \d of its fields are tested, 5 are needed"),
    (9, 3, "SDHSI-Net was left out: .* has no 6 classes"), (1, 2, "no class of farm can be on both sides"),
])  # fmt: skip
def test_a_scene_too_small_is_refused_in_one_line(fields, classes, why, tmp_path, capsys):
    assert main(["claims", str(farm(tmp_path, fields, classes))]) == 2
    told_so = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(why, told_so)


def test_a_scene_with_lidar_and_sentences_gets_both_methods():
    land = claimed.load_scene("simulated")
    assert [claimed._lacking(land, study) for study in claimed._file()["frozen"]] == ["", ""]
    for study in claimed._file()["frozen"]:
        found = claimed.expand(claimed._moved(study, "simulated", 2))
        named = {name for pair in study["pairs"].values() for side in pair for name in np.atleast_1d(side)}
        assert {e.label for e in found} == named
        assert {(e.scene, e.seed, e.split.get("partition", 0)) for e in found} == {
            ("simulated", 0, 0),
            ("simulated", 1, 1),
        }
