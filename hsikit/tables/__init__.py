"""Tables as functions of the ledger: measured scores with their spread, and what others printed, apart.

hsikit table                    # the tables there are, and the runs they lack
hsikit table sdhsi_partitions
hsikit table --commit           # all, under figures/tables as CSV, Markdown and LaTeX, and the README's
"""

from hsikit._util import lazily

# The list of tables needs no pandas, so each name is imported when it is first used.
_HOMES = {
    "catalogue": "NAMES available build",
    "cells": "Table TableError",
    "files": "MARKS for_terminal latex main_table make markdown numbers update_readme write",
    "frames": "frame only spread paired pooled summarise by_method against gains calibration_table",
    "layout": "BUDGETS FULL MAIN PAIR STEPS TABLES TRUNK TWINS WITH",
    "pairs": "mean_pairs over_pairs pairs_table",
    "mmlgnet": "beside_forest few_labels foretold left_out one_pass one_ranking told_apart words_by_labels",
    "papers": "assumptions budgets_table exits_table robustness_differences robustness_table separation_differences "
    "separation_table separations static_exits static_means unseen_gains unseen_table",
    "claimed": "claims_on told",
    "fields": "ahead_by_field apart shares",
    "shown": "Page html pages terminal",
    "sdhsi": "against_trunk claims claims_of spread_made_of tighter_is_better",
    "steps": "carried run_differences step_by_step",
    "scenes": "accuracy_table best_of best_rows folders_table measured recall_table reported rows_of side_by_side "
    "single tried windows_table",
}
__all__, __getattr__ = lazily(__name__, {f"{__name__}.{home}": names.split() for home, names in _HOMES.items()})
