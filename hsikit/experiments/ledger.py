"""Where runs live: one folder a run, one line a run in the ledger. Nothing is overwritten, nothing half-written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from hsikit.experiments.config import Experiment, expand
from hsikit.scenes.registry import SCENES, facts


class LedgerError(ValueError):
    """The ledger cannot be read. The message names the line."""


@dataclass(frozen=True)
class Store:
    """The folder of runs and the ledger.

    Attributes:
        runs: Holds `<hash>/` for finished runs and `<hash>.part/` for those under way.
        ledger: A file with one JSON object a line, appended to only.
    """

    runs: Path = Path("runs")
    ledger: Path = Path("figures/tables/runs.jsonl")

    @classmethod
    def of_environment(cls) -> Store:
        """The default folders, or what HSIKIT_RUNS and HSIKIT_LEDGER name."""
        default = cls()
        return cls(Path(os.environ.get("HSIKIT_RUNS", default.runs)),
                   Path(os.environ.get("HSIKIT_LEDGER", default.ledger)))  # fmt: skip

    def folder(self, run_hash: str) -> Path:
        """Of a finished run."""
        return self.runs / run_hash

    def part(self, run_hash: str) -> Path:
        """Of a run under way."""
        return self.runs / f"{run_hash}.part"

    def lock(self, run_hash: str) -> FileLock:
        """Held while a run is made, so that two sweeps never make the same one."""
        self.runs.mkdir(parents=True, exist_ok=True)
        return FileLock(self.runs / f"{run_hash}.lock")

    def rows(self) -> dict[str, dict[str, Any]]:
        """All rows by hash.

        Raises:
            LedgerError: When a line is not a JSON object with a hash; nothing is changed then.
        """
        if not self.ledger.exists():
            return {}
        found = {}
        for number, line in enumerate(self.ledger.read_text().splitlines(), 1):
            try:
                row = json.loads(line)
                found[row["hash"]] = row
            except (json.JSONDecodeError, KeyError, TypeError):
                raise LedgerError(
                    f"{self.ledger} line {number} is not a run ({line[:40]!r}...); mend or delete that line, "
                    "nothing was overwritten"
                ) from None
        return found

    def append(self, row: dict[str, Any]) -> None:
        """Add a row unless its hash is there; the new file replaces the old in one step.

        A run made again that agrees with its row and has more to say is added after it: the later line counts.
        """
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.ledger.with_name(self.ledger.name + ".lock")):
            known = self.rows().get(row["hash"])
            if known and (set(row) <= set(known) or row.get("oa") != known.get("oa")):
                return
            before = self.ledger.read_text() if self.ledger.exists() else ""
            if before and not before.endswith("\n"):
                before += "\n"
            write_aside(self.ledger, before + json.dumps(row, sort_keys=True) + "\n")


def write_aside(path: Path, text: str) -> None:
    """Write a text file beside its place, then move it there; a full disk leaves the old file as it was."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        aside.write_text(text)
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OSError(f"cannot write {path}: {error.strerror or error}; nothing was changed") from None


def rows_of(store: Store, *configs: str) -> list[dict[str, Any]]:
    """The ledger's rows that configs ask for, under the configs' labels; what was not run is not there."""
    known = store.rows()
    return [known[e.hash] | {"name": e.label} for config in configs for e in expand(config) if e.hash in known]


def progress_of(store: Store, *configs: str) -> pd.DataFrame:
    """How many of each config's runs the ledger holds, and what it takes to make the rest.

    Returns:
        Columns config, runs, done, missing, minutes (that the missing runs should take one after another, judged by
        the ledger's runs of the same method and scene, as a sweep's plan is), unknown (missing runs without such a
        run to judge by), command (empty where nothing is missing).
    """
    known, lines = store.rows(), []
    for config in configs:
        experiments = expand(config)
        todo = [e for e in experiments if e.hash not in known]
        seconds, unknown = expected_seconds(todo, known.values())
        command = f"{_files_first(experiments[0].scene)}hsikit sweep {config}" if todo else ""
        lines.append({"config": config, "runs": len(experiments), "done": len(experiments) - len(todo),
                      "missing": len(todo), "minutes": round(seconds / 60, 1), "unknown": unknown,
                      "command": command})  # fmt: skip
    return pd.DataFrame(lines)


def expected_seconds(todo: Iterable[Experiment], rows: Iterable[dict[str, Any]]) -> tuple[float, int]:
    """What runs should take one after another, judged by rows of the same method and scene; and how many have none."""
    alike: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        alike.setdefault((row["method"], row["scene"]), []).append(row["seconds"])
    seconds, unknown = 0.0, 0
    for experiment in todo:
        known = alike.get((experiment.method, experiment.scene), [])
        seconds += sum(known) / len(known) if known else 0.0
        unknown += not known
    return seconds, unknown


def _files_first(scene: str) -> str:
    """What stands before a command that reads a published scene's files: their download, or the folder they lie in."""
    if scene not in SCENES or not any(file.required for file in facts(scene).files):
        return ""
    by_hand = facts(scene).manual or facts(scene).folders[:1] != (scene,)  # a part lies in the whole scene's folder
    return "HSIKIT_DATA=... " if by_hand else f"hsikit fetch {scene} && "
