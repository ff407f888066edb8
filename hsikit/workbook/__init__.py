"""Execute the notebooks of a profile in order, each only when something it depends on has changed.

    hsikit workbook --profile quick
    hsikit workbook --profile paper --only 30 --force

A notebook is named by its stem, such as `30_mmlgnet`. `notebooks/profiles/<profile>.yaml` maps stems to
parameters; those under `common` go to every notebook that has them. Executed copies land in
`build/<profile>/notebooks/`, what notebooks write in the folder they get as `out_dir`, `build/<profile>/`, and a page
that shows it all in `build/site/`.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from glob import escape, glob
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from hsikit._util import write_text
from hsikit._util.errors import HsikitError, door, needs

log = logging.getLogger(__name__)

EMBEDDED_ONLY = "quick"  # this profile must give the same on every machine, so it does not see HSIKIT_DATA
KERNEL = "hsikit-workbook"
BANNERS = {"injected-parameters", "papermill-error-cell-tag"}  # cells that papermill adds to the copy


class WorkbookError(HsikitError, ValueError):
    """A notebook or profile that cannot be run as it stands. The message names what to change."""


@dataclass(frozen=True)
class Failure:
    """Where a notebook stopped: its stem, the number of the cell from 1, the error in one line."""

    notebook: str
    cell: int
    message: str


@dataclass
class WorkbookResult:
    """What a call of `run_workbook` did and what now lies under `out`; `page` shows it in a browser."""

    profile: str
    out: Path
    executed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failure: Failure | None = None
    page: Path | None = None

    def files(self) -> dict[str, list[Path]]:
        """Tables, figures and executed notebooks under `out`, by kind."""
        kinds = {"tables": (".md", ".csv"), "figures": (".png", ".svg", ".pdf"), "notebooks": (".ipynb",)}
        return {kind: [f for f in sorted((self.out / kind).glob("*")) if f.suffix in ends]
                for kind, ends in kinds.items()}  # fmt: skip

    def summary(self) -> str:
        """Lines that name every file made, then how it went."""
        lines = []
        for kind, files in self.files().items():
            lines += [f"{kind}:", *(f"  {_shown(file)}" for file in files)] if files else [f"{kind}: none"]
        if self.page:
            lines.append(f"to look at all of it, open {_shown(self.page)}")
        lines.append(f"profile {self.profile}: {len(self.executed)} executed, {len(self.skipped)} unchanged")
        if self.failure:
            copy = self.out / "notebooks" / f"{self.failure.notebook}.ipynb"
            lines.append(f"FAILED {self.failure.notebook}, cell {self.failure.cell}: {self.failure.message}")
            lines.append(f"  what it did until then: {_shown(copy)}; the same command goes on from here")
        return "\n".join(lines)


@door
def run_workbook(
    profile: str = "quick",
    only: str | None = None,
    force: bool = False,
    root: Path | None = None,
    build: Path | None = None,
) -> WorkbookResult:
    """Execute `root/notebooks/*.ipynb` with the parameters of a profile, stopping at the first that fails.

    What is there in the end, also of earlier calls, is shown by the pages in `site` beside the profile's folder.

    A notebook is skipped when its cells, parameters and inputs, the code of hsikit and the installed packages
    are what they were when it last succeeded, and what it made is still there. Its inputs are the paths or
    patterns in its metadata under `hsikit.inputs`, relative to `root`; `{out_dir}` is the profile's folder.

    Args:
        only: A stem or its number, such as "30"; default all.
        force: Execute also what has not changed.
        root: The project's folder; default the current one.
        build: Parent of the profile's folder and of `site`; default `root/build`.

    Raises:
        WorkbookError: When there is no such profile or notebook, or a parameter is set that no notebook has.

    Example:
        >>> hsikit.run_workbook("quick", only="00").failure is None  # in the project's folder
        True
    """
    from tqdm.auto import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    with needs("workbook", "the workbook"):
        import papermill  # noqa: F401  loads the notebook formats, a second

        from hsikit.workbook.pages import write_pages, write_reference
        from hsikit.workbook.site import write_site  # loads nbconvert and pandas

    root = (root or Path.cwd()).resolve()
    out = (build or root / "build").resolve() / profile
    plan = _plan(profile, only, root, out)
    copies = out / "notebooks"
    copies.mkdir(parents=True, exist_ok=True)
    result = WorkbookResult(profile, out)
    code = _code_hash()
    with _environment(profile, root, out), tqdm(plan.items(), unit="notebook", disable=None) as bar:
        for source, parameters in bar:
            bar.set_description(source.stem)
            copy, stamp = copies / source.name, copies / f"{source.stem}.stamp.json"
            key = _key(source, parameters, root, out, code)
            if not force and _current(copy, stamp, key, out):
                result.skipped.append(source.stem)
                continue
            for old in (stamp, copy):  # what is there from now on is of this run
                old.unlink(missing_ok=True)
            before, start = _written(out), time.perf_counter()
            result.failure = _execute(source, copy, parameters)
            if result.failure:
                break
            made = sorted(name for name, when in _written(out).items() if before.get(name) != when)
            write_text(stamp, json.dumps({"key": key, "made": made}, indent=1))
            result.executed.append(source.stem)
            with logging_redirect_tqdm():
                log.info("%s: %.0f s", source.stem, time.perf_counter() - start)
    stopped = result.failure
    problems = {stopped.notebook: f"cell {stopped.cell}: {stopped.message}"} if stopped else {}
    write_pages(out.parent / "site", root)
    if (root / "hsikit").resolve() == Path(__file__).parents[1]:  # in the project's own folder
        write_reference(out.parent / "site")
    result.page = write_site(out, sorted((root / "notebooks").glob("*.ipynb")), problems)
    return result


# --- what to run ---------------------------------------------------------------------------------


def literals(source: Path) -> dict[str, Any]:
    """Names and values that the cell tagged `parameters` of a notebook sets.

    Raises:
        WorkbookError: When there is no such cell, or it holds anything but plain literals.
    """
    import nbformat

    cells = nbformat.read(source, as_version=4).cells
    cells = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise WorkbookError(f"{source.name} has {len(cells)} cells tagged 'parameters'; it needs one")
    found = {}
    line: Any
    for line in ast.parse(cells[0].source).body:
        try:
            (target,) = line.targets
            found[target.id] = ast.literal_eval(line.value)
        except (AttributeError, ValueError):
            raise WorkbookError(
                f"{source.name}: {ast.unparse(line)!r} in the parameters cell is not `name = plain literal`; "
                "move it to another cell"
            ) from None
    return found


def profile_parameters(profile: str, root: Path) -> dict[Path, dict[str, Any]]:
    """The parameters that a profile gives to each notebook under `root/notebooks`, in order.

    Raises:
        WorkbookError: When the profile is not there, or names a notebook or a parameter that does not exist.
    """
    folder = root / "notebooks"
    sources = sorted(folder.glob("*.ipynb"))
    if not sources:
        raise WorkbookError(f"there is no notebook in {folder}; run this in the project's folder")
    file = folder / "profiles" / f"{profile}.yaml"
    if not file.is_file():
        there = ", ".join(sorted(f.stem for f in file.parent.glob("*.yaml"))) or "none"
        raise WorkbookError(f"there is no profile {profile!r} ({file}); known: {there}")
    sections = yaml.safe_load(file.read_text()) or {}
    if not isinstance(sections, dict) or not all(isinstance(s, dict | None) for s in sections.values()):
        raise WorkbookError(f"{file} must map notebook names, or common, to mappings of parameters")
    common = sections.pop("common", None) or {}
    known = {source: literals(source) for source in sources}
    stems = {source.stem: names for source, names in known.items()}
    for section, values in {"common": common, **sections}.items():
        if section != "common" and section not in stems:
            raise WorkbookError(f"{file}: no notebook is called {section!r}; there are {', '.join(stems)}")
        names = set[str]().union(*stems.values()) if section == "common" else stems[section]
        if strangers := [name for name in values or {} if name not in names]:
            raise WorkbookError(f"{file}: {section} has no {strangers[0]!r}, only {', '.join(sorted(names))}")
    return {
        source: {k: v for k, v in common.items() if k in names} | (sections.get(source.stem) or {})
        for source, names in known.items()
    }


def _plan(profile: str, only: str | None, root: Path, out: Path) -> dict[Path, dict[str, Any]]:
    plan = profile_parameters(profile, root)
    # Kernels start in notebooks/, as JupyterLab starts them; a relative path names no folder of this machine.
    where = os.path.relpath(out, root / "notebooks") if out.is_relative_to(root) else str(out)
    plan = {source: {**values, "out_dir": where} for source, values in plan.items()}
    if only is None:
        return plan
    picked = {s: v for s, v in plan.items() if s.stem == only or s.stem.startswith(f"{only}_")}
    if not picked:
        raise WorkbookError(f"no notebook is called {only!r}; there are {', '.join(s.stem for s in plan)}")
    return picked


# --- has anything changed ------------------------------------------------------------------------


def _key(source: Path, parameters: Mapping[str, Any], root: Path, out: Path, code: str) -> str:
    import nbformat

    book = nbformat.read(source, as_version=4)
    inputs = {}
    for pattern in book.metadata.get("hsikit", {}).get("inputs", []):
        for name in sorted(glob(pattern.replace("{out_dir}", escape(str(out))), root_dir=root)):
            inputs[name] = hashlib.sha256((root / name).read_bytes()).hexdigest()
    facts = {
        "cells": [(c.cell_type, c.source) for c in book.cells],  # outputs and ids may differ
        "parameters": parameters,
        "inputs": inputs,
        "code": code,
        "data": os.environ.get("HSIKIT_DATA"),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _code_hash() -> str:
    """Of the interpreter, the installed packages and every file of hsikit."""
    packages = sorted(f"{d.name}=={d.version}" for d in metadata.distributions())
    digest = hashlib.sha256(repr((sys.version, packages)).encode())
    package = Path(__file__).parents[1]
    for file in sorted(package.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _current(copy: Path, stamp: Path, key: str, out: Path) -> bool:
    try:
        noted = json.loads(stamp.read_text())
    except (OSError, json.JSONDecodeError):
        return False
    return copy.exists() and noted["key"] == key and all((out / name).exists() for name in noted["made"])


def _written(out: Path) -> dict[str, int]:
    """What notebooks wrote into the profile's folder (copies and runs apart), with times of writing."""
    return {str(f.relative_to(out)): f.stat().st_mtime_ns for kind in out.iterdir()
            if kind.name not in ("notebooks", "runs") for f in (kind, *kind.rglob("*"))
            if f.is_file() and f.suffix != ".lock"}  # fmt: skip


# --- running one ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _environment(profile: str, root: Path, out: Path) -> Iterator[None]:
    """Kernels on this very interpreter, free of the user's Jupyter and IPython set-up, with our settings."""
    import papermill.log
    from ipykernel.kernelspec import write_kernel_spec

    runs = os.environ.get("HSIKIT_RUNS", str(root / "runs"))
    ledger = os.environ.get("HSIKIT_LEDGER", str(root / "figures" / "tables" / "runs.jsonl"))
    if profile == EMBEDDED_ONLY:  # writes under its own folder only
        runs, ledger = str(out / "runs"), str(out / "tables" / "runs.jsonl")
    settings = {"HSIKIT_RUNS": runs, "HSIKIT_LEDGER": ledger, "PYTHONHASHSEED": "0",
                "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
                "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin stand in each other's way on a busy machine
                "MPLBACKEND": "module://matplotlib_inline.backend_inline",
                "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # fmt: skip
    saved = dict(os.environ)
    level = papermill.log.logger.level
    with tempfile.TemporaryDirectory(prefix="hsikit-") as folder:
        # A kernel on sys.executable; it would tell of loopback without encryption, and of the interrupt that ends it.
        quiet = ["--IPKernelApp.log_level=CRITICAL"]
        write_kernel_spec(Path(folder) / "kernels" / KERNEL, extra_arguments=quiet)
        os.environ |= settings | {"JUPYTER_PATH": folder, "IPYTHONDIR": folder, "JUPYTER_RUNTIME_DIR": folder}
        if profile == EMBEDDED_ONLY:
            os.environ.pop("HSIKIT_DATA", None)
        papermill.log.logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            papermill.log.logger.setLevel(level)
            os.environ.clear()
            os.environ.update(saved)


def _execute(source: Path, copy: Path, parameters: Mapping[str, Any]) -> Failure | None:
    """Run one notebook into its copy, which is saved after every cell: a failure keeps what came before."""
    import papermill

    try:
        papermill.execute_notebook(source, copy, dict(parameters), kernel_name=KERNEL, language="python",
                                   progress_bar=False, cwd=source.parent, start_timeout=180)  # fmt: skip
    except Exception as error:  # a notebook may fail in any way: by its own error, a dead kernel, a full disk
        log.debug("%s", source.stem, exc_info=True)
        return _failure(source, copy, error)
    finally:
        if copy.exists():
            _strip(copy)
    return None


def _failure(source: Path, copy: Path, error: Exception) -> Failure:
    import nbformat

    message = f"{getattr(error, 'ename', type(error).__name__)}: {getattr(error, 'evalue', error)}"
    number = 0
    if copy.exists():
        cells = nbformat.read(copy, as_version=4).cells
        cells = [cell for cell in cells if not BANNERS & set(cell.metadata.get("tags", []))]
        notes = [cell.metadata.get("papermill", {}) for cell in cells]
        ran = [i for i, note in enumerate(notes, 1) if note.get("start_time")]
        failed = [i for i, note in enumerate(notes, 1) if note.get("exception")]
        number = (failed or ran or [0])[-1]  # a dead kernel marks nothing: it died in the last cell begun
    return Failure(source.stem, number, message.strip().splitlines()[0])


def _strip(copy: Path) -> None:
    """Drop widget state, and beside a PNG its HTML twin and widget view: readers offline see only the PNG."""
    import nbformat

    book = nbformat.read(copy, as_version=4)
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        if "outputs" in cell:
            cell.outputs = [
                o for o in cell.outputs if 'class="hsikit-left"' not in o.get("data", {}).get("text/html", "")
            ]
    for output in (output for cell in book.cells for output in cell.get("outputs", [])):
        if "image/png" in output.get("data", {}):
            output.data.pop("text/html", None)
            output.data.pop("application/vnd.jupyter.widget-view+json", None)
    write_text(copy, nbformat.writes(book))


def _shown(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
