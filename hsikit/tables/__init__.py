"""Tables as functions of the ledger: measured scores with their spread, and what others printed, apart.

hsikit table                    # the tables there are, and the runs they lack
hsikit table sdhsi_budgets
hsikit table --commit           # all, under figures/tables as CSV, Markdown and LaTeX, and the README's
"""

from hsikit.tables.catalogue import NAMES, available, build
from hsikit.tables.cells import Table, TableError
from hsikit.tables.frames import against, by_method, calibration_table, comparison, gains, summarise
from hsikit.tables.scenes import MAIN, TABLES, best_of, measured, reported, rows_of, side_by_side, tried
from hsikit.tables.write import MARKS, latex, main_table, make, markdown, numbers, update_readme, write

__all__ = ["MAIN", "MARKS", "NAMES", "TABLES", "Table", "TableError", "against", "available", "best_of", "build",
           "by_method", "calibration_table", "comparison", "gains", "latex", "main_table", "make", "markdown",
           "measured", "numbers", "reported", "rows_of", "side_by_side", "summarise", "tried", "update_readme",
           "write"]  # fmt: skip
