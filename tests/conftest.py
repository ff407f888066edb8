"""What all tests share: figures without a screen, the same examples every time, notebooks and browser together."""

import os
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# No deadline: a busy machine must not fail a test that a quiet one passes.
hypothesis.settings.register_profile("same-every-time", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same-every-time")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones last: notebooks, then the browser, which loads what the notebooks trained.

    With several workers these are one worker's, and come first, so that the others have the rest meanwhile.
    """

    def slow(item: pytest.Item) -> int:
        return 2 if "browser" in item.path.parts else item.get_closest_marker("notebooks") is not None

    for item in items:
        if slow(item):
            item.add_marker(pytest.mark.xdist_group("notebooks and browser"))
    spread = "PYTEST_XDIST_WORKER" in os.environ
    items.sort(key=lambda item: (spread and not slow(item), slow(item)))


@pytest.fixture(scope="session")
def runs_of_notebooks() -> dict[str, Path]:
    """Profile -> folder of the runs that executed notebooks left in this session."""
    return {}
