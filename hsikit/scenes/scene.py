"""The `Scene`: one co-registered hyperspectral (and LiDAR) raster with its labels."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hsikit._util.errors import HsikitError
from hsikit.scenes.colours import class_colours, palette  # noqa: F401  palette for painters

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TRUE_COLOUR_NM = (650.0, 550.0, 470.0)  # red, green, blue as the eye sees them
COLOUR_INFRARED_NM = (850.0, 650.0, 550.0)
RANGE_NM = (100.0, 30_000.0)  # where wavelengths of light that a sensor measures may lie


class SceneError(HsikitError, ValueError):
    """A scene or one of its files is not what was expected. The message names what to change.

    Example:
        >>> hsikit.Scene("mine", np.ones((4, 5, 8)), np.ones((5, 4), int), ["meadow"])
        Traceback (most recent call last):
        hsikit.scenes.scene.SceneError: mine: the labels are (5, 4), the cube (4, 5) (row, col); ...
    """


@dataclass(frozen=True, eq=False)
class Scene:
    """A hyperspectral scene, held as it is stored, with labels and everything needed to name them.

    Attributes:
        name: Short name, such as ``"indian_pines"``.
        hsi: Cube (row, col, band), any real dtype; memory-mapped cubes stay memory-mapped.
        labels: Raster (row, col) of integers; 0 is unlabelled, classes are 1..C.
        class_names: C names; entry 0 is class 1.
        units: What a value of `hsi` means, such as ``"reflectance"`` or ``"raw sensor counts"``.
        wavelengths_nm, fwhm_nm: Band centres and widths (band,) in nanometres, or None.
        lidar: Raster (row, col, channel) or None.
        lidar_names: A name with its unit for each LiDAR channel.
        valid: Raster (row, col) of booleans, False where a pixel has no measurement. Default: all True. A function
            that returns it is called when it is first asked for, so that a large cube opens at once.
        colors: C hex colours for the classes. Default: by what their names mean (`hsikit.scenes.colours`).
        masks: Named fixed splits, name -> (train, test) label rasters as published with the scene.
        crs, transform: As rasterio gives them, or None.
        gcps: Control points and their CRS, where they alone place the scene and no transform follows them.
        gsd_m: Size of a pixel on the ground in metres, or None.
        citation, licence: What to cite and under which terms the data stands.
        simulated: True when no sensor ever saw this scene.
        findings: What was noticed while it was read, (finding, where, remedy) each; `check` begins with them.
        source_pixel: Raster (row, col) of integers, equal where two pixels repeat one measurement, or None.
        files: What it was read from; no map is written over one of them.

    Raises:
        SceneError: When shapes, dtypes or counts do not fit each other.

    Example:
        >>> cube = np.random.default_rng(0).random((20, 30, 8))
        >>> fields = np.repeat([1, 2], 300).reshape(20, 30)
        >>> hsikit.Scene("mine", cube, fields, ["meadow", "maize"], units="reflectance")
        <scene mine: 20 x 30 px, 8 bands, 2 classes, 600 labelled px, reflectance>
    """

    name: str
    hsi: np.ndarray
    labels: np.ndarray
    class_names: Sequence[str]
    units: str = "unknown units"
    wavelengths_nm: np.ndarray | None = None
    lidar: np.ndarray | None = None
    lidar_names: Sequence[str] = ()
    valid: np.ndarray = None  # type: ignore[assignment]  # below: all True, or a function that is called late
    colors: Sequence[str] = ()
    masks: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    crs: Any = None
    transform: Any = None
    gsd_m: float | None = None
    citation: str = ""
    licence: str = ""
    simulated: bool = False
    fwhm_nm: np.ndarray | None = None
    gcps: tuple[Sequence[Any], Any] | None = None
    findings: Sequence[tuple[str, str, str]] = ()
    source_pixel: np.ndarray | None = None
    files: Sequence[Path] = ()

    def __post_init__(self) -> None:
        _check_cube(self.name, self.hsi)
        rows, cols, bands = self.hsi.shape
        put = lambda key, value: object.__setattr__(self, key, value)  # noqa: E731 (frozen dataclass)
        put("class_names", tuple(str(c) for c in self.class_names))
        put("labels", _checked_labels(self.name, self.labels, (rows, cols), len(self.class_names)))
        if len(set(self.class_names)) != len(self.class_names):
            twice = sorted({c for c in self.class_names if list(self.class_names).count(c) > 1})
            raise SceneError(f"{self.name}: class names appear twice: {twice}; give each class its own name")
        if odd := [c for c in self.class_names if any(ord(x) < 32 and x not in "\t\n\r" for x in c)]:
            raise SceneError(f"{self.name}: the class name {odd[0]!r} holds a control character; write it without")
        if self.wavelengths_nm is not None:
            put("wavelengths_nm", _checked_wavelengths(self.name, self.wavelengths_nm, bands))
        if self.lidar is not None:
            lidar = self.lidar[..., None] if self.lidar.ndim == 2 else self.lidar
            if lidar.ndim != 3 or lidar.shape[:2] != (rows, cols):
                sizes = f"the LiDAR raster is {self.lidar.shape}, the cube {self.hsi.shape}"
                remedy = "rows and columns must agree, so resample the LiDAR to the cube's grid"
                raise SceneError(f"{self.name}: {sizes}; {remedy}")
            put("lidar", lidar)
            put("lidar_names", tuple(self.lidar_names) or tuple(f"channel {i}" for i in range(lidar.shape[2])))
        for what in ("fwhm_nm", "source_pixel"):
            have, wanted = getattr(self, what), (bands,) if what == "fwhm_nm" else (rows, cols)
            if have is not None and np.shape(have) != wanted:
                raise SceneError(f"{self.name}: {what} is {np.shape(have)}, expected {wanted}")
        if callable(self.valid):
            put("_read_valid", self.valid)
            del self.__dict__["valid"]  # until it is asked for
        else:
            put("valid", self._checked_valid(self.valid))
        put("colors", tuple(self.colors) or class_colours(self.class_names))
        if len(self.colors) != len(self.class_names):
            raise SceneError(f"{self.name}: {len(self.colors)} colours for {len(self.class_names)} classes")

    def _checked_valid(self, valid: np.ndarray | None) -> np.ndarray:
        valid = np.ones(self.shape, bool) if valid is None else np.asarray(valid, bool)
        if valid.shape != self.shape:
            raise SceneError(f"{self.name}: the valid mask is {valid.shape}, expected {self.shape}")
        if not valid.any():
            raise SceneError(f"{self.name}: no pixel is valid; at least one pixel needs a spectrum")
        return valid

    # --- plain facts -----------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.hsi.shape[0], self.hsi.shape[1]

    @property
    def bands(self) -> int:
        """Number of spectral bands."""
        return self.hsi.shape[2]

    @property
    def n_classes(self) -> int:
        """Number of named classes C."""
        return len(self.class_names)

    @property
    def lidar_channels(self) -> int:
        """Number of LiDAR channels, 0 without LiDAR."""
        return 0 if self.lidar is None else self.lidar.shape[2]

    @property
    def usable(self) -> np.ndarray:
        """Labels (row, col) with 0 wherever a pixel is not valid: what a split may draw from."""
        return np.where(self.valid, self.labels, 0)

    @cached_property
    def extent(self) -> tuple[int, int, int, int]:
        """First and last row, first and last column of what was measured: a rectangle around the valid pixels."""
        rows, cols = (np.flatnonzero(self.valid.any(axis)) for axis in (1, 0))
        return int(rows[0]), int(rows[-1]), int(cols[0]), int(cols[-1])

    @cached_property
    def content_hash(self) -> str:
        """Sixteen hex digits that change whenever cube, LiDAR, labels, validity or names change."""
        digest = hashlib.sha256(repr((self.hsi.shape, str(self.hsi.dtype), self.class_names)).encode())
        for row in self.hsi:  # a row at a time keeps memory-mapped cubes on disk
            digest.update(np.ascontiguousarray(row).tobytes())
        for array in (self.labels, self.valid, self.lidar):
            if array is not None:
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:16]

    def class_counts(self) -> np.ndarray:
        """Labelled pixels of each class (C,), whether or not they are valid."""
        return np.bincount(self.labels.ravel(), minlength=self.n_classes + 1)[1:]

    def band_at(self, nm: float) -> int:
        """Index of the band whose centre is nearest to a wavelength in nanometres."""
        if self.wavelengths_nm is None:
            raise SceneError(f"{self.name} has no wavelengths, so no band lies at {nm:g} nm; choose by index")
        return int(np.abs(self.wavelengths_nm - nm).argmin())

    # --- pictures and checks ---------------------------------------------------------------------

    def rgb(self, nm: Sequence[float] = TRUE_COLOUR_NM) -> np.ndarray:
        """A three-band picture (row, col, 3) of floats in 0..1, stretched between the 2nd and 98th percentile.

        Without wavelengths, or where a scene does not reach the wanted ones, evenly spaced bands stand in.
        """
        waves = self.wavelengths_nm
        if waves is not None and waves.min() - 50 <= min(nm) and max(nm) <= waves.max() + 50:
            picks = [self.band_at(w) for w in nm]
        else:
            picks = [int(f * (self.bands - 1)) for f in (0.75, 0.5, 0.25)]
        picture = np.stack([np.asarray(self.hsi[..., b], np.float32) for b in picks], -1)  # (row, col, 3)
        low, high = np.nanpercentile(picture[self.valid], (2, 98), axis=0)
        picture = (picture - low) / np.maximum(high - low, 1e-9)
        return np.where(self.valid[..., None], np.clip(np.nan_to_num(picture), 0, 1), 1.0)

    def plot(self) -> Figure:
        """RGB, LiDAR where there is one, and ground truth with its legend, side by side."""
        from hsikit.scenes.plot import plot_scene

        return plot_scene(self)

    def check(self) -> pd.DataFrame:
        """Look for trouble (NaN, constant or duplicated bands, tiny classes, ...); one row a finding."""
        from hsikit.scenes.check import check_scene

        return check_scene(self)

    def to_xarray(self) -> Any:
        """The scene as an `xarray.Dataset` that rioxarray understands (`hsikit.scenes.exchange`)."""
        from hsikit.scenes.exchange import to_xarray

        return to_xarray(self)

    @classmethod
    def from_xarray(cls, data: Any, **facts: Any) -> Scene:
        """A scene out of an xarray dataset or data array; `facts` are fields in the place of those found."""
        from hsikit.scenes.exchange import from_xarray

        return from_xarray(data, **facts)

    def __repr__(self) -> str:
        kind = "simulated scene" if self.simulated else "scene"
        lidar = f", LiDAR x{self.lidar_channels}" if self.lidar is not None else ""
        labelled = int((self.usable > 0).sum())
        rows, cols = self.shape
        held = f"{self.bands} bands{lidar}, {self.n_classes} classes, {labelled:,} labelled px, {self.units}"
        return f"<{kind} {self.name}: {rows} x {cols} px, {held}>"


def _valid(scene: Scene) -> np.ndarray:
    return scene._checked_valid(scene._read_valid())  # type: ignore[attr-defined]


# Set after the dataclass is made, which would take it for a default; a value given stands before it.
Scene.valid = cached_property(_valid)  # type: ignore[assignment]
Scene.valid.__set_name__(Scene, "valid")  # type: ignore[attr-defined]


@contextmanager
def readable(path: Path, kind: str, remedy: str, family: type[HsikitError] | None = None) -> Iterator[None]:
    """Turn whatever a reader raises on a damaged file into one line that names the file.

    Raises `SceneError`, or an error of the `family` given, in the place of any other error.
    """
    family = family or SceneError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # readers warn about damage before they fail on it
            yield
    except (SceneError, family):
        raise
    except HsikitError as error:  # a line of our own is whole
        raise family(f"{path}: {error}") from error
    # A damaged file can raise almost anything inside a reader; all of it means the same to the caller.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise family(f"{path} is not a readable {kind} ({reason or type(error).__name__}); {remedy}") from error


def _check_cube(name: str, hsi: np.ndarray) -> None:
    if hsi.ndim != 3 or 0 in hsi.shape:
        raise SceneError(f"{name}: the cube is {hsi.shape}, expected (row, col, band) with none of them 0")
    if hsi.dtype.kind not in "uif":
        raise SceneError(f"{name}: the cube holds {hsi.dtype}, expected integers or real numbers")


def _checked_labels(name: str, labels: np.ndarray, shape: tuple[int, int], classes: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != shape:
        sizes = f"the labels are {labels.shape}, the cube {shape} (row, col)"
        raise SceneError(f"{name}: {sizes}; give labels of the cube's size")
    if labels.dtype.kind not in "uib" and not (labels.dtype.kind == "f" and np.all(labels == np.rint(labels))):
        raise SceneError(f"{name}: labels hold {labels.dtype} values that are not whole numbers 0..{classes}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > classes:
        expected = f"0 (unlabelled) to {classes} (the number of names)"
        raise SceneError(f"{name}: labels run from {low} to {high}, expected {expected}")
    return labels.astype(np.int16)


def _checked_wavelengths(name: str, wavelengths: np.ndarray, bands: int) -> np.ndarray:
    waves = np.asarray(wavelengths, np.float64).ravel()
    if waves.size != bands:
        raise SceneError(f"{name}: {waves.size} wavelengths for {bands} bands; give one a band")
    if not np.isfinite(waves).all() or waves.min() <= 0:
        raise SceneError(f"{name}: wavelengths must be positive numbers in nm")
    low, high = RANGE_NM
    if waves.max() < low:
        raise SceneError(f"{name}: wavelengths up to {waves.max():g} look like micrometres; multiply by 1000 for nm")
    if waves.min() < low or waves.max() > high:
        raise SceneError(
            f"{name}: wavelengths run from {waves.min():g} to {waves.max():g} nm, expected {low:g} to {high:g}; "
            "correct their unit in the file, or give `wavelengths_nm`"
        )
    return waves
