"""From an indexed archive to the cohort: every exam is in a set, or has a reason why it isn't."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.archive.dicom.corrections import count_corrections
from analysis.archive.inspect import SEPARATOR
from analysis.archive.people.copies import kind_of_copy
from analysis.archive.people.identifiers import plain_id
from analysis.archive.people.matching import reports_of_exams
from analysis.archive.people.names import exam_of
from analysis.archive.tables import read_reports, read_split
from analysis.cohort.rules import RULES, apply_rules, list_exams
from analysis.cohort.sets import LEFT, part, take_all
from analysis.errors import StudyError
from analysis.schemas import EXAMS, FLOW, SETS

if TYPE_CHECKING:
    from analysis.cohort.settings import SelectionSettings
    from analysis.grading.settings import ReferenceSettings


def given_split(path: Path, files: pd.DataFrame) -> pd.Series:
    """Read sets.csv, and put pseudonyms in place of the archive's identifiers.

    Parameters
    ----------
    path : Path
    files : pandas.DataFrame
        The private index, which knows all identifiers of a patient.

    Returns
    -------
    pandas.Series of str
        Set by the patient's pseudonym.

    Raises
    ------
    StudyError
        If a patient is unknown, or is in two sets, be it under two identifiers.
    """
    split = read_split(path)
    known = files.reindex(columns=["patient", "other_ids", "patient_id"]).dropna(subset=["patient"]).drop_duplicates()
    table: dict[str, set[str]] = {}
    for patient, *cells in known.itertuples(index=False):
        for one in (one for cell in cells if isinstance(cell, str) for one in cell.split(SEPARATOR)):
            table.setdefault(plain_id(one) or "", set()).add(patient)
    table.pop("", None)  # what stands for nobody
    named = split["patient"].map(lambda one: table.get(plain_id(one) or "", set()))
    for wrong, what in (
        (named.map(len) == 0, "no file of the archive is of patient"),
        (named.map(len) > 1, "several patients of the archive bear the identifier"),
    ):
        if wrong.any():
            line = split.index[wrong.to_numpy()][0]
            raise StudyError(
                f"{path}, line {line}: {what} '{split.loc[line, 'patient']}' ({wrong.sum()} such lines); correct the "
                "identifier or remove the line."
            )
    patient = named.map(lambda patients: next(iter(patients)))
    several = split["set"].groupby(patient).agg(lambda sets: sorted(set(sets)))
    several = several[several.map(len) > 1]
    if len(several):
        raise StudyError(
            f"{path}: patient {several.index[0]} (see patient_id in private/index.parquet) is in the sets "
            f"{' and '.join(several.iloc[0])}, perhaps under two identifiers ({len(several)} such patients); "
            "leave each patient in one set."
        )
    return split["set"].groupby(patient).first()


def select(
    archive: Path,
    images: pd.DataFrame,
    readings: pd.DataFrame,
    files: pd.DataFrame,
    prepared: pd.DataFrame,
    *,
    settings: SelectionSettings,
    policy: ReferenceSettings,
    rng: np.random.Generator,
    wanted: Collection[str] = SETS,
    everything: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select the cohort.

    Parameters
    ----------
    archive : Path
        For reports.csv and sets.csv, where they are.
    images, readings : pandas.DataFrame
        Schemas IMAGES and READINGS.
    files : pandas.DataFrame
        The private index.
    prepared : pandas.DataFrame
        Schema PREPARED.
    settings : SelectionSettings
    policy : ReferenceSettings
        How an exam of each set must have been read.
    rng : numpy.random.Generator
    wanted : collection of str
        The sets to draw; all of them but for a network that was trained elsewhere.
    everything : bool
        Whether every eligible exam that was read as any set asks is in the test set, the only one then.

    Returns
    -------
    exams : pandas.DataFrame
        Schema EXAMS: every exam of the archive.
    flow : pandas.DataFrame
        Rows of the flow diagram, counted from `exams`: step, code, label, set, exams, knees, patients, images.

    Raises
    ------
    StudyError
        If a cohort like this can't be had from the archive; the message says which set lacks how many.
    """
    reports = archive / "reports.csv"
    texts = pd.DataFrame({"exam": [], "text": []}, dtype="str")
    if reports.exists():
        texts, _ = reports_of_exams(read_reports(reports), files, reports)
    if everything:
        wanted = ("test",)
    else:
        _hold_reports(texts, settings, wanted)
    exams = list_exams(images, files, prepared, texts, settings)
    exams["reason"] = apply_rules(exams, readings, settings)
    eligible = exams[exams["reason"].isna()]
    if everything:
        sets, reasons, exams["read_as"] = take_all(eligible, readings, policy)
    else:
        split = _split(archive, files, settings)
        sets, reasons = part(eligible, readings, split, settings=settings, policy=policy, rng=rng, wanted=wanted)
    exams["set"] = sets.reindex(exams.index).fillna("excluded")
    exams.loc[eligible.index, "reason"] = reasons
    _hold(exams)
    for name in wanted:
        if not (exams["set"] == name).any():
            why = _commonest(exams["reason"].dropna(), settings)
            raise StudyError(
                f"No exam is left for the {name} set{why}; see selection.sets.{name}, reference.{name}, and sets.csv where "
                "the archive has one."
            )
    return exams[[column for column in EXAMS.columns if column in exams]], flow(exams, settings, wanted)


def count_images(
    images: pd.DataFrame, prepared: pd.DataFrame, unreadable: pd.DataFrame, copies: pd.DataFrame
) -> pd.DataFrame:
    """Count what became of the indexed images: columns `code`, `n`; the rows after the first add up to it.

    After these come, where there are any, the prepared images in which something was put right.

    Parameters
    ----------
    images, prepared : pandas.DataFrame
        Schemas IMAGES and PREPARED.
    unreadable : pandas.DataFrame
        What `prepare` could not use: `image`, `exam`, `code`.
    copies : pandas.DataFrame
        See `ImageStore`: one picture that was compressed in two ways, or its negative, is two images in the index.

    Raises
    ------
    StudyError
        If the sum isn't that of the index.
    """
    named = images.set_index("image")
    own, original = (named.loc[copies[column], ["exam", "patient"]].to_numpy() for column in ("image", "of"))
    same = pd.DataFrame(own == original, copies.index, ["exam", "patient"], dtype=bool)
    codes = pd.concat([unreadable["code"], kind_of_copy(same["exam"], same["patient"])])
    lost = codes.value_counts().sort_index()
    rows = [("indexed", len(images)), ("prepared", len(prepared)), *((str(code), int(n)) for code, n in lost.items())]
    if sum(n for _, n in rows[1:]) != len(images):
        raise StudyError(
            f"{len(images)} images are in the index, but {sum(n for _, n in rows[1:])} are accounted for by the prepared "
            "ones; run 'prepare' again."
        )
    rows += count_corrections(prepared["corrected"].dropna()) if "corrected" in prepared else []
    return pd.DataFrame(rows, columns=["code", "n"])


def _hold_reports(texts: pd.DataFrame, settings: SelectionSettings, wanted: Collection[str]) -> None:
    """Refuse to look for words where there is no text: that would read as if no report had the words."""
    asking = [name for name in wanted if getattr(settings.sets, name).enriched_share]
    if asking and texts.empty:
        raise StudyError(
            f"The {asking[0]} set is to be enriched by words of the reports, but no exam has a report: add reports.csv to "
            f"the archive, or set selection.sets.{asking[0]}.enriched_share to null."
        )


def _commonest(reasons: pd.Series, settings: SelectionSettings) -> str:
    """Say what most exams are left out for, in brackets, if any is."""
    if reasons.empty:
        return ""
    code, n = next(iter(reasons.value_counts().items()))
    label = (_ruled(settings) | LEFT)[str(code)]
    return f" (what leaves out most exams, {n}, is '{label}')"


def _ruled(settings: SelectionSettings) -> dict[str, str]:
    """Return the reasons of the rules that are applied, with their words for the flow diagram."""
    return {code: label.format(**settings.model_dump()) for rule in settings.rules for code, label, _ in RULES[rule]}


def _split(archive: Path, files: pd.DataFrame, settings: SelectionSettings) -> pd.Series | None:
    path = archive / "sets.csv"
    if settings.split == "draw" or (settings.split == "auto" and not path.exists()):
        return None
    return given_split(path, files)


def _hold(exams: pd.DataFrame) -> None:
    """Check that found = used + excluded, that each exclusion has a reason, and that no patient is in two sets."""
    used = exams[exams["set"] != "excluded"]
    if (exams["reason"].isna() != exams["set"].isin(SETS)).any():
        raise RuntimeError("an exam is neither in a set nor left out for a reason")
    if (used.groupby("patient")["set"].nunique() > 1).any():
        raise RuntimeError("a patient is in two sets")


def flow(exams: pd.DataFrame, settings: SelectionSettings, wanted: Collection[str] = SETS) -> pd.DataFrame:
    """Count the rows of the flow diagram: found, excluded by rule, eligible, in no set, included, the sets."""
    whole = exam_of(exams["exam"])
    ruled = _ruled(settings)

    def rows() -> Iterator[tuple[str, str, str, str, pd.Series]]:
        yield "found", "", "Exams in the archive", "", exams["exam"].notna()
        for code, label in ruled.items():
            yield "excluded", code, label, "", exams["reason"] == code
        yield "eligible", "", "Eligible exams", "", ~exams["reason"].isin(ruled)
        for code, label in LEFT.items():
            yield "excluded", code, label, "", exams["reason"] == code
        yield "included", "", "Exams in the study", "", exams["set"] != "excluded"
        for name in wanted:
            yield "set", "", f"{name.capitalize()} set", name, exams["set"] == name

    counted = [
        (
            step,
            code,
            label,
            name,
            whole[which].nunique(),
            int(which.sum()),
            exams.loc[which, "patient"].nunique(),
            exams.loc[which, "images"].sum(),
        )
        for step, code, label, name, which in rows()
        if step != "excluded" or which.any()
    ]
    table = pd.DataFrame(counted, columns=list(FLOW.columns))
    # An exam may lose one of its knees, so only knees add up.
    total = table.groupby("step")["knees"].sum()
    if total["found"] != total.get("excluded", 0) + total["set"] or total["included"] != total["set"]:
        raise RuntimeError("the flow doesn't add up")
    return table
