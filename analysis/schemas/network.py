"""The tables of the network: predictions by image and by member, the learning curve, and what attribution finds."""

from __future__ import annotations

import pandera.pandas as pa

from analysis.schemas import SETS, VIEWS
from analysis.schemas.columns import estimate, number, share, table, text, truth, whole

#: Probability of each view, for every image.
VIEWED = table(
    {"image": text(unique=True), "exam": text(), "view": text(missing=True), **{view: share() for view in VIEWS}}
)

#: The scores of each member of the ensemble, in long form; missing for an outcome that was never learnt.
MEMBERS = table(
    {
        "exam": text(),
        "set": text(among=SETS),
        "outcome": text(),
        "score": share(missing=True),
        "seed": whole(),
    }
)

#: The temperature of each part of the scores, fitted on so many exams; 1 leaves them as they are.
TEMPERATURES = table({"part": text(unique=True), "exams": whole(), "temperature": number(0)})

#: One row per epoch. After the named columns come the loss of each task and the AUC of each further task and outcome.
LEARNING = pa.DataFrameSchema(
    {
        "epoch": whole(),
        "phase": whole(),
        "side": whole(1),
        "learning_rate": number(0),
        "auc": share(missing=True),
        "smooth": share(missing=True),
        "loss_.+": pa.Column(float, nullable=True, coerce=True, regex=True, required=False),
        "auc_.+": pa.Column(float, pa.Check.in_range(0, 1), nullable=True, coerce=True, regex=True, required=False),
    },
    strict=True,
)

#: The decisions that attribution looked into.
CASES = table(
    {
        "exam": text(),
        "item": text(),
        "truth": whole(),
        "predicted": whole(),
        "right": truth(),
        "outcome": text(),
        "score": share(),
        "steps": whole(1),
        "completeness": number(0),
        "holds": truth(),
        "unsaid": truth(),
        "file": text(),
    }
)

#: Mean scores, and AUCs, with and without a part of the image.
OCCLUSION = table(
    {
        "region": text(),
        "outcome": text(),
        "n": whole(),
        "before": number(missing=True),
        "after": number(missing=True),
        "change": number(missing=True),
        "absolute_change": number(0, missing=True),
        "auc": share(missing=True),
        "auc_occluded": share(missing=True),
    }
)

#: The thresholds that go with a network, with what they did in its own test set.
CARRIED = pa.DataFrameSchema(
    {
        "outcome": text(unique=True),
        "title": text(),
        "threshold": number(missing=True),
        "chosen_on": text(among=("validation", "test")),
        "sensitivity": share(missing=True),
        "specificity": share(missing=True),
    },
    strict=False,
)

#: How often the marks of what shouldn't be trusted are given, by kind of image.
TRUSTED = table(
    {
        "images": text(),
        "n": whole(),
        "marked": whole(),
        **estimate("share", 0, 1),
        "level": share(),
    }
)
