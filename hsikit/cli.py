"""The command line: `hsikit VERB ...`, each verb a few lines over the function of the same name.

Exit codes: 0 done, 1 something failed, 2 the input was wrong, 130 interrupted.
`HSIKIT_DEBUG=1` shows tracebacks.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from hsikit import __version__
from hsikit._util.errors import DiskError, HsikitError

INPUT_ERRORS = {"SceneError", "SplitError", "ConfigError"}  # of a run; any other error is not the user's
# Heavy imports stay inside the handlers: `hsikit --help` answers at once.


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argparse itself exits with 2 where it cannot read `argv`."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.verb is None:
        _say(parser.format_help().rstrip())
        return 0
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("hsikit").setLevel(logging.INFO)
    # A user's own networks and losses lie beside the config; last, so that a file there never stands for a library.
    if args.verb in ("run", "sweep") and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return args.handler(args) or 0
    except KeyboardInterrupt:
        return _complain("interrupted; the same command goes on from here", 130)
    except Exception as error:
        if os.environ.get("HSIKIT_DEBUG") == "1":
            raise
        # Errors of scenes, splits and configs are ValueErrors; a missing path is the user's to mend.
        wrong_input = isinstance(error, ValueError | FileNotFoundError) and not isinstance(error, DiskError)
        ours = wrong_input or isinstance(error, HsikitError)
        text = str(error) if ours else f"{type(error).__name__}: {error} (HSIKIT_DEBUG=1 shows where)"
        return _complain(text, 2 if wrong_input else 1)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    parser = argparse.ArgumentParser(prog="hsikit", description="Hyperspectral and LiDAR land-cover mapping.")
    parser.add_argument("--version", action="version", version=f"hsikit {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")

    def verb(name: str, handler: Any, about: str, *positional: str, as_json: bool = False) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=about, description=about)
        sub.set_defaults(handler=handler)
        for argument in positional:
            sub.add_argument(argument.lower(), metavar=argument)
        if as_json:
            sub.add_argument("--json", action="store_true", help="a JSON list of rows on standard output")
        return sub

    def trusting(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--trust", action="append", default=[], metavar="MODULE",
                         help="your own module, whose networks and losses may be run; may be given again")  # fmt: skip

    verb("scenes", _scenes, "List the scenes and say which are in hand.", as_json=True)
    verb("check", _check, "Look for trouble in a scene of your own, with its place and remedy; 1 where there is any.",
         "SCENE")  # fmt: skip
    sub = verb("init", _init, "Write a first YAML for a cube of your own, to be filled in.", "CUBE")
    sub.add_argument("--out", type=Path, metavar="FILE", help="default beside the cube, named after it")
    verb("explore", _explore, "Look at a scene in JupyterLab: its bands, its spectra, its classes.", "SCENE")
    verb("configs", _configs, "List the studies that come along.", as_json=True)
    verb("fetch", _fetch, "Download a scene, or say how to get it.", "NAME")

    sub = verb("workbook", _workbook, "Execute the notebooks of a profile; what has not changed is skipped.")
    sub.add_argument("--profile", default="quick", help="quick (embedded data, minutes) or paper; default quick")
    sub.add_argument("--only", metavar="30", help="one notebook, by name or number")
    sub.add_argument("--force", action="store_true", help="also what has not changed")

    for name, about in (
        ("run", "Train and score what a config describes, in this process."),
        ("sweep", "Train and score what a config describes, several runs at a time."),
    ):
        sub = verb(name, _sweep, f"{about} What the ledger holds is not run again.", "CONFIG", as_json=True)
        sub.add_argument("--seeds", type=_count, metavar="N", help="seeds 0 to N-1 instead of the config's")
        sub.set_defaults(jobs=None, dask=None, slurm=False)
        trusting(sub)
        if name == "sweep":
            sub.add_argument("--jobs", type=_count, metavar="N", help="processes at a time; default 1, 2 with --dask")
            where = sub.add_mutually_exclusive_group()
            where.add_argument("--dask", nargs="?", const="", metavar="ADDRESS",
                               help="on the Dask workers at tcp://..., or on N new ones of this machine")  # fmt: skip
            where.add_argument("--slurm", action="store_true",
                               help="run in N Slurm jobs, set up as ~/.config/dask/jobqueue.yaml says")  # fmt: skip

    sub = verb("cost", _cost, "What is left of studies: runs, multiply-accumulates, hours of a core, disk, memory.",
               as_json=True)  # fmt: skip
    sub.add_argument("configs", nargs="+", metavar="CONFIG")

    sub = verb("table", _table, "Show a results table from the ledger, or list the tables.", as_json=True)
    sub.add_argument("name", nargs="?", metavar="NAME")
    sub.add_argument("--commit", action="store_true", help="write it under figures/tables as well")

    about = "Run both methods on a scene, with the settings of this project's claims: where they win and lose."
    sub = verb("claims", _claims, about, "SCENE", as_json=True)
    sub.add_argument(
        "--seeds", type=_count, metavar="N", help="partitions 0 to N-1 of its fields; default the studies' own"
    )

    sub = verb("predict", _predict, "Map a scene with a trained run (its hash, or a folder).", "RUN", "SCENE")
    trusting(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help="GeoTIFF (.tif) or Zarr (.zarr) to write")
    sub.add_argument("--memory", type=_gigabytes, default=1.0, metavar="GB",
                     help="what mapping may hold beside the libraries; a larger scene, a raster or a Zarr given as "
                     "SCENE, and a map in Zarr are mapped chunk by chunk, classes only, and go on after a cut; "
                     "default 1")  # fmt: skip

    sub = verb(
        "referee", _referee, "Judge anyone's map on anyone's split: what its score can show.", "SCENE", as_json=True
    )
    sub.add_argument("--split", required=True, metavar="FILE", help="split.npz, or two rasters: train.tif,test.tif")
    sub.add_argument("--prediction", required=True, metavar="FILE", help="classes of every pixel: a raster, or an npz")
    sub.add_argument("--window", type=_count, default=11, metavar="N", help="side of the method's windows; default 11")
    sub.add_argument("--out", type=Path, default=Path("report.html"), metavar="FILE", help="default report.html")

    verb("bench", _bench, "Time what the project promises to be fast (10 minutes); writes figures/tables/speed.csv.",
         as_json=True)  # fmt: skip
    return parser


# --- verbs ---------------------------------------------------------------------------------------


def _scenes(args: argparse.Namespace) -> None:
    from hsikit import scenes

    _show(scenes.available().to_dict("records"), args.json)


def _check(args: argparse.Namespace) -> int:
    from hsikit import scenes

    findings = scenes.load_scene(args.scene).check()
    _say(str(findings))
    return int(len(findings) > 0)


def _init(args: argparse.Namespace) -> None:
    from hsikit.workbook.first_site import first_site

    made = first_site(args.cube, args.out)
    _say(f"{made}\nfill it in, then: hsikit check {made}")


def _explore(args: argparse.Namespace) -> int:
    from hsikit.workbook.look import explore

    return explore(args.scene)


def _configs(args: argparse.Namespace) -> None:
    from hsikit.experiments.config import configs

    if args.json:
        return _show(configs(), True)
    for line in configs():
        for text in (f"{line['config']}: {line['runs']} runs on {line['scenes']}", f"    {line['about']}"):
            _say(textwrap.fill(text, 100, subsequent_indent="    "))


def _fetch(args: argparse.Namespace) -> None:
    from hsikit.scenes import download

    _say("\n".join(map(str, download.fetch(args.name))) or f"{args.name} needs no download")


def _workbook(args: argparse.Namespace) -> int:
    from hsikit.workbook import run_workbook

    result = run_workbook(args.profile, only=args.only, force=args.force)
    _say(result.summary())
    if result.failure:
        where = f"{result.failure.notebook}, cell {result.failure.cell}"
        return _complain(f"{where} failed: {result.failure.message}", 1)
    return 0


def _sweep(args: argparse.Namespace) -> int:
    from hsikit.experiments import expand, load_config, sweep
    from hsikit.tables import against, by_method, gains, pooled, summarise

    trust = {"trust": args.trust} if args.trust else {}
    experiments, config = expand(args.config, args.seeds, **trust), load_config(args.config)
    with _workers(args, experiments) as client:
        result = sweep(experiments, jobs=args.jobs or 1, client=client)
    reference, rows = config.get("reference"), result.rows
    if len({row["config"]["split"].get("partition", 0) for row in rows}) > 1:
        rows = pooled(rows)
    summaries = summarise(rows, reference)
    _show(by_method(summaries, rows) if args.json else summaries, args.json)
    if reference and not args.json and rows:
        _say("\nPaired differences in points, with their 95 % interval over seeds (naive over partitions):")
        _show(against(rows, reference).to_dict("records"), False)
    if config.get("comparisons") and not args.json and rows:
        _say("\nGains in points, paired over seeds, with their 95 % interval; the first is the primary one:")
        _show(gains(rows, config["comparisons"]).to_dict("records"), False)
    if any("unseen" in row for row in rows) and not args.json:
        _say_unseen(rows)
    if any("pairs" in row for row in rows) and not args.json:
        from hsikit.tables import pairs_table

        _say("\nClasses told apart in pairs (AUROC, mean over pairs and draws, jackknife over classes):")
        _show(pairs_table(rows).to_dict("records"), False)
    return _failed(result.failures)


def _cost(args: argparse.Namespace) -> None:
    from hsikit.experiments.costs import cost

    found = cost(*args.configs)
    _show(found.to_dict("records"), args.json)
    if not args.json:
        _say(f"in all {found.missing.sum():,} runs, {found.hours.sum():.1f} hours of one core as in the ledger, "
             f"{found.disk_gb.sum():.1f} GB; a card is sooner, by how much was not measured")  # fmt: skip


def _failed(failures: Sequence[Any]) -> int:
    """Name the runs that failed; the exit code that their reasons make."""
    for failure in failures:
        _complain(f"{failure.experiment.label}, seed {failure.experiment.seed}: {failure.reason}", 1)
    kinds = {failure.reason.split(":")[0] for failure in failures}
    return 0 if not kinds else 2 if kinds <= INPUT_ERRORS else 1


def _workers(args: argparse.Namespace, experiments: Sequence[Any]) -> AbstractContextManager[Any]:
    """The client of the workers asked for, or None for this machine's own processes."""
    from hsikit.experiments import dask_client, slurm_client

    if args.slurm:
        return slurm_client(args.jobs or 1, threads=max(e.train["threads"] for e in experiments))
    return nullcontext() if args.dask is None else dask_client(args.dask or None, args.jobs or 2)


def _say_unseen(rows: list[dict[str, Any]]) -> None:
    from hsikit.tables import unseen_gains, unseen_table

    _say("\nClasses never trained on, found among all test pixels (AUROC, mean over seeds):")
    _show(unseen_table(rows).to_dict("records"), False)
    _say("\nDifferences of AUROC over classes, with their 95 % interval:")
    _show(unseen_gains(rows).to_dict("records"), False)


def _table(args: argparse.Namespace) -> None:
    from hsikit import tables
    from hsikit.experiments.ledger import Store

    if args.name is None and not args.commit:
        return _show(tables.available(), args.json)
    made = tables.make(args.name, commit=args.commit)
    if args.json:
        return _show([{"table": table.name, **line} for table in made for line in tables.numbers(table)], True)
    dressed = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    store = Store.of_environment()
    read = f"Read from {store.ledger}, {len(store.rows()):,} runs."
    _say("\n\n".join([*(tables.for_terminal(table, dressed) for table in made), read]))


def _claims(args: argparse.Namespace) -> int:
    from hsikit.tables import claims_on

    found = claims_on(args.scene, args.seeds)
    _show(found.table.to_dict("records"), args.json)
    for text in found.left_out:
        _complain(text, 0)
    return _failed(found.failures)


def _predict(args: argparse.Namespace) -> None:
    from hsikit.experiments import Store
    from hsikit.predict.large import map_to_file

    folder = Path(args.run) if Path(args.run).is_dir() else Store.of_environment().folder(args.run)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    made = map_to_file(folder, args.scene, args.out, memory_gb=args.memory, progress=True, trust=args.trust)
    _say("\n".join(map(str, made)))


def _referee(args: argparse.Namespace) -> None:
    from hsikit.workbook.referee import referee

    audit = referee(args.scene, args.split, args.prediction, args.window, args.out)
    if args.json:
        return _show([{"verdict": audit.verdict, "findings": audit.sentences, **audit.scores.to_dict()}], True)
    _say("\n".join([audit.verdict, *(f"- {text}" for text in audit.sentences), f"\n{args.out}"]))


def _bench(args: argparse.Namespace) -> None:
    tests = Path(__file__).parents[1] / "tests"
    if not (tests / "bench").is_dir():
        raise ValueError(
            f"the benchmarks are in tests/bench of a checkout, and {tests.parent} is none; clone the project"
        )
    sys.path.insert(0, str(tests))
    import bench  # not part of the package

    rows = bench.measure()
    bench.write(rows, Path("figures"))
    _show(rows, args.json)


# --- reading and showing -------------------------------------------------------------------------


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _gigabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of GB above 0")
    return value


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Rows as a JSON list, or as a table for eyes; JSON has no NaN, so a missing number is null."""
    if as_json:
        _say(json.dumps([{key: _plain(value) for key, value in row.items()} for row in rows], indent=1))
        return
    from hsikit.tables.shown import terminal

    _say(terminal(rows))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    value = value.item() if hasattr(value, "item") else value  # NumPy scalars
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str | None) else _text(value)


def _text(value: Any) -> str | None:
    return None if str(value) == "<NA>" else str(value)  # pandas' missing integer


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str, code: int) -> int:
    sys.stderr.write("hsikit: " + " ".join(text.split()) + "\n")
    return code
