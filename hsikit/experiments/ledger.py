"""Where runs live: one folder a run, one line a run in the ledger. Nothing is overwritten, nothing half-written."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from filelock import FileLock

from hsikit._util import write_text
from hsikit._util.errors import HsikitError
from hsikit.experiments.config import ConfigError, Experiment, expand
from hsikit.scenes import Scene, SceneError, load_scene
from hsikit.scenes.registry import SCENES, facts
from hsikit.scenes.yaml_file import stamp_of

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
MEASURED = frozenset(SCENES) - {"simulated"}


class LedgerError(HsikitError, ValueError):
    """The ledger cannot be read. The message names the line."""


@dataclass(frozen=True)
class Store:
    """The folder of runs and the ledger.

    Attributes:
        runs: Holds `<hash>/` for finished runs and `<hash>.part/` for those under way.
        ledger: A file with one JSON object a line, appended to only.

    Example:
        >>> from pathlib import Path
        >>> store = hsikit.Store(runs=Path("my_runs"), ledger=Path("my_runs.jsonl"))
        >>> store.rows()  # nothing yet
        {}
    """

    runs: Path = Path("runs")
    ledger: Path = Path("figures/tables/runs.jsonl")

    @classmethod
    def of_environment(cls, runs: Path = runs, ledger: Path = ledger) -> Store:
        """What HSIKIT_RUNS and HSIKIT_LEDGER name, else these places."""
        return cls(Path(os.environ.get("HSIKIT_RUNS", runs)), Path(os.environ.get("HSIKIT_LEDGER", ledger)))

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
        if not self.ledger.is_file():
            raise LedgerError(f"{self.ledger} is no file; name the ledger with HSIKIT_LEDGER")
        now = self.ledger.stat()
        return dict(_parsed(self.ledger.absolute(), now.st_size, now.st_mtime_ns))

    @property
    def of_project(self) -> bool:
        """Whether the ledger is the one that the project's tables and README are made of."""
        return self.ledger.parts[-3:] == Store.ledger.parts

    def admit(self, scene: Scene) -> None:
        """Raises `LedgerError` for a stand-in of a published scene where this is the ledger of measurements."""
        if scene.simulated and scene.name in MEASURED and self.of_project:
            raise LedgerError(f"{scene.name} in hand is a stand-in made to rehearse, and {self.ledger} holds what was "
                              "measured; name a ledger of its own with HSIKIT_LEDGER")  # fmt: skip

    def append(self, row: dict[str, Any]) -> None:
        """Add a row unless its hash is there; the new file replaces the old in one step.

        A run made again that agrees with its row and has more to say is added after it: the later line counts.
        """
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.ledger.with_name(self.ledger.name + ".lock")):
            known = self.rows().get(row["hash"])
            if known and (set(row) <= set(known) or row.get("oa") != known.get("oa")):
                return
            before = self.ledger.read_text(encoding="utf-8") if self.ledger.exists() else ""
            if before and not before.endswith("\n"):
                before += "\n"
            write_text(self.ledger, before + json.dumps(row, sort_keys=True) + "\n")


@lru_cache(4)
def _parsed(ledger: Path, size: int, changed_ns: int) -> dict[str, dict[str, Any]]:
    """The ledger's rows by hash, parsed once for each size and time of the file; nobody changes what it gives."""
    found = {}
    for number, line in enumerate(ledger.read_bytes().splitlines(), 1):
        try:
            row = _loads(line)
            if not isinstance(row["hash"], str) or not isinstance(row.get("config", {}), dict):
                raise TypeError("hash or config")
            found[row["hash"]] = row
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            shown = line[:40].decode(errors="replace")
            raise LedgerError(
                f"{ledger} line {number} is not a run ({shown!r}...); mend or delete that line, nothing was overwritten"
            ) from None
    return found


def _loads(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)  # a NaN, which orjson refuses


def rows_of(store: Store, *configs: str) -> list[dict[str, Any]]:
    """The ledger's rows that configs ask for, under the configs' labels, each once; what was not run is not there."""
    known = store.rows()
    asked = {(e.hash, e.label): known[e.hash] for config in configs for e in expand(config) if e.hash in known}
    return [row | {"name": label} for (_, label), row in asked.items()]


def progress_of(store: Store, *configs: str) -> pd.DataFrame:
    """How many of each config's runs the ledger holds, and what it takes to make the rest: `progress` as a table."""
    import pandas as pd  # a third of a second, which a list of tables need not wait for

    return pd.DataFrame(progress(store, *configs))


def progress(store: Store, *configs: str) -> list[dict[str, Any]]:
    """How many of each config's runs the ledger holds, and what it takes to make the rest.

    Returns:
        For each config: config, runs, done, missing, minutes (that the missing runs should take one after another,
        judged by the ledger's runs of the same method and scene, as a sweep's plan is; None where none of them can
        be), unknown (missing runs without such a run to judge by), command (empty where nothing is missing).
    """
    known, lines = store.rows(), []
    typical = typical_seconds(known.values())
    for config in configs:
        experiments = expand(config)
        todo = [e for e in experiments if e.hash not in known]
        seconds, unknown = expected_seconds(todo, typical)
        minutes = None if 0 < unknown == len(todo) else round(seconds / 60, 1)
        command = f"{_files_first(experiments[0].scene)}hsikit sweep {config}" if todo else ""
        lines.append({"config": config, "runs": len(experiments), "done": len(experiments) - len(todo),
                      "missing": len(todo), "minutes": minutes, "unknown": unknown,
                      "command": command})  # fmt: skip
    return lines


def typical_seconds(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """Mean seconds of a run by method and scene."""
    alike: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        alike.setdefault((row["method"], row["scene"]), []).append(row["seconds"])
    return {place: sum(seconds) / len(seconds) for place, seconds in alike.items()}


def expected_seconds(todo: Iterable[Experiment], typical: Mapping[tuple[str, str], float]) -> tuple[float, int]:
    """What runs should take one after another, judged by `typical_seconds`; and how many it does not tell of."""
    known = [typical.get((e.method, e.scene)) for e in todo]
    return sum(seconds for seconds in known if seconds is not None), known.count(None)


def _files_first(scene: str) -> str:
    """What stands before a command that reads a published scene's files: their download, or the folder they lie in."""
    if scene not in SCENES or not any(file.required for file in facts(scene).files):
        return ""
    by_hand = facts(scene).manual or facts(scene).folders[:1] != (scene,)  # a part lies in the whole scene's folder
    return "HSIKIT_DATA=... " if by_hand else f"hsikit fetch {scene} && "


@lru_cache
def _content(scene: str, stamp: str) -> str:
    """Content of a scene whose files have this stamp."""
    return load_scene(scene).content_hash


def same_scene(row: dict[str, Any], experiment: Experiment) -> dict[str, Any]:
    """The row, if it was made on the scene as it is now; else a ConfigError.

    A row stands unchecked where the scene's files are not on this machine.
    """
    try:
        content = _content(experiment.scene, "" if experiment.scene in SCENES else stamp_of(experiment.scene))
    except SceneError as error:
        log.debug("run %s stands unchecked: %s", row["hash"], error)
        return row
    if row.get("scene_hash") != content:
        raise ConfigError(
            f"{experiment.scene} changed since run {row['hash']} was made (content {row.get('scene_hash')} then, "
            f"{content} now); give the new scene another name, nothing was overwritten"
        )
    return row
