"""What one R for all outcomes and vectorised replicates save, against the plain way, in the same run."""

from __future__ import annotations

import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.statistics.parallel import spread
from analysis.statistics.uncertainty import roc
from analysis.statistics.uncertainty.resample import Floats, Resamples, seed_for, weighted_auc

#: The plain way: a script for each outcome; one loop over patients drawn, pROC for each replicate.
NAIVE = """
arguments <- commandArgs(TRUE)
suppressPackageStartupMessages(library(pROC))
data <- read.csv(arguments[1]); replicates <- as.integer(arguments[2]); set.seed(as.integer(arguments[3]))
curve <- function(d) roc(d$truth, d$score, levels = c(0, 1), direction = "<", quiet = TRUE)
ci.auc(curve(data), method = "delong")
ci.auc(curve(data), method = "bootstrap", boot.n = replicates, progress = "none")
rows <- split(seq_len(nrow(data)), data$patient)
aucs <- replicate(replicates, {
  drawn <- data[unlist(rows[sample(length(rows), replace = TRUE)]), ]
  if (length(unique(drawn$truth)) < 2) NA else as.numeric(curve(drawn)$auc)
})
cat(quantile(aucs, c(.025, .975), na.rm = TRUE), "\\n")
"""

Data = tuple[str, Floats, Floats]


def bench(exams: int, outcomes: int, replicates: int, *, workers: int, seed: int) -> str:
    """Time AUC, DeLong's interval, the stratified bootstrap and the bootstrap of patients, for every outcome.

    Returns
    -------
    str
        Seconds of both ways, and their ratio. Both start from nothing: R's start counts.
    """
    rng = np.random.default_rng(seed)
    patients = (np.arange(exams) // 2).astype(str).astype(object)
    data: list[Data] = []
    for number in range(outcomes):
        truth = (rng.random(exams) < rng.uniform(0.1, 0.5)).astype(float)
        data.append((f"outcome {number}", truth, rng.normal(size=exams) + truth))

    start = time.perf_counter()
    resamples = Resamples.draw(patients, replicates, 0.95, seed)
    spread(partial(_ours, resamples=resamples, replicates=replicates, seed=seed), data, workers)
    ours = time.perf_counter() - start

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        script, table = Path(folder) / "naive.R", Path(folder) / "data.csv"
        script.write_text(NAIVE, encoding="utf-8")
        for name, truth, score in data:
            pd.DataFrame({"truth": truth, "score": score, "patient": patients}).to_csv(table, index=False)
            command = ["Rscript", str(script), str(table), str(replicates), str(seed_for(seed, name))]
            subprocess.run(command, check=True, capture_output=True)
    naive = time.perf_counter() - start
    return (
        f"{outcomes} outcomes of {exams} exams, {replicates} replicates, {workers} workers: {ours:.1f} s; "
        f"pROC outcome by outcome: {naive:.1f} s; ratio {naive / ours:.1f}"
    )


def _ours(data: Data, *, resamples: Resamples, replicates: int, seed: int) -> tuple[float, float]:
    name, truth, score = data
    roc.intervals(truth, score, 0.95, replicates, seed_for(seed, name))
    return resamples.interval(lambda weights: weighted_auc(truth, score, weights))
