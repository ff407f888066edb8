"""What stands in which table: the configs whose runs make its rows, the names its rows go by, and their order.

Rows are chosen by the hashes of configs; a name here is the label of a config's arm, or what a table shows for it.
"""

from __future__ import annotations

from typing import Any

# Each scene has a table of its own; the disjoint split leads, the random one is a parity check.
# configs: whose runs make its rows. elsewhere: whose runs have tables and figures of their own. tried: settings that
# were scored and left. partitions: True where a split's partitions are one row. main: the methods of the README and of
# the tables of classes; the scenes' own tables show all.
WORDS_OR_NOT = ["coordinates", "LDA, same inputs", "RF, same inputs", "RF + profiles", "trunk",
                "mmlgnet with random vectors", "mmlgnet", "mmlgnet_scales", "mmlgnet_p"]  # fmt: skip
WITH_OR_WITHOUT = ["coordinates", "lda", "SVM", "2-D CNN", "HybridSN (window 11)", "sdhsi_trunk", "sdhsi",
                   "sdhsi_unlabelled"]  # fmt: skip
PIXELS = "archive/mmlgnet_pixels_muufl_subset"
TABLES: dict[str, dict[str, Any]] = {
    "indian_pines": {
        "scene": "indian_pines", "splits": ["fields", "fields_w15", "random_10"],
        "configs": ["baselines_indian_pines", "baselines_indian_pines_w15", "sdhsi_fields", "sdhsi_indian_pines",
                    "sdhsi_ce_indian_pines", "sdhsi_paper_short", "hybridsn_w25_short"],
        "elsewhere": ["sdhsi_partitions", "sdhsi_one_percent", "sdhsi_parity", "windows_indian_pines",
                      "indian_pines_cubes_fields", "indian_pines_cubes_random", "indian_pines_cubes_ssrn"],
        "tried": ["archive/tried_indian_pines", "archive/sdhsi_ablation", "archive/sdhsi_wrong_labels",
                  "archive/sdhsi_budgets", "archive/sdhsi_pairs"],
        "main": ["coordinates", "LDA", "SVM + profiles", "2-D CNN", "SSRN (50 band means)", "SSFTT (window 11)",
                 "SDHSI-Net trunk", "SDHSI-Net"],
    },
    "indian_pines_repaired": {
        "scene": "indian_pines_repaired", "splits": ["fields", "random_10"], "partitions": True,
        "configs": ["sdhsi_partitions", "sdhsi_parity"],
        "elsewhere": ["sdhsi_partitions_seeds", "sdhsi_one_percent", "sdhsi_few_labels", "sdhsi_wrong_labels_fields",
                      "indian_pines_cubes_fields", "indian_pines_cubes_random", "indian_pines_cubes_ssrn"],
        "main": ["coordinates", "lda", "SVM + profiles", "2-D CNN", "SSFTT (window 11)", "sdhsi_trunk", "sdhsi",
                 "sdhsi_unlabelled"],
    },
    "simulated": {
        "scene": "simulated", "splits": ["block_3", "random_3"],
        "configs": ["baselines_simulated", "mmlgnet_simulated"],
        "tried": ["archive/mmlgnet_simulated_window11"],
        "main": ["coordinates", "LDA + means", "RF, same inputs", "trunk", "mmlgnet with random vectors", "mmlgnet"],
    },
    "muufl_subset": {
        "scene": "muufl_subset", "splits": ["west_east", "masks_150"],
        "configs": ["baselines_muufl_subset", "mmlgnet_muufl_subset", "mmlgnet_muufl_networks"],
        "elsewhere": ["mmlgnet_ablation", "mmlgnet_transductive", "mmlgnet_scales_words", "mmlgnet_folds",
                      "language_pairs", "language_controls", "language_few_labels", "archive/mmlgnet_unseen",
                      "archive/mmlgnet_unseen_pairs"],
        "tried": [PIXELS, "archive/mmlgnet_ablation_pixels", "archive/mmlgnet_window11", "archive/tried_muufl_subset"],
        "main": WORDS_OR_NOT,
    },
    "trento": {"scene": "trento", "splits": ["fields", "official"], "configs": ["mmlgnet_trento"],
               "main": WORDS_OR_NOT},
    "muufl": {"scene": "muufl", "splits": ["block_5", "masks_150", "random_5"], "configs": ["mmlgnet_muufl"],
              "main": WORDS_OR_NOT},
    "houston2013": {"scene": "houston2013", "splits": ["fields", "official"], "configs": ["mmlgnet_houston2013"],
                    "main": WORDS_OR_NOT},
    "pavia_university": {"scene": "pavia_university", "splits": ["fields", "official", "random_10"], "partitions": True,
                         "configs": ["sdhsi_pavia_university", "sdhsi_pavia_official"], "main": WITH_OR_WITHOUT},
    "salinas": {"scene": "salinas", "splits": ["fields", "random_10"], "partitions": True,
                "configs": ["sdhsi_salinas"], "main": WITH_OR_WITHOUT},
}  # fmt: skip
# The README's: scene, configs, disjoint and overlapping split, and the arms: a shallow one and the paper's method.
README: dict[str, tuple[tuple[str, ...], tuple[str, str], tuple[str, ...]]] = {
    "indian_pines_repaired": (("sdhsi_partitions", "sdhsi_parity"), ("fields", "random_10"),
                              ("lda", "sdhsi", "sdhsi_unlabelled")),
    "muufl_subset": (("mmlgnet_muufl_subset",), ("west_east, a partition each", "masks_150"),
                     ("RF, same inputs", "mmlgnet")),
}  # fmt: skip
MAIN = {name: table["main"] for name, table in TABLES.items()}
SHOWN_AS = {
    "trento": "Trento", "muufl": "MUUFL", "pavia_university": "Pavia University", "salinas": "Salinas",
    "houston2013": "Houston 2013",
    "muufl_subset": "MUUFL subset (18,100 px)", "simulated": "simulated valley",
    "indian_pines": "Indian Pines (published cube)", "indian_pines_repaired": "Indian Pines (repaired cube)",
}  # fmt: skip
# Cubes of Indian Pines that are compared, and the configs whose runs do.
CUBES = {
    "indian_pines": "published", "indian_pines_repaired": "repaired",
    "indian_pines_bands_left_out": "placebo: damaged bands left out",
    "indian_pines_median": "placebo: median of three bands",
}  # fmt: skip
SCENE_OR_CUBE = {**SHOWN_AS, **CUBES}
CUBES_FROM = ("indian_pines_cubes_fields", "indian_pines_cubes_random", "indian_pines_cubes_ssrn")
NETWORKS = {"mmlgnet": "MMLGNet", "sdhsi": "SDHSI-Net"}  # what figures call the papers' methods

# SDHSI-Net over partitions and draws: the arms with self-distillation, and the trunk that all are compared with.
TRUNK, WITH = "sdhsi_trunk", ("sdhsi", "sdhsi_unlabelled")
PAIR = ("sdhsi_unlabelled", TRUNK)  # the primary comparison
BUDGETS = {
    "fields_5px": ("fields", "5 px a class"),
    "fields_10px": ("fields", "10 px a class"),
    "fields_20px": ("fields", "20 px a class"),
    "fields": ("fields", "all"),
    "random_1": ("random", "1 %"),
    "random_3": ("random", "3 %"),
    "random_5": ("random", "5 %"),
    "random_10": ("random", "10 %"),
}  # split -> family and how the budget is written, as figures draw them
SDHSI_FROM = ("sdhsi_partitions", "sdhsi_few_labels", "sdhsi_one_percent", "sdhsi_parity")
STEPS = {  # what each step is -> the arm with it and the arm without
    "input: discriminants and noise": (TRUNK, "trunk on 15 components"),
    "exits": ("exits with cross-entropy", TRUNK),
    "mean of the exits' answers": ("exits with cross-entropy, their mean", "exits with cross-entropy"),
    "soft targets on labelled windows": ("sdhsi", "exits with cross-entropy"),
    "soft targets on unlabelled windows": ("sdhsi_unlabelled", "sdhsi"),
    "all of self-distillation": ("sdhsi_unlabelled", TRUNK),
    "batch norm sees the unlabelled windows": ("trunk, batch norm sees the unlabelled windows", TRUNK),
    "two views of the unlabelled windows agree": ("trunk, two views of the unlabelled windows agree", TRUNK),
    "twice the steps": ("trunk, twice the steps", TRUNK),
    "self-distillation less batch norm": ("sdhsi_unlabelled", "trunk, batch norm sees the unlabelled windows"),
    "self-distillation less two views": ("sdhsi_unlabelled", "trunk, two views of the unlabelled windows agree"),
    "self-distillation less exits' mean": ("sdhsi_unlabelled", "exits with cross-entropy, their mean"),
}
GROUPS = {  # what a drawing sets together -> steps of above, and comparisons that configs declare
    "inputs": ("input: discriminants and noise", "inputs: derivatives, profiles, the ground"),
    "self-distillation": ("exits", "mean of the exits' answers", "soft targets on labelled windows",
                          "soft targets on unlabelled windows", "all of self-distillation"),
    "controls without exits": tuple(name for name, (arm, _) in STEPS.items() if arm.startswith("trunk, ")),
    "with the controls taken off": tuple(name for name in STEPS if name.startswith("self-distillation less ")),
    "beside the forest": ("three scales instead of the forest", "mmlgnet instead of the forest",
                          "one pixel instead of the forest"),
    "network": ("three scales",),
    "loss": ("loss and words instead of cross-entropy", "the same, three scales", "the same, one pixel"),
    "words": ("words instead of shuffled words", "words instead of random vectors"),
}  # fmt: skip

# MMLGNet on the MUUFL subset: the forest on the same inputs, and each network's twin with cross-entropy.
FOREST = "RF, same inputs"
TWINS = {"mmlgnet": "trunk", "mmlgnet_scales": "trunk_scales", "mmlgnet_p": "trunk_p"}

# MMLGNet: line of a table -> arm of mmlgnet_ablation.
FULL = "mmlgnet"
LOSSES = {
    "both directions": FULL, "vision to text alone": "mmlgnet with vision to text alone",
    "text to vision alone": "mmlgnet with text to vision alone",
    "in-batch identity (CLIP)": "mmlgnet with in-batch identity",
    "log of the positives' sum": "mmlgnet with sum of positives",
    "learned prototypes": "mmlgnet with learned prototypes",
}  # fmt: skip
MODALITIES = {
    "HSI and LiDAR": FULL, "LiDAR as heights alone": "mmlgnet with LiDAR heights alone beside",
    "no profiles": "mmlgnet without profiles", "HSI alone": "mmlgnet with HSI alone",
}  # fmt: skip
WORDS = {
    "descriptive sentences": FULL, "template": "mmlgnet with template", "bare names": "mmlgnet with bare names",
    "paraphrase 1": "mmlgnet with paraphrase 1", "learned prototypes": "mmlgnet with learned prototypes",
}  # fmt: skip
