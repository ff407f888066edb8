"""MMLGNet on a scene of one's own, its words in a file beside it."""

import numpy as np
import pytest
from tiny import write_site

from hsikit.experiments import expand, run_experiment
from hsikit.experiments.ledger import Store
from hsikit.text.prompts import TextError, load_prompts

WORDS = """
scene: site
classes:
  - {name: c, place: the pond, synonyms: [lake]}
  - {name: a, place: the meadow}
  - {name: b, place: the roof}
"""
CONFIG = {
    "method": "mmlgnet", "split": {"kind": "random", "train": 0.3}, "seeds": [0],
    "model": {"window": 7, "width": 8}, "train": {"threads": 1, "epochs": 2},
}  # fmt: skip


@pytest.fixture
def site(tmp_path):
    write_site(tmp_path)
    np.save(tmp_path / "heights.npy", np.zeros((24, 20), np.float32))
    (tmp_path / "words.yaml").write_text(WORDS)
    path = tmp_path / "site.yaml"
    path.write_text(path.read_text() + "lidar: heights.npy\n")
    return path


def test_the_site_names_its_prompts(site, tmp_path):
    with pytest.raises(TextError, match=r"site\.yaml names no prompts; add `prompts: my_prompts.yaml`"):
        expand(CONFIG | {"scene": str(site)})
    site.write_text(site.read_text() + "prompts: words.yaml\n")
    (experiment,) = expand(CONFIG | {"scene": str(site)})
    assert experiment.text["hash"] == load_prompts(tmp_path / "words.yaml").hash
    row = run_experiment(experiment, Store(tmp_path / "runs", tmp_path / "ledger.jsonl"), progress=False)
    assert set(row["per_class"]) == {"a", "b", "c"}  # in the scene's order, whatever the file's
    assert row["synonyms"]["names"] == 1


def test_a_config_names_prompts_whose_content_alone_enters_the_hash(site, tmp_path):
    (tmp_path / "copy.yaml").write_text(WORDS)
    of = lambda name: expand(CONFIG | {"scene": str(site), "prompts": str(tmp_path / name)})[0]  # noqa: E731
    found = [of("words.yaml"), of("copy.yaml")]
    assert found[0].hash == found[1].hash
    (tmp_path / "copy.yaml").write_text(WORDS.replace("the pond", "a lake"))
    assert of("copy.yaml").hash != found[0].hash
