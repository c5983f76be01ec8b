"""The reference standard against a slow loop over exams, and every refusal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.grading.agreement import tabulate_agreement
from analysis.grading.commands import COMMANDS
from analysis.grading.reference import make_reference
from analysis.grading.scheme import load_scheme
from analysis.grading.settings import ReferenceSettings, SetPolicy
from analysis.schemas import READERS, READINGS, REFERENCE

SCHEME = Path("workflow/gradings/kl.yaml")
POLICY = ReferenceSettings()
COLUMNS = ["exam", "reader", "role", "session", "item", "value", "revisit", "time"]


def reading(exam, reader, role, value, item="kl", *, revisit=False):
    return (exam, reader, role, "any", item, value, revisit, "0")


def frame(rows):
    return READINGS.validate(pd.DataFrame(rows, columns=COLUMNS))


def exams(**sets):
    rows = [(exam, f"patient of {exam}", name) for name, group in sets.items() for exam in group]
    return pd.DataFrame(rows, columns=["exam", "patient", "set"])


SOUND = [
    reading("a", "S", "reader", 1),
    reading("b", "S", "reader", 2, revisit=True),
    reading("b", "M", "senior", 3),
    reading("c", "S", "reader", 0),
    reading("c", "T", "reader", 0),
    reading("d", "S", "reader", 0),
    reading("d", "T", "reader", 1),
    reading("d", "S+T", "consensus", 1),
    reading("e", "M", "senior", 4),
    reading("e", "N", "senior", 2),
    reading("e", "M+N", "consensus", 3),
    reading("x", "S", "reader", 99),  # of an excluded exam
    reading("a", "S", "reader", 1, item="unusable"),  # of no scheme
]
SETS = exams(training=["a", "b"], validation=["c", "d"], test=["e", "f"], excluded=["x"])


def make(rows=SOUND, sets=SETS, policy=POLICY):
    return make_reference(sets, frame(rows), load_scheme(SCHEME), policy)


def agreement(standard, policy=POLICY):
    return tabulate_agreement(standard.readers, standard.reference, load_scheme(SCHEME), policy)


def test_the_policy_of_the_paper():
    standard = make()
    assert dict(zip(standard.reference["exam"], standard.reference["kl"], strict=True)) == {
        **{"a": 1, "b": 3, "c": 0, "d": 1, "e": 3}
    }
    assert standard.reference.set_index("exam")["disease"].to_dict() == {"a": 0, "b": 1, "c": 0, "d": 0, "e": 1}
    assert standard.reference["medial"].isna().all()  # not read: missing, so masked, and never a control
    assert standard.conflicts[["exam", "why", "readings", "by", "decided"]].to_numpy().tolist() == [
        ["b", "revisit", "S=2", "senior", 3],
        ["d", "conflict", "S=0; T=1", "consensus", 1],
        ["e", "conflict", "M=4; N=2", "consensus", 3],
    ]
    assert set(standard.readers["exam"]) == {"c", "d", "e"}
    assert "consensus" not in set(standard.readers["role"])


def test_what_has_no_grade_is_listed():
    listed = make().ungraded
    assert listed.loc[listed["exam"] == "f", "reason"].tolist() == ["not read"]
    lacking = listed[listed["item"] == "medial"].set_index("set")["exams"].to_dict()
    assert lacking == {"training": 2, "validation": 2, "test": 1}
    only_senior = make([*SOUND, reading("g", "M", "senior", 1)], pd.concat([SETS, exams(training=["g"])])).ungraded
    assert only_senior.loc[only_senior["exam"] == "g", "reason"].item().startswith("read only in a role")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [r for r in rows if r[2] != "consensus"], "Exam d .*'kl': the readers differ .* no consensus"),
        (lambda rows: [*rows, reading("c", "S", "reader", 0)], "Exam c .*'kl': S read it twice as reader"),
        (lambda rows: [*rows, reading("d", "U", "consensus", 1)], "Exam d .*there are two consensus grades"),
        (lambda rows: [reading("a", "S", "reader", 5), *rows[1:]], "Exam a .*'kl': S gave 5.*highest level is 4"),
        (lambda rows: [*rows, reading("a", "S", "reader", 2, "tka")], "Exam a .*'tka': S gave 2"),
        (lambda rows: [r for r in rows if r[:2] != ("b", "M")], "Exam b .*'kl': it is flagged .*no senior"),
        (lambda rows: [*rows, reading("b", "N", "senior", 3)], "Exam b .*'kl': two senior grades"),
        (lambda rows: [r for r in rows if r[:2] != ("c", "T")], "Exam c .*1 of the 2 independent.*add the missing"),
        (lambda rows: [*rows, reading("a", "T", "reader", 1)], "Exam a .*2 of the 1 independent.*remove the surplus"),
        (
            lambda rows: [*rows, reading("c", "U", "consensus", 3)],
            r"Exam c .*the readers agree \(S=0; T=0\) .*otherwise",
        ),
        (lambda rows: [*rows, reading("f", "U", "consensus", 3)], "Exam f .*a consensus grade but no reading"),
        (
            lambda rows: [r for r in rows if r[4] != "kl"],
            r"kl.yaml, line 6: no selected exam has a reading of the item 'kl', only of unusable; add .* choose a grading that was",
        ),
    ],
)
def test_what_a_person_must_mend_is_refused_by_exam_and_item(change, says):
    with pytest.raises(StudyError, match=says):
        make(change(SOUND))


def test_a_senior_may_settle_conflicts_and_a_policy_may_forbid_them():
    sets = exams(training=["a"], validation=["d"], test=[])
    rows = [*(r for r in SOUND if r[0] in "ad" and r[2] == "reader"), reading("d", "M", "senior", 2)]
    with pytest.raises(StudyError, match=r"Exam d .*lets nobody decide"):
        make(rows, sets, ReferenceSettings(validation=SetPolicy(readings=2, conflicts="error")))
    standard = make(rows, sets, ReferenceSettings(validation=SetPolicy(readings=2, conflicts="senior")))
    assert standard.reference.set_index("exam")["kl"].to_dict() == {"a": 1, "d": 2}


def test_one_reading_everywhere_gives_a_reason_in_place_of_agreement():
    one = SetPolicy(readings=1)
    rows = [reading("a", "S", "reader", 1), reading("c", "S", "reader", 2)]
    policy = ReferenceSettings(training=one, validation=one, test=one)
    standard = make(rows, exams(training=["a"], test=["c"]), policy)
    table = agreement(standard, policy)
    assert table["set"].tolist() == ["training", "validation", "test"]
    assert table["reason"].str.startswith("one reading an exam").all()
    assert standard.readers.empty
    assert len(standard.reference) == 2


CELL = st.tuples(st.sampled_from(["kl", "medial", "tka"]), st.integers(0, 1), st.integers(0, 1), st.integers(0, 1))


@st.composite
def archives(draw):
    """Readings by a sound policy with every kind of decision, and what each exam's grade must be."""
    rows, sets, expected = [], {"training": [], "validation": [], "test": []}, {}
    number = draw(st.integers(1, 12))
    for position in range(number):
        name = draw(st.sampled_from(sorted(sets)))
        exam = f"exam {position:02d}"
        sets[name].append(exam)
        flagged = draw(st.booleans())
        for item in draw(st.sets(st.sampled_from(["medial", "tka"]))) | {"kl"}:
            first, second, final = draw(st.tuples(*[st.integers(0, 4 if item == "kl" else 1)] * 3))
            if name == "training":
                rows.append(reading(exam, "S", "reader", first, item, revisit=flagged))
                if flagged:
                    rows.append(reading(exam, "M", "senior", final, item))
                expected[exam, item] = final if flagged else first
            else:
                role = {"validation": "reader", "test": "senior"}[name]
                rows += [reading(exam, "P", role, first, item), reading(exam, "Q", role, second, item)]
                if first != second:
                    rows.append(reading(exam, "R", "consensus", final, item))
                expected[exam, item] = first if first == second else final
    return draw(st.permutations(rows)), exams(**sets), expected


@settings(max_examples=12, deadline=None)
@given(archives())
def test_every_grade_is_the_one_the_policy_names(archive):
    rows, sets, expected = archive
    standard = make(rows, sets)
    found = standard.reference.set_index("exam")
    assert sorted(found.index) == sorted(sets["exam"])
    for exam in found.index:
        for item in ("kl", "medial", "tka"):
            np.testing.assert_equal(found.loc[exam, item], expected.get((exam, item), float("nan")))
    independent = [r for r in rows if r[2] != "consensus" and sets.set_index("exam").loc[r[0], "set"] != "training"]
    assert len(standard.readers) == len(independent)
    differing = {(r[0], r[4]) for r in rows if r[2] == "consensus"}
    conflicts = standard.conflicts[standard.conflicts["why"] == "conflict"]
    assert set(zip(conflicts["exam"], conflicts["item"], strict=True)) == differing
    between = agreement(standard).query("second == 'Q'")
    assert between.loc[between["item"] != "disease", "conflicts"].sum() == len(differing)


def test_the_order_of_the_readings_does_not_matter(tmp_path):
    make().write(tmp_path / "one")
    make(SOUND[::-1], SETS[::-1]).write(tmp_path / "two")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def run(name, *arguments):
    command = next(command for command in COMMANDS if command.name == name)
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_commands(tmp_path):
    out = tmp_path / "out"
    columns = {"protocol": None, "age": 60.0, "sex": None, "day": 0, "images": 1, "words": False, "reason": None}
    write_table(SETS.assign(**columns), tmp_path / "exams.parquet")
    write_table(frame(SOUND), tmp_path / "readings.parquet")
    (tmp_path / "reference.yaml").write_text("minimum_pair: 10\n")
    common = ["--grading", SCHEME, "--settings", tmp_path / "reference.yaml"]
    tables = ["--exams", tmp_path / "exams.parquet", "--readings", tmp_path / "readings.parquet"]
    assert "5 exams with a reference standard" in run("reference", *tables, *common, "--out", out)
    tables = ["--readers", out / "readers.parquet", "--reference", out / "reference.parquet"]
    run("agreement", *tables, *common, "--level", 0.9, "--out", out / "agreement.csv")
    assert len(read_table(out / "reference.parquet", REFERENCE)) == 5
    assert len(read_table(out / "readers.parquet", READERS)) == 6
    assert set(read_table(out / "agreement.csv")["level"]) == {0.9}
    assert {path.name for path in out.iterdir()} == {
        *("reference.parquet", "conflicts.csv", "agreement.csv", "readers.parquet", "ungraded.csv")
    }
