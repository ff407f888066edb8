"""One thread inside layers, for as long as a block lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, and the caller's number of threads back afterwards.

    Sums are then taken in one order, so that results are the same bits whatever the machine; and where layers are
    short, more threads cost more than they bring, above all on a busy machine.
    """
    import torch  # the text back-ends come here before torch is wanted

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
