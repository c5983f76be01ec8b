"""At which temperatures scores are given."""

from __future__ import annotations

from typing import Any

from analysis.presentation.format import NOT_ESTIMABLE, decapitalise, listed, number, span
from analysis.presentation.results import Results


def temperature_values(results: Results) -> dict[str, Any]:
    """Return `temperature`: those that were fitted, and whether the validation set was too small for any."""
    frame = results.temperatures
    found = dict(zip(frame["part"], frame["temperature"], strict=True))
    # 1, to the last digit, leaves the scores of a part as they are.
    fitted = {part: value for part, value in found.items() if value != 1}
    digits = results.settings.digits
    items = [value for part, value in fitted.items() if part in results.scheme.items]
    told = (
        [f"{span(items, digits)} for {'the items' if len(results.scheme.items) > 1 else 'the grades'}"] if items else []
    )
    # Where items have columns of their own, what is left of the grades is the disease that several of them define.
    disease = results.scheme.disease if found.keys() & results.scheme.items.keys() else None
    graded = decapitalise(disease.title) if disease else "grades learnt as a yes or no"
    told += [
        f"{number(fitted[part], digits)} for {name}"
        for part, name in (("grades", graded), ("findings", "findings"))
        if part in fitted
    ]
    return {
        "temperature": {
            "any": len(fitted) > 0,
            "none": len(found) > 0 and not fitted,
            "told": listed(told) or NOT_ESTIMABLE,
        }
    }
