"""Colours of classes: far enough apart for readers who see no red and green, and what their names mean."""

from importlib import resources

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import rgb_to_hsv, to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from hsikit.scenes import Scene, load_scene, muufl, simulated
from hsikit.scenes.colours import APART, class_colours, distances, palette

PUBLISHED = yaml.safe_load((resources.files("hsikit") / "scenes" / "published.yaml").read_text())
# Machado, Oliveira and Fernandes 2009, table 1: deuteranomaly of severity 1.0, on linear RGB.
MACHADO = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])


def colours_of(name: str) -> list[str]:
    return [v["color"] if isinstance(v, dict) else v for v in PUBLISHED[name]["classes"].values()]


SCENES = {name: colours_of(name) for name, facts in PUBLISHED.items() if "classes" in facts}
SCENES |= {"simulated": list(simulated.COLORS), "muufl_five": [muufl.COLORS[name] for name in muufl.FIVE]}


def seen_by_a_deuteranope(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    simulated = np.clip(linear @ MACHADO.T, 0, 1)
    return np.where(simulated <= 0.0031308, 12.92 * simulated, 1.055 * simulated ** (1 / 2.4) - 0.055)


def least_apart(colours: list[str]) -> tuple[float, float]:
    """Smallest CIEDE2000 between two colours, as the eye and as a deuteranope sees them, pair by pair."""
    rgb = np.array([to_rgb(c) for c in colours])
    found = []
    for picture in (rgb, seen_by_a_deuteranope(rgb)):
        lab = rgb2lab(picture[None])[0]
        pairs = [deltaE_ciede2000(a, b) for k, a in enumerate(lab) for b in lab[:k]]
        found.append(float(min(pairs)))
    return found[0], found[1]


@pytest.mark.parametrize("name", SCENES)
def test_any_two_classes_of_a_scene_are_told_apart_also_under_deuteranopia(name):
    assert len(SCENES[name]) >= 5
    eye, deuteranope = least_apart(SCENES[name])
    assert eye >= 10
    assert deuteranope >= 10
    assert least_apart([*SCENES[name], "#ffffff"])[1] >= 5  # and from ground without a label


def test_a_loaded_scene_wears_the_colours_of_its_file():
    assert list(load_scene("indian_pines").colors) == SCENES["indian_pines"]
    assert list(load_scene("simulated").colors) == SCENES["simulated"]


@pytest.mark.parametrize("n", [2, 5, 9, 16, 20, 24])
def test_classes_without_a_known_word_are_told_apart(n):
    assert min(least_apart(list(palette(n)))) >= 10 == APART


@pytest.mark.parametrize(
    ("name", "hue"),
    [("deep water", 0.58), ("Lake Constance", 0.58), ("oak forest", 0.37), ("mixed Woods", 0.37), ("meadow", 0.25),
     ("tiled roof", 0.02), ("houses", 0.02), ("Building", 0.02)],
)  # fmt: skip
def test_own_scenes_are_coloured_by_what_names_mean(name, hue):
    first, _, _ = rgb_to_hsv(to_rgb(class_colours([name, "something"])[0]))
    assert abs(first - hue) < 0.06


def test_roads_are_grey_and_a_scene_of_ones_own_takes_its_colours_from_its_names():
    road = rgb_to_hsv(to_rgb(class_colours(["asphalt road"])[0]))
    assert road[1] < 0.1
    names = ("water", "asphalt road", "forest", "roof tiles", "meadow")
    mine = Scene("mine", np.zeros((3, 4, 5), np.float32), np.zeros((3, 4), int), names)
    assert mine.colors == class_colours(names)
    assert mine.colors[0] == "#2171b5"
    assert Scene("none", np.zeros((3, 4, 5), np.float32), np.zeros((3, 4), int), ()).colors == ()


@settings(max_examples=20)
@given(
    st.lists(
        st.sampled_from(["water", "roof", "wheat 1", "wheat 2", "soil", "x", "", "шахта", "road", "tree"]), max_size=14
    )
)
def test_whatever_the_names_colours_are_valid_different_and_clear(names):
    found = class_colours(names)
    assert found == class_colours(names)
    assert len(set(found)) == len(found) == len(names)
    if len(found) > 1:
        assert min(least_apart(list(found))) >= 10
        assert distances(found)[~np.eye(len(found), dtype=bool)].min() == pytest.approx(min(least_apart(list(found))))


def test_many_classes_have_a_colour_each_all_the_same():
    assert len(set(palette(300))) == 300
