"""Small files that would take all memory, files that wait for ever, files that lead elsewhere, and damaged ones."""

import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import rasterio

import hsikit
from hsikit import cli
from hsikit._util.errors import HsikitError
from hsikit.experiments import ConfigError, LedgerError
from hsikit.scenes import SceneError
from hsikit.scenes.site import open_site

PLAIN = {"method": "lda", "scene": "site.yaml", "split": "{kind: random, train: 0.3}"}


def bomb(deep: int = 9) -> str:
    """300 letters that stand for ten to the ninth values."""
    text = f"&l0 [{', '.join(['lol'] * 10)}]"
    for level in range(1, deep):
        text = f"&l{level} [{text}, {', '.join([f'*l{level - 1}'] * 9)}]"
    return text


def short(error: pytest.ExceptionInfo[BaseException]) -> bool:
    return len(str(error.value)) < 1000


@pytest.mark.parametrize("key", ["hsi", "name", "lidar", "labels", "classes", "masks", "gsd_m", "nodata", "prompts"])
def test_a_site_of_aliases_is_refused_at_once(site, key):
    (site / "b.yaml").write_text("".join(f"{k}: {v}\n" for k, v in ({"hsi": "cube.npy"} | {key: bomb()}).items()))
    with pytest.raises(SceneError, match="alias") as error:
        hsikit.load_scene("b.yaml")
    assert short(error)


@pytest.mark.parametrize("text", [bomb(), "&a [*a]", "[" * 50_000, "{a: " * 50_000])
@pytest.mark.parametrize("key", ["seeds", "split", "model", "method", "sweep", "train", "arms", "name"])
def test_a_config_of_aliases_or_depth_is_refused_at_once(site, key, text):
    (site / "c.yaml").write_text("".join(f"{k}: {v}\n" for k, v in (PLAIN | {key: text}).items()))
    with pytest.raises(ConfigError) as error:
        hsikit.expand("c.yaml")
    assert short(error)


def test_aliases_in_measure_are_for_people(site):
    (site / "c.yaml").write_text("arms:\n  - &one {method: lda}\n  - {<<: *one, "
                                 "name: again, scene: site.yaml}\nscene: site.yaml\nsplit: {kind: random, train: 0.3}\n"
                                 "sweep: {model.window: [1]}\n")  # fmt: skip
    with pytest.raises(ConfigError, match="asks twice for the same run"):
        hsikit.expand("c.yaml")


def test_a_config_cannot_ask_for_more_runs_than_anyone_waits_for(site):
    crossed = {f"model.x{i}": list(range(100)) for i in range(8)}
    with pytest.raises(ConfigError, match="more than 100,000 runs"):
        hsikit.expand({"method": "lda", "scene": "site.yaml", "split": {"kind": "random"}, "sweep": crossed})


@pytest.fixture
def bombs(site):
    with zipfile.ZipFile("b.npz", "w", zipfile.ZIP_DEFLATED) as packed, packed.open("a.npy", "w") as file:
        head = {"descr": "<f4", "fortran_order": False, "shape": (10000, 10000, 1)}
        np.lib.format.write_array_header_1_0(file, head)
        for _ in range(10):
            file.write(bytes(40_000_000))
    with rasterio.open("b.tif", "w", driver="GTiff", width=60000, height=60000, count=1, dtype="uint8", SPARSE_OK=True,
                       tiled=True, compress="deflate"):  # fmt: skip
        pass
    with h5py.File("b.mat", "w") as file:
        file.create_dataset("a", shape=(1, 16000, 16000), dtype="f4", chunks=(1, 1000, 1000), compression="gzip")
    return site


MEASURED = """
import hsikit
try:
    hsikit.load_scene("b.yaml")
except hsikit.HsikitError as error:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(len(str(error)), int(peak.split()[1]) // 1024)
"""


@pytest.mark.parametrize("key", ["hsi", "labels", "lidar", "valid"])
def test_small_files_that_unpack_to_much_are_refused_unread(bombs, key):
    for name in ("b.npz", "b.tif", "b.mat"):
        hsi = name if key == "hsi" else "cube.npy"
        (bombs / "b.yaml").write_text(f"hsi: {hsi}\n" + (f"{key}: {name}\n" if key != "hsi" else ""))
        done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, timeout=60, check=True)
        letters, megabytes = map(int, done.stdout.split())
        assert letters < 1000, name
        assert megabytes < 300, name


def test_what_is_no_regular_file_is_not_waited_for(site, monkeypatch):
    pipes = [f"x.{end}" for end in ("npy", "npz", "mat", "tif", "hdr", "img", "yaml", "geojson", "jsonl")]
    for name in pipes:
        os.mkfifo(name)
    (site / "model/text.npz").unlink(missing_ok=True)
    for name in pipes[:7]:
        with pytest.raises(HsikitError):
            hsikit.load_scene(name)
        for key in ("hsi", "lidar", "labels", "valid", "prompts", "classes"):
            (site / "b.yaml").write_text(f"name: b\n{key}: {name}\n" + ("" if key == "hsi" else "hsi: cube.npy\n"))
            if key != "prompts":
                with pytest.raises(HsikitError):
                    hsikit.load_scene("b.yaml")
            else:
                with pytest.raises(HsikitError):
                    hsikit.load_prompts("b.yaml")
    for read in (hsikit.expand, hsikit.load_prompts):
        with pytest.raises(HsikitError):
            read("x.yaml")
    monkeypatch.setenv("HSIKIT_LEDGER", "x.jsonl")
    with pytest.raises(LedgerError, match="is no file"):
        hsikit.Store.of_environment().rows()
    for name in ("model.json", "model.safetensors", "normalizer.npz"):
        (site / "model" / name).rename(site / "kept")
        os.mkfifo(site / "model" / name)
        with pytest.raises(HsikitError, match=name):
            hsikit.Fitted.load("model")
        (site / "model" / name).unlink()
        (site / "kept").rename(site / "model" / name)
    os.mkfifo(site / "model/text.npz")
    assert hsikit.Fitted.load("model").text is None  # it was not saved with it


def test_files_that_lead_to_other_files_are_not_followed(site):
    (site / "secret").write_bytes(bytes(range(64)))
    with h5py.File("other.h5", "w") as file:
        file["a"] = np.ones((4, 20, 24))
    with h5py.File("link.mat", "w") as file:
        file["a"] = h5py.ExternalLink("other.h5", "/a")
    with h5py.File("raw.mat", "w") as file:
        file.create_dataset("a", shape=(1, 8, 8), dtype="u1", external=[("secret", 0, 64)])
    with h5py.File("soft.mat", "w") as file:
        file.create_group("g")["x"] = h5py.ExternalLink("other.h5", "/a")
        file["a"] = h5py.SoftLink("/g/x")
    band = ('<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
            "<SourceFilename>secret</SourceFilename><LineOffset>8</LineOffset></VRTRasterBand>")  # fmt: skip
    (site / "raw.vrt").write_text(f'<VRTDataset rasterXSize="8" rasterYSize="8">{band}</VRTDataset>')
    for name in ("link.mat", "raw.mat", "soft.mat", "raw.vrt"):
        for variable in ("", "variable: a"):
            (site / "b.yaml").write_text(f"hsi: {{file: {name}, {variable}}}\n")
            with pytest.raises(SceneError):
                hsikit.load_scene("b.yaml")


@pytest.mark.parametrize(
    "text",
    ["hsi: .\n", "hsi: cube.npy\nwavelengths_nm: [a]\n", "hsi: cube.npy\nwavelengths_nm: 2020-01-01\n", "hsi: ''\n"],
)
def test_sites_that_mean_nothing_are_scene_errors_whole_and_in_pieces(site, text):
    (site / "b.yaml").write_text(text)
    for read in (hsikit.load_scene, open_site):
        with pytest.raises(SceneError, match=r"b\.yaml"):
            read("b.yaml")


LINES = [b"[" * 100_000, b'{"hash": "abc"}', b'{"hash": "\xff"}', b'{"hash": 3}', b"[1]", b"3",
         b'{"hash": "a", "config": 3}', b'{"hash": "a", "method": "lda", "oa": "x", "scene": 3}']  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:30].decode("latin-1"))
def test_damaged_ledgers_are_named(site, monkeypatch, capsys, line):
    (site / "ledger.jsonl").write_bytes(line + b"\n")
    for command in (["table"], ["table", "indian_pines"], ["table", "--json"], ["run", "c.yaml"]):
        assert cli.main(command) in (0, 1, 2)
        said = capsys.readouterr().err
        assert "HSIKIT_DEBUG=1 shows where)" not in said  # an error of a library's own
    assert (site / "ledger.jsonl").read_bytes().startswith(line)


def test_a_word_of_any_length_in_a_file_makes_no_message_of_that_length():
    text = str(hsikit.HsikitError("first " + "x" * 100_000 + " last"))
    assert len(text) < 3000
    assert text.startswith("first x")
    assert text.endswith("x last")
    assert str(hsikit.HsikitError("as it is")) == "as it is"
