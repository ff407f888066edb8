"""Miniature products in the layouts that agencies publish; every one holds the same simple truth.

The reflectance of pixel (row, col) in a band of `nm` is `truth`; one pixel, `CONTROL`, is bright at all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
from rasterio.transform import from_origin
from scenes.miniature import write_envi, write_tiff

ROWS, COLS = 9, 7
CONTROL = (2, 5)
EAST, NORTH = 257_000.0, 4_113_000.0
WGS84 = rasterio.crs.CRS.from_epsg(4326)


def truth(nm: Any, rows: int = ROWS, cols: int = COLS) -> np.ndarray:
    """Reflectance (row, col, band), distinct in every pixel and band, multiples of 1e-4."""
    row, col = np.mgrid[:rows, :cols]
    dn = 500 + 100 * row[..., None] + 10 * col[..., None] + np.rint(np.asarray(nm) / 2).astype(int)
    dn[CONTROL] = 9000
    return dn / 1e4


# --- NEON -----------------------------------------------------------------------------------------

NEON_NM = 383.534 + 5.008 * np.arange(426)


def neon(
    folder: Path,
    name: str = "NEON_D17_SJER_DP3_257000_4112000_reflectance.h5",
    fwhm: int = 426,
    windows: bool = True,
    kind: str = "Reflectance",
    layer: str = "Aerosol_Optical_Depth",
    reflectance: np.ndarray | None = None,
) -> Path:
    """A tile (row, col, band) int16 whose corner is `EAST`, `NORTH`; pixel (0, 0) is no data."""
    path = folder / name
    dn = np.rint((truth(NEON_NM) if reflectance is None else reflectance) * 10_000).astype(np.int16)
    dn[0, 0] = -9999
    with h5py.File(path, "w") as file:
        group = file.create_group(f"SJER/{kind}")
        data = group.create_dataset(f"{kind}_Data", data=dn, chunks=(4, 4, 100), compression="gzip")
        data.attrs["Scale_Factor"], data.attrs["Data_Ignore_Value"] = 10_000.0, -9999.0
        if windows:
            group.attrs["Band_Window_1_Nanometers"] = [1340, 1445]
            group.attrs["Band_Window_2_Nanometers"] = [1790, 1955]
        group["Metadata/Spectral_Data/Wavelength"] = NEON_NM
        group["Metadata/Spectral_Data/FWHM"] = np.full(fwhm, 5.6)
        group["Metadata/Coordinate_System/EPSG Code"] = np.bytes_("32611")
        info = f"UTM,  1.000,  1.000, {EAST:.2f}, {NORTH:.2f}, 1.0, 1.0, 11,  North,  WGS-84,  units=Meters"
        group["Metadata/Coordinate_System/Map_Info"] = np.bytes_(info)
        group[f"Metadata/Ancillary_Imagery/{layer}"] = np.zeros(dn.shape[:2], np.uint8)
    return path


def neon_heights(
    folder: Path, kind: str = "CHM", east_m: float = 0.0, tile: str = "257000_4112000", over_m: np.ndarray | None = None
) -> Path:
    """A CHM or DSM on the tile's grid, with one -9999 and one NaN."""
    heights = np.arange(ROWS * COLS, dtype=np.float32).reshape(ROWS, COLS) if over_m is None else over_m.copy()
    heights[1, 1], heights[1, 2] = -9999, np.nan
    folder.mkdir(parents=True, exist_ok=True)
    return write_tiff(folder / f"NEON_D17_SJER_DP3_{tile}_{kind}.tif", heights, from_origin(EAST + east_m, NORTH, 1, 1),
                      rasterio.crs.CRS.from_epsg(32611), nodata=-9999)  # fmt: skip


# --- EMIT -----------------------------------------------------------------------------------------

EMIT_NM = np.linspace(381.00559, 2492.92388, 285)
DEGREE = 0.000542232520256367
EMIT_CORNER = (61.64, 36.39)
SCENE = "20220827T060753_2223904_013"


def glt() -> tuple[np.ndarray, np.ndarray]:
    """Crosstrack and downtrack (row, col) from 1: two columns show each raw column; a corner is empty."""
    row, col = np.mgrid[:ROWS, : 2 * COLS]
    x, y = col // 2 + 1, row + 1
    x[:2, :3] = y[:2, :3] = 0
    x[4, 4], y[4, 4] = -x[4, 4], -y[4, 4]  # a neighbour fills in
    return x.astype(np.int32), y.astype(np.int32)


def emit(
    folder: Path,
    good: bool = True,
    cloud: bool = True,
    name: str = f"EMIT_L2A_RFL_001_{SCENE}.nc",
    place: Any = None,
    reflectance: np.ndarray | None = None,
) -> Path:
    """Reflectance (downtrack, crosstrack, band), its GLT or that of a `place` group, and the mask file beside it."""
    path = folder / name
    raw = truth(EMIT_NM).astype(np.float32) if reflectance is None else reflectance
    flagged = ((EMIT_NM > 1325) & (EMIT_NM < 1435)) | ((EMIT_NM > 1770) & (EMIT_NM < 1962))
    with h5py.File(path, "w") as file:
        file.attrs["title"] = np.bytes_("EMIT L2A Estimated Surface Reflectance 60 m V001")
        file.attrs["geotransform"] = [EMIT_CORNER[0], DEGREE, 0, EMIT_CORNER[1], 0, -DEGREE]
        file.attrs["spatial_ref"] = np.bytes_(WGS84.to_wkt())
        file.attrs["easternmost_longitude"], file.attrs["westernmost_longitude"] = [61.0], [62.0]  # exchanged, as found
        data = file.create_dataset("reflectance", data=raw)
        data.attrs["_FillValue"] = np.array([-9999], np.float32)
        file["sensor_band_parameters/wavelengths"] = EMIT_NM.astype(np.float32)
        file["sensor_band_parameters/fwhm"] = np.full(285, 8.5, np.float32)
        if good:
            file["sensor_band_parameters/good_wavelengths"] = (~flagged).astype(np.float32)
        if place is None:
            file["location/glt_x"], file["location/glt_y"] = glt()
        else:
            place.copy(place["location"], file)
            for key in ("geotransform", "spatial_ref"):
                file.attrs[key] = place.attrs[key]
    if cloud:
        mask = np.zeros((*raw.shape[:2], 8), np.float32)
        mask[..., 5:7] = 0.3, 1.1  # optical depth and water vapour are no masks
        mask[..., 2] = 1  # nor is water
        mask[3, 3, 0] = mask[3, 4, 4] = 1
        with h5py.File(folder / f"EMIT_L2A_MASK_002_{SCENE}.nc", "w") as file:
            file.attrs["title"] = np.bytes_("EMIT L2A Masks 60 m V001")
            file["mask"] = mask
            file["sensor_band_parameters/mask_bands"] = np.arange(8)
            file["location/glt_x"], file["location/glt_y"] = glt()
    return path


# --- EnMAP and DESIS ------------------------------------------------------------------------------

VNIR_NM, SWIR_NM = np.linspace(418.24, 993.08, 91), np.linspace(902.257, 2445.53, 133)
ENMAP = "ENMAP01-____L2A-DT0000001867_20220724T104526Z_008_V010302_20230628T165614Z-"
DESIS = "DESIS-HSI-L2A-DT0485529167_001-20220320T105425-V0220-"
UTM33 = rasterio.crs.CRS.from_epsg(32633)


def _dlr_image(path: Path, nm: np.ndarray, gain: float) -> np.ndarray:
    dn = np.rint(truth(nm) / gain).astype(np.int16)
    dn[0, 0] = -32768
    write_tiff(path, dn, from_origin(EAST, NORTH, 30, 30), UTM33, nodata=-32768)
    return dn


def enmap(folder: Path, upper: bool = True, interleaved: bool = False, lists: bool = True, prefix: str = ENMAP,
          bands: int = 224) -> Path:  # fmt: skip
    """The unpacked folder: detectors one after the other or interleaved, dead bands, a cloud, background."""
    out = folder / prefix.rstrip("-")
    out.mkdir()
    nm = np.r_[VNIR_NM, SWIR_NM]
    vnir = np.arange(224) < 91
    order = np.argsort(nm) if interleaved else np.arange(224)
    nm, vnir = nm[order], vnir[order]
    dead = (nm > 1331) & (nm < 1391)
    image = out / (prefix + ("SPECTRAL_IMAGE.TIF" if upper else "spectral_image_cog.tiff"))
    dn = np.rint(truth(nm) * 10_000).astype(np.int16)
    dn[0, 0], dn[..., dead] = -32768, -32768
    write_tiff(image, dn[..., :bands], from_origin(EAST, NORTH, 30, 30), UTM33)
    listed = {
        "vnir": ",".join(str(i + 1) for i in np.flatnonzero(vnir)),
        "swir": ", ".join(str(i + 1) for i in np.flatnonzero(~vnir)),
    }
    band = "".join(
        f'<bandID number="{i + 1}"><wavelengthCenterOfBand>{w}</wavelengthCenterOfBand><FWHMOfBand>7.5</FWHMOfBand>'
        "<GainOfBand>0.0001</GainOfBand><OffsetOfBand>0</OffsetOfBand></bandID>"
        for i, w in enumerate(nm)
    )
    mean = "".join(
        f'<bandID number="{i + 1}"><mean>{-1000000 if d else 812.5}</mean></bandID>' for i, d in enumerate(dead)
    )
    quality = "".join(
        f"<{k}ProductQuality><expectedChannelsList>{v}</expectedChannelsList></{k}ProductQuality>"
        for k, v in listed.items()
    )
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><level_X xmlns="http://example.org/enmap">'
        f"<product>{quality if lists else ''}<bandStatistics>{mean}</bandStatistics></product>"
        f"<specific><bandCharacterisation>{band}</bandCharacterisation></specific></level_X>"
    )
    (out / (prefix + ("METADATA.XML" if upper else "metadata.xml"))).write_text(xml)
    (out / (prefix + "QL_VNIR.TIF")).write_bytes(b"a picture")
    flags = {"CLOUD": (1, 4, 4), "CLASSES": (3, 8, 0), "HAZE": (1, 5, 5)}
    for name, (value, row, col) in flags.items():
        layer = np.full((ROWS, COLS), 1 if name == "CLASSES" else 0, np.uint8)
        layer[row, col] = value
        write_tiff(out / f"{prefix}QL_QUALITY_{name}.TIF", layer, from_origin(EAST, NORTH, 30, 30), UTM33)
    return out


DESIS_NM = np.linspace(401.9, 999.5, 60)


def desis(folder: Path) -> Path:
    """The unpacked folder, binned to 60 bands; `band` occurs a second time elsewhere in the metadata."""
    out = folder / DESIS.rstrip("-")
    out.mkdir()
    _dlr_image(out / f"{DESIS}SPECTRAL_IMAGE.tif", DESIS_NM, 1e-4)
    band = "".join(
        f"<band><bandNumber>{i + 1}</bandNumber><wavelengthCenterOfBand>{w}</wavelengthCenterOfBand>"
        "<wavelengthWidthOfBand>10.2</wavelengthWidthOfBand><gainOfBand>0.0001</gainOfBand>"
        "<offsetOfBand>0</offsetOfBand></band>"
        for i, w in enumerate(DESIS_NM)
    )
    other = "<interiorOrientation><band><bandNumber>1</bandNumber></band></interiorOrientation>"
    (out / f"{DESIS}METADATA.xml").write_text(
        f"<hsi_doc><specific>{other}<bandCharacterisation>{band}</bandCharacterisation></specific></hsi_doc>"
    )
    layers = np.zeros((ROWS, COLS, 10), np.int16)
    layers[..., 1] = layers[..., 8] = 40  # land, optical depth
    layers[4, 4, 5], layers[4, 5, 0], layers[6, 6, 7] = 1, 1, 1  # cloud, shadow; water stays
    write_tiff(out / f"{DESIS}QL_QUALITY-2.tif", layers, from_origin(EAST, NORTH, 30, 30), UTM33)
    return out


# --- AVIRIS-NG ------------------------------------------------------------------------------------

NG_NM = np.linspace(376.44, 2500.12, 425)


def aviris_ng(folder: Path, name: str = "ang20170323t202244_corr_v2p9_img", names: bool = True, **fields: Any) -> Path:
    """ENVI floats whose bands are named after their wavelengths, on a grid turned by 2 degrees."""
    values = truth(NG_NM).astype(np.float32)
    values[0, 0] = -9999
    header = write_envi(folder, values, "bil", name, **{
        "wavelength": None if names else list(NG_NM), "wavelength units": None,
        "band names": [f"{w:.2f} Nanometers" for w in NG_NM] if names else None, "data ignore value": -9999,
        "map info": ["UTM", 1, 1, EAST, NORTH, 2, 2, 11, "North", "WGS-84", "rotation=-2"], **fields})  # fmt: skip
    return header.with_suffix(".dat").rename(folder / name)


# --- PRISMA ---------------------------------------------------------------------------------------

PRISMA_NM = {
    "VNIR": np.r_[0, 0, 0, np.linspace(972.65, 402.45, 63)],
    "SWIR": np.r_[np.linspace(2496.88, 942.96, 171), 0, 0],
}
PRISMA_SCALE = {"VNIR": (0.01, 0.9), "SWIR": (0.0, 0.95)}


def prisma(folder: Path, level: str = "2D", turned: bool = False) -> Path:
    """Both detectors (row, band, col) uint16; corners are centres; (0, 0) is padding, (1, 0) clipped in a band."""
    path = folder / "PRS_L2D_STD_20200116101214_20200116101218_0001.he5"
    with h5py.File(path, "w") as file:
        file.attrs["Processing_Level"] = np.bytes_(level)
        file.attrs["Epsg_Code"] = np.int64(32633)
        for key, row, col in (("UL", 0, 0), ("UR", 0, COLS - 1), ("LL", ROWS - 1, 0), ("LR", ROWS - 1, COLS - 1)):
            file.attrs[f"Product_{key}corner_easting"] = 500_015.0 + 30 * col
            file.attrs[f"Product_{key}corner_northing"] = 4_200_015.0 - 30 * row
        swath = f"HDFEOS/SWATHS/PRS_L{level}_HCO"
        for name, nm in PRISMA_NM.items():
            low, high = PRISMA_SCALE[name]
            dn = np.rint((truth(nm) - low) / (high - low) * 65535).astype(np.uint16)
            dn[0, 0], dn[1, 0, 10], dn[1, 1, 12] = 0, 0, 65535
            errors = np.zeros(dn.shape, np.uint8)
            errors[2, 2, 20] = 1
            at = lambda cube: cube.transpose((1, 2, 0) if turned else (0, 2, 1))  # noqa: E731
            file[f"{swath}/Data Fields/{name}_Cube"] = at(dn)
            file[f"{swath}/Data Fields/{name}_PIXEL_L2_ERR_MATRIX"] = at(errors)
            title = name.title()
            file.attrs[f"List_Cw_{title}"], file.attrs[f"List_Cw_{title}_Flags"] = nm, (nm > 0).astype(np.int32)
            file.attrs[f"List_Fwhm_{title}"] = np.where(nm > 0, 12.0, 0)
            file.attrs[f"L2Scale{title}Min"], file.attrs[f"L2Scale{title}Max"] = low, high
        row, col = np.mgrid[:ROWS, :COLS]
        lat = 37.9 - 30 / 111_320 * row + 1e-6 * col
        file[f"{swath}/Geolocation Fields/Latitude"] = lat.T if turned else lat
    return path


# --- Tanager and AVIRIS-3 -------------------------------------------------------------------------

TANAGER_NM = np.linspace(376.44, 2499.0, 426)
AV3_NM = np.linspace(383.43, 2487.64, 284)


def tanager(folder: Path, grid: str = "GRIDS") -> Path:
    """Surface reflectance (band, row, col), outer corners in text, a cloud and a pixel without data."""
    path = folder / "20250514_115302_15_4001_ortho_sr_hdf5.h5"
    with h5py.File(path, "w") as file:
        fields = file.create_group(f"HDFEOS/{grid}/HYP/Data Fields")
        values = truth(TANAGER_NM).astype(np.float32)
        values[0, 0] = -9999
        cube = fields.create_dataset("surface_reflectance", data=np.moveaxis(values, -1, 0))
        cube.attrs["wavelengths"], cube.attrs["fwhm"] = TANAGER_NM, np.full(426, 5.9)
        cube.attrs["good_wavelengths"] = (~((TANAGER_NM > 1340) & (TANAGER_NM < 1445))).astype(np.uint8)
        fields["nodata_pixels"] = np.zeros((ROWS, COLS), np.uint8)
        cloud = np.zeros((ROWS, COLS), np.uint8)
        cloud[4, 4], cloud[4, 5] = 1, 255
        fields["beta_cloud_mask"] = cloud
        file[f"HDFEOS/{grid}/HYP"].attrs["epsg_code"] = 32632
        file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_(
            f"GROUP=GRID_1\n\t\tXDim={COLS}\n\t\tYDim={ROWS}\n\t\tUpperLeftPointMtrs=({EAST:.6f},{NORTH:.6f})\n\t\t"
            f"LowerRightMtrs=({EAST + 30 * COLS:.6f},{NORTH - 30 * ROWS:.6f})\n\t\tProjection=HE5_GCTP_UTM\nEND\n"
        )
    return path


def aviris_3(folder: Path, group: str = "reflectance") -> Path:
    """Reflectance (band, row, col) with centres of pixels as coordinates."""
    path = folder / "AV320230914t183422_000_L2A_OE_main_27577724_RFL_ORT.nc"
    with h5py.File(path, "w") as file:
        values = truth(AV3_NM).astype(np.float32)
        values[0, 0] = -9999
        file[f"{group}/{group}"] = np.moveaxis(values, -1, 0)
        file[f"{group}/wavelength"], file[f"{group}/fwhm"] = AV3_NM, np.full(284, 7.4)
        file[f"{group}/wavelength"].attrs["units"] = "nm"
        file["easting"] = EAST + 30 * (np.arange(COLS) + 0.5)
        file["northing"] = NORTH - 30 * (np.arange(ROWS) + 0.5)
        file["transverse_mercator"] = np.bytes_(" ")
        file["transverse_mercator"].attrs["crs_wkt"] = rasterio.crs.CRS.from_epsg(32611).to_wkt()
    return path
