"""Pavia University: ROSIS over the engineering school of Pavia, Italy, 2003, at 1.3 m."""

from __future__ import annotations

import numpy as np

from hsikit.scenes.facts import SceneFacts, SceneFile
from hsikit.scenes.published import check_bands, check_counts, read_published
from hsikit.scenes.scene import Scene

CLASSES = (
    ("asphalt", "#636363"),
    ("meadows", "#7fbf3f"),
    ("gravel", "#c7b8d8"),
    ("trees", "#1b7837"),
    ("painted metal sheets", "#17becf"),
    ("bare soil", "#c2a55a"),
    ("bitumen", "#2d2140"),
    ("self-blocking bricks", "#d6604d"),
    ("shadows", "#1f3b73"),
)
COUNTS = (6631, 18649, 2099, 3064, 1345, 5029, 1330, 3682, 947)
# Assumed: the file carries no band centres; these are spread evenly over ROSIS's stated range.
WAVELENGTHS_NM = np.linspace(430.0, 860.0, 103)
_EHU = ("https://www.ehu.eus/ccwintco/uploads/", "http://www.ehu.eus/ccwintco/uploads/")

FACTS = SceneFacts(
    name="pavia_university",
    rows=610,
    cols=340,
    bands=103,
    lidar=0,
    classes=9,
    labelled=42_776,
    licence="no licence stated; for research, credit P. Gamba",
    citation="Data courtesy of Prof. P. Gamba, University of Pavia; files: University of the Basque Country",
    files=(
        SceneFile("PaviaU.mat", tuple(base + "e/ee/PaviaU.mat" for base in _EHU)),
        SceneFile(
            "PaviaU_gt.mat",
            tuple(base + "5/50/PaviaU_gt.mat" for base in _EHU),
            "23f6a426928f9b32984adffe659e29f554f9fb6c93b5a107528d308d5087a829",
        ),
    ),
    folders=("pavia_university",),
)


def load_pavia_university() -> Scene:
    """Pavia University: 610 x 340 pixels, 103 bands of sensor counts, 9 classes, 42,776 labelled pixels.

    Band centres are assumed evenly spaced.

    Raises:
        SceneError: When a file is missing (which one, and where it goes) or is not the published one.
    """
    labels = read_published(FACTS, "PaviaU_gt.mat", "paviaU_gt", 2)
    return Scene(
        name=FACTS.name,
        hsi=check_bands(FACTS, "PaviaU.mat", read_published(FACTS, "PaviaU.mat", "paviaU", 3)),
        labels=check_counts(FACTS, "PaviaU_gt.mat", labels, COUNTS),
        class_names=tuple(name for name, _ in CLASSES),
        colors=tuple(color for _, color in CLASSES),
        units="raw sensor counts",
        wavelengths_nm=WAVELENGTHS_NM,
        gsd_m=1.3,
        citation=FACTS.citation,
        licence=FACTS.licence,
    )
