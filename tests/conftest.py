"""What all tests share: figures without a screen, the same examples every time, slow notebooks last."""

import gc
import os
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# No deadline: a busy machine must not fail a test that a quiet one passes.
hypothesis.settings.register_profile("same-every-time", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same-every-time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones last: notebooks, then the browser, which loads what the notebooks trained."""
    place = lambda item: ("browser" in item.path.parts, item.get_closest_marker("notebooks") is not None)  # noqa: E731
    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What the imports brought stays: no collection of garbage looks at these millions of objects again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def runs_of_notebooks() -> dict[str, Path]:
    """Profile -> folder of the runs that executed notebooks left in this session."""
    return {}
