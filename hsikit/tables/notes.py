"""What a reader must know beside the numbers of a table."""

from __future__ import annotations

from hsikit.tables.layout import SHOWN_AS, TABLES

SPREAD = ("Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n seeds; no ± where there is "
          "one seed or all gave the same. Best in bold, second in italics.")  # fmt: skip
SIMULATED = "Simulated data: no sensor saw this scene; it carries no claim on language or sensors."
SUBSET = "A subset of MUUFL: these figures do not compare with published ones."
ASSUMED = ("Assumed, since neither paper's full text was at hand: layer sizes, training settings, the exact losses, "
           "and the prompts.")  # fmt: skip
ROWS = ("`mmlgnet` is our closest reading of the paper, on log-derivative spectra, profiles and the shape of the "
        "ground, with a branch for the pixel itself; `mmlgnet_scales` and `mmlgnet_p` are our own on its idea. `trunk` "
        "and its kin are their twins with cross-entropy. Where settings come from stands in the config "
        "mmlgnet_muufl_subset.")  # fmt: skip
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
    "each with its network seeds, or random draws. Best in bold, second in italics.",
    "Differences are paired by partition and seed. On whole fields their 95 % interval is a bootstrap over the fields "
    "that were ever tested, each drawn or not in all partitions at once. Student's t over partitions is named naive: "
    "partitions share most of their test pixels, so it is too narrow. On random splits the interval is Student's t "
    "over draws, which share pixels too.",
    "`transductive`: windows without label were drawn from the whole scene, test area included; no label of them was "
    "read. Settings were frozen before the runs, see the configs for where each comes from and what was seen then; no "
    "partition is clean. Random splits are parity rows: row and column alone score as high.",
)
HALF = "Networks of `random_10` ran in half precision (bfloat16), all of them alike; the configs say so."
CLAIMS = ("Accuracy: OA in points, on whole fields with an interval over fields. Compactness: intra-class radius over "
          "the distance to the nearest other centre, lower is tighter. Separability: silhouette, higher is better; "
          "both on the normalised final features of test pixels a window apart, Student's t over pairs, naive on "
          "whole fields. Not corrected for their number.", *OVER_FIELDS[2:])  # fmt: skip
EXITS = ("Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n pairs of partition and seed. "
         "Multiply-accumulates are those of a pixel in a dense pass: the stages up to the exit, and its classifier.",
         *OVER_FIELDS[2:], ASSUMED)  # fmt: skip
TIGHTER = ("Spearman's rank correlation over all runs of a split with final features, whatever the arm; the sign is "
           "turned so that above 0 says: tighter goes with better.", *OVER_FIELDS[2:])  # fmt: skip
RECIPE = (
    "Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n pairs of draw and seed; differences "
    "in points, paired, with 95 % intervals. `west_east, a partition each` and `east_west` draw the label budget anew "
    "with every seed; there, and on the fixed draw of `west_east`, intervals are a bootstrap over the fields that were "
    "ever tested. On `masks_150`, whose pixels are fixed, they are Student's t over seeds and speak of training alone.",
    f"{ROWS} The rows were fixed before a pixel was scored; west to east is not clean for `mmlgnet_scales` and "
    "`mmlgnet_p`, and east to west is a second direction on pixels that were used for choosing.",
    "Where a split keeps its sides apart, inputs are made on each side alone, for the forests too. Under `masks_150` "
    "test windows overlap training windows: a parity check.",
    SUBSET,
)
EACH_DRAW = (
    "Scores in percent on test pixels, mean ± standard deviation (ddof = 1) over n seeds; differences in points, "
    "paired, with 95 % intervals. Here every split from side to side draws the label budget anew with every seed, and "
    "its intervals are a bootstrap over the fields that were ever tested, which takes the draws as they fell. On "
    "`masks_150`, whose pixels are fixed, they are Student's t over seeds and speak of training alone.",
    *RECIPE[1:],
)
MMLGNET = (
    EACH_DRAW[0],
    f"{SUBSET} One thing changed at a time from the settings of mmlgnet_muufl_subset; no other arm has trials of its "
    "own.",
    ASSUMED,
)
ONE_PASS = "One pass: profiles and the ground level see the pixels of the test side, never their labels: transductive."
FOLDS = (
    "Percent, but for the rank correlation. Folds: four random folds of the label budget of masks_150, three train and "
    "one is scored, means over folds, seed 0. Test: the split's own test pixels, means over seeds. Spearman's rank "
    "correlation over the methods.",
    "Sides that are kept apart have no such folds: a fold of the west does not foretell the east.",
    SUBSET,
)
LANGUAGE = (
    "Trained on the 150-per-class masks; rows without label are maps from words or signs alone, tuned on nothing of "
    "this kind. Pairs: AUROC of the one class against the other, where novelty cannot help; intervals are a jackknife "
    "over the classes, cut at 1. Controls: ten draws of shuffled words and of random vectors.",
    "An expert's table holds a sign (-1, 0, 1) for each class and quantity and no words: language is credited with "
    "words minus table, and with nothing else. Sentences and table were written once; see hsikit/prompts/quantities.",
    "Ours; the paper has no unseen classes and no maps without labels.",
    SUBSET,
)
LEFT_OUT = (
    "AUROC of a class that was left out of training among all test pixels, by its words, by its words less the best "
    "trained class, by novelty (no words), by quantities in words, and by both. Controls are means over ten draws.",
    "Less the best trained class, any vector is a score of novelty: read words beside random vectors and novelty. One "
    "class left out cannot tell words from novelty; pairs can, see language_pairs.",
    *LANGUAGE[2:],
)
TRIED = ("Percent on test pixels, means over n seeds, no claim. Earlier settings and settings that searches scored; "
         "here so that nothing that was scored is hidden.")  # fmt: skip


def of_scene(name: str) -> tuple[str, ...]:
    """Of the table of every method."""
    own = {"simulated": (SIMULATED, SHORT, ASSUMED), "muufl_subset": (SUBSET, ROWS, SHORT, ASSUMED),
           "indian_pines": (PUBLISHED, PARITY, TRIALS, SHORT, WIDE, ASSUMED),
           "indian_pines_repaired": (*OVER_FIELDS[1:], HALF, ASSUMED)}  # fmt: skip
    said = own.get(name, (HALF, REPORTED, ASSUMED) if TABLES[name].get("partitions") else (REPORTED, ASSUMED))
    return (f"Scene: {SHOWN_AS[TABLES[name]['scene']]}. {SPREAD}", *COLUMNS, *said)


def of_splits(name: str) -> tuple[str, ...]:
    """Of both splits side by side."""
    disjoint, parity = TABLES[name]["splits"][0], TABLES[name]["splits"][-1]
    return (*_where(name), f"Under {disjoint} no window shares a pixel with the other side. Under {parity} test "
            "windows overlap training windows. The difference mixes that with other test pixels, other classes and "
            f"another label budget{'' if TABLES[name].get('partitions') else ': the row `majority` shows how much'}."
            )  # fmt: skip


def of_classes(name: str) -> tuple[str, ...]:
    """Of recall by class."""
    return (*_where(name), "A line is the recall of a class; the last three lines of a split are OA, AA and kappa. "
            "Classes without test pixels on a split are left out.")  # fmt: skip


def of_tried(name: str) -> tuple[str, ...]:
    """Of settings that stand in no other table."""
    own = {"simulated": (SIMULATED,), "muufl_subset": (SUBSET,)}
    return (TRIED, *own.get(name, ()))


def _where(name: str) -> tuple[str, ...]:
    own = {"simulated": (SIMULATED,), "muufl_subset": (SUBSET, ROWS)}
    return (f"Scene: {SHOWN_AS[TABLES[name]['scene']]}. {SPREAD}", *own.get(name, ()))
