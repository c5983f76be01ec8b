"""What the exams of each set are like, in numbers that go with a network and set its cohort beside another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.grading.scheme import Scheme
from analysis.imaging.store import ImageStore, mean_grey
from analysis.schemas import CHARACTERISTICS, SETS

#: Images that are looked at together: a megabyte or so.
BLOCK = 256


def characterise(
    exams: pd.DataFrame, index: pd.DataFrame, reference: pd.DataFrame, store: ImageStore, scheme: Scheme
) -> pd.DataFrame:
    """Describe each set: its size, grades, findings, ages, sexes, views, and the brightness and size of its images.

    Parameters
    ----------
    exams, index, reference : pandas.DataFrame
        Schemas EXAMS, IMAGES and REFERENCE.
    store : ImageStore
        The prepared images, whose brightness the network sees.
    scheme : Scheme

    Returns
    -------
    pandas.DataFrame
        Schema CHARACTERISTICS: a share has `count` of `n`, a measure mean, standard deviation and quartiles of `n`. Nothing
        in it is of a single exam.
    """
    files = index.set_index("image")
    grey = np.concatenate(
        [mean_grey(store[np.arange(i, min(i + BLOCK, len(store)))]) for i in range(0, len(store), BLOCK)]
        or [np.zeros(0)]
    )
    images = store.rows[["image", "exam", "view"]].assign(
        brightness=grey,
        longer=files[["rows", "columns"]].max(axis=1).reindex(store.rows["image"]).to_numpy(float),
        shorter=files[["rows", "columns"]].min(axis=1).reindex(store.rows["image"]).to_numpy(float),
    )
    rows = []
    for name in SETS:
        graded = reference[reference["set"] == name]
        if graded.empty:
            continue
        own = exams[exams["exam"].isin(graded["exam"])]
        of = images[images["exam"].isin(graded["exam"])]
        rows += [{"set": name, **row} for row in _of_set(own, of, graded, scheme)]
    return pd.DataFrame(rows, columns=list(CHARACTERISTICS.columns))


def _of_set(
    exams: pd.DataFrame, images: pd.DataFrame, graded: pd.DataFrame, scheme: Scheme
) -> Iterator[dict[str, Any]]:
    for name, number in (("exams", len(exams)), ("patients", exams["patient"].nunique()), ("images", len(images))):
        yield {"characteristic": name, "level": None, "n": number, "count": number}
    for item, found in scheme.items.items():
        yield from _shares(item, graded[item], found.levels)
    for finding in scheme.findings:
        yield from _shares(finding, graded[finding].clip(upper=1), (1,))
    yield _measure("age", exams["age"].astype(float))
    yield from _shares("sex", exams["sex"], sorted(exams["sex"].dropna().unique()))
    yield from _shares("view", images["view"], sorted(images["view"].dropna().unique()))
    yield _measure("images an exam", exams["images"].astype(float))
    for name in ("brightness", "longer", "shorter"):
        yield _measure(name, images[name])


def _shares(name: str, values: pd.Series, levels: Any) -> Iterator[dict[str, Any]]:
    known = values.dropna()
    for level in levels:
        yield {"characteristic": name, "level": str(level), "n": len(known), "count": int((known == level).sum())}


def _measure(name: str, values: pd.Series) -> dict[str, Any]:
    known = values.dropna()
    row: dict[str, Any] = {"characteristic": name, "level": None, "n": len(known)}
    if known.empty:
        return row
    quartiles = dict(zip(("low_quartile", "median", "high_quartile"), known.quantile([0.25, 0.5, 0.75]), strict=True))
    return row | {"mean": known.mean(), "sd": known.std(ddof=1) if len(known) > 1 else np.nan, **quartiles}


def standardised(here: Any, there: Any) -> float:
    """Return the standardised difference of a row of two tables, here minus there; missing where it has none.

    In standard deviations, pooled as their root mean square (Austin, Communications in Statistics 2009;38:1228).
    """
    values = []
    for row in (here, there):
        if pd.notna(row["mean"]):
            values.append((row["mean"], row["sd"] ** 2))
        elif pd.notna(row["count"]) and pd.notna(row["level"]) and row["n"]:
            share = row["count"] / row["n"]
            values.append((share, share * (1 - share)))
    if len(values) < 2:
        return float("nan")
    spread = np.sqrt((values[0][1] + values[1][1]) / 2)
    return float((values[0][0] - values[1][0]) / spread) if spread > 0 else float("nan")
