"""`hsikit explore`: the notebook it writes, what it hands to JupyterLab, and a real start on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import numpy as np
import pytest
from tiny import write_site

from hsikit import cli
from hsikit.scenes import SceneError
from hsikit.workbook.look import explore, notebook_of


@pytest.fixture
def jupyter(tmp_path, monkeypatch):
    """A `jupyter` on PATH that notes where and how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "jupyter"
    fake.write_text(f'#!/bin/sh\npwd > "{tmp_path}/called"\necho "$@" >> "{tmp_path}/called"\nexit 3\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return lambda: (tmp_path / "called").read_text().split("\n")[:2]


def run(notebook: Path) -> None:
    """All cells of a notebook in its own folder, as a script."""
    code = "\n".join(cell.source for cell in nbformat.read(notebook, 4).cells)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=notebook.parent, capture_output=True)


def test_a_scene_of_ones_own_is_opened_beside_its_file(tmp_path, jupyter, monkeypatch):
    write_site(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["explore", "site.yaml"]) == 3  # what JupyterLab ended with
    assert jupyter() == [str(tmp_path), "lab explore_site.ipynb"]
    notebook = tmp_path / "explore_site.ipynb"
    nbformat.validate(nbformat.read(notebook, 4))
    run(notebook)


def test_a_cube_alone_and_a_scene_by_name(tmp_path, jupyter, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    header = tmp_path / "data" / "cube.hdr"
    np.random.default_rng(0).random((6, 5, 4), np.float32).tofile(header.with_suffix(".img"))
    size = "samples = 5\nlines = 6\nbands = 4\nheader offset = 0\ndata type = 4\ninterleave = bip\nbyte order = 0\n"
    header.write_text(f"ENVI\n{size}")
    assert explore(str(header)) == 3
    assert jupyter() == [str(tmp_path / "data"), "lab explore_cube.ipynb"]
    run(tmp_path / "data" / "explore_cube.ipynb")
    assert explore("simulated") == 3
    assert jupyter() == [str(tmp_path / "work"), "lab explore_simulated.ipynb"]


def test_a_notebook_that_is_there_stays_as_it_is(tmp_path, jupyter):
    write_site(tmp_path)
    notebook = tmp_path / "explore_site.ipynb"
    notebook.write_text("mine")
    explore(str(tmp_path / "site.yaml"))
    assert notebook.read_text() == "mine"
    assert jupyter() == [str(tmp_path), "lab explore_site.ipynb"]


def test_a_folder_that_cannot_be_written_to_is_left_alone(tmp_path, monkeypatch):
    write_site(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "elsewhere").mkdir()
    notebook = notebook_of(str(tmp_path / "site.yaml"))
    assert notebook.parent.parent == tmp_path / "elsewhere"
    assert str(tmp_path / "site.yaml") in notebook.read_text()
    run(notebook)


def test_nothing_is_written_or_started_for_what_is_no_scene(tmp_path, jupyter, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SceneError):
        explore("site.yaml")
    assert cli.main(["explore", "indian_pine"]) == 2
    assert "indian_pines" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.ipynb"))
    assert not (tmp_path / "called").exists()


def test_without_jupyterlab_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    write_site(tmp_path)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    assert cli.main(["explore", str(tmp_path / "site.yaml")]) == 1
    assert "hsikit[workbook]" in capsys.readouterr().err


def test_jupyterlab_really_starts_on_the_notebook(tmp_path):
    pytest.importorskip("jupyterlab", reason="starts a real JupyterLab")
    write_site(tmp_path)
    config, runtime = tmp_path / "config", tmp_path / "runtime"
    config.mkdir()
    quiet = {"ServerApp": {"open_browser": False, "ip": "127.0.0.1", "port": 0, "allow_root": True}}
    (config / "jupyter_server_config.json").write_text(json.dumps(quiet | {"IdentityProvider": {"token": "look"}}))
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(config), "JUPYTER_RUNTIME_DIR": str(runtime)}
    command = [sys.executable, "-m", "hsikit", "explore", str(tmp_path / "site.yaml")]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        url, end = "", time.monotonic() + 90
        while not url and time.monotonic() < end and process.poll() is None:
            time.sleep(0.2)
            url = next((json.loads(path.read_text())["url"] for path in runtime.glob("jpserver-*.json")), "")
        with urlopen(f"{url}api/contents/explore_site.ipynb?token=look", timeout=30) as answer:
            assert json.load(answer)["type"] == "notebook"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
