"""Where runs live: one folder a run, one line a run in the ledger. Nothing is overwritten, nothing half-written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock


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
