"""Every test here has a cache of its own and, unless it asks, no data folder."""

import os
from pathlib import Path

import pytest

REAL_DATA = os.environ.get("HSIKIT_DATA", "")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty and thrown away."""
    folder = tmp_path / "user_cache"
    monkeypatch.delenv("HSIKIT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: folder / name)
    return folder / "hsikit"


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `HSIKIT_DATA`."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("HSIKIT_DATA", str(folder))
    return folder


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real scenes that `HSIKIT_DATA` named before the tests began."""
    if not REAL_DATA:
        pytest.skip("real scenes: HSIKIT_DATA names no data folder")
    monkeypatch.setenv("HSIKIT_DATA", REAL_DATA)
    return Path(REAL_DATA)
