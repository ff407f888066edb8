"""Names that pictures, tables and spreadsheets would misread; configs told all that is wrong at once."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from tiny import CONFIG, tiny_scene

import hsikit
from hsikit import tables
from hsikit.experiments import ConfigError
from hsikit.explore import CompareMaps, FeatureSpaceExplorer, LabelPainter, SpectraExplorer
from hsikit.tables.cells import Table

NAMES = ("$\\frac{", "a$b^", "_{c$")


@pytest.fixture(scope="module")
def scene():
    return dataclasses.replace(tiny_scene(), class_names=NAMES, name="$\\frac{", lidar_names=["$x_{"])


@pytest.mark.parametrize("kind", ["compare", "features", "painter", "spectra", "plot"])
def test_unbalanced_dollars_break_no_picture(scene, tmp_path, kind):
    draw = np.random.default_rng(0)
    one, other = (draw.integers(1, 4, scene.shape) for _ in range(2))
    make = {
        "compare": lambda: CompareMaps(one, other, scene, names=("$\\frac{", "b$")).static(),
        "features": lambda: FeatureSpaceExplorer(scene.hsi, scene.labels, scene, cap_per_class=10).static(),
        "painter": lambda: LabelPainter(scene).static(),
        "spectra": lambda: SpectraExplorer(scene).static(),
        "plot": scene.plot,
    }
    make[kind]().savefig(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 2000


def test_cells_end_where_they_end(tmp_path):
    names = ["a|b", "<script>x</script>", "=1+1", "@SUM(A1)", "+cmd", "-x", "-0.30 [-1, 2]", "+1.20", "\t=1"]
    cells = pd.DataFrame({"=head|": names, "OA": np.arange(9.0)})
    table = Table("x", "t", cells)
    shown = tables.markdown(table)
    assert "a\\|b" in shown
    assert "<script" not in shown
    assert {line.replace("\\|", "").count("|") for line in shown.splitlines()[:11]} == {3}
    tables.write(table, tmp_path)
    read = pd.read_csv(tmp_path / "x.csv")
    assert list(read.columns) == ["'=head|", "OA"]
    assert list(read.iloc[:, 0]) == ["a|b", "<script>x</script>", "'=1+1", "'@SUM(A1)", "'+cmd", "'-x", "-0.30 [-1, 2]",
                                     "+1.20", "'\t=1"]  # fmt: skip


def test_a_map_keeps_odd_names_whole(tmp_path):
    from xml.etree import ElementTree

    scene = dataclasses.replace(tiny_scene(), class_names=("a<b>&", '"q"', "=1|2"))
    hsikit.write_map(tmp_path / "m.tif", scene.labels, scene)
    names = [entry.text for entry in ElementTree.parse(tmp_path / "m.tif.aux.xml").iter("Category")]
    assert names == ["unlabelled", *scene.class_names]
    with pytest.raises(hsikit.SceneError, match="control character"):
        dataclasses.replace(scene, class_names=("a\0b", "c", "d"))


WRONG = {
    "seeds": 5, "arms": 3, "sweep": [1, 2], "train": 3, "version": "x", "split": 5, "scene": 7, "name": [1],
    "method": {}, "model": "big", "loss": [], "text": 1, "trials": 0, "reference": {}, "comparisons": [], "prompts": 3,
    "about": {},
}  # fmt: skip


@pytest.mark.parametrize("key", WRONG)
def test_every_key_of_a_config_has_a_type(key):
    with pytest.raises(ConfigError, match=rf"{key} is .*, expected"):
        hsikit.expand({**CONFIG, key: WRONG[key]})


@pytest.mark.parametrize(
    ("section", "options", "says"),
    [
        ("train", {"epochs": "many"}, "train.epochs is 'many', expected a whole number from 1"),
        ("train", {"epochs": 0}, "train.epochs is 0"),
        ("train", {"lr": -1}, "train.lr is -1, expected a number above 0"),
        ("train", {"lr": float("nan")}, "train.lr is nan"),
        ("train", {"augment": 3}, "train.augment is 3, expected true or false"),
        ("train", {"schedule": "step"}, "train.schedule is 'step', expected onecycle or cosine"),
        ("train", {"wrong_labels": 1}, "train.wrong_labels is 1, expected a share"),
        ("train", {"batsh": 3}, "unknown key train.batsh; did you mean train.batch"),
        ("model", {"window": [1]}, "model.window is"),
        ("model", {"wndow": 7}, "did you mean model.window"),
        ("loss", {"smoothing": "no"}, "loss.smoothing is 'no', expected a number"),
        ("split", {"kind": "random", "train": "most"}, "split.train is 'most', expected a number"),
    ],
)
def test_every_option_has_a_type_and_a_range(section, options, says):
    plain = {"method": "cnn2d", "scene": "simulated", "split": {"kind": "random", "train": 0.1}}
    with pytest.raises(ConfigError) as error:
        hsikit.expand(plain | {section: options})
    assert says in str(error.value)


def test_all_that_is_wrong_is_told_at_once():
    wrong = {"method": "cnn2d", "scene": "simulated", "split": {"kind": "random", "train": 0.1},
             "train": {"epochs": 0, "lr": "x", "batsh": 3}, "model": {"window": "big"},
             "sweep": {"train.clip": [1.0, -1.0, -2.0]}}  # fmt: skip
    with pytest.raises(ConfigError, match=r"^6 things are wrong with the config: ") as error:
        hsikit.expand(wrong)
    for part in ("train.epochs", "train.lr", "train.batsh", "model.window", "clip is -1.0", "clip is -2.0"):
        assert part in str(error.value)
