"""One function per figure: arrays, tables or a scene in, a matplotlib figure out.

    from hsikit import figures
    figures.save_figure(figures.mean_spectra(scene), "figures/spectra.png")

Classes wear the scene's colours, everything else a palette that colour-blind readers can tell apart, with
markers or line styles beside it. Nothing is drawn through pyplot, no global setting changes. Whatever comes
from a simulated scene says so in its title.
"""

from hsikit.figures.byte_damage import damaged_band, damaged_bytes, damaged_spectra
from hsikit.figures.damage import occlusion_loss, robustness_curves
from hsikit.figures.diagram import network_diagram
from hsikit.figures.formulas import loss_formulas
from hsikit.figures.maps import class_maps, found_maps, scene_plate, similarity_map, split_map
from hsikit.figures.results import (
    accuracy_bars,
    claims_forest,
    confusion_matrix,
    difference_spread,
    paired_differences,
    per_class_recall,
)
from hsikit.figures.save import FigureError, save_figure
from hsikit.figures.space import feature_space, feature_space_pair, separation_bars, similarity_matrix
from hsikit.figures.spectra import mean_spectra
from hsikit.figures.trends import budget_curves, exit_curves, exits_accuracy, leakage_curve, training_curves
from hsikit.figures.words import pairs_auroc

__all__ = [
    "FigureError",
    "accuracy_bars",
    "budget_curves",
    "claims_forest",
    "class_maps",
    "confusion_matrix",
    "damaged_band",
    "damaged_bytes",
    "damaged_spectra",
    "difference_spread",
    "exit_curves",
    "exits_accuracy",
    "feature_space",
    "feature_space_pair",
    "found_maps",
    "leakage_curve",
    "loss_formulas",
    "mean_spectra",
    "network_diagram",
    "occlusion_loss",
    "paired_differences",
    "pairs_auroc",
    "per_class_recall",
    "robustness_curves",
    "save_figure",
    "scene_plate",
    "separation_bars",
    "similarity_map",
    "similarity_matrix",
    "split_map",
    "training_curves",
]
