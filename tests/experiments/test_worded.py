"""Runs that words answer: rows, hashes that follow the sentences, and inputs in configs."""

import numpy as np
import pytest
from scenes.products import made

from hsikit.experiments import ConfigError, Store, expand, run_experiment

FEW = {"kind": "few_shot", "shots": 5}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs", tmp_path / "runs.jsonl")


def one(**keys):
    return expand({"scene": "simulated", "split": FEW, **keys})[0]


def test_a_text_head_leaves_classes_out_and_a_table_maps_without_labels(store, tmp_path):
    row = run_experiment(one(method="text_head", inputs={"hsi": ["derivative"], "lidar": ["values"]}), store)
    assert row["oa"] > 0.5
    assert len(row["pairs"]) == 15
    assert set(row["pairs"][0]["auroc"]) == {"ridge", "quantities", "both"}
    assert set(row["unseen"]) == {"apple trees", "buildings", "ground", "woods", "vineyard", "roads"}
    assert 0 < row["pairs_p"] <= 1
    assert row["encoder"] == "MiniLM"
    table = tmp_path / "table.yaml"
    signs = {"apple trees": 1, "buildings": 1, "ground": -1, "woods": 1, "vineyard": 0, "roads": -1}
    lines = [f"  {name}: {{height: {sign}, greenness: 0, brightness: 0, roughness: 0, yellowness: 0, contrast: 0}}"
             for name, sign in signs.items()]  # fmt: skip
    table.write_text("table:\n" + "\n".join(lines))
    answer = run_experiment(one(method="zero_shot", model={"table": str(table)}), store)
    assert answer["encoder"] == ""
    assert "agreement" not in answer
    told = run_experiment(one(method="zero_shot", model={"filled_by_words": True, "expert": str(table)}), store)
    assert 0 <= told["agreement"] <= 1
    kept = store.rows()[row["hash"]]
    assert kept["pairs"] == row["pairs"]


def test_the_hash_follows_what_the_files_say(tmp_path):
    own = tmp_path / "mine.yaml"
    entry = "quantities: [{name: height, measured: height, much: tall, little: flat}]\n"
    own.write_text(entry)
    first = one(method="zero_shot", model={"quantities": str(own)}).hash
    own.write_text("# a comment\n" + entry)
    assert one(method="zero_shot", model={"quantities": str(own)}).hash == first
    own.write_text(entry.replace("tall", "high"))
    assert one(method="zero_shot", model={"quantities": str(own)}).hash != first


def test_inputs_enter_the_hash_where_they_are_named_and_stay_out_where_not():
    plain, named = one(method="lda"), one(method="lda", inputs={"hsi": ["derivative"]})
    assert "inputs" not in plain.canonical()
    assert plain.hash != named.hash
    assert named.inputs == {"hsi": ["derivative"], "lidar": [], "joined": False, "transductive": False}
    with pytest.raises(ConfigError, match=r"inputs.lidr; did you mean inputs.lidar"):
        one(method="lda", inputs={"lidr": []})


@pytest.mark.parametrize("method", ["lda", "cnn2d", "mmlgnet_p", "trunk_scales"])
def test_every_kind_of_method_takes_inputs(method, store):
    inputs = {"hsi": ["derivative"], "lidar": ["values"], "joined": method == "cnn2d"}
    model = {"cnn2d": {"bands": None, "window": 7}, "trunk_scales": {"scales": [1, 3], "lidar_each": [1, 2]}}.get(
        method, {}
    )
    train = {} if method == "lda" else {"epochs": 2}
    row = run_experiment(one(method=method, inputs=inputs, model=model, train=train), store)
    assert 0 < row["oa"] <= 1
    assert row["config"]["inputs"]["hsi"] == ["derivative"]


def test_mmlgnets_recipe_runs_on_a_neon_tile_with_its_heights(store, tmp_path):
    """Fabricated spectra of tall trees and of a dark road, in the layout that NEON publishes."""
    rows, cols = np.mgrid[:30, :28]
    labels = np.where((rows // 6 + cols // 7) % 2, 1, 2)
    draw = np.random.default_rng(0)
    spectra = np.stack([np.where(made.NEON_NM > 720, 0.45, 0.05), np.full(426, 0.12)])
    made.neon(tmp_path, reflectance=spectra[labels - 1] * draw.uniform(0.8, 1.2, (30, 28, 1)))
    made.neon_heights(tmp_path, over_m=np.where(labels == 1, 12, 0.1).astype(np.float32))
    np.save(tmp_path / "labels.npy", labels)
    words = "classes:\n  - {name: trees, place: tall green trees}\n  - {name: road, place: a flat grey road}\n"
    (tmp_path / "words.yaml").write_text(f"scene: tile\n{words}")
    site = tmp_path / "tile.yaml"
    site.write_text("name: tile\nhsi: NEON_D17_SJER_DP3_257000_4112000_reflectance.h5\nlabels: labels.npy\n"
                    "classes: [trees, road]\nprompts: words.yaml\n")  # fmt: skip
    recipe = next(e for e in expand("mmlgnet_muufl_subset") if e.label == "mmlgnet")
    config = {"method": recipe.method, "inputs": recipe.inputs, "train": {**recipe.train, "epochs": 4},
              "scene": str(site), "split": {"kind": "block", "train": 0.4, "patch": 3, "block": 6}}  # fmt: skip
    row = run_experiment(expand(config)[0], store)
    assert row["tested_classes"] == 2
    assert row["oa"] > 0.9
