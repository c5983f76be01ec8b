"""The tables of active learning: what is read next, and how each round did."""

from __future__ import annotations

from analysis.schemas.columns import estimate, number, share, table, text, whole

#: Exams to read, the first first, with what they were chosen by.
QUEUE = table({"exam": text(unique=True), "place": whole(1), "score": number(missing=True)})

#: One row per run and round: training exams with a label, and the mean AUC in each set.
ROUNDS = table(
    {
        "strategy": text(),
        "seed": whole(),
        "round": whole(),
        "labelled": whole(),
        "validation": share(missing=True),
        "test": share(missing=True),
    }
)

#: One row per strategy and round: the means over the seeds. Student's limits may leave 0 to 1.
CURVE = table(
    {
        "strategy": text(),
        "round": whole(),
        "labelled": number(0),
        "seeds": whole(1),
        **estimate("validation"),
        **estimate("test"),
        **estimate("difference"),
        "level": share(),
    }
)

#: Where the stopping rule would have ended each run.
STOPS = table(
    {
        "strategy": text(),
        "seed": whole(),
        "stopped": whole(),
        "round": whole(),
        "labelled": whole(),
        "test": share(missing=True),
    }
)
