"""Chromium and JupyterLab for the browser tests, which run where HSIKIT_BROWSER is set (`make browser`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOTS = Path(__file__).parents[2] / "build" / "browser"


@pytest.fixture(scope="session")
def chromium():
    if not os.environ.get("HSIKIT_BROWSER"):
        pytest.skip("a browser is driven where HSIKIT_BROWSER is set: make browser")
    if CHROMIUM is None:
        pytest.fail("no Chromium on this machine; install Debian's package chromium")
    from lab import FLAGS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    from lab import LabServer

    server = LabServer(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shot():
    """Keep a picture of the page in build/browser."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=SHOTS / f"{name}.png")
