"""One spelling of every scene, method, split and column, for figures, tables and pages alike.

Rows and configs name things by identifiers; what people read goes through here.
"""

from __future__ import annotations

import re

SCENES = {
    "indian_pines": "Indian Pines", "indian_pines_repaired": "Indian Pines, repaired",
    "indian_pines_original": "Indian Pines, original", "indian_pines_bands_left_out": "Indian Pines, bands left out",
    "indian_pines_median": "Indian Pines, median of bands", "muufl": "MUUFL", "muufl_subset": "MUUFL subset",
    "muufl_five": "MUUFL subset, five classes", "trento": "Trento", "houston2013": "Houston 2013",
    "pavia_university": "Pavia University", "salinas": "Salinas", "simulated": "simulated valley",
}  # fmt: skip
METHODS = {
    "mmlgnet_scales": "three-scale MMLGNet", "mmlgnet_w11": "MMLGNet", "mmlgnet_p": "one-pixel MMLGNet",
    "mmlgnet": "MMLGNet", "trunk_scales": "three-scale trunk", "trunk_w11": "trunk", "trunk_p": "one-pixel trunk",
    "trunk_ce": "trunk", "sdhsi_unlabelled": "SDHSI-Net with unlabelled windows", "sdhsi_trunk": "SDHSI-Net trunk",
    "sdhsi_ce": "SDHSI-Net trunk", "sdhsi": "SDHSI-Net", "lda": "LDA", "svm": "SVM", "rf": "RF", "cnn2d": "2-D CNN",
    "cnn3d": "3-D CNN", "hybridsn": "HybridSN", "ssrn": "SSRN", "ssftt": "SSFTT", "spectralformer": "SpectralFormer",
    "nearest_mean": "nearest mean", "zero_shot": "zero-shot", "text_head": "ridge on words",
}  # fmt: skip
# Pattern of a split's short name -> what it is; {0} is the number in it.
SPLITS = {
    r"random_(\d+)px": "{0} px a class at random", r"random_([\d.]+)": "{0} % at random",
    r"block_([\d.]+)": "{0} % in blocks", r"fields_(\d+)px": "whole fields, {0} px a class",
    r"fields_w(\d+)": "whole fields, window {0}", r"fields_(\d+)": "whole fields, {0} % of the training ones",
    "fields": "whole fields", r"masks_(\d+)": "{0}-per-class masks", r"shot_(\d+)": "{0} px a class at random",
    r"west_east_(\d+)": "west to east, {0} px a class", r"east_west_(\d+)": "east to west, {0} px a class",
    "west_east": "west to east", "east_west": "east to west", "official": "the official split",
}  # fmt: skip
COLUMNS = {
    "oa": "OA", "aa": "AA", "oa_mean": "OA", "aa_mean": "AA", "kappa_mean": "kappa", "recall_mean": "recall",
    "val_oa": "validation OA", "n_train": "training px", "n_val": "validation px", "n_test": "test px", "hsi": "HSI",
    "lidar": "LiDAR", "in_hand": "in hand", "p": "p (Holm)", "naive": "naive interval", "naive (OA)": "naive interval",
    "macs": "multiply-accumulates", "macs_ratio": "times fewer multiply-accumulates",
}  # fmt: skip
_WORDS = re.compile(
    r"\b(" + "|".join(sorted({**SCENES, **METHODS}, key=len, reverse=True)) + r")\b(?!\.| valley| data)"
)
_SPLITS = [(re.compile(rf"\b{pattern}(?:_p(\d+))?\b(?!_)"), said) for pattern, said in SPLITS.items()]


def split_words(name: str) -> str:
    """A split's short name in words.

    Example:
        >>> from hsikit._util.wording import split_words
        >>> split_words("fields_w15"), split_words("random_10"), split_words("west_east, a partition each")
        ('whole fields, window 15', '10 % at random', 'west to east, a draw each seed')
    """
    name = name.replace(", a partition each", ", a draw each seed").replace(" of its budget", " of the label budget")
    for pattern, said in _SPLITS:
        if found := pattern.search(name):
            *numbers, draw = found.groups()
            told = said.format(*numbers) + (f", draw {draw}" if draw else "")
            return name[: found.start()] + told + name[found.end() :]
    return name


def words(text: str) -> str:
    """A text with the identifiers of scenes and methods in it spelled as people read them.

    Example:
        >>> from hsikit._util.wording import words
        >>> words("mmlgnet_scales with random vectors"), words("indian_pines")
        ('three-scale MMLGNet with random vectors', 'Indian Pines')
    """
    return _WORDS.sub(lambda m: {**SCENES, **METHODS}[m[1]], text)


def heading(column: str) -> str:
    """The head of a column in words.

    Example:
        >>> from hsikit._util.wording import heading
        >>> heading("random_10 minus fields (points of OA)"), heading("oa_mean")
        ('10 % at random minus whole fields (points of OA)', 'OA')
    """
    if column in COLUMNS:
        return COLUMNS[column]
    if column.endswith((" OA", " AA", " n", "(points of OA)")) and not column.startswith(("OA", "AA")):
        for word in dict.fromkeys(re.findall(r"\w+", column)):
            column = re.sub(rf"\b{word}\b", split_words(word), column)
    return words(column).replace("_", " ")


def prose(text: str) -> str:
    """A note with the identifiers that stand between backticks in words, where they are scenes, methods or splits."""
    return re.sub(r"`([^`]+)`", lambda m: said if (said := words(split_words(m[1]))) != m[1] else m[0], text)
