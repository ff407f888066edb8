"""One raster as its file holds it, read a rectangle at a time: GeoTIFF and its kin, Zarr, ENVI, NPY, NPZ, MATLAB.

layer = open_layer(Path("cube.tif"))
layer.read(slice(0, 64), slice(0, 64))        # (row, col, channel) as stored
layer.values(slice(0, 64), slice(0, 64))      # float32, scaled, NaN where there is no data

What the file says about itself (masks, no-data, scale, place, bands, classes) is in the layer's other fields. A loader
of a product fills the same fields; nothing after it needs to know where they came from.
"""

from __future__ import annotations

import math
import mmap
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hsikit.scenes.envi import decoded, envi_facts, is_envi
from hsikit.scenes.gdal import DRIVERS, Reader, opened, place_of, raster_facts
from hsikit.scenes.matlab import mat_array, mat_facts, variables
from hsikit.scenes.scene import SceneError, readable

Finding = tuple[str, str, str]  # finding, where, remedy
WHOLE_BYTES = 4 << 30  # what is unpacked into memory at most; a small file can hold more
BOMB_BYTES, BOMB = 256 << 20, 200  # no larger than that if it takes so many times the file: measurements do not
HUGE = 1e30  # beyond any sensor's number: programs write such values where nothing was measured


@dataclass(frozen=True, eq=False)
class Layer:
    """A raster on disk, opened but not read.

    Attributes:
        path: Its file, for messages.
        shape: (row, col, channel).
        dtype: As stored.
        read: Rows and columns (slices with start and stop) -> values (row, col, channel) as stored.
        array: The whole array (row, col, channel) where it can be had without reading it all, such as memory-mapped.
        wavelengths, fwhm: Band centres and widths (channel,) in nm, or None.
        good: Booleans (channel,), False for bands that the file calls bad, or None.
        nodata: Value (channel,) that means no measurement, or several (n, channel), NaN where there is none; or None.
        scale, offset: (channel,), or None: a value is stored * scale + offset.
        mask: Rows and columns -> booleans (row, col), False where the file masks a pixel; or None.
        crs, transform: Place of the outer corner of the first pixel, as rasterio gives them, each may be None.
        gcps: Control points and their CRS, where no transform follows them; or None.
        channel_names, units: What channels are called, and what a value means; empty where the file does not say.
        class_names, colors: Of values 1..C of a class map; empty where the file does not say.
        quality: Rows and columns -> purity of a majority, or spread of heights, of a layer that was made of finer
            pixels; or None.
        source_pixel: Rows and columns -> integers (row, col), equal where pixels repeat one measurement; or None.
        detector: Name (channel,) of the detector that measured a band, where there are two; or None.
        lidar: Layers of heights that belong to a product's cube.
        channels_read: How many channels a reading holds in memory at a time, where more than the shape's.
        flat: Whether the file holds (row, col) alone.
        files: Files that it is read from.
        findings: What was noticed while opening.
    """

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype
    read: Reader
    array: Callable[[], np.ndarray] | None = None
    wavelengths: np.ndarray | None = None
    fwhm: np.ndarray | None = None
    good: np.ndarray | None = None
    nodata: np.ndarray | None = None
    scale: np.ndarray | None = None
    offset: np.ndarray | None = None
    mask: Reader | None = None
    crs: Any = None
    transform: Any = None
    gcps: tuple[Sequence[Any], Any] | None = None
    channel_names: tuple[str, ...] = ()
    units: str = ""
    class_names: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    quality: Reader | None = None
    source_pixel: Reader | None = None
    detector: np.ndarray | None = None
    lidar: tuple[Layer, ...] = ()
    channels_read: int = 0
    flat: bool = False
    files: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if 0 in self.shape:
            raise SceneError(f"{self.path} is {self.shape}, expected (row, col, channel) with none of them 0")

    @property
    def scaled(self) -> bool:
        """Whether stored values are not yet the values."""
        return self.scale is not None or self.offset is not None

    @property
    def everywhere(self) -> tuple[slice, slice]:
        """All rows and columns."""
        return slice(0, self.shape[0]), slice(0, self.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of the whole raster as stored."""
        return math.prod(self.shape) * self.dtype.itemsize

    def in_memory(self) -> Layer:
        """The layer with all of its values read, once."""
        whole = self.read(*self.everywhere)
        return replace(self, read=lambda rows, cols: np.array(whole[rows, cols]), array=lambda: whole, channels_read=0)

    def missing(self, stored: np.ndarray) -> np.ndarray:
        """Booleans (..., channel), True for samples without a measurement: no-data, NaN, infinite or beyond 1e30."""
        real = stored.dtype.kind == "f"
        none = ~((stored < HUGE) & (stored > -HUGE)) if real else np.zeros(stored.shape, bool)  # NaN is neither
        with np.errstate(all="ignore"):
            for value in () if self.nodata is None else np.atleast_2d(self.nodata):
                none |= stored == (value.astype(stored.dtype) if real else value)
        return none

    def values(self, rows: slice, cols: slice) -> np.ndarray:
        """Values (row, col, channel) float32: no-data, masked and infinite samples NaN, then scaled."""
        stored = self.read(rows, cols)
        out = stored.astype(np.float32)
        out[self.missing(stored)] = np.nan
        if self.mask is not None:
            out[~self.mask(rows, cols)] = np.nan
        return self.scale_up(out)

    def scale_up(self, values: np.ndarray) -> np.ndarray:
        """Stored values (..., channel) as the file means them, float32 if anything changes."""
        if not self.scaled:
            return values
        gain = 1.0 if self.scale is None else self.scale.astype(np.float32)
        return values * gain + (0.0 if self.offset is None else self.offset.astype(np.float32))

    def take(self, index: np.ndarray) -> Layer:
        """The layer with these channels (indices) alone, in this order; everything said of a channel goes along."""
        index = np.asarray(index)
        if np.array_equal(index, np.arange(self.shape[2])):
            return self
        read = self.read
        names = tuple(self.channel_names[i] for i in index) if self.channel_names else ()
        changes: dict[str, Any] = {"channel_names": names, "channels_read": max(self.channels_read, self.shape[2])}
        for name in ("wavelengths", "fwhm", "good", "nodata", "scale", "offset", "detector"):
            own = getattr(self, name)
            changes[name] = None if own is None else own[..., index]
        shape = (*self.shape[:2], len(index))
        return replace(self, shape=shape, read=lambda r, c: read(r, c)[..., index], array=None, **changes)


def open_layer(path: Path, variable: str | None = None, encoding: str | None = None,
               byte_order: str | None = None) -> Layer:  # fmt: skip
    """Open a raster by what its name ends in, or as ENVI where a header stands beside it.

    Args:
        path: The file; for ENVI its header or its data.
        variable: Which variable of a MATLAB, NPZ or Zarr file; may be left out where there is only one.
        encoding: Of an ENVI header; UTF-8, or else Latin-1, if not given.
        byte_order: "little" or "big", in the place of what an ENVI header says.

    Raises:
        SceneError: When the file is missing, damaged, of an unknown kind, or holds no array of real numbers.
    """
    suffix = path.suffix.lower()
    if suffix == ".zarr" and path.exists():
        layer = _zarr(path, variable)
    elif not path.is_file():
        raise SceneError(f"{path} is {'no file' if path.exists() else 'missing'}")
    elif suffix == ".mat":
        name = chosen(path, variable, lambda: variables(path))
        layer = held(path, *mat_facts(path, name), lambda: mat_array(path, name), unpacked=True)
    elif suffix == ".npy":
        array = read_numpy(path)
        layer = held(path, array.shape, array.dtype, lambda: array)
    elif suffix == ".npz":
        layer = _npz(path, variable)
    elif suffix in DRIVERS:
        layer = Layer(path, **raster_facts(path))
    elif is_envi(path):
        layer = _envi(path, encoding, byte_order)
    else:
        kinds = ".hdr (ENVI), .tif, .zarr, .mat, .npy, .npz"
        raise SceneError(f"{path} is of no kind that can be read; expected one of {kinds}")
    if layer.dtype.kind not in "buif":
        raise SceneError(f"{path} holds {layer.dtype} values, expected integers or real numbers")
    return layer if layer.files else replace(layer, files=(path,))


# --- arrays --------------------------------------------------------------------------------------


def held(path: Path, shape: Sequence[int], dtype: np.dtype, load: Callable[[], np.ndarray],
         unpacked: bool = False, **facts: Any) -> Layer:  # fmt: skip
    """A layer over an array that `load` gives, called when it is first read.

    Args:
        unpacked: Whether the array is unpacked into memory, where a small file can take any size.

    Raises:
        SceneError: When it is not (row, col) or (row, col, channel).
    """
    if len(shape) not in (2, 3):
        raise SceneError(f"{path} is {tuple(shape)}, expected (row, col) or (row, col, channel)")
    rows, cols, channels = (*map(int, shape), 1)[:3]
    whole = rows, cols, channels

    @lru_cache(1)
    def array() -> np.ndarray:
        size = math.prod(whole) * np.dtype(dtype).itemsize
        if unpacked and size > WHOLE_BYTES:
            raise SceneError(f"{path} unpacks to more than {WHOLE_BYTES >> 30} GB; export it as ENVI, GeoTIFF or Zarr")
        if unpacked and size > BOMB_BYTES and size > BOMB * path.stat().st_size:
            raise SceneError(f"{path} unpacks to {size / path.stat().st_size:,.0f} times its size, as no measurement "
                             "does; export it as ENVI, GeoTIFF or Zarr")  # fmt: skip
        return load().reshape(whole)

    return Layer(path, whole, np.dtype(dtype), lambda rows, cols: copied(array(), rows, cols), array,
                 flat=len(shape) == 2, **facts)  # fmt: skip


def copied(array: np.ndarray, rows: slice, cols: slice) -> np.ndarray:
    """A copy out of an array; the pages of a memory-mapped file are given back."""
    pages = getattr(array, "_mmap", None)
    if not isinstance(pages, mmap.mmap):
        return np.array(array[rows, cols])
    if rows.stop - rows.start == 1 == cols.stop - cols.start:
        return _pixel(array, pages, array[rows.start, cols.start])[None, None]
    piece = np.array(array[rows, cols])
    pages.madvise(mmap.MADV_DONTNEED)
    return piece


def _pixel(array: Any, pages: mmap.mmap, spectrum: np.ndarray) -> np.ndarray:
    """A spectrum out of the file itself: through the map, each band would bring its wide surroundings into memory."""
    begins = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY  # where the map does in the file
    first = begins + spectrum.ctypes.data - np.frombuffer(pages, np.uint8).ctypes.data
    with open(array.filename, "rb") as file:
        samples = []
        for band in range(spectrum.size):
            file.seek(first + band * spectrum.strides[0])
            samples.append(file.read(spectrum.itemsize))
    return np.frombuffer(b"".join(samples), spectrum.dtype)


def read_numpy(path: Path) -> np.ndarray:
    """The array of an NPY file, memory-mapped; never a pickled object.

    Raises `SceneError` when the file is missing, damaged or holds objects.
    """
    with _numpy(path):
        return np.load(path, mmap_mode="r", allow_pickle=False)


def _npz(path: Path, variable: str | None) -> Layer:
    """A variable of an NPZ; its head alone is read, so that a small file that unpacks to much does no harm."""
    with _numpy(path), np.load(path, allow_pickle=False) as file:
        name = chosen(path, variable, lambda: list(file))
        with file.zip.open(f"{name}.npy") as member:
            version = np.lib.format.read_magic(member)
            head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = head(member)

    def load() -> np.ndarray:
        with _numpy(path), np.load(path, allow_pickle=False) as file:
            return file[name]

    return held(path, shape, dtype, load, unpacked=True)


def _numpy(path: Path) -> AbstractContextManager[None]:
    return readable(path, "NumPy file of plain numbers", "save it again with numpy.save")


def chosen(path: Path, variable: str | None, there: Callable[[], list[str]]) -> str:
    """The variable meant: the one named, or the only one. Raises `SceneError` when it is not there, or several are."""
    names = there()
    if variable is not None:
        if names and variable not in names:
            raise SceneError(f"{path} has no variable {variable!r}; it holds: {', '.join(names)}")
        return variable
    if len(names) > 1:
        raise SceneError(f"{path} holds several variables ({', '.join(names)}); say which with `variable`")
    return names[0] if names else "data"


def _envi(path: Path, encoding: str | None, byte_order: str | None) -> Layer:
    facts = envi_facts(path, encoding, byte_order)
    cube, (header, data) = facts.pop("cube"), facts["files"]
    # GDAL finds no header that begins with a mark or has an unusual name: it gets a plain one beside a link.
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "cube.img"
        try:
            plain.symlink_to(data.absolute())
        except OSError:  # not allowed here
            plain = data
        (Path(folder) / "cube.hdr").write_text(decoded(header.read_bytes(), encoding), encoding="utf-8")
        with opened(plain, "ENVI", missing_ok=True) as source:
            place = {} if source is None else place_of(source)
    facts["findings"] += place.pop("findings", ())
    return held(path, cube.shape, cube.dtype, lambda: cube, **facts, **place)


# --- Zarr ----------------------------------------------------------------------------------------


def _zarr(path: Path, variable: str | None) -> Layer:
    try:
        import zarr  # half a second
    except ImportError:
        raise SceneError(f"{path} needs the package zarr; install it with: pip install 'hsikit[cluster]'") from None
    with readable(path, f"Zarr array{f' {variable!r}' if variable else ''}", "name its array with `variable`"):
        array: Any = zarr.open_array(path, mode="r", path=variable or "")
        shape, facts = tuple(array.shape), dict(array.attrs)
        if len(shape) not in (2, 3):
            raise SceneError(f"{path} is {shape}, expected (row, col, channel)")
        whole = (*shape, 1)[:3]

        def read(rows: slice, cols: slice) -> np.ndarray:
            with readable(path, "Zarr array", "write it again"):
                return np.asarray(array[rows, cols]).reshape(rows.stop - rows.start, cols.stop - cols.start, -1)

        numbers = lambda *keys: per_channel(next((facts[k] for k in keys if facts.get(k) is not None), None), whole[2])  # noqa: E731
        place = {}
        if facts.get("transform"):
            from rasterio import Affine
            from rasterio.crs import CRS

            place = {"crs": CRS.from_user_input(facts["crs"]) if facts.get("crs") else None,
                     "transform": Affine(*facts["transform"][:6])}  # fmt: skip
        return Layer(path, whole, np.dtype(array.dtype), read, wavelengths=numbers("wavelengths_nm"),
                     fwhm=numbers("fwhm_nm"), nodata=numbers("nodata", "_FillValue"), scale=numbers("scale_factor"),
                     offset=numbers("add_offset"), units=str(facts.get("units", "")), **place)  # fmt: skip


def per_channel(value: Any, channels: int) -> np.ndarray | None:
    """A number, or one a channel, as (channel,) float64; None stays None. Raises `ValueError` when it is neither."""
    if value is None:
        return None
    numbers = np.asarray(value, np.float64)
    if numbers.ndim > 1 or numbers.size not in (1, channels):
        raise ValueError(f"{numbers.size} numbers for {channels} channels")
    return np.broadcast_to(numbers.ravel(), (channels,)).copy()
