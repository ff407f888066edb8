"""Stand-ins of published scenes: full size, published layout and names, spectra fabricated from one seed.

LiDAR, labels and masks are the published ones where `HSIKIT_DATA` holds them, else fabricated as well. Every file says
STAND-IN in its head, so that a scene made of it is simulated, and its rows are kept out of the ledger of measurements.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scenes.miniature import grid, write_mat, write_tiff
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from hsikit.scenes import houston2013, matlab, muufl
from hsikit.scenes.published import STAND_IN, SceneFacts, catalogue

SAYS = STAND_IN + b": fabricated to rehearse, nothing was measured"
TRENTO_TRAIN = (129, 125, 105, 154, 184, 122)  # pixels of each class in the published 819
PAVIA_TRAIN = (548, 540, 392, 524, 265, 532, 375, 514, 231)  # of the 3,921 that others publish
MUUFL_EACH = 150


def write(folder: Path, real: Path | None = None, scenes: tuple[str, ...] = ()) -> list[str]:
    """Write the stand-ins of some scenes, all if none is named, as `folder`/<scene's folder>/<published name>.

    Args:
        real: A data folder whose LiDAR, labels and masks are taken where they are there.

    Returns:
        What stands in, a line a scene.
    """
    makers: dict[str, Callable[[SceneFacts, Path, Path | None], str]] = {
        "trento": trento, "muufl": muufl_scene, "pavia_university": one_cube, "salinas": one_cube,
        "houston2013": houston,
    }  # fmt: skip
    said = []
    for name in scenes or makers:
        facts = catalogue()[name]
        place = folder / facts.folders[0]
        place.mkdir(parents=True, exist_ok=True)
        said.append(f"{name}: {makers[name](facts, place, real)}")
        for file in place.iterdir():
            mark(file)
    return said


def mark(file: Path) -> None:
    """Put the words into the head of a file where its kind has room for a text."""
    if file.suffix == ".mat":
        with file.open("r+b") as out:
            out.write(b"MATLAB 5.0 MAT-file, " + SAYS.ljust(95))


# --- what is fabricated --------------------------------------------------------------------------


def spectra(labels: np.ndarray, bands: int, seed: int) -> np.ndarray:
    """A cube (row, col, band) float32 of some 0.1 to 0.9: a smooth spectrum a class, light that varies, noise."""
    rng = np.random.default_rng(seed)
    steps = gaussian_filter1d(rng.normal(size=(labels.max() + 1, 2 * bands)), bands / 10, axis=1)[:, :bands]
    means = 0.5 + 0.3 * steps / np.abs(steps).max(1, keepdims=True)
    light = 1 + 0.1 * gaussian_filter(rng.normal(size=labels.shape), 6) * 20
    noise = rng.normal(0, 0.05, (*labels.shape, bands)).astype(np.float32)
    return (means[labels] * light[..., None]).astype(np.float32) + noise


def fields(counts: tuple[int, ...], shape: tuple[int, int], cell: int = 30, gap: int = 4, seed: int = 0) -> np.ndarray:
    """Labels (row, col) with so many pixels of each class, in square fields of a grid, two or more a class."""
    side, labels = cell - gap, np.zeros(shape, np.uint8)
    corners = [(r, c) for r in range(0, shape[0] - side + 1, cell) for c in range(0, shape[1] - side + 1, cell)]
    order = np.random.default_rng(seed).permutation(len(corners))
    taken = 0
    for number, count in enumerate(counts, 1):
        pieces = max(2, -(-count // side**2))
        for size in (count // pieces + (k < count % pieces) for k in range(pieces)):
            row, col = corners[order[taken]]
            inside = np.divmod(np.arange(size), side)
            labels[row + inside[0], col + inside[1]] = number
            taken += 1
    return labels


def drawn(labels: np.ndarray, counts: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Masks (train, test): so many pixels of each class at random, and the others."""
    rng, train = np.random.default_rng(seed), np.zeros_like(labels)
    for number, count in enumerate(counts, 1):
        own = np.flatnonzero(labels == number)
        train.flat[rng.permutation(own)[:count]] = number
    return train, np.where(train > 0, 0, labels).astype(labels.dtype)


def ground(labels: np.ndarray, seed: int) -> np.ndarray:
    """LiDAR (row, col, 2) float32: height (m), some classes tall, and intensity."""
    rng = np.random.default_rng(seed)
    height = np.where(labels % 3 == 1, 8.0, 0.3) + gaussian_filter(rng.normal(size=labels.shape), 8) * 40
    return np.stack([height, rng.uniform(0, 200, labels.shape)], 2).astype(np.float32)


# --- scene by scene ------------------------------------------------------------------------------


def taken(real: Path | None, folder: str, into: Path, *names: str) -> bool:
    """Copy real files of a scene; False where one is not there, and none is copied."""
    files = [real / folder / name for name in names] if real else []
    if not files or not all(file.is_file() for file in files):
        return False
    for file in files:
        shutil.copyfile(file, into / file.name)
    return True


def trento(facts: SceneFacts, place: Path, real: Path | None) -> str:
    """Trento, 166 x 600 x 63 with LiDAR of two channels and the 819 training pixels."""
    own = taken(real, "trento", place, "Italy_lidar.mat", "allgrd.mat", "TRLabel.mat", "TSLabel.mat")
    labels = matlab.read_array(place / "allgrd.mat", "mask_test", 2) if own else fields(facts.counts, (166, 600))
    if not own:
        write_mat(place / "allgrd.mat", "5", mask_test=labels)
        write_mat(place / "Italy_lidar.mat", "5", data=ground(labels, 1))
        train, test = drawn(labels, TRENTO_TRAIN)
        write_mat(place / "TRLabel.mat", "5", TRLabel=train)
        write_mat(place / "TSLabel.mat", "5", TSLabel=test)
    write_mat(place / "Italy_hsi.mat", "5", data=(4000 * spectra(labels, facts.bands, 2)).astype(np.float32))
    return "fabricated cube, " + ("real LiDAR, labels and 819 masks" if own else "LiDAR, labels and masks")


def muufl_scene(facts: SceneFacts, place: Path, real: Path | None) -> str:
    """MUUFL Gulfport, 325 x 220 x 64 in the published struct, and the 150-per-class masks."""
    shape, own = (facts.rows, facts.cols), taken(real, "muufl_subset", place, muufl.SCENE_FILE, *muufl.MASK_FILES)
    if own:
        hsi = matlab.read_mat(place / muufl.SCENE_FILE, "hsi")
        first = hsi["Lidar"] if isinstance(hsi["Lidar"], dict) else hsi["Lidar"][0]
        labels, lidar = np.asarray(hsi["sceneLabels"]["labels"], float), np.asarray(first["z"])
    else:
        labels = fields(tuple([800] * facts.classes), shape).astype(float)
        lidar = ground(labels.astype(int), 3)
        for name, mask in zip(muufl.MASK_FILES, drawn(labels.astype(np.uint8), (MUUFL_EACH,) * facts.classes)):
            write_mat(place / name, "5", **{name.removesuffix("_150.mat"): mask})
    write_mat(place / muufl.SCENE_FILE, "5", hsi={
        "Data": spectra(np.maximum(labels, 0).astype(int), facts.bands, 4),
        "valid_mask": np.ones(shape, np.uint8), "info": {"wavelength": np.linspace(375.0, 1050.0, facts.bands)},
        "Lidar": [{"z": lidar}, {"z": lidar}],
        "sceneLabels": {"labels": np.where(labels > 0, labels, -1), "Materials_Type": list(facts.class_names)},
    })  # fmt: skip
    return "fabricated cube, " + ("real LiDAR, labels and masks" if own else "LiDAR, labels and masks")


def one_cube(facts: SceneFacts, place: Path, real: Path | None) -> str:
    """Pavia University and Salinas: a cube of counts, a raster of labels; for Pavia the split that others publish."""
    layout = dict(facts.layout or {})
    labels = fields(facts.counts, (facts.rows, facts.cols))
    for role, array in (("cube", 4000 * spectra(labels, facts.bands, facts.bands)), ("labels", labels)):
        name, variable = layout[role]
        write_mat(place / name, "5", **{variable: array.clip(0).astype(np.uint8 if role == "labels" else np.uint16)})
    for (name, train), (_, test) in layout.get("masks", {}).values():
        pair = drawn(labels, PAVIA_TRAIN)
        write_mat(place / name, "5", **dict(zip((train, test), pair)))
    return "fabricated cube and labels, published sizes of classes"


def houston(facts: SceneFacts, place: Path, real: Path | None) -> str:
    """Houston 2013, 349 x 1905 x 144 with a surface model, and the contest's lists of pixels."""
    counts = tuple(a + b for a, b in zip(houston2013.TRAIN_COUNTS, houston2013.TEST_COUNTS))
    labels, stem = fields(counts, (facts.rows, facts.cols)), "2013_IEEE_GRSS_DF_Contest_"
    says = {"TIFFTAG_IMAGEDESCRIPTION": SAYS.decode()}
    for name, data in (("CASI", (8000 * spectra(labels, facts.bands, 5)).clip(0).astype(np.uint16)),
                       ("LiDAR", ground(labels, 6)[..., 0])):  # fmt: skip
        write_tiff(place / f"{stem}{name}.tif", data, grid(2.5), tags=says)
    train, test = drawn(labels, houston2013.TRAIN_COUNTS)
    for name, mask in (("TR", train), ("VA", test)):
        lines = [f"; {SAYS.decode()}"]
        for number in range(1, facts.classes + 1):
            places = np.argwhere(mask == number)
            lines += [f"{k} {col + 1} {row + 1} 0 0" for k, (row, col) in enumerate(places, 1)]
        (place / f"{stem}Samples_{name}.txt").write_text("\n".join(lines) + "\n")
    return "fabricated cube, surface and labels, published sizes of classes"
