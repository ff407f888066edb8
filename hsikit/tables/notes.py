"""What a reader must know beside the numbers of a table."""

from __future__ import annotations

from hsikit.tables.layout import SHOWN_AS, TABLES

SPREAD = ("Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n seeds; no ± where there is "
          "one seed or all gave the same. Best in bold, second underlined.")  # fmt: skip
SIMULATED = "Simulated data: no sensor saw this scene; it carries no claim on language or sensors."
SUBSET = "A subset of MUUFL: these figures do not compare with published ones."
ASSUMED = ("Assumed, since neither paper's full text was at hand: layer sizes, training settings, the exact losses, "
           "and the prompts.")  # fmt: skip
INTERVALS = ("Differences are paired by seed, with their 95 % interval over seeds: over a fixed split they speak of "
             "training randomness, not of other scenes. An interval across 0 shows no difference.")  # fmt: skip
PIXELS = ("`MMLGNet pixels` has a window of one pixel and discriminants for bands. These settings were found on the "
          "label budget alone, see the config archive/mmlgnet_pixels_muufl_subset; `MMLGNet (MiniLM)` has window 11, "
          "all bands and untuned settings.")  # fmt: skip
REPORTED = "Reported cells were printed by the source named, with other code and on another draw of pixels."
PARITY = ("`random_10` is a parity check with the literature: its test windows share pixels with training windows, and "
          "coordinates alone score high. Reported cells were printed by the source named.")  # fmt: skip
TRIALS = ("`trials` counts settings looked at on validation pixels, those of the table of other settings included. "
          "SDHSI-Net and its trunk were tried in the same settings and take the same (see sdhsi_indian_pines, "
          "sdhsi_fields); the other networks took over batch and epochs of an earlier SDHSI-Net and got no trials of "
          "their own.")  # fmt: skip
SHORT = ("SSRN and SpectralFormer read means of neighbouring bands instead of all of them. They, SSFTT, HybridSN and "
         "both CNNs train 40 epochs, fewer than published.")  # fmt: skip
WIDE = "Window 25 costs over 10 minutes a seed at full length on two cores: rows named 12 epochs have one seed."
COLUMNS = (
    "`seconds` are training and fitting, on the machine named. AA over the classes tested. `trials`: settings compared "
    "on validation pixels.",
    "`area OA`: weighted by the area each class covers in the map (Olofsson et al. 2014). `field OA`: mean over fields "
    "of the share of pixels that are right. `OA over fields`: 95 % bootstrap interval over whole fields or blocks of "
    "at least 32 test pixels, which leaves smaller ones out. Means over seeds; empty for runs made before these were "
    "noted, or where a mapped class has no test pixel.",
)
PUBLISHED = (
    "Measured on the cube as published, in which every byte 0x0D became 0x0A: 2.8 % of its samples are 768 too low. "
    "What that is worth stands in indian_pines_cubes. Reported rows whose source does not say which cube it read are "
    "marked: cube unknown."
)
CUBES = (
    "Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n: ten partitions of the fields, each "
    "with the seed of its number, or five random draws; three of each for SSRN, and no placebos. Differences are "
    "paired by draw, with a naive 95 % t interval: draws share fields and pixels, so it is too narrow.",
    "Every byte 0x0D of the published cube became 0x0A, which makes 2.8 % of its samples 768 too low; the repair uses "
    "no label. We found no report of it. The placebos are made of the published cube: without the 84 bands in which "
    "any sample was mended, and with every sample the median of its band and the two beside it.",
    "Every method keeps the settings that it has on the published cube, see the configs; none was tuned on another.",
)
OVER_FIELDS = (
    "Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n pairs: partitions of the fields, "
    "each with its network seeds, or random draws. Best in bold, second underlined.",
    "Differences are paired by partition and seed. On whole fields their 95 % interval is a bootstrap over the fields "
    "that were ever tested, each drawn or not in all partitions at once. Student's t over partitions is named naive: "
    "partitions share most of their test pixels, so it is too narrow. On random splits the interval is Student's t "
    "over draws, which share pixels too.",
    "`transductive`: windows without label were drawn from the whole scene, test area included; no label of them was "
    "read. Settings were frozen before the runs, see the configs for where each comes from and what was seen then; no "
    "partition is clean. Random splits are parity rows: row and column alone score as high.",
)
CLAIMS = ("Accuracy: OA in points, on whole fields with an interval over fields. Compactness: intra-class radius over "
          "the distance to the nearest other centre, lower is tighter. Separability: silhouette, higher is better; "
          "both on the normalised final features of test pixels a window apart, Student's t over pairs, naive on "
          "whole fields. Not corrected for their number.", *OVER_FIELDS[2:])  # fmt: skip
EXITS = ("Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n pairs of partition and seed. "
         "Multiply-accumulates are those of a pixel in a dense pass: the stages up to the exit, and its classifier.",
         *OVER_FIELDS[2:], ASSUMED)  # fmt: skip
TIGHTER = ("Spearman's rank correlation over all runs of a split with final features, whatever the arm; the sign is "
           "turned so that above 0 says: tighter goes with better.", *OVER_FIELDS[2:])  # fmt: skip
MMLGNET = (
    SPREAD,
    f"{SUBSET} One thing changed at a time from the settings of archive/mmlgnet_pixels_muufl_subset, which "
    "were found among some 70 on the label budget; no other arm has trials of its own.",
    INTERVALS,
    ASSUMED,
)
DIFFERENCES = (f"{SUBSET} Gain of language: words minus the mean of shuffled words and random vectors. Gain of the "
               "loss: learned prototypes minus balanced cross-entropy. The first line of a split and metric is the "
               "primary comparison; Holm's correction on the rest.", INTERVALS)  # fmt: skip
TRIED = ("Percent on test pixels, means over n seeds, no claim. Earlier settings and settings that searches scored; "
         "here so that nothing that was scored is hidden.")  # fmt: skip


def of_scene(name: str) -> tuple[str, ...]:
    """Of the table of every method."""
    own = {"simulated": (SIMULATED, SHORT, ASSUMED), "muufl_subset": (SUBSET, PIXELS, SHORT, ASSUMED),
           "indian_pines": (PUBLISHED, PARITY, TRIALS, SHORT, WIDE, ASSUMED)}  # fmt: skip
    said = own.get(name, (REPORTED, ASSUMED))
    return (f"Scene: {SHOWN_AS[TABLES[name]['scene']]}. {SPREAD}", *COLUMNS, *said)


def of_splits(name: str) -> tuple[str, ...]:
    """Of both splits side by side."""
    disjoint, parity = TABLES[name]["splits"][0], TABLES[name]["splits"][-1]
    return (*_where(name), f"Under {disjoint} no window shares a pixel with the other side. Under {parity} test "
            "windows overlap training windows. The difference mixes that with other test pixels, other classes and "
            "another label budget: the row `majority` shows how much.")  # fmt: skip


def of_classes(name: str) -> tuple[str, ...]:
    """Of recall by class."""
    return (*_where(name), "A line is the recall of a class; the last three lines of a split are OA, AA and kappa. "
            "Classes without test pixels on a split are left out.")  # fmt: skip


def of_tried(name: str) -> tuple[str, ...]:
    """Of settings that stand in no other table."""
    own = {"simulated": (SIMULATED,), "muufl_subset": (SUBSET,)}
    return (TRIED, *own.get(name, ()))


def _where(name: str) -> tuple[str, ...]:
    own = {"simulated": (SIMULATED,), "muufl_subset": (SUBSET, PIXELS)}
    return (f"Scene: {SHOWN_AS[TABLES[name]['scene']]}. {SPREAD}", *own.get(name, ()))
