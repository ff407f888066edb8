"""Agencies' products, recognised by what is in them: a loader each, which fills a `Layer` from a file or folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from hsikit.scenes.layers import Layer

LOADERS: tuple[str, ...] = ()  # modules of this folder, each with `open_product(path) -> Layer | None`


def open_product(path: Path) -> Layer | None:
    """The cube of a product, or None where the path is none that a loader recognises."""
    layers = (import_module(f"{__name__}.{name}").open_product(path) for name in LOADERS)
    return next((layer for layer in layers if layer is not None), None)
