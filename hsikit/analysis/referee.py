"""Anyone's map judged on anyone's split: what its score can and cannot show.

audit = judge(scene, read_sides("split.npz", scene), read_map("map.tif", scene)[0], window=11)
audit.verdict, audit.sentences        # in words; the numbers behind them are its other fields

A score is doubted for what its split, its labels or its cube would give to any method, and set beside two that know
little: the nearest training pixel by row and column, and LDA on means of 5 x 5 pixels.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hsikit.analysis.submitted import Sides
from hsikit.areas import GROUP_PIXELS, area_estimates, per_field_accuracy
from hsikit.metrics import Scores, confusion_counts, overall_scores, scores_from_labels
from hsikit.scenes.byte_damage import convert, find_damage
from hsikit.scenes.indian_pines_cubes import KEPT, MOST_UNLIKE
from hsikit.scenes.published import in_hand
from hsikit.scenes.registry import SCENES, facts, load_scene
from hsikit.scenes.scene import Scene, SceneError
from hsikit.shallow import fit_shallow
from hsikit.splits.pixels import fields
from hsikit.splits.repeats import chebyshev
from hsikit.splits.split import check_patch

if TYPE_CHECKING:
    import pandas as pd

WINDOWS = (1, 5, 11, 25)  # sides at which overlap is told beside the one stated
NEAREST = "the nearest training pixel by row and column"
MEANS = 5  # side of LDA's means
DRAWS = 1000  # of the bootstrap over fields
LEAKS = 0.05  # share of test windows that may overlap training windows before position is a suspect
OTHER_LABELS = 0.01  # share of test pixels whose labels may be others than the scene's
SHUFFLED = 0.25  # of the way from chance to agreement, below which neighbouring labels look drawn by lot
CUBES = {
    "27a13766efe31abc": "simulated",
    "dc13e4ac0219c755": "muufl_subset",
}  # digest of a cube's float32 values -> its published name
SAME_CUBE = {"muufl_five": "muufl_subset"}
VERDICTS = {
    "same": "This is no test: pixels that trained, or that chose the model, are tested.",
    "labels": "The test is not scored against this scene's labels.",
    "cube": "The cube is another one than its name says.",
    "position": "Nothing here shows that the method knows more than where a pixel lies.",
    "overlap": "The score does not show how ground would be mapped that has no known pixels near it.",
    "plain": "A plain method does as well.",
    "stands": "The result stands as a measurement on ground that was not trained on.",
}  # in order of weight: the first that applies is the verdict


class Doubt(NamedTuple):
    """One thing that was found: a key of `VERDICTS`, or "" for what is worth knowing, and the sentence."""

    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class Audit:
    """What there is to say of a map on a split.

    Attributes:
        scene, shape, window: Its name, its rows and columns, the side of windows that was stated.
        verdict: The heaviest finding in one line.
        findings: All of them, heaviest first.
        cube: Which cube it is, by content.
        pixels: Training, validation and test pixels.
        overlap: Side of a window -> share of test windows that share a pixel with a training window.
        scores: Of the map, against the scene's labels.
        intervals: "oa", "aa", "kappa" -> ends of the 95 % interval of a bootstrap over fields; empty without one.
        rivals: Frame of methods that know little: method, oa, aa, kappa, seconds, and by how much the map's overall
            accuracy is above theirs (`ahead`, with the ends `low` and `high`; NaN without an interval).
        classes: Frame, a row a class: name, pixels trained and tested, fields on each side and on both, recall.
        areas: Frame of accuracies and areas weighted by what the map covers (`area_estimates`), or why there is none.
        answers: Raster (row, col) uint8: 0 not tested, 1 right, 2 wrong.
        fields: Raster (row, col) float32, share of a field's test pixels that are right; NaN elsewhere.
    """

    scene: str
    shape: tuple[int, int]
    window: int
    verdict: str
    findings: tuple[Doubt, ...]
    cube: str
    pixels: tuple[int, int, int]
    overlap: dict[int, float]
    scores: Scores
    intervals: dict[str, tuple[float, float]]
    rivals: pd.DataFrame
    classes: pd.DataFrame
    areas: pd.DataFrame | str
    answers: np.ndarray
    fields: np.ndarray

    @property
    def sentences(self) -> list[str]:
        """The findings as text, heaviest first."""
        return [finding.text for finding in self.findings]


def judge(scene: Scene, sides: Sides, answers: np.ndarray, window: int = 11, noticed: tuple[str, ...] = ()) -> Audit:
    """Judge a map (row, col) of classes 0..C on the test pixels of a split.

    Args:
        window: Side of the windows that the method looked at, in pixels.
        noticed: What was noticed while split and map were read.
    """
    window = check_patch(window)
    true, mine = sides.y("test"), answers.ravel()[sides.test]
    field_of = fields(sides.labels)
    groups = field_of.ravel()[sides.test]
    scores = scores_from_labels(true, mine, scene.class_names)
    overlap, found = _overlap(sides, window)
    cube, doubts = which_cube(scene)
    found += [*doubts, *_labels(scene, sides, mine), *_repeats(scene, sides), *_untrained(scene, sides)]
    names, maps, seconds = _rivals(scene, sides)
    spread = _resampled(true, np.stack([mine, *maps], 1), groups, scene.n_classes)
    rivals, more = _compared(scores, true, names, maps, seconds, spread, scene.n_classes)
    found += [*more, *_fields(groups, field_of.ravel()[sides.train]), *(Doubt("", text) for text in noticed if text)]
    if sides.unlabelled:
        found.append(Doubt("", f"{sides.unlabelled:,} pixels of the split have no valid label in the scene; left out."))
    if (one_up := float((mine + 1 == true).mean())) > max(2 * scores.oa, 0.2):
        text = "The map seems to count classes from 0: with its numbers raised by one it would be right in"
        found.append(Doubt("", f"{text} {_percent(one_up)}."))
    if lost := int((mine == 0).sum()):
        found.append(
            Doubt("", f"The map has no answer for {lost:,} of {mine.size:,} test pixels; they count as wrong.")
        )
    weights = list(VERDICTS)
    found.sort(key=lambda doubt: weights.index(doubt.kind) if doubt.kind else len(weights))
    ends = {} if spread is None else dict(zip(("oa", "aa", "kappa"), map(_ends, spread[:, 0].T)))
    return Audit(
        scene.name, scene.shape, window, VERDICTS[(found[0].kind if found else "") or "stands"], tuple(found), cube,
        (sides.train.size, sides.val.size, sides.test.size), overlap, scores, ends, rivals,
        _by_class(scene, sides, field_of, scores), _areas(scene, answers, scores),
        *_rasters(scene, sides, mine, groups),
    )  # fmt: skip


# --- the split ---------------------------------------------------------------------------------------


def _overlap(sides: Sides, window: int) -> tuple[dict[int, float], list[Doubt]]:
    near = np.zeros(sides.labels.shape, bool)
    near.ravel()[sides.train] = True
    distance = chebyshev(near).ravel()[sides.test]
    share = {side: float((distance < side).mean()) for side in sorted({*WINDOWS, window})}
    found = []
    if share[1] > 0:
        text = "of the test pixels are training pixels: what was learnt by heart there is counted as known."
        found.append(Doubt("same", f"{_percent(share[1])} {text}"))
    if chosen := float(np.isin(sides.test, sides.val).mean()):
        text = "of the test pixels are validation pixels: what was chosen on them is scored on them."
        found.append(Doubt("same", f"{_percent(chosen)} {text}"))
    some = f"{_percent(share[window])} of the test windows share" if share[window] else "no test window shares"
    text = f"At window {window}, {some} a pixel with a training window"
    if leaks := share[window] > LEAKS:
        text += (": the score says how well gaps between known pixels are filled, not how well ground is mapped that "
                 "nobody labelled")  # fmt: skip
    return share, [*found, Doubt("overlap" if leaks else "", f"{text}.")]


def _repeats(scene: Scene, sides: Sides) -> list[Doubt]:
    if scene.source_pixel is None:
        return []
    train, test = (scene.source_pixel.ravel()[pixels] for pixels in (sides.train, sides.test))
    if not (share := float(np.isin(test[test >= 0], train).sum() / test.size)):
        return []
    text = (
        f"{_percent(share)} of the test pixels repeat a measurement that trained: the grid is finer than the sensor's."
    )
    return [Doubt("same", text)]


def _labels(scene: Scene, sides: Sides, mine: np.ndarray) -> list[Doubt]:
    """Whether the labels that came with the split are the scene's, numbered otherwise, or dealt out by lot."""
    true, found = sides.y("test"), []
    given = true if sides.given is None else sides.given.ravel()[sides.test]
    if sides.scene_hash and sides.scene_hash != scene.content_hash:
        hashes = f"content {sides.scene_hash}, this one has {scene.content_hash}"
        found.append(Doubt("", f"The split was made for another version of the scene ({hashes})."))
    told = given > 0
    other = float((given[told] != true[told]).mean()) if told.any() else 0.0
    if other > OTHER_LABELS:
        pairs = {(int(a), int(b)) for a, b in zip(given[told], true[told])}
        if len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs):
            return [*found, Doubt("", "The split numbers the classes in another order than the scene.")]
        agree, really = float((given[told] == mine[told]).mean()), float((mine == true).mean())
        text = f"{_percent(other)} of the test labels that came with the split are not the scene's"
        found.append(
            Doubt("labels", f"{text}: the map is right in {_percent(agree)} by them, {_percent(really)} by these.")
        )
    alike, chance = _alike(sides, given)
    if alike < chance + SHUFFLED * (1 - chance):
        text = (
            f"Neighbouring test pixels are of one class in {_percent(alike)} of cases, by chance in {_percent(chance)}"
        )
        found.append(Doubt("labels", f"{text}: the test labels look shuffled."))
    return found


def _alike(sides: Sides, given: np.ndarray) -> tuple[float, float]:
    """Share of neighbouring test pixels with one label, and by chance; 1 where there are too few to tell."""
    raster = np.zeros(sides.labels.shape, np.int64)
    raster.ravel()[sides.test] = given
    beside = ((raster[1:], raster[:-1]), (raster[:, 1:], raster[:, :-1]))
    both = np.concatenate([np.stack([one.ravel(), other.ravel()]) for one, other in beside], 1)
    both = both[:, (both > 0).all(0)]
    shares = np.bincount(given) / given.size
    return float((both[0] == both[1]).mean()) if both.shape[1] >= GROUP_PIXELS else 1.0, float(shares @ shares)


def _untrained(scene: Scene, sides: Sides) -> list[Doubt]:
    lost = sorted(set(np.unique(sides.y("test")).tolist()) - set(np.unique(sides.y("train")).tolist()))
    named = ", ".join(scene.class_names[c - 1] for c in lost)
    found = [Doubt("", f"Tested and never trained, so that their recall can only be 0: {named}.")] if lost else []
    if (tested := np.unique(sides.y("test")).size) < scene.n_classes:
        found.append(Doubt("", f"{tested} of {scene.n_classes} classes are tested; the others enter no score."))
    return found


def _fields(groups: np.ndarray, trained: np.ndarray) -> list[Doubt]:
    """What fields (n,) of test and of training pixels say."""
    known = float(np.isin(groups, trained).mean())
    large = int((np.bincount(groups)[1:] >= GROUP_PIXELS).sum())
    found = (
        [Doubt("", f"{_percent(known)} of the test pixels lie in a field that has training pixels too.")]
        if known
        else []
    )
    if large < 10:
        text = f"The test has {large} fields of {GROUP_PIXELS} pixels or more"
        found.append(Doubt("", f"{text}: intervals over so few are too narrow, and other fields may score otherwise."))
    return found


# --- the cube ----------------------------------------------------------------------------------------


def which_cube(scene: Scene) -> tuple[str, list[Doubt]]:
    """Which published cube a scene holds, by its content, in words; and doubts where its name says otherwise."""
    found = _indian_pines(scene) or CUBES.get(cube_digest(scene), "")
    claimed = (
        scene.name if scene.name in SCENES else "indian_pines_original" if "original" in scene.name.lower() else ""
    )
    doubts = []
    if found and claimed and found != SAME_CUBE.get(claimed, claimed):
        doubts.append(Doubt("cube", f"The scene is called {scene.name}, but by its content the cube is {found}."))
    if not found and claimed.startswith("indian_pines"):
        doubts.append(Doubt("cube", f"The scene is called {scene.name}, but its values are none of the known cubes'."))
    published = load_scene(found) if found in SCENES and in_hand(facts(found)) else None
    if (
        published is not None
        and published.shape == scene.shape
        and (n := int((published.labels != scene.labels).sum()))
    ):
        doubts.append(Doubt("", f"{n:,} pixels have another label than those published with {found}."))
    damage = find_damage(np.asarray(row)[valid] for row, valid in zip(scene.hsi, scene.valid))
    if damage is not None:
        doubts.append(Doubt("", f"The cube lost a byte value ({damage}); figures on it do not compare with those on an "
                            "undamaged one."))  # fmt: skip
    return found or "no cube that is known by its content", doubts


def cube_digest(scene: Scene) -> str:
    """Sixteen hex digits of a cube's values as float32, row by row, whatever type they are stored in."""
    digest = hashlib.sha256(repr(scene.hsi.shape).encode())
    for row in scene.hsi:
        digest.update(np.ascontiguousarray(row, "<f4").tobytes())
    return digest.hexdigest()[:16]


def _indian_pines(scene: Scene) -> str:
    """Which of the cubes of Indian Pines it is; "" for none. The original is known by what the damage makes of it."""
    rows, cols, bands = scene.hsi.shape
    if (rows, cols) != (145, 145) or bands not in (116, 200, 220):
        return ""
    values = np.asarray(scene.hsi, np.float64)[..., KEPT if bands == 220 else slice(None)]
    if not np.array_equal(values, np.rint(values)) or values.min() < 0 or values.max() > 65535:
        return ""
    counts = values.astype(np.uint16)
    for name in (name for name in SCENES if name.startswith("indian_pines") and not name.endswith("original")):
        try:
            if np.array_equal(counts, load_scene(name).hsi):
                return name
        except SceneError:  # not in hand
            return ""
    published = load_scene("indian_pines").hsi
    like = counts.shape == published.shape and (convert(counts) != published).mean() <= MOST_UNLIKE
    return "indian_pines_original" if like else ""


# --- rivals ------------------------------------------------------------------------------------------


def _rivals(scene: Scene, sides: Sides) -> tuple[list[str], list[np.ndarray], list[float]]:
    """Names, test answers (n,) and seconds of methods that know little, trained on the same pixels."""
    names, maps, seconds = [], [], []
    known = (("the commonest class", "majority", "spectra"), (NEAREST, "coordinates", "spectra"),
             (f"LDA on means of {MEANS} x {MEANS} pixels", "lda", "means"))  # fmt: skip
    for name, method, features in known:
        if method == "lda" and not 1 < np.unique(sides.y("train")).size < sides.train.size:
            continue  # nothing to tell apart, or nothing to learn a spread from
        start = time.perf_counter()
        plain = Sides(sides.train, np.empty(0, np.int64), sides.test, sides.labels)
        fitted = fit_shallow(method, scene, plain, features=features, window=MEANS)  # type: ignore[arg-type]
        maps.append(np.asarray(fitted.estimator.predict(fitted.features[sides.test]), np.int64))
        names.append(name)
        seconds.append(time.perf_counter() - start)
    return names, maps, seconds


def _resampled(true: np.ndarray, maps: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray | None:
    """OA, AA and kappa (draw, map, 3) of maps (n, m) over fields drawn whole, as `group_bootstrap` draws them.

    None where fewer than two fields are large enough.
    """
    ids, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    keep = np.flatnonzero((sizes >= GROUP_PIXELS) & (ids > 0))
    if keep.size < 2:
        return None
    of_field = np.stack([[confusion_counts(true[inverse == g], mine[inverse == g], count) for mine in maps.T]
                         for g in keep])  # (field, map, class, answer)  # fmt: skip
    drawn = np.random.default_rng(0).integers(keep.size, size=(DRAWS, keep.size))
    times = np.stack([np.bincount(draw, minlength=keep.size) for draw in drawn])  # (draw, field)
    summed = np.tensordot(times, of_field, 1)
    return np.array([[overall_scores(confusion) for confusion in draw] for draw in summed])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _ends(values: np.ndarray) -> tuple[float, float]:
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def _compared(scores: Scores, true: np.ndarray, names: list[str], maps: list[np.ndarray], seconds: list[float],
              spread: np.ndarray | None, count: int) -> tuple[pd.DataFrame, list[Doubt]]:  # fmt: skip
    """The table of rivals, and what is to be said of each that the map does not clearly beat."""
    import pandas as pd

    rows, found = [], []
    for k, (name, mine, took) in enumerate(zip(names, maps, seconds), 1):
        oa, aa, kappa = overall_scores(confusion_counts(true, mine, count))
        low, high = (np.nan, np.nan) if spread is None else _ends(spread[:, 0, 0] - spread[:, k, 0])
        ahead = scores.oa - oa
        rows.append((name, oa, aa, kappa, took, ahead, low, high))
        beaten = (ahead if np.isnan(low) else low) > 0
        side = "above" if beaten else "not above" if ahead <= 0 else "not clearly above"
        ends = "" if np.isnan(low) else f", 95 % interval over fields {100 * low:+.1f} to {100 * high:+.1f}"
        kind = "" if beaten else "position" if name == NEAREST else "plain"
        text = f"{name[0].upper()}{name[1:]} scores {_percent(oa)} on the same pixels; the map is {side} that"
        found.append(Doubt(kind, f"{text} ({100 * ahead:+.1f} points{ends})."))
    columns = ["method", "oa", "aa", "kappa", "seconds", "ahead", "low", "high"]
    return pd.DataFrame(rows, columns=columns), found


# --- tables and rasters ------------------------------------------------------------------------------


def _by_class(scene: Scene, sides: Sides, field_of: np.ndarray, scores: Scores) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for c, name in enumerate(scene.class_names, 1):
        own = [pixels[sides.y(part) == c] for part, pixels in (("train", sides.train), ("test", sides.test))]
        train, test = (set(np.unique(field_of.ravel()[pixels]).tolist()) for pixels in own)
        rows.append((name, own[0].size, own[1].size, len(train), len(test), len(train & test), scores.recall[c - 1]))
    columns = ["class", "trained", "tested", "fields_trained", "fields_tested", "fields_on_both", "recall"]
    return pd.DataFrame(rows, columns=columns)


def _areas(scene: Scene, answers: np.ndarray, scores: Scores) -> pd.DataFrame | str:
    mapped = np.bincount(answers[scene.valid], minlength=scene.n_classes + 1)
    if mapped[0] > 0.01 * mapped.sum():
        return f"the map answers for {1 - mapped[0] / mapped.sum():.0%} of the valid pixels; areas need all of them"
    try:
        return area_estimates(scores.confusion, mapped[1:], None if scene.gsd_m is None else scene.gsd_m**2)
    except ValueError as error:
        return str(error)


def _rasters(scene: Scene, sides: Sides, mine: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true = sides.y("test")
    answers, share = np.zeros(scene.shape, np.uint8), np.full(scene.shape, np.nan, np.float32)
    answers.ravel()[sides.test] = np.where(mine == true, 1, 2)
    table = per_field_accuracy(true, mine, groups)
    share.ravel()[sides.test] = table["share"].reindex(groups).to_numpy()
    return answers, share
