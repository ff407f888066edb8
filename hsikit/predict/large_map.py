"""A class map on its way to disk, chunk by chunk: GeoTIFF or Zarr, gone on with after any cut."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from hsikit._util import remove, write_text
from hsikit._util.errors import DiskError, disk
from hsikit.scenes.scene import SceneError
from hsikit.scenes.write import Grid, class_dtype, write_grid

log = logging.getLogger(__name__)


class LargeMap:
    """Chunks in `<out>.part`, their numbers in `<out>.done` under a line that says of what map they are.

    Args:
        out: Where the map goes in the end; .zarr, or else a GeoTIFF.
        shape: Rows and columns.
        side: Of a chunk in pixels; the last ones of a row or column are cut off.
        grid: Place on the ground, class names, colours.
        about: What the map is made of; where it differs from that of a map begun before, the map starts anew.

    Attributes:
        chunks: (top, bottom, left, right) of each.
        done: Numbers of those written.
    """

    def __init__(self, out: Path, shape: tuple[int, int], side: int, grid: Grid, about: dict[str, Any]) -> None:
        self.out, self.shape, self.side, self.grid = out, shape, side, grid
        self.part, self.list = out.with_name(out.name + ".part"), out.with_name(out.name + ".done")
        self.dtype = class_dtype(grid.class_names)
        rows, cols = shape
        self.chunks = [(top, min(top + side, rows), left, min(left + side, cols))
                       for top in range(0, rows, side) for left in range(0, cols, side)]  # fmt: skip
        plan = json.dumps({**about, "shape": shape, "side": side})
        lines = self.list.read_text().split("\n") if self.list.exists() and self.part.exists() else [""]
        self.done = {int(line) for line in lines[1:-1]} if lines[0] == plan else set()  # a torn last line is no chunk
        if lines[0] != plan:
            if lines[0]:
                log.warning("%s was begun with another model, scene or chunk size; it starts anew", out)
            out.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._begin()
                write_text(self.list, plan + "\n")
            except OSError:
                remove(self.part)  # of a map without a list of its chunks nothing can be kept
                raise
        else:
            write_text(self.list, "\n".join(lines[:-1]) + "\n")

    def _begin(self) -> None:
        remove(self.part)
        if self.out.suffix != ".zarr":
            size = self.shape[0] * self.shape[1] * self.dtype.itemsize
            with disk(self.part, size), open(self.part, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)  # a disk that fills up later has this room already
            return
        import zarr

        grid = self.grid
        place = {} if grid.crs is None else {"crs": grid.crs.to_wkt(), "transform": list(grid.transform)[:6]}
        about = {"class_names": grid.class_names, "scene": grid.name, "simulated": grid.simulated, **place}
        zarr.create_array(self.part, shape=self.shape, dtype=self.dtype, chunks=(self.side, self.side), fill_value=0,
                          attributes=about, dimension_names=("row", "col"))  # fmt: skip

    def put(self, number: int, labels: np.ndarray) -> None:
        """Write a chunk, then note that it is there.

        Raises:
            DiskError: When the disk is full; the chunks before it stay done.
        """
        with disk(self.part, labels.nbytes if self.out.suffix == ".zarr" else 0):
            self._put(number, labels)
            with open(self.list, "a") as file:
                file.write(f"{number}\n")
                file.flush()
                os.fsync(file.fileno())
        self.done.add(number)

    def _put(self, number: int, labels: np.ndarray) -> None:
        top, bottom, left, right = self.chunks[number]
        if self.out.suffix == ".zarr":
            import zarr

            store: Any = zarr.open_array(self.part, mode="r+")
            store[top:bottom, left:right] = labels
        else:
            with open(self.part, "r+b") as file:  # not mapped: a page that finds no room would end the process
                for row, line in enumerate(np.ascontiguousarray(labels, self.dtype), top):
                    os.pwrite(file.fileno(), line, (row * self.shape[1] + left) * self.dtype.itemsize)
                os.fsync(file.fileno())

    def finish(self) -> Path:
        """Move the map into place. Raises `SceneError` when it cannot be written; what is done stays done."""
        try:
            if self.out.suffix == ".zarr":
                remove(self.out)
                os.replace(self.part, self.out)
            else:
                write_grid(self.out, np.memmap(self.part, self.dtype, "r", shape=self.shape), self.grid)
                self.part.unlink()
        except DiskError:
            raise
        except OSError as error:
            raise SceneError(f"{self.out} cannot be written ({error.strerror or error})") from error
        self.list.unlink()
        return self.out
