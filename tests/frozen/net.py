"""Cheap runs before and after a change, on one machine: `make net BASE=commit` compares their rows field by field.

Exit code 0 where all rows agree but for times, memory and commit, else 1 with what differs.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("net.yaml")
MAY_DIFFER = {"seconds", "peak_memory_mb", "commit"}


def rows(tree: Path, scratch: Path) -> dict[str, dict]:
    """Rows by hash of the cheap runs, made with the code of a working tree."""
    place = {
        "PYTHONPATH": str(tree),
        "HSIKIT_RUNS": str(scratch / "runs"),
        "HSIKIT_LEDGER": str(scratch / "runs.jsonl"),
    }
    subprocess.run([sys.executable, "-m", "hsikit", "sweep", str(CONFIG), "--json"], cwd=scratch, check=True,
                   stdout=subprocess.DEVNULL, env=os.environ | place)  # fmt: skip
    lines = (scratch / "runs.jsonl").read_text().splitlines()
    return {row["hash"]: row for row in map(json.loads, lines)}


def differences(before: dict[str, dict], after: dict[str, dict]) -> list[str]:
    """A line for each run on one side only, and for each field that differs."""
    said = [f"{name}: only {'before' if name in before else 'after'}" for name in before.keys() ^ after.keys()]
    for name in before.keys() & after.keys():
        old, new = before[name], after[name]
        for key in sorted((old.keys() | new.keys()) - MAY_DIFFER):
            if old.get(key) != new.get(key):
                said.append(f"{name} {old['name']}, {key}: {old.get(key)} before, {new.get(key)} after")
    return said


def main(base: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tree, scratch = Path(folder) / "base", [Path(folder) / name for name in ("before", "after")]
        for place in scratch:
            place.mkdir()
        subprocess.run(
            ["git", "worktree", "add", "--detach", str(tree), base], cwd=ROOT, check=True, capture_output=True
        )
        try:
            said = differences(rows(tree, scratch[0]), rows(ROOT, scratch[1]))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
    sys.stdout.write("\n".join(said or [f"all runs agree with {base}"]) + "\n")
    return bool(said)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
