"""Rehearse `make paper` from download to tables with stand-ins of its scenes: `make rehearsal`, within an hour.

Everything happens in build/rehearsal: a copy of the project whose list of scenes names a server of this machine and the
sums of the stand-ins, and whose configs ask for one short run of every arm, scene and kind of split. In that copy
`make paper` runs as it stands, with a copy of the committed ledger, is killed once and goes on. In the end listing.md
says of every cell that the tables ask for what filled it. No number made here is a result.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from rehearsal import standins  # noqa: E402  (the project's own folders come first)

from hsikit.experiments.methods import METHODS  # noqa: E402

PLACE = ROOT / "build" / "rehearsal"
MOST, SHARE = 2000, 50  # training pixels of forests and SVMs; one of so many steps where a network counts them
BY_HAND = ("mmlgnet_houston2013", "sdhsi_pavia_official")  # their files come from no server
KILLED_AFTER = 30  # rows, with which the first try of `make paper` is ended


def main() -> int:
    """Do all of it; the exit code of what failed, else 0."""
    start = time.monotonic()
    shutil.rmtree(PLACE, ignore_errors=True)
    real = os.environ.get("HSIKIT_DATA")
    said = standins.write(PLACE / "served", Path(real) if real else None)
    house = copy_of_project(PLACE / "house")
    changed = [
        line for name in (*studies(house), *BY_HAND) for line in thin(house / "hsikit" / "configs" / f"{name}.yaml")
    ]
    with serving(PLACE / "served") as address:
        pin(house, PLACE / "served", address)
        known = read_from(house)
        killed = make_paper(house, kill_after=KILLED_AFTER, known=known)
        failed = make_paper(house) or by_hand(house)
    lines = listing(house, known)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    told = [f"# Rehearsal of `make paper`\n\n{(time.monotonic() - start) / 60:.0f} minutes, at most {peak:.1f} GB a "
            f"process; killed with {killed} rows, then the same command went on.", "## Stand-ins", *said,
            "## Thinned", *changed, "## Cells", *lines]  # fmt: skip
    (PLACE / "listing.md").write_text("\n\n".join(told) + "\n")
    empty = [line for line in lines if line.endswith("EMPTY")]
    sys.stdout.write("\n".join(lines) + f"\n\n{told[0]}\n{len(lines)} lines of cells, {len(empty)} empty\n")
    return failed or bool(empty)


# --- a copy of the project -------------------------------------------------------------------------


def copy_of_project(to: Path) -> Path:
    """The files that git follows, or would, as they stand in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    (to / "figures" / "tables" / "runs.jsonl").unlink(missing_ok=True)  # nothing measured is mixed in
    return to


def studies(house: Path) -> list[str]:
    """Names of the configs that `make paper` runs."""
    lines = re.search(r"^STUDIES = (.*?[^\\])$", (house / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
    assert lines is not None, "the Makefile names no STUDIES"
    return lines[1].replace("\\", " ").split()


def pin(house: Path, served: Path, address: str) -> None:
    """Let the copy's list of scenes name the stand-ins: where they are served, and their sums."""
    file = house / "hsikit" / "scenes" / "published.yaml"
    known = yaml.safe_load(file.read_text())
    for scene in known.values():
        for entry in scene.get("files", []):
            stand_in = served / scene["folders"][0] / entry["name"]
            if stand_in.is_file():
                entry["urls"] = [f"{address}/{scene['folders'][0]}/{entry['name']}"]
                entry["sha256"] = hashlib.sha256(stand_in.read_bytes()).hexdigest()
    file.write_text(yaml.safe_dump(known, sort_keys=False, allow_unicode=True))


def read_from(house: Path) -> int:
    """Let the notebooks of the copy read the rehearsal's ledger, which begins with the committed rows; their number."""
    ledger, file = PLACE / "tables" / "runs.jsonl", house / "notebooks" / "profiles" / "paper.yaml"
    ledger.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "figures" / "tables" / "runs.jsonl", ledger)
    profile = yaml.safe_load(file.read_text())
    for notebook in (house / "notebooks").glob("*.ipynb"):
        if 'ledger = \\"' in notebook.read_text():
            profile[notebook.stem] = {**profile.get(notebook.stem, {}), "ledger": str(ledger)}
    file.write_text(yaml.safe_dump(profile))
    return len(rows_in())


def thin(file: Path) -> list[str]:
    """Make a config ask for one short run of every arm, scene and kind of split; what was changed, in a line."""
    config = yaml.safe_load(file.read_text())
    seeds = config.get("seeds", [0])
    arms = [laid_over(config, arm) for arm in config.get("arms") or [{}]]
    swept = {key: v[:1] if key.startswith("split.") else v for key, v in (config.get("sweep") or {}).items()}
    if "split" in swept:
        swept["split"] = list({of_kind(split): split for split in reversed(swept["split"])}.values())[::-1]
    one_each = {(arm.get("name"), arm["method"], *of_kind(arm.get("split", config.get("split", {})))): arm
                for arm in reversed(arms)}  # fmt: skip
    config |= {"arms": [short(arm) for arm in reversed(one_each.values())], "sweep": swept, "seeds": seeds[:1]}
    for key in ("method", "model", "train", "inputs", "loss", "text"):  # laid into the arms
        config.pop(key, None)
    file.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    return [f"{file.stem}: 1 of {len(seeds)} seeds, {len(one_each)} of {len(arms)} arms, an epoch or 1 of {SHARE} "
            f"steps, forests and SVMs on {MOST:,} pixels"]  # fmt: skip


def of_kind(split: Mapping[str, Any]) -> tuple[Any, Any]:
    """What tells kinds of splits apart: how pixels are drawn, and how far sides are kept apart."""
    return split.get("kind"), split.get("patch", 11)


def laid_over(config: Mapping[str, Any], arm: Mapping[str, Any]) -> dict[str, Any]:
    """An arm with what the config says for all of them."""
    full = {key: config[key] for key in ("method", "model", "train", "inputs", "loss", "text") if key in config}
    for key, value in arm.items():
        both = isinstance(value, dict) and isinstance(full.get(key), dict)
        full[key] = {**full[key], **value} if both else value
    return full


def short(arm: dict[str, Any]) -> dict[str, Any]:
    """An arm that takes seconds."""
    if METHODS[arm["method"]].network:
        train = dict(arm.get("train", {}))
        arm["train"] = train | ({"steps": max(5, train["steps"] // SHARE)} if train.get("steps") else {"epochs": 1})
    elif arm["method"] in ("rf", "svm"):
        arm["model"] = {**arm.get("model", {}), "most": MOST}
    return arm


# --- what a person with the files would do -----------------------------------------------------------


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A web server of this machine over a folder; its address."""
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def surroundings(house: Path) -> dict[str, str]:
    """The environment of the copy: its code, a ledger, runs and a cache of its own, no data folder."""
    own = {"PYTHONPATH": str(house), "HSIKIT_LEDGER": str(PLACE / "tables" / "runs.jsonl"),
           "HSIKIT_RUNS": str(PLACE / "runs"), "XDG_CACHE_HOME": str(PLACE / "cache")}  # fmt: skip
    return {k: v for k, v in os.environ.items() if k != "HSIKIT_DATA"} | own


def make_paper(house: Path, kill_after: int | None = None, known: int = 0) -> int:
    """`make paper` in the copy; its exit code, or the rows beyond those `known` that there were when it was killed."""
    tools = Path(sys.executable).parent
    (house / ".venv").mkdir(exist_ok=True)
    command = ["make", "--old-file=.venv/.installed", "paper", f"BIN={tools}", "JOBS=2"]
    (house / ".venv" / ".installed").touch()
    log = (PLACE / "paper.log").open("a")
    process = subprocess.Popen(command, cwd=house, env=surroundings(house), stdout=log, stderr=log,
                               start_new_session=True)  # fmt: skip
    while kill_after is not None and process.poll() is None:
        if (rows := len(rows_in(known))) >= kill_after:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return rows
        time.sleep(0.5)
    return process.wait()


def by_hand(house: Path) -> int:
    """The studies whose files a person places in a data folder; the exit code of the first that failed, or 0."""
    for study in BY_HAND:
        with (PLACE / "paper.log").open("a") as log:
            done = subprocess.run([sys.executable, "-m", "hsikit", "sweep", study, "--jobs", "2"], cwd=house,
                                  env=surroundings(house) | {"HSIKIT_DATA": str(PLACE / "served")},
                                  stdout=log, stderr=log)  # fmt: skip
        if done.returncode:
            return done.returncode
    return 0


def rows_in(known: int = 0) -> list[dict[str, Any]]:
    """The rows made so far, without the first ones."""
    ledger = PLACE / "tables" / "runs.jsonl"
    return [json.loads(line) for line in ledger.read_text().splitlines()[known:]] if ledger.exists() else []


LISTED = """
import json, sys
from hsikit.experiments.config import expand
for study in sys.argv[1:]:
    for e in expand(study):
        print(json.dumps([study, e.scene, e.split_name, e.label, e.hash]))
"""


def listing(house: Path, known: int = 0) -> list[str]:
    """A line of every cell that the studies ask for: study, scene, split, arm, and the row that filled it.

    Args:
        known: So many rows of the ledger are the committed ones.
    """
    names = (*studies(house), *BY_HAND)
    asked = subprocess.run([sys.executable, "-c", LISTED, *names], cwd=house, env=surroundings(house), check=True,
                           capture_output=True, text=True).stdout  # fmt: skip
    rows, lines = rows_in(), []
    made_by = {row["hash"]: "committed" for row in rows[:known]}
    made_by |= {row["hash"]: f"{row['seconds']:.0f} s" for row in rows[known:]}
    for study, scene, split, label, run in map(json.loads, asked.splitlines()):
        made = f"row {run}, {made_by[run]}" if run in made_by else "EMPTY"
        lines.append(f"{study} | {scene} | {split} | {label} | {made}")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
