"""Tables as functions of the ledger: measured scores with their spread, and what others printed, apart.

hsikit table                    # the tables there are, and the runs they lack
hsikit table sdhsi_budgets
hsikit table --commit           # all, under figures/tables as CSV, Markdown and LaTeX, and the README's
"""

from importlib import import_module
from typing import Any

_HOME = {
    "frames": "frame spread paired summarise by_method comparison against gains calibration_table",
    "layout": "TABLES MAIN PAIR PAIRS BUDGETS PLAIN FULL ONE_SENSOR",
    "scenes": "rows_of best_of best_rows measured tried reported side_by_side accuracy_table recall_table "
    "windows_table",
    "papers": "ablation_table gains_table budgets_table exits_table static_exits static_means cost_curve effects "
    "paragraph separation_table separation_differences robustness_table robustness_differences missing_sensors "
    "unseen_table unseen_gains stacking_table",
    "cells": "Table TableError",
    "catalogue": "NAMES available build folders_table",
    "files": "MARKS latex main_table make markdown numbers update_readme write",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    """Each name is imported when it is first used: the list of tables needs no pandas."""
    if name in _HOME:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"hsikit.tables has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
