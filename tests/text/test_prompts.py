"""Prompt files: complete for every scene, of one voice with the scenes' class names, and clear when wrong."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

from hsikit.scenes.published import catalogue
from hsikit.text.prompts import DESCRIPTIVE, ClassPrompts, TextError, available_prompts, load_prompts, prompts_from

SCENES = ("trento", "muufl", "houston2013", "indian_pines", "simulated", "pavia_university", "salinas")
WITH_PARAPHRASES = ("muufl", "trento", "simulated")
GOOD = {
    "scene": "pond",
    "templates": ["a photo of {name}", "{name} from above"],
    "classes": [
        {"name": "water", "place": "a pond", "height_and_texture": ["flat", "smooth"], "synonyms": ["lake"]},
        {"name": "reed-1", "spoken": "reed", "place": "the shore", "paraphrases": ["tall stalks"]},
    ],
}


def class_names_of(scene: str) -> list[str]:
    """What the scene's reader calls its classes."""
    if scene == "simulated":
        return list(importlib.import_module("hsikit.scenes.simulated").CLASS_NAMES)
    return list(catalogue()[scene].class_names)


def changed(**changes: object) -> dict:
    """GOOD with its first class changed."""
    return {**GOOD, "classes": [{**GOOD["classes"][0], **changes}, GOOD["classes"][1]]}


@pytest.mark.parametrize("scene", SCENES)
def test_every_class_has_every_kind_and_the_scenes_own_name(scene: str) -> None:
    prompts = load_prompts(scene)
    assert list(prompts.class_names) == class_names_of(scene)
    for kind in ("name", "template", *DESCRIPTIVE):
        assert all(prompts.select(kind)), kind
    assert [len(own) for own in prompts.select()] == [3] * len(prompts.class_names)


@pytest.mark.parametrize("scene", SCENES)
def test_no_two_classes_share_a_sentence(scene: str) -> None:
    prompts = load_prompts(scene)
    for kind in prompts.kinds[1:]:
        every = [s for own in prompts.sentences[kind] for s in own]
        assert len(set(every)) == len(every), kind


@pytest.mark.parametrize("scene", WITH_PARAPHRASES)
def test_five_paraphrase_sets(scene: str) -> None:
    prompts = load_prompts(scene)
    for k in range(1, 6):
        assert [len(own) for own in prompts.select(f"paraphrase_{k}")] == [1] * len(prompts.class_names)


def test_muufl_synonyms_are_held_out() -> None:
    prompts = load_prompts("muufl")
    trained = " | ".join(s for k in prompts.kinds[1:] if k != "synonyms" for own in prompts.sentences[k] for s in own)
    for own in prompts.select("synonyms"):
        assert len(own) >= 2
        assert not [s for s in own if s in trained]


def test_five_classes_of_muufl_go_by_the_names_that_clip_files_have() -> None:
    from hsikit.scenes.muufl import FIVE

    prompts = load_prompts("muufl_five")
    assert prompts.class_names == FIVE
    assert prompts.select("template") == [
        [f"a photo of a {n}"] for n in ("tree", "grass", "road", "building", "sidewalk")
    ]


def test_every_file_is_a_tested_scene() -> None:
    cubes = {f"indian_pines_{cube}" for cube in ("repaired", "original", "bands_left_out", "median")}
    assert set(available_prompts()) == {*SCENES, "muufl_subset", "muufl_five", *cubes}
    assert load_prompts("muufl_subset") == load_prompts("muufl")


def test_selecting() -> None:
    prompts = prompts_from(GOOD)
    assert prompts.select() == [["a pond", "flat", "smooth"], ["the shore"]]
    assert prompts.select("name") == [["water"], ["reed"]]
    assert prompts.select("template")[1] == ["a photo of reed", "reed from above"]
    with pytest.raises(TextError, match=r"no prompt of kind 'paraphrase_1' for \['water'\]"):
        prompts.select("paraphrase_1")
    with pytest.raises(TextError, match="did you mean 'descriptive'"):
        prompts.select("descriptiv")


def test_only_and_edited_leave_the_original_alone() -> None:
    prompts = prompts_from(GOOD)
    before = prompts.hash
    assert prompts.only(["reed-1"]).select() == [["the shore"]]
    assert prompts.only(["reed-1", "water"]).class_names == ("reed-1", "water")
    new = prompts.edited("water", ["a  lake ", "blue"])
    assert new.select() == [["a lake", "blue"], ["the shore"]]
    assert prompts.hash == before != new.hash
    with pytest.raises(TextError, match="did you mean 'water'"):
        prompts.edited("watr", ["x"])
    with pytest.raises(TextError, match="at least one sentence"):
        prompts.edited("water", [])
    with pytest.raises(TextError, match="is empty"):
        prompts.edited("water", [" "])


def test_hash_follows_content_not_layout(tmp_path: Path) -> None:
    def written(text: str) -> ClassPrompts:
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        return load_prompts(path)

    first = written(yaml.safe_dump(GOOD, sort_keys=True))
    assert written("# a remark\n" + yaml.safe_dump(GOOD, sort_keys=False)).hash == first.hash == prompts_from(GOOD).hash
    assert len(first.hash) == 16
    others = [changed(place="a lake"), changed(synonyms=["mere"]), {**GOOD, "scene": "x"}]
    assert len({first.hash, *(written(yaml.safe_dump(o)).hash for o in others)}) == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (changed(place=""), r"'water', place: a prompt is empty"),
        (changed(place=["a", "  "]), r"a prompt is empty"),
        (changed(place=None, height_and_texture=[]), r"'water': has no prompt"),
        (changed(colour="blue"), r"unknown key 'colour'; did you mean 'colour_and_spectrum'"),
        ({**GOOD, "class": []}, r"unknown key 'class'; did you mean 'classes'"),
        (changed(name="reed-1"), r"classes appear twice: \['reed-1'\]"),
        (changed(name=""), r"class 1: has no name"),
        (changed(place=3), r"expected a sentence"),
        ({**GOOD, "templates": ["a photo"]}, r"lacks \{name\}"),
        ({"scene": "x", "classes": []}, r"at least one class"),
        (["trees"], r"found list"),
        (None, r"found NoneType"),
    ],
)
def test_bad_content_is_named(data: object, message: str) -> None:
    with pytest.raises(TextError, match=message) as caught:
        prompts_from(data, "my.yaml")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("my.yaml")


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"no prompts called 'muulf'; did you mean 'muufl'"):
        load_prompts("muulf")
    with pytest.raises(TextError, match=r"cannot read the prompts .*gone.yaml: No such file"):
        load_prompts(tmp_path / "gone.yaml")
    (tmp_path / "broken.yaml").write_text("classes: [", encoding="utf-8")
    with pytest.raises(TextError, match=r"broken.yaml is not valid YAML") as caught:
        load_prompts(tmp_path / "broken.yaml")
    assert "\n" not in str(caught.value)
