import pytest
from tiny import write_site

from hsikit.experiments import ledger


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The tiny scene's folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    ledger._content.cache_clear()
    write_site(tmp_path)
    return tmp_path
