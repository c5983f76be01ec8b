"""The tables that pass between the stages: their columns, types and ranges.

Every stage writes and reads its tables through `analysis.files` with one of
these schemas. `exam`, `image` and `patient` are always pseudonyms.
"""

from __future__ import annotations

import pandera.pandas as pa

SETS = ("training", "validation", "test")
VIEWS = ("ap", "lateral", "oblique")
ROLES = ("reader", "senior", "consensus")


def _text(nullable: bool = False, **more: object) -> pa.Column:
    return pa.Column(str, nullable=nullable, coerce=True, **more)  # type: ignore[arg-type]


#: One row per radiograph that ingest could index. Nothing here identifies a person.
IMAGES = pa.DataFrameSchema(
    {
        "image": _text(unique=True),
        "exam": _text(),
        "patient": _text(),
        "series": _text(),
        "view": _text(nullable=True, checks=pa.Check.isin(VIEWS)),
        "side": _text(nullable=True, checks=pa.Check.isin(("left", "right"))),
        "protocol": _text(nullable=True),  # a name from ingest.protocols, never the archive's free text
        "body_part": _text(nullable=True),
        "age": pa.Column(float, pa.Check.in_range(0, 120), nullable=True, coerce=True),  # years
        "sex": _text(nullable=True, checks=pa.Check.isin(("female", "male", "other"))),
        "day": pa.Column("Int64", pa.Check.ge(0), nullable=True, coerce=True),  # days since the patient's first exam
        "rows": pa.Column(int, pa.Check.gt(0), coerce=True),
        "columns": pa.Column(int, pa.Check.gt(0), coerce=True),
        "bits": pa.Column(int, pa.Check.in_range(1, 64), coerce=True),
        "photometric": _text(),
        "transfer_syntax": _text(),
        "modality": _text(nullable=True),
        "pixel_hash": _text(),
        # Whether words are burned into the picture, as the header says; missing where it doesn't.
        "burned_in": _text(nullable=True, required=False, checks=pa.Check.isin(("yes", "no"))),
    },
    strict=False,
)

#: Readings in long form, with the pseudonym of the exam in place of its accession number.
READINGS = pa.DataFrameSchema(
    {
        "exam": _text(),
        "reader": _text(),
        "role": _text(checks=pa.Check.isin(ROLES)),
        "session": _text(nullable=True),
        "item": _text(),
        "value": pa.Column(int, pa.Check.ge(0), coerce=True),
        "revisit": pa.Column(bool, coerce=True),
        "time": _text(nullable=True),  # days since the patient's first exam, as text; never a date
    },
    strict=False,
)

#: One row per prepared image; the pixels are row `row` of shard `shard`.
PREPARED = pa.DataFrameSchema(
    {
        "image": _text(unique=True),
        "exam": _text(),
        "shard": pa.Column(int, coerce=True),
        "row": pa.Column(int, pa.Check.ge(0), coerce=True),
        "view": _text(nullable=True),
        "side": _text(nullable=True),
    },
    strict=False,
)

#: One row per exam of the archive: the set it went to, or why it was left out.
EXAMS = pa.DataFrameSchema(
    {
        "exam": _text(unique=True),
        "patient": _text(),
        "set": _text(checks=pa.Check.isin((*SETS, "excluded"))),
        "reason": _text(nullable=True),  # reason code where set is "excluded"
        "protocol": _text(nullable=True),
        "age": pa.Column(float, nullable=True, coerce=True),
        "sex": _text(nullable=True),
        "day": pa.Column("Int64", nullable=True, coerce=True),
        "images": pa.Column(int, pa.Check.ge(0), coerce=True),
        "words": pa.Column(bool, coerce=True),  # the report holds a word the test set was enriched by
    },
    strict=False,
)

#: One row per exam with a reference standard. After the named columns come one column per
#: item of the scheme (the grade, nullable) and one per outcome (1.0, 0.0 or missing).
REFERENCE = pa.DataFrameSchema(
    {"exam": _text(unique=True), "patient": _text(), "set": _text(checks=pa.Check.isin(SETS))},
    strict=False,
)

#: One row per exam with predictions: one column per outcome (score in 0..1) and one per item (the predicted grade).
PREDICTIONS = pa.DataFrameSchema(
    {"exam": _text(unique=True), "patient": _text(), "set": _text(checks=pa.Check.isin(SETS))},
    strict=False,
)

#: Independent readings before any consensus, of the sets that have two or more an exam.
READERS = pa.DataFrameSchema(
    {
        "exam": _text(),
        "patient": _text(),
        "set": _text(checks=pa.Check.isin(SETS)),
        "reader": _text(),
        "role": _text(checks=pa.Check.isin(ROLES)),
        "item": _text(),
        "value": pa.Column(int, pa.Check.ge(0), coerce=True),
    },
    strict=False,
)
