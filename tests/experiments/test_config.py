import json
from dataclasses import replace

import pytest

from hsikit.experiments import ConfigError, expand
from hsikit.experiments.config import VERSION
from hsikit.text.prompts import load_prompts

PLAIN = {"method": "cnn2d", "scene": "indian_pines", "split": {"kind": "random", "train": 0.1}}


def test_arms_are_laid_over_the_rest_and_crossed_with_the_sweep_and_seeds():
    arms = [{"name": "a", "train": {"epochs": 3}}, {"method": "svm", "name": "b"}]
    found = expand({**PLAIN, "arms": arms, "sweep": {"split.train": [0.1, 0.3]}, "seeds": [4, 5]})
    assert [(e.label, e.split["train"], e.seed) for e in found] == [
        (name, share, seed) for name in "ab" for share in (0.1, 0.3) for seed in (4, 5)
    ]
    assert len({e.hash for e in found}) == 8


def test_a_swept_split_replaces_the_whole_split():
    kinds = [{"kind": "fields", "patch": 15}, {"kind": "random", "train": 0.2}]
    found = expand({**PLAIN, "sweep": {"split": kinds}})
    assert [e.split for e in found] == kinds
    assert [e.split_name for e in found] == ["fields_w15", "random_20"]


def test_a_partition_can_follow_the_seed():
    split = {"kind": "fields", "patch": 11}
    found = expand({**PLAIN, "split": {**split, "partition": "seed"}, "seeds": [0, 1, 7]})
    assert [e.split for e in found] == [split, {**split, "partition": 1}, {**split, "partition": 7}]
    assert [e.split_name for e in found] == ["fields", "fields_p1", "fields_p7"]
    assert found[0].hash == expand({**PLAIN, "split": split})[0].hash  # what the default partition always was
    fixed = expand({**PLAIN, "split": {**split, "partition": 7}, "seeds": [0, 7]})
    assert [e.hash == found[2].hash for e in fixed] == [False, True]


@pytest.mark.parametrize(
    ("name", "runs"),
    [("indian_pines_cubes_fields", 7), ("indian_pines_cubes_random", 7 * 5), ("indian_pines_cubes_ssrn", 1 + 3)],
)
def test_cubes_of_indian_pines_are_compared_in_the_settings_of_the_published_one(name, runs):
    found = expand(name)
    scenes = list(dict.fromkeys(e.scene for e in found))
    assert scenes[:2] == ["indian_pines", "indian_pines_repaired"]
    by_scene = [[replace(e, scene="") for e in found if e.scene == scene] for scene in scenes]
    assert all(own == by_scene[0] for own in by_scene)
    sources = ("baselines_indian_pines", "sdhsi_fields", "sdhsi_indian_pines", "sdhsi_ce_indian_pines")
    settled = {(e.label, e.hash) for source in sources for e in expand(source)}
    first = {(e.label, e.hash) for e in found if e.scene == "indian_pines" and "partition" not in e.split}
    assert len(first) == runs
    assert first <= settled


def test_defaults_are_written_into_the_hash_and_the_name_is_not():
    one, named = expand(PLAIN)[0], expand({**PLAIN, "name": "mine"})[0]
    assert one.hash == named.hash
    facts = json.loads(one.canonical())
    assert facts["train"]["epochs"] == 60
    assert facts["train"]["threads"] == 1
    assert facts["model"] == {"bands": 30, "window": 11}
    assert facts["loss"]["kind"] == "hsikit.losses.CrossEntropy"
    spelled = expand({**PLAIN, "train": {"epochs": 60}})[0]
    assert spelled.hash == one.hash
    assert expand({**PLAIN, "train": {"epochs": 61}})[0].hash != one.hash
    assert expand({**PLAIN, "seeds": [1]})[0].hash != one.hash


def test_the_prompts_hash_is_in_the_config():
    found = expand({**PLAIN, "method": "mmlgnet", "scene": "simulated"})[0]
    assert found.text["hash"] == load_prompts("simulated").hash
    assert found.text["control"] == "none"


def test_seeds_on_the_command_line_replace_the_configs():
    assert [e.seed for e in expand({**PLAIN, "seeds": [7]}, seeds=3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metod": 1}, "unknown key 'metod'.*'method'"),
        ({"train": {"epoch": 3}}, r"unknown key train\.epoch; did you mean train\.epochs"),
        ({"model": {"windw": 3}}, r"did you mean model\.window"),
        ({"loss": {"balance": True}}, r"did you mean loss\.balanced"),
        ({"method": "cnn2"}, "did you mean 'cnn2d'"),
        ({"method": "no.such.Net", "loss": {"kind": "no.such.Loss"}}, "cannot import 'no.such.Loss'"),
        ({"version": VERSION + 1}, f"version {VERSION + 1}, this hsikit knows {VERSION}"),
        ({"arms": [{"method": "svm", "seed": 3}]}, "unknown key 'seed'"),
        ({"arms": [{}, {"name": "again"}]}, "asks twice for the same run"),
        ({"split": {"kind": "randm"}, "name": ""}, "did you mean 'random'"),
    ],
)
def test_a_config_that_cannot_be_run_says_why(change, message):
    with pytest.raises(ValueError, match=message):
        [e.split_name for e in expand({**PLAIN, **change})]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smok", "did you mean 'smoke'"),
        ("nowhere.yaml", "no config file"),
        ("bad.yaml", "is not YAML"),
        ("list.yaml", "holds list"),
        ("empty.yaml", "names no 'scene'"),
    ],
)
def test_files_that_are_no_configs_say_why(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("a: [1")
    (tmp_path / "list.yaml").write_text("[1, 2]")
    (tmp_path / "empty.yaml").write_text("method: svm")
    with pytest.raises(ConfigError, match=message):
        expand(name)


def test_every_shipped_config_expands():
    from importlib import resources

    names = [f.name for f in resources.files("hsikit.configs").iterdir() if f.name.endswith(".yaml")]
    assert len(names) >= 8
    for name in names:
        assert expand(name.removesuffix(".yaml")), name


def test_trials_are_carried_beside_the_hash():
    config = {"method": "lda", "scene": "indian_pines", "split": {"kind": "random", "train": 0.1}}
    plain, tuned = expand(config)[0], expand(config | {"trials": 5})[0]
    assert (plain.trials, tuned.trials) == (1, 5)
    assert plain.hash == tuned.hash
