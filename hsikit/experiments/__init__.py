"""Configs to rows: describe a run, make it once, keep it, find it again."""

from hsikit.experiments.cluster import dask_client, slurm_client
from hsikit.experiments.config import ConfigError, Experiment, expand, load_config
from hsikit.experiments.ledger import LedgerError, Store, progress_of, rows_of
from hsikit.experiments.run import Finished, load_run, run_experiment
from hsikit.experiments.sweep import SweepResult, plan, sweep

__all__ = ["ConfigError", "Experiment", "Finished", "LedgerError", "Store", "SweepResult", "dask_client", "expand",
           "load_config", "load_run", "plan", "progress_of", "rows_of", "run_experiment", "slurm_client",
           "sweep"]  # fmt: skip
