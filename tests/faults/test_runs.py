"""Runs cut short: checkpoints damaged or needed once more, litter, folders and rows that are none."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import tiny_scene, tiny_split

import hsikit
from hsikit.experiments import ConfigError, LedgerError, Store, expand, run_experiment
from hsikit.experiments import run as runs


def folders(site: Path) -> tuple[Store, Path, Path]:
    store, run = Store(site / "runs", site / "ledger.jsonl"), expand("c.yaml")[0].hash
    return store, store.part(run), store.folder(run)


def test_the_checkpoint_stays_until_the_finished_run_has_moved(site, monkeypatch):
    store, part, folder = folders(site)
    seen = []
    for name in ("predict_map", "score"):
        real = getattr(runs, name)
        spied = lambda *a, real=real, **k: (seen.append((part / "checkpoint.pt").exists()), real(*a, **k))[1]  # noqa: E731
        monkeypatch.setattr(runs, name, spied)
    run_experiment(expand("c.yaml")[0], store, progress=False)
    assert seen == [True, True]
    kept = ["config.json", "history.csv", "model", "prediction.npz", "result.json"]
    assert sorted(p.name for p in folder.iterdir()) == kept


def test_cut_while_it_maps_a_run_trains_one_epoch_again(site, monkeypatch):
    store, part, folder = folders(site)

    class Cut(BaseException):
        pass

    with monkeypatch.context() as patch:
        patch.setattr(runs, "predict_map", lambda *_: (_ for _ in ()).throw(Cut()))
        with pytest.raises(Cut):
            run_experiment(expand("c.yaml")[0], store, progress=False)
    assert (part / "checkpoint.pt").exists()
    epochs = []
    import hsikit.train as module

    real = module._one_epoch
    monkeypatch.setattr(module, "_one_epoch", lambda *a, **k: (epochs.append(1), real(*a, **k))[1])
    row = run_experiment(expand("c.yaml")[0], store, progress=False)
    assert len(epochs) == 1
    monkeypatch.undo()
    monkeypatch.chdir(site)
    whole = run_experiment(expand("c.yaml")[0], Store(site / "w", site / "w.jsonl"), progress=False)
    assert {k: row[k] for k in ("oa", "kappa", "per_class")} == {k: whole[k] for k in ("oa", "kappa", "per_class")}
    weights = "model/model.safetensors"
    assert (folder / weights).read_bytes() == (site / "w" / row["hash"] / weights).read_bytes()


@pytest.mark.parametrize("damage", ["empty", "text", "half", "another"])
def test_a_damaged_checkpoint_is_set_aside_and_the_run_starts_over(site, caplog, damage):
    store, part, folder = folders(site)
    part.mkdir(parents=True)
    file = part / "checkpoint.pt"
    torch.save({"network": {"a": torch.zeros(5000)}}, file)
    data = {"empty": b"", "text": b"hello", "half": file.read_bytes()[:9000]}.get(damage, file.read_bytes())
    file.write_bytes(data)
    with caplog.at_level(logging.WARNING, "hsikit"):
        row = run_experiment(expand("c.yaml")[0], store, progress=False)
    assert f"{file} is damaged" in caplog.text
    assert "training starts over" in caplog.text
    whole = run_experiment(expand("c.yaml")[0], Store(site / "w", site / "w.jsonl"), progress=False)
    assert (row["oa"], row["kappa"]) == (whole["oa"], whole["kappa"])
    assert [p.name for p in folder.glob("checkpoint*")] == []


def test_a_checkpoint_that_half_fits_leaves_no_trace(tmp_path):
    """Its network can be read, the rest not: training starts from the first weights, not from those."""
    scene, weights = tiny_scene(), []
    for file in (None, tmp_path / "c.pt"):
        network = hsikit.CNN2D(bands=8, classes=3, window=7)
        if file is not None:
            torch.save({"network": {k: v + 1 for k, v in network.state_dict().items()}}, file)
        once = hsikit.TrainConfig(epochs=2, threads=1)
        hsikit.fit(network, scene, tiny_split(scene), once, checkpoint=file, progress=False)
        weights.append(list(network.state_dict().values()))
    assert all(torch.equal(a, b) for a, b in zip(*weights))
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt.damaged"]


def test_litter_of_a_kill_is_swept_before_the_next_try(site):
    store, part, folder = folders(site)
    (part / "model.77.part").mkdir(parents=True)
    (part / "model.77.part/x").write_text("half")
    (part / "checkpoint.pt.0123456789ab.part").write_bytes(b"")
    run_experiment(expand("c.yaml")[0], store, progress=False)
    assert [p.name for p in folder.rglob("*.part")] == []


def test_a_run_folder_that_is_none_is_refused_before_the_training(site, monkeypatch):
    store, _, folder = folders(site)
    (site / "far").mkdir()
    store.runs.mkdir()
    folder.symlink_to(site / "far")
    monkeypatch.setattr(runs, "fit", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(ConfigError, match="is no folder of its own"):
        run_experiment(expand("c.yaml")[0], store)


def test_a_damaged_row_or_map_of_a_finished_run_is_named(site):
    store, _, folder = folders(site)
    run_experiment(expand("c.yaml")[0], store, progress=False)
    one = expand("c.yaml")[0]
    store.ledger.unlink()  # so that the row is read from the folder
    for name, again in (("result.json", run_experiment), ("prediction.npz", hsikit.experiments.load_run)):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(LedgerError, match=rf"{name}.* run it again"):
            again(one, store)
        (folder / name).write_bytes(whole)


def test_files_of_a_model_may_be_read_by_those_who_read_the_rest(site):
    modes = {oct(p.stat().st_mode)[-3:] for p in (site / "model").iterdir()}
    assert len(modes) == 1


def test_pixels_without_a_number_are_told_before_any_library_sees_them():
    scene, once = tiny_scene(), hsikit.TrainConfig(epochs=1, threads=1)
    scene.hsi[2:5] = np.nan
    with pytest.raises(hsikit.HsikitError, match="hold NaN"):
        hsikit.fit(hsikit.CNN2D(bands=8, classes=3, window=7), scene, tiny_split(scene), once, progress=False)
