"""Sweeps on Dask workers: real processes of their own, one of them killed; Slurm jobs through a stand-in for sbatch."""

import os
import signal
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
import torch
from tiny import CONFIG, timeless

from hsikit import cli
from hsikit.experiments import ConfigError, Store, cluster, dask_client, expand, slurm_client, sweep
from hsikit.experiments.workers import pinned
from hsikit.tables import summarise

SLOW = {**CONFIG, "arms": [*CONFIG["arms"][:3], {"method": "cnn2d", "model": {"bands": 8, "window": 7},
                                                 "train": {"epochs": 40}}], "seeds": [0, 1, 2]}  # fmt: skip


@pytest.fixture(scope="module")
def client():
    with dask_client(jobs=2) as client:
        yield client


@pytest.fixture
def workers(client):
    """A client of two workers for all that can share them; each test has its folder, and who died is replaced."""
    client.wait_for_workers(2, timeout=120)
    return client


def test_runs_that_no_worker_is_left_for_fail_and_the_sweep_ends(site, monkeypatch):
    monkeypatch.setitem(cluster.DESERTED, "distributed.scheduler.no-workers-timeout", "1 s")
    store, todo = Store(site / "runs", site / "ledger.jsonl"), expand(SLOW)[-3:]
    with dask_client(jobs=1) as alone, ThreadPoolExecutor(1) as other:
        done = other.submit(lambda: list(cluster.work_on_cluster(todo, store, alone)))
        while not list(store.runs.glob("*.part")) and not done.done():
            time.sleep(0.05)
        alone.cluster.scale(0)
        ended = done.result(timeout=60)
    failed = [reason for _, row, reason in ended if row is None]
    assert len(ended) == 3
    assert len(failed) >= 2
    assert all("worker" in reason for reason in failed)


def table_of(rows):
    return pd.DataFrame(summarise(rows)).drop(columns="seconds").to_csv()


def kill_one(client, ledger, after):
    """SIGKILL to one worker once the ledger has so many rows; its process number."""
    victim = next(iter(client.run(os.getpid).values()))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (ledger.exists() and len(ledger.read_text().splitlines()) >= after):
        time.sleep(0.02)
    os.kill(victim, signal.SIGKILL)
    return victim


def test_a_worker_killed_in_the_middle_loses_nothing_and_nothing_is_done_twice(site, workers):
    store = Store(site / "runs", site / "ledger.jsonl")
    killed = []
    assert os.getpid() not in workers.run(os.getpid).values()
    killer = threading.Thread(target=lambda: killed.append(kill_one(workers, store.ledger, 4)))
    killer.start()
    spread = sweep(expand(SLOW), store, client=workers)
    killer.join()
    assert killed[0] not in workers.run(os.getpid).values()  # it died, another took its place
    alone = sweep(expand(SLOW), Store(site / "a", site / "a.jsonl"))
    assert spread.failures == alone.failures == []
    assert table_of(spread.rows) == table_of(alone.rows)
    assert timeless(spread.rows) == timeless(alone.rows)
    assert len(store.ledger.read_text().splitlines()) == 12
    assert list(store.runs.glob("*.part")) == []


def test_rows_come_back_from_workers_that_write_elsewhere(site, workers):

    experiment, here = expand(CONFIG)[0], Store(site / "runs", site / "ledger.jsonl")

    class Elsewhere:
        """A client whose workers have folders of their own."""

        def __init__(self, client):
            self.client, self.scheduler_info = client, client.scheduler_info

        def map(self, function, todo, store, **options):
            return self.client.map(function, todo, store=Store(site / "far", site / "far.jsonl"), **options)

    done = list(cluster.work_on_cluster([experiment], here, Elsewhere(workers)))
    assert done[0][1] == here.rows()[experiment.hash]
    assert (site / "far" / experiment.hash).is_dir()


def test_an_error_on_a_worker_itself_is_a_failed_run(site, workers):
    """Such as a worker without hsikit: here one that cannot enter the folder it is sent to."""

    class Sends:
        def __init__(self, client):
            self.client, self.scheduler_info = client, client.scheduler_info

        def map(self, function, todo, **options):
            return self.client.map(lambda *_, **__: 1 / 0, todo, **options)

    done = list(cluster.work_on_cluster(expand(CONFIG)[:2], Store(site / "r", site / "l.jsonl"), Sends(workers)))
    assert [(row, reason) for _, row, reason in done] == [(None, "ZeroDivisionError: division by zero")] * 2


def test_a_run_that_ends_its_workers_is_named_and_the_rest_goes_on(site, workers, monkeypatch):
    (site / "deadly.py").write_text(
        "import os, signal, torch\n\nclass Net(torch.nn.Module):\n"
        "    def __init__(self, **_):\n        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    monkeypatch.syspath_prepend(str(site))
    config = {**CONFIG, "arms": [{"method": "deadly.Net", "train": {"epochs": 1}}, {"method": "lda"}], "seeds": [0]}
    result = sweep(expand(config), Store(site / "runs", site / "ledger.jsonl"), client=workers)
    assert [r["name"] for r in result.rows] == ["lda"]
    assert "its process ended" in result.failures[0].reason


SBATCH = """#!/bin/sh
# Takes a job script as Slurm does, and runs it at once in a process of its own.
cp "$1" "{folder}/job.sh"
sh "{folder}/job.sh" >"{folder}/job.out" 2>&1 &
echo "Submitted batch job $!"
"""


def test_slurm_jobs_make_the_same_rows(site, monkeypatch):
    """There is no Slurm here: a script in its place takes the job that dask-jobqueue writes, and runs it."""
    for name, text in (("sbatch", SBATCH.format(folder=site)), ("scancel", "#!/bin/sh\nkill $1\n")):
        (site / "bin").mkdir(exist_ok=True)
        (site / "bin" / name).write_text(text)
        (site / "bin" / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{site / 'bin'}:{os.environ['PATH']}")
    config = {**CONFIG, "seeds": [0]}
    with slurm_client(jobs=1, threads=2) as client:
        there = sweep(expand(config), Store(site / "runs", site / "ledger.jsonl"), client=client)
    here = sweep(expand(config), Store(site / "a", site / "a.jsonl"))
    assert there.failures == []
    assert timeless(there.rows) == timeless(here.rows)
    job = (site / "job.sh").read_text()
    assert "--cpus-per-task=2" in job
    assert "--nthreads 1" in job


def test_the_command_line_sweeps_on_workers_with_a_users_own_network(site, monkeypatch, capsys):
    (site / "my_nets.py").write_text(
        "import torch\nfrom hsikit.models import Output\n\nclass Pixelwise(torch.nn.Module):\n"
        "    dense, window, lidar_channels = True, 1, 0\n"
        "    def __init__(self, bands, lidar_channels, classes, seed):\n        super().__init__()\n"
        "        self.bands, self.head = bands, torch.nn.Conv2d(bands, classes, 1)\n"
        "    def forward(self, hsi, lidar=None):\n        return Output(self.head(hsi), hsi)\n"
    )
    (site / "mine.yaml").write_text(
        "{method: my_nets.Pixelwise, scene: site.yaml, split: {kind: random, train: 0.3}, train: {epochs: 2}}"
    )
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(site))])
    monkeypatch.setenv("HSIKIT_RUNS", "runs")
    monkeypatch.setenv("HSIKIT_LEDGER", "ledger.jsonl")
    assert cli.main(["sweep", "mine.yaml", "--trust", "my_nets", "--dask", "--jobs", "1", "--json"]) == 0
    assert '"method": "my_nets.Pixelwise"' in capsys.readouterr().out
    assert len((site / "ledger.jsonl").read_text().splitlines()) == 1


def test_workers_of_several_threads_are_refused(site):
    from dask.distributed import Client, LocalCluster

    local = LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None)
    with local as cluster, Client(cluster) as client, pytest.raises(ConfigError, match="has 2 threads; start it with"):
        sweep(expand(CONFIG), Store(site / "runs", site / "ledger.jsonl"), client=client)


def test_what_is_not_there_is_said_in_one_line(monkeypatch):
    with pytest.raises(ConfigError, match=r"no Dask scheduler at 'tcp://127.0.0.1:9' .* dask scheduler"):
        dask_client("tcp://127.0.0.1:9").__enter__()
    with pytest.raises(ConfigError, match="no Dask scheduler at 'nonsense://x'"):
        dask_client("nonsense://x").__enter__()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match="no sbatch on this machine"):
        slurm_client(1).__enter__()


def test_runs_side_by_side_take_gpus_of_their_own(monkeypatch, tmp_path):
    """Two GPUs are pretended; which one a run would use is what is looked at."""
    taken, both = [], threading.Barrier(2, timeout=30)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    class Device:
        def __init__(self, number):
            self.number = number

        def __enter__(self):
            taken.append(self.number)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(torch.cuda, "device", Device)

    def run():
        with pinned(1):
            both.wait()

    runs = [threading.Thread(target=run) for _ in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert sorted(taken) == [0, 1]
    with pinned(1):
        assert taken[-1] == 0  # free again


def test_threads_are_put_back_after_a_run():
    before = torch.get_num_threads()
    with pinned(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
