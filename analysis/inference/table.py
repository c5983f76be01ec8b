"""grades.csv: a row for each knee that was graded, and for each file that was not."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

import numpy as np

from analysis.tables import unlike_formula

if TYPE_CHECKING:
    from analysis.inference.graded import Graded
    from analysis.network.trained.network import Trained

#: Between the names of files, and between marks, in one cell.
SEPARATOR = "; "


class Table:
    """grades.csv, a row at a time."""

    def __init__(self, network: Trained, file: TextIO) -> None:
        self.network = network
        self.refused, self.duplicates = set[str](), set[str]()
        self._decided = [o for o, limit in zip(network.outcomes, network.limits, strict=True) if not np.isnan(limit)]
        head = ["status", "knee", "exam", "side", "views", "files", *network.scheme.items, *network.outcomes]
        head += [f"{name}_yes" for name in self._decided]
        self._writer = csv.DictWriter(
            file, [*head, "seeds_differ", "trust", "marks", "corrected", "reason"], lineterminator="\n"
        )
        self._writer.writeheader()

    def graded(self, one: Graded) -> None:
        """Write a knee."""
        scores = dict(zip(self.network.outcomes, one.scores, strict=True))
        yes = decided(self.network, one.scores)
        self._writer.writerow(
            {
                "status": "graded",
                "knee": one.number,
                "exam": unlike_formula(one.knee.exam),
                "side": one.knee.side or "",
                "views": SEPARATOR.join(
                    view if isinstance(view, str) else "unknown" for view in one.knee.files["view"]
                ),
                "files": unlike_formula(SEPARATOR.join(one.knee.files["path"])),
                **{item: "" if level is None else level for item, level in one.grades.items()},
                **{name: "" if np.isnan(score) else f"{score:.5f}" for name, score in scores.items()},
                **{f"{name}_yes": "" if yes[name] is None else "yes" if yes[name] else "no" for name in self._decided},
                "seeds_differ": "" if np.isnan(one.spread) else f"{one.spread:.5f}",
                "trust": "no" if one.marks else "yes",
                "marks": SEPARATOR.join(one.marks),
                "corrected": SEPARATOR.join(dict.fromkeys(" ".join(one.corrected).split())),
            }
        )

    def left_out(self, path: str, code: str, detail: str, side: str | None = None) -> None:
        """Write a file that wasn't graded, or, with its side, the knee of a film that wasn't."""
        duplicate = code.startswith("duplicate")
        (self.duplicates if duplicate else self.refused).add(path)
        status = "duplicate" if duplicate else "refused"
        cells = {"status": status, "side": side or "", "files": unlike_formula(path), "marks": code, "reason": detail}
        self._writer.writerow(cells)


def decided(network: Trained, scores: np.ndarray) -> dict[str, bool | None]:
    """Return yes or no for each outcome at the threshold that the network carries; None without a threshold or score."""
    return {
        name: None if np.isnan(limit) or np.isnan(score) else bool(score >= limit)
        for name, limit, score in zip(network.outcomes, network.limits, scores, strict=True)
    }
