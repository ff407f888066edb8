"""A simulated alpine valley with hyperspectral and LiDAR rasters; no sensor ever saw it.

Six classes in the manner of Trento: apple trees, buildings, ground, woods, vineyard, roads.
`land` decides what stands where, `light` holds materials, light and sensor; here they
are put together and part of the scene is labelled.

Every parameter is assumed. The layout was judged by eye; leaf traits, roof shares and sensor noise were
set by one criterion, looked at on the scenes of seeds 0 to 3: on spectra an RBF-SVM is to reach 80-93 %
overall accuracy from 819 random training pixels, and the two LiDAR channels are to add at least 2 points.
All of it was fixed before any network was fitted. Class names and prompts play no part in the generator.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from hsikit.scenes.scene import Scene, SceneError
from hsikit.scenes.simulated import land as valley
from hsikit.scenes.simulated import light as spectra

SMALLEST = (64, 128)  # rows, cols: below this a class often finds no room
CLASS_NAMES = ("apple trees", "buildings", "ground", "woods", "vineyard", "roads")
COLORS = ("#9ed126", "#bf3a2b", "#caa06a", "#206b34", "#8d45ad", "#6e747f")

# Labelled share of the scene for each class: the published counts of Trento over its 166 x 600 pixels.
LABELLED_SHARE = np.array([4034, 2903, 479, 9123, 10501, 3174]) / (166 * 600)
MARGIN_PX = 2  # most labelled polygons stop this far inside the edge
SHARE_TO_THE_EDGE = 0.45  # of polygons, labelled up to the edge: these bring mixed pixels

GRASS_BETWEEN_ROWS = (0.1, 1.0)  # share of grass, the rest soil, by parcel
WEEDS_ON_GROUND = (0.0, 0.35)  # share of grass on bare plots
PATCH_M = (25.0, 5.0, 0.7)  # scales of leaf area, chlorophyll, wetness, ...
PATCH_WEIGHTS = (0.45, 0.4, 0.45)  # of these scales
PARCEL_WEIGHT = 0.7  # of a parcel's own level: farmers differ

LIDAR_HEIGHT_NOISE_M = 0.12
LIDAR_INTENSITY_NOISE = 0.08  # share of the signal


def load_simulated(seed: int = 0, rows: int = 166, cols: int = 600) -> Scene:
    """The simulated valley: 63 bands from 400 to 990 nm and two LiDAR channels, at 1 m.

    `hsi` is float32 (row, col, 63), reflectance (simulated), with slope and shadow left in. `lidar` is float32 (row,
    col, 2): surface height in metres over the valley's lowest point, and intensity. The same seed and size give
    bit-identical, read-only arrays; a second call in one process returns the same scene. Raises `SceneError` when the
    size cannot hold all six classes, or a small scene's seed left one out.
    """
    if rows < SMALLEST[0] or cols < SMALLEST[1]:
        least = f"ask for at least {SMALLEST[0]} rows and {SMALLEST[1]} cols"
        raise SceneError(f"simulated: {rows} x {cols} pixels were asked for, which cannot hold six classes; {least}")
    return _build(int(seed), int(rows), int(cols))


@lru_cache(maxsize=4)
def _build(seed: int, rows: int, cols: int) -> Scene:
    rng = np.random.default_rng(seed)
    land = valley.build_land(rng, rows, cols)
    surface = land.terrain_m + land.height_m
    labels = draw_labels(land, rng)
    missing = sorted(set(range(1, len(CLASS_NAMES) + 1)) - set(np.unique(labels).tolist()))
    if missing:
        raise SceneError(
            f"simulated: seed {seed} left no room for classes {missing} on {rows} x {cols} pixels; "
            "take another seed or a larger scene"
        )
    true = reflectance(land, abundances(land, rng), rng)
    cube = spectra.sense(spectra.illuminate(true, surface, valley.GSD_M), rng)
    scene = Scene(
        "simulated", cube, labels, CLASS_NAMES, units="reflectance (simulated)", wavelengths_nm=spectra.WAVELENGTHS_NM,
        lidar=scan(surface, true[..., -1], rng), lidar_names=("surface height (m)", "intensity (no unit)"),
        colors=COLORS, gsd_m=valley.GSD_M, licence="Apache-2.0", simulated=True,
        citation="Simulated by hsikit with PROSAIL canopy spectra (Jacquemoud et al. 2009, Remote Sensing of "
                 "Environment 113, S56-S66); no sensor saw this scene.",
    )  # fmt: skip
    for array in (scene.hsi, scene.lidar, scene.labels, scene.valid, scene.wavelengths_nm):
        if array is not None:
            array.flags.writeable = False
    return scene


def draw_labels(land: valley.Land, rng: np.random.Generator) -> np.ndarray:
    """Labels (row, col), int16: whole polygons in random order until each class has its share."""
    count = land.unit.max() + 1
    depth = ndimage.distance_transform_cdt(~valley.edge_of(land.unit), metric="chessboard")  # 0 on an edge
    to_the_edge = rng.uniform(size=count) < SHARE_TO_THE_EDGE
    inside = depth >= np.where(to_the_edge, 0, MARGIN_PX)[land.unit]
    labels = np.zeros(land.cover.shape, np.int16)
    for label in range(1, len(CLASS_NAMES) + 1):
        here = inside & (land.cover == label)
        size = np.bincount(land.unit[here], minlength=count)
        order = rng.permutation(np.flatnonzero(size))
        wanted = LABELLED_SHARE[label - 1] * labels.size
        before = np.cumsum(size[order]) - size[order]
        labels[here & np.isin(land.unit, order[before < wanted])] = label
    return labels


def patches(land: valley.Land, rng: np.random.Generator) -> np.ndarray:
    """A standard normal field (row, col): patches of several scales and a level for each parcel."""
    level = rng.standard_normal(land.unit.max() + 1)[land.unit]
    parts = [w * valley.smooth_noise(rng, land.cover.shape, s) for w, s in zip(PATCH_WEIGHTS, PATCH_M)]
    weights = np.array([*PATCH_WEIGHTS, PARCEL_WEIGHT])
    return (sum(parts) + PARCEL_WEIGHT * level) / np.sqrt((weights**2).sum())


def abundances(land: valley.Land, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Share of each material (row, col) in a pixel after the optics' blur; the shares of a pixel sum to 1."""
    cover, crowns = land.cover, land.crowns
    dusty = spectra.spread(patches(land, rng), *spectra.DUST_ON_ROADS)
    mossy = spectra.spread(patches(land, rng), *spectra.MOSS_ON_ROOFS)
    weedy = spectra.spread(patches(land, rng), *WEEDS_ON_GROUND)
    grassy = spectra.spread(patches(land, rng), *GRASS_BETWEEN_ROWS)
    wood, roof = cover == valley.WOODS, cover == valley.BUILDING
    paved, crops = np.isin(cover, (valley.ROAD, valley.PAVING)), np.isin(cover, (valley.APPLE, valley.VINEYARD))
    places = [cover == valley.GROUND, roof, crops, paved | wood]
    grass = np.select(places, [weedy, mossy, (1.0 - crowns) * grassy, 0.0], 1.0)
    shares = {
        "apple": np.where(cover == valley.APPLE, crowns, 0.0),
        "vine": np.where(cover == valley.VINEYARD, crowns, 0.0),
        "tree": np.where(wood, crowns, 0.0),
        "roof": np.where(roof, 1.0 - mossy, 0.0),
        "asphalt": np.where(paved, 1.0 - dusty, 0.0),
        "grass": grass,
    }
    shares["soil"] = 1.0 - sum(shares.values())
    return {k: ndimage.gaussian_filter(v, spectra.POINT_SPREAD_PX) for k, v in shares.items()}


def reflectance(land: valley.Land, shares: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Reflectance (row, col, band), float32, on flat, lit ground: a linear mixture of materials."""
    vigour, green, wet, bright, age, tone = (patches(land, rng) for _ in range(6))
    wetness = spectra.spread(wet, 0.0, 1.0)
    kinds = rng.choice(len(spectra.ROOF_SHARES), land.unit.max() + 1, p=spectra.ROOF_SHARES)[land.unit]
    elsewhere = land.cover != valley.BUILDING
    nearest = ndimage.distance_transform_edt(elsewhere, return_distances=False, return_indices=True)
    kinds = kinds[tuple(nearest)]  # a blurred edge carries its own house's roof
    mixture = np.zeros((*land.cover.shape, spectra.WAVELENGTHS_NM.size), np.float32)
    canopies = {"apple": spectra.APPLE, "vine": spectra.VINE, "tree": spectra.TREE, "grass": spectra.GRASS}
    for material, share in shares.items():
        here = share > 1e-3
        if material in canopies:
            pure = spectra.canopy_spectra(canopies[material], vigour[here], green[here], wetness[here])
        elif material == "soil":
            pure = spectra.soil_spectra(wetness[here], spectra.spread(bright[here], *spectra.SOIL_BRIGHTNESS))
        elif material == "asphalt":
            pure = spectra.asphalt_spectra(spectra.spread(age[here], 0.0, 1.0))
        else:
            pure = spectra.roof_spectra(kinds[here], spectra.spread(tone[here], 0.0, 1.0))
        mixture[here] += share[here, None].astype(np.float32) * pure
    return mixture


def scan(surface_m: np.ndarray, near_infrared: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """LiDAR (row, col, 2), float32: gridded surface height in metres, and intensity.

    Intensity follows the reflectance at the longest wavelength, the nearest to the usual 1064 nm; a laser
    brings its own light, so neither sun nor shadow enters.
    """
    height = ndimage.gaussian_filter(surface_m, 0.5) + rng.normal(0.0, LIDAR_HEIGHT_NOISE_M, surface_m.shape)
    speckle = rng.normal(1.0, LIDAR_INTENSITY_NOISE, surface_m.shape)
    return np.stack([height, np.maximum(near_infrared * speckle, 0.0)], -1).astype(np.float32)
