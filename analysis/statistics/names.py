"""Names that the settings of the statistics hold: an outcome or a finding that no grading has is a slip."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from analysis.grading.scheme import Scheme
from analysis.statistics.settings import StatisticsSettings


def check_names(settings: StatisticsSettings, schemes: Iterable[Scheme]) -> None:
    """Refuse a prevalence, or a finding to split by, of what none of the gradings knows.

    Parameters
    ----------
    settings : StatisticsSettings
    schemes : iterable of Scheme
        Those that the settings are for; one may lack an outcome that another has. Taken only where names are given.

    Raises
    ------
    ValueError
        Names the key, and the nearest name.
    """
    split = set(settings.subgroup_findings) - set(StatisticsSettings().subgroup_findings)
    if not (settings.prevalence or split):
        return
    schemes = list(schemes)
    outcomes = {outcome.id for scheme in schemes for outcome in scheme.outcomes}
    findings = {name for scheme in schemes for name in scheme.findings}
    find(settings.prevalence, outcomes, "statistics.prevalence", "outcome of any grading")
    find(split, findings, "statistics.subgroup_findings", "finding of any grading")


def find(names: Iterable[str], known: Iterable[str], key: str, what: str) -> None:
    """Refuse a name that isn't known, with the nearest that is; ValueError."""
    known = sorted(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hints = [f"known are {', '.join(known)}"] if len(known) <= 12 or not near else []
            hints += [f"did you mean '{near[0]}'?"] if near else []
            raise ValueError(f"{key}: '{name}' is no {what}; {'; '.join(hints)}")
