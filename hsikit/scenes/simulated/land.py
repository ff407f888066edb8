"""What stands where in the simulated valley: slope, woods, parcels, roads, houses, bare plots, heights.

All sizes are assumed; see `hsikit.scenes.simulated` for how and when they were fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

GSD_M = 1.0

# Cover codes. 1..6 are the labels; 0 and 7 are never labelled.
GRASS, APPLE, BUILDING, GROUND, WOODS, VINEYARD, ROAD, PAVING = range(8)

CROP_SHARES = {VINEYARD: 0.56, APPLE: 0.28, GRASS: 0.16}  # of field parcels
PARCEL_SIDE_M = (18.0, 44.0)
ROW_SPACING_M = {APPLE: 3.8, VINEYARD: 2.6}
CROWN_SHARE = {APPLE: (0.30, 0.95), VINEYARD: (0.40, 0.92), WOODS: (0.80, 1.0)}  # of a pixel, least and most
CROWN_HEIGHT_M = {APPLE: 3.4, VINEYARD: 2.1}
TREE_HEIGHT_M = (13.0, 3.0)  # mean and standard deviation
WOOD_PIECE_M = (45.0, 26.0)  # a labelled polygon of woods: along and across the slope

MAIN_ROAD_M = 8.0  # widths
SIDE_ROAD_M = 5.0
SIDE_ROAD_EVERY_M = 110.0
ROAD_STRETCH_M = 40.0  # a labelled polygon of road

VILLAGE_EVERY_M = 170.0
VILLAGE_SPREAD_M = 20.0  # standard deviation of a house's distance from the village's middle
HOUSES_PER_VILLAGE = 60  # tried; those that would stand on a road or on another house are left out
HOUSE_SIDE_M = (8.0, 20.0)
WALL_HEIGHT_M = (3.5, 9.0)
ROOF_RISE_M = 2.0  # of the ridge over the eaves
YARD_M = 3  # paving around a house

BARE_PLOT_PER_M2 = 1 / 7000.0
BARE_PLOT_SIDE_M = (8.0, 17.0)

HILL_M = 40.0  # rise of the wooded slope over the valley floor
FLOOR_ROUGHNESS_M = 0.5


@dataclass(frozen=True)
class Land:
    """What stands where; every raster is (row, col).

    Attributes:
        cover: Cover code of each pixel.
        unit: Number of the parcel, house, plot, stretch of road or piece of wood a pixel belongs to.
        crowns: Share of a pixel under crowns; 0 outside orchards, vineyards and woods.
        terrain_m, height_m: Bare terrain, and height of what stands on it.
    """

    cover: np.ndarray
    unit: np.ndarray
    crowns: np.ndarray
    terrain_m: np.ndarray
    height_m: np.ndarray


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_m: float) -> np.ndarray:
    """Gaussian-filtered noise (row, col) with mean 0 and standard deviation 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), scale_m / GSD_M, mode="reflect")
    return (noise - noise.mean()) / noise.std()


def build_land(rng: np.random.Generator, rows: int, cols: int) -> Land:
    """Draw a valley of rows x cols pixels; later covers overrule earlier ones."""
    shape = (rows, cols)
    row, col = np.indices(shape) * GSD_M
    breadth = rows * GSD_M  # metres from edge to edge of the valley
    bend = 0.06 * breadth * np.sin(2 * np.pi * (col / 450.0 + rng.uniform()))
    across = row - 0.55 * breadth - bend  # metres south of the main road
    along = col + 0.2 * across

    ragged = 0.15 * smooth_noise(rng, shape, 1.5)
    woods = -across / breadth + 0.05 * smooth_noise(rng, shape, 14) + 0.05 * ragged > 0.29
    woods |= (across / breadth > 0.15) & (smooth_noise(rng, shape, 16) + ragged > 1.5)  # copses
    roads = draw_roads(along, across, cols, rng) & ~(woods & (across < 0))
    unit = draw_parcels(along, across, rng)
    crop = deal_crops(unit, woods | roads, rng)
    cover = crop[unit]
    cover[edge_of(unit)] = GRASS  # headlands
    crowns, height = plant_rows(cover, unit, along, across, rng)

    cover[woods], cover[roads] = WOODS, ROAD
    tall = np.maximum(TREE_HEIGHT_M[0] + TREE_HEIGHT_M[1] * crown_relief(rng, shape), 4.0)
    crowns[woods] = (CROWN_SHARE[WOODS][0] + np.ptp(CROWN_SHARE[WOODS]) * rng.uniform(size=shape))[woods]
    height[woods] = tall[woods]
    piece = np.floor(along / WOOD_PIECE_M[0]) * 100 + np.floor(across / WOOD_PIECE_M[1])
    stretch = np.floor((along + 2 * across) / ROAD_STRETCH_M)
    unit = np.where(woods, 10_000 + piece.astype(int) + 50, unit)
    unit = np.where(roads, 100_000 + stretch.astype(int), unit)

    place_plots(cover, unit, rng)
    place_houses(cover, unit, height, rng)
    crowns[~np.isin(cover, (APPLE, VINEYARD, WOODS))] = 0.0
    height[np.isin(cover, (ROAD, GROUND, PAVING))] = 0.0
    unit = np.unique(unit, return_inverse=True)[1].reshape(shape)
    terrain = HILL_M * np.logaddexp(0.0, (-across / breadth - 0.3) * 14) / 4 + 0.004 * col
    terrain += FLOOR_ROUGHNESS_M * smooth_noise(rng, shape, 30)
    return Land(cover, unit, crowns, terrain - terrain.min(), height)


def edge_of(unit: np.ndarray) -> np.ndarray:
    """Pixels (row, col) that touch a pixel of another unit."""
    return ndimage.maximum_filter(unit, 3) != ndimage.minimum_filter(unit, 3)


def draw_roads(along: np.ndarray, across: np.ndarray, cols: int, rng: np.random.Generator) -> np.ndarray:
    """One road down the valley and side roads across it; True on a road."""
    roads = np.abs(across) < MAIN_ROAD_M / 2
    count = max(1, round(cols * GSD_M / SIDE_ROAD_EVERY_M))
    starts = (np.arange(count) + rng.uniform(0.25, 0.75, count)) * cols * GSD_M / count
    for start, lean in zip(starts, rng.uniform(-0.3, 0.3, count)):
        roads |= np.abs(along - start + lean * across) < SIDE_ROAD_M / 2
    return roads


def draw_parcels(along: np.ndarray, across: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strips along the valley, each cut across at its own depth: number of the parcel of each pixel."""
    reach = along.max() - along.min()
    edges = along.min() + np.cumsum(rng.uniform(*PARCEL_SIDE_M, int(reach / PARCEL_SIDE_M[0]) + 1))
    strip = np.searchsorted(edges, along)
    depth = rng.uniform(*PARCEL_SIDE_M, edges.size + 1)[strip]
    shift = rng.uniform(0.0, PARCEL_SIDE_M[1], edges.size + 1)[strip]
    field = np.floor((across + shift) / depth).astype(int)
    return np.unique(strip * 1000 + field + 500, return_inverse=True)[1].reshape(along.shape)


def deal_crops(unit: np.ndarray, taken: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop for each parcel, dealt by `CROP_SHARES` of the open area so that none goes missing."""
    area = np.bincount(unit[~taken], minlength=unit.max() + 1)
    order = rng.permutation(area.size)
    middle = (np.cumsum(area[order]) - 0.5 * area[order]) / max(area.sum(), 1)
    bounds = np.cumsum(list(CROP_SHARES.values()))
    dealt = np.empty(area.size, int)
    dealt[order] = np.array(list(CROP_SHARES))[np.searchsorted(bounds[:-1], middle)]
    return dealt


def plant_rows(
    cover: np.ndarray, unit: np.ndarray, along: np.ndarray, across: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of fruit trees and vines: share of a pixel under crowns, and height in metres."""
    turn = rng.choice([0.0, np.pi / 2], unit.max() + 1) + rng.normal(0.0, 0.12, unit.max() + 1)
    vigour = rng.normal(0.0, 0.15, unit.max() + 1)[unit] + 0.12 * smooth_noise(rng, cover.shape, 3)
    offset = along * np.cos(turn)[unit] + across * np.sin(turn)[unit]  # metres across the rows
    crowns, height = np.zeros(cover.shape), np.full(cover.shape, 0.1)
    for crop, spacing in ROW_SPACING_M.items():
        here = cover == crop
        on_row = 0.5 + 0.5 * np.cos(2 * np.pi * offset[here] / spacing)
        low, high = CROWN_SHARE[crop]
        crowns[here] = np.clip(low + (high - low) * on_row + vigour[here], 0.1, 1.0)
        height[here] = CROWN_HEIGHT_M[crop] * (1.0 + 0.5 * vigour[here]) * crowns[here] ** 0.5
    return crowns, height


def crown_relief(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Stands of different height with single crowns on them, about standard normal (row, col)."""
    return 0.75 * smooth_noise(rng, shape, 15) + 0.65 * smooth_noise(rng, shape, 2.2)


def place_plots(cover: np.ndarray, unit: np.ndarray, rng: np.random.Generator) -> None:
    """Bare plots on fields (building sites, fresh tillage); writes into `cover` and `unit`."""
    rows, cols = cover.shape
    count = max(2, round(rows * cols * GSD_M**2 * BARE_PLOT_PER_M2))
    open_land = np.flatnonzero(np.isin(cover, (GRASS, APPLE, VINEYARD)))
    for number, spot in enumerate(rng.choice(open_land, count)):
        inside, _, _ = rectangle(cover.shape, divmod(int(spot), cols), rng.uniform(*BARE_PLOT_SIDE_M, 2), rng)
        inside &= np.isin(cover, (GRASS, APPLE, VINEYARD, GROUND))
        cover[inside], unit[inside] = GROUND, 200_000 + number


def place_houses(cover: np.ndarray, unit: np.ndarray, height: np.ndarray, rng: np.random.Generator) -> None:
    """Villages beside the main road; writes into `cover`, `unit` and `height`."""
    cols = cover.shape[1]
    count = max(1, round(cols * GSD_M / VILLAGE_EVERY_M))
    middle_cols = (np.arange(count) + rng.uniform(0.3, 0.7, count)) * cols / count
    free = ~np.isin(cover, (ROAD, GROUND, WOODS))
    number = 300_000
    for middle_col in middle_cols:
        middle_row = np.flatnonzero(cover[:, int(middle_col)] == ROAD).mean()
        for _ in range(HOUSES_PER_VILLAGE):
            centre = np.array([middle_row, middle_col]) + rng.normal(0.0, VILLAGE_SPREAD_M / GSD_M, 2)
            inside, ridge, wall = rectangle(cover.shape, centre, rng.uniform(*HOUSE_SIDE_M, 2), rng)
            if not inside.any() or not free[inside].all():
                continue
            yard = ndimage.binary_dilation(inside, iterations=YARD_M) & free
            cover[yard], unit[yard] = PAVING, 400_000
            cover[inside], unit[inside] = BUILDING, number
            height[inside] = WALL_HEIGHT_M[0] + np.ptp(WALL_HEIGHT_M) * wall + ROOF_RISE_M * ridge[inside]
            free &= ~ndimage.binary_dilation(inside, iterations=2)  # a lane between houses
            number += 1


def rectangle(
    shape: tuple[int, int], centre: tuple[float, float] | np.ndarray, sides_m: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """A turned rectangle: True inside (row, col), closeness to its long axis 0..1, and one uniform number."""
    turn, extra = rng.uniform(0.0, np.pi), float(rng.uniform())
    row, col = np.indices(shape) * GSD_M
    down, right = row - centre[0] * GSD_M, col - centre[1] * GSD_M
    long, short = down * np.cos(turn) + right * np.sin(turn), right * np.cos(turn) - down * np.sin(turn)
    half_long, half_short = max(sides_m) / 2, min(sides_m) / 2
    inside = (np.abs(long) < half_long) & (np.abs(short) < half_short)
    return inside, 1.0 - np.clip(np.abs(short) / half_short, 0.0, 1.0), extra
