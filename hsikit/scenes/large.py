"""Scenes that stay on disk: ENVI, NPY, GeoTIFF and Zarr, read a rectangle at a time.

large = open_large("site.yaml")               # or cube.hdr, cube.tif, cube.zarr, or the name of a scene
piece = large.cut(0, 512, 512, 1024)          # a Scene of these rows and columns
"""

from __future__ import annotations

import mmap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.arrays import RASTERS, read_stored
from hsikit.scenes.registry import SCENES, load_scene
from hsikit.scenes.scene import Scene, SceneError
from hsikit.scenes.site_yaml import named, read_yaml

Reader = Callable[[slice, slice], np.ndarray]
GDAL_CACHE_MB = 64  # GDAL's own default is a twentieth of the machine's memory


@dataclass(frozen=True, eq=False)
class Layer:
    """One raster on disk.

    Attributes:
        read: Rows and columns -> values (row, col, channel) in the stored dtype.
        shape: (row, col, channel).
        dtype: As stored.
        wavelengths, good, nodata, crs, transform: What the file says about itself, or None.
    """

    read: Reader
    shape: tuple[int, int, int]
    dtype: np.dtype
    wavelengths: np.ndarray | None = None
    good: np.ndarray | None = None
    nodata: float | None = None
    crs: Any = None
    transform: Any = None


@dataclass(frozen=True, eq=False)
class LargeScene:
    """A scene on disk, cut into pieces that are scenes of their own.

    Attributes:
        name: Short name.
        hsi: The cube.
        bands: Which bands of it count (band,).
        wavelengths_nm: Of those bands, or None.
        lidar: Rasters on the cube's grid.
        valid: A raster above 0 where pixels have a measurement, or None: where all bands are finite and not all
            equal `nodata`.
        nodata: Value of missing measurements, or None.
        stamp: Changes when the cube's file does.
    """

    name: str
    hsi: Layer
    bands: np.ndarray
    wavelengths_nm: np.ndarray | None = None
    lidar: Sequence[Layer] = ()
    valid: Layer | None = None
    nodata: float | None = None
    stamp: str = ""
    simulated: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.hsi.shape[0], self.hsi.shape[1]

    def cut(self, top: int, bottom: int, left: int, right: int) -> Scene | None:
        """The scene of these rows and columns without labels, or None where no pixel of it is valid."""
        place = slice(top, bottom), slice(left, right)
        hsi = self.hsi.read(*place)
        if len(self.bands) != hsi.shape[2]:
            hsi = hsi[..., self.bands]
        if self.valid is not None:
            valid = self.valid.read(*place)[..., 0] > 0
        else:
            valid = np.asarray(np.isfinite(hsi).all(2))
            if self.nodata is not None:
                valid &= ~(hsi == self.nodata).all(2)
        if not valid.any():
            return None
        lidar = [_numbers(layer, layer.read(*place)) for layer in self.lidar]
        return Scene(self.name, hsi, np.zeros(valid.shape, np.int16), (), wavelengths_nm=self.wavelengths_nm,
                     lidar=np.concatenate(lidar, 2) if lidar else None, valid=valid)  # fmt: skip


def open_large(scene: str | Path) -> LargeScene:
    """Open a scene without reading it: by the path of its YAML file or of its cube, or by its name.

    Named scenes and MATLAB files are small and read whole. LiDAR must be on the cube's grid.

    Raises:
        SceneError: When a file is missing, damaged or of an unknown kind, or rasters differ in size.
    """
    path = Path(scene)
    if str(scene) in SCENES:
        return _held(load_scene(str(scene)))
    yaml = path.suffix.lower() in (".yaml", ".yml")
    spec = read_yaml(path) if yaml else {"hsi": str(path.absolute())}
    if "hsi" not in spec:
        raise SceneError(f"{path} does not name the cube; add `hsi: your_file.hdr`")
    file = named(path, spec["hsi"], "hsi")
    hsi = open_layer(file.path, file.variable)
    keep = hsi.good if hsi.good is not None and spec.get("bad_bands", "drop") == "drop" else None
    bands = np.arange(hsi.shape[2]) if keep is None else np.flatnonzero(keep)
    waves = np.array(spec["wavelengths_nm"], float) if "wavelengths_nm" in spec else hsi.wavelengths
    lidar = spec.get("lidar") or []
    entries = [named(path, entry, "lidar") for entry in (lidar if isinstance(lidar, list) else [lidar])]
    nodata = spec.get("nodata", hsi.nodata)
    if nodata is not None and not isinstance(nodata, int | float):
        raise SceneError(f"{path}: nodata is {nodata!r}, expected a number")
    valid = None if spec.get("valid") is None else named(path, spec["valid"], "valid")
    large = LargeScene(
        name=str(spec.get("name", path.stem)),
        hsi=hsi,
        bands=bands,
        wavelengths_nm=None if waves is None else waves[bands],
        lidar=[open_layer(entry.path, entry.variable) for entry in entries],
        valid=None if valid is None else open_layer(valid.path, valid.variable),
        nodata=nodata,
        stamp=_stamp(file.path),
    )
    for layer, entry in zip([*large.lidar, *([large.valid] if large.valid else [])], [*entries, valid]):
        _check_grid(layer, large.hsi, entry.path if entry else path)
    return large


def cube_gb(scene: str | Path) -> float:
    """GB of a scene's cube as float32, as it would be held in memory to be mapped; 0 for a named scene."""
    path = Path(scene)
    if str(scene) in SCENES:
        return 0.0
    yaml = path.suffix.lower() in (".yaml", ".yml")
    file = named(path, read_yaml(path).get("hsi"), "hsi") if yaml else None
    rows, cols, bands = (open_layer(file.path, file.variable) if file else open_layer(path)).shape
    return 4 * rows * cols * bands / 2**30


def open_layer(path: Path, variable: str | None = None) -> Layer:
    """Open a raster by what its name ends in; see `open_large`."""
    if not path.exists():
        raise SceneError(f"{path} is missing")
    if path.suffix.lower() == ".zarr":
        return _zarr(path, variable)
    if path.suffix.lower() in RASTERS:
        return _raster(path)
    stored = read_stored(path, variable)
    array = stored.array if stored.array.ndim == 3 else stored.array[..., None]
    if array.ndim != 3:
        raise SceneError(f"{path} is {stored.array.shape}, expected (row, col) or (row, col, channel)")
    return Layer(_mapped(array), array.shape, array.dtype, stored.wavelengths, stored.good, stored.nodata, stored.crs,
                 stored.transform)  # fmt: skip


def _mapped(array: np.ndarray) -> Reader:
    """Copies out of an array; the pages of a memory-mapped file are given back after each."""
    pages = getattr(array, "_mmap", None)

    def read(rows: slice, cols: slice) -> np.ndarray:
        piece = np.array(array[rows, cols])
        if isinstance(pages, mmap.mmap):
            pages.madvise(mmap.MADV_DONTNEED)
        return piece

    return read


def _zarr(path: Path, variable: str | None) -> Layer:
    try:
        import zarr
    except ImportError:
        raise SceneError(f"{path} needs the package zarr; install it with: pip install 'hsikit[cluster]'") from None
    try:
        array: Any = zarr.open(path, mode="r", path=variable)
        shape = tuple(array.shape)
    except Exception as error:  # a damaged store can raise almost anything; all of it means the same to the caller
        raise SceneError(f"{path} holds no Zarr array{f' {variable!r}' if variable else ''} ({error})") from error
    if len(shape) not in (2, 3):
        raise SceneError(f"{path} is {shape}, expected (row, col, channel)")
    facts = dict(array.attrs)
    waves = facts.get("wavelengths_nm")
    read = lambda rows, cols: np.asarray(array[rows, cols]).reshape(  # noqa: E731
        rows.stop - rows.start, cols.stop - cols.start, -1)  # fmt: skip
    place = {}
    if facts.get("crs") and facts.get("transform"):
        from rasterio import Affine
        from rasterio.crs import CRS

        place = {"crs": CRS.from_user_input(facts["crs"]), "transform": Affine(*facts["transform"])}
    return Layer(read, (*shape, 1)[:3], array.dtype, None if waves is None else np.array(waves, float),
                 nodata=facts.get("nodata"), **place)  # fmt: skip


def _raster(path: Path) -> Layer:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.windows import Window

    from hsikit.scenes.raster import band_wavelengths

    def read(rows: slice, cols: slice) -> np.ndarray:
        window = Window(cols.start, rows.start, cols.stop - cols.start, rows.stop - rows.start)
        with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_MB), rasterio.open(path) as source:
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return np.moveaxis(source.read(window=window), 0, -1)  # (channel, row, col) -> (row, col, channel)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as source:
                placed = source.crs is not None
                return Layer(read, (source.height, source.width, source.count), np.dtype(source.dtypes[0]),
                             band_wavelengths(source), None, source.nodata, source.crs,
                             source.transform if placed else None)  # fmt: skip
    except RasterioError as error:
        raise SceneError(f"{path} is not a readable raster ({str(error)[:120]})") from error


def _held(scene: Scene) -> LargeScene:
    """A scene in memory in the place of one on disk."""
    layer = lambda a, **facts: Layer(_mapped(a), a.shape, a.dtype, **facts)  # noqa: E731
    return LargeScene(
        scene.name,
        layer(scene.hsi, crs=scene.crs, transform=scene.transform),
        np.arange(scene.bands),
        scene.wavelengths_nm,
        [] if scene.lidar is None else [layer(scene.lidar)],
        layer(scene.valid[..., None]),
        stamp=scene.content_hash,
        simulated=scene.simulated,
    )


def _numbers(layer: Layer, values: np.ndarray) -> np.ndarray:
    """LiDAR as float32, NaN where it has no data."""
    values = values.astype(np.float32)
    if layer.nodata is not None and not np.isnan(layer.nodata):
        values[values == np.float32(layer.nodata)] = np.nan
    return values


def _check_grid(layer: Layer, hsi: Layer, path: Path) -> None:
    both = layer.transform is not None and hsi.transform is not None
    if layer.shape[:2] != hsi.shape[:2] or (both and not layer.transform.almost_equals(hsi.transform)):
        raise SceneError(
            f"{path} is {layer.shape[:2]}, the cube {hsi.shape[:2]} (row, col), or lies elsewhere; a scene that is "
            "mapped piece by piece needs rasters on one grid, so resample it to the cube's first"
        )


def _stamp(path: Path) -> str:
    inside = path / "zarr.json"
    facts = (inside if inside.exists() else path).stat()
    return f"{path.absolute()} {facts.st_size} {facts.st_mtime_ns}"


__all__ = ["LargeScene", "Layer", "cube_gb", "open_large", "open_layer"]
