"""Salinas: AVIRIS over vegetable fields and vineyards of the Salinas Valley, California, 1998, at 3.7 m."""

from __future__ import annotations

import numpy as np

from hsikit.scenes.facts import SceneFacts, SceneFile
from hsikit.scenes.published import check_bands, check_counts, read_published
from hsikit.scenes.scene import Scene

CLASSES = (
    ("broccoli green weeds 1", "#17becf"),
    ("broccoli green weeds 2", "#1f77b4"),
    ("fallow", "#c49c94"),
    ("fallow rough plow", "#8c564b"),
    ("fallow smooth", "#e6c229"),
    ("stubble", "#f7d9a1"),
    ("celery", "#98df8a"),
    ("grapes untrained", "#9467bd"),
    ("soil vineyard develop", "#d6604d"),
    ("corn senesced green weeds", "#ff7f0e"),
    ("lettuce romaine 4 wk", "#b5e61d"),
    ("lettuce romaine 5 wk", "#7fbf3f"),
    ("lettuce romaine 6 wk", "#2ca02c"),
    ("lettuce romaine 7 wk", "#17692b"),
    ("vineyard untrained", "#c5b0d5"),
    ("vineyard vertical trellis", "#5b2a86"),
)
COUNTS = (2009, 3726, 1976, 1394, 2678, 3959, 3579, 11271, 6203, 3278, 1068, 1927, 916, 1070, 7268, 1807)
WATER_BANDS = (
    *range(107, 112),
    *range(153, 167),
    223,
)  # 0-based, of AVIRIS's 224, taken out by the publisher
# Assumed: the file carries no band centres; AVIRIS's nominal range in even steps, some 20 nm off in places.
WAVELENGTHS_NM = np.delete(np.linspace(400.0, 2500.0, 224), WATER_BANDS)
_EHU = ("https://www.ehu.eus/ccwintco/uploads/", "http://www.ehu.eus/ccwintco/uploads/")

FACTS = SceneFacts(
    name="salinas",
    rows=512,
    cols=217,
    bands=204,
    lidar=0,
    classes=16,
    labelled=54_129,
    licence="no licence stated; NASA/JPL AVIRIS data",
    citation="AVIRIS, NASA/JPL (1998), Salinas Valley; files by the University of the Basque Country",
    files=(
        SceneFile("Salinas_corrected.mat", tuple(base + "a/a3/Salinas_corrected.mat" for base in _EHU)),
        SceneFile(
            "Salinas_gt.mat",
            tuple(base + "f/fa/Salinas_gt.mat" for base in _EHU),
            "ecfab4d31ef5553f097943235d8ea502038eb4a2067b2ad10b33e37c949955e2",
        ),
    ),
    folders=("salinas",),
)


def load_salinas() -> Scene:
    """Salinas: 512 x 217 pixels, 204 bands of sensor counts, 16 classes, 54,129 labelled pixels.

    Band centres are assumed evenly spaced.

    Raises:
        SceneError: When a file is missing (which one, and where it goes) or is not the published one.
    """
    labels = read_published(FACTS, "Salinas_gt.mat", "salinas_gt", 2)
    cube = read_published(FACTS, "Salinas_corrected.mat", "salinas_corrected", 3)
    return Scene(
        name=FACTS.name,
        hsi=check_bands(FACTS, "Salinas_corrected.mat", cube),
        labels=check_counts(FACTS, "Salinas_gt.mat", labels, COUNTS),
        class_names=tuple(name for name, _ in CLASSES),
        colors=tuple(color for _, color in CLASSES),
        units="raw sensor counts",
        wavelengths_nm=WAVELENGTHS_NM,
        gsd_m=3.7,
        citation=FACTS.citation,
        licence=FACTS.licence,
    )
