"""The CSVs of what is checked of the results."""

from __future__ import annotations

from analysis.schemas.columns import share, table, text, truth, whole

#: What must hold of the results, and the search of what is published for identities.
CHECKS = table({"check": text(), "holds": truth(), "file": text(), "detail": text(missing=True)})
PRIVACY = table({"what": text(), "n": whole()})
#: What the search found, with the words: for private files alone.
LEAKS = table({"file": text(), "where": text(), "kind": text(), "words": text()})
#: How often that search errs in archives that are drawn at random.
SEARCH_ERRORS = table(
    {
        "patients": whole(1),
        "numbered": text(),
        "error": text(among=("false alarm", "miss")),
        "what": text(),
        "archives": whole(1),
        "share": share(),
    }
)
