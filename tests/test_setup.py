"""The set-up agrees with itself: dependencies, pins, conda file, README commands, a light import."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from hsikit.cli import build_parser

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [Requirement(r) for r in PROJECT["dependencies"] + [r for rs in EXTRAS.values() for r in rs]]
OTHERS = [r for r in REQUIREMENTS if r.name != PROJECT["name"]]  # an extra may take others of the same project in


def pins() -> dict[str, str]:
    """Constrained version of each package, by its canonical name."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line.strip() and not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs), "every line of constraints.txt is name==version"
    return {canonicalize_name(name): version for name, version in pairs}


@pytest.mark.parametrize("requirement", OTHERS, ids=str)
def test_constraints_hold_every_dependency_within_its_bounds(requirement):
    version = pins().get(canonicalize_name(requirement.name))
    assert version is not None, f"constraints.txt does not pin {requirement.name}"
    assert requirement.specifier.contains(version), f"{requirement} forbids the pinned {version}"


def test_constraints_carry_no_local_version_tags():
    assert [f"{name}=={version}" for name, version in pins().items() if "+" in version] == []


def test_torch_and_torchvision_are_the_pair_that_belongs_together():
    assert (pins()["torch"], pins()["torchvision"]) == ("2.13.0", "0.28.0")
    install = next(line for line in makefile().splitlines() if " install " in line)
    assert {"torch", "torchvision", "constraints.txt"} <= set(install.split())


def test_every_dependency_line_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text()
    lines = re.findall(r'^    ".+$', text, flags=re.MULTILINE)
    assert len(lines) == len(REQUIREMENTS)
    assert [line for line in lines if not re.search(r'",\s+# \S', line)] == []


def test_conda_file_brings_only_python_pip_and_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, project = environment["dependencies"]
    assert pip == "pip"
    assert project == {"pip": ["-e .[workbook]"]}
    assert python.startswith("python")
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


def test_extras_that_an_extra_takes_in_are_there_and_gpl_code_is_not_in_the_base():
    taken = {extra for r in REQUIREMENTS if r.name == PROJECT["name"] for extra in r.extras}
    assert taken == {"text", "embed", "simulate", "stats"} <= set(EXTRAS)
    base = {canonicalize_name(Requirement(r).name) for r in PROJECT["dependencies"]}
    assert base.isdisjoint({"prosail", "transformers", "open-clip-torch", "umap-learn", "opentsne", "statsmodels"})
    assert base.isdisjoint(canonicalize_name(Requirement(r).name) for rs in EXTRAS.values() for r in rs)


def test_ci_installs_the_base_alone_and_runs_the_readmes_example():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    (install, run) = [step["run"] for step in workflow["jobs"]["base"]["steps"] if "run" in step]
    assert install.endswith("-c constraints.txt torch -e .")
    assert run == "python tests/test_base.py"


def test_ci_and_workflow_call_the_same_two_commands():
    script = (ROOT / ".ci" / "run").read_text()
    assert [line for line in script.splitlines() if line.startswith("make ")] == ["make lint", "make test"]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = workflow["jobs"]["check"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make lint", "make test"]


def test_hooks_before_a_commit_call_tools_of_the_checks_and_fetch_nothing():
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = {hook["id"]: hook for hook in repos[0]["hooks"]}
    assert set(hooks) == {"ruff", "ruff-format", "nbstripout", "mypy", "import-linter"}
    for name, hook in hooks.items():
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
        assert canonicalize_name(name.removesuffix("-format")) in pins()


def test_make_help_tells_of_every_target():
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    targets = re.search(r"^\.PHONY: (.+)$", makefile(), flags=re.MULTILINE)[1].split()
    assert sorted(line.split()[1] for line in told.splitlines()) == sorted(targets)
    assert all(len(line.split()) > 3 for line in told.splitlines())


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "hsikit" / "py.typed").read_text() == ""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert build == {"packages": ["hsikit"]}  # all that is in the folder


def test_citation_names_software_and_both_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["title"], citation["version"]) == ("hsikit", PROJECT["version"])
    papers = {r["title"]: r["identifiers"][0]["value"] for r in citation["references"]}
    assert papers == {"MMLGNet": "arXiv:2601.08420", "SDHSI-Net": "arXiv:2601.07416"}


# --- README --------------------------------------------------------------------------------------


def makefile() -> str:
    return (ROOT / "Makefile").read_text()


def commands(text: str) -> list[str]:
    """Every `make ...` and `hsikit ...` among the code of a Markdown text, one a command."""
    fences = re.findall(r"^```(?:bash|sh|shell|console)?\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    lines = [line.split("#")[0] for code in fences + inline for line in code.splitlines()]
    parts = [part.strip().removeprefix("$ ") for line in lines for part in re.split(r"&&|;|\s\|\s|>", line)]
    parts = [re.sub(r"^(\w+=\S+\s+)+", "", part) for part in parts]  # VARIABLE=value before a command
    return [re.sub(r"^\S*/(?=hsikit )", "", p) for p in parts if re.match(r"(\S*/)?(make|hsikit) \S", p)]


def unknown(command: str) -> str | None:
    """Why a command does not exist, or None."""
    program, *arguments = shlex.split(command)
    if program == "make":
        targets = set(re.findall(r"^([a-z]+):", makefile(), flags=re.MULTILINE))
        wrong = [a for a in arguments if "=" not in a and not a.startswith("-") and a not in targets]
        return f"make has no {wrong[0]}" if wrong else None
    try:
        build_parser().parse_args(arguments)
    except SystemExit as exit_:
        return None if exit_.code == 0 else f"hsikit cannot read {command!r}"
    return None


TEXTS = [str(file.relative_to(ROOT)) for file in sorted((ROOT / "hsikit" / "workbook" / "texts").glob("*.md"))]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".github/pull_request_template.md", *TEXTS]


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_a_page_names_exist(page):
    assert {c: why for c in commands((ROOT / page).read_text()) if (why := unknown(c))} == {}


def test_every_link_and_picture_of_the_readme_is_there():
    text = (ROOT / "README.md").read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith(("https://", "../../actions/"))]
    assert len(links) > 12
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []
    assert all(alt for alt in re.findall(r"!\[([^\]]*)\]", text))
    papers = re.findall(r"https://arxiv.org/abs/([\d.]+)", text)
    assert papers == ["2601.08420", "2601.07416"]


def test_the_check_of_the_readme_sees_what_is_wrong():
    text = """Type `make nosuch` or `hsikit scenes`; the package `hsikit` and `import hsikit` are no commands.

```bash
git clone x && make workbook   # then make coffee
HSIKIT_DATA=x .venv/bin/hsikit nosuch --json | head
hsikit workbook --profile quick --nosuch
```

```python
make = hsikit
```
"""
    found = commands(text)
    assert found == ["make workbook", "hsikit nosuch --json", "hsikit workbook --profile quick --nosuch",
                     "make nosuch", "hsikit scenes"]  # fmt: skip
    assert [unknown(command) is None for command in found] == [True, False, False, False, True]


# --- the package ---------------------------------------------------------------------------------


def test_import_does_not_load_torch():
    code = "import sys, hsikit; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_public_name_is_not_lost_to_the_module_of_the_same_name():
    code = "import hsikit, hsikit.separation\nimport hsikit.separation\nhsikit.separation.__kwdefaults__"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_paper_fetches_scenes_that_can_be_fetched_and_runs_studies_that_are_shipped():
    from hsikit.experiments import expand
    from hsikit.scenes.registry import SCENES, facts

    joined = makefile().replace("\\\n", " ")
    named = {key: re.search(rf"^{key} = (.+)$", joined, re.MULTILINE)[1].split() for key in ("SCENES", "STUDIES")}
    for scene in named["SCENES"]:
        assert scene in SCENES
        assert not facts(scene).manual
    wanted = {e.scene for study in named["STUDIES"] for e in expand(study)}
    needing = {scene for scene in wanted if any(file.required for file in facts(scene).files)}
    assert needing == set(named["SCENES"])
