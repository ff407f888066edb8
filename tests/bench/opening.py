"""Loading, opening and importing: what a user waits for first."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.timing import in_process, row, seconds
from hsikit.scenes.indian_pines import load_indian_pines

COMMITTED = Path(__file__).parents[2] / "figures" / "tables" / "runs.jsonl"
OPEN = """
import sys, time
import numpy, scipy.ndimage, spectral, yaml
from hsikit.scenes import load_scene
peak = lambda: int(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1]) / 1024
before, start = peak(), time.perf_counter()
load_scene(sys.argv[1] + "/site.yaml")
print(time.perf_counter() - start, peak() - before)
"""
IMPORT = """
import sys, time
start = time.perf_counter()
import hsikit
print(time.perf_counter() - start, "torch" in sys.modules or 0)
"""
HELP = """
import contextlib, io, sys, time
start = time.perf_counter()
from hsikit.cli import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
print(time.perf_counter() - start, "torch" in sys.modules or 0)
"""


def measure_opening() -> list[dict[str, Any]]:
    """Indian Pines, a sparse ENVI file of 8 GB, and the package itself."""
    opened, grown = _open_large()
    return [
        row("load Indian Pines (s)", seconds(load_indian_pines), 0.2, "<="),
        row("open an 8 GB ENVI scene (s)", opened, 1.0, "<="),
        row("memory taken by opening it (MB)", grown, 200.0, "<="),
        _start_row("import hsikit (s)", IMPORT),
        _start_row("hsikit --help (s)", HELP),
        *ledger_rows(),
    ]


def ledger_rows(lines: int = 8000) -> list[dict[str, Any]]:
    """Whole commands over the committed ledger, made longer by copies of its rows under names that no run has."""
    known = COMMITTED.read_text().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "runs.jsonl"
        copies = [known[k % len(known)].replace('"hash": "', f'"hash": "{k}-') for k in range(lines - len(known))]
        ledger.write_text("\n".join([*known, *copies]) + "\n")
        found = []
        place = os.environ | {"HSIKIT_LEDGER": str(ledger), "HSIKIT_RUNS": folder}
        whole = ("hsikit sweep of a study that is whole", 2.0, ["sweep", "baselines_indian_pines"])
        for name, reach, words in (("hsikit table", 1.0, ["table"]), whole):
            command = [sys.executable, "-m", "hsikit", *words]
            taken = seconds(lambda: subprocess.run(command, env=place, capture_output=True, check=True))  # noqa: B023
            found.append(
                row(f"{name}, ledger of {lines:,} rows (s)", taken, reach, "<=", "the interpreter's start too")
            )
    return found


def _start_row(name: str, code: str) -> dict[str, Any]:
    """Median of five processes, without the interpreter's own start; no time passes if torch was loaded."""
    runs = [in_process(code) for _ in range(5)]
    taken = sorted(run[0] for run in runs)[2]
    torch_too = any(run[1] for run in runs)
    whole = seconds(lambda: subprocess.run([sys.executable, "-c", code], capture_output=True, check=True))
    note = f"with the interpreter's start {whole:.2f} s; " + ("torch was loaded" if torch_too else "torch not loaded")
    return row(name, float("inf") if torch_too else taken, 0.3, "<=", note)


def _open_large() -> list[float]:
    """Seconds and megabytes that opening takes, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        rows, cols, bands = 4000, 5000, 200
        with open(Path(folder) / "cube.img", "wb") as cube:
            cube.truncate(rows * cols * bands * 2)
        (Path(folder) / "cube.hdr").write_text(
            f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\ndata type = 12\n"
            "interleave = bip\nbyte order = 0\nfile type = ENVI Standard\n"
        )
        (Path(folder) / "site.yaml").write_text("hsi: cube.hdr\n")
        return in_process(OPEN, folder)
