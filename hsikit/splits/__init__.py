"""Splits: which labelled pixels train, which validate, which test, and how far apart they lie.

A label budget is training plus validation. Two windows of `patch` pixels share a pixel exactly when the
Chebyshev distance of their centres is below `patch`; every spatial split keeps its parts that far apart.
"""

from hsikit.splits.blocks import block_split
from hsikit.splits.fields import field_split
from hsikit.splits.pixels import few_shot_split, official_split, random_split
from hsikit.splits.spec import make_split, split_name
from hsikit.splits.split import MAP_CODES, LeakageReport, Split, SplitError
from hsikit.splits.west_east import east_west_split, west_east_split

__all__ = [
    "MAP_CODES", "LeakageReport", "Split", "SplitError", "block_split", "east_west_split", "few_shot_split",
    "field_split", "make_split", "official_split", "random_split", "split_name", "west_east_split",
]  # fmt: skip
