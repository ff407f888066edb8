"""Small inputs of the kinds that people report as bugs elsewhere, and whether hsikit behaves rightly on each.

    python people_files.py               # a line a case; exits 1 if any fails
    python people_files.py 5 12          # only these cases
    python people_files.py --list        # number and what it is
    python people_files.py -v            # with what hsikit prints

Each run needs about a minute on one core; case 13 writes a sparse file of 270 MB.

Every case has a writer `input_NN(folder)` that puts a small input of its own into a folder, and a check
`check_NN(folder)` that returns True when the product behaves rightly on it. Right means: the right values, or one clear
line that says what is wrong (an error, a warning, or a finding of `scene.check()`). All values and words are made up.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

ROWS, COLS, BANDS = 24, 30, 20
WAVES = np.linspace(420.0, 990.0, BANDS)
X0, Y0, PIXEL = 400000.0, 5800000.0, 2.0
UTM = "EPSG:32633"
MAP_INFO = f"map info = {{UTM, 1, 1, {X0}, {Y0}, {PIXEL}, {PIXEL}, 33, North, WGS-84, units=Meters}}"
NAMES = ["gravel", "sedge", "tarn"]
ENVI_TYPE = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "c8": 6, "u2": 12, "u4": 13, "i8": 14}
NOTES: dict[int, str] = {}  # what the product did, filled while the checks run


# --- the scene that all cases start from ----------------------------------------------------------


def truth() -> np.ndarray:
    """Three classes laid out so that no flip, turn or shift of the map looks like the map itself."""
    labels = np.full((ROWS, COLS), 3, np.uint8)
    labels[:9, :17] = 1
    labels[:15, 17:] = 2
    return labels


def reflectance(labels: np.ndarray | None = None, bands: int = BANDS, seed: int = 0) -> np.ndarray:
    """Spectra of the three classes with a little noise, (row, col, band) float32 between 0 and 1."""
    labels = truth() if labels is None else labels
    draw, x = np.random.default_rng(seed), np.linspace(0, 1, bands)
    spectra = np.stack([0.35 + 0.1 * x, 0.08 + 0.45 / (1 + np.exp(-14 * (x - 0.5))), 0.12 * np.exp(-3 * x) + 0.02])
    cube = spectra[labels.astype(int) - 1] + 0.006 * draw.standard_normal((*labels.shape, bands))
    return np.clip(cube, 0.001, 1).astype(np.float32)


def heights(labels: np.ndarray | None = None) -> np.ndarray:
    """A height for each class, and a slope, (row, col) float32 in metres."""
    labels = truth() if labels is None else labels
    return (np.array([0.0, 4.0, 9.0, 1.0])[labels] + 0.02 * np.arange(labels.shape[1])).astype(np.float32)


def north_up(dx: float = 0.0, dy: float = 0.0, pixel: float = PIXEL) -> Any:
    from rasterio import Affine

    return Affine(pixel, 0, X0 + dx, 0, -pixel, Y0 + dy)


def envi(folder: Path, stem: str, cube: np.ndarray, extra: str = MAP_INFO, interleave: str = "bsq", big: bool = False,
         offset: int = 0, data: str = ".img", header: str = ".hdr", waves: str | None = "", units: str = "Nanometers",
         file_type: str = "ENVI Standard", tail: bytes = b"", encoding: str = "utf-8") -> Path:  # fmt: skip
    """Write an ENVI cube and a header made by hand; returns the header."""
    order = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave.lower()]
    kind = cube.dtype.newbyteorder(">" if big else "<")
    raw = np.ascontiguousarray(cube.transpose(order)).astype(kind).tobytes()
    (folder / f"{stem}{data}").write_bytes(b"\7" * offset + raw + tail)
    code = ENVI_TYPE[cube.dtype.str[1:]]
    lines = ["ENVI", f"samples = {cube.shape[1]}", f"lines = {cube.shape[0]}", f"bands = {cube.shape[2]}",
             f"header offset = {offset}", f"file type = {file_type}", f"data type = {code}",
             f"interleave = {interleave}", f"byte order = {int(big)}"]  # fmt: skip
    if waves == "":
        waves = ", ".join(f"{w:.3f}" for w in np.linspace(420, 990, cube.shape[2]))
    if waves:
        lines += [f"wavelength = {{{waves}}}"] + ([f"wavelength units = {units}"] if units else [])
    path = folder / f"{stem}{header}"
    path.write_bytes(("\n".join([*lines, extra]) + "\n").encode(encoding))
    return path


def tif(path: Path, array: np.ndarray, transform: Any = None, crs: Any = UTM, nodata: float | None = None,
        **more: Any) -> Path:  # fmt: skip
    """Write a GeoTIFF of (row, col) or (row, col, band)."""
    import rasterio

    array = array[..., None] if array.ndim == 2 else array
    profile = {"driver": "GTiff", "height": array.shape[0], "width": array.shape[1], "count": array.shape[2],
               "dtype": array.dtype, "nodata": nodata, "crs": crs, **more}  # fmt: skip
    if transform is not False:
        profile["transform"] = north_up() if transform is None else transform
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", **profile) as target:
            target.write(np.moveaxis(array, -1, 0))
    return path


def site(folder: Path, text: str = "", hsi: str = "cube.hdr", labels: str | None = "labels.npy",
         classes: str | None = "[gravel, sedge, tarn]", name: str = "site.yaml") -> Path:  # fmt: skip
    """Write the YAML file; labels.npy holds the truth unless the case writes its own."""
    if labels == "labels.npy" and not (folder / labels).exists():
        np.save(folder / labels, truth())
    lines = [f"hsi: {hsi}"] + ([f"labels: {labels}"] if labels else []) + ([f"classes: {classes}"] if classes else [])
    (folder / name).write_text("\n".join([*lines, text]) + "\n", encoding="utf-8")
    return folder / name


# --- trying the product ---------------------------------------------------------------------------


@dataclass
class Tried:
    """What came of a call: a value, one clear line, or a traceback; and what was said on the way."""

    value: Any = None
    error: Exception | None = None
    clear: bool = False
    said: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.error is None

    def mentions(self, *words: str) -> bool:
        """Whether a warning, a finding or the one-line error names any of these words."""
        text = " | ".join([*self.said, str(self.error) if self.clear else ""]).lower()
        return any(word.lower() in text for word in words)

    def __str__(self) -> str:
        if self.error is not None:
            kind = "one line" if self.clear else "TRACEBACK"
            return f"{kind}: {type(self.error).__name__}: {str(self.error).strip()[:260]}"
        return "value"


class _Listener(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.INFO)
        self.into = into

    def emit(self, record: logging.LogRecord) -> None:
        self.into.append(record.getMessage())


def attempt(call: Callable[[], Any]) -> Tried:
    """Run a call as a user would; ValueError (SceneError, SplitError, TextError) of one line counts as clear."""
    tried, log = Tried(), logging.getLogger("hsikit")
    listener, level = _Listener(tried.said), log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tried.value = call()
        tried.said += [str(w.message) for w in caught if "hsikit" in str(w.filename) or issubclass(w.category, UserWarning)]
    except Exception as error:  # noqa: BLE001
        tried.error = error
        tried.clear = isinstance(error, ValueError | FileNotFoundError) and len(str(error).strip().splitlines()) <= 2
        if type(error).__module__.split(".")[0] != "hsikit" and type(error).__name__ != "FileNotFoundError":
            # a ValueError of a library that merely passed through is no message for the user
            import traceback

            import hsikit

            last = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
            tried.clear &= last.is_relative_to(Path(hsikit.__file__).parent)
    finally:
        log.removeHandler(listener)
        log.setLevel(level)
    return tried


def load(path: Path, check: bool = False) -> Tried:
    """load_scene, and the findings of check() among what was said."""
    import hsikit

    tried = attempt(lambda: hsikit.load_scene(path))
    if tried.ok and check:
        found = attempt(tried.value.check)
        if found.ok:
            tried.said += [" ".join(map(str, row)) for row in found.value.itertuples(index=False)]
        else:
            tried.error, tried.clear = found.error, found.clear
    return tried


def fitted(scene: Any, bands: int = 8, lidar: int = 0, epochs: int = 6, train: float = 0.3, sd: bool = False) -> Any:
    """A small network fitted on a random split: (run, split)."""
    import hsikit
    import torch

    torch.set_num_threads(1)
    split = hsikit.random_split(scene, train=train, seed=0)
    if lidar:
        model = hsikit.TrunkClassifier(hsi_bands=bands, lidar_channels=lidar, classes=scene.n_classes, window=7, width=16)
    elif sd:
        model = hsikit.SDHSINet(bands=bands, classes=scene.n_classes, window=9)
    else:
        model = hsikit.CNN2D(bands=bands, classes=scene.n_classes, window=7)
    run = hsikit.fit(model, scene, split, hsikit.TrainConfig(epochs=epochs, threads=1, lr=3e-3))
    return run, split


def cli(*args: str) -> tuple[int, str]:
    """The command line, in this process: exit code and what it wrote to standard error."""
    import io

    from hsikit.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(args))
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, err.getvalue()


def note(case: int, text: Any) -> None:
    NOTES[case] = " ".join(str(text).split())[:420]


def same(a: Any, b: Any, tol: float = 1e-4) -> bool:
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and bool(np.allclose(a, b, atol=tol, equal_nan=True))


def agree(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.asarray(a) == np.asarray(b)).mean())


# --- georeferencing of labels, LiDAR and maps -----------------------------------------------------


def input_01(folder: Path) -> Path:
    """A label raster of the cube's size that lies six pixels further east (its own extent)."""
    envi(folder, "cube", reflectance())
    labels = np.zeros((ROWS, COLS), np.uint8)
    labels[:, : COLS - 6] = truth()[:, 6:]
    tif(folder / "labels.tif", labels, north_up(dx=6 * PIXEL), nodata=0)
    return site(folder, labels="labels.tif")


def check_01(folder: Path) -> bool:
    tried = load(input_01(folder), check=True)
    right = truth().copy()
    right[:, :6] = 0
    note(1, tried if not tried.ok else f"labelled pixels that sit where the raster puts them: {agree(tried.value.labels[right > 0], right[right > 0]):.2f}; said {tried.said}")
    if not tried.ok:
        return tried.clear
    return agree(tried.value.labels, right) == 1 or tried.mentions("grid", "elsewhere", "shift", "georef", "lies")


def input_02(folder: Path) -> Path:
    """A label raster stored south-up: the same ground, rows upside down, a positive row step."""
    from rasterio import Affine

    envi(folder, "cube", reflectance())
    tif(folder / "labels.tif", truth()[::-1].copy(), Affine(PIXEL, 0, X0, 0, PIXEL, Y0 - ROWS * PIXEL))
    return site(folder, labels="labels.tif")


def check_02(folder: Path) -> bool:
    tried = load(input_02(folder), check=True)
    note(2, tried if not tried.ok else f"agreement of labels with the ground {agree(tried.value.labels, truth()):.2f}; {tried.said}")
    if not tried.ok:
        return tried.clear
    return agree(tried.value.labels, truth()) == 1 or tried.mentions("grid", "upside", "flip", "south", "elsewhere")


def input_03(folder: Path) -> Path:
    """LiDAR stored south-up, of the cube's size."""
    from rasterio import Affine

    envi(folder, "cube", reflectance())
    tif(folder / "dsm.tif", heights()[::-1].copy(), Affine(PIXEL, 0, X0, 0, PIXEL, Y0 - ROWS * PIXEL))
    return site(folder, "lidar: dsm.tif")


def check_03(folder: Path) -> bool:
    tried = load(input_03(folder))
    note(3, tried if not tried.ok else f"largest difference {np.nanmax(np.abs(tried.value.lidar[..., 0] - heights())):.4f} m")
    return tried.clear if not tried.ok else same(tried.value.lidar[..., 0], heights(), 1e-3)


def input_04(folder: Path) -> Path:
    """Cube and LiDAR in degrees with pixels of about half a metre; the LiDAR begins one whole pixel further east."""
    from rasterio import Affine

    step = 5e-6
    tif(folder / "cube.tif", reflectance(), Affine(step, 0, 13.5, 0, -step, 52.4), "EPSG:4326")
    moved = np.zeros((ROWS, COLS), np.float32)
    moved[:, :-1] = heights()[:, 1:]
    moved[:, -1] = heights()[:, -1]
    tif(folder / "dsm.tif", moved, Affine(step, 0, 13.5 + step, 0, -step, 52.4), "EPSG:4326")
    return site(folder, "lidar: dsm.tif", hsi="cube.tif")


def check_04(folder: Path) -> bool:
    tried = load(input_04(folder), check=True)
    note(4, tried if not tried.ok else f"LiDAR at row 0, columns 15-18: {tried.value.lidar[0, 15:19, 0].tolist()}, right {heights()[0, 15:19].tolist()}; {tried.said}")
    if not tried.ok:
        return tried.clear
    return same(tried.value.lidar[:, 2:-1, 0], heights()[:, 2:-1], 1e-2) or tried.mentions("offset", "resampled", "grid")


def input_05(folder: Path) -> Path:
    """Cube and LiDAR placed by geotransforms without a CRS (world files); the LiDAR lies one pixel further east."""
    tif(folder / "cube.tif", reflectance(), north_up(), None)
    moved = np.full((ROWS, COLS), 4.0, np.float32)
    moved[:, : COLS - 1] = heights()[:, 1:]
    tif(folder / "dsm.tif", moved, north_up(dx=PIXEL), None)
    return site(folder, "lidar: dsm.tif", hsi="cube.tif")


def check_05(folder: Path) -> bool:
    tried = load(input_05(folder), check=True)
    note(5, tried if not tried.ok else f"LiDAR at row 0, columns 14-18: {np.round(tried.value.lidar[0, 14:19, 0], 2).tolist()}, right {np.round(heights()[0, 14:19], 2).tolist()}; {tried.said}")
    if not tried.ok:
        return tried.clear
    return same(tried.value.lidar[:, 2:-1, 0], heights()[:, 2:-1], 1e-2) or tried.mentions("offset", "CRS", "coordinate", "geotransform")


def input_06(folder: Path) -> Path:
    """A cube placed by ground control points alone."""
    import rasterio
    from rasterio.control import GroundControlPoint as Point

    points = [Point(r, c, X0 + PIXEL * c, Y0 - PIXEL * r) for r in (0, ROWS) for c in (0, COLS)]
    path = tif(folder / "cube.tif", reflectance(), False, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "r+") as target:
            target.gcps = (points, rasterio.crs.CRS.from_string(UTM))
    return site(folder, hsi="cube.tif")


def check_06(folder: Path) -> bool:
    import hsikit
    import rasterio

    tried = load(input_06(folder), check=True)
    if not tried.ok:
        note(6, tried)
        return tried.clear
    from hsikit.scenes.write import write_map

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_map(folder / "map.tif", truth(), tried.value)
        with rasterio.open(folder / "map.tif") as made:
            placed = made.crs is not None or bool(made.gcps[0])
    note(6, f"the map has CRS or control points: {placed}; said {tried.said}")
    return placed or tried.mentions("control point", "gcp", "georef", "no place", "CRS")


def input_08(folder: Path) -> Path:
    """An ENVI cube turned by 30 degrees in its map info."""
    info = f"map info = {{UTM, 1, 1, {X0}, {Y0}, {PIXEL}, {PIXEL}, 33, North, WGS-84, units=Meters, rotation=30.0}}"
    envi(folder, "cube", reflectance(), info)
    return site(folder)


def check_08(folder: Path) -> bool:
    tried = load(input_08(folder))
    note(8, tried if not tried.ok else f"gsd_m {tried.value.gsd_m}, right {PIXEL}")
    return tried.clear if not tried.ok else abs((tried.value.gsd_m or 0) - PIXEL) < 1e-3


def input_09(folder: Path) -> Path:
    """LiDAR in another realisation of the datum, half the pixel size, half a pixel off: bilinear resampling wanted."""
    envi(folder, "cube", reflectance())
    rows, cols = np.mgrid[0 : 2 * ROWS + 8, 0 : 2 * COLS + 8]
    from rasterio import Affine

    fine = Affine(1.0, 0, X0 - 3.5, 0, -1.0, Y0 + 3.5)
    east, north = fine * (cols + 0.5, rows + 0.5)
    plane = (0.05 * (east - X0) - 0.03 * (north - Y0) + 7).astype(np.float32)
    tif(folder / "dsm.tif", plane, fine, "EPSG:25833", nodata=-9999)
    return site(folder, "lidar: dsm.tif")


def check_09(folder: Path) -> bool:
    tried = load(input_09(folder))
    if not tried.ok:
        note(9, tried)
        return tried.clear
    rows, cols = np.mgrid[0:ROWS, 0:COLS]
    east, north = north_up() * (cols + 0.5, rows + 0.5)
    right = 0.05 * (east - X0) - 0.03 * (north - Y0) + 7
    off = float(np.nanmax(np.abs(tried.value.lidar[..., 0] - right)))
    note(9, f"largest difference from the plane {off:.4f} m (ETRS89 against WGS84 counts as equal)")
    return off < 0.05


# --- nodata ---------------------------------------------------------------------------------------


def input_10(folder: Path) -> Path:
    """A GeoTIFF whose pixels lack some bands: nodata in 4 of 20 bands over a fifth of the scene."""
    cube = np.rint(10000 * reflectance()).astype(np.int16)
    cube[6:12, 5:25, 14:18] = -9999
    tif(folder / "cube.tif", cube, nodata=-9999)
    return site(folder, f"wavelengths_nm: {[float(w) for w in WAVES]}", hsi="cube.tif")


def check_10(folder: Path) -> bool:
    tried = load(input_10(folder), check=True)
    if not tried.ok:
        note(10, tried)
        return tried.clear
    hole = ~tried.value.valid[6:12, 5:25]
    run, _ = fitted(tried.value, epochs=1)
    low = float(run.model.normalizer.mean[14:18].min())
    note(10, f"pixels with nodata in some bands are valid: {not hole.all()}; fitted mean of band 14: {low:.0f}, right {10000 * reflectance()[..., 14].mean():.0f}; findings {tried.said}")
    return bool(hole.all()) or low > 0 or tried.mentions("nodata", "no data", "no-data", "missing")


def input_12(folder: Path) -> Path:
    """A GeoTIFF without nodata value whose missing pixels are told by its internal mask."""
    import rasterio

    cube = np.rint(10000 * reflectance()).astype(np.uint16)
    cube[:5, 20:] = 0
    mask = np.full((ROWS, COLS), 255, np.uint8)
    mask[:5, 20:] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        tif(folder / "cube.tif", cube)
        with rasterio.open(folder / "cube.tif", "r+") as target:
            target.write_mask(mask)
    return site(folder, hsi="cube.tif")


def check_12(folder: Path) -> bool:
    tried = load(input_12(folder), check=True)
    note(12, tried if not tried.ok else f"masked pixels are valid: {tried.value.valid[:5, 20:].any()}; findings {tried.said}")
    if not tried.ok:
        return tried.clear
    return not tried.value.valid[:5, 20:].any() or tried.mentions("mask", "all zero", "zero in all", "nodata", "empty")


def input_13(folder: Path) -> Path:
    """A flight line of 270 MB (sparse on disk) whose border holds the header's data ignore value."""
    rows, cols, bands = 1024, 1024, 130
    with (folder / "line.img").open("wb") as file:
        file.truncate(rows * cols * bands * 2)
    cube = np.memmap(folder / "line.img", "<i2", "r+", shape=(rows, cols, bands))
    cube[500:524, 500:530] = np.rint(10000 * reflectance(bands=bands)).astype(np.int16)
    cube.flush()
    del cube
    waves = ", ".join(f"{w:.2f}" for w in np.linspace(420, 2400, bands))
    (folder / "line.hdr").write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\nfile type = ENVI Standard\ndata type = 2\n"
        f"interleave = bip\nbyte order = 0\n{MAP_INFO}\ndata ignore value = 0\nwavelength units = Nanometers\nwavelength = {{{waves}}}\n")
    return site(folder, hsi="line.hdr", labels=None, classes=None)


def check_13(folder: Path) -> bool:
    tried = load(input_13(folder))
    note(13, tried if not tried.ok else f"share of border pixels that count as valid: {tried.value.valid[:400].mean():.2f}; said {tried.said}")
    if not tried.ok:
        return tried.clear
    return not tried.value.valid[:400].any() or tried.mentions("nodata", "data ignore", "valid")


def input_14(folder: Path) -> Path:
    """A cube with one band that is NaN throughout (a dead detector), all others fine."""
    cube = reflectance()
    cube[..., 9] = np.nan
    envi(folder, "cube", cube)
    return site(folder)


def check_14(folder: Path) -> bool:
    tried = load(input_14(folder), check=True)
    note(14, f"{tried}; said {tried.said}")
    if tried.ok:
        return bool(tried.value.valid.any())
    return tried.clear and tried.mentions("band 9", "band 10", "bands 9", "NaN")


def input_15(folder: Path) -> Path:
    """LiDAR with -9999 in holes and no nodata tag."""
    envi(folder, "cube", reflectance())
    dsm = heights()
    dsm[10:14, 4:12] = -9999
    tif(folder / "dsm.tif", dsm)
    return site(folder, "lidar: dsm.tif")


def check_15(folder: Path) -> bool:
    tried = load(input_15(folder), check=True)
    note(15, tried if not tried.ok else f"lowest height kept: {np.nanmin(tried.value.lidar):.0f}; findings {tried.said}")
    if not tried.ok:
        return tried.clear
    return bool(np.nanmin(tried.value.lidar) > -9999) or tried.mentions("nodata", "no data", "-9999", "outlier", "implausible", "lowest")


def input_16(folder: Path) -> Path:
    """LiDAR with declared nodata in a hole that lies among labelled pixels."""
    envi(folder, "cube", reflectance())
    dsm = heights()
    dsm[4:20, 8:22] = -9999
    tif(folder / "dsm.tif", dsm, nodata=-9999)
    return site(folder, "lidar: dsm.tif")


def check_16(folder: Path) -> bool:
    import hsikit

    tried = load(input_16(folder), check=True)
    if not tried.ok:
        note(16, tried)
        return tried.clear
    made = attempt(lambda: fitted(tried.value, lidar=1, epochs=8))
    if not made.ok:
        note(16, f"fit: {made}")
        return made.clear
    run, _ = made.value
    mapped = attempt(lambda: hsikit.predict_map(run.model, tried.value))
    loss = [c for c in run.history.columns if "loss" in c]
    finite = bool(np.isfinite(run.history[loss]).all().all())
    score = agree(mapped.value.labels, truth()) if mapped.ok else -1
    note(16, f"losses finite: {finite}; map agrees {score:.2f}; lidar mean {run.model.normalizer.lidar_mean}; findings {tried.said}")
    return finite and score > 0.8


# --- scale ----------------------------------------------------------------------------------------


def _scaled(case: int, plain: Path, other: Path) -> bool:
    import hsikit

    one, two = load(plain), load(other, check=True)
    if not (one.ok and two.ok):
        note(case, two)
        return two.clear
    run, _ = fitted(one.value)
    mapped = attempt(lambda: hsikit.predict_map(run.model, two.value))
    if not mapped.ok:
        note(case, mapped)
        return mapped.clear
    before = agree(hsikit.predict_map(run.model, one.value).labels, truth())
    after = agree(mapped.value.labels, truth())
    value = float(np.asarray(two.value.hsi[2, 2, 5]))
    note(case, f"value read {value:g}, scaled it is {reflectance()[2, 2, 5]:.4f}; units {two.value.units!r}; map agrees {before:.2f} on the plain cube, {after:.2f} on the scaled one; said {two.said + mapped.said}")
    return after > 0.9 or any(w in " ".join(two.said + mapped.said).lower() for w in ("scale", "units", "reflectance", "range"))


def input_18(folder: Path) -> tuple[Path, Path]:
    """The same scene as reflectance, and as a GeoTIFF of counts with scale 0.0001 and offset -0.1."""
    import rasterio

    tif(folder / "cube.tif", reflectance())
    tif(folder / "counts.tif", np.rint(10000 * (reflectance() + 0.1)).astype(np.uint16))
    with rasterio.open(folder / "counts.tif", "r+") as target:
        target.scales, target.offsets = [0.0001] * BANDS, [-0.1] * BANDS
    return site(folder, hsi="cube.tif"), site(folder, hsi="counts.tif", name="scaled.yaml")


def check_18(folder: Path) -> bool:
    return _scaled(18, *input_18(folder))


# --- files and headers ----------------------------------------------------------------------------


def input_19(folder: Path) -> Path:
    """A TIFF with one page a band, as scientific TIFF writers make of (band, row, col)."""
    from tifffile import imwrite

    imwrite(folder / "cube.tif", np.rint(10000 * reflectance()).astype(np.uint16).transpose(2, 0, 1), photometric="minisblack", metadata=None)
    return site(folder, hsi="cube.tif")


def check_19(folder: Path) -> bool:
    tried = load(input_19(folder), check=True)
    note(19, tried if not tried.ok else f"{tried.value.bands} band(s) of {BANDS} read; findings {tried.said}")
    if not tried.ok:
        return tried.clear
    return tried.value.bands == BANDS or tried.mentions("page", "one band", "1 band", "single band")


def input_21(folder: Path) -> Path:
    """Wavelengths in micrometres without a unit, as laboratory cameras write them."""
    envi(folder, "cube", reflectance(), waves=", ".join(f"{w / 1000:.5f}" for w in WAVES), units="")
    return site(folder)


def check_21(folder: Path) -> bool:
    tried = load(input_21(folder))
    note(21, tried if not tried.ok else f"first wavelength {tried.value.wavelengths_nm[0]:g} nm")
    return tried.clear if not tried.ok else same(tried.value.wavelengths_nm, WAVES, 0.1)


def input_22(folder: Path) -> Path:
    """Wavelengths in nm under the unit Micrometers."""
    envi(folder, "cube", reflectance(), units="Micrometers")
    return site(folder)


def check_22(folder: Path) -> bool:
    tried = load(input_22(folder), check=True)
    note(22, tried if not tried.ok else f"first wavelength {tried.value.wavelengths_nm[0]:g} nm; findings {tried.said}")
    if not tried.ok:
        return tried.clear
    return tried.value.wavelengths_nm.max() < 1e5 or tried.mentions("micromet", "wavelengths", "unit")


def input_23(folder: Path) -> Path:
    """A header in Latin-1 with an umlaut and a micro sign in band names and description."""
    extra = MAP_INFO + "\ndescription = {M\u00fchlgraben, Aufl\u00f6sung 2 m, Einheit \u00b5W}\nband names = {" + ", ".join(f"Kanal {i} (\u00b5m)" for i in range(BANDS)) + "}"
    envi(folder, "cube", reflectance(), extra, encoding="latin-1")
    return site(folder)


def check_23(folder: Path) -> bool:
    tried = load(input_23(folder))
    note(23, tried)
    if not tried.ok:
        return tried.clear and tried.mentions("utf-8", "latin", "encod")
    return same(tried.value.hsi, reflectance(), 1e-6) and tried.value.crs is not None


def input_24(folder: Path) -> Path:
    """Files named in capitals as Windows programs write them: CUBE.DAT with CUBE.HDR, the data file named in the YAML."""
    envi(folder, "CUBE", reflectance(), data=".DAT", header=".HDR")
    return site(folder, hsi="CUBE.DAT")


def check_24(folder: Path) -> bool:
    tried = load(input_24(folder))
    header = load(site(folder, hsi="CUBE.HDR", name="header.yaml"))
    note(24, f"CUBE.DAT named: {tried}; CUBE.HDR named: {header}")
    right = header.ok and same(header.value.hsi, reflectance(), 1e-6)
    return right and (same(tried.value.hsi, reflectance(), 1e-6) if tried.ok else tried.clear)


def input_25(folder: Path) -> Path:
    """Big-endian BIP with a header of 412 bytes in the data file, no matter what its `file type` says."""
    envi(folder, "cube", np.rint(10000 * reflectance()).astype(np.uint16), interleave="BIP", big=True, offset=412, data=".pix", header=".pix.hdr", file_type="PCI")
    return site(folder, hsi="cube.pix.hdr")


def check_25(folder: Path) -> bool:
    import hsikit

    tried = load(input_25(folder))
    if not tried.ok:
        note(25, tried)
        return False
    right = same(tried.value.hsi, np.rint(10000 * reflectance()), 0.1)
    made = attempt(lambda: fitted(tried.value))
    score = agree(hsikit.predict_map(made.value[0].model, tried.value).labels, truth()) if made.ok else -1
    note(25, f"values right: {right}; fit {made}; map agrees {score:.2f}; CRS {tried.value.crs}")
    return right and score > 0.9


def input_26(folder: Path) -> Path:
    """ENVI data whose first bytes happen to be those of another format (here of a JPEG)."""
    cube = np.rint(10000 * reflectance()).astype(np.uint16)
    data = envi(folder, "cube", cube, interleave="bip").with_suffix(".img")
    raw = bytearray(data.read_bytes())
    raw[:4] = b"\xff\xd8\xff\xe0"  # two uint16 values of the corner pixel, 55551 and 57599
    data.write_bytes(bytes(raw))
    return site(folder)


def check_26(folder: Path) -> bool:
    tried = load(input_26(folder), check=True)
    note(26, tried if not tried.ok else f"CRS {tried.value.crs}, transform {tried.value.transform and tuple(tried.value.transform)[:6]}; said {tried.said}")
    if not tried.ok:
        return tried.clear
    placed = tried.value.crs is not None and tried.value.transform.almost_equals(north_up())
    return placed or tried.mentions("CRS", "georef", "place")


def input_27(folder: Path) -> Path:
    """An ENVI classification as labels: class names and colours stand in its header."""
    envi(folder, "cube", reflectance())
    extra = MAP_INFO + "\nclasses = 4\nclass names = {Unclassified, gravel, sedge, tarn}\nclass lookup = {0, 0, 0, 170, 160, 150, 20, 140, 60, 30, 60, 160}"
    envi(folder, "classes", truth()[..., None], extra, file_type="ENVI Classification", waves=None)
    return site(folder, labels="classes.hdr", classes=None)


def check_27(folder: Path) -> bool:
    tried = load(input_27(folder))
    note(27, tried if not tried.ok else f"names {tried.value.class_names}; labels right {agree(tried.value.labels, truth()):.2f}; said {tried.said}")
    if not tried.ok:
        return tried.clear
    return agree(tried.value.labels, truth()) == 1 and list(tried.value.class_names) == NAMES


def input_28(folder: Path) -> Path:
    """A GeoTIFF whose wavelengths stand in GDAL's IMAGERY domain, in micrometres."""
    import rasterio

    tif(folder / "cube.tif", reflectance())
    with rasterio.open(folder / "cube.tif", "r+") as target:
        for b, w in enumerate(WAVES, 1):
            target.update_tags(b, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=f"{w / 1000:.5f}", FWHM_UM="0.01")
    return site(folder, hsi="cube.tif")


def check_28(folder: Path) -> bool:
    tried = load(input_28(folder), check=True)
    note(28, tried if not tried.ok else f"wavelengths {tried.value.wavelengths_nm}; findings {tried.said}")
    if not tried.ok:
        return tried.clear
    return same(tried.value.wavelengths_nm, WAVES, 0.1) if tried.value.wavelengths_nm is not None else False


def input_29(folder: Path) -> Path:
    """A MATLAB 7.3 cube and labels: axes stored in reverse, the labels logical-like uint8 with a third axis of one."""
    import h5py

    for name, key, array in (("cube.mat", "ori_data", reflectance()), ("gt.mat", "map", truth()[..., None])):
        with h5py.File(folder / name, "w", userblock_size=512) as file:
            file.create_dataset(key, data=array.T).attrs["MATLAB_class"] = np.bytes_("single" if key == "ori_data" else "uint8")
        with (folder / name).open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    return site(folder, hsi="cube.mat", labels="gt.mat")


def check_29(folder: Path) -> bool:
    tried = load(input_29(folder))
    note(29, tried)
    return tried.ok and same(tried.value.hsi, reflectance(), 1e-6) and agree(tried.value.labels, truth()) == 1


# --- labels ---------------------------------------------------------------------------------------


def _polygons(rows: list[tuple[tuple[int, int, int, int], Any]], crs: str = UTM, field_name: str = "class") -> Any:
    """Boxes (top, bottom, left, right) in pixels as polygons on the ground."""
    import geopandas as gpd
    from shapely.geometry import box

    boxes = [box(X0 + PIXEL * le, Y0 - PIXEL * bo, X0 + PIXEL * ri, Y0 - PIXEL * to) for (to, bo, le, ri), _ in rows]
    return gpd.GeoDataFrame({field_name: [v for _, v in rows]}, geometry=boxes, crs=UTM).to_crs(crs)


FIELDS = [((0, 9, 0, 17), "gravel"), ((0, 15, 17, 30), "sedge"), ((15, 24, 0, 30), "tarn"), ((9, 15, 0, 17), "tarn")]


def input_30(folder: Path) -> Path:
    """A GeoPackage of two layers: last year's polygons first, this year's second, the same field in both."""
    envi(folder, "cube", reflectance())
    old = [(place, "sedge") for place, _ in FIELDS]
    _polygons(old).to_file(folder / "fields.gpkg", layer="survey_2019", driver="GPKG")
    _polygons(FIELDS).to_file(folder / "fields.gpkg", layer="survey_2024", driver="GPKG")
    return site(folder, labels="fields.gpkg")


def check_30(folder: Path) -> bool:
    tried = load(input_30(folder), check=True)
    chosen = load(site(folder, labels="{file: fields.gpkg, layer: survey_2024}", name="chosen.yaml"))
    note(30, f"unsaid: {tried}, agreement {agree(tried.value.labels, truth()) if tried.ok else 0:.2f}, said {[t[:110] for t in tried.said if 'ayer' in t]}; `layer:` in the YAML: {chosen}")
    can_choose = chosen.ok and agree(chosen.value.labels, truth()) == 1
    return can_choose and (tried.mentions("layer") if tried.ok else tried.clear)


def input_31(folder: Path) -> Path:
    """GeoJSON with coordinates in metres and no `crs` member, as some exports leave it."""
    envi(folder, "cube", reflectance())
    made = json.loads(_polygons(FIELDS).to_json())
    made.pop("crs", None)
    (folder / "fields.geojson").write_text(json.dumps(made))
    return site(folder, labels="fields.geojson")


def check_31(folder: Path) -> bool:
    tried = load(input_31(folder), check=True)
    note(31, tried if not tried.ok else f"agreement {agree(tried.value.labels, truth()):.2f}")
    return tried.clear if not tried.ok else agree(tried.value.labels, truth()) == 1


def input_32(folder: Path) -> Path:
    """Polygons in degrees with a hole, an overlap, an empty geometry and a missing class."""
    import geopandas as gpd
    from shapely.geometry import Polygon

    envi(folder, "cube", reflectance())
    layer = _polygons([((0, 24, 0, 30), "tarn"), *FIELDS[:2], ((2, 4, 2, 4), None), ((5, 6, 5, 6), "tarn")])
    whole = layer.geometry.iloc[1]
    hole = Polygon([(X0 + 8, Y0 - 8), (X0 + 16, Y0 - 8), (X0 + 16, Y0 - 16), (X0 + 8, Y0 - 16)])  # rows 4-7, columns 4-7
    layer.loc[1, "geometry"] = whole.difference(hole)
    layer.loc[4, "geometry"] = Polygon()
    layer.to_crs("EPSG:4326").to_file(folder / "fields.geojson", driver="GeoJSON")
    return site(folder, labels="fields.geojson")


def check_32(folder: Path) -> bool:
    tried = load(input_32(folder))
    right = truth().copy()
    right[4:8, 4:8] = 3
    note(32, tried if not tried.ok else f"agreement {agree(tried.value.labels, right):.3f}")
    return tried.ok and agree(tried.value.labels, right) == 1


def input_33(folder: Path) -> Path:
    """Class numbers kept as text in the attribute table, eleven classes, names left out."""
    envi(folder, "cube", reflectance())
    strips = [((0, 24, 2 * i, 2 * i + 2), str(i + 1)) for i in range(11)]
    _polygons(strips).to_file(folder / "fields.gpkg", driver="GPKG")
    return site(folder, labels="fields.gpkg", classes=None)


def check_33(folder: Path) -> bool:
    tried = load(input_33(folder))
    if not tried.ok:
        note(33, tried)
        return tried.clear
    got = [(int(tried.value.labels[3, 2 * i]), tried.value.class_names[int(tried.value.labels[3, 2 * i]) - 1]) for i in range(11)]
    note(33, f"label and name of the strips '1'..'11': {got}")
    return all(label == i + 1 for i, (label, _) in enumerate(got)) or tried.mentions("text", "order", "number")


def input_34(folder: Path) -> Path:
    """A label raster with 255 where nobody looked, no nodata tag, no class names in the YAML."""
    envi(folder, "cube", reflectance())
    labels = truth()
    labels[18:, :] = 255
    tif(folder / "labels.tif", labels)
    return site(folder, labels="labels.tif", classes=None)


def check_34(folder: Path) -> bool:
    tried = load(input_34(folder), check=True)
    said = [s[:70] for s in tried.said][:3]
    note(34, tried if not tried.ok else f"{tried.value.n_classes} classes; label in the unlooked part {tried.value.labels[20, 3]}; findings {len(tried.said)}, first {said}")
    if not tried.ok:
        return tried.clear
    return tried.value.n_classes == 3 or tried.mentions("255")


def input_35(folder: Path) -> Path:
    """A class called NO (nitrate overload) among others, which YAML 1.1 reads as a truth value."""
    envi(folder, "cube", reflectance())
    return site(folder, classes="[NO, sedge, tarn]")


def check_35(folder: Path) -> bool:
    tried = load(input_35(folder))
    note(35, tried if not tried.ok else f"class names {tried.value.class_names}; said {tried.said}")
    return tried.clear if not tried.ok else tried.value.class_names[0] == "NO" or tried.mentions("NO", "quote")


# --- spectral libraries ---------------------------------------------------------------------------


def _explorer(folder: Path) -> Any:
    from hsikit.explore import SpectraExplorer

    envi(folder, "cube", reflectance())
    import hsikit

    return SpectraExplorer(hsikit.load_scene(site(folder)))


LIB_WAVES = np.linspace(410, 1010, BANDS)  # as many bands as the scene, elsewhere


def _ramp(waves: np.ndarray) -> np.ndarray:
    return 0.1 + 0.0005 * (np.asarray(waves) - 400)


def input_36(folder: Path) -> Path:
    """A library in CSV that a spreadsheet saved as "CSV UTF-8": a byte order mark before the first word."""
    rows = ["wavelength_nm,ramp", *(f"{w:.4f},{v:.6f}" for w, v in zip(LIB_WAVES, _ramp(LIB_WAVES)))]
    (folder / "lib.csv").write_bytes(b"\xef\xbb\xbf" + "\n".join(rows).encode())
    return folder / "lib.csv"


def _library(case: int, folder: Path, path: Path, right: np.ndarray, tol: float = 2e-3) -> bool:
    explorer = _explorer(folder)
    tried = attempt(lambda: explorer.load(path))
    if not tried.ok:
        note(case, tried)
        return tried.clear
    got = explorer.spectra[-1].mean
    note(case, f"first value {got[0]:.4f}, right {right[0]:.4f}; last {got[-1]:.4f}, right {right[-1]:.4f}; message {explorer.message!r} {tried.said}")
    return same(got, right, tol) or any(w in explorer.message.lower() for w in ("index", "no wavelength", "without wavelength"))


def check_36(folder: Path) -> bool:
    return _library(36, folder, input_36(folder), _ramp(WAVES))


def input_37(folder: Path) -> Path:
    """A library in CSV whose first column is called "Wavelength (um)"."""
    rows = ["Wavelength (um),ramp", *(f"{w / 1000:.7f},{v:.6f}" for w, v in zip(LIB_WAVES, _ramp(LIB_WAVES)))]
    (folder / "lib.csv").write_text("\n".join(rows))
    return folder / "lib.csv"


def check_37(folder: Path) -> bool:
    return _library(37, folder, input_37(folder), _ramp(WAVES))


def sli(folder: Path, table: np.ndarray, names: list[str], waves: np.ndarray, units: str | None = "Nanometers", extra: str = "",
        data: str = ".sli", header: str = ".hdr") -> Path:  # fmt: skip
    """An ENVI spectral library made by hand."""
    table = np.asarray(table, "<f4")
    (folder / f"lib{data}").write_bytes(table.tobytes())
    lines = ["ENVI", f"samples = {table.shape[1]}", f"lines = {table.shape[0]}", "bands = 1", "header offset = 0",
             "file type = ENVI Spectral Library", "data type = 4", "interleave = bsq", "byte order = 0",
             f"spectra names = {{{', '.join(names)}}}", f"wavelength = {{{', '.join(f'{w:.6f}' for w in waves)}}}"]  # fmt: skip
    lines += [f"wavelength units = {units}"] if units else []
    (folder / f"lib{header}").write_text("\n".join([*lines, extra]) + "\n")
    return folder / f"lib{data}"


def input_39(folder: Path) -> Path:
    """A library in which deleted channels hold -1.23e34, as the large mineral libraries mark them."""
    values = _ramp(WAVES)[None].repeat(1, 0)
    values[0, 7:9] = -1.23e34
    return sli(folder, values, ["ramp"], WAVES)


def check_39(folder: Path) -> bool:
    explorer, path = _explorer(folder), input_39(folder)
    tried = attempt(lambda: explorer.load(path))
    if not tried.ok:
        note(39, tried)
        return tried.clear
    got = explorer.spectra[-1].mean
    angle = attempt(lambda: explorer.show("spectral angle"))
    note(39, f"values of the deleted channels {got[7]:.3g}, {got[8]:.3g}; spectral angle {angle}; message {explorer.message!r}")
    return bool(np.isnan(got[7:9]).all()) or "deleted" in explorer.message


def input_40(folder: Path) -> Path:
    """A library in micrometres without a unit, beside a header named lib.sli.hdr."""
    return sli(folder, _ramp(LIB_WAVES)[None], ["ramp"], LIB_WAVES / 1000, units=None, header=".sli.hdr")


def check_40(folder: Path) -> bool:
    return _library(40, folder, input_40(folder), _ramp(WAVES))


def input_41(folder: Path) -> Path:
    """A library in micrometres without a unit (header lib.hdr)."""
    return sli(folder, _ramp(LIB_WAVES)[None], ["ramp"], LIB_WAVES / 1000, units=None)


def check_41(folder: Path) -> bool:
    return _library(41, folder, input_41(folder), _ramp(WAVES))


def input_43(folder: Path) -> Path:
    """Text as field spectrometers export it: tabs, a heading, wavelengths in whole nm."""
    (folder / "plot7.txt").write_text("Wavelength\tplot7_00012.asd\n" + "".join(f"{w}\t{v:.6f}\n" for w, v in zip(range(350, 1101), _ramp(np.arange(350, 1101)))))
    return folder / "plot7.txt"


def check_43(folder: Path) -> bool:
    return _library(43, folder, input_43(folder), _ramp(WAVES))


# --- features, words, shapes ----------------------------------------------------------------------


def check_44(folder: Path) -> bool:
    """UMAP and t-SNE of few, repeated and integer vectors."""
    from hsikit.features import embed

    few = np.random.default_rng(0).normal(size=(9, 6))
    one = attempt(lambda: embed(few, "umap"))
    many = np.repeat(few[:3], 40, axis=0)
    two = attempt(lambda: embed(many, "umap"))
    three = attempt(lambda: embed((many * 100).astype(np.int16), "tsne", perplexity=10))
    note(44, f"fewer than neighbours: {one}; duplicates: {two}, finite {two.ok and np.isfinite(two.value.coordinates).all()}; integers: {three}, finite {three.ok and np.isfinite(three.value.coordinates).all()}")
    fine = lambda t: np.isfinite(t.value.coordinates).all() if t.ok else t.clear  # noqa: E731
    return bool(fine(one) and fine(two) and fine(three))


def check_45(folder: Path) -> bool:
    """A CLIP checkpoint asked for without a network: a tag, and a folder instead of a file."""
    from hsikit.text.openclip import openclip

    os.environ["HF_HUB_OFFLINE"] = "1"
    tag = attempt(lambda: openclip("ViT-B-32", "laion2b_s34b_b79k"))
    place = attempt(lambda: openclip("ViT-B-32", folder))
    hub = attempt(lambda: openclip("hf-hub:someone/some-clip", "openai"))
    note(45, f"tag: {tag}; folder: {place}; hf-hub name: {hub}")
    return all(not t.ok and t.clear for t in (tag, place, hub))


def input_46(folder: Path) -> Path:
    """A scene in a folder with blanks and an accent in its name."""
    inner = folder / "my sit\u00e9 (2024)"
    inner.mkdir(exist_ok=True)
    envi(inner, "cube v2", reflectance())
    return site(inner, hsi="'cube v2.hdr'", name="my site.yaml")


def check_46(folder: Path) -> bool:
    import rasterio

    path = input_46(folder)
    tried = load(path)
    if not tried.ok:
        note(46, tried)
        return False
    run, _ = fitted(tried.value)
    run.model.save(path.parent / "my model")
    code, err = cli("predict", str(path.parent / "my model"), str(path), "--out", str(path.parent / "out map.tif"))
    with rasterio.open(path.parent / "out map.tif") as made:
        score = agree(made.read(1), truth())
        names = json.loads(made.tags().get("class_names", "[]"))
    note(46, f"exit {code}; map agrees {score:.2f}; names {names}")
    return code == 0 and score > 0.9 and names == NAMES


def check_47(folder: Path) -> bool:
    """One band, 2,000 bands, bytes and doubles: load, fit, map."""
    import hsikit

    result = {}
    for name, cube in {
        "1 band": reflectance()[..., 10:11], "2000 bands": reflectance(bands=2000), "float64": reflectance().astype(np.float64),
        "uint8": np.rint(255 * reflectance()).astype(np.uint8), "uint32 big": np.rint(1e5 * reflectance()).astype(np.uint32),
    }.items():  # fmt: skip
        inner = folder / name.replace(" ", "_")
        inner.mkdir(exist_ok=True)
        envi(inner, "cube", cube, big="big" in name)
        tried = load(site(inner), check=True)
        made = attempt(lambda: fitted(tried.value, bands=min(8, cube.shape[2]))) if tried.ok else tried
        result[name] = round(agree(hsikit.predict_map(made.value[0].model, tried.value).labels, truth()), 2) if made.ok else str(made)
    note(47, result)
    return all(isinstance(v, float) and v > (0.5 if k == "1 band" else 0.9) for k, v in result.items())


def input_48(folder: Path) -> tuple[Path, Path]:
    """A fitted scene, and a second one at other wavelengths in which one band holds nodata throughout."""
    envi(folder, "cube", np.rint(10000 * reflectance()).astype(np.int16))
    other = np.rint(10000 * reflectance(bands=40)).astype(np.int16)
    other[..., 21] = -32768
    waves = ", ".join(f"{w:.3f}" for w in np.linspace(420, 990, 40))
    envi(folder, "other", other, MAP_INFO + "\ndata ignore value = -32768", waves=waves)
    return site(folder), site(folder, hsi="other.hdr", name="other.yaml")


def check_48(folder: Path) -> bool:
    import hsikit
    from hsikit.scenes.resample import resample_bands

    first, second = input_48(folder)
    one, two = load(first), load(second, check=True)
    run, _ = fitted(one.value)
    mapped = attempt(lambda: hsikit.predict_map(run.model, two.value))
    spectrum = attempt(lambda: resample_bands(two.value, WAVES).hsi[3, 3])
    low = float(spectrum.value.min()) if spectrum.ok else None
    score = agree(mapped.value.labels, truth()) if mapped.ok else -1
    note(48, f"lowest resampled value {low}, right about {1e4 * reflectance()[3, 3].min():.0f}; map {mapped}, agrees {score:.2f}; findings {two.said[:3]} said {mapped.said}")
    if not mapped.ok:
        return mapped.clear
    return score > 0.9 or any("nodata" in s.lower() or "no data" in s.lower() for s in mapped.said)


def input_49(folder: Path) -> Path:
    """An NPY cube with the band first, as PyTorch programs keep them, without labels."""
    np.save(folder / "cube.npy", reflectance().transpose(2, 0, 1))
    return site(folder, f"wavelengths_nm: {[float(w) for w in WAVES]}", hsi="cube.npy", labels=None, classes=None)


def check_49(folder: Path) -> bool:
    tried = load(input_49(folder), check=True)
    note(49, f"{tried}; shape {tried.value.hsi.shape if tried.ok else None}; {tried.said}")
    return tried.clear if not tried.ok else tried.value.hsi.shape == (ROWS, COLS, BANDS) or tried.mentions("band")


def input_50(folder: Path) -> Path:
    """A class that occurs in one corner only, so that a spatial split may leave it out of training."""
    envi(folder, "cube", reflectance())
    labels = truth()
    labels[labels == 2] = 3
    labels[:3, 27:] = 2
    np.save(folder / "labels.npy", labels)
    return site(folder)


def check_50(folder: Path) -> bool:
    import hsikit

    tried = load(input_50(folder), check=True)
    made = attempt(lambda: hsikit.block_split(tried.value, train=0.2, patch=5))
    if not made.ok:
        note(50, made)
        return made.clear
    split = made.value
    model = hsikit.CNN2D(bands=8, classes=3, window=7)
    run = attempt(lambda: hsikit.fit(model, tried.value, split, hsikit.TrainConfig(epochs=3, threads=1)))
    scored = attempt(lambda: hsikit.score(hsikit.predict_map(run.value.model, tried.value), split)) if run.ok else run
    trained = sorted(set(split.y("train").tolist()))
    note(50, f"classes trained {trained}; fit {run}; score {str(scored.value)[:160] if scored.ok else scored}; said {made.said}")
    return scored.ok or scored.clear


# --- maps, models, and the same thing on another path ----------------------------------------------


def input_51(folder: Path) -> tuple[Path, Path]:
    """A model fitted with whole LiDAR, and a scene whose LiDAR has a declared hole."""
    envi(folder, "cube", reflectance())
    tif(folder / "dsm.tif", heights(), nodata=-9999)
    holed = heights()
    holed[4:20, 8:22] = -9999
    tif(folder / "holed.tif", holed, nodata=-9999)
    return site(folder, "lidar: dsm.tif"), site(folder, "lidar: holed.tif", name="holed.yaml")


def check_51(folder: Path) -> bool:
    import rasterio

    plain, holed = input_51(folder)
    run, _ = fitted(load(plain).value, lidar=1, epochs=10)
    run.model.save(folder / "model")
    code, err = cli("predict", str(folder / "model"), str(holed), "--out", str(folder / "map.tif"))
    if code:
        note(51, f"exit {code}: {err}")
        return code == 2
    with rasterio.open(folder / "map.tif") as made:
        inside = made.read(1)[4:20, 8:22]
    with rasterio.open(folder / "map_scores.tif") as made:
        unknown = float(np.isnan(made.read(1)[4:20, 8:22]).mean())
    right = truth()[4:20, 8:22]
    said = err.replace("\r", " ").strip()
    note(51, f"in the hole the map agrees {agree(inside, right):.2f}, classes there {np.bincount(inside.ravel(), minlength=4).tolist()} (0 to 3), scores NaN {unknown:.2f}; said {said[-120:]!r}")
    return agree(inside, right) > 0.8 or bool((inside == 0).all()) or "lidar" in said.lower()


def input_52(folder: Path) -> Path:
    """A cube with one band of NaN and a raster that says all pixels are valid."""
    input_14(folder)
    np.save(folder / "valid.npy", np.ones((ROWS, COLS), bool))
    return site(folder, "valid: valid.npy")


def check_52(folder: Path) -> bool:
    tried = load(input_52(folder), check=True)
    if not tried.ok:
        note(52, tried)
        return tried.clear
    made = attempt(lambda: fitted(tried.value))
    note(52, f"fit: {made}; findings {tried.said}")
    return made.ok or made.clear


def input_53(folder: Path) -> tuple[Path, Path]:
    """A model fitted with heights, and a scene that lists intensity first and heights second."""
    envi(folder, "cube", reflectance())
    tif(folder / "dsm.tif", heights())
    tif(folder / "intensity.tif", (200 - 20 * heights()).astype(np.float32))
    return site(folder, "lidar: dsm.tif"), site(folder, "lidar: [intensity.tif, dsm.tif]", name="other.yaml")


def check_53(folder: Path) -> bool:
    import hsikit

    one, two = (load(path) for path in input_53(folder))
    run, _ = fitted(one.value, lidar=1, epochs=10)
    mapped = attempt(lambda: hsikit.predict_map(run.model, two.value))
    before = agree(hsikit.predict_map(run.model, one.value).labels, truth())
    after = agree(mapped.value.labels, truth()) if mapped.ok else -1
    note(53, f"map {mapped}; agrees {before:.2f} with the fitted order, {after:.2f} with the other; said {mapped.said}")
    if not mapped.ok:
        return mapped.clear
    return after > 0.9 or mapped.mentions("lidar", "channel", "intensity")


def input_54(folder: Path) -> Path:
    """A scene whose cube is a GeoTIFF; the map is to be written over it."""
    tif(folder / "cube.tif", reflectance())
    return site(folder, hsi="cube.tif")


def check_54(folder: Path) -> bool:
    path = input_54(folder)
    run, _ = fitted(load(path).value, epochs=1)
    run.model.save(folder / "model")
    before = (folder / "cube.tif").read_bytes()
    code, err = cli("predict", str(folder / "model"), str(path), "--out", str(folder / "cube.tif"))
    kept = (folder / "cube.tif").read_bytes() == before
    note(54, f"exit {code}; the user's cube is still there: {kept}; {err.splitlines()[-1:] if code else ''}")
    return kept and code == 2


def input_56(folder: Path) -> Path:
    """A camera of 8 bits whose values stand in the upper byte of 16 (value times 256); the header is right."""
    envi(folder, "cube", np.rint(255 * reflectance()).astype(np.uint16) * np.uint16(256))
    return site(folder)


def check_56(folder: Path) -> bool:
    tried = load(input_56(folder))
    note(56, tried)
    return tried.ok and same(tried.value.hsi, 256 * np.rint(255 * reflectance()), 0.1)


def check_57(folder: Path) -> bool:
    """The explorer's NDVI of counts with scale 0.0001 and offset -0.1 in the file."""
    import hsikit
    from hsikit.explore import SpectraExplorer
    from hsikit.spectra import ndvi

    input_18(folder)
    path = site(folder, f"wavelengths_nm: {[float(w) for w in WAVES]}", hsi="counts.tif", name="n.yaml")
    explorer = SpectraExplorer(hsikit.load_scene(path))
    explorer.show("NDVI")
    got, right = float(explorer.shown_values()[0][12, 25]), float(ndvi(reflectance(), WAVES)[12, 25])
    note(57, f"NDVI {got:.3f}, of reflectance {right:.3f}; title {explorer.title!r}, message {explorer.message!r}")
    return abs(got - right) < 0.01 or any(w in (explorer.title + explorer.message).lower() for w in ("scale", "offset", "counts"))


def input_58(folder: Path) -> Path:
    """Class names with a comma, an ampersand, a quotation mark and characters beyond Latin."""
    envi(folder, "cube", reflectance())
    return site(folder, classes="""["Corn, no-till", 'Wald (d\u00fcnn) & Busch <5 m', '\u8349\u5730 "nass"']""")


def check_58(folder: Path) -> bool:
    import xml.etree.ElementTree as tree

    import rasterio
    from hsikit.scenes.write import write_map

    tried = load(input_58(folder))
    wanted = ["Corn, no-till", "Wald (d\u00fcnn) & Busch <5 m", '\u8349\u5730 "nass"']
    write_map(folder / "map.tif", truth(), tried.value)
    with rasterio.open(folder / "map.tif") as made:
        tags = [made.tags(1)[f"CLASS_{i}"] for i in (1, 2, 3)]
    side = [e.text for e in tree.parse(folder / "map.tif.aux.xml").iter("Category")][1:]
    note(58, f"tags {tags == wanted}, categories {side == wanted}")
    return tags == wanted and side == wanted


def input_59(folder: Path) -> Path:
    """Polygons smaller than a pixel: one class lies between pixel centres only."""
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry import box

    envi(folder, "cube", reflectance())
    small = [box(X0 + 2 * c + 0.1, Y0 - 40.9, X0 + 2 * c + 0.9, Y0 - 40.1) for c in range(6)]
    layer = pd.concat([_polygons(FIELDS[:2]), gpd.GeoDataFrame({"class": ["tarn"] * 6}, geometry=small, crs=UTM)])
    layer.to_file(folder / "fields.gpkg", driver="GPKG")
    return site(folder, labels="fields.gpkg")


def check_59(folder: Path) -> bool:
    tried = load(input_59(folder), check=True)
    note(59, f"{tried}; said {tried.said}")
    return tried.clear if not tried.ok else tried.mentions("tarn")


def input_60(folder: Path) -> tuple[Path, Path]:
    """An ENVI cube with `map info = {Arbitrary, ...}`; labels as polygons in UTM, LiDAR in UTM."""
    envi(folder, "cube", reflectance(), "map info = {Arbitrary, 1, 1, 100, 200, 2, 2, 0, North, units=Meters}")
    _polygons(FIELDS).to_file(folder / "fields.gpkg", driver="GPKG")
    tif(folder / "dsm.tif", heights())
    return site(folder, labels="fields.gpkg"), site(folder, "lidar: dsm.tif", name="lidar.yaml")


def check_60(folder: Path) -> bool:
    drawn, lidar = (load(path) for path in input_60(folder))
    note(60, f"polygons: {drawn}; LiDAR: {lidar}")
    return all(t.ok or t.clear for t in (drawn, lidar))


def input_61(folder: Path) -> tuple[Path, Path]:
    """LiDAR in the neighbouring UTM zone with the same numbers for its corner: 400 km away."""
    envi(folder, "cube", reflectance())
    tif(folder / "dsm.tif", heights())
    tif(folder / "far.tif", heights(), crs="EPSG:32632")
    return site(folder, "lidar: dsm.tif"), site(folder, "lidar: far.tif", name="far.yaml")


def check_61(folder: Path) -> bool:
    from hsikit.predict.large import map_large

    plain, far = input_61(folder)
    run, _ = fitted(load(plain).value, lidar=1, epochs=2)
    run.model.save(folder / "model")
    held = load(far)
    large = attempt(lambda: map_large(folder / "model", far, folder / "map.tif"))
    note(61, f"in memory: {held}; piece by piece: {large}")
    return (not large.ok) and large.clear


def input_62(folder: Path) -> Path:
    """A raster of valid pixels that holds 1 and, as its declared nodata, 255."""
    envi(folder, "cube", reflectance())
    valid = np.ones((ROWS, COLS), np.uint8)
    valid[:5] = 255
    tif(folder / "valid.tif", valid, nodata=255)
    return site(folder, "valid: valid.tif")


def check_62(folder: Path) -> bool:
    import hsikit
    import rasterio
    from hsikit.predict.large import map_large

    path = input_62(folder)
    scene = load(path).value
    run, _ = fitted(scene, epochs=2)
    run.model.save(folder / "model")
    held = hsikit.predict_map(run.model, scene).labels
    map_large(folder / "model", path, folder / "map.tif")
    with rasterio.open(folder / "map.tif") as made:
        large = made.read(1)
    note(62, f"masked rows with a class: in memory {(held[:5] > 0).mean():.2f}, piece by piece {(large[:5] > 0).mean():.2f}")
    return agree(held, large) == 1


def input_64(folder: Path) -> tuple[Path, Path]:
    """Painted labels saved on another cut of the same size, six pixels further east, to be loaded into the painter."""
    import hsikit
    from dataclasses import replace

    from hsikit.scenes.write import write_map

    envi(folder, "cube", reflectance())
    path = site(folder)
    write_map(folder / "painted.tif", truth(), replace(hsikit.load_scene(path), transform=north_up(dx=6 * PIXEL)))
    return path, folder / "painted.tif"


def check_64(folder: Path) -> bool:
    from hsikit.explore.painter_files import load_painting
    from hsikit.explore.painting import Painting

    path, painted = input_64(folder)
    painting = Painting(load(path).value)
    tried = attempt(lambda: load_painting(painting, painted))
    right = np.zeros((ROWS, COLS), int)
    right[:, 6:] = truth()[:, :-6]
    note(64, f"{tried}; agrees {agree(painting.labels, right):.2f} with the place on the ground; said {tried.said}")
    return tried.clear if not tried.ok else agree(painting.labels, right) == 1 or tried.mentions("grid", "elsewhere", "shift")


def input_65(folder: Path) -> tuple[Path, Path]:
    """Two spectrometers that overlap (wavelengths go back), and a cube with descending wavelengths."""
    waves = np.r_[np.linspace(420, 720, 16), np.linspace(690, 990, 16)]
    x = (waves - 420) / 570
    spectra = np.stack([0.35 + 0.1 * x, 0.08 + 0.45 / (1 + np.exp(-14 * (x - 0.5))), 0.12 * np.exp(-3 * x) + 0.02])
    envi(folder, "two", spectra[truth().astype(int) - 1].astype(np.float32), waves=", ".join(f"{w:.4f}" for w in waves))
    envi(folder, "down", reflectance()[..., ::-1].copy(), waves=", ".join(f"{w:.4f}" for w in WAVES[::-1]))
    envi(folder, "cube", reflectance())
    return site(folder, hsi="two.hdr", name="two.yaml"), site(folder, hsi="down.hdr", name="down.yaml")


def check_65(folder: Path) -> bool:
    import hsikit

    two, down = (load(path, check=True) for path in input_65(folder))
    run, _ = fitted(load(site(folder)).value)
    scores = [agree(hsikit.predict_map(run.model, t.value).labels, truth()) for t in (two, down)]
    note(65, f"maps agree {scores[0]:.2f} (overlapping), {scores[1]:.2f} (descending); findings {[s[:40] for s in two.said + down.said]}")
    return min(scores) > 0.9 and two.mentions("not increasing")


def check_66(folder: Path) -> bool:
    """Infinite values, bytes after the last pixel, a compressed data file, a description full of signs."""
    import gzip

    results = {}
    for name in ("inf", "tail", "gzip", "text"):
        inner = folder / name
        inner.mkdir(exist_ok=True)
        cube = reflectance()
        if name == "inf":
            cube[4, 4] = -np.inf
        more = {"gzip": "\nfile compression = 1", "text": "\ndescription = {a = b, camera {x} = 2\n lines = 99 }\n; note = {open"}.get(name, "")
        envi(inner, "cube", cube, MAP_INFO + more, tail=b"\0" * 64 if name == "tail" else b"")
        if name == "gzip":
            (inner / "cube.img").write_bytes(gzip.compress((inner / "cube.img").read_bytes()))
        results[name] = load(site(inner))
    note(66, {name: str(t) for name, t in results.items()})
    return (results["inf"].ok and not results["inf"].value.valid[4, 4] and results["inf"].value.valid.sum() == ROWS * COLS - 1
            and results["text"].ok and results["text"].value.shape == (ROWS, COLS)
            and all(results[n].clear or results[n].ok for n in ("tail", "gzip")))  # fmt: skip


def check_67(folder: Path) -> bool:
    """Products named as they come: EMIT .nc, PRISMA .he5; labels as KML."""
    envi(folder, "cube", reflectance())
    results = []
    for key, name in (("hsi", "EMIT_scene.nc"), ("hsi", "PRS_scene.he5"), ("labels", "fields.kml")):
        (folder / name).write_bytes(b"\x89HDF\r\n" if key == "hsi" else b"<kml/>")
        results.append(load(site(folder, name="x.yaml", **{key: name})))
    note(67, "; ".join(map(str, results)))
    return all(not t.ok and t.clear for t in results)


def check_68(folder: Path) -> bool:
    """NPY cubes of half floats, 64-bit integers and booleans."""
    import hsikit

    results = {}
    for kind in ("f2", "i8", "u8", "?"):
        inner = folder / f"kind_{kind.replace('?', 'b')}"
        inner.mkdir(exist_ok=True)
        np.save(inner / "cube.npy", reflectance() > 0.2 if kind == "?" else (1000 * reflectance()).astype(kind))
        tried = load(site(inner, hsi="cube.npy"))
        made = attempt(lambda: fitted(tried.value)) if tried.ok else tried
        results[kind] = round(agree(hsikit.predict_map(made.value[0].model, tried.value).labels, truth()), 2) if made.ok else made
    note(68, {k: str(v) for k, v in results.items()})
    return all(v > 0.9 if isinstance(v, float) else v.clear for v in results.values())


def check_69(folder: Path) -> bool:
    """The explorer's own libraries: dots in the file name, signs in the names of spectra."""
    explorer = _explorer(folder)
    explorer.pick(2, 2)
    explorer.keep("M\u00fchle, S\u00fcd = {x}")
    first = explorer.spectra[0].mean.copy()
    results = []
    for name in ("my.lib.v2.sli", "my.lib.v2.csv"):
        explorer.save(folder / name)
        explorer.load(folder / name)
        results.append(same(explorer.spectra[-1].mean, first, 1e-5) and "M\u00fchle" in explorer.spectra[-1].name)
    note(69, f"values and names come back: {results}; {[s.name for s in explorer.spectra]}")
    return all(results)


def check_70(folder: Path) -> bool:
    """A window smaller than the kernels of a network need."""
    import hsikit

    envi(folder, "cube", reflectance())
    scene = load(site(folder)).value
    split = hsikit.random_split(scene, train=0.2, seed=0)
    results = []
    for window in (3, 5):
        made = attempt(lambda: hsikit.fit(hsikit.CNN2D(bands=8, classes=3, window=window), scene, split, hsikit.TrainConfig(epochs=1, threads=1)))
        results.append(made)
    note(70, "; ".join(map(str, results)))
    return all(t.ok or t.clear for t in results)


def input_72(folder: Path) -> Path:
    """A label raster that counts its classes from 0 and declares 255 as nodata."""
    envi(folder, "cube", reflectance())
    labels = truth() - np.uint8(1)
    labels[20:] = 255
    tif(folder / "labels.tif", labels, nodata=255)
    return site(folder, labels="labels.tif")


def check_72(folder: Path) -> bool:
    tried = load(input_72(folder), check=True)
    if not tried.ok:
        note(72, tried)
        return tried.clear
    scene = tried.value
    name = lambda row, col: scene.class_names[scene.labels[row, col] - 1] if scene.labels[row, col] else "unlabelled"  # noqa: E731
    got = {right: name(row, col) for right, row, col in (("gravel", 2, 2), ("sedge", 2, 25), ("tarn", 18, 2))}
    note(72, f"class on the ground and the name it gets: {got}; findings {tried.said}")
    return all(a == b for a, b in got.items()) or tried.mentions("from 0", "count from", "start at", "zero-based", "value 0")


def input_73(folder: Path) -> Path:
    """A scene that is mapped piece by piece, cut short, and gets a raster of valid pixels before it goes on."""
    labels = np.kron(truth(), np.ones((4, 4), np.uint8))
    envi(folder, "cube", reflectance(labels))
    np.save(folder / "labels.npy", labels)
    valid = np.ones(labels.shape, bool)
    valid[:30, :60] = False
    np.save(folder / "valid.npy", valid)
    return site(folder)


def check_73(folder: Path) -> bool:
    import rasterio
    from hsikit.predict import large

    path = input_73(folder)
    run, _ = fitted(load(path).value, epochs=2, train=0.05)
    run.model.save(folder / "model")
    whole = large._here

    def cut(*args: Any) -> Any:
        for number, piece in enumerate(whole(*args)):
            if number == 4:
                raise KeyboardInterrupt
            yield piece

    large._here = cut
    try:
        large.map_large(folder / "model", path, folder / "map.tif", memory_gb=0.002)
    except KeyboardInterrupt:
        pass
    finally:
        large._here = whole
    path = site(folder, "valid: valid.npy")
    resumed = attempt(lambda: large.map_large(folder / "model", path, folder / "map.tif", memory_gb=0.002))
    large.map_large(folder / "model", path, folder / "fresh.tif", memory_gb=0.002)
    if not resumed.ok:
        note(73, resumed)
        return resumed.clear
    with rasterio.open(folder / "map.tif") as one, rasterio.open(folder / "fresh.tif") as two:
        gone_on, fresh = one.read(1), two.read(1)
    note(73, f"gone on and fresh agree {agree(gone_on, fresh):.2f}; masked pixels with a class {(gone_on[:30, :60] > 0).mean():.2f} and {(fresh[:30, :60] > 0).mean():.2f}; said {resumed.said}")
    return agree(gone_on, fresh) == 1


def input_74(folder: Path) -> Path:
    """A config on a scene of one's own, whose labels are painted anew between two runs in one session."""
    envi(folder, "cube", reflectance())
    path = site(folder)
    (folder / "config.yaml").write_text(f"scene: {path}\nsplit: {{kind: random, train: 0.3}}\ntrain: {{threads: 1}}\nmethod: lda\nseeds: [0]\n")
    return folder / "config.yaml"


def check_74(folder: Path) -> bool:
    import io

    from hsikit.cli import main as hsikit_main

    config, kept = input_74(folder), {k: os.environ.get(k) for k in ("HSIKIT_RUNS", "HSIKIT_LEDGER")}
    os.environ |= {"HSIKIT_RUNS": str(folder / "runs"), "HSIKIT_LEDGER": str(folder / "ledger.jsonl")}
    results = []
    try:
        for turn in range(2):
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = hsikit_main(["run", str(config), "--json"])
            results.append((code, json.loads(out.getvalue())[0]["oa_mean"] if code == 0 else err.getvalue().strip().splitlines()[-1][:160]))
            np.save(folder / "labels.npy", np.random.default_rng(0).integers(1, 4, (ROWS, COLS)).astype(np.uint8))
    finally:
        for key, value in kept.items():
            os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)
    note(74, f"exit and OA with the labels, then with labels drawn at random: {results}")
    return results[1][0] == 2 or (results[1][0] == 0 and results[1][1] < 0.6)


def input_75(folder: Path) -> tuple[Path, Path]:
    """YAML files with a slip: a word that `bad_bands` does not know, and too few wavelengths."""
    cube = reflectance()
    cube[..., 3] = 0
    envi(folder, "cube", cube, MAP_INFO + "\nbbl = {" + ", ".join("0" if b == 3 else "1" for b in range(BANDS)) + "}")
    tif(folder / "cube.tif", reflectance())
    return (site(folder, "bad_bands: remove", name="word.yaml"),
            site(folder, f"wavelengths_nm: {list(range(420, 435))}", hsi="cube.tif", name="short.yaml"))  # fmt: skip


def check_75(folder: Path) -> bool:
    from hsikit.predict.large import map_large

    slips = input_75(folder)
    run, _ = fitted(load(site(folder, "bad_bands: keep", name="plain.yaml")).value, epochs=1)
    run.model.save(folder / "model")
    results = []
    for path in slips:
        results.append((load(path), attempt(lambda: map_large(folder / "model", path, folder / "map.tif"))))  # noqa: B023
    note(75, "; ".join(f"{path.name}: in memory {held}, piece by piece {large}" for path, (held, large) in zip(slips, results)))
    return all(not large.ok and large.clear for _, large in results)


def input_76(folder: Path) -> Path:
    """An ENVI library of integers' range with `reflectance scale factor = 10000` in its header."""
    return sli(folder, 10000 * _ramp(LIB_WAVES)[None], ["ramp"], LIB_WAVES, extra="reflectance scale factor = 10000")


def check_76(folder: Path) -> bool:
    return _library(76, folder, input_76(folder), _ramp(WAVES))


def input_78(folder: Path) -> Path:
    """A library in CSV saved in Latin-1, with an umlaut in a name."""
    rows = ["wavelength_nm,M\u00fchle", *(f"{w:.4f},{v:.6f}" for w, v in zip(LIB_WAVES, _ramp(LIB_WAVES)))]
    (folder / "lib.csv").write_bytes("\n".join(rows).encode("latin-1"))
    return folder / "lib.csv"


def check_78(folder: Path) -> bool:
    return _library(78, folder, input_78(folder), _ramp(WAVES))


def input_79(folder: Path) -> Path:
    """A library in CSV with two columns of the same name."""
    rows = ["wavelength_nm,sedge,sedge", *(f"{w:.4f},{v:.6f},{v + 0.1:.6f}" for w, v in zip(LIB_WAVES, _ramp(LIB_WAVES)))]
    (folder / "lib.csv").write_text("\n".join(rows))
    return folder / "lib.csv"


def check_79(folder: Path) -> bool:
    explorer, path = _explorer(folder), input_79(folder)
    tried = attempt(lambda: explorer.load(path))
    note(79, tried if not tried.ok else f"{len(explorer.spectra)} of 2 spectra listed; message {explorer.message!r}")
    if not tried.ok:
        return tried.clear
    return len(explorer.spectra) == 2 or "same name" in explorer.message


def check_81(folder: Path) -> bool:
    """The spectra explorer on odd scenes: one band, 2,000 bands, zeros, NaN band, negative, descending, doubled, thermal."""
    from hsikit.explore import SpectraExplorer
    from hsikit.explore.spectra_picture import MODES
    from hsikit.scenes import Scene

    hole = reflectance()
    hole[..., 3] = np.nan
    wrong = {}
    for name, cube, waves in (
        ("one", reflectance()[..., :1], np.array([650.0])), ("2000", reflectance(bands=2000), np.linspace(400, 2500, 2000)),
        ("zeros", np.zeros((ROWS, COLS, 5), np.float32), None), ("nan", hole, WAVES), ("negative", reflectance() - 0.2, WAVES),
        ("down", reflectance()[..., ::-1], WAVES[::-1]), ("doubled", reflectance(), np.repeat(WAVES[::2], 2)),
        ("thermal", reflectance(), np.linspace(8000, 12000, BANDS)), ("big endian", reflectance().astype(">f4"), WAVES),
    ):  # fmt: skip
        explorer = SpectraExplorer(Scene("s", cube, truth(), NAMES, wavelengths_nm=waves))
        calls = [lambda e: e.pick(2, 2), lambda e: e.set_continuum(True), lambda e: e.drawn(e.spectra[-1].mean), lambda e: e.span,
                 lambda e: e.select(np.ones((ROWS, COLS), bool)), lambda e: e.toggle_class(1), lambda e: e.save(folder / "s.sli"),
                 *[lambda e, m=m: (e.show(m), e.picture()) for m in MODES]]  # fmt: skip
        for call in calls:
            tried = attempt(lambda: call(explorer))  # noqa: B023
            if not tried.ok and not tried.clear:
                wrong[name] = str(tried)
    note(81, wrong or "no traceback on 9 scenes, 7 actions and all pictures each")
    return not wrong


def check_82(folder: Path) -> bool:
    """Labels as MATLAB doubles with NaN, MATLAB 4, palette PNG; and kinds that cannot be labels."""
    import scipy.io as sio
    import scipy.sparse as sparse
    from PIL import Image

    envi(folder, "cube", reflectance())
    some = np.where(truth() == 3, np.nan, truth()).astype(float)
    sio.savemat(folder / "nan.mat", {"gt": some})
    sio.savemat(folder / "four.mat", {"gt": truth().astype(float)}, format="4")
    picture = Image.fromarray(truth(), "P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0, 0, 0, 200] + [0] * 756)
    picture.save(folder / "palette.png")
    sio.savemat(folder / "sparse.mat", {"gt": sparse.csc_matrix(truth().astype(float))})
    sio.savemat(folder / "onehot.mat", {"gt": np.eye(3, dtype=np.uint8)[truth() - 1]})
    Image.fromarray(np.stack([80 * truth()] * 3, -1)).save(folder / "rgb.png")
    good = {n: load(site(folder, labels=n, name="x.yaml")) for n in ("nan.mat", "four.mat", "palette.png")}
    bad = {n: load(site(folder, labels=n, name="x.yaml")) for n in ("sparse.mat", "onehot.mat", "rgb.png")}
    note(82, {n: str(t)[:90] for n, t in (good | bad).items()})
    right = {"nan.mat": np.nan_to_num(some), "four.mat": truth(), "palette.png": truth()}
    return all(t.ok and agree(t.value.labels, right[n]) == 1 for n, t in good.items()) and all(not t.ok and t.clear for t in bad.values())


CASES = {int(name[6:]): check for name, check in list(globals().items()) if name.startswith("check_")}


def main(arguments: list[str]) -> int:
    if "--list" in arguments:
        for number, check in CASES.items():
            about = globals().get(f"input_{number:02d}", check).__doc__ or check.__doc__ or ""
            print(f"{number:02d} {about.strip().splitlines()[0]}")
        return 0
    wanted = [int(a) for a in arguments if a.isdigit()] or list(CASES)
    failed = []
    with tempfile.TemporaryDirectory() as aside:
        os.environ.setdefault("HSIKIT_RUNS", f"{aside}/runs")
        os.environ.setdefault("HSIKIT_LEDGER", f"{aside}/ledger")
        for number in wanted:
            folder = Path(aside) / f"case_{number:02d}"
            folder.mkdir()
            try:
                with contextlib.redirect_stderr(None if "-v" in arguments else open(os.devnull, "w")):  # noqa: SIM115
                    passed = bool(CASES[number](folder))
            except Exception as error:  # noqa: BLE001
                passed = False
                note(number, f"{NOTES.get(number, '')} CHECK STOPPED: {type(error).__name__}: {error}")
            failed += [] if passed else [number]
            print(f"{number:02d} {'pass' if passed else 'FAIL'}  {NOTES.get(number, '')}", flush=True)
    print(f"{len(wanted) - len(failed)} of {len(wanted)} pass" + (f"; failing: {failed}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
