"""The registry of methods: what is read from sources equals what Python says, and young options stay out of hashes."""

import inspect
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
import torch

from hsikit._util import class_at
from hsikit.experiments import Experiment, config, expand
from hsikit.experiments.methods import METHODS, Method, arguments_of, make, options_of
from hsikit.train import TrainConfig, own_loss

LEDGER = Path(__file__).parents[2] / "figures" / "tables" / "runs.jsonl"
LEARNED = [name for name, row in METHODS.items() if row.network]
CLASSES = sorted({row.network for row in METHODS.values() if row.network} | {row.loss for row in METHODS.values()})
PLAIN = {"scene": "indian_pines", "split": {"kind": "random", "train": 0.1}}


@pytest.mark.parametrize("path", CLASSES)
def test_arguments_read_from_a_source_are_those_of_the_class(path):
    told = inspect.signature(class_at(path).__init__).parameters
    assert arguments_of(path) == {n: None if p.default is p.empty else p.default for n, p in told.items()}


def test_the_training_options_read_from_the_source_are_those_of_the_class():
    assert arguments_of("hsikit.train.TrainConfig") == asdict(TrainConfig())


@pytest.mark.parametrize("name", LEARNED)
def test_every_row_makes_a_network_that_says_the_loss_of_its_row(name):
    row = METHODS[name]
    text = {"text_dim": 12} if row.words else {}
    network = make(name, 40, 1, 3, 0, {k: v for k, v in options_of(name).items() if k != "lidar_channels"} | text)
    assert f"{type(network).__module__}.{type(network).__qualname__}" == row.network
    loss = own_loss(network)
    published = f"{type(loss).__module__}.{type(loss).__qualname__}"
    assert row.loss in (published, "hsikit.losses.CrossEntropy")  # the trunk alone is trained with cross-entropy
    assert (network.lidar_channels > 0) == (row.sensors == 2)


@pytest.mark.parametrize(
    ("name", "message"), [("nonsense", "neither one of"), ("torch.nn.Nothing", "cannot import 'torch.nn.Nothing'")]
)
def test_a_method_that_is_not_there_is_one_clear_line(name, message):
    with pytest.raises(ValueError, match=message):
        make(name, 15, 0, 3, 0, {})


def test_a_users_own_network_gets_its_seed_and_keeps_its_arguments(monkeypatch, tmp_path):
    (tmp_path / "mine_of_methods.py").write_text(
        "import torch\nclass Own(torch.nn.Linear):\n    def __init__(self, bands, lidar_channels, classes, seed):\n"
        "        super().__init__(bands, classes)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    torch.manual_seed(5)
    first = make("mine_of_methods.Own", 4, 0, 3, 7, {})
    second = make("mine_of_methods.Own", 4, 0, 3, 7, {})
    assert torch.equal(first.weight, second.weight)
    assert first.built_with == {"bands": 4, "lidar_channels": 0, "classes": 3, "seed": 7}


def test_options_added_tomorrow_leave_every_row_of_the_ledger_its_name(monkeypatch):
    """A new key of the config, of training, text, loss and networks, each at its default, is not in the hash."""

    @dataclass(frozen=True)
    class Tomorrow(Experiment):
        inputs: Mapping[str, str] = field(default_factory=dict)

    later = {section: {**options, "tomorrow": 1.5} for section, options in config.ADDED_LATER.items()}
    later[""] = {"inputs": {}}
    monkeypatch.setattr(config, "ADDED_LATER", later)
    for name, row in METHODS.items():
        young = Method(row.network, row.loss, younger={**row.younger, "tomorrow": None})
        monkeypatch.setitem(METHODS, name, young)
    for line in LEDGER.read_text().splitlines():
        row = json.loads(line)
        sections = {key: row["config"][key] | {"tomorrow": 1.5} for key in ("train", "text", "loss")}
        whole = row["config"] | sections | {"model": row["config"]["model"] | {"tomorrow": None}}
        if row["method"] not in METHODS:
            del whole["model"]["tomorrow"]
        assert Tomorrow(**whole).hash == row["hash"]
    changed = Tomorrow(**whole | {"inputs": {"hsi": "derivative"}})
    assert changed.hash != row["hash"]


def test_what_expands_a_config_and_reads_the_ledger_does_not_load_torch_or_pandas():
    code = (
        "import sys\nfrom hsikit.experiments import Store, expand, progress\n"
        "progress(Store(), 'smoke', 'mmlgnet_muufl_subset', 'sdhsi_fields')\n"
        "sys.exit(sum(name in sys.modules for name in ('torch', 'pandas', 'scipy.ndimage')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=LEDGER.parents[2], check=False)
    assert done.returncode == 0


def test_defaults_of_a_method_are_written_into_its_experiments():
    assert expand({**PLAIN, "method": "ssrn"})[0].model["bands"] is None
    assert expand({**PLAIN, "method": "ssftt"})[0].model["bands"] == 30
    assert "exits" not in expand({**PLAIN, "method": "sdhsi"})[0].model
