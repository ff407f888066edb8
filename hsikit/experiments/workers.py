"""A run in a process of its own: it has its threads, and a GPU where there are several, for itself."""

from __future__ import annotations

import getpass
import logging
import multiprocessing
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hsikit.experiments.config import Experiment
from hsikit.experiments.ledger import Store

log = logging.getLogger(__name__)


def attempt_alone(experiment: Experiment, store: Store) -> tuple[dict[str, Any] | None, str]:
    """Make a run in a process that has others beside it; (row, "") or (None, why it failed)."""
    with pinned(experiment.train["threads"]):
        return attempt(experiment, store)


def attempt(experiment: Experiment, store: Store) -> tuple[dict[str, Any] | None, str]:
    """Make a run; (row, "") or (None, why it failed in one line)."""
    from hsikit.experiments.run import run_experiment  # loads torch, which the process that waits does not need

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as dropped classes, the same for every run; rows count the classes
            return run_experiment(experiment, store, progress=False), ""
    except Exception as error:
        log.debug("run %s failed", experiment.hash, exc_info=True)
        return None, f"{type(error).__name__}: {error}".splitlines()[0]


def end_with_parent() -> None:
    """A worker whose sweep was killed must end too, or it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Inside the block torch has so many CPU threads and, with several GPUs, one that no other run here uses."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with _own_gpu(torch.cuda.device_count()):
            yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _own_gpu(count: int) -> Iterator[None]:
    """Make the first GPU that is free the current one; wait where none is."""
    if count < 2:
        yield
        return
    import torch

    while True:
        for number in range(count):
            lock = FileLock(Path(tempfile.gettempdir()) / f"hsikit-gpu-{number}-of-{getpass.getuser()}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            try:
                with torch.cuda.device(number):
                    yield
            finally:
                lock.release()
            return
        time.sleep(1)
