"""hsikit: a workbook for hyperspectral and LiDAR land-cover mapping.

The names below are the public ones. Each is imported when it is first used, so that `import hsikit` is quick and
does not load torch. Their docstrings end in examples, which assume `import hsikit` and `import numpy as np`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsikit._util import lazily

__version__ = "0.1.0"

_HOME = {
    "hsikit._util.errors": ("HsikitError",),
    "hsikit.scenes": ("Scene", "SceneError", "load_scene", "available"),
    "hsikit.scenes.write": ("write_map",),
    "hsikit.scenes.resample": ("resample_bands",),
    "hsikit.splits": ("Split", "SplitError", "LeakageReport", "random_split", "block_split", "field_split",
                      "official_split", "few_shot_split", "west_east_split", "east_west_split",
                      "make_split"),
    "hsikit.patches": ("Normalizer", "PatchSampler"),
    "hsikit.inputs": ("Inputs",),
    "hsikit.text": ("TextVectors", "load_text_encoder", "load_prompts", "encode_classes", "random_vectors"),
    "hsikit.models": ("MMLGNet", "SDHSINet", "MMLGNetScales", "TrunkClassifier", "TrunkScales", "CNN2D", "CNN3D",
                      "HybridSN"),
    "hsikit.losses": ("SymmetricContrastive", "SelfDistillation", "Consistency", "CrossEntropy"),
    "hsikit.train": ("TrainConfig", "Run", "fit"),
    "hsikit.fitted": ("Fitted", "ModelError"),
    "hsikit.predict": ("Prediction", "predict_map"),
    "hsikit.predict.large": ("map_large",),
    "hsikit.workbook.first_site": ("first_site",),
    "hsikit.metrics": ("Scores", "score"),
    "hsikit.analysis.zero_shot": ("zero_shot",),
    "hsikit.features": ("embed",),
    "hsikit.separation": ("separation",),
    "hsikit.spectra": ("ndvi",),
    "hsikit.analysis.power": ("power",),
    "hsikit.explore.painting": ("Painting",),
    "hsikit.explore.painter_files": ("load_painting",),
    "hsikit.experiments": ("Experiment", "Store", "cost", "expand", "load_run", "run_experiment", "sweep"),
    "hsikit.workbook": ("run_workbook",),
    "hsikit.workbook.referee": ("referee",),
}  # fmt: skip
__all__, __getattr__ = lazily(__name__, _HOME)

if TYPE_CHECKING:
    from hsikit.scenes import Scene, load_scene  # noqa: F401


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
