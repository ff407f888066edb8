"""Opening a stranger's files runs no code: model folders, configs, and modules that lie beside the data."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import hsikit
from hsikit import cli, losses
from hsikit._util.errors import HsikitError
from hsikit.experiments.methods import LOSSES, METHODS
from hsikit.fitted import ModelError
from hsikit.models import NETWORKS, build, describe

TOUCH = {"args": ["touch", "PWNED"]}
HOSTILE = [
    {"class": "subprocess.Popen", "arguments": TOUCH},
    {"class": "os.system", "arguments": {"command": "touch PWNED"}},
    {"class": "hsikit.models.networks.nn.Linear", "arguments": {"in_features": 1, "out_features": 1}},
    {"class": "hsikit.models.mmlgnet.torch.hub.load", "arguments": {"repo_or_dir": "."}},
    {"class": "hsikit.fitted.Path.touch", "arguments": {"self": "PWNED"}},
    {"class": "hsikit._util.remove", "arguments": {"path": "site.yaml"}},
    {"class": "hsikit.experiments.run.subprocess.Popen", "arguments": TOUCH},
    {"class": "torch.nn.Linear", "arguments": {"in_features": 1, "out_features": 1}},
    {"class": "beside.Net", "arguments": {}},
    {"class": "builtins.eval", "arguments": {"source": "open('PWNED', 'w')"}},
    {"class": ["subprocess.Popen"], "arguments": TOUCH},
    {"class": "hsikit.models.networks.CNN2D", "arguments": {"bands": {"a": 1}, "classes": 3, "window": 7}},
    {"class": "hsikit.models.networks.CNN2D", "arguments": {"bands": 10**9, "classes": 10**6, "window": 7}},
    {"class": "hsikit.models.networks.CNN2D", "arguments": [8, 3, 7]},
    {"class": "hsikit.models.networks.CNN2D"},
    "subprocess.Popen",
    None,
]  # fmt: skip
BESIDE = "open('PWNED', 'w').close()\nimport torch\nclass Net(torch.nn.Module):\n    pass\n"


def hostile(folder: Path, description: object, sums: bool = False) -> None:
    """A model folder as an older version would have left it, or with sums that fit."""
    from hsikit.fitted import _own_sum

    facts = json.loads((folder / "model.json").read_text()) | {"model": description}
    facts.pop("own_sha256")
    facts = facts | {"own_sha256": _own_sum(facts)} if sums else {k: v for k, v in facts.items() if k != "sha256"}
    (folder / "model.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("sums", [False, True])
@pytest.mark.parametrize("description", HOSTILE, ids=lambda d: str(d)[:60])
def test_a_model_folder_names_a_network_or_nothing_is_called(site, monkeypatch, description, sums):
    (site / "beside.py").write_text(BESIDE)
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    hostile(site / "model", description, sums)
    with pytest.raises(ModelError, match=r"model\.json"):
        hsikit.Fitted.load("model")
    assert cli.main(["predict", "model", "site.yaml", "--out", "x.tif"]) == 2
    assert not (site / "PWNED").exists()
    assert not (site / "x.tif").exists()
    assert (site / "site.yaml").exists()
    assert "beside" not in sys.modules


def test_a_network_of_ones_own_is_opened_where_the_caller_says_so(site, monkeypatch):
    (site / "trusted_nets.py").write_text(
        "import torch\nfrom hsikit.models import Output\n\nclass Pixelwise(torch.nn.Module):\n"
        "    dense, window, lidar_channels = True, 1, 0\n"
        "    def __init__(self, bands, lidar_channels, classes, seed):\n        super().__init__()\n"
        "        self.bands, self.head = bands, torch.nn.Conv2d(bands, classes, 1)\n"
        "    def forward(self, hsi, lidar=None):\n        return Output(self.head(hsi), hsi)\n\n"
        "def function(**_):\n    open('PWNED', 'w').close()\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    config = {"method": "trusted_nets.Pixelwise", "scene": "site.yaml", "split": {"kind": "random", "train": 0.3},
              "train": {"epochs": 1}}  # fmt: skip
    run = hsikit.experiments.load_run(hsikit.expand(config)[0], progress=False)
    folder = f"runs/{run.row['hash']}/model"
    with pytest.raises(ModelError, match=r"trust=\['trusted_nets'\], or --trust trusted_nets"):
        hsikit.Fitted.load(folder)
    for word in ("trusted_nets", "trusted_nets.Pixelwise"):
        assert type(hsikit.Fitted.load(folder, trust=[word]).network).__name__ == "Pixelwise"
    assert cli.main(["predict", folder, "site.yaml", "--out", "x.tif"]) == 2
    assert cli.main(["predict", folder, "site.yaml", "--out", "x.tif", "--trust", "trusted_nets"]) == 0
    hostile(Path(folder), {"class": "trusted_nets.function", "arguments": {}})
    with pytest.raises(ModelError, match="no class derived"):
        hsikit.Fitted.load(folder, trust=["trusted_nets"])
    assert not (site / "PWNED").exists()


def test_the_tables_of_names_hold_what_hsikit_has():
    assert {row.network for row in METHODS.values() if row.network} <= set(NETWORKS)
    assert all(issubclass(cls, nn.Module) for cls in NETWORKS.values())
    own = {f"hsikit.losses.{n}" for n, c in vars(losses).items()
           if isinstance(c, type) and issubclass(c, nn.Module) and c.__module__ == "hsikit.losses"}  # fmt: skip
    assert own == set(LOSSES)
    network = hsikit.CNN2D(bands=8, classes=3, window=7)
    assert [p.shape for p in build(describe(network)).parameters()] == [p.shape for p in network.parameters()]


@pytest.mark.parametrize(
    "line",
    ["loss: {kind: subprocess.Popen, args: [touch, PWNED]}", "method: os.system", "method: beside.Net",
     "loss: {kind: beside.Net}", "arms: [{loss: {kind: beside.Net}}]", "sweep: {method: [beside.Net]}",
     "sweep: {loss.kind: [beside.Net]}"],
)  # fmt: skip
def test_a_config_runs_no_code_that_nobody_trusted(site, monkeypatch, capsys, line):
    (site / "beside.py").write_text(BESIDE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    head = "".join(f"{part}\n" for part in (site / "c.yaml").read_text().splitlines() if part[:6] != line[:6])
    (site / "c.yaml").write_text(f"{head}{line}\n")
    assert cli.main(["run", "c.yaml"]) == 2
    said = capsys.readouterr().err
    assert "no network or loss" in said or "--trust beside" in said
    assert not (site / "PWNED").exists()
    assert not (site / "runs").exists()
    assert "beside" not in sys.modules


def test_what_a_script_names_itself_must_still_be_a_module(site):
    split = {"kind": "random", "train": 0.3}
    config = {"method": "cnn2d", "scene": "site.yaml", "split": split, "train": {"epochs": 1},
              "model": {"bands": 8, "window": 7}, "loss": {"kind": "numpy.save", "file": "PWNED"}}  # fmt: skip
    with pytest.raises(HsikitError, match=r"numpy\.save|loss"):
        hsikit.run_experiment(hsikit.expand(config)[0])
    assert not list(site.glob("PWNED*"))


@pytest.mark.parametrize(
    "start", [["-c", "import sys; from hsikit.cli import main; sys.exit(main())"], ["-m", "hsikit"]]
)
def test_a_file_beside_the_data_is_not_imported_in_the_place_of_a_library(site, start):
    for name in ("spectral", "yaml", "scipy", "h5py", "torch"):
        (site / f"{name}.py").write_text("import os; os.system('touch PWNED')\n")
    (site / "cube.img").write_bytes((site / "cube.npy").read_bytes()[128:])
    (site / "cube.hdr").write_text("ENVI\nsamples = 20\nlines = 24\nbands = 16\ndata type = 4\ninterleave = bip\n"
                                   "byte order = 0\nheader offset = 0\n")  # fmt: skip
    (site / "site.yaml").write_text("hsi: cube.hdr\nlabels: labels.npy\n")
    if start[0] == "-c":  # as the installed command: the current folder is not on the path
        start = ["-P", *start]
    done = subprocess.run([sys.executable, *start, "predict", "model", "site.yaml", "--out", "x.tif"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (site / "PWNED").exists()


def test_the_current_folder_is_last_and_only_where_runs_are_made(site, monkeypatch):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(site))])
    cli.main(["predict", "nowhere", "site.yaml", "--out", "x.tif"])
    assert str(site) not in sys.path
    cli.main(["run", "nowhere.yaml"])
    assert sys.path[-1] == str(site)


def test_a_changed_byte_is_named_and_an_older_folder_still_opens(site):
    scene = hsikit.load_scene("site.yaml")
    before = hsikit.predict_map(hsikit.Fitted.load("model"), scene).labels
    for file in sorted((site / "model").iterdir()):
        data = file.read_bytes()
        for changed in (b"", data[: len(data) // 2], data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]):
            file.write_bytes(changed)
            with pytest.raises(ModelError, match=file.name):
                hsikit.Fitted.load("model")
        file.write_bytes(data)
    hostile(site / "model", json.loads((site / "model/model.json").read_text())["model"])
    assert (hsikit.predict_map(hsikit.Fitted.load("model"), scene).labels == before).all()
    with pytest.raises(FileNotFoundError, match="train it first"):
        hsikit.Fitted.load("nowhere")
    assert torch.is_grad_enabled()
