"""Every figure: units on its axes, class colours from the scene, small and repeatable on disk."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from hsikit import figures
from hsikit.figures import FigureError
from hsikit.figures.style import RIGHT, WRONG
from hsikit.metrics import scores_from_labels
from hsikit.scenes.scene import Scene
from hsikit.separation import separation

NAMES = ("meadow", "roof", "pond $deep$")
RNG = np.random.default_rng(0)


def _scene(rows: int = 20, cols: int = 24, **other) -> Scene:
    labels = np.repeat(np.arange(4), rows // 4)[:, None].repeat(cols, 1)
    waves = np.r_[np.linspace(400, 1340, 20), np.linspace(1440, 1790, 8), np.linspace(1970, 2400, 8)]
    hsi = labels[..., None] + np.random.default_rng(1).random((rows, cols, waves.size))
    facts = {"units": "reflectance", "wavelengths_nm": waves, "gsd_m": 2.0} | other
    return Scene("tiny", hsi.astype(np.float32), labels, NAMES, **facts)


SCENE = _scene()
OTHER = _scene(simulated=True, colors=("#123456", "#abcdef", "#fedcba"))
LABELS = np.repeat([1, 2, 3], 20)
CLOUD = RNG.normal(size=(60, 2)) + LABELS[:, None]
MEASURED = separation(np.c_[CLOUD, LABELS], LABELS, None, 5)
SPLIT = SimpleNamespace(name="random_10", train=np.arange(200, 220), val=np.arange(220, 225), test=np.arange(225, 300))
SCORES = scores_from_labels(LABELS, np.r_[LABELS[:-9], [1] * 9], NAMES)
HISTORY = pd.DataFrame(
    {"epoch": [1, 2, 3], "loss": [3.0, 2, 1], "val_loss": [3, np.nan, 2], "val_oa": [0.5, np.nan, 0.7]}
)
ROWS = pd.DataFrame(
    [
        {"method": m, "split": s, "oa_mean": 0.8, "oa_std": 0.01, "n": 10, "window": w, "shared": 0.5,
         "exit": w, "macs": 1e5 * w, "pixels_per_second": 2e4 / w, "budget": f"{w} %"}
        for m in ("SVM", "SDHSI-Net") for s in ("fields", "random_10") for w in (1, 3, 11)
    ]
)  # fmt: skip
ONE = ROWS[ROWS["window"] == 11]
GAPS = pd.DataFrame({"comparison": ["a − b", "c − b"], "difference": [1.0, 0.1], "low": [0.5, -0.3],
                     "high": [1.5, 0.5], "n": [10, 5], "p": [0.01, None]})  # fmt: skip
RECALL = pd.DataFrame({"method": "SVM", "class": [1, 2, 3], "recall_mean": [0.9, 0.8, 1.0]})
NUMBERS = pd.DataFrame(
    [{"name": n, **{k: getattr(MEASURED, k) for k in ("silhouette", "radius_ratio")}} for n in "aab"]
)
HIDDEN = pd.DataFrame(
    [
        {"pixel": pixel, "class": c, "hidden": hidden, "low": low, "high": high, "drop": 0.1 * pixel}
        for pixel, c in enumerate((1, 2, 3), 1)
        for hidden, low, high in (("bands", 400.0, 500.0), ("bands", 520.0, 700.0), ("HSI", None, None),
                                  ("LiDAR", None, None))
    ]
)  # fmt: skip
DAMAGED = pd.DataFrame(
    [
        {"method": m, "kind": kind, "severity": s, "oa_mean": 0.9 - 0.3 * s, "oa_std": 0.02, "n": 2}
        for m in ("a", "b") for kind in ("noise", "dropped_bands") for s in (0.5, 0.0, 1.0)
    ]
)  # fmt: skip
SIMILAR = RNG.random(SCENE.shape)

# name -> (how it is made from a scene, labels its axes carry, whether class colours are in it)
FIGURES = {
    "mean_spectra": (figures.mean_spectra, ["wavelength (nm)", "value (reflectance)"], True),
    "class_maps": (
        lambda s: figures.class_maps(s, {"SVM": s.labels, "all roof": np.full(s.shape, 2)}),
        ["column (px of 2 m)", "row (px of 2 m)"],
        True,
    ),
    "split_map": (lambda s: figures.split_map(s, SPLIT), ["column (px of 2 m)", "row (px of 2 m)"], False),
    "similarity_map": (
        lambda s: figures.similarity_map(s, SIMILAR, "a $5 pond"),
        ["column (px of 2 m)", "cosine similarity (no unit)"],
        False,
    ),
    "found_maps": (
        lambda s: figures.found_maps(s, {"by its words": SIMILAR, "shuffled": SIMILAR}, NAMES[0], "a $5 pond"),
        ["column (px of 2 m)", "row (px of 2 m)", "rank among all pixels (1: fits best)"],
        False,
    ),
    "confusion_matrix": (
        lambda s: figures.confusion_matrix(SCORES, s),
        ["mapped class", "true class (test px)", "share of the true class (%)"],
        True,
    ),
    "training_curves": (
        lambda s: figures.training_curves({"light": HISTORY, "no val": HISTORY[["epoch", "loss"]]}, s),
        ["epoch", "loss (nats)", "accuracy (%)"],
        False,
    ),
    "exit_curves": (
        lambda s: figures.exit_curves(HISTORY.assign(val_oa_exit_1=0.4, ce_final=1.0, kl=0.1), s),
        ["epoch", "validation OA (%)", "weighted loss term (nats)"],
        False,
    ),
    "feature_space": (
        lambda s: figures.feature_space(CLOUD, LABELS, s, "test pixels", "PCA"),
        ["PCA 1 (arbitrary units)", "PCA 2 (arbitrary units)"],
        True,
    ),
    "feature_space_pair": (
        lambda s: figures.feature_space_pair(CLOUD, 2 * CLOUD, LABELS, s, separations=(MEASURED, MEASURED)),
        ["t-SNE 2 (arbitrary units)"],
        True,
    ),
    "separation_bars": (
        lambda s: figures.separation_bars(NUMBERS, s),
        ["silhouette (no unit)", "radius ratio (no unit)"],
        False,
    ),
    "per_class_recall": (
        lambda s: figures.per_class_recall(RECALL, s),
        ["recall (%), mean ± std over seeds"],
        True,
    ),
    "occlusion_loss": (
        lambda s: figures.occlusion_loss(HIDDEN, s),
        ["wavelength (nm) of the hidden group", "probability lost (points), mean"],
        True,
    ),
}
TABLES = {
    "leakage_curve": (lambda t: figures.leakage_curve(t), ROWS, ["window side (px)", "overall accuracy (%)"]),
    "accuracy_bars": (figures.accuracy_bars, ONE, ["overall accuracy (%), mean ± std over seeds"]),
    "budget_curves": (
        lambda t: figures.budget_curves(t, "aa", "labels a class"),
        ROWS.rename(columns={"oa_mean": "aa_mean", "oa_std": "aa_std"}),
        ["labels a class", "average accuracy (%), mean ± std"],
    ),
    "exits_accuracy": (
        figures.exits_accuracy,
        ROWS,
        ["exit (shallow to deep)", "multiply-accumulates a pixel", "measured speed (pixels a second)"],
    ),
    "difference_spread": (
        lambda table: figures.difference_spread(pd.concat([table] * 3), table),
        GAPS,
        ["difference in OA (points): a dot a run; diamond and bar: mean and its 95 % interval"],
    ),
    "paired_differences": (
        figures.paired_differences,
        GAPS,
        ["difference in accuracy (points), 95 % interval over seeds; filled: clear of 0"],
    ),
    "robustness_curves": (
        figures.robustness_curves,
        DAMAGED,
        ["noise (standard deviations of a band)", "bands lost (%)", "overall accuracy (%), mean ± std"],
    ),
}


def _axis_labels(fig: Figure) -> set[str]:
    found = {text for ax in fig.axes for text in (ax.get_xlabel(), ax.get_ylabel())}
    return found | {fig.get_supxlabel(), fig.get_supylabel()}


def _colours(fig: Figure) -> set[str]:
    """Colours of lines, patches, texts and colour maps, legends included."""
    artists = fig.findobj(lambda a: hasattr(a, "get_color") or hasattr(a, "get_facecolor"))
    raw = [a.get_color() if hasattr(a, "get_color") else a.get_facecolor() for a in artists]
    maps = [c for image in fig.findobj(matplotlib.image.AxesImage) for c in getattr(image.cmap, "colors", [])]
    found = set()
    for colour in raw + maps:
        try:
            found.add(to_hex(colour))
        except ValueError:  # a collection has many
            found |= {to_hex(c) for c in np.atleast_2d(colour)}
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_scene(name):
    make, labels, coloured = FIGURES[name]
    fig = make(SCENE)
    assert isinstance(fig, Figure)
    assert set(labels) <= _axis_labels(fig)
    assert "simulated" not in fig.get_suptitle()
    assert coloured == (set(SCENE.colors) <= _colours(fig))
    fig = make(OTHER)
    assert "simulated" in fig.get_suptitle()
    assert coloured == (set(OTHER.colors) <= _colours(fig))


@pytest.mark.parametrize("name", TABLES)
def test_figures_of_a_table(name):
    make, table, labels = TABLES[name]
    fig = make(table)
    assert set(labels) <= _axis_labels(fig)
    assert "simulated" in make(table.assign(scene="simulated")).get_suptitle()
    with pytest.raises(FigureError, match="needs the columns"):
        make(table[["n"]])
    with pytest.raises(FigureError, match="without rows"):
        make(table.iloc[:0])


def test_shared_windows_are_a_matter_of_the_split_and_drawn_in_colours_of_their_own():
    left, right = figures.leakage_curve(ROWS).axes
    assert len(right.containers) == 2 < len(left.containers) == 4
    drawn = [{bars[0].get_color() for bars in ax.containers} for ax in (left, right)]
    assert not drawn[0] & drawn[1]
    assert [t.get_text() for t in right.get_legend().get_texts()] == ["whole fields", "10 % at random"]


def test_exits_go_by_their_names_and_one_run_has_no_spread():
    table = pd.DataFrame({"exit": [1, 2, 5], "name": ["exit 1", "exit 2", "final"], "oa_mean": [0.5, 0.6, 0.7]})
    (ax,) = figures.exits_accuracy(table).axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "final"]
    assert ax.get_ylabel() == "overall accuracy (%)"
    assert figures.exits_accuracy(table.assign(oa_std=0.1)).axes[0].get_ylabel() == "overall accuracy (%), mean ± std"


def test_every_public_figure_is_tested():
    drawn = {n for n in figures.__all__ if n not in ("FigureError", "save_figure")}
    elsewhere = {"damaged_band", "damaged_bytes", "damaged_spectra"}  # in test_figures_byte_damage.py
    elsewhere |= {"network_diagram", "loss_formulas"}  # in test_figures_diagram.py
    elsewhere |= {"claims_forest"}  # in tables/test_papers.py
    assert drawn == {*FIGURES, *TABLES, *elsewhere, "scene_plate", "similarity_matrix", "pairs_auroc"}


def test_scene_plate_and_similarity_matrix():
    assert set(SCENE.colors) <= _colours(figures.scene_plate(SCENE))
    assert "simulated" in figures.scene_plate(OTHER).get_suptitle()
    fig = figures.similarity_matrix(np.eye(3) * 7, NAMES)
    assert {t.get_text() for t in fig.axes[0].texts} == {"1.00", "0.00"}
    with pytest.raises(FigureError, match="for 2 names"):
        figures.similarity_matrix(np.eye(3), NAMES[:2])


def test_pairs_are_marked_at_their_auroc_in_a_panel_for_what_was_trained_on():
    table = pd.DataFrame({"labels": ["other classes", "other classes", "none"], "low": [0.8, 0.3, 0.5],
                          "method": ["words", "random vectors", "zero-shot, words"], "auroc": [0.9, 0.5, 0.7],
                          "high": [1.0, 0.7, 0.9]})  # fmt: skip
    fig = figures.pairs_auroc(table)
    marks = [next(line for line in ax.lines if line.get_marker() == "o") for ax in fig.axes]
    np.testing.assert_allclose(np.array(marks[0].get_xdata(), float), [0.9, 0.5])
    np.testing.assert_allclose(np.array(marks[1].get_xdata(), float), [0.7])
    assert [t.get_text() for t in fig.axes[1].get_yticklabels()] == ["words"]
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["both classes left out of training", "no label at all"]
    assert "simulated" in figures.pairs_auroc(table.assign(scene="simulated")).get_suptitle()
    with pytest.raises(FigureError, match="needs the columns"):
        figures.pairs_auroc(table[["method"]])


def test_a_class_that_is_found_is_outlined_where_it_is():
    fig = figures.found_maps(SCENE, {"by its words": np.full(SCENE.shape, 0.5)}, NAMES[0], "a pond")
    truth = [ax.collections[0] for ax in fig.axes[:2]]
    rows = np.concatenate([path.vertices for path in truth[0].get_paths()])[:, 1]
    wanted = np.argwhere(SCENE.labels == 1)[:, 0]
    assert wanted.min() - 1 <= rows.min()
    assert rows.max() <= wanted.max() + 1
    with pytest.raises(FigureError, match="has no class 'lake'"):
        figures.found_maps(SCENE, {"x": SIMILAR}, "lake", "a lake")


# --- what is drawn ---------------------------------------------------------------------------------


def test_maps_hold_the_labels_and_the_errors():
    predicted = np.full(SCENE.shape, 2)
    truth, one, eye, errors = figures.class_maps(SCENE, {"roof": predicted}).axes
    np.testing.assert_array_equal(eye.images[0].get_array(), SCENE.rgb())  # below the ground truth, which has no errors
    np.testing.assert_array_equal(truth.images[0].get_array(), SCENE.labels)
    np.testing.assert_array_equal(one.images[0].get_array(), predicted)
    drawn = errors.images[0].to_rgba(errors.images[0].get_array(), bytes=True)[..., :3]
    as_bytes = {c: tuple(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in (WRONG, RIGHT)}
    assert (drawn[SCENE.labels == 2] == as_bytes[RIGHT]).all()
    assert (drawn[(SCENE.labels == 1) | (SCENE.labels == 3)] == as_bytes[WRONG]).all()
    assert (drawn[SCENE.labels == 0] == 255).all()


def test_errors_are_shown_on_test_pixels_alone_where_those_are_given():
    test = np.flatnonzero(SCENE.labels.ravel() == 1)[:5]
    fig = figures.class_maps(SCENE, {"roof": np.full(SCENE.shape, 2)}, truth=False, test=test, title="maps of roofs")
    state = fig.axes[1].images[0].get_array()
    assert np.flatnonzero(state.ravel() == 2).tolist() == test.tolist()
    assert (state == 1).sum() == 0
    assert fig.get_suptitle() == "tiny: maps of roofs"
    assert "test pixel, wrong" in [t.get_text() for t in fig.legends[0].get_texts()]


def test_what_hiding_costs_is_the_mean_over_pixels_and_over_those_of_a_class():
    bands, sensors = figures.occlusion_loss(HIDDEN, SCENE).axes
    assert [(b.get_x(), b.get_width()) for b in bands.patches] == [(400, 100), (520, 180)]
    np.testing.assert_allclose([b.get_height() for b in bands.patches], 20)
    hsi, lidar = (line for line in sensors.lines if line.get_linestyle() == "None")
    np.testing.assert_allclose(hsi.get_xdata(), [10, 20, 30])
    assert hsi.get_marker() != lidar.get_marker()
    assert "3 test pixels" in figures.occlusion_loss(HIDDEN, SCENE).get_suptitle()
    assert figures.occlusion_loss(HIDDEN, _scene(wavelengths_nm=None)).axes[0].get_xlabel().startswith("band of")


def test_damage_is_drawn_from_none_to_severe_in_its_own_unit():
    noise, lost = figures.robustness_curves(DAMAGED).axes
    lines = [c.lines[0] for c in noise.containers]
    np.testing.assert_allclose(lines[0].get_ydata(), [90, 75, 60])
    np.testing.assert_allclose(lines[0].get_xdata(), [0, 0.5, 1], atol=0.02)
    assert (lines[0].get_xdata() < lines[1].get_xdata()).all()  # beside each other, so that whiskers can be told apart
    np.testing.assert_allclose(lost.containers[0].lines[0].get_xdata(), [0, 50, 100], atol=2)


def test_titles_name_what_is_compared_with_and_on_which_split():
    assert figures.paired_differences(GAPS.assign(reference="c")).get_suptitle() == "Paired differences to c"
    assert figures.per_class_recall(RECALL.assign(split="fields"), SCENE).get_suptitle().endswith(", whole fields")


def test_split_map_paints_each_part_in_its_colour():
    fig = figures.split_map(SCENE, SPLIT)
    flat = fig.axes[0].images[0].get_array().reshape(-1, 3)
    for part, handle in zip(("train", "val", "test"), fig.legends[0].get_patches()):
        pixels = getattr(SPLIT, part)
        np.testing.assert_allclose(flat[pixels], np.tile(handle.get_facecolor()[:3], (pixels.size, 1)))
    assert fig.legends[0].get_texts()[0].get_text() == "train (20 px)"


def test_spectra_break_where_light_is_absorbed_and_equal_the_class_mean():
    fig = figures.mean_spectra(SCENE, [2])
    line = fig.axes[0].lines[1]
    x, y = line.get_xdata(), line.get_ydata()
    assert np.isnan(y).sum() == 2
    drawn = ~np.isnan(y)
    np.testing.assert_allclose(x[drawn], SCENE.wavelengths_nm)
    np.testing.assert_allclose(y[drawn], SCENE.hsi[SCENE.labels == 2].mean(0), rtol=1e-5)
    assert figures.mean_spectra(_scene(wavelengths_nm=None)).get_supxlabel() == "band"
    with pytest.raises(FigureError, match="4"):
        figures.mean_spectra(SCENE, [4])


def test_confusion_shows_counts_and_row_shares_of_tested_classes():
    scores = scores_from_labels(np.array([1, 1, 1, 3]), np.array([1, 1, 3, 3]), NAMES)
    ax = figures.confusion_matrix(scores).axes[0]
    np.testing.assert_allclose(ax.images[0].get_array(), [[200 / 3, 100 / 3], [0, 100]])
    assert sorted(t.get_text() for t in ax.texts) == ["1", "1", "2"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["meadow (3)", "pond $deep$ (1)"]


def test_curves_without_validation_have_one_panel_and_gaps_are_bridged():
    assert len(figures.training_curves({"few-shot": HISTORY[["epoch", "loss"]]}).axes) == 1
    loss, accuracy = figures.training_curves({"a": HISTORY}).axes
    np.testing.assert_allclose(accuracy.lines[0].get_xydata(), [[1, 50], [3, 70]])
    assert len(loss.lines) == 2
    with pytest.raises(FigureError, match="a has none of the columns"):
        figures.training_curves({"a": HISTORY[["epoch"]]})
    with pytest.raises(FigureError, match="no run"):
        figures.training_curves({})


def test_every_exit_has_a_curve_in_percent():
    history = HISTORY.assign(val_oa_exit_1=0.4, val_oa_exit_2=0.5, ce_final=1.0, hint=1e-6)
    accuracy, terms = figures.exit_curves(history).axes
    assert [line.get_label() for line in accuracy.lines] == ["exit 1", "exit 2", "final"]
    np.testing.assert_allclose(accuracy.lines[1].get_ydata(), 50)
    assert [line.get_label() for line in terms.lines] == ["cross-entropy, final", "hint"]
    with pytest.raises(FigureError, match="exit_curves needs the columns"):
        figures.exit_curves(HISTORY)


def test_budgets_have_a_band_over_seeds():
    ax = figures.budget_curves(ROWS).axes[0]
    assert len(ax.collections) > 0
    band = ax.collections[-1].get_datalim(ax.transData)
    assert band.height > 0


def test_bars_and_markers_sit_at_the_numbers():
    bars = figures.accuracy_bars(ONE.assign(oa_mean=[0.1, 0.2, 0.3, 0.4])).axes[0].patches
    np.testing.assert_allclose([b.get_width() for b in bars], [10, 30, 20, 40])  # split by split
    lines = figures.paired_differences(GAPS).axes[0].lines[1:]
    np.testing.assert_allclose(lines[0].get_xdata(), [0.5, 1.5])
    assert lines[3].get_markerfacecolor() == "white"  # the interval holds 0
    assert lines[1].get_markerfacecolor() != "white"
    with pytest.raises(FigureError, match="one row a method and split"):
        figures.accuracy_bars(ROWS)


def test_every_point_of_a_cloud_is_drawn_once_in_its_colour():
    ax = figures.feature_space(CLOUD, LABELS, SCENE, "x").axes[0]
    drawn = {c: [] for c in SCENE.colors}
    for line in ax.lines:
        drawn[line.get_color()].append(line.get_xydata())
    for c, colour in enumerate(SCENE.colors, 1):
        points = np.concatenate(drawn[colour])
        np.testing.assert_allclose(np.sort(points, 0), np.sort(CLOUD[c == LABELS], 0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: figures.class_maps(SCENE, {}, truth=False), "no map"),
        (lambda: figures.class_maps(SCENE, {"a": np.ones((3, 3))}), r"a is \(3, 3\)"),
        (lambda: figures.class_maps(SCENE, {"a": SCENE.labels}, test=np.array([480])), "480"),
        (lambda: figures.class_maps(SCENE, {"a": SCENE.labels}, test=np.array([], int)), "0 pixels"),
        (lambda: figures.similarity_map(SCENE, np.ones((3, 3)), ""), "similarity map is"),
        (lambda: figures.split_map(SCENE, SimpleNamespace(train=[480], val=[], test=[])), "480"),
        (lambda: figures.feature_space(CLOUD[:9], LABELS, SCENE, "x"), r"expected \(n, 2\)"),
        (lambda: figures.feature_space(CLOUD * np.nan, LABELS, SCENE, "x"), "NaN"),
        (lambda: figures.feature_space(CLOUD, LABELS - 1, SCENE, "x"), "classes 1 to 3"),
        (lambda: figures.per_class_recall(RECALL.assign(**{"class": [1, 2, 9]}), SCENE), "1 to 9"),
        (lambda: figures.occlusion_loss(HIDDEN.assign(**{"class": 9}), SCENE), "9 to 9"),
        (lambda: figures.occlusion_loss(HIDDEN[HIDDEN["hidden"] == "HSI"], SCENE), "hidden bands"),
        (lambda: figures.occlusion_loss(HIDDEN[["drop"]], SCENE), "needs the columns"),
        (lambda: figures.robustness_curves(DAMAGED.assign(kind="rust")), "'rust'"),
        (lambda: figures.separation_bars(pd.DataFrame({"name": ["a"]})), "one of the columns"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(FigureError, match=message):
        make()


def test_odd_but_legal_input_is_drawn():
    wide = _scene(20, 60)
    assert len(figures.class_maps(wide, {}).axes) == 2  # the truth alone, nothing beside it
    figures.similarity_map(wide, np.full(wide.shape, np.nan), "  ")
    title = figures.similarity_map(SCENE, SIMILAR, "very long " * 100).get_suptitle()
    assert len(title) < 200


# --- on disk ---------------------------------------------------------------------------------------


def test_the_same_figure_gives_the_same_small_file(tmp_path):
    for name in ("class_maps", "mean_spectra", "confusion_matrix", "feature_space", "training_curves"):
        make = FIGURES[name][0]
        first = figures.save_figure(make(SCENE), tmp_path / "a" / f"{name}.png")
        again = figures.save_figure(make(SCENE), tmp_path / "b" / f"{name}.png")
        assert first.read_bytes() == again.read_bytes(), name
        assert first.stat().st_size <= 200_000, name
    assert not list(tmp_path.rglob("*.part"))
    one, two = (figures.save_figure(figures.mean_spectra(SCENE), tmp_path / n) for n in ("1.pdf", "2.pdf"))
    assert one.read_bytes() == two.read_bytes()


def test_large_pictures_are_made_small(tmp_path):
    from PIL import Image

    noise = _scene(200, 200)
    fig = figures.similarity_map(noise, np.random.default_rng(0).random(noise.shape), "noise")
    path = figures.save_figure(fig, tmp_path / "noise.png", dpi=200)
    assert path.stat().st_size <= 200_000
    assert Image.open(path).width > 400
    with pytest.raises(FigureError, match="name it"):
        figures.save_figure(fig, tmp_path / "noise.jpg")


def test_nothing_global_changes_and_the_users_style_does_not_leak_in(tmp_path):
    before = dict(matplotlib.rcParams)
    plain = figures.save_figure(figures.mean_spectra(SCENE), tmp_path / "plain.png").read_bytes()
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        styled = figures.save_figure(figures.mean_spectra(SCENE), tmp_path / "styled.png").read_bytes()
    assert plain == styled


def test_a_figure_shows_itself_without_pyplot():
    code = (
        "import sys, hsikit.figures as f, numpy as np;"
        "fig = f.similarity_matrix(np.eye(2), ['a', 'b']);"
        "assert fig._repr_png_()[:4] == b'\\x89PNG';"
        "assert 'matplotlib.pyplot' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- what stands in every figure ---------------------------------------------------------------------


def test_scenes_methods_and_splits_are_spelt_as_people_read_them():
    table = pd.DataFrame([{"method": m, "split": s, "oa_mean": 0.5, "n": 5, "scene": "indian_pines"}
                          for m in ("sdhsi_trunk", "mmlgnet_scales") for s in ("fields_w15", "random_10")])  # fmt: skip
    said = _texts(figures.accuracy_bars(table))
    assert {"SDHSI-Net trunk", "three-scale MMLGNet", "whole fields, window 15", "10 % at random"} <= set(said)
    assert any("Indian Pines" in text for text in said)
    assert not [text for text in said if "_" in text]
    assert "Indian Pines: class maps" in _texts(figures.class_maps(_scene().__class__(
        "indian_pines", SCENE.hsi, SCENE.labels, NAMES), {"a": SCENE.labels}))  # fmt: skip


def _texts(fig: Figure) -> list[str]:
    fig.draw_without_rendering()
    return [text.get_text() for text in fig.findobj(matplotlib.text.Text) if text.get_text()]


@pytest.mark.parametrize("size", [(20, 24), (16, 60)])
@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_no_panel_of_class_maps_is_empty(size, count):
    scene = _scene(*size)
    fig = figures.class_maps(scene, {f"map {k}": scene.labels for k in range(count)})
    blank = [ax for ax in fig.axes if not ax.images]
    assert len(blank) <= (count + 1 > 5) * 2 * (-(count + 1) % 3)  # the rest of a last line, from six maps on


@pytest.mark.parametrize(("gsd", "cols", "said"), [(2.0, 24, "5 m"), (20.0, 145, "500 m"), (30.0, 400, "2 km")])
def test_a_map_has_a_scale_bar_of_a_round_length_where_a_pixels_size_is_known(gsd, cols, said):
    scene = _scene(20, cols, gsd_m=gsd)
    assert said in _texts(figures.class_maps(scene, {"a": scene.labels}))
    unknown = _scene(20, cols, gsd_m=None)
    assert not [t for t in _texts(figures.class_maps(unknown, {"a": unknown.labels})) if t.endswith((" m", " km"))]


def test_differences_stand_in_groups_under_their_heads():
    table = GAPS.assign(group=["words", "inputs"])
    fig = figures.paired_differences(pd.concat([table, table.assign(comparison=["d", "e"])]))
    ax = fig.axes[0]
    heads = {t.get_text(): t.get_position()[1] for t in ax.texts if t.get_text() in ("words", "inputs")}
    assert list(heads) == ["words", "inputs"]
    places = dict(zip((t.get_text() for t in ax.get_yticklabels()), ax.get_yticks()))
    assert heads["words"] < places["a − b"] < places["d"] < heads["inputs"] < places["c − b"] < places["e"]
    assert not [t for t in figures.paired_differences(GAPS).axes[0].texts if t.get_text() in ("words", "inputs")]
