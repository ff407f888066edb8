"""What every network returns, and how a network gets the same first weights from the same seed."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Output(NamedTuple):
    """Maps a network gives back; row and col are 1 for a single window, the scene's for a dense pass.

    Attributes:
        logits: Final class scores (batch, class, row, col), over all classes of the scene.
        embedding: Final features (batch, dim, row, col), before the classifier.
        exits: Class scores of earlier exits, shallow to deep, each (batch, class, row, col).
        features: Projected features of the earlier exits, each (batch, dim, row, col).
        scales: Class scores of each scale of a network that sums them, each (batch, class, row, col).
    """

    logits: Tensor
    embedding: Tensor
    exits: tuple[Tensor, ...] = ()
    features: tuple[Tensor, ...] = ()
    scales: tuple[Tensor, ...] = ()

    def only(self, classes: Sequence[int] | Tensor) -> Output:
        """The same with the logits of some classes (indices from 0), such as the trained ones."""
        exits, scales = (tuple(t[:, classes] for t in ts) for ts in (self.exits, self.scales))
        return self._replace(logits=self.logits[:, classes], exits=exits, scales=scales)

    def rows(self, part: slice) -> Output:
        """The same for some of the batch."""
        return Output(self.logits[part], self.embedding[part], *(tuple(t[part] for t in ts) for ts in self[2:]))

    def averaged(self) -> Output:
        """The same with the logarithm of the mean probability of all outputs as the final one."""
        outputs = torch.stack([*self.exits, self.logits])
        return self._replace(logits=outputs.log_softmax(2).logsumexp(0) - math.log(len(outputs)))

    def float(self) -> Output:
        """The same in float32."""
        return Output(self.logits.float(), self.embedding.float(), *(tuple(t.float() for t in ts) for ts in self[2:]))

    def centre(self) -> Output:
        """The same for single windows, row and col dropped: (batch, class) and (batch, dim)."""
        flat = lambda t: t[:, :, 0, 0]  # noqa: E731
        return Output(flat(self.logits), flat(self.embedding), *(tuple(map(flat, t)) for t in self[2:]))


def check_window(window: int, least: int) -> None:
    """Raises ValueError for a window that is even or smaller than what a network's kernels need."""
    if window < least or window % 2 == 0:
        raise ValueError(f"window={window}: the kernels need an odd number of pixels from {least}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a generator of its own inside the block, and leave the caller's untouched."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def count_parameters(network: torch.nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def recorded(cls: Any) -> Any:
    """Class decorator: keep the arguments a network was built with, so that a saved one can be built again."""
    init, names = cls.__init__, list(inspect.signature(cls.__init__).parameters)[1:]

    @functools.wraps(init)
    def wrapper(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self.built_with = dict(zip(names, args)) | kwargs

    cls.__init__ = wrapper
    return cls
