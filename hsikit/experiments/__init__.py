"""Configs to rows: describe a run, make it once, keep it, find it again."""

from hsikit._util import lazily
from hsikit.experiments.cluster import dask_client, slurm_client
from hsikit.experiments.config import ConfigError, Experiment, expand, load_config
from hsikit.experiments.ledger import LedgerError, Store, progress, progress_of, rows_of
from hsikit.experiments.sweep import SweepResult, plan, sweep

# What makes a run loads torch; what describes and finds one does not.
_lazy, __getattr__ = lazily(__name__, {"hsikit.experiments.run": ("Finished", "load_run", "run_experiment"),
                                       "hsikit.experiments.costs": ("cost",)})  # fmt: skip
__all__ = [*_lazy, "ConfigError", "Experiment", "LedgerError", "Store", "SweepResult", "dask_client", "expand",
           "load_config", "plan", "progress", "progress_of", "rows_of", "slurm_client", "sweep"]  # fmt: skip
