"""A cut of `make drill`: 300 spoilt files in this process, 40 as commands, a run killed; and the drill can fail."""

import random
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # beside this file
import drill


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("drill")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSIKIT_RUNS", str(place / "runs"))
        patch.setenv("HSIKIT_LEDGER", str(place / "ledger.jsonl"))
        drill.prepare(place)
        yield place


@pytest.fixture(scope="module", autouse=True)
def killed(folder):
    """The kills, beside the other parts: they wait for their own processes, in a folder that no other part spoils."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(drill.kills, shutil.copytree(folder, folder.with_name("killed")), 1, 7)


def test_300_spoilt_files_end_in_hsikits_own_errors(folder, monkeypatch):
    monkeypatch.setenv("HSIKIT_DEBUG", "1")
    found = drill.files(folder, 300, seed=7)
    assert drill.wrong({"files": found}) == []
    assert found["read all the same"] + found["refused in a line"] == 300
    assert min(found["read all the same"], found["refused in a line"]) > 10


def test_40_spoilt_files_end_commands_with_a_line(folder):
    found = drill.commands(folder, 40, seed=7)
    assert found["foreign"] == []
    assert sum(found["codes"].values()) == 40


def test_hostile_names_are_refused(folder):
    found = drill.hostile(folder)
    assert found["ran"] == []
    assert found["refused"] == found["tried"] == 26


def test_a_run_killed_three_times_is_the_run_never_killed(killed):
    found = killed.result()
    assert found["kills"] >= 1
    assert found["lost or different"] == []


def test_the_drill_sees_what_it_looks_for(folder, monkeypatch):
    assert drill.mutated(b"abcdef" * 50, random.Random(1)) == drill.mutated(b"abcdef" * 50, random.Random(1))
    spoilt = [True, True]

    def fails() -> None:
        if spoilt:
            spoilt.pop()
            raise ZeroDivisionError

    def waits() -> None:
        if spoilt:
            spoilt.pop()
            drill.time.sleep(5)

    monkeypatch.setattr(drill, "readers", lambda _: {"foreign": ("c.yaml", fails), "slow": ("c.yaml", waits)})
    monkeypatch.setattr(drill, "HANG_S", 0.1)
    told = drill.wrong({"files": drill.files(folder, 2, seed=1)})
    assert [line.split(":")[1].strip() for line in told] == ["foreign 0", "slow 1"]
