import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hsikit.models import SDHSINet
from hsikit.models.output import Output
from hsikit.predict.tiles import Tile, activation_bytes, side_by_side, tiles


@given(rows=st.integers(1, 400), cols=st.integers(1, 700), window=st.sampled_from([1, 9, 25]),
       pixels=st.integers(1, 40_000), threads=st.integers(1, 4))  # fmt: skip
def test_tiles_cover_every_pixel_once_within_the_budget(rows, cols, window, pixels, threads):
    parts = tiles(Tile(5, 5 + rows, 3, 3 + cols), window, pixels, threads)
    seen = np.zeros((rows + 5, cols + 3), int)
    for part in parts:
        seen[part.place] += 1
    assert (seen[5:, 3:] == 1).all()
    assert seen.sum() == rows * cols
    halo = window - 1
    largest = max((t.bottom - t.top + halo) * (t.right - t.left + halo) for t in parts)
    least = (halo + 1) * (5 * halo + 2)  # a tile is never less than a row of some pixels
    assert largest <= max(pixels, least)
    assert len(parts) >= min(threads, rows)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_side_by_side_gives_each_tile_its_own_result(threads):
    before, parts = torch.get_num_threads(), tiles(Tile(0, 64, 0, 64), 1, 64, threads)

    def work(tile):
        assert torch.is_inference_mode_enabled()
        return tile.top * 100 + tile.left

    assert {t: r for t, r in side_by_side(work, parts, threads, False)} == {t: t.top * 100 + t.left for t in parts}
    torch.set_num_threads(before)


def test_an_error_in_a_tile_is_raised_where_the_map_is_made():
    def work(tile):
        raise RuntimeError("in a tile")

    with pytest.raises(RuntimeError, match="in a tile"):
        list(side_by_side(work, tiles(Tile(0, 8, 0, 8), 1, 4, 2), 2, False))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 10, 1), nn.Conv2d(10, 5, 1)

    def forward(self, hsi, lidar=None):
        x = self.second(self.first(hsi))
        return Output(x, x)


def test_activation_bytes_are_twice_what_layers_give_out():
    assert activation_bytes(Plain(), 3, 0, 1) == 4 * (2 * (10 + 5) + 3)
    light, paper = (SDHSINet(15, 4, 25, variant=v) for v in ("light", "paper"))
    assert activation_bytes(paper.eval(), 15, 0, 25) > 1000
    assert activation_bytes(light.eval(), 15, 0, 25) > 1000
