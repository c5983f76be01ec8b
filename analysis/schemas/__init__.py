"""The tables that pass between the stages: their columns, types and ranges.

Every stage writes and reads its tables through `analysis.files` with one of
these schemas; those of the statistics stand in `statistics` and `calibration`,
those that need no data of the study in `design`, those of the network in
`network`, and those of what is checked in `checks`. `exam`, `image` and
`patient` are always pseudonyms.
"""

from __future__ import annotations

import pandera.pandas as pa

from analysis.schemas.columns import estimate, number, share, table, text, whole

SETS = ("training", "validation", "test")
VIEWS = ("ap", "lateral", "oblique")
#: Of readers; a later one outweighs an earlier one.
ROLES = ("reader", "senior", "consensus")
#: Items of every grading, by which exams are left out.
FLAGS = ("unusable", "no_knee")
WEIGHTS = {role: weight for weight, role in enumerate(ROLES)}


#: One row per radiograph that ingest could index. Nothing here identifies a person.
IMAGES = pa.DataFrameSchema(
    {
        "image": text(unique=True),
        "exam": text(),
        "patient": text(),
        "series": text(),
        "view": text(missing=True, among=VIEWS),
        "side": text(missing=True, among=("left", "right")),
        "protocol": text(missing=True),  # a name from ingest.protocols, never the archive's free text
        "body_part": text(missing=True),
        "age": pa.Column(float, pa.Check.in_range(0, 120), nullable=True, coerce=True),  # years
        "sex": text(missing=True, among=("female", "male", "other")),
        "day": pa.Column("Int64", pa.Check.ge(0), nullable=True, coerce=True),  # days since the patient's first exam
        "rows": pa.Column(int, pa.Check.gt(0), coerce=True),
        "columns": pa.Column(int, pa.Check.gt(0), coerce=True),
        "bits": pa.Column(int, pa.Check.in_range(1, 64), coerce=True),
        "photometric": text(),
        "transfer_syntax": text(),
        "modality": text(missing=True),
        "pixel_hash": text(),
        # Whether words are burned into the picture, as the header says; missing where it doesn't.
        "burned_in": pa.Column(str, pa.Check.isin(("yes", "no")), nullable=True, required=False, coerce=True),
        # The part of the file's picture that is the image, stored pixels, which may reach beyond the picture; missing
        # where the whole picture is.
        **{
            f"box_{edge}": pa.Column("Int64", nullable=True, required=False, coerce=True)
            for edge in ("top", "left", "bottom", "right")
        },
    },
    strict=False,
)

#: Readings in long form, with the pseudonym of the exam in place of its accession number.
READINGS = pa.DataFrameSchema(
    {
        "exam": text(),
        "reader": text(),
        "role": text(among=ROLES),
        "session": text(missing=True),
        "item": text(),
        "value": pa.Column(int, pa.Check.ge(0), coerce=True),
        "revisit": pa.Column(bool, coerce=True),
        "time": text(missing=True),  # days since the patient's first exam, as text; never a date
    },
    strict=False,
)

#: One row per prepared image; the pixels are row `row` of shard `shard`.
PREPARED = pa.DataFrameSchema(
    {
        "image": text(unique=True),
        "exam": text(),
        "shard": pa.Column(int, coerce=True),
        "row": pa.Column(int, pa.Check.ge(0), coerce=True),
        "view": text(missing=True),
        "side": text(missing=True),
        "burned_in": pa.Column(str, pa.Check.isin(("yes", "no")), nullable=True, required=False, coerce=True),
        # A hash of the decoded pixels, in whatever compression they were stored.
        "decoded": pa.Column(str, nullable=True, required=False, coerce=True),
        # What was put right in reading it, codes of `analysis.archive.dicom.corrections`.
        "corrected": pa.Column(str, nullable=True, required=False, coerce=True),
    },
    strict=False,
)

#: One row per exam of the archive: the set it went to, or why it was left out.
EXAMS = pa.DataFrameSchema(
    {
        "exam": text(unique=True),
        "patient": text(),
        "set": text(among=(*SETS, "excluded")),
        "reason": text(missing=True),  # reason code where set is "excluded"
        "protocol": text(missing=True),
        "age": pa.Column(float, nullable=True, coerce=True),
        "sex": text(missing=True),
        "day": pa.Column("Int64", nullable=True, coerce=True),
        "images": pa.Column(int, pa.Check.ge(0), coerce=True),
        "words": pa.Column(bool, coerce=True),  # the report holds a word the test set was enriched by
        "side": pa.Column(str, pa.Check.isin(("left", "right")), nullable=True, required=False, coerce=True),
        # The set whose policy of reading an exam meets, where all exams are one set.
        "read_as": pa.Column(str, pa.Check.isin(SETS), nullable=True, required=False, coerce=True),
    },
    strict=False,
)

#: One row per exam with a reference standard. After the named columns come one column per
#: item of the scheme (the grade, nullable) and one per outcome (1.0, 0.0 or missing).
REFERENCE = pa.DataFrameSchema(
    {"exam": text(unique=True), "patient": text(), "set": text(among=SETS)},
    strict=False,
)

#: One row per exam with predictions: one column per outcome (score in 0..1) and one per item (the predicted grade).
PREDICTIONS = pa.DataFrameSchema(
    {"exam": text(unique=True), "patient": text(), "set": text(among=SETS)},
    strict=False,
)

#: Independent readings before any consensus, of the sets that have two or more an exam.
READERS = pa.DataFrameSchema(
    {
        "exam": text(),
        "patient": text(),
        "set": text(among=SETS),
        "reader": text(),
        "role": text(among=ROLES),
        "item": text(),
        "value": pa.Column(int, pa.Check.ge(0), coerce=True),
    },
    strict=False,
)

#: The private index: one row per file found (one per knee, where the exam has two), with what identifies it and its
#: patient. These are the columns that other stages read; what isn't known, or was rejected before it was read, is missing.
PRIVATE = pa.DataFrameSchema(
    {
        "path": text(),
        "image": text(missing=True),
        **{name: text(missing=True) for name in ("exam", "patient", "patient_id", "accession", "pixel_hash")},
    },
    strict=False,
)

#: What was read of each file of an archive, or of one part of its files; private. `stamp` tells whether the file has
#: changed since, where that can be told; the columns of `analysis.archive.inspect` stand beside these.
HEADERS = pa.DataFrameSchema(
    {
        "path": text(unique=True),
        **{name: text(missing=True) for name in ("code", "detail", "accession", "study_uid", "stamp")},
        "expected": pa.Column(bool, coerce=True),  # whether both knees of its exam were read
        "made_by": text(),
    },
    strict=False,
)

#: The files that aren't used, with the reason.
REJECTED = table({"path": text(unique=True), "code": text(), "detail": text(missing=True)})

#: What ingest found and left out, counted: kind, code (of the reason, where there is one), n.
COUNTS = table({"kind": text(), "code": text(missing=True), "n": whole()})

#: Images that could not be prepared, with the reason.
UNREADABLE = table({"image": text(), "exam": text(), "code": text(), "detail": text(missing=True)})

#: What became of the indexed images, counted: code (`indexed`, `prepared`, or a reason), n; and in how many of the
#: prepared ones something was put right (`corrected`, and by what it was `corrected_…`).
IMAGE_COUNTS = table({"code": text(), "n": whole()})

#: The rows of the flow diagram.
FLOW = table(
    {
        "step": text(among=("found", "excluded", "eligible", "included", "set")),
        "code": text(missing=True),
        "label": text(),
        "set": text(missing=True),
        # Exams of one knee count as one of each; an exam of two knees as one exam and two knees.
        **{name: whole() for name in ("exams", "knees", "patients", "images")},
    }
)

#: Where a second opinion decided a grade.
CONFLICTS = table(
    {
        "exam": text(),
        "patient": text(),
        "set": text(among=SETS),
        "item": text(),
        "why": text(among=("conflict", "revisit")),
        "readings": text(missing=True),
        "by": text(among=ROLES),
        "decided": whole(),
    }
)

#: Agreement by set, item and pair of readers; `percent` is in per cent, kappa and alpha are at most 1.
AGREEMENT = table(
    {
        "set": text(among=SETS),
        "item": text(missing=True),
        "first": text(missing=True),
        "second": text(missing=True),
        "n": whole(),
        "patients": whole(missing=True),
        **estimate("percent", 0, 100),
        **estimate("kappa", high=1),
        **estimate("kappa_linear", high=1),
        **estimate("kappa_quadratic", high=1),
        **estimate("alpha", high=1),
        "conflicts": whole(missing=True),
        "level": share(),
        "reason": text(missing=True),
    }
)

#: What has no grade: an exam, or (exam missing) how many exams of a set lack an item.
UNGRADED = table(
    {
        "exam": text(missing=True),
        "patient": text(missing=True),
        "set": text(among=SETS),
        "item": text(missing=True),
        "exams": whole(1),
        "reason": text(),
    }
)

#: What the exams of each set are like: `count` of `n` have a level, or a measure's mean, standard deviation and quartiles.
CHARACTERISTICS = table(
    {
        "set": text(among=SETS),
        "characteristic": text(),
        "level": text(missing=True),
        "n": whole(),
        "count": whole(missing=True),
        **{name: number(missing=True) for name in ("mean", "sd", "low_quartile", "median", "high_quartile")},
    }
)
