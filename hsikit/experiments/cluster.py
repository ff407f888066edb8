"""The same sweep on many machines: Dask workers here, at an address, or in Slurm jobs.

    with dask_client(jobs=4) as client:                        # four worker processes on this machine
        sweep(expand("smoke"), client=client)

    with dask_client("tcp://10.0.0.1:8786") as client: ...     # dask scheduler; dask worker ADDRESS --nthreads 1
    with slurm_client(jobs=20) as client: ...                  # twenty Slurm jobs, one run at a time in each

Workers write into the sweep's folders where they share a file system with it; the row of every run also comes back,
so that the ledger here is whole where they do not. A worker that dies loses nothing: its run goes to another one, which
goes on from the last epoch saved.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hsikit.experiments.config import ConfigError, Experiment
from hsikit.experiments.ledger import Store
from hsikit.experiments.workers import attempt_alone

log = logging.getLogger(__name__)
BLAME = {"distributed.scheduler.allowed-failures": 1}  # a run that ends two workers is blamed, then tried alone
# Workers of this machine come back within seconds or not at all; those of a queue may be hours away.
DESERTED = {"distributed.scheduler.no-workers-timeout": "90 s"}
SAFE = f"{sys.executable} -P"  # a job begins in the sweep's folder, where a file must not stand for a library
INSTALL = "Dask is not installed; run: pip install 'hsikit[cluster]'"


@contextlib.contextmanager
def dask_client(address: str | None = None, jobs: int = 2) -> Iterator[Any]:
    """A `dask.distributed.Client` of the scheduler at an address, or of `jobs` new worker processes on this machine.

    Raises:
        ConfigError: When Dask is not installed, or nothing answers at the address.
    """
    try:
        import dask
        from dask.distributed import Client, LocalCluster
    except ImportError:
        raise ConfigError(INSTALL) from None
    _quiet()
    if address is None:
        local = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0}
        with (dask.config.set(BLAME | DESERTED), LocalCluster(n_workers=jobs, **local) as cluster,
              Client(cluster) as client):  # fmt: skip
            yield client
        return
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"no Dask scheduler at {address!r} ({first}); start one with: dask scheduler") from None
    with client:
        yield client


@contextlib.contextmanager
def slurm_client(jobs: int, threads: int = 1) -> Iterator[Any]:
    """A client of as many Slurm jobs, each one worker process with `threads` cores of its own.

    Queue, account, wall time, memory and GPUs come from Dask's own settings file (`jobqueue.slurm` in
    ~/.config/dask/jobqueue.yaml); memory is 8 GB where it names none.

    Raises:
        ConfigError: When Dask is not installed, or there is no sbatch on this machine.
    """
    try:
        import dask
        from dask.distributed import Client
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise ConfigError(INSTALL) from None
    if shutil.which("sbatch") is None:
        raise ConfigError("there is no sbatch on this machine; run --slurm where Slurm jobs are submitted")
    _quiet()
    memory = dask.config.get("jobqueue.slurm.memory", None) or "8GB"
    with dask.config.set(BLAME), SLURMCluster(cores=1, processes=1, job_cpu=threads, memory=memory, python=SAFE,
                                              scheduler_options={"dashboard_address": None}) as cluster:  # fmt: skip
        cluster.scale(jobs=jobs)
        with Client(cluster) as client:
            yield client


def work_on_cluster(todo: list[Experiment], store: Store, client: Any) -> Iterator[tuple[Experiment, Any, str]]:
    """Yield (experiment, row or None, reason) as runs finish on a client's workers.

    Raises:
        ConfigError: When a worker has several threads; torch's threads belong to a whole process.
    """
    from dask.distributed import KilledWorker, as_completed

    if not client.scheduler_info(n_workers=-1)["workers"]:
        log.info("waiting for the first worker")
        client.wait_for_workers(1)
    for address, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        if worker["nthreads"] != 1:
            raise ConfigError(f"worker {address} has {worker['nthreads']} threads; start it with --nthreads 1, one run "
                              "at a time sets torch's threads for its whole process")  # fmt: skip
    place = replace(store, runs=store.runs.absolute(), ledger=store.ledger.absolute())
    submit = functools.partial(client.map, attempt_there, store=place, folder=os.getcwd(), pure=False)
    futures, blamed = submit(todo), []
    waiting = {future.key: experiment for future, experiment in zip(futures, todo)}
    for future in as_completed(futures):
        try:
            yield _kept(waiting[future.key], future.result(), store)
        except KilledWorker:  # by its own fault, or by that of a run that waited on the same workers
            blamed.append(waiting[future.key])
        except Exception as error:  # such as a worker without hsikit
            yield waiting[future.key], None, f"{type(error).__name__}: {error}".splitlines()[0]
    for experiment in blamed:
        try:
            yield _kept(experiment, submit([experiment])[0].result(), store)
        except Exception as error:
            yield experiment, None, f"its process ended: {error}".splitlines()[0]


def _kept(experiment: Experiment, done: tuple[Any, str], store: Store) -> tuple[Experiment, Any, str]:
    row, reason = done
    if row is not None:
        store.append(row)  # it is there already where the worker shares our file system
    return experiment, row, reason


def attempt_there(experiment: Experiment, store: Store, folder: str) -> tuple[dict[str, Any] | None, str]:
    """What the local sweep does for a run, on a worker, with relative paths meaning what they mean to the sweep."""
    with contextlib.ExitStack() as stack:
        if Path(folder).is_dir():
            stack.enter_context(contextlib.chdir(folder))
        if folder not in sys.path:  # a user's own modules lie beside the config, and never stand for a library
            sys.path.append(folder)
        return attempt_alone(experiment, store)


def _quiet() -> None:
    """Dask tells of every connection; a sweep's reader wants to see runs."""
    logging.getLogger("distributed").setLevel(logging.WARNING)


__all__ = ["attempt_there", "dask_client", "slurm_client", "work_on_cluster"]
