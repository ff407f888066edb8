"""What all measurements share: rows, medians, the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def row(name: str, value: float, reach: float, sense: str, note: str = "", **sides: float) -> dict[str, Any]:
    """A measurement: what was reached of what was to be, and the absolute numbers behind a ratio.

    `sense` is ">=" where the value should be at least the reach, "<=" where at most.
    """
    held = value >= reach if sense == ">=" else value <= reach
    return {"name": name, "value": _short(value), "reach": reach, "sense": sense, "pass": bool(held),
            **{key: _short(number) for key, number in sides.items()}, "note": note}  # fmt: skip


def seconds(work: Callable[[], Any], times: int = 3, warm: bool = True) -> float:
    """Median of a few runs, after one to warm up."""
    if warm:
        work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def in_process(code: str, *arguments: str) -> list[float]:
    """Numbers that a program prints, run in a process of its own."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False,
                          env=os.environ | {"PYTHONPATH": path})  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"a measurement failed: {done.stderr.strip().splitlines()[-1:]}")
    return [float(number) for number in done.stdout.split()]


def machine() -> dict[str, Any]:
    """Processor and cores, and how busy they were in the last minute: a busy machine blurs ratios and slows seconds."""
    try:
        with open("/proc/cpuinfo") as file:
            kind = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        kind = platform.machine()
    return {"machine": f"{kind}, {os.cpu_count()} cores", "load": round(os.getloadavg()[0], 1)}


def _short(value: float) -> float:
    return float(f"{value:.4g}")
