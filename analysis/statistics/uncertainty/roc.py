"""ROC analysis by R's pROC: the only module that touches R.

R is embedded once in a process and serves every outcome that the process is
given. `levels` and `direction` are fixed to controls (0) below cases (1): left
to itself pROC turns an AUC below one half round, and biases bootstraps upwards.

The functions take complete data (see `analysis.statistics.sample.Sample.problem` for what
is refused beforehand) and return plain numbers. `truth` (1 for a case, 0 for a control) and
`score` (any numbers, higher for likelier cases) are of shape (exams,), and a level is a share.
What R is asked to do is the text `PROGRAM`, which a reviewer can paste into R as it stands.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.errors import StudyError

Floats = npt.NDArray[np.float64]

PROGRAM = """
suppressPackageStartupMessages(library(pROC))
options(pROCProgress = list(name = "none"))

study_roc <- function(truth, score)
  roc(truth, score, levels = c(0, 1), direction = "<", quiet = TRUE)

# A resample has no score that the sample hasn't. pROC sorts each anew; of ranks it is enough to count how often each came.
# What a curve needs of scores is their order, so that the numbers are pROC's to the last bit.
counted <- function(ranks) tabulate(ranks, attr(ranks, "highest"))
as_ranks <- function(numbers, like) { attributes(numbers) <- attributes(like); numbers }
`[.study_ranks` <- function(x, i) as_ranks(.subset(x, i), x)
c.study_ranks <- function(x, y) as_ranks(unlist(list(x, y)), x)
unique.study_ranks <- function(x, ...) which(counted(x) > 0L)

study_resampled <- function(truth, score) {
  distinct <- sort(unique(score))
  curve <- study_roc(truth, match(score, distinct))
  like <- structure(integer(), class = "study_ranks", highest = length(distinct))
  curve$controls <- as_ranks(curve$controls, like)
  curve$cases <- as_ranks(curve$cases, like)
  curve$fun.sesp <- function(thresholds, controls, cases, direction) {
    of_cases <- counted(cases)
    of_controls <- counted(controls)
    seen <- which(of_cases + of_controls > 0L)
    reached <- function(counts) rev(cumsum(rev(counts[seen])))
    list(se = c(reached(of_cases) / length(cases), 0),
         sp = c((length(controls) - reached(of_controls)) / length(controls), 1))
  }
  curve
}

study_auc <- function(truth, score) as.numeric(auc(study_roc(truth, score)))

study_intervals <- function(truth, score, level, replicates, seed) {
  curve <- study_roc(truth, score)
  delong <- ci.auc(curve, conf.level = level, method = "delong")
  set.seed(seed)
  bootstrap <- ci.auc(study_resampled(truth, score), conf.level = level, method = "bootstrap",
                      boot.n = replicates, boot.stratified = TRUE)
  c(as.numeric(curve$auc), delong[1], delong[3], bootstrap[1], bootstrap[3])
}

study_delong <- function(truth, score, level) {
  curve <- study_roc(truth, score)
  interval <- ci.auc(curve, conf.level = level, method = "delong")
  c(as.numeric(curve$auc), interval[1], interval[3], var(curve, method = "delong"))
}

study_curve <- function(truth, score)
  as.matrix(coords(study_roc(truth, score), "all",
                   ret = c("threshold", "specificity", "sensitivity"), transpose = FALSE))

study_band <- function(truth, score, specificities, level, replicates, seed) {
  curve <- study_resampled(truth, score)
  set.seed(seed)
  band <- ci.se(curve, specificities = specificities, conf.level = level,
                boot.n = replicates, boot.stratified = TRUE)
  as.matrix(band)[, c(1, 3)]
}

study_best <- function(truth, score)
  as.matrix(coords(study_roc(truth, score), "best", best.method = "youden",
                   ret = c("threshold", "specificity", "sensitivity"), transpose = FALSE))

study_counts <- function(truth, score, threshold)
  as.numeric(coords(study_roc(truth, score), threshold, input = "threshold",
                    ret = c("tp", "fn", "tn", "fp"), transpose = FALSE))

study_paired <- function(truth, first, second, level) {
  test <- roc.test(study_roc(truth, first), study_roc(truth, second),
                   method = "delong", paired = TRUE, conf.level = level)
  c(test$estimate[1] - test$estimate[2], test$conf.int, test$p.value)
}

# Of each pair pROC takes the class that the score is for as the controls: their scores are the
# higher ones, which is the other direction.
study_multiclass <- function(grade, scores, classes) {
  colnames(scores) <- classes
  as.numeric(multiclass.roc(as.character(grade), scores, levels = classes, direction = ">")$auc)
}

study_versions <- function()
  c(R.version.string, as.character(packageVersion("pROC")))

study_silently <- function(name, ...) {
  warnings <- character()
  value <- withCallingHandlers(do.call(name, list(...)), warning = function(w) {
    warnings <<- c(warnings, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  list(value, unique(warnings))
}
"""


@cache
def _r() -> Any:
    """Start R in this process, load pROC and the program; once.

    Raises
    ------
    StudyError
        If R or pROC is not installed.
    """
    # R's own threads would multiply with the worker processes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    libraries = os.environ.get("LD_LIBRARY_PATH")
    try:
        from rpy2 import rinterface
        from rpy2.rinterface_lib import callbacks

        # Warnings of R's start-up (folders of site libraries that don't exist) are no concern of
        # the study; those of pROC are caught by study_silently and reach the tables.
        callbacks.consolewrite_warnerror = lambda s: None
        rinterface.initr()
        rinterface.baseenv["eval"](rinterface.parse(PROGRAM), rinterface.globalenv)
    except Exception as error:
        raise StudyError(
            f"R with pROC could not be started ({' '.join(str(error).split())}); install them (see envs/)."
        ) from error
    finally:
        # rpy2 puts R's folders first, and with them the system's libpython before this interpreter's: a Python
        # started from here would not import its own modules.
        os.environ["LD_LIBRARY_PATH"] = libraries or ""
        if libraries is None:
            del os.environ["LD_LIBRARY_PATH"]
    return rinterface


def _call(name: str, *arguments: Any) -> tuple[Any, list[str]]:
    """Call one function of the program: its value, and the warnings that pROC gave."""
    rinterface = _r()

    def convert(value: Any) -> Any:
        if isinstance(value, str):
            return rinterface.StrSexpVector([value])
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
            return rinterface.StrSexpVector(value)
        array = np.asarray(value, dtype=np.float64)
        vector = rinterface.FloatSexpVector(array.ravel(order="F"))
        if array.ndim == 2:
            vector.do_slot_assign("dim", rinterface.IntSexpVector(array.shape))
        return vector

    try:
        value, warnings = rinterface.globalenv["study_silently"](
            rinterface.StrSexpVector([name]), *(convert(argument) for argument in arguments)
        )
    except Exception as error:
        raise StudyError(f"pROC refused {name.removeprefix('study_')}: {' '.join(str(error).split())}") from error
    return value, list(warnings)


def _numbers(name: str, *arguments: Any) -> Floats:
    value, _ = _call(name, *arguments)
    return np.asarray(value, dtype=np.float64)


def _matrix(name: str, columns: int, *arguments: Any) -> Floats:
    return _numbers(name, *arguments).reshape((-1, columns), order="F")


def versions() -> dict[str, str]:
    """Return the versions of R and pROC, for the provenance of the results."""
    value, _ = _call("study_versions")
    return {"R": str(value[0]), "pROC": str(value[1])}


def auc(truth: Floats, score: Floats) -> float:
    """Area under the ROC curve by pROC.

    Parameters
    ----------
    truth : array of float, shape (n,)
        1 for a case, 0 for a control; at least one of each.
    score : array of float, shape (n,)
        Finite; a case is expected to score higher than a control.
    """
    return float(_numbers("study_auc", truth, score)[0])


def intervals(
    truth: Floats, score: Floats, level: float, replicates: int, seed: int
) -> tuple[dict[str, float], list[str]]:
    """AUC with its intervals by DeLong and by pROC's stratified percentile bootstrap.

    Parameters
    ----------
    truth, score : array of float, shape (n,)
        As in `auc`. With a single case or control pROC's bootstrap is not to be used: R's `sample`
        takes a single number x for the numbers 1 to x.
    level : float
        Confidence level, 0 to 1.
    replicates : int
        Bootstrap replicates.
    seed : int
        For R's `set.seed`, right before the bootstrap.

    Returns
    -------
    values : dict
        auc, delong_low, delong_high (NaN where DeLong has none), bootstrap_low, bootstrap_high.
    warnings : list of str
        What pROC warned of.
    """
    if min(int(truth.sum()), int((1 - truth).sum())) < 2:
        raise ValueError("intervals need at least two cases and two controls")
    value, warnings = _call("study_intervals", truth, score, level, replicates, seed)
    names = ("auc", "delong_low", "delong_high", "bootstrap_low", "bootstrap_high")
    return dict(zip(names, (float(v) for v in value), strict=True)), warnings


def delong(truth: Floats, score: Floats, level: float) -> tuple[float, float, float, float]:
    """Return the AUC, the lower and the upper end of DeLong's interval, and DeLong's variance of the AUC."""
    value = _numbers("study_delong", truth, score, level)
    return float(value[0]), float(value[1]), float(value[2]), float(value[3])


def curve(truth: Floats, score: Floats) -> Floats:
    """Return every corner of the ROC curve, (corners, 3): threshold, specificity, sensitivity; thresholds rise."""
    return _matrix("study_curve", 3, truth, score)


def band(truth: Floats, score: Floats, *, specificities: Floats, level: float, replicates: int, seed: int) -> Floats:
    """Return the pointwise interval of the sensitivity at each specificity (pROC's `ci.se`), (specificities, 2): low, high."""
    return _matrix("study_band", 2, truth, score, specificities, level, replicates, seed)


def best_threshold(truth: Floats, score: Floats) -> tuple[float, float, float]:
    """Return the threshold with the highest Youden index, with its specificity and sensitivity.

    Where several thresholds tie, the lowest is taken, the most sensitive of them.
    """
    # ASSUME: of thresholds with the same Youden index the most sensitive; the paper doesn't say.
    best = _matrix("study_best", 3, truth, score)
    threshold, specificity, sensitivity = best[np.argmin(best[:, 0])]
    return float(threshold), float(specificity), float(sensitivity)


def counts_at(truth: Floats, score: Floats, threshold: float) -> tuple[int, int, int, int]:
    """Count true positives, false negatives, true negatives, false positives with score >= threshold as positive."""
    value = _numbers("study_counts", truth, score, threshold)
    # pROC multiplies shares by numbers of exams: 15 may come as 14.999….
    tp, fn, tn, fp = (round(v) for v in value)
    return tp, fn, tn, fp


def paired(truth: Floats, first: Floats, second: Floats, level: float) -> tuple[float, float, float, float]:
    """Return the AUC of `first` minus that of `second` on the same exams: difference, low, high, P by DeLong's paired test."""
    difference, low, high, p = _numbers("study_paired", truth, first, second, level)
    return float(difference), float(low), float(high), float(p)


def multiclass(grade: Sequence[int], scores: Floats) -> float:
    """Hand and Till's multiclass AUC (Machine Learning 2001;45:171) by pROC's `multiclass.roc`.

    Parameters
    ----------
    grade : sequence of int, shape (n,)
        The level of each exam; every level from 0 to k - 1 occurs.
    scores : array of float, shape (n, k)
        The score for each level.
    """
    classes = [str(level) for level in range(scores.shape[1])]
    return float(_numbers("study_multiclass", [str(int(g)) for g in grade], scores, classes)[0])
