"""The whole suite in two processes side by side, which is what `make test` does; two cores take half the time.

    python tests/suite.py

Prints what each process said, the seconds of each part, the coverage of both together, and one line of totals; fails
where either fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The explorers of the feature space and of words, and the gallery, open what the notebooks made: these stay together.
# Everything else, also what is added one day, is in the first half.
TOGETHER = (
    "tests/notebooks/test_run_workbook.py",
    "tests/browser/test_feature_space.py",
    "tests/browser/test_gallery.py",
    "tests/browser/test_prompts.py",
)
HALVES = {"units": tuple(f"--ignore={place}" for place in TOGETHER), "notebooks": TOGETHER}
LEAST_S = 2.0  # parts below this are told together


def main(halves: Mapping[str, Sequence[str]] = HALVES, root: Path = ROOT, package: str = "hsikit") -> int:
    """Run pytest once with each half's arguments, both at once; 0 where all is well."""
    build = root / "build" / "tests"
    build.mkdir(parents=True, exist_ok=True)
    for old in (*build.glob("*.xml"), *build.glob("coverage.*")):
        old.unlink()
    start = time.perf_counter()
    codes = side_by_side(halves, root, build, package)
    reports = {name: build / f"{name}.xml" for name in halves}
    covered(root, build, [build / f"coverage.{name}" for name in halves])
    told = [test for report in reports.values() if report.is_file() for test in tests_of(report)]
    print(f"\n{'part':<28}seconds")
    for part, seconds in parts(told):
        print(f"{part:<28}{seconds:7.1f}")
    for name, report in reports.items():
        inside = sum(float(t.get("time", 0)) for t in tests_of(report)) if report.is_file() else float("nan")
        print(f"{name}: ended with exit code {codes[name]}, {inside:.0f} s in tests")
    print(f"both side by side: {time.perf_counter() - start:.0f} s\n")
    print(totals(told), flush=True)
    return int(any(codes.values()) or not told)


def side_by_side(halves: Mapping[str, Sequence[str]], root: Path, build: Path, package: str) -> dict[str, int]:
    """Exit code of each half; the first writes as it goes, the others into files that are shown afterwards."""
    running = {}
    for place, (name, arguments) in enumerate(halves.items()):
        # A core for each: threads of two processes on two cores would only wait for each other.
        env = os.environ | {"COVERAGE_FILE": str(build / f"coverage.{name}"), "OMP_NUM_THREADS": "1",
                            "OMP_WAIT_POLICY": "PASSIVE"}  # fmt: skip
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={build / f'{name}.xml'}", f"--cov={package}",
                   "--cov-report=", *arguments]  # fmt: skip
        log = None if place == 0 else (build / f"{name}.log").open("w")
        running[name] = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=log), log
    codes = {}
    for name, (process, log) in running.items():
        codes[name] = process.wait()
        if log is not None:
            log.close()
            print(f"\n--- {name} ---\n{(build / f'{name}.log').read_text()}", flush=True)
    return codes


def covered(root: Path, build: Path, files: Sequence[Path]) -> None:
    """Print the coverage of all halves together."""
    env = os.environ | {"COVERAGE_FILE": str(root / ".coverage")}
    there = [str(file) for file in files if file.is_file()]
    for arguments in (["combine", "-q", *there], ["report"]):
        subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=root, env=env, check=False)


# --- what the reports say ------------------------------------------------------------------------


def tests_of(report: Path) -> list[ET.Element]:
    """The tests of a report in JUnit's form."""
    return ET.parse(report).getroot().findall(".//testcase")


def parts(tests: Sequence[ET.Element]) -> list[tuple[str, float]]:
    """Seconds of each folder of tests, and of each file beside the folders, most first; small ones together."""
    seconds: Counter[str] = Counter()
    for test in tests:
        path = test.get("classname", "").split(".")  # tests.explore.test_kernel, tests.test_train
        seconds[path[1] if len(path) > 1 else path[0]] += float(test.get("time", 0))
    large = [(part, s) for part, s in seconds.most_common() if s >= LEAST_S]
    rest = sum(seconds.values()) - sum(s for _, s in large)
    return [*large, ("the rest", rest)]


def totals(tests: Sequence[ET.Element]) -> str:
    """Such as "1496 passed, 0 failed, 1 skipped"; an error before or after a test is a failure."""
    how = Counter(next((child.tag for child in test if child.tag in ("failure", "error", "skipped")), "passed")
                  for test in tests)  # fmt: skip
    return f"{how['passed']} passed, {how['failure'] + how['error']} failed, {how['skipped']} skipped"


if __name__ == "__main__":
    sys.exit(main())
