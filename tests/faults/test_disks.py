"""Full disks, quotas and power cuts: one line says so, nothing half-written stays, and with room the work goes on."""

import errno
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import hsikit
from hsikit import _util, cli
from hsikit._util import errors
from hsikit._util.errors import DiskError
from hsikit.predict.large_map import LargeMap
from hsikit.scenes.write import Grid


@contextmanager
def small(folder: Path, size: str):
    """A disk of that size at `folder`, while the block runs."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True,
                          text=True, check=False)  # fmt: skip
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


def test_a_map_in_pieces_is_refused_where_it_has_no_room(site, capsys):
    np.save("big.npy", np.random.default_rng(0).normal(size=(600, 500, 16)).astype("f4"))
    with small(site / "disk", "100k") as disk:
        assert cli.main(["predict", "model", "big.npy", "--out", "disk/m.tif", "--memory", "0.02"]) == 1
        said = capsys.readouterr().err.splitlines()[-1]
        assert f"no space left on {disk}: m.tif.part needs 300,000 bytes, 102,400 bytes are free" in said
        assert left(disk) == []


def test_a_map_that_cannot_note_its_chunks_leaves_no_room_taken(site, monkeypatch):
    monkeypatch.setattr("hsikit.predict.large_map.write_text", lambda path, text: (_ for _ in ()).throw(
        errors.disk_error(path, errno.ENOSPC)))  # fmt: skip
    with pytest.raises(DiskError, match=r"no space left on .*m\.tif\.done needs"):
        LargeMap(site / "m.tif", (100, 90), 64, Grid("x", None, None, ["a"]), {})
    assert [p.name for p in site.glob("m.tif*")] == []


@pytest.mark.parametrize("out", ["m.tif", "m.zarr"])
def test_a_disk_that_fills_up_under_a_map_loses_no_chunk(site, capsys, out):
    np.save("big.npy", np.random.default_rng(0).normal(size=(600, 500, 16)).astype("f4"))
    command = ["predict", "model", "big.npy", "--memory", "0.02", "--out"]
    with small(site / "disk", "800k") as disk:
        (disk / "other").write_bytes(bytes(780_000 if out == "m.zarr" else 450_000))
        assert cli.main([*command, f"disk/{out}"]) == 1
        assert "no space left on" in capsys.readouterr().err.splitlines()[-1]
        assert not (disk / out).exists()
        (disk / "other").unlink()
        assert cli.main([*command, f"disk/{out}"]) == 0
        assert cli.main([*command, out]) == 0
        if out == "m.tif":
            assert (disk / out).read_bytes() == Path(out).read_bytes()
        assert [name for name in left(disk) if name.endswith((".part", ".done", ".plain"))] == []


def test_chunks_are_written_into_room_that_was_taken_before(tmp_path):
    names = ["a", "b"]
    large = LargeMap(tmp_path / "m.tif", (100, 90), 64, Grid("x", None, None, names), {})
    assert os.stat(large.part).st_blocks * 512 >= 100 * 90  # not a sparse file
    whole = np.random.default_rng(0).integers(0, 3, (100, 90)).astype(np.uint8)
    for number, (top, bottom, left_, right) in enumerate(large.chunks):
        large.put(number, whole[top:bottom, left_:right])
    import rasterio

    with rasterio.open(large.finish()) as source:
        assert (source.read(1) == whole).all()


@pytest.mark.parametrize("size", ["8k", "40k"])
def test_a_map_and_its_scores_without_room(site, capsys, size):
    with small(site / "disk", size) as disk:
        assert cli.main(["predict", "model", "site.yaml", "--out", "disk/m.tif"]) in (0, 1)
        said = capsys.readouterr().err.splitlines()
        if said and said[-1].startswith("hsikit"):
            assert f"no space left on {disk}: m" in said[-1]
        assert [name for name in left(disk) if "part" in name or "plain" in name] == []


def test_a_training_without_room_says_so_and_goes_on_to_the_same_numbers(site, capsys, monkeypatch):
    (site / "c.yaml").write_text(
        (site / "c.yaml").read_text().replace("cnn2d", "sdhsi").replace("bands: 8, window: 7", "window: 9")
    )
    with small(site / "disk", "300k") as disk:
        monkeypatch.setenv("HSIKIT_RUNS", "disk/runs")
        assert cli.main(["run", "c.yaml"]) == 1
        said = capsys.readouterr().err.splitlines()[-1]
        assert "DiskError: no space left on" in said
        assert "checkpoint.pt needs" in said
        assert left(disk) == ["config.json"]
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        assert cli.main(["run", "c.yaml", "--json"]) == 0
        again = hsikit.Store(Path("disk/runs"), Path("ledger.jsonl")).rows()
    whole = hsikit.Store(site / "whole", site / "whole.jsonl")
    row = hsikit.run_experiment(hsikit.expand("c.yaml")[0], whole, progress=False)
    assert {k: again[row["hash"]][k] for k in ("oa", "aa", "kappa", "per_class")} == {
        k: row[k] for k in ("oa", "aa", "kappa", "per_class")
    }


def test_a_limit_on_the_size_of_files_is_named(site):
    code = "import sys; from hsikit.cli import main; sys.exit(main(['run', 'c.yaml']))"
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50 * 1024, 50 * 1024))  # noqa: E731
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 1
    assert "files may not grow so large on" in done.stderr
    assert [name for name in left(site / "runs") if "part" in name.split(".")] == []


@pytest.mark.parametrize(
    "write", [lambda p: _util.write_text(p, "new"), lambda p: _util.saved(p, lambda f: f.write(b"new"))]
)
def test_a_file_is_on_the_disk_before_it_takes_the_old_ones_place(tmp_path, monkeypatch, write):
    path, order = tmp_path / "f", []
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", lambda fd, real=os.fsync: (order.append("sync"), real(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b, real=os.replace: (order.append("move"), real(a, b)))
    write(path)
    assert order == ["sync", "move"]
    assert path.read_text() == "new"


def test_what_a_library_hides_is_still_a_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(errors.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(DiskError, match=r"f needs 20 bytes, 100 bytes are free"), errors.disk(tmp_path / "f", 20):
        raise RuntimeError("[enforce fail at inline_container.cc:672]")
    with pytest.raises(DiskError, match="needs 200 bytes"), errors.disk(tmp_path / "f", 200):
        raise AssertionError("asked before")
    monkeypatch.undo()
    for code, words in errors.FULL.items():
        with pytest.raises(DiskError, match=words), errors.disk(tmp_path / "f"):
            raise OSError(code, os.strerror(code))
    with pytest.raises(PermissionError), errors.disk(tmp_path / "f"):
        raise OSError(errno.EACCES, "not allowed")


def test_litter_of_a_killed_process_is_swept_later(tmp_path):
    old, new = tmp_path / "f.0123456789ab.part", tmp_path / "f.0123456789cd.part"
    for litter in (old, new):
        litter.mkdir()
        (litter / "x").write_text("")
    os.utime(old, (0, 0))
    _util.write_text(tmp_path / "f", "text")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", new.name]  # a younger one may be at work
