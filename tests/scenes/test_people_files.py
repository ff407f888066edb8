"""Inputs of the kinds that people report, each with its check: right values, or one clear line."""

import os

import pytest
from scenes import people_files


@pytest.mark.parametrize("case", people_files.CASES)
def test_a_case_is_right_or_refused_in_one_line(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSIKIT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("HSIKIT_LEDGER", str(tmp_path / "ledger"))
    offline = os.environ.get("HF_HUB_OFFLINE")
    try:
        assert people_files.CASES[case](tmp_path), people_files.NOTES.get(case)
    finally:
        if offline is None:  # one of the cases sets it
            os.environ.pop("HF_HUB_OFFLINE", None)
