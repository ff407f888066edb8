"""Scenes as xarray datasets and back, laid out as rioxarray and CF readers expect: dimensions y, x and band.

dataset = scene.to_xarray()                    # dataset.hsi, dataset.labels, dataset.lidar; dataset.rio works
scene = Scene.from_xarray(dataset)             # or any data array with a band dimension
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from hsikit.scenes.envi import in_nm
from hsikit.scenes.scene import Scene, SceneError

BANDS = ("band", "bands", "wavelength", "wavelengths", "wl", "channel")
FACTS = ("name", "units", "gsd_m", "citation", "licence", "simulated")


def _xarray() -> Any:
    try:
        import xarray  # 0.3 s
    except ImportError:
        raise SceneError("this needs the package xarray; install it with: pip install 'hsikit[xarray]'") from None
    return xarray


def to_xarray(scene: Scene) -> Any:
    """A dataset with `hsi` (y, x, band), `labels`, `valid`, and where there are any `lidar` and fixed splits.

    Memory-mapped cubes stay on disk. Coordinates: wavelength and fwhm (nm), and x, y of pixel centres where the scene
    is placed and its grid is not turned; the CRS stands in `spatial_ref`.
    """
    rows, cols = np.arange(scene.shape[0]), np.arange(scene.shape[1])
    coords: dict[str, Any] = {}
    for name, values in (("wavelength", scene.wavelengths_nm), ("fwhm", scene.fwhm_nm)):
        if values is not None:
            coords[name] = ("band", values, {"units": "nm"})
    reference: dict[str, Any] = {} if scene.crs is None else {"crs_wkt": scene.crs.to_wkt()}
    if (t := scene.transform) is not None:
        reference["GeoTransform"] = " ".join(repr(float(v)) for v in (t.c, t.a, t.b, t.f, t.d, t.e))
        if t.b == 0 == t.d:
            coords |= {"x": t.c + t.a * (cols + 0.5), "y": t.f + t.e * (rows + 0.5)}
    coords["spatial_ref"] = ((), 0, reference)
    grid = ("y", "x")
    named = {"class_names": json.dumps(scene.class_names), "colors": json.dumps(scene.colors)}
    data: dict[str, Any] = {
        "hsi": ((*grid, "band"), scene.hsi, {"units": scene.units, "grid_mapping": "spatial_ref"}),
        "labels": (grid, scene.labels, named),
        "valid": (grid, scene.valid),
    }  # fmt: skip
    if scene.lidar is not None:
        data["lidar"] = ((*grid, "channel"), scene.lidar, {"grid_mapping": "spatial_ref"})
        coords["channel"] = list(scene.lidar_names)
    if scene.source_pixel is not None:
        data["source_pixel"] = (grid, scene.source_pixel)
    for name, pair in scene.masks.items():
        data |= {f"mask {name} {part}": (grid, mask) for part, mask in zip(("train", "test"), pair)}
    known = {key: getattr(scene, key) for key in FACTS if getattr(scene, key) is not None}
    return _xarray().Dataset(data, coords, known | {"simulated": int(scene.simulated)})  # netCDF has no booleans


def from_xarray(data: Any, **facts: Any) -> Scene:
    """A scene out of what `to_xarray` made, or out of a data array (or a dataset with one) with a band dimension.

    Args:
        data: A dataset or data array; the band dimension is called one of `BANDS`, the others are rows, then columns.
        facts: Fields of the scene in the place of those found, such as ``labels``, ``class_names`` or ``name``.

    Raises:
        SceneError: When there is no such array, or fields do not fit each other.
    """
    xarray = _xarray()
    dataset = data.to_dataset(name="hsi") if isinstance(data, xarray.DataArray) else data
    if not isinstance(dataset, xarray.Dataset):
        raise SceneError(f"{type(data).__name__} is no xarray dataset or data array")
    cubes = [name for name, array in dataset.data_vars.items() if array.ndim == 3 and set(array.dims) & set(BANDS[:-1])]
    name = "hsi" if "hsi" in dataset else cubes[0] if len(cubes) == 1 else None
    cube = None if name is None else dataset[name]
    if cube is None or cube.ndim != 3 or not set(cube.dims) & set(BANDS):
        raise SceneError(f"no one array with a band dimension ({', '.join(BANDS)}) in {list(dataset.data_vars)}; "
                         "give the data array itself")  # fmt: skip
    band = next(dim for dim in cube.dims if dim in BANDS)
    grid = [dim for dim in cube.dims if dim != band]
    hsi = cube.transpose(*grid, band)
    found: dict[str, Any] = {"name": str(name), "hsi": hsi.values if hsi.chunks else hsi.data, "wavelengths_nm": None}
    found |= {key: dataset.attrs[key] for key in FACTS if key in dataset.attrs}
    found["simulated"] = bool(found.get("simulated", False))
    found |= {"units": str(cube.attrs.get("units", found.get("units", "unknown units")))}
    for key, fields in (("wavelengths_nm", ("wavelength", "wavelengths", "wl")), ("fwhm_nm", ("fwhm",))):
        if own := [cube.coords[f] for f in fields if f in cube.coords and cube.coords[f].dims == (band,)]:
            values = np.asarray(own[0].values, np.float64)
            found[key] = values * in_nm("the dataset", str(own[0].attrs.get("units", "")), values)
    labels = dataset.get("labels")
    found["labels"] = np.zeros(hsi.shape[:2], np.int16) if labels is None else labels.transpose(*grid).values
    for key in ("class_names", "colors"):
        found[key] = json.loads(labels.attrs.get(key, "[]")) if labels is not None else []
    found |= {key: dataset[key].transpose(*grid).values for key in ("valid", "source_pixel") if key in dataset}
    if "lidar" in dataset:
        heights = dataset["lidar"].transpose(*grid, ...)
        names = np.atleast_1d(heights.coords.get("channel", []))
        found |= {"lidar": heights.values, "lidar_names": [str(name) for name in names]}
    masks = {key[5:-6] for key in map(str, dataset.data_vars) if key.startswith("mask ") and key.endswith(" train")}
    found["masks"] = {m: tuple(dataset[f"mask {m} {part}"].values for part in ("train", "test")) for m in sorted(masks)}
    found |= _place(dataset, [str(dim) for dim in grid])
    return Scene(**(found | facts))


def _place(dataset: Any, grid: list[str]) -> Mapping[str, Any]:
    """CRS and transform out of `spatial_ref`, or the transform of evenly spaced coordinates."""
    from rasterio import Affine
    from rasterio.crs import CRS

    reference = dataset.coords["spatial_ref"].attrs if "spatial_ref" in dataset.coords else {}
    wkt = reference.get("crs_wkt") or reference.get("spatial_ref")
    place: dict[str, Any] = {"crs": CRS.from_wkt(wkt) if wkt else None, "transform": None}
    if "GeoTransform" in reference:
        c, a, b, f, d, e = (float(v) for v in str(reference["GeoTransform"]).split())
        place["transform"] = Affine(a, b, c, d, e, f)
    elif all(dim in dataset.coords and dataset.sizes[dim] > 1 for dim in grid):
        y, x = (np.asarray(dataset.coords[dim].values, np.float64) for dim in grid)
        steps = [np.diff(values) for values in (y, x)]
        if all(np.allclose(step, step[0], rtol=1e-3) and step[0] for step in steps):
            dy, dx = float(steps[0].mean()), float(steps[1].mean())
            place["transform"] = Affine(dx, 0, x[0] - dx / 2, 0, dy, y[0] - dy / 2)
    return place
