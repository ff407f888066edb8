"""What a sensor would see of the simulated valley: materials, light and sensor, with their numbers.

Canopies are PROSAIL runs on a small grid (leaf area, chlorophyll, soil wetness), interpolated linearly for
each pixel; soils are PROSAIL's dry and wet soils; roofs and asphalt are simple curves. Every range below
is assumed, and was fixed with the ones in `hsikit.scenes.simulated` before any network was fitted.

Source of the canopy model: Jacquemoud et al. 2009, Remote Sensing of Environment 113, S56-S66.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import RegularGridInterpolator
from scipy.special import expit, ndtr

from hsikit._util.errors import needs

WAVELENGTHS_NM = np.linspace(400.0, 990.0, 63)

SUN_ZENITH_DEG = 38.0
SUN_AZIMUTH_DEG = 150.0  # clockwise from north; north is the first row
VIEW_ZENITH_DEG = 5.0

# Nodes of the PROSAIL grid.
LEAF_AREA_NODES = (0.3, 0.8, 1.5, 2.5, 4.0, 6.5)  # m2 of leaf per m2 of ground
CHLOROPHYLL_NODES = (12.0, 25.0, 40.0, 65.0)  # micrograms per cm2 of leaf
WETNESS_NODES = (0.0, 0.5, 1.0)  # 0 dry soil, 1 wet soil

SOIL_BRIGHTNESS = (0.65, 1.15)  # factor on PROSAIL's soils
DUST_ON_ROADS = (0.0, 0.6)  # share of soil on asphalt
MOSS_ON_ROOFS = (0.0, 0.25)  # share of grass spectrum on roofs
ROOF_SHARES = (0.55, 0.32, 0.13)  # of buildings with tile, bitumen, metal

# Light and sensor.
DIFFUSE_AT_550_NM = 0.16  # share of sky light in the irradiance of a flat, open surface
DIFFUSE_SLOPE = 2.0  # sky light falls as wavelength to this power (hazy air; pure Rayleigh has 4)
SLOPE_LIGHT_LIMITS = (0.35, 1.5)  # direct light of a slope relative to flat ground
NOISE_FLOOR = 0.002  # reflectance, standard deviation at mid-range
NOISE_OF_SIGNAL = 0.008  # share of the signal
NOISE_AT_ENDS = 2.0  # factor on the floor at 400 and 990 nm, where silicon is weak
STRIPE_GAIN = 0.006  # standard deviation of a detector line's gain
STRIPE_OFFSET = 0.0008  # reflectance
POINT_SPREAD_PX = 0.6  # standard deviation of the optics' blur


@dataclass(frozen=True)
class Canopy:
    """One plant stand: fixed leaf traits and the ranges that vary over the scene (PROSAIL's units)."""

    leaf_layers: float
    carotenoids: float  # micrograms per cm2
    brown: float
    water_cm: float
    dry_matter: float  # g per cm2
    leaf_angle_deg: float
    leaf_area: tuple[float, float]
    chlorophyll: tuple[float, float]


APPLE = Canopy(1.90, 10.0, 0.02, 0.015, 0.0095, 50.0, (1.8, 4.8), (42.0, 64.0))
TREE = Canopy(1.65, 11.0, 0.06, 0.012, 0.0110, 44.0, (3.0, 6.3), (30.0, 50.0))
VINE = Canopy(1.45, 8.0, 0.05, 0.014, 0.0065, 57.0, (1.0, 3.2), (18.0, 37.0))
GRASS = Canopy(1.45, 8.0, 0.12, 0.013, 0.0060, 64.0, (0.4, 4.0), (16.0, 48.0))


def prosail_table(canopy: Canopy) -> RegularGridInterpolator:
    """Reflectance (band,) as a linear interpolant of (leaf area, chlorophyll, soil wetness)."""
    with needs("simulate", "the simulated valley"):  # GPL-3, so no part of the base
        import prosail  # brings numba: a second or two

    every_nm = np.arange(400, 2501)
    nodes = (LEAF_AREA_NODES, CHLOROPHYLL_NODES, WETNESS_NODES)
    table = np.empty((*map(len, nodes), WAVELENGTHS_NM.size), np.float64)
    for place in np.ndindex(table.shape[:3]):
        leaf_area, chlorophyll, wetness = (axis[i] for axis, i in zip(nodes, place))
        full = prosail.run_prosail(
            canopy.leaf_layers, chlorophyll, canopy.carotenoids, canopy.brown, canopy.water_cm,
            canopy.dry_matter, leaf_area, canopy.leaf_angle_deg, 0.05, SUN_ZENITH_DEG, VIEW_ZENITH_DEG,
            90.0, rsoil=0.9, psoil=1.0 - wetness,
        )  # fmt: skip
        table[place] = np.interp(WAVELENGTHS_NM, every_nm, full)
    return RegularGridInterpolator(nodes, table, method="linear")


def spread(z: np.ndarray, low: float, high: float) -> np.ndarray:
    """Standard normal values mapped onto the range low..high, evenly filled."""
    return low + (high - low) * ndtr(z)


def canopy_spectra(canopy: Canopy, vigour: np.ndarray, green: np.ndarray, wetness: np.ndarray) -> np.ndarray:
    """Spectra (pixel, band) of one plant stand.

    Args:
        canopy: Traits and ranges.
        vigour, green: Standard normal values (pixel,) that set leaf area and chlorophyll.
        wetness: Soil wetness (pixel,), 0..1.
    """
    points = np.stack([spread(vigour, *canopy.leaf_area), spread(green, *canopy.chlorophyll), wetness], -1)
    return prosail_table(canopy)(points).astype(np.float32)


def soil_spectra(wetness: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Bare soil (pixel, band): brightness times a mixture of PROSAIL's dry and wet soils."""
    with needs("simulate", "the simulated valley"):
        from prosail import spectral_lib

    every_nm = np.arange(400, 2501)
    dry = np.interp(WAVELENGTHS_NM, every_nm, spectral_lib.soil.rsoil1)
    wet = np.interp(WAVELENGTHS_NM, every_nm, spectral_lib.soil.rsoil2)
    mixture = dry * (1.0 - wetness[:, None]) + wet * wetness[:, None]  # (pixel, band)
    return (brightness[:, None] * mixture).astype(np.float32)


def asphalt_spectra(age: np.ndarray) -> np.ndarray:
    """Asphalt (pixel, band), age 0..1: dark and flat when new, brighter and redder when worn. Assumed."""
    ramp = (WAVELENGTHS_NM - 400.0) / 590.0
    new = 0.055 + 0.02 * ramp
    worn = 0.11 + 0.10 * np.sqrt(ramp)
    return (new + age[:, None] * (worn - new)).astype(np.float32)


def roof_spectra(kind: np.ndarray, tone: np.ndarray) -> np.ndarray:
    """Roofs (pixel, band) of kind 0 tile, 1 bitumen, 2 metal; tone 0..1 from dark to bright. Assumed.

    Tile has the iron-oxide step near 580 nm, bitumen is nearly that of asphalt, metal is bright and flat.
    """
    ramp = (WAVELENGTHS_NM - 400.0) / 590.0
    tile = 0.05 + 0.17 * expit((WAVELENGTHS_NM - 585.0) / 30.0) + 0.07 * ramp
    tile = tile - 0.02 * np.exp(-(((WAVELENGTHS_NM - 870.0) / 60.0) ** 2))
    bitumen = 0.10 + 0.06 * ramp
    metal = 0.33 + 0.05 * ramp - 0.03 * np.exp(-(((WAVELENGTHS_NM - 830.0) / 50.0) ** 2))
    shapes = np.stack([tile, bitumen, metal])
    return ((0.6 + 0.8 * tone[:, None]) * shapes[kind]).astype(np.float32)


def cast_shadow(surface_m: np.ndarray, gsd_m: float, reach_m: float = 35.0) -> np.ndarray:
    """Where a height model (row, col) blocks the sun: 0 lit .. 1 in shadow, softened at its edge.

    A pixel is in shadow when, somewhere towards the sun, the surface stands above the ray to the sun.
    """
    zenith, azimuth = np.deg2rad((SUN_ZENITH_DEG, SUN_AZIMUTH_DEG))
    rows, cols = np.indices(surface_m.shape, dtype=np.float64)
    blocked = np.zeros(surface_m.shape, bool)
    for far in np.arange(1.0, reach_m, 1.0):  # metres along the ground, not pixels of the scene
        towards = (rows - np.cos(azimuth) * far / gsd_m, cols + np.sin(azimuth) * far / gsd_m)
        there = ndimage.map_coordinates(surface_m, towards, order=1, mode="nearest")
        blocked |= there - far / np.tan(zenith) > surface_m + 0.3
    return ndimage.gaussian_filter(blocked.astype(np.float32), 0.6)


def slope_light(surface_m: np.ndarray, gsd_m: float) -> np.ndarray:
    """Direct light on the slopes of a height model (row, col), relative to flat ground (cosine law)."""
    zenith, azimuth = np.deg2rad((SUN_ZENITH_DEG, SUN_AZIMUTH_DEG))
    south, east = np.gradient(ndimage.gaussian_filter(surface_m, 1.2), gsd_m)
    towards = np.cos(zenith) + np.sin(zenith) * (south * np.cos(azimuth) - east * np.sin(azimuth))
    ratio = towards / np.sqrt(1.0 + south**2 + east**2) / np.cos(zenith)
    return np.clip(ratio, *SLOPE_LIGHT_LIMITS)


def illuminate(reflectance: np.ndarray, surface_m: np.ndarray, gsd_m: float) -> np.ndarray:
    """Apparent reflectance (row, col, band): direct light times slope and shadow, plus bluish sky light."""
    diffuse = (DIFFUSE_AT_550_NM * (550.0 / WAVELENGTHS_NM) ** DIFFUSE_SLOPE).astype(np.float32)  # (band,)
    direct = (1.0 - cast_shadow(surface_m, gsd_m)) * slope_light(surface_m, gsd_m)
    light = direct.astype(np.float32)[..., None] * (1.0 - diffuse) + diffuse  # (row, col, band)
    return reflectance * light


def sense(apparent: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The recorded cube (row, col, band), float32: stripes (a row is a detector), then noise."""
    rows, _, bands = apparent.shape
    gain = rng.normal(1.0, STRIPE_GAIN, (rows, 1, bands)).astype(np.float32)
    offset = rng.normal(0.0, STRIPE_OFFSET, (rows, 1, bands)).astype(np.float32)
    ends = np.linspace(-1.0, 1.0, bands) ** 4
    floor = (NOISE_FLOOR * (1.0 + (NOISE_AT_ENDS - 1.0) * ends)).astype(np.float32)  # (band,)
    cube = apparent * gain + offset
    cube += (floor + NOISE_OF_SIGNAL * cube) * rng.standard_normal(cube.shape, dtype=np.float32)
    return np.maximum(cube, 0.0)
