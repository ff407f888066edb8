"""Options that came after the first rows leave the names of those rows alone."""

import json
from pathlib import Path

from hsikit.experiments import expand
from hsikit.experiments.config import ADDED_LATER

LEDGER = Path(__file__).parents[2] / "figures" / "tables" / "runs.jsonl"
PLAIN = {"method": "cnn2d", "scene": "indian_pines", "split": {"kind": "random", "train": 0.1}}


def test_a_younger_option_is_in_the_hash_only_away_from_what_older_runs_did():
    for method in ("cnn2d", "sdhsi"):  # whose losses have different younger options
        plain = expand({**PLAIN, "method": method})[0]
        whole = json.loads(plain.canonical())
        for section, options in ADDED_LATER.items():
            for name, default in options.items():
                if section != "loss" or name in plain.loss:
                    assert name not in (whole[section] if section else whole)
                    given = {section: {name: default}} if section else {name: default}
                    assert expand({**PLAIN, "method": method, **given})[0].hash == plain.hash
    plain = expand(PLAIN)[0]
    other = expand({**PLAIN, "train": {"wrong_labels": 0.1}})[0]
    assert other.hash != plain.hash
    assert json.loads(other.canonical())["train"]["wrong_labels"] == 0.1
    assert "reduction" not in json.loads(other.canonical())["train"]
    assert other.train["reduction"] == "pca"


def test_rows_made_before_the_option_are_still_found():
    known = {json.loads(line)["hash"] for line in LEDGER.read_text().splitlines()}
    assert all(e.hash in known for e in expand("archive/sdhsi_pairs"))
    assert all(e.hash in known for e in expand("baselines_indian_pines"))
