"""The house in numbers: lines of the core, files, circles of imports, the longest file; fails past the budgets.

    python tests/house.py

A budget is raised only by the commit that adds a capability, and says why.
"""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import networkx

PACKAGE = Path(__file__).parents[1] / "hsikit"
CORE = ("_util", "scenes", "splits", "text", "models", "losses", "patches", "inputs", "fitted", "train",
        "shallow", "predict", "metrics", "areas", "separation", "features", "spectra")  # fmt: skip
# Circles that are there by design. `Scene.plot` and `Scene.check` are doors: the first thing a reader tries on a scene.
DOORS = [{"hsikit.scenes.scene", "hsikit.scenes.check"}, {"hsikit.scenes.scene", "hsikit.scenes.plot"},
         {"hsikit.scenes.scene", "hsikit.scenes.exchange"}]  # fmt: skip
BUDGETS = {
    # What each was raised for stands in the message of the commit that raised it.
    "lines of the core": 14_170,
    "lines in all": 31_400,
    "files": 190,  # state, marks and their two renderers are files of their own
    "modules at the root": 12,
    "circles": 0,
    "lines of the longest file": 450,
}


def lines_of(file: Path) -> int:
    return len(file.read_text().splitlines())


def sources(package: Path = PACKAGE) -> list[Path]:
    return sorted(file for ending in ("py", "js") for file in package.rglob(f"*.{ending}"))


def by_string(file: Path, package: str, modules: set[str]) -> Iterator[str]:
    """Modules that a file names by a dotted path in a string, as `import_module` and `class_at` take it.

    Of a path that is put together, every module that it could mean.
    """
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
            begins = str(first.value)
            yield from (m for m in modules if begins.startswith(f"{package}.") and m.startswith(begins))
        elif isinstance(node, ast.Constant) and re.fullmatch(rf"{package}(\.\w+)+", str(node.value)):
            parts = node.value.split(".")
            yield from next(({m} for n in range(len(parts), 1, -1) if (m := ".".join(parts[:n])) in modules), ())


def circles(package: str = "hsikit", doors: list[set[str]] = DOORS) -> list[list[str]]:
    """Groups of modules that import each other, also inside functions, for types alone or by a string; doors left open.

    The package's own face names all that is public, and is left out.
    """
    graph = grimp.build_graph(package, cache_dir=None)
    arrows = networkx.DiGraph((a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a))
    root = Path(importlib.util.find_spec(package).origin).parent
    for file in {*root.rglob("*.py")} - {root / "__init__.py"}:
        name = ".".join((package, *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        arrows.add_edges_from((name, other) for other in by_string(file, package, graph.modules) if other != name)
    arrows.remove_edges_from([(a, b) for a, b in arrows.edges if {a, b} in doors and a.endswith(".scene")])
    return [sorted(group) for group in networkx.strongly_connected_components(arrows) if len(group) > 1]


def measures() -> dict[str, int]:
    """The numbers that have a budget."""
    files = sources()
    root = [file for file in PACKAGE.glob("*.py") if file.stem not in ("__init__", "__main__")]
    core = [file for file in files if file.relative_to(PACKAGE).parts[0].removesuffix(".py") in CORE]
    return {
        "lines of the core": sum(map(lines_of, core)),
        "lines in all": sum(map(lines_of, files)),
        "files": len(files),
        "modules at the root": len(root),
        "circles": len(circles()),
        "lines of the longest file": max(map(lines_of, files)),
    }


def over(found: dict[str, int], budgets: dict[str, int] = BUDGETS) -> list[str]:
    """A line for each budget that is exceeded."""
    return [f"{name}: {found[name]:,} of {most:,}" for name, most in budgets.items() if found[name] > most]


def main() -> int:
    found = measures()
    longest = max(sources(), key=lines_of).relative_to(PACKAGE.parent)
    sys.stdout.write("\n".join(f"{name:28} {found[name]:7,} of {most:,}" for name, most in BUDGETS.items()))
    sys.stdout.write(f" ({longest})\n" + "".join(f"  circle: {' <-> '.join(c)}\n" for c in circles()))
    if late := over(found):
        sys.stderr.write("over budget: " + "; ".join(late) + "\n")
    return bool(late)


if __name__ == "__main__":
    raise SystemExit(main())
