"""One run at a time has its threads, and a GPU where there are several, for itself."""

from __future__ import annotations

import getpass
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


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
