"""Faults by the thousand, from one seed: mutated files, kills at random moments, full disks, hostile folders.

    python tests/faults/drill.py [--files 4000] [--kills 20] [--commands 40] [--seed 1]

Prints what was tried and what went wrong: an error of another family than hsikit's, a command that ran, an answer that
took longer than 10 seconds, a run whose numbers differ from the uninterrupted one's. Exit code 1 where anything did.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

HANG_S = 10
YAML = (
    "name: site\nhsi: {hsi}\nlabels: labels.npy\nclasses: [a, b, c]\nwavelengths_nm: {waves}\nmasks: {{}}\ngsd_m: 2.0\n"
)
CONFIG = "method: lda\nscene: site.yaml\nsplit: {kind: random, train: 0.3}\nmodel: {window: 1}\nseeds: [0]\n"
NET = CONFIG.replace("lda", "cnn2d").replace("{window: 1}", "{bands: 8, window: 7}") + "train: {epochs: 40}\n"
PROMPTS = "scene: site\nclasses:\n" + "".join(f"  - {{name: {n}, place: a field of {n}}}\n" for n in "abc")
WORDS = [b"null", b"-1", b"1e400", b"[[]]", b"{}", b"nan", b"\xff\xfe", b"\x00", b"99999999999", b"*a",
         b"!!python/name:os", b"../../etc/passwd", b"true", b"''", b": ", b"0"]  # fmt: skip


class Hang(BaseException):
    """An answer takes too long."""


def prepare(folder: Path) -> None:
    """Every kind of file that hsikit reads, small, valid, in one folder."""
    import h5py
    import rasterio
    from scipy.io import savemat

    import hsikit

    draw = np.random.default_rng(0)
    labels = np.repeat(np.arange(24) // 8 + 1, 20).reshape(24, 20).astype(np.uint8)
    cube = (draw.normal(size=(3, 16))[labels - 1] + 0.4 * draw.normal(size=(24, 20, 16))).astype(np.float32)
    np.save(folder / "cube.npy", cube)
    np.save(folder / "labels.npy", labels)
    np.savez_compressed(folder / "cube.npz", cube=cube)
    savemat(folder / "five.mat", {"cube": cube}, do_compression=True)
    with h5py.File(folder / "seven.mat", "w", userblock_size=512) as file:
        file.create_dataset("cube", data=cube.T).attrs["MATLAB_class"] = np.bytes_("single")
    form = {"height": 24, "width": 20, "dtype": "float32", "crs": "EPSG:32632",
            "transform": rasterio.transform.from_origin(660_000, 5_100_000, 2, 2)}  # fmt: skip
    for name, driver, more in (("cube.tif", "GTiff", {"compress": "deflate"}), ("envi.img", "ENVI", {})):
        with rasterio.open(folder / name, "w", driver=driver, count=16, **form, **more) as file:
            file.write(cube.transpose(2, 0, 1))
    with rasterio.open(folder / "height.tif", "w", driver="GTiff", count=1, **form) as file:
        file.write(cube[..., 0], 1)
    square = {"type": "Polygon", "coordinates": [[[660_002, 5_099_990], [660_030, 5_099_990], [660_030, 5_099_960],
                                                  [660_002, 5_099_960], [660_002, 5_099_990]]]}  # fmt: skip
    (folder / "fields.geojson").write_text(json.dumps({
        "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}},
        "features": [{"type": "Feature", "properties": {"class": "a"}, "geometry": square}]}))  # fmt: skip
    waves = [round(float(w), 1) for w in np.linspace(450, 900, 16)]
    for name in ("cube.npy", "cube.npz", "five.mat", "seven.mat", "cube.tif", "envi.img"):
        (folder / f"{name}.yaml").write_text(YAML.format(hsi=name, waves=waves))
    (folder / "site.yaml").write_text(YAML.format(hsi="cube.npy", waves=waves))
    (folder / "drawn.yaml").write_text("hsi: cube.tif\nlidar: height.tif\nlabels: fields.geojson\nclasses: list.txt\n")
    (folder / "list.txt").write_text("a, #ff0000\nb, #00ff00\n")
    (folder / "c.yaml").write_text(CONFIG)
    (folder / "prompts.yaml").write_text(PROMPTS)
    scene = hsikit.load_scene(folder / "site.yaml")
    once = hsikit.TrainConfig(epochs=1, threads=1)
    text = hsikit.random_vectors(scene.class_names, 16, 0)
    network = hsikit.MMLGNet(hsi_bands=8, lidar_channels=0, text_dim=16, window=5)
    run = hsikit.fit(network, scene, hsikit.random_split(scene, train=0.3), once, text=text, progress=False)
    run.model.save(folder / "model")
    hsikit.random_split(scene, train=0.3).save(folder / "split.npz")
    store = hsikit.Store(folder / "runs", folder / "ledger.jsonl")
    hsikit.run_experiment(hsikit.expand({"method": "lda", "scene": str(folder / "site.yaml"),
                                         "split": {"kind": "random", "train": 0.3}})[0], store)  # fmt: skip


def readers(folder: Path) -> dict[str, tuple[str, Callable[[], Any]]]:
    """What is tried: a name -> the file that is spoilt, and what then reads it."""
    import hsikit
    from hsikit import cli
    from hsikit.scenes.site import open_site

    def site(name: str) -> Callable[[], Any]:
        def read() -> None:
            scene = hsikit.load_scene(name)
            np.asarray(scene.hsi[:2]), scene.valid.sum()
            open_site(name).cut(0, 8, 0, 8)

        return read

    def command(*words: str) -> Callable[[], Any]:
        def run() -> None:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                cli.main(words)

        return run

    found = {
        name: (name, site(f"{name}.yaml")) for name in ("cube.npy", "cube.npz", "five.mat", "seven.mat", "cube.tif")
    }
    found |= {"envi header": ("envi.hdr", site("envi.img.yaml")), "envi data": ("envi.img", site("envi.img.yaml")),
              "lidar": ("height.tif", site("drawn.yaml")), "drawn labels": ("fields.geojson", site("drawn.yaml")),
              "class list": ("list.txt", site("drawn.yaml")), "labels": ("labels.npy", site("site.yaml")),
              "site": ("site.yaml", site("site.yaml")), "site, drawn": ("drawn.yaml", site("drawn.yaml")),
              "prompts": ("prompts.yaml", lambda: hsikit.load_prompts("prompts.yaml")),
              "split": ("split.npz", lambda: hsikit.Split.load("split.npz", hsikit.load_scene("site.yaml"))),
              "config": ("c.yaml", command("run", "c.yaml")),
              "config, expanded": ("c.yaml", lambda: hsikit.expand("c.yaml")),
              "ledger": ("ledger.jsonl", command("table", "--json")),
              "ledger, one table": ("ledger.jsonl", command("table", "indian_pines"))}  # fmt: skip
    for name in ("model.json", "model.safetensors", "normalizer.npz", "text.npz"):
        found[name] = (f"model/{name}", lambda: hsikit.Fitted.load("model"))
        found[f"{name}, without sums"] = (f"model/{name}", lambda: _without_sums(Path("model")))
    found["model.json, command"] = ("model/model.json", command("predict", "model", "site.yaml", "--out", "out.tif"))
    return found


def _without_sums(model: Path) -> None:
    """As a model of an older version, whose files nothing but their own form checks."""
    import hsikit

    file = model / "model.json"
    with contextlib.suppress(ValueError, AttributeError, UnicodeDecodeError):
        facts = json.loads(file.read_text())
        file.write_text(json.dumps({k: v for k, v in facts.items() if "sha256" not in k}))
    hsikit.Fitted.load(model)


def mutated(data: bytes, draw: random.Random) -> bytes:
    """The bytes with one to four faults: cut, doubled, flipped, overwritten, or with a hostile word put in."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at, span = draw.randrange(len(out) + 1), draw.choice((1, 1, 2, 8, 64))
        kind = draw.randrange(6)
        if kind == 0:
            del out[at:]
        elif kind == 1:
            out[at:at] = out[at : at + span]
        elif kind == 2:
            for i in range(at, min(at + span, len(out))):
                out[i] ^= 1 << draw.randrange(8)
        elif kind == 3:
            out[at : at + span] = draw.randbytes(span)
        elif kind == 4:
            del out[at : at + span]
        else:
            word = draw.choice(WORDS)
            out[at : at + draw.choice((0, len(word)))] = word
    return bytes(out)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises `Hang` in the block when it takes longer."""

    def late(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def files(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Spoil a file, read it, put it back; `count` times over all kinds. What is no error of hsikit's is told."""
    from hsikit._util.errors import HsikitError
    from hsikit.experiments import ledger

    draw, outcome, foreign, slow = random.Random(seed), Counter[str](), [], []
    kinds = readers(folder)
    with contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(count):
            name = list(kinds)[number % len(kinds)]
            file, read = Path(kinds[name][0]), kinds[name][1]
            whole, model = file.read_bytes(), Path("model/model.json").read_bytes()
            file.write_bytes(mutated(whole, draw))
            start = time.monotonic()
            ledger._parsed.cache_clear()
            try:
                with limited(HANG_S):
                    read()
                outcome["read all the same"] += 1
            except HsikitError as error:
                outcome["refused in a line"] += 1
                if len(str(error)) > 3000:
                    foreign.append(f"{name} {number}: a line of {len(str(error))} letters")
            except Hang:
                slow.append(f"{name} {number}: more than {HANG_S} s")
            except Exception as error:
                foreign.append(f"{name} {number}: {type(error).__name__}: {str(error)[:150]}")
            if time.monotonic() - start > HANG_S / 2:
                outcome["above 5 s"] += 1
            Path("model/model.json").write_bytes(model)
            file.write_bytes(whole)
        for name, (_, read) in kinds.items():  # everything was put back
            with contextlib.suppress(HsikitError) if name == "ledger, one table" else contextlib.nullcontext():
                read()
    return {"tried": count, **outcome, "foreign": foreign, "hangs": slow, "peak_mb": peak_mb(), "kinds": len(kinds)}


def commands(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """The same as commands of their own, two at a time: each ends with code 0, 1 or 2, and without a traceback."""
    copies = [shutil.copytree(folder, folder.with_name(f"{folder.name}-{i}"), dirs_exist_ok=True) for i in range(2)]
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(_commands, copies, [count - count // 2, count // 2], [seed, seed + 1]))
    for copy in copies:
        shutil.rmtree(copy)
    return {"tried": count, "codes": dict(halves[0][0] + halves[1][0]), "foreign": halves[0][1] + halves[1][1]}


def _commands(folder: Path, count: int, seed: int) -> tuple[Counter[int], list[str]]:
    draw, codes, bad = random.Random(seed), Counter[int](), []
    kinds = [("c.yaml", ["run", "c.yaml"]), ("ledger.jsonl", ["table"]), ("c.yaml", ["run", "c.yaml", "--json"]),
             ("ledger.jsonl", ["table", "--json"])]  # fmt: skip
    for number in range(count):
        name, words = kinds[number % len(kinds)]
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(mutated(whole, draw))
        try:
            done = hsikit_command(folder, *words)
            codes[done.returncode] += 1
            if done.returncode not in (0, 1, 2) or "Traceback" in done.stderr or "HSIKIT_DEBUG" in done.stderr:
                bad.append(f"{name} {number}: code {done.returncode}, {done.stderr[-150:]}")
        except subprocess.TimeoutExpired:
            bad.append(f"{name} {number}: more than 60 s")
        (folder / name).write_bytes(whole)
    return codes, bad


def environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # as where people work
    return {**usual, "PYTHONPATH": root, "HSIKIT_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1",
            "HSIKIT_LEDGER": str(folder / "ledger.jsonl")}  # fmt: skip


def hsikit_command(folder: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    code = f"import sys; from hsikit.cli import main; sys.exit(main({list(words)!r}))"
    return subprocess.run([sys.executable, "-P", "-c", code], cwd=folder, env=environment(folder), capture_output=True,
                          text=True, timeout=60, check=False, **more)  # fmt: skip


def kills(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """SIGKILL to a run at random moments until it is through; weights, map, row as without."""
    (folder / "net.yaml").write_text(NET)
    start = time.monotonic()
    whole = _finished(folder, folder / "whole")
    usual, draw, made, differing, dealt = time.monotonic() - start, random.Random(seed), 0, [], 0
    while dealt < count:
        place = folder / f"killed{made}"
        made += 1
        for _ in range(3):
            dealt += _killed(folder, place, draw.uniform(0.2, 1.0) * usual)
        again = _finished(folder, place)
        differing += [f"killed{made - 1}: {key}" for key in whole if whole[key] != again.get(key)]
    return {"kills": dealt, "runs": made, "lost or different": differing}


def _start(folder: Path, place: Path) -> subprocess.Popen[bytes]:
    env = environment(folder) | {"HSIKIT_RUNS": str(place), "HSIKIT_LEDGER": f"{place}.jsonl"}
    code = "import sys; from hsikit.cli import main; sys.exit(main(['run', 'net.yaml']))"
    return subprocess.Popen([sys.executable, "-P", "-c", code], cwd=folder, env=env, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)  # fmt: skip


def _killed(folder: Path, place: Path, after: float) -> int:
    """1 where the run was still at work."""
    child = _start(folder, place)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(after)
    child.kill()
    return int(child.wait() == -signal.SIGKILL)


def _finished(folder: Path, place: Path) -> dict[str, Any]:
    """What a run leaves, without its times; nothing of a half-written file may be among it."""
    if _start(folder, place).wait(120):
        return {"code": "not 0"}
    (run,) = (p for p in place.iterdir() if p.is_dir())
    row = {
        k: v for k, v in json.loads((run / "result.json").read_text()).items() if k not in ("seconds", "peak_memory_mb")
    }
    with np.load(run / "prediction.npz", allow_pickle=False) as file:
        labels = file["labels"].tobytes()
    names = sorted(str(p.relative_to(run)) for p in run.rglob("*"))
    ledger = len(Path(f"{place}.jsonl").read_text().splitlines())
    return {"row": row, "map": labels, "weights": (run / "model/model.safetensors").read_bytes(), "files": names,
            "lines": ledger}  # fmt: skip


def hostile(folder: Path) -> dict[str, Any]:
    """Model folders and configs that name code; none may run, each must be refused."""
    import hsikit
    from hsikit._util.errors import HsikitError

    names = ["subprocess.Popen", "os.system", "hsikit.models.networks.nn.Module", "builtins.eval",
             "builtins.exec", "hsikit.models.torch.hub.load",
             "hsikit.fitted.Path", "hsikit._util.remove", "torch.nn.Linear", "beside.Net", "shutil.rmtree",
             "antigravity.x", "hsikit.experiments.run.subprocess.Popen"]  # fmt: skip
    refused, ran = 0, []
    (folder / "beside.py").write_text("open('PWNED', 'w').close()\n")
    with contextlib.chdir(folder):
        sys.path.append(str(folder))
        file = Path("model/model.json")
        whole = file.read_text()
        facts = {k: v for k, v in json.loads(whole).items() if "sha256" not in k}
        for name in names:
            file.write_text(json.dumps(facts | {"model": {"class": name, "arguments": {"args": ["touch", "PWNED"]}}}))
            Path("hostile.yaml").write_text(CONFIG + f"loss: {{kind: {name}, args: [touch, PWNED]}}\n")
            for read in (lambda: hsikit.Fitted.load("model"), lambda: hsikit.expand("hostile.yaml")):
                try:
                    read()
                    ran.append(name)
                except HsikitError:
                    refused += 1
        file.write_text(whole)
        sys.path.remove(str(folder))
        if Path("PWNED").exists() or "beside" in sys.modules:
            ran.append("PWNED")
    return {"tried": 2 * len(names), "refused": refused, "ran": ran}


def disks(folder: Path) -> dict[str, Any]:
    """Runs and maps on disks of a few sizes: a full one is said, nothing half-written stays. Needs leave to mount."""
    told, wrong = 0, []
    sizes = ("4k", "64k", "256k", "1m")
    for size in sizes:
        disk = folder / f"disk{size}"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=False,
                          capture_output=True).returncode:  # fmt: skip
            return {"not tried": "no leave to mount a small disk here"}
        try:
            done = hsikit_command(folder, "predict", "model", "cube.npy", "--out", f"{disk}/m.tif")
            child = _start(folder, disk)
            child.wait(120)
            told += "no space left on" in done.stderr
            left = [p.name for p in disk.rglob("*") if p.suffix in (".part", ".plain") and p.is_file()]
            if done.returncode not in (0, 1) or "Traceback" in done.stderr or left:
                wrong.append(f"{size}: code {done.returncode}, left {left}, {done.stderr[-120:]}")
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    return {"disks": len(sizes), "said to be full": told, "wrong": wrong}


def peak_mb() -> int:
    """The most memory that this process has held."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def wrong(found: dict[str, dict[str, Any]]) -> list[str]:
    """Everything that a drill must not find."""
    bad = ("foreign", "hangs", "lost or different", "ran", "wrong")
    return [f"{part}: {line}" for part, facts in found.items() for key in bad for line in facts.get(key, [])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, usual in (("files", 4000), ("kills", 20), ("commands", 40), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    args = parser.parse_args()
    os.environ["HSIKIT_DEBUG"] = "1"  # the command line then raises what it would have told
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ |= {"HSIKIT_RUNS": str(folder / "runs"), "HSIKIT_LEDGER": str(folder / "ledger.jsonl")}
        prepare(folder)
        found: dict[str, dict[str, Any]] = {}
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "files": lambda: files(folder, args.files, args.seed), "hostile": lambda: hostile(folder),
            "commands": lambda: plain(commands, folder, args.commands, args.seed),
            "kills": lambda: kills(folder, args.kills, args.seed), "disks": lambda: plain(disks, folder),
        }  # fmt: skip
        for name, part in parts.items():
            start = time.monotonic()
            found[name] = part()
            shown = {k: v for k, v in found[name].items() if not isinstance(v, list)}
            print(f"{name}: {shown}, {time.monotonic() - start:.0f} s", flush=True)
            shutil.rmtree(folder / "runs", ignore_errors=True)
    print(f"seed {args.seed}; peak memory {peak_mb()} MB")
    print("\n".join(wrong(found)) or "nothing was lost, nothing foreign, no hang")
    return int(bool(wrong(found)))


def plain(work: Callable[..., dict[str, Any]], *given: Any) -> dict[str, Any]:
    """Commands as a user runs them, without tracebacks."""
    kept = os.environ.pop("HSIKIT_DEBUG", None)
    try:
        return work(*given)
    finally:
        if kept:
            os.environ["HSIKIT_DEBUG"] = kept


if __name__ == "__main__":
    raise SystemExit(main())
