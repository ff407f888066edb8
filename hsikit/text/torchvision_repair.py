"""The one place that mends a torchvision built for another torch than the one installed.

A CUDA-linked torchvision beside a CPU torch cannot load its compiled operators; its Python part then fails
while it registers shape rules for two of them: ``operator torchvision::nms does not exist``. open_clip and
transformers import torchvision, so no text encoder loads either. Text needs none of those operators:
declaring their schemas is enough for the import, and whoever calls one still gets torch's own error.
"""

from __future__ import annotations

import logging
import sys

# The operators torchvision 0.28 registers shape rules for on import, with its own signatures.
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[object] = []  # torch.library drops a schema with its Library object: keep it alive


def repair() -> bool:
    """Make ``import torchvision`` work where it fails for want of its compiled operators.

    Does nothing where the import works, where torchvision is absent, or where it fails for another reason
    (that error then comes from whoever needs torchvision).

    Returns:
        True when the operators had to be declared, now or earlier in this process.
    """
    if _declared:
        return True
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return False
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            return False
    else:
        return False
    _declare()
    return True


def _declare() -> None:
    from torch.library import Library

    library = Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _declared.append(library)
    # The failed attempt leaves half a package behind; the next import must start afresh.
    for module in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[module]
    logging.getLogger(__name__).info("torchvision does not fit this torch; declared its operators' schemas")
