"""Chromium and JupyterLab for the browser tests; pictures of what they saw are kept in build/browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BUILD = Path(__file__).parents[2] / "build" / "browser"
NO_CHROMIUM = "no Chromium on this machine; install Debian's package chromium"


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None and os.environ.get("CI"):
        pytest.fail(NO_CHROMIUM)
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    from lab import FLAGS
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory, runs_of_notebooks):
    """A JupyterLab as it is after `make workbook`: notebooks load what the quick profile trained and laid out in this
    session; without it they train once for all."""
    from lab import LabServer

    folder, runs = tmp_path_factory.mktemp("lab"), runs_of_notebooks.get("quick", BUILD / "runs")
    if (pictures := runs.parent / "cache").is_dir():
        shutil.copytree(pictures, folder / "build" / "quick" / "cache")
    server = LabServer(folder, runs)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shot():
    """Keep a picture of the page in build/browser."""
    BUILD.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=BUILD / f"{name}.png")


@pytest.fixture(scope="module")
def opened(chromium, server, shot):
    """Open a notebook and run all its cells; at the end no callback may have failed and no console complained."""
    from lab import Notebook

    books = []

    def open_notebook(name: str, seconds: float = 300) -> Notebook:
        page = chromium.new_page(viewport={"width": 1280, "height": 1500})
        book = Notebook(page, server, server.add(Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb"), seconds)
        books.append((name, book))
        return book

    yield open_notebook
    for name, book in books:
        shot(book.page, f"{name}_end")
        failed, console = book.callback_errors(), book.console
        book.close()
        assert failed == []
        assert console == []


@pytest.fixture(scope="module")
def book(opened, request):
    """The notebook that a test module names, all its cells run."""
    return opened(request.module.NOTEBOOK)


@pytest.fixture
def board(book, request):
    """The explorer that a test module names by its variable."""
    from lab import Board

    return Board(book, request.module.X)
