"""What a run's map says of the ground, beside its pixel scores: areas, fields, and an interval over fields."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from hsikit.areas import area_estimates, group_bootstrap, per_field_accuracy
from hsikit.metrics import Scores
from hsikit.splits import Split
from hsikit.splits.pixels import fields

log = logging.getLogger(__name__)


def ground_facts(labels: np.ndarray, split: Split, scores: Scores) -> dict[str, Any]:
    """Area-weighted accuracy, accuracy by field, and the interval of OA over fields or blocks.

    Groups are the split's own blocks or fields where it has some, else connected regions of one class.

    Args:
        labels: The map (row, col), classes 1..C, 0 where the scene has no valid pixel.
        split: Its test pixels are the sample.
        scores: Of the map on those pixels.

    Returns:
        Fractions: `area_oa`, `area_oa_low`, `area_oa_high` (Olofsson et al. 2014); `field_oa`, the mean over fields
        of the share of pixels that are right; `fields`, their number; `group_low`, `group_high`, the 95 % bootstrap
        interval of OA over groups of at least 32 test pixels. None where the sample does not allow a number: a
        mapped class in which no test pixel lies, or fewer than two such groups.
    """
    mapped = np.bincount(labels[labels > 0], minlength=len(split.class_names) + 1)[1:]
    truth, answer = split.y("test"), labels.ravel()[split.test]
    raster = split.groups if split.groups is not None else fields(split.labels)
    group = raster.ravel()[split.test]
    found: dict[str, Any] = dict.fromkeys(("area_oa", "area_oa_low", "area_oa_high", "group_low", "group_high"))
    try:
        overall = area_estimates(scores.confusion, mapped).iloc[0]
        found |= {"area_oa": _number(overall["estimate"]), "area_oa_low": _number(overall["low"]),
                  "area_oa_high": _number(overall["high"])}  # fmt: skip
    except ValueError as reason:
        log.debug("no area-weighted accuracy: %s", reason)
    by_field = per_field_accuracy(truth, answer, group)
    found |= {"field_oa": float(by_field["share"].mean()), "fields": len(by_field)}
    try:
        _, found["group_low"], found["group_high"] = group_bootstrap(truth, answer, group, "oa")
    except ValueError as reason:
        log.debug("no interval over fields: %s", reason)
    return found


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
