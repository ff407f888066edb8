"""A user's own scene, opened by its YAML file: held whole, or cut into pieces that are scenes of their own.

site = open_site("site.yaml")                 # or cube.hdr, cube.tif, cube.zarr
scene = site.scene()                          # what `load_scene` returns
piece = site.cut(0, 512, 512, 1024)           # these rows and columns, without labels

Both come through the same few functions, so that a pixel is the same however it is read. `hsikit.scenes.yaml_file`
says what the YAML may hold.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np

from hsikit._util.errors import door
from hsikit.scenes.cube import chosen_bands, opened, told
from hsikit.scenes.envi import sample
from hsikit.scenes.labels import VECTORS, Labels, class_values, drawn_labels, raster_labels, read_classes
from hsikit.scenes.layers import Finding, Layer, check_unpacked, copied, open_layer
from hsikit.scenes.place import place
from hsikit.scenes.scene import Scene, SceneError
from hsikit.scenes.yaml_file import Named, class_file, entries, files_of, mask_entries, named, read_yaml, stamp_of

log = logging.getLogger(__name__)

SCAN_BYTES = 256 << 20  # cubes up to here are searched for no-data at opening, larger ones when first asked
COPY_BYTES = 4 << 30  # dropping or scaling bands copies the cube; refused beyond this
READ_BYTES = 64 << 20  # read at a time
STRIP = 16  # rows looked at together
FILLS = (-9999.0, -32768.0, -32767.0)  # no height and no intensity, whether the file says so or not


@dataclass(frozen=True, eq=False)
class Site:
    """A scene on disk, opened: headers were read, and small cubes searched for no-data.

    Attributes:
        name: Short name.
        cube: The bands that count.
        bands: Their numbers in the file, from 0.
        lidar, lidar_names: Rasters on the cube's grid, and the names of their channels.
        valid: A raster on the cube's grid, above 0 where pixels have a measurement, or None: where no band lacks data.
        lenient: Zeros that a file calls no-data count as such in pixels where all bands are 0 alone.
        fill: Whether samples without data are drawn between the bands beside them.
        spec, path: The YAML, for what only a whole scene needs.
        stamp: Changes when any of its files does.
        findings: What was noticed while opening.
    """

    name: str
    cube: Layer
    bands: np.ndarray
    lidar: tuple[Layer, ...] = ()
    lidar_names: tuple[str, ...] = ()
    valid: Layer | None = None
    lenient: bool = False
    fill: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)
    path: Path = Path()
    stamp: str = ""
    files: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    simulated: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.cube.shape[0], self.cube.shape[1]

    @property
    def plain(self) -> bool:
        """Whether stored samples are the values, so that an array on disk may stay there."""
        return not self.cube.scaled and not self.fill

    @property
    def pixel_bytes(self) -> int:
        """What a pixel's spectrum takes in memory while it is read, at most."""
        cube, kept = self.cube, 4 if not self.plain else self.cube.dtype.itemsize * (self.cube.channels_read > 0)
        return cube.dtype.itemsize * max(cube.channels_read, cube.shape[2]) + kept * cube.shape[2]

    # --- pixels ----------------------------------------------------------------------------------

    def spectra(self, rows: slice, cols: slice) -> tuple[np.ndarray, np.ndarray]:
        """Values (row, col, band), as stored where nothing is scaled or filled, and which pixels are valid."""
        stored = self.cube.read(rows, cols)
        values = stored if self.plain else np.empty(stored.shape, np.float32)
        valid = np.empty(stored.shape[:2], bool)
        for top in range(0, len(stored), STRIP):  # some rows at a time, so that nothing else grows as large as these
            part, where = slice(top, top + STRIP), slice(rows.start + top, min(rows.start + top + STRIP, rows.stop))
            lacking = self._lacking(stored[part], where, cols)
            if not self.plain:
                numbers = stored[part].astype(np.float32)
                numbers[lacking] = np.nan
                values[part] = self.cube.scale_up(numbers)
                if self.fill:
                    lacking = _filled(values[part], lacking)
            valid[part] = ~lacking.any(2)
        if self.valid is not None:
            valid &= np.nan_to_num(self.valid.values(rows, cols)[..., 0]) > 0
        return values, valid

    def _lacking(self, stored: np.ndarray, rows: slice, cols: slice) -> np.ndarray:
        """Booleans (row, col, band), True where a sample holds no measurement."""
        lacking = self.cube.missing(stored)
        if self.lenient:
            lacking &= (stored == 0).all(2)[..., None] | (stored != 0)
        if self.cube.mask is not None:
            lacking[~self.cube.mask(rows, cols)] = True
        return lacking

    def heights(self, rows: slice, cols: slice) -> np.ndarray | None:
        """LiDAR (row, col, channel) float32, NaN where there is none; None without LiDAR."""
        parts = [layer.values(rows, cols) for layer in self.lidar]
        return np.concatenate(parts, 2) if parts else None

    def cut(self, top: int, bottom: int, left: int, right: int) -> Scene | None:
        """The scene of these rows and columns without labels, or None where no pixel of it is valid."""
        where = slice(top, bottom), slice(left, right)
        hsi, valid = self.spectra(*where)
        if not valid.any():
            return None
        return Scene(self.name, hsi, np.zeros(valid.shape, np.int16), (), units=self.units, valid=valid,
                     wavelengths_nm=self.cube.wavelengths, lidar=self.heights(*where), lidar_names=self.lidar_names,
                     fwhm_nm=self.cube.fwhm)  # fmt: skip

    # --- the whole -------------------------------------------------------------------------------

    @property
    def units(self) -> str:
        """What a value means: as the YAML or the file says."""
        told = self.spec.get("units") or self.cube.units
        if told or not self.cube.scaled:
            return str(told or "unknown units")
        return "unknown units, scaled as the file says"

    def scene(self) -> Scene:
        """The whole scene, as `load_scene` returns it; cubes that are mapped stay on disk where nothing is changed."""
        cube, spec, path = self.cube, self.spec, self.path
        labels = _labels(path, spec, cube)
        found = (*self.findings, *labels.findings, *_of_lidar(self.lidar))
        for finding in found:
            log.warning("%s: %s: %s; %s", self.name, *finding)
        hsi, valid = self._whole()
        return Scene(
            name=self.name, hsi=hsi, labels=labels.raster, class_names=labels.names,
            colors=labels.colors if len(labels.colors) == len(labels.names) else (), units=self.units,
            wavelengths_nm=cube.wavelengths, fwhm_nm=cube.fwhm, lidar=self.heights(*cube.everywhere),
            lidar_names=self.lidar_names, valid=valid, masks=_masks(path, spec.get("masks"), cube), crs=cube.crs,
            transform=cube.transform, gcps=cube.gcps, gsd_m=_gsd(path, spec.get("gsd_m"), cube),
            citation=str(spec.get("citation", "")), licence=str(spec.get("licence", "")), findings=found,
            source_pixel=None if cube.source_pixel is None else cube.source_pixel(*cube.everywhere), files=self.files,
        )  # fmt: skip

    def _whole(self) -> tuple[np.ndarray, Any]:
        """The cube, and its valid pixels or the function that finds them in a large one."""
        array = self.cube.array() if self.plain and self.cube.array is not None else None
        dtype = self.cube.dtype if self.plain else np.dtype(np.float32)
        size = math.prod(self.cube.shape) * dtype.itemsize
        if array is None and size > COPY_BYTES:
            raise SceneError(
                f"{self.path}: {size / 2**30:.1f} GB would be held in memory, as its file cannot be mapped or bands are"
                " dropped, scaled or filled; map it piece by piece, write `bad_bands: keep`, or export it so"
            )
        if array is None:
            check_unpacked(self.cube.path, size)
        if array is not None and self.cube.nbytes > SCAN_BYTES:
            if not np.isfinite(some := sample(array)).any():
                raise SceneError(f"{self.path}: none of {len(some)} sampled pixels of the cube holds a number")
            return array, self._valid_pixels
        hsi = np.empty(self.cube.shape, dtype) if array is None else array
        valid = np.empty(self.shape, bool)
        for rows, cols in strips(self.cube):
            values, valid[rows] = self.spectra(rows, cols)
            if array is None:
                hsi[rows] = values
        return hsi, valid

    def _valid_pixels(self) -> np.ndarray:
        return np.concatenate([self.spectra(*strip)[1] for strip in strips(self.cube)])


def strips(cube: Layer) -> list[tuple[slice, slice]]:
    """Rectangles that make up the whole, as high as `READ_BYTES` allow: tiles are unpacked anew for each."""
    rows, cols, bands = cube.shape
    high = max(STRIP, READ_BYTES // (cols * max(bands, cube.channels_read) * cube.dtype.itemsize))
    return [(slice(top, min(top + high, rows)), slice(0, cols)) for top in range(0, rows, high)]


# --- opening -------------------------------------------------------------------------------------


@door
def open_site(scene: str | Path, whole: bool = False) -> Site:
    """Open a scene without reading it: by the path of its YAML file or of its cube.

    With `whole`, a small cube that cannot be memory-mapped is read at once, so that nothing is unpacked twice.

    Bands that the file marks bad are left out (`bad_bands: keep` keeps them), and so are those that `drop_bands` names
    or that hold no data anywhere. Rasters beside the cube are placed on its grid (`hsikit.scenes.place`). Raises
    `SceneError` for unknown keys (the nearest known one is named), missing or damaged files, and rasters that do not
    fit each other.
    """
    path = Path(scene)
    spec = _spec(path)
    cube, kept, lenient, found = chosen_bands(path, spec)
    small = cube.nbytes <= SCAN_BYTES
    cube = cube.in_memory() if whole and small and cube.array is None else cube
    site = Site(
        str(spec.get("name", path.stem)), cube, kept, lenient=lenient, fill=_filling(path, spec), spec=spec,
        path=path, stamp=stamp_of(path, cube.files), files=tuple(dict.fromkeys([*files_of(path), *cube.files])),
    )  # fmt: skip
    site, lost = _without_dead_bands(site)
    layers, names = _lidar(path, spec.get("lidar"), site.cube)
    valid = None
    if spec.get("valid") is not None:
        valid = place(_one_channel(named(path, spec["valid"], "valid")), cube, classes=True)
        found = [*found, *valid.findings]
    return replace(site, lidar=tuple(layers), lidar_names=tuple(names), valid=valid,
                   findings=(*found, *lost, *(f for layer in layers for f in layer.findings)))  # fmt: skip


def cube_gb(scene: str | Path) -> float:
    """GB of a scene's cube as float32, as it would be held in memory to be mapped."""
    path = Path(scene)
    return 4 * math.prod(opened(path, _spec(path))[0].shape) / 2**30


def _spec(path: Path) -> dict[str, Any]:
    return read_yaml(path) if path.suffix.lower() in (".yaml", ".yml") else {"hsi": str(path.absolute())}


def _without_dead_bands(site: Site) -> tuple[Site, list[Finding]]:
    """The site without bands that hold no data in any pixel that holds some; counts of pixels that lack data.

    A cube too large to be searched is judged by pixels spread over it.
    """
    if site.cube.nbytes <= SCAN_BYTES:
        windows = strips(site.cube)
    else:
        side = 8 if site.cube.array is not None else 3  # a pixel of a compressed file costs a tile
        at = [((np.arange(side) + 0.5) * size / side).astype(int) for size in site.shape]
        windows = [(slice(r, r + 1), slice(c, c + 1)) for r in at[0] for c in at[1]]
    partly, wholly, some = [], 0, np.zeros(site.cube.shape[2], bool)
    for where in windows:
        lacking = site._lacking(site.cube.read(*where), *where).reshape(-1, site.cube.shape[2])
        wholly += int((empty := lacking.all(1)).sum())
        some |= (~lacking).any(0)
        partly.append(lacking[~empty & lacking.any(1)])
    if not some.any() and site.cube.nbytes <= SCAN_BYTES:
        raise SceneError(f"{site.name}: no pixel is valid; at least one pixel needs a spectrum")
    found: list[Finding] = []
    if wholly and site.cube.nbytes <= SCAN_BYTES:
        log.info("%s: %d pixels hold no data and are not valid", site.name, wholly)
    if some.any() and not some.all():
        dead = ", ".join(map(str, site.bands[~some]))
        found.append(("bands without data", f"bands {dead} hold no data anywhere and are left out",
                      f"write `drop_bands: [{dead}]` to say that this is meant"))  # fmt: skip
    live = some if some.any() else np.ones(some.size, dtype=bool)
    count = sum(int(rows[:, live].any(1).sum()) for rows in partly)
    if count and not site.fill and site.cube.nbytes <= SCAN_BYTES:
        remedy = "`drop_bands` leaves the bands out instead, `fill: bands` draws between neighbouring bands"
        found.append(("pixels without data in some bands", f"{count:,} pixels lack some and are left out", remedy))
    return replace(site, cube=site.cube.take(np.flatnonzero(live)), bands=site.bands[live]), found


def _filling(path: Path, spec: Mapping[str, Any]) -> bool:
    if spec.get("fill") not in (None, "bands"):
        raise SceneError(f"{path}: fill is {short(spec['fill'])}, expected bands, or no such key")
    return spec.get("fill") == "bands"


def _filled(values: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """Draw samples without data between the bands beside them, in place; what still lacks data."""
    empty = lacking.all(2)
    partly = lacking.any(2) & ~empty
    spectra, none = values[partly], lacking[partly]  # (pixel, band)
    band = np.arange(values.shape[2])
    below = np.maximum.accumulate(np.where(none, -1, band), 1)  # the nearest band with data on either side
    above = np.minimum.accumulate(np.where(none, band.size, band)[:, ::-1], 1)[:, ::-1]
    low, high = np.where(below < 0, above, below), np.where(above == band.size, below, above)
    first, last = np.take_along_axis(spectra, low, 1), np.take_along_axis(spectra, high, 1)
    share = (band - low) / np.maximum(high - low, 1)
    values[partly] = np.where(none, first + share * (last - first), spectra)
    return lacking & np.asarray(empty)[..., None]


def _lidar(path: Path, value: Any, cube: Layer) -> tuple[list[Layer], list[str]]:
    """All LiDAR layers on the cube's grid, and the names of their channels."""
    files = entries(path, value, "lidar")
    layers, names = [], []
    for file in files:
        layer = told(path, open_layer(file.path, file.variable), vars(file), "lidar ")
        label, channels = file.name or file.path.stem, layer.shape[2]
        own = layer.channel_names if channels > 1 and not file.name else ()
        names += list(own or ([label] if channels == 1 else [f"{label} {i + 1}" for i in range(channels)]))
        layers.append(layer)
    if not files:
        layers = list(cube.lidar)
        names = [name for layer in layers for name in layer.channel_names or [layer.path.stem]]
    return [place(_no_heights(layer), cube) for layer in layers], names


def _no_heights(layer: Layer) -> Layer:
    """The layer with values that are no height or intensity as no-data, beside what it declares."""
    known = np.repeat(np.array(FILLS)[:, None], layer.shape[2], 1)
    return replace(layer, nodata=known if layer.nodata is None else np.vstack([np.atleast_2d(layer.nodata), known]))


def _of_lidar(layers: Sequence[Layer]) -> list[Finding]:
    found: list[Finding] = []
    for layer in layers:
        spread = np.empty(0) if layer.quality is None else layer.quality(*layer.everywhere)
        if np.isfinite(spread).any():
            usual, high = np.nanpercentile(spread, (50, 95))
            where = f"{layer.path.name}: within a pixel it spreads by {usual:.3g} (median), {high:.3g} in one of twenty"
            found.append(("LiDAR of a finer grid", where, "its mean stands for a pixel"))
    return found


def _one_channel(file: Named) -> Layer:
    layer = open_layer(file.path, file.variable)
    if layer.shape[2] != 1:
        raise SceneError(f"{file.path} is {layer.shape}, expected one channel (row, col)")
    return layer


def _labels(path: Path, spec: Mapping[str, Any], cube: Layer) -> Labels:
    """The labels and what they are called; all 0 where the YAML names no labels."""
    names, colors = read_classes(path, spec.get("classes"), class_file(path, spec.get("classes")))
    values = class_values(path, spec.get("class_values"))
    if values is not None and names and set(names) != set(values.values()):
        raise SceneError(f"{path}: class_values and classes name other classes; give one of them")
    if spec.get("labels") is None:
        return Labels(np.zeros(cube.shape[:2], np.int16), names, colors)
    file = named(path, spec["labels"], "labels")
    encoding = file.encoding or spec.get("encoding")
    if file.path.suffix.lower() in VECTORS:
        if values is not None:
            raise SceneError(f"{path}: class_values is for rasters; {file.path.name} is drawn: give its classes' names")
        return Labels(*drawn_labels(file.path, file.field, file.layer, encoding, names, cube), colors)
    layer = told(path, open_layer(file.path, file.variable, encoding), vars(file), "labels ")
    made = raster_labels(layer, cube, names, colors, values)
    return made if values is None or made.names == names else replace(made, colors=[])  # of another order


def _masks(path: Path, value: Any, cube: Layer) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fixed splits, placed on the cube's grid."""
    placed = lambda file: place(_one_channel(file), cube, classes=True).values(*cube.everywhere)  # noqa: E731
    read = lambda file: np.nan_to_num(placed(file)[..., 0])  # noqa: E731
    return {name: (read(train).astype(np.int16), read(test).astype(np.int16))
            for name, (train, test) in mask_entries(path, value)}  # fmt: skip


def _gsd(path: Path, value: Any, cube: Layer) -> float | None:
    """Pixel size in metres, as given or as the cube's grid has it (where its CRS counts in metres)."""
    if value is not None:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
            raise SceneError(f"{path}: gsd_m is {short(value)}, expected metres above 0")
        return float(value)
    if cube.transform is None or cube.crs is None or not cube.crs.is_projected:
        return None
    return float(math.hypot(cube.transform.a, cube.transform.d) * cube.crs.linear_units_factor[1])


def held_site(scene: Scene) -> Site:
    """A scene in memory in the place of one on disk."""
    path = Path(scene.name)
    over = lambda a, **facts: Layer(path, a.shape, a.dtype, lambda r, c: copied(a, r, c), lambda: a, **facts)  # noqa: E731
    cube = over(scene.hsi, crs=scene.crs, transform=scene.transform, wavelengths=scene.wavelengths_nm,
                units=scene.units)  # fmt: skip
    lidar = () if scene.lidar is None else (over(scene.lidar),)
    return Site(scene.name, cube, np.arange(scene.bands), lidar, tuple(scene.lidar_names), over(scene.valid[..., None]),
                stamp=scene.content_hash, simulated=scene.simulated)  # fmt: skip
