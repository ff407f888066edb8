"""Many runs: skip what is known, show the plan, run the rest in processes, name the failures at the end."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from tqdm.auto import tqdm

from hsikit._util.errors import door
from hsikit.experiments.cluster import work_on_cluster
from hsikit.experiments.config import Experiment
from hsikit.experiments.ledger import Store, expected_seconds, same_scene, typical_seconds
from hsikit.experiments.workers import attempt, attempt_alone, end_with_parent

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A run that did not finish, and why in one line."""

    experiment: Experiment
    reason: str


@dataclass(frozen=True)
class SweepResult:
    """Rows in the order asked for, and the failures."""

    rows: list[dict[str, Any]]
    failures: list[Failure]


@door
def sweep(experiments: Sequence[Experiment], store: Store | None = None, jobs: int = 1,
          client: Any = None) -> SweepResult:  # fmt: skip
    """Run all experiments that the store does not hold; a failing one is reported, the rest goes on.

    Args:
        jobs: Processes at once. With 1 everything runs in this process.
        client: A `dask.distributed.Client` whose workers do the same instead (`hsikit.experiments.cluster`).

    Example:
        >>> config = {"method": "lda", "scene": "simulated", "split": {"kind": "few_shot", "shots": 5}, "seeds": [0, 1]}
        >>> done = hsikit.sweep(hsikit.expand(config))
        >>> len(done.rows), done.failures
        (2, [])
    """
    store = store or Store.of_environment()
    held = store.rows()
    todo = [e for e in experiments if e.hash not in held]
    known = len(experiments) - len(todo)
    if len(todo) != 1:
        log.info("%s", plan(experiments, store, jobs if client is None else max(1, len(client.nthreads()))))
    failures: list[Failure] = []
    done = _work(todo, store, jobs) if client is None else work_on_cluster(todo, store, client)
    with tqdm(total=len(experiments), initial=known, desc="runs", unit="run", disable=not todo) as bar:
        for experiment, row, reason in done:
            if row is None:
                failures.append(Failure(experiment, reason))
            else:
                bar.write(_line(experiment, row), file=bar.fp)
            bar.update()
    rows = store.rows()
    for experiment in experiments:  # rows of a scene that has changed under the same name since are refused
        if experiment.hash in rows:
            same_scene(rows[experiment.hash], experiment)
    labelled = [rows[e.hash] | {"name": e.label} for e in experiments if e.hash in rows]
    return SweepResult(labelled, failures)


def plan(experiments: Sequence[Experiment], store: Store, jobs: int = 1) -> str:
    """What a sweep would do: runs known, runs to do, and the time they should take judged by rows in the ledger."""
    rows = store.rows()
    todo = [e for e in experiments if e.hash not in rows]
    seconds, unknown = expected_seconds(todo, typical_seconds(rows.values()))
    text = f"{len(experiments)} runs, {len(experiments) - len(todo)} known, {len(todo)} to do"
    if todo:
        text += f", about {seconds / 60 / max(jobs, 1):.1f} min with {jobs} job(s)"
        text += f" and {unknown} run(s) of unknown length" if unknown else ""
    return text


def _work(todo: list[Experiment], store: Store, jobs: int):
    """Yield (experiment, row or None, reason) as runs finish."""
    if jobs <= 1:
        for experiment in todo:
            yield experiment, *attempt(experiment, store)
        return
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=end_with_parent) as pool:
        waiting = {pool.submit(attempt_alone, experiment, store): experiment for experiment in todo}
        for done in as_completed(waiting):
            try:
                row, reason = done.result()
            except Exception as error:  # the process died: say so, the other runs are in the ledger
                row, reason = None, f"its process ended: {error or type(error).__name__}"
            yield waiting[done], row, reason


def _line(experiment: Experiment, row: dict[str, Any]) -> str:
    name = f"{experiment.label} · {experiment.scene} · {experiment.split_name} · seed {experiment.seed}"
    return f"{name}: OA {row['oa']:.4f}  AA {row['aa']:.4f}  kappa {row['kappa']:.4f}  {row['seconds']:.1f} s"
