"""Configs to rows: describe a run, make it once, keep it, compare it."""

from hsikit.experiments.cluster import dask_client, slurm_client
from hsikit.experiments.config import ConfigError, Experiment, expand, load_config
from hsikit.experiments.run import Finished, load_run, run_experiment
from hsikit.experiments.store import LedgerError, Store
from hsikit.experiments.summary import (
    against,
    by_method,
    calibration_table,
    comparison,
    gains,
    progress_of,
    rows_of,
    summarise,
)
from hsikit.experiments.sweep import SweepResult, plan, sweep

__all__ = ["ConfigError", "Experiment", "Finished", "LedgerError", "Store", "SweepResult", "against", "by_method",
           "calibration_table", "comparison", "dask_client", "expand", "gains", "load_config", "load_run", "plan",
           "progress_of", "rows_of", "run_experiment", "slurm_client", "summarise", "sweep"]  # fmt: skip
