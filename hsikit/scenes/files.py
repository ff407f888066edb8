"""A user's own scene: a small YAML file that names the cube, and whatever stands beside it.

    name: my_site
    hsi: cube.hdr                                # ENVI, GeoTIFF, MATLAB, NPY or NPZ
    lidar: [dsm.tif, {file: intensity.tif, name: intensity (counts)}]
    labels: {file: fields.gpkg, field: crop}     # or a raster: labels.tif
    classes: {wheat: "#e6c229", maize: "#1b7837"}  # or a list, or a text file: name[, colour] a line

Paths are relative to the YAML file and stay below its folder; a path may also be absolute.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.arrays import Stored, read_stored
from hsikit.scenes.envi import sample
from hsikit.scenes.raster import onto_grid
from hsikit.scenes.scene import Scene, SceneError
from hsikit.scenes.site_yaml import named, read_classes, read_yaml
from hsikit.scenes.vector import VECTORS, burn_labels

log = logging.getLogger(__name__)

SCAN_BYTES = 256 << 20  # cubes up to here are searched for NaN at opening, larger ones only by `check`
COPY_BYTES = 4 << 30  # dropping bands copies the rest; refused beyond this


def load_site(path: str | Path) -> Scene:
    """Load a user's scene from its YAML file.

    The cube keeps its stored dtype; ENVI and NPY cubes stay memory-mapped. Bands that an ENVI header marks
    bad are dropped (`bad_bands: keep` keeps them). A LiDAR raster on another grid is resampled to the cube's
    when both are georeferenced. Pixels with NaN or the nodata value throughout are not valid.

    Raises:
        SceneError: For unknown keys (the nearest known one is named), missing or damaged files, and arrays
            that do not fit each other.
    """
    path = Path(path)
    spec = read_yaml(path)
    if "hsi" not in spec:
        raise SceneError(f"{path} does not name the cube; add `hsi: your_file.hdr`")
    cube_file = named(path, spec["hsi"], "hsi")
    cube = read_stored(cube_file.path, cube_file.variable)
    if cube.array.ndim != 3:
        raise SceneError(f"{cube_file.path} is {cube.array.shape}, expected (row, col, band)")
    hsi, waves = _good_bands(path, spec, cube)
    shape = (hsi.shape[0], hsi.shape[1])
    names, colors = read_classes(path, spec.get("classes"))
    labels, names = _labels(path, spec, names, shape, cube)
    lidar, lidar_names = _lidar(path, spec.get("lidar"), shape, cube)
    return Scene(
        name=str(spec.get("name", path.stem)),
        hsi=hsi,
        labels=labels,
        class_names=names,
        colors=colors if len(colors) == len(names) else (),
        units=str(spec.get("units", "unknown units")),
        wavelengths_nm=waves,
        lidar=lidar,
        lidar_names=lidar_names,
        valid=_valid(path, spec, hsi, cube.nodata),  # type: ignore[arg-type]  # None: all valid
        masks=_masks(path, spec.get("masks"), shape),
        crs=cube.crs,
        transform=cube.transform,
        gsd_m=_gsd(path, spec.get("gsd_m"), cube),
        citation=str(spec.get("citation", "")),
        licence=str(spec.get("licence", "")),
    )


def _good_bands(path: Path, spec: Mapping[str, Any], cube: Stored) -> tuple[np.ndarray, np.ndarray | None]:
    """The cube without its bad bands, and its wavelengths (the YAML's go before the file's)."""
    waves, bands = cube.wavelengths, cube.array.shape[2]
    if "wavelengths_nm" in spec:
        try:
            waves = np.array(spec["wavelengths_nm"], np.float64).ravel()
        except (ValueError, TypeError):
            raise SceneError(f"{path}: wavelengths_nm must be a list of numbers in nm") from None
    for what, have in (("wavelengths", waves), ("bad-band flags", cube.good)):
        if have is not None and have.size != bands:
            raise SceneError(f"{path}: {have.size} {what} for {bands} bands; give one a band")
    keep = spec.get("bad_bands", "drop")
    if keep not in ("drop", "keep"):
        raise SceneError(f"{path}: bad_bands is {keep!r}, expected drop or keep")
    if cube.good is None or cube.good.all() or keep == "keep":
        return cube.array, waves
    size = int(cube.good.sum()) * cube.array.nbytes // bands
    if not size or size > COPY_BYTES:
        why = "all are marked bad" if not size else f"a copy of {size / 2**30:.1f} GB would be needed"
        raise SceneError(
            f"{path}: bad bands cannot be dropped ({why}); write `bad_bands: keep`, or export the good ones"
        )
    log.info("%s: dropped %d of %d bands that the header marks bad", path.stem, (~cube.good).sum(), bands)
    return np.asarray(cube.array)[..., cube.good], None if waves is None else waves[cube.good]


def _labels(
    path: Path, spec: Mapping[str, Any], names: list[str], shape: tuple[int, int], cube: Stored
) -> tuple[np.ndarray, list[str]]:
    """Labels (row, col) and the class names they count by; all 0 where the YAML names no labels."""
    if spec.get("labels") is None:
        return np.zeros(shape, np.int16), names
    file = named(path, spec["labels"], "labels")
    if file.path.suffix.lower() in VECTORS:
        return burn_labels(file.path, file.field, names, shape, cube.crs, cube.transform)
    labels = _layer(file.path, file.variable)
    if labels.dtype.kind == "f":
        labels = np.where(np.isnan(labels), 0, labels)  # unlabelled, as many programs write it
    if not names and labels.size and np.isfinite(labels).all():
        names = [f"class {i}" for i in range(1, min(int(labels.max()), 1000) + 1)]
    return labels, names


def _layer(path: Path, variable: str | None = None) -> np.ndarray:
    """A raster of one channel as (row, col), 0 where it says it has no data."""
    stored = read_stored(path, variable)
    array = stored.array
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim != 2:
        raise SceneError(f"{path} is {array.shape}, expected one channel (row, col)")
    if stored.nodata is not None and not np.isnan(stored.nodata):
        return np.where(array == stored.nodata, np.zeros(1, array.dtype), array)
    return np.asarray(array)


def _lidar(path: Path, value: Any, shape: tuple[int, int], cube: Stored) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """All LiDAR channels (row, col, channel) on the cube's grid, with their names."""
    if value is None:
        return None, ()
    layers, names = [], []
    for entry in value if isinstance(value, list) else [value]:
        file = named(path, entry, "lidar")
        stored = read_stored(file.path, file.variable)
        array = _on_cube(file.path, stored, shape, cube)
        layers.append(array)
        label = file.name or file.path.stem
        names += [label] if array.shape[2] == 1 else [f"{label} {i + 1}" for i in range(array.shape[2])]
    if not layers:
        raise SceneError(f"{path}: lidar is an empty list; name a file or leave the key out")
    return np.concatenate(layers, axis=2), tuple(names)


def _on_cube(path: Path, stored: Stored, shape: tuple[int, int], cube: Stored) -> np.ndarray:
    """One LiDAR file on the cube's grid: as it is if the grids agree, else resampled if both are placed."""
    array = stored.array if stored.array.ndim == 3 else stored.array[..., None]
    if array.ndim != 3:
        raise SceneError(f"{path} is {stored.array.shape}, expected (row, col) or (row, col, channel)")
    both = stored.placed and cube.placed
    same = array.shape[:2] == shape
    if same and (not both or (stored.crs == cube.crs and stored.transform.almost_equals(cube.transform))):
        if stored.nodata is not None and not np.isnan(stored.nodata):
            array = np.where(array == stored.nodata, np.float32(np.nan), array)
        return np.asarray(array, np.float32)
    if not both:
        raise SceneError(
            f"{path} is {array.shape[:2]}, the cube {shape} (row, col), and not both are georeferenced, "
            "so the LiDAR cannot be resampled; give both a CRS, or a raster of the cube's size"
        )
    log.info("%s: resampled from %s to the cube's grid %s", path.name, array.shape[:2], shape)
    try:
        return onto_grid(array, stored.crs, stored.transform, stored.nodata, shape, cube.crs, cube.transform)
    except SceneError as error:
        raise SceneError(f"{path} ({array.shape[:2]}) and the cube ({shape}): {error}") from error


def _valid(path: Path, spec: Mapping[str, Any], hsi: np.ndarray, nodata: float | None) -> np.ndarray | None:
    """Where pixels hold a spectrum: the YAML's mask, or what the cube itself says if it is small."""
    nodata = spec.get("nodata", nodata)
    if nodata is not None and not isinstance(nodata, (int, float)):
        raise SceneError(f"{path}: nodata is {nodata!r}, expected a number")
    if spec.get("valid") is not None:
        file = named(path, spec["valid"], "valid")
        return _layer(file.path, file.variable) > 0
    if hsi.nbytes > SCAN_BYTES:
        finite = np.isfinite(sample(hsi))
        if not finite.any():
            raise SceneError(f"{path}: none of {len(finite)} sampled pixels of the cube holds a number")
        if not finite.all():
            log.warning("%s: some pixels hold NaN; name a raster of valid pixels with `valid`", path.stem)
        return None
    valid = np.empty(hsi.shape[:2], bool)
    for row, pixels in enumerate(hsi):
        valid[row] = np.isfinite(pixels).all(1)
        if nodata is not None:
            valid[row] &= ~(pixels == nodata).all(1)
    return valid


def _masks(path: Path, value: Any, shape: tuple[int, int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fixed splits: `masks: {name: [train file, test file]}`."""
    masks = {}
    if value is not None and not isinstance(value, dict):
        raise SceneError(f"{path}: masks is {value!r}, expected {{name: [train file, test file]}}")
    for name, pair in (value or {}).items():
        if not isinstance(pair, list) or len(pair) != 2:
            raise SceneError(f"{path}: masks {name!r} is {pair!r}, expected [train file, test file]")
        files = [named(path, entry, f"masks {name}") for entry in pair]
        train, test = (_layer(f.path, f.variable) for f in files)
        for file, mask in zip(files, (train, test)):
            if mask.shape != shape:
                raise SceneError(f"{file.path} is {mask.shape}, the cube {shape} (row, col)")
        masks[str(name)] = (train.astype(np.int16), test.astype(np.int16))
    return masks


def _gsd(path: Path, value: Any, cube: Stored) -> float | None:
    """Pixel size in metres, as given or as the cube's grid has it (where its CRS counts in metres)."""
    if value is not None:
        if not isinstance(value, (int, float)) or not value > 0:
            raise SceneError(f"{path}: gsd_m is {value!r}, expected metres above 0")
        return float(value)
    if not cube.placed or not cube.crs.is_projected:
        return None
    return float(abs(cube.transform.a) * cube.crs.linear_units_factor[1])
