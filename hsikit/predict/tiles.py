"""Whole tiles of a scene through a network, side by side, as large as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from hsikit._util import one_thread

MOST_PIXELS = 128 * 128  # of a tile with its halo: larger ones leave the caches and are slower
T = TypeVar("T")


class Tile(NamedTuple):
    """A rectangle of the map: rows top to bottom, columns left to right, the ends left out."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array of the map."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def cut(area: Tile, rows: int, cols: int) -> list[Tile]:
    """Tiles of at most so many rows and columns, row after row, that cover an area and are nearly equal in size."""
    edges = []
    for start, stop, most in ((area.top, area.bottom, rows), (area.left, area.right, cols)):
        parts = -(-(stop - start) // most)
        edges.append([start + (stop - start) * k // parts for k in range(parts + 1)])
    return [Tile(top, bottom, left, right) for top, bottom in zip(edges[0], edges[0][1:])
            for left, right in zip(edges[1], edges[1][1:])]  # fmt: skip


def tiles(area: Tile, window: int, pixels: int, threads: int) -> list[Tile]:
    """Tiles of at most so many pixels with their halo, and at least one a thread; long rows rather than squares."""
    halo = window - 1
    pixels = min(pixels, MOST_PIXELS)
    height, width = area.bottom - area.top, area.right - area.left
    parts = -(-(width + halo) // max(pixels // (4 * halo + 1), 1))  # a tile is at least four times as high as its halo
    across = -(-width // max(parts, 1))
    down = max(pixels // (across + halo) - halo, 1)
    return cut(area, min(down, -(-height // threads)), across)


def activation_bytes(network: nn.Module, bands: int, lidar_channels: int, window: int) -> int:
    """Bytes that a pixel of a tile takes while it goes through a network: twice all that its layers give out.

    Not all of it lives at once; the rest is room for the copies that convolutions make.
    """
    device = next(network.parameters(), torch.empty(0)).device
    values = bands + lidar_channels

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal values
        if isinstance(output, Tensor) and output.ndim > 2:
            values += 2 * output.numel() // (output.shape[-2] * output.shape[-1])

    hooks = [m.register_forward_hook(count) for m in network.modules() if not list(m.children())]
    lidar = torch.zeros(1, lidar_channels, window, window, device=device) if lidar_channels else None
    with torch.inference_mode():
        network(torch.zeros(1, bands, window, window, device=device), lidar)
    for hook in hooks:
        hook.remove()
    return 4 * values


def side_by_side(work: Callable[[Tile], T], parts: list[Tile], threads: int,
                 progress: bool) -> Iterator[tuple[Tile, T]]:  # fmt: skip
    """Each tile with the result of `work`, in the order they are done, in inference mode, one thread a tile.

    Two tiles at a time beat two threads inside every layer, which wait for each other hundreds of times a tile.
    """
    with tqdm(total=len(parts), desc="map", unit="tile", disable=not progress, leave=False) as bar:
        alone = ((part, _alone(work, part)) for part in parts)
        results = _in_threads(work, parts, threads) if threads > 1 < len(parts) else alone
        for result in results:
            yield result
            bar.update()


def _in_threads(work: Callable[[Tile], T], parts: list[Tile], threads: int) -> Iterator[tuple[Tile, T]]:
    waiting = iter(parts)
    with one_thread(), ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        running: dict[Future[T], Tile] = {pool.submit(_alone, work, part): part for part in islice(waiting, threads)}
        while running:
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                part = running.pop(done)
                running |= {pool.submit(_alone, work, following): following for following in islice(waiting, 1)}
                yield part, done.result()


def _alone(work: Callable[[Tile], T], part: Tile) -> T:
    with torch.inference_mode():  # a setting of each thread
        return work(part)
