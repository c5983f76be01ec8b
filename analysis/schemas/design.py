"""The CSVs of what is computed without the study's own data: how its statistics behave, and the published tables' audit."""

from __future__ import annotations

from analysis.schemas.columns import estimate, number, share, table, text, truth, whole

COVERAGE = table(
    {
        "cases": whole(1),
        "controls": whole(1),
        "exams_per_patient": whole(1),
        "clustered": truth(),
        "true_auc": share(),
        "method": text(),
        **estimate("coverage", 0, 1),
        "width": share(missing=True),
        "below": share(),
        "above": share(),
        "simulations": whole(1),
        "replicates": whole(1, missing=True),
        "level": share(),
        "seed": whole(),
    }
)

FALSE_POSITIVES = table(
    {
        "test": text(),
        "cases": whole(1),
        "controls": whole(1),
        "true_auc": share(),
        "exams_per_patient": whole(1),
        **estimate("rejected", 0, 1),
        "rejected_001": share(),
        "simulations": whole(1),
        "level": share(),
        "seed": whole(),
    }
)

SAMPLE_SIZE = table(
    {
        "outcome": text(),
        "label": text(),
        "cases": whole(1),
        "controls": whole(1),
        "exams_per_patient": whole(1),
        "correlation": share(),
        "auc": share(),
        "effective_cases": number(0),
        "effective_controls": number(0),
        "low": share(),
        "high": share(),
        "width": share(),
        "level": share(),
        "clustered_low": share(),
        "clustered_high": share(),
        "clustered_width": share(),
    }
)

AUDIT = table(
    {
        "table": text(),
        "row": text(),
        "check": text(),
        "published": number(missing=True),
        "recomputed": text(missing=True),
        "holds": truth(),
        "note": text(missing=True),
    }
)
