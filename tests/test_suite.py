"""`make test` itself: both halves are run, nothing falls between them, and a failure in either is one of the whole."""

import pytest
import suite

PASSES = "def test_adds():\n    assert 1 + 1 == 2\n\n\ndef test_waits():\n    import pytest\n    pytest.skip('no')\n"
FAILS = "def test_wrong():\n    assert 1 + 1 == 3\n"


@pytest.fixture(autouse=True)
def few_plugins(monkeypatch):
    """Others that are installed take seconds to load."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_cov")


def written(folder, name, text):
    file = folder / "tests" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file.relative_to(folder))


def test_what_is_kept_together_is_there_and_the_units_leave_out_just_that():
    units, notebooks = suite.HALVES.values()
    assert all((suite.ROOT / place).exists() for place in notebooks)
    assert units == tuple(f"--ignore={place}" for place in notebooks)


def test_both_halves_are_counted_and_one_failure_fails_the_whole(tmp_path, capfd):
    halves = {
        "left": [written(tmp_path, "near/test_a.py", PASSES)],
        "right": [written(tmp_path, "test_b.py", FAILS)],
    }
    assert suite.main(halves, tmp_path, "near") == 1
    said = capfd.readouterr().out
    assert said.splitlines()[-1] == "1 passed, 1 failed, 1 skipped"
    assert "left: ended with exit code 0" in said
    assert "right: ended with exit code 1" in said
    assert "assert (1 + 1) == 3" in said, "what the second half said is shown too"
    halves["right"] = [written(tmp_path, "test_b.py", PASSES)]
    assert suite.main(halves, tmp_path, "near") == 0
    assert capfd.readouterr().out.splitlines()[-1] == "2 passed, 0 failed, 2 skipped"


def test_a_half_that_does_not_get_to_its_tests_fails_the_whole(tmp_path, capfd):
    halves = {"left": [written(tmp_path, "test_a.py", PASSES)], "right": ["tests/nowhere"]}
    assert suite.main(halves, tmp_path, "near") == 1
    assert capfd.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_seconds_are_told_by_folder_and_by_file_beside_the_folders(tmp_path):
    cases = "".join(
        f'<testcase classname="{name}" name="t" time="{seconds}"/>'
        for name, seconds in (("tests.explore.test_a", 3), ("tests.explore.test_b.Group", 4), ("tests.test_train", 5),
                              ("tests.text.test_c", 1), ("tests.tables.test_d", 0.5))
    )  # fmt: skip
    report = tmp_path / "x.xml"
    report.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    told = suite.parts(suite.tests_of(report))
    assert told == [("explore", 7.0), ("test_train", 5.0), ("the rest", 1.5)]
