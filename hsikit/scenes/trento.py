"""Trento: AISA Eagle HSI and Optech LiDAR over orchards and vineyards south of Trento, Italy, at 1 m."""

from __future__ import annotations

import numpy as np

from hsikit.scenes.facts import SceneFacts, SceneFile
from hsikit.scenes.published import check_bands, check_counts, fixed_masks, read_published
from hsikit.scenes.scene import Scene

CLASSES = (
    ("apple trees", "#7fbf3f"),
    ("buildings", "#d6604d"),
    ("ground", "#c2a55a"),
    ("woods", "#1b7837"),
    ("vineyard", "#9467bd"),
    ("roads", "#636363"),
)
COUNTS = (4034, 2903, 479, 9123, 10501, 3174)
# Assumed: the files carry no band centres; these are spread evenly over the range given with the scene.
WAVELENGTHS_NM = np.linspace(402.89, 989.09, 63)
_SCENE = "https://raw.githubusercontent.com/tyust-dayu/Trento/b4afc449ce5d6936ddc04fe267d86f9f35536afd/"
_MASKS = "https://raw.githubusercontent.com/weiweisong415/MGMNet/4446e7eee96c5319bb138192320e12062de99d40/data/Trento/"

FACTS = SceneFacts(
    name="trento",
    rows=166,
    cols=600,
    bands=63,
    lidar=2,
    classes=6,
    labelled=30_214,
    licence="no licence stated; for research, credit L. Bruzzone",
    citation="Data courtesy of Prof. L. Bruzzone, University of Trento",
    files=(
        SceneFile(
            "Italy_hsi.mat",
            (_SCENE + "Italy_hsi.mat",),
            "7b965fd405314b5c91451042e547a1923be6f5a38c6da83969032cff79729280",
        ),
        SceneFile(
            "Italy_lidar.mat",
            (_SCENE + "Italy_lidar.mat",),
            "a04dc90368d6a7b4f9d3936024ba9fef4105456c090daa14fff31b8b79e94ab1",
        ),
        SceneFile(
            "allgrd.mat",
            (_SCENE + "allgrd.mat",),
            "7e3fb2a2ea22c2661dfc768db3cb93c9643b324e7e64fadedfa57f5edbf1818f",
        ),
        SceneFile(
            "TRLabel.mat",
            (_MASKS + "TRLabel.mat",),
            "593976a1bef4edf06ec543926811509f997454557aa9313ed6165b3012c26e07",
            required=False,
        ),
        SceneFile(
            "TSLabel.mat",
            (_MASKS + "TSLabel.mat",),
            "629ae33464907098cacf58549996711bf7079f036946f9208fde8a67842ab499",
            required=False,
        ),
    ),
    folders=("trento",),
)


def load_trento() -> Scene:
    """Trento: 166 x 600 pixels, 63 bands, DSM and intensity, 6 classes, 30,214 labelled pixels.

    `masks["official_819"]` holds the customary 819 / 29,395 split when its two files are in hand. Band
    centres are assumed evenly spaced.

    Raises:
        SceneError: When a file is missing (which one, and where it goes) or is not the published one.
    """
    return Scene(
        name=FACTS.name,
        hsi=check_bands(FACTS, "Italy_hsi.mat", read_published(FACTS, "Italy_hsi.mat", "data", 3)),
        labels=read_labels(),
        class_names=tuple(name for name, _ in CLASSES),
        colors=tuple(color for _, color in CLASSES),
        units="units not stated by the publisher",
        wavelengths_nm=WAVELENGTHS_NM,
        lidar=read_lidar(),
        lidar_names=("surface height (m)", "intensity (counts)"),
        masks=read_masks(),
        gsd_m=1.0,
        citation=FACTS.citation,
        licence=FACTS.licence,
    )


def read_lidar() -> np.ndarray:
    """Surface height and intensity (166, 600, 2), as stored."""
    return read_published(FACTS, "Italy_lidar.mat", "data", 3)


def read_labels() -> np.ndarray:
    """All labels (166, 600), 0 unlabelled, checked against the published counts."""
    return check_counts(FACTS, "allgrd.mat", read_published(FACTS, "allgrd.mat", "mask_test", 2), COUNTS)


def read_masks() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The fixed split of 819 training pixels, or nothing when its files are not in hand."""
    return fixed_masks(FACTS, "official_819", ("TRLabel.mat", "TRLabel"), ("TSLabel.mat", "TSLabel"))
