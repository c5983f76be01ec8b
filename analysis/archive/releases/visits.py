"""The visits of a cohort study, of which a study takes some, by how many months they were after the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def known_visits(visits: list[str], months: Mapping[str, int]) -> list[str]:
    """Return the visits that were asked for.

    Parameters
    ----------
    visits : list of str
    months : mapping of str to int
        Months after baseline of each visit with films.

    Raises
    ------
    ValueError
        If one of them is none with films.
    """
    if unknown := [visit for visit in visits if visit not in months]:
        raise ValueError(f"'{unknown[0]}' is no visit with films; there are {', '.join(months)}")
    return visits


def when(visits: Iterable[str], months: Mapping[str, int]) -> str:
    """Say in words at which visits the films of a study were taken."""
    after = sorted(months[visit] for visit in set(visits))
    later = [str(month) for month in after if month]
    listed = " and ".join(filter(None, [", ".join(later[:-1]), *later[-1:]]))
    return " and ".join((["at baseline"] if 0 in after else []) + ([f"after {listed} months"] if later else []))
