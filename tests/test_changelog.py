"""The table of moves in CHANGELOG.md leads from every module that there was to one that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "CHANGELOG.md").read_text().partition("### Moved\n")[2].partition("\n#")[0]
MOVED = {old: re.findall(r"`([\w.]+)`", new) for old, new in re.findall(r"^\| `([\w.]+)` \| (.+) \|$", TABLE, re.M)}
BEFORE = (ROOT / "tests" / "frozen" / "modules.txt").read_text().split()  # of the package, before its rooms were moved


def is_there(module: str) -> bool:
    place = ROOT.joinpath(*module.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def test_every_module_that_there_was_is_there_or_in_the_table():
    assert [module for module in BEFORE if not is_there(module) and module not in MOVED] == []


def test_the_table_tells_of_modules_that_there_were():
    assert [old for old in MOVED if old not in BEFORE] == []


@pytest.mark.parametrize("old", MOVED)
def test_a_moved_module_is_where_the_table_says(old):
    assert not is_there(old), f"{old} is still there"
    assert MOVED[old]
    assert [new for new in MOVED[old] if not is_there(new)] == []
