"""A sweep on a real Slurm of two nodes: a job cancelled and a node drained in the middle, the rows those of this machine."""

import sys
import threading
import time
from pathlib import Path

import pytest
from tiny import CONFIG, timeless

sys.path.append(str(Path(__file__).parent))  # beside this file
import slurm

from hsikit.experiments import Store, expand, slurm_client, sweep

NET = {"method": "cnn2d", "model": {"bands": 8, "window": 7}, "train": {"epochs": 60}}
SLOW = {**CONFIG, "arms": [*CONFIG["arms"][:2], NET], "seeds": [0, 1, 2]}


@pytest.fixture
def conf(tmp_path_factory, monkeypatch):
    if why := slurm.lacking():
        pytest.skip(why)
    with slurm.running(tmp_path_factory.mktemp("slurm")) as conf:
        monkeypatch.setenv("SLURM_CONF", str(conf))
        yield conf


def wait(done, seconds=120):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def disturb(conf, ledger, seen):
    """Once two rows are there: cancel one of the two jobs, drain its node, resume it later."""
    wait(lambda: ledger.exists() and len(ledger.read_text().splitlines()) >= 2)
    jobs = [line.split() for line in slurm.asked(conf, "squeue", "-h", "-t", "running", "-o", "%i %N").splitlines()]
    job, node = jobs[0]
    slurm.asked(conf, "scancel", job)
    slurm.asked(conf, "scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    wait(lambda: "drain" in slurm.asked(conf, "sinfo", "-h", "-n", node, "-o", "%T"))
    seen += [len(jobs), job]
    wait(lambda: len(ledger.read_text().splitlines()) >= 5)
    slurm.asked(conf, "scontrol", "update", f"nodename={node}", "state=resume")


def test_a_job_cancelled_and_a_node_drained_change_no_row(site, conf):
    store, seen = Store(site / "runs", site / "ledger.jsonl"), []
    with slurm_client(jobs=2) as client:
        client.wait_for_workers(2, timeout=120)
        hand = threading.Thread(target=disturb, args=(conf, store.ledger, seen))
        hand.start()
        there = sweep(expand(SLOW), store, client=client)
        hand.join(timeout=120)
    assert seen[0] == 2
    here = sweep(expand(SLOW), Store(site / "a", site / "a.jsonl"))
    assert there.failures == here.failures == []
    assert timeless(there.rows) == timeless(here.rows)
    assert len(store.ledger.read_text().splitlines()) == 9
    assert list(store.runs.glob("*.part")) == []
    wait(lambda: slurm.asked(conf, "squeue", "-h") == "")  # no job is left behind
