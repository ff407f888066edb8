"""Runs that words answer: rows, hashes that follow the sentences, and inputs in configs."""

import pytest

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
