"""Indian Pines beside its published cube, which is damaged: Purdue's original, a repaired one, and two placebos.

All share the published scene's labels, names, colours, prompts and partitions; only the measurements differ. The
placebos tell a gain of the repair from one that leaving out the damaged bands, or smoothing, would bring as well.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib import resources

import numpy as np

from hsikit.scenes.byte_damage import convert
from hsikit.scenes.indian_pines import FACTS, WAVELENGTHS_NM, published_cube, with_labels
from hsikit.scenes.layers import open_layer
from hsikit.scenes.published import SceneFile, require
from hsikit.scenes.scene import Scene, SceneError

log = logging.getLogger(__name__)

TIFF = "19920612_AVIRIS_IndianPine_Site3.tif"
TIFF_BANDS = 220
KEPT = np.r_[0:103, 108:149, 163:219]  # of the 220 bands, those of the published cube: 1-103, 109-149, 164-219 from 1
RAISED = 0x0300  # from 0x0A to 0x0D in the high byte
DECISIONS = "indian_pines_repair.npz"  # bits of the mask that `repair` gives, kept so that loading takes no 2 s
MOST_UNLIKE = 0.01  # share of samples that may differ from the published cube once the damage is laid on

REPAIRED = replace(FACTS, name="indian_pines_repaired")
MEDIAN = replace(FACTS, name="indian_pines_median")
BANDS_LEFT_OUT = replace(FACTS, name="indian_pines_bands_left_out", bands=116)
ORIGINAL = replace(
    FACTS, name="indian_pines_original", files=(SceneFile(TIFF),), folders=("indian_pines_original",),
    manual="It lies in the data set of Purdue's repository, https://doi.org/10.4231/R7RX991C (CC BY 3.0)",
)  # fmt: skip


def load_repaired() -> Scene:
    """The published cube with its high bytes mended: 2.8 % of the samples are raised by 768.

    Which ones was decided by `hsikit.scenes.byte_damage.repair` on the published cube alone, without labels and without
    the original; the decisions come with the package (`repair_decisions`). Low bytes, three counts off in 0.5 % of the
    samples, stay. Of the minima and ranges of the undamaged bands it reproduces 394 of 400, the published cube 347.
    Raises `SceneError` when tensorly's files are missing or hold something else.
    """
    return with_labels(REPAIRED, published_cube() + repair_decisions() * np.uint16(RAISED), WAVELENGTHS_NM)


def repair_decisions() -> np.ndarray:
    """Which samples (145, 145, 200) of the published cube the repair raises; True where it does."""
    with (
        resources.as_file(resources.files(__package__) / DECISIONS) as path,
        np.load(path, allow_pickle=False) as stored,
    ):
        return np.unpackbits(stored["raised"])[: np.prod(stored["shape"])].reshape(stored["shape"]).astype(bool)


def load_original() -> Scene:
    """The 200 usual bands of Purdue's GeoTIFF of 220, which never lost a byte; to be placed by hand.

    Checked against the published cube: with 0x0D replaced by 0x0A it must be that cube. Raises `SceneError` when the
    file is missing, or is another one.
    """
    path = require(ORIGINAL, TIFF)
    layer = open_layer(path)
    cube = layer.read(*layer.everywhere)
    if cube.shape != (145, 145, TIFF_BANDS):
        raise SceneError(f"{path} holds {cube.shape}, expected (145, 145, {TIFF_BANDS}); it is another file")
    counts = np.ascontiguousarray(cube[..., KEPT]).astype(np.uint16)
    unlike = int((convert(counts) != published_cube()).sum())
    if unlike > MOST_UNLIKE * counts.size:
        raise SceneError(
            f"{path}: {unlike:,} of {counts.size:,} samples are not those of Indian Pines as published, even with 0x0D "
            "replaced by 0x0A; it is another file, or its bands stand in another order"
        )
    if unlike:
        log.warning("%s: %s samples differ from the published cube beyond its known damage", path, f"{unlike:,}")
    return with_labels(ORIGINAL, counts, WAVELENGTHS_NM, crs=layer.crs, transform=layer.transform)


def load_bands_left_out() -> Scene:
    """A placebo: the published cube without the 84 bands in which the repair raises any sample.

    Raises `SceneError` when tensorly's files are missing or hold something else.
    """
    whole = ~repair_decisions().any(axis=(0, 1))  # (band,)
    return with_labels(BANDS_LEFT_OUT, np.ascontiguousarray(published_cube()[..., whole]), WAVELENGTHS_NM[whole])


def load_median() -> Scene:
    """A placebo: the published cube, each sample the median of its band and the two beside it; the outer bands stay.

    Raises `SceneError` when tensorly's files are missing or hold something else.
    """
    cube = published_cube()
    before, here, after = cube[..., :-2], cube[..., 1:-1], cube[..., 2:]
    middle = np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))
    return with_labels(MEDIAN, np.concatenate([cube[..., :1], middle, cube[..., -1:]], axis=-1), WAVELENGTHS_NM)
