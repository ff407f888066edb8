"""What all tests share: figures without a screen, the same examples every time, slow notebooks last."""

import os

import hypothesis
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
# No deadline: a busy machine must not fail a test that a quiet one passes.
hypothesis.settings.register_profile("same-every-time", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same-every-time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("notebooks") is not None)
