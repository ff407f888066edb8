"""hsikit.cli: what the verbs hand on, what they print, and the exit codes."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import hsikit
from hsikit import cli, workbook
from hsikit.experiments import expand
from hsikit.workbook import Failure, WorkbookResult

ROW = {
    "method": "svm",
    "n": np.int64(3),
    "oa_mean": np.float64(0.5),
    "oa_std": float("nan"),
    "p": None,
    "k": pd.NA,
}


def test_help_loads_nothing_heavy():
    heavy = "{'torch', 'numpy', 'pandas', 'matplotlib', 'sklearn'}"
    build = "import sys, hsikit.cli; hsikit.cli.build_parser().format_help()"
    code = f"{build}; sys.exit(str({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"


def test_module_runs_like_the_command():
    done = subprocess.run([sys.executable, "-m", "hsikit", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for verb in ("scenes", "fetch", "workbook", "run", "sweep", "table", "predict"):
        assert f"    {verb} " in done.stdout


@pytest.mark.parametrize("line", ["nosuch", "run", "sweep c --jobs 0", "run c --seeds two", "predict r s"])
def test_a_line_that_cannot_be_read_exits_with_2(line, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(line.split())
    assert exit_.value.code == 2
    assert "usage: hsikit" in capsys.readouterr().err


def test_scenes_lists_every_scene(capsys):
    assert cli.main(["scenes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"indian_pines", "simulated", "muufl_subset"} <= {row["name"] for row in rows}
    assert cli.main(["scenes"]) == 0
    assert "indian_pines" in capsys.readouterr().out


def test_a_wrong_name_is_one_line_and_exit_code_2(capsys):
    assert cli.main(["fetch", "indian_pine"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hsikit: ")
    assert err.count("\n") == 1
    assert "indian_pines" in err


def raising(error: BaseException):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ValueError("give\n  another"), 2, "hsikit: give another\n"),
        (FileNotFoundError("no x.mat"), 2, "hsikit: no x.mat\n"),
        (
            ZeroDivisionError("by zero"),
            1,
            "hsikit: ZeroDivisionError: by zero (HSIKIT_DEBUG=1 shows where)\n",
        ),
        (KeyboardInterrupt(), 130, "hsikit: interrupted; the same command goes on from here\n"),
    ],
)
def test_exit_codes(monkeypatch, capsys, error, code, says):
    monkeypatch.delenv("HSIKIT_DEBUG", raising=False)
    monkeypatch.setattr(workbook, "run_workbook", raising(error))
    assert cli.main(["workbook"]) == code
    assert capsys.readouterr().err == says


def test_debug_shows_the_traceback(monkeypatch):
    monkeypatch.setenv("HSIKIT_DEBUG", "1")
    monkeypatch.setattr(workbook, "run_workbook", raising(ValueError("x")))
    with pytest.raises(ValueError, match="x"):
        cli.main(["workbook"])


def test_workbook_hands_on_its_options_and_names_a_failure(monkeypatch, capsys, tmp_path):
    seen = []

    def run(profile, only, force):
        seen.append((profile, only, force))
        return WorkbookResult(profile, tmp_path, failure=Failure("30_x", 4, "KeyError: 1") if force else None)

    monkeypatch.setattr(workbook, "run_workbook", run)
    assert cli.main(["workbook"]) == 0
    assert "profile quick: 0 executed" in capsys.readouterr().out
    assert cli.main(["workbook", "--profile", "paper", "--only", "30", "--force"]) == 1
    assert "30_x, cell 4 failed: KeyError: 1" in capsys.readouterr().err
    assert seen == [("quick", None, False), ("paper", "30", True)]


@pytest.fixture
def fake_sweep(monkeypatch):
    """Stands for the training: records its arguments and fails with the reasons put into `.reasons`."""
    from hsikit import experiments, tables

    fake = SimpleNamespace(calls=[], reasons=[])

    def sweep(plan, jobs, client):
        assert client is None
        fake.calls.append((plan, jobs))
        run = SimpleNamespace(label="svm", seed=0)
        return SimpleNamespace(rows=[], failures=[SimpleNamespace(experiment=run, reason=r) for r in fake.reasons])

    monkeypatch.setattr(experiments, "expand", lambda config, seeds: (config, seeds))
    monkeypatch.setattr(experiments, "load_config", lambda config: {})
    monkeypatch.setattr(tables, "summarise", lambda rows, reference: [ROW])
    monkeypatch.setattr(tables, "by_method", lambda summaries, rows: summaries)
    monkeypatch.setattr(experiments, "sweep", sweep)
    return fake


def test_run_and_sweep_hand_on_and_print_strict_json(fake_sweep, capsys):
    assert cli.main(["run", "c.yaml", "--seeds", "3", "--json"]) == 0
    text = capsys.readouterr().out
    assert "NaN" not in text
    assert json.loads(text) == [{"method": "svm", "n": 3, "oa_mean": 0.5, "oa_std": None, "p": None, "k": None}]
    assert cli.main(["sweep", "c.yaml", "--jobs", "2"]) == 0
    assert "SVM" in capsys.readouterr().out  # in words; the JSON above says svm
    assert fake_sweep.calls == [(("c.yaml", 3), 1), (("c.yaml", None), 2)]


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        (["SceneError: no file"], 2),
        (["SceneError: no file", "RuntimeError: out of memory"], 1),
        (["ValueError: from deep inside"], 1),
    ],
)
def test_failed_runs_are_named_and_set_the_exit_code(fake_sweep, capsys, reasons, code):
    fake_sweep.reasons[:] = reasons
    assert cli.main(["run", "c.yaml"]) == code
    err = capsys.readouterr().err
    assert [line.removeprefix("hsikit: svm, seed 0: ") for line in err.splitlines()] == reasons


def test_an_unknown_config_is_wrong_input(capsys):
    assert cli.main(["run", "no_such_config"]) == 2
    assert "no_such_config" in capsys.readouterr().err


def test_predict_without_a_model_is_wrong_input(tmp_path, capsys):
    assert cli.main(["predict", "0123abcd", "simulated", "--out", str(tmp_path / "map.tif")]) == 2
    assert "holds no saved model" in capsys.readouterr().err


def test_the_bare_command_shows_its_help_and_version_its_version(capsys):
    assert cli.main([]) == 0
    assert "VERB" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"hsikit {hsikit.__version__}\n"


def test_configs_are_listed_with_what_they_run_on(capsys):
    assert cli.main(["configs", "--json"]) == 0
    lines = {line["config"]: line for line in json.loads(capsys.readouterr().out)}
    assert lines["smoke"]["runs"] == len(expand("smoke"))
    assert lines["mmlgnet_muufl_subset"]["scenes"] == "muufl_subset"
    assert not any("/" in name for name in lines)
    assert all(line["about"] for line in lines.values())
    assert cli.main(["configs"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert f"smoke: {lines['smoke']['runs']} runs on indian_pines" in told
    assert max(map(len, told)) <= 100


def test_a_first_yaml_opens_and_check_tells_what_it_finds(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cube = np.random.default_rng(0).uniform(0.1, 0.9, (8, 7, 5)).astype(np.float32)
    np.save("cube.npy", cube)
    assert cli.main(["init", "cube.npy"]) == 0
    assert "hsikit check cube.yaml" in capsys.readouterr().out
    written = (tmp_path / "cube.yaml").read_text()
    assert "# 8 rows x 7 columns, 5 bands, no wavelengths, no place on the ground" in written
    assert "# wavelengths_nm:" in written
    assert hsikit.load_scene("cube.yaml").shape == (8, 7)
    assert cli.main(["init", "cube.npy"]) == 1
    assert "cube.yaml is there already" in capsys.readouterr().err
    assert cli.main(["init", "cube.npy", "--out", str(tmp_path / "sites" / "mine.yaml")]) in (0, 1)
    cube[..., 2] = 0.5
    np.save("cube.npy", cube)
    capsys.readouterr()
    assert cli.main(["check", "cube.yaml"]) == 1
    assert "Remedy:" in capsys.readouterr().out
    assert cli.main(["check", "nothing.yaml"]) == 2
