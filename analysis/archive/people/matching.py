"""Which exam a row of a hospital's table is about."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from analysis.archive.people.names import exam_of, plain
from analysis.archive.tables import joined, read_exams
from analysis.errors import StudyError
from analysis.tables import MISSING, by_value

#: What a spreadsheet puts in the place of what it can't work out.
_ERROR = re.compile(r"#(?:[A-ZÄÖÅÉ0/]+[!?]|N/A)", re.IGNORECASE)
_EXPONENT = re.compile(r"\d(?:[.,]\d+)?E[+]?\d+", re.IGNORECASE)
#: A date, as which it takes numbers such as 3-4 and 10-1234.
_DATE = re.compile(
    r"\d{1,2}[-. ][^\W\d_]{3,4}\.?|[^\W\d_]{3,4}\.?[- ]\d\d|\d{1,2}([/.-])\d{1,2}\1\d{4}|\d{4}-\d\d-\d\d"
)
#: Digits that it keeps of a number.
_KEPT = 15


def exam_names(files: pd.DataFrame) -> pd.DataFrame:
    """Return what each exam may be called in a table: its accession number, or its StudyInstanceUID.

    Parameters
    ----------
    files : pandas.DataFrame
        The private index, or what becomes of it: `accession`, `study_uid`, `exam`.

    Returns
    -------
    pandas.DataFrame
        Columns `name`, `exam`, each pair once. A name of several exams has several rows.
    """
    known = files.dropna(subset=["exam"])
    pairs = [known[[column, "exam"]].set_axis(["name", "exam"], axis=1) for column in ("accession", "study_uid")]
    return pd.concat(pairs).dropna().drop_duplicates(ignore_index=True)


def side_by_side(named: pd.Series, files: pd.DataFrame) -> str:
    """Show three names of a table beside three of the archive, say where they are the same but for spelling, and what to do."""
    lost, unnamed = _unmatched(named, files)
    hint, changed, true = respelled(named, files)
    if not hint and len(lost) < named.nunique():
        return "others of the table are there; put its files into the archive (back), or take it out of the table"

    def three(*names: pd.Series) -> str:
        listed = dict.fromkeys(name for some in names for name in sorted(some))
        return ", ".join(f"'{name}'" for name in [*listed][:3]) or "none"

    there = (true, unnamed) if hint else (files["accession"].dropna(),)
    shown = f"the table has {three(changed if hint else lost)}, the DICOM files have {three(*there)}"
    return f"{shown}; {hint}export the table again with the accession numbers as text"


def respelled(named: pd.Series, files: pd.DataFrame) -> tuple[str, pd.Series, pd.Series]:
    """Find the names of a table that are of no exam as they are written, and would be of one in another spelling.

    Returns
    -------
    str
        What differs; empty where nothing tells of another spelling.
    pandas.Series of str
        Those names.
    pandas.Series of str
        The accession numbers that they may be, of exams that the table doesn't name.
    """
    lost, unnamed = _unmatched(named, files)
    zeros = "a spreadsheet has changed the numbers (zeros lost, decimals or exponents gained, rounded, or made dates): "
    spelled = "they differ in capitals, dashes, blanks or letters that look alike: "
    for hint, form, true in ((zeros, _core, _saved), (spelled, plain, plain)):
        here, there = lost.map(form), unnamed.map(true)
        if here.isin(there).any():
            return hint, lost[here.isin(there)], unnamed[there.isin(here)]
    changed = lost[lost.str.fullmatch(_EXPONENT)]
    if not files["accession"].str.fullmatch(_DATE).eq(True).any():  # numbers of an archive may look like dates
        changed = lost[lost.str.fullmatch(_EXPONENT) | lost.str.fullmatch(_DATE)]
    return (zeros if len(changed) else ""), changed, unnamed


def _twins(named: pd.Series, files: pd.DataFrame) -> pd.Series:
    """Return the names of a table that may be of another exam, too: one that it doesn't name, and a spreadsheet writes alike."""
    other = _unmatched(named, files)[1].map(_saved)
    there = named[named.isin(files["accession"])].drop_duplicates()
    return there[there.map(_core).isin(other)] if len(other) else there[:0]


def _is_said(text: str) -> bool:
    """Return whether a report says anything; what a spreadsheet took for a formula (- no fracture) or found too long is lost."""
    return bool(text.strip("#")) and (
        len(text) > 9 or (text.strip().lower() not in MISSING and not _ERROR.fullmatch(text.strip()))
    )


def _unmatched(named: pd.Series, files: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the names of a table that no exam has, and the accession numbers that the table hasn't, each once."""
    there, given = files["accession"].dropna().drop_duplicates(), named.drop_duplicates()
    return given[~given.isin(exam_names(files)["name"])], there[~there.isin(given)]


def _core(name: str) -> str:
    """Return what a spreadsheet leaves of a number: no zeros before it or after its decimal sign, no thousands apart."""
    together = re.sub(r"(?<=\d)[\s.,'’](?=\d{3}(?:\D|$))", "", re.sub(r"[.,]0{1,2}$", "", name))
    return re.sub(r"^(\d+[.,]\d*?)0+$", r"\1", together).lstrip("0")


def _saved(name: str) -> str:
    """Return what a spreadsheet that saves a number leaves of it: also of its digits the first ones alone."""
    core = _core(name)
    return core[:_KEPT].ljust(len(core), "0") if core.isdecimal() else core


def reports_of_exams(reports: pd.DataFrame, files: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Find out which exam each report is about.

    Parameters
    ----------
    reports : pandas.DataFrame
        Columns `accession`, `text`, `texts`, from `read_reports`.
    files : pandas.DataFrame
        See `exam_names`.
    path : Path
        The table, for the message.

    Returns
    -------
    pandas.DataFrame
        Columns `exam`, `text`: one row per exam that has a report.
    dict of str to int
        Reports with a number; of these, those of no exam and those whose number several exams have; exams without one;
        and, where there are any, exams of which several texts were joined, reports that would be of an exam in another
        spelling, those that may be of another exam as well since a spreadsheet would write the two numbers alike, numbers
        without a text (they are no reports), and texts without a number, as below merged cells.

    Raises
    ------
    StudyError
        If there are reports, and not one is of an exam of the archive.
    """
    # A report is of the whole exam, and so of each of its knees.
    knees = files.dropna(subset=["exam"])[["exam"]].drop_duplicates()
    knees["whole"] = exam_of(knees["exam"])
    names = exam_names(files.assign(exam=exam_of(files["exam"])))
    several = names.loc[names["name"].duplicated(keep=False), "name"]
    single = names[~names["name"].isin(several)].set_index("name")["exam"]
    said = reports["text"].map(_is_said).astype(bool)
    named = reports[(reports["accession"] != "") & said]
    exam = named["accession"].map(single)
    lost = exam.isna() & ~named["accession"].isin(several)
    if len(named) and lost.all():
        raise StudyError(
            f"{path}: none of the {len(named)} reports is of an exam of the archive: "
            f"{side_by_side(named['accession'], files)}."
        )
    found = named.assign(exam=exam).dropna(subset=["exam"])
    texts = joined(found, "exam").rename(columns={"exam": "whole"})
    texts = knees.merge(texts, on="whole")[["exam", "text"]].sort_values("exam", ignore_index=True)
    counts = {
        "reports": len(named),
        "reports_of_no_exam": int(lost.sum()),
        "reports_of_several_exams": int(named["accession"].isin(several).sum()),
        "exams_without_report": int(knees["whole"].nunique() - exam_of(texts["exam"]).nunique()),
    }
    several_texts = int((found.groupby("exam")["texts"].sum() > 1).sum())
    counts |= {"exams_of_several_texts": several_texts} if several_texts else {}
    otherwise = named["accession"].isin(respelled(named["accession"], files)[1]).sum()
    counts |= {"reports_spelled_otherwise": int(otherwise)} if otherwise else {}
    twins = len(_twins(named["accession"], files))
    counts |= {"reports_of_alike_numbers": twins} if twins else {}
    silent = ((reports["accession"] != "") & ~said).sum()
    counts |= {"numbers_without_text": int(silent)} if silent else {}
    without = reports.loc[reports["accession"] == "", "text"].str.split("\n").explode().ne("").sum()
    counts |= {"lines_without_accession": int(without)} if without else {}
    return texts, counts


def exams_of_readings(readings: pd.DataFrame, files: pd.DataFrame, path: Path) -> pd.Series:
    """Find out which exam each reading is of.

    Parameters
    ----------
    readings : pandas.DataFrame
        From `read_readings`; `exam` is what the table calls it.
    files : pandas.DataFrame
        See `exam_names`.
    path : Path
        The table, for the message.

    Returns
    -------
    pandas.Series of str
        The exam's pseudonym.

    Raises
    ------
    StudyError
        Names the first reading that isn't of one exam of the archive.
    """
    table = exam_names(files)
    several = table.loc[table["name"].duplicated(), "name"]
    read = pd.Series(readings["exam"].unique(), dtype="str")

    def stop(wrong: pd.Series, what: str) -> None:
        first = readings.index[(readings["exam"] == wrong.iloc[0]).to_numpy()][0]
        raise StudyError(
            f"{path}, line {first}: exam {wrong.iloc[0]} has readings, but {what} ({len(wrong)} such exams)."
        )

    if len(unknown := read[~read.isin(table["name"])]):
        stop(unknown, f"no file of the archive has that accession number: {side_by_side(read, files)}")
    if len(unclear := read[read.isin(several)]):
        stop(unclear, "several exams have that number; write the StudyInstanceUID in its place")
    twins = readings[readings["exam"].isin(_twins(read, files))]
    again = twins.loc[twins.duplicated(twins.columns.difference(["value", "revisit", "time"]).tolist()), "exam"]
    if len(again := again.drop_duplicates()):
        stop(
            again,
            "twice by one reader, and a spreadsheet writes another exam's number like that; write numbers as text",
        )
    of_name = table.drop_duplicates("name").set_index("name")["exam"]
    return by_value(readings["exam"], lambda names: names.map(of_name).astype("str"))


def fill_from(path: Path, files: pd.DataFrame) -> tuple[str | None, dict[str, int]]:
    """Take age and sex from exams.csv where the headers are silent; say what is wrong with it, or count its rows.

    Parameters
    ----------
    path : Path
        The table; where there is none, nothing is told.
    files : pandas.DataFrame
        See `exam_names`; `age` and `sex` are filled in place.

    Returns
    -------
    str or None
        What is wrong with it.
    dict of str to int
        Its exams, those that the archive hasn't, and where there are any, those that it has in another spelling, those that a
        spreadsheet would write like another one, those whose number several exams have (they are told nothing), and those of
        whom the headers say something else.
    """
    if not path.exists():
        return None, {}
    try:
        known = read_exams(path).set_index("exam")
    except StudyError as error:
        return str(error), {}
    names = exam_names(files)
    several = known.index.isin(names.loc[names["name"].duplicated(keep=False), "name"])
    nowhere = ~known.index.isin(files["accession"]) & ~known.index.isin(files["study_uid"])
    named = pd.Series(known.index)
    if len(known) and nowhere.all():
        return f"{path}: none of its {len(known)} exams is in the archive: {side_by_side(named, files)}.", {}
    told = known[~several].merge(names, left_index=True, right_on="name")
    different = told.drop_duplicates(["exam", "age", "sex"])
    again = different[different["exam"].duplicated(keep=False)]
    if len(again):
        one, other = again.sort_values("exam")["name"].iloc[:2]
        return f"{path}: '{one}' and '{other}' are one exam, and the table says something else of each; correct it.", {}
    told = told.drop_duplicates("exam").set_index("exam")
    age, sex = (files["exam"].map(told[column]) for column in ("age", "sex"))
    # ASSUME: a table may round an age, or give that at another visit of the year.
    differ = (age - files["age"]).abs().gt(1) | (sex.notna() & files["sex"].notna() & (sex != files["sex"]))
    files["age"], files["sex"] = files["age"].fillna(age), files["sex"].fillna(sex)
    counts = {"exams_csv": len(known), "exams_csv_of_no_exam": int(nowhere.sum())}
    doubts = {
        "exams_csv_spelled_otherwise": len(respelled(named, files)[1]),
        "exams_csv_of_several_exams": int(several.sum()),
        "exams_csv_of_alike_numbers": len(_twins(named, files)),
        "exams_csv_contradicted": int(files.loc[differ, "exam"].nunique()),
    }
    return None, counts | {name: n for name, n in doubts.items() if n}
