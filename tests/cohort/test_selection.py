"""The rules of the selection and the parting into sets, held against what is obvious."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.cohort import settings as sections
from analysis.cohort.rules import apply_rules, list_exams
from analysis.cohort.selection import given_split, select
from analysis.cohort.settings import (
    SelectionSettings,
    SetSettings,
    SetsSettings,
    ValidationSettings,
    WordsSettings,
)
from analysis.cohort.words import mentions
from analysis.errors import StudyError
from analysis.grading.settings import ReferenceSettings

READERS = {
    "training": [("s1", "reader")],
    "validation": [("s1", "reader"), ("s2", "reader")],
    "test": [("a", "senior"), ("b", "senior")],
    None: [],
}
OPEN = SetsSettings(
    training=SetSettings(),
    validation=ValidationSettings(exams=None, enriched_share=None, protocols=["weight_bearing"]),
    test=sections.TestSettings(exams=None, enriched_share=None, protocols=["weight_bearing"]),
)
RULES = SelectionSettings(sets=OPEN)
IMAGES = ["exam", "image", "protocol", "age", "sex", "body_part", "side"]


def exam(name, read="training", **more):
    return {
        "exam": name, "patient": f"p-{name}", "day": 0, "age": 50.0, "protocol": "weight_bearing", "body_part": "knee",
        "images": 1, "read": read, "grade": 2, "said": {}, "report": "", "side": None, **more,
    }  # fmt: skip


BASE = [exam("t0"), exam("v0", "validation"), exam("x0", "test")]


def frames(rows):
    """The tables that selection reads, of exams as dictionaries."""
    table = pd.DataFrame(rows).assign(
        sex="female",
        accession=lambda f: "A" + f["exam"],
        study_uid=lambda f: "1.2." + f["exam"],
        patient_id=lambda f: f["patient"],
        code=lambda f: f.get("code"),
    )
    files = table[["exam", "patient", "day", "accession", "study_uid", "patient_id", "code"]].astype({"day": "Int64"})
    images = table.loc[table["images"] > 0].assign(image=lambda f: "i" + f["exam"])[IMAGES]
    prepared = table.loc[table["images"] > 0, ["exam"]]
    readings = [
        {"exam": row["exam"], "reader": reader, "role": role, "item": "kl", "value": row["grade"]}
        for row in rows
        for reader, role in READERS[row["read"]]
    ] + [
        {"exam": row["exam"], "reader": who, "role": role, "item": item, "value": value}
        for row in rows
        for (who, role, item), value in row["said"].items()
    ]
    readings = pd.DataFrame(readings, columns=["exam", "reader", "role", "item", "value"])
    return images, readings, files, prepared, table[["accession", "report"]].rename(columns={"report": "text"})


def chosen(tmp_path, rows, rules=RULES, split=None, seed=0):
    images, readings, files, prepared, reports = frames(rows)
    reports[reports["text"] != ""].to_csv(tmp_path / "reports.csv", index=False)
    (tmp_path / "sets.csv").unlink(missing_ok=True)
    if split is not None:
        (tmp_path / "sets.csv").write_text("patient,set\n" + "".join(f"{p},{s}\n" for p, s in split))
    exams, flow = select(
        tmp_path, images, readings, files, prepared,
        settings=rules, policy=ReferenceSettings(), rng=np.random.default_rng(seed),
    )  # fmt: skip
    return exams.set_index("exam"), flow


def reason(tmp_path, *rows, rules=RULES):
    found = chosen(tmp_path, [*BASE, *rows], rules)[0]
    return found["reason"].fillna("").loc[[row["exam"] for row in rows]].tolist()


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("", {}),
        ("unreadable", {"images": 0}),
        ("burned_in", {"images": 0, "code": "burned_in"}),
        ("", {"code": "burned_in"}),  # of one image of several
        ("no_knee", {"body_part": "hip"}),
        ("", {"body_part": "femur"}),
        ("", {"body_part": None}),
        ("no_knee", {"said": {("s1", "reader", "no_knee"): 1}}),
        ("", {"said": {("s1", "reader", "no_knee"): 0}}),
        ("paediatric", {"age": 17.0}),
        ("", {"age": 18.0}),
        ("", {"age": np.nan}),
        ("unusable", {"said": {("s1", "reader", "unusable"): 1}}),
        ("", {"said": {("s1", "reader", "unusable"): 1, ("a", "senior", "unusable"): 0}}),
        ("unusable", {"said": {("a", "senior", "unusable"): 1, ("b", "senior", "unusable"): 0}}),
        ("", {"said": {("a", "senior", "unusable"): 1, ("a", "consensus", "unusable"): 0}}),
        ("", {"protocol": "trauma"}),  # training takes all protocols
        ("protocol", {"protocol": "trauma", "read": "test"}),
        ("protocol", {"protocol": None, "read": "test"}),
        ("protocol", {"protocol": "other", "read": "validation"}),
        ("not_read", {"read": None}),
        ("other_set", {"patient": "p-x0", "day": 400}),
        ("", {"patient": "p-x0", "day": 400, "read": "test"}),
        ("repeat", {"patient": "p-t0", "day": 90}),
        ("repeat", {"patient": "p-t0", "day": 90, "side": "left"}),  # t0 may be of this knee
        ("", {"patient": "p-t0", "day": 91}),
        ("", {"patient": "p-t0", "day": pd.NA}),
    ],
)
def test_each_rule_has_its_reason(tmp_path, expected, changes):
    assert reason(tmp_path, exam("one", **changes)) == [expected]


def test_an_unknown_age_is_kept_or_left_out_as_the_settings_say(tmp_path):
    strict = RULES.model_copy(update={"unknown_age": "exclude"})
    assert reason(tmp_path, exam("one", age=np.nan), rules=strict) == ["age_unknown"]
    older = RULES.model_copy(update={"minimum_age": 51.0})
    with pytest.raises(StudyError, match="No exam is left"):
        reason(tmp_path, exam("one"), rules=older)


def test_of_two_exams_on_one_day_the_one_that_was_read_is_kept(tmp_path):
    rows = exam("a1", None, patient="same"), exam("b1", patient="same")
    assert reason(tmp_path, *rows) == ["repeat", ""]


WORST = exam("all", images=0, body_part="hip", patient="p-t0", day=5, age=9.0, said={("s1", "reader", "unusable"): 1,
             ("s1", "reader", "no_knee"): 1})  # fmt: skip


@given(st.permutations(RULES.rules).flatmap(lambda order: st.integers(1, 5).map(lambda n: order[:n])))
def test_the_first_rule_in_the_order_of_the_settings_is_the_reason(order):
    # An exam without an image has neither age nor body part, so paediatric can't be its reason.
    rules = SelectionSettings(sets=OPEN, rules=order)
    images, readings, files, prepared, _ = frames([*BASE, WORST])
    exams = list_exams(images, files, prepared, pd.DataFrame({"exam": [], "text": []}, dtype="str"), rules)
    found = apply_rules(exams, readings, rules)[exams["exam"] == "all"].iloc[0]
    expected = next((rule for rule in order if rule != "paediatric"), None)
    assert found == expected or (pd.isna(found) and expected is None)


def test_repeats_count_by_knee_and_both_knees_of_an_exam_are_kept(tmp_path):
    rows = [
        exam("e1-left", patient="p"),
        exam("e1-right", patient="p"),
        exam("e2", patient="p", day=30, side="left"),
        exam("e3", patient="p", day=95, side="right"),
        exam("e4", patient="q", day=0, side="left"),
        exam("e5", patient="q", day=30, side="right"),
    ]
    assert reason(tmp_path, *rows) == ["", "", "repeat", "", "", ""]
    exams, flow = chosen(tmp_path, [*BASE, *rows])
    assert exams.loc[["e1-left", "e2"], "side"].tolist() == ["left", "left"]
    found = flow.set_index("step").loc["found"]
    assert (found["exams"], found["knees"], found["patients"]) == (8, 9, 5)


@pytest.mark.parametrize("demands", [{}, {"at_least": {"kl": {3: 4}}}])
def test_both_knees_of_an_exam_are_drawn_together(tmp_path, demands):
    """As in OAI: a set of so many knees is of half as many people, and nobody's other knee is left over."""
    rows = [
        exam(f"e{n:02d}-{side}", "test", patient=f"p{n}", side=side, grade=3 if side == "left" else 1)
        for n in range(20)
        for side in ("left", "right")
    ]
    sets = SetsSettings(
        training=OPEN.training,
        validation=OPEN.validation,
        test=sections.TestSettings(exams=10, enriched_share=None, protocols=None, **demands),
    )
    exams, _ = chosen(tmp_path, [exam("t0"), exam("v0", "validation"), *rows], SelectionSettings(sets=sets))
    drawn = exams[exams["set"] == "test"]
    assert (len(drawn), drawn["patient"].nunique()) == (10, 5)
    assert (exams["reason"] == "surplus").sum() == 30


@given(st.lists(st.tuples(st.sampled_from("pq"), st.integers(0, 500)), min_size=1, max_size=25), st.integers(0, 120))
def test_repeats_as_a_clerk_would_find_them(visits, days):
    rows = [exam(f"e{n:02d}", patient=patient, day=day) for n, (patient, day) in enumerate(visits)]
    rules = SelectionSettings(sets=OPEN, rules=["repeat"], repeat_days=days)
    images, readings, files, prepared, _ = frames(rows)
    exams = list_exams(images, files, prepared, pd.DataFrame({"exam": [], "text": []}, dtype="str"), rules)
    kept = []
    for row in sorted(rows, key=lambda row: (row["day"], row["exam"])):
        before = [other["day"] for other in kept if other["patient"] == row["patient"]]
        if all(row["day"] - day > days for day in before):
            kept.append(row)
    found = apply_rules(exams, readings, rules)
    assert set(exams.loc[found.isna(), "exam"]) == {row["exam"] for row in kept}


EXAMS = st.lists(
    st.fixed_dictionaries(
        {
            "patient": st.sampled_from([f"p{n}" for n in range(8)]),
            "day": st.one_of(st.integers(0, 800), st.just(pd.NA)),
            "age": st.sampled_from([9.0, 18.0, 70.0, np.nan]),
            "protocol": st.sampled_from(["weight_bearing", "trauma", None]),
            "body_part": st.sampled_from(["knee", "hip", None]),
            "images": st.sampled_from([0, 1, 1, 1]),
            "read": st.sampled_from(["training", "validation", "test", None]),
            "said": st.sampled_from([{}, {}, {("z", "senior", "unusable"): 1}]),
        }
    ),
    max_size=60,
)


@settings(max_examples=20)
@given(EXAMS, st.integers(0, 3))
def test_found_is_kept_and_left_out_and_no_patient_is_in_two_sets(tmp_path_factory, several, seed):
    folder = tmp_path_factory.getbasetemp()
    rows = [*BASE, *(exam(f"e{n:02d}", **one) for n, one in enumerate(several))]
    exams, flow = chosen(folder, rows, seed=seed)
    assert set(exams.index) == {row["exam"] for row in rows}
    kept = exams[exams["set"] != "excluded"]
    assert kept["reason"].isna().all() and exams.loc[exams["set"] == "excluded", "reason"].notna().all()
    assert kept.groupby("patient")["set"].nunique().max() == 1
    assert (kept.loc[kept["set"].isin(["test", "validation"]), "protocol"] == "weight_bearing").all()
    n = flow.groupby("step")["exams"].sum()
    assert n["found"] == len(rows) == n["set"] + n.get("excluded", 0)
    assert n["included"] == n["set"] == len(kept)
    assert flow[flow["step"] == "excluded"].set_index("code")["exams"].to_dict() == (
        exams["reason"].value_counts().to_dict()
    )
    shuffled, _ = chosen(folder, [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))], seed=seed)
    pd.testing.assert_frame_equal(exams, shuffled)


def of_test(**more):
    return RULES.model_copy(update={"sets": OPEN.model_copy(update={"test": sections.TestSettings(**{
        "exams": None, "enriched_share": None, **more})})})  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"at_least": {"kl": {4: 3}}}, r"test set asks for 3 exams with kl 4, but only 2 can be had \(1 too few\)"),
        ({"exams": 40}, r"test set asks for 40 exams, but only 6 can be had \(34 too few\)"),
        (
            {"exams": 40, "enriched_share": 0.5},
            r"asks for 40 exams, but only 6 can be had \(34 too few\): of \d+ eligible exams \d+ were read as reference\.test asks",
        ),
        ({"exams": 6, "enriched_share": 0.5}, r"asks for 3 exams with the words .* only 1 can be had \(2 too few\)"),
        ({"exams": 1, "at_least": {"kl": {4: 2}}}, r"asks for 1 exams, but for 2 by grade and words"),
    ],
)
def test_a_cohort_that_cannot_be_had_says_which_and_how_many(tmp_path, rules, message):
    rows = [exam(f"x{n}", "test", grade=4 if n < 3 else 1) for n in range(1, 6)]
    rows[0]["report"] = "Uttalad artros."
    with pytest.raises(StudyError, match=message):
        chosen(tmp_path, [*BASE, *rows], of_test(**rules))


def test_grades_words_and_number_are_met_together_and_the_rest_is_surplus(tmp_path):
    rows = [
        exam(f"x{n:02d}", "test", grade=n % 5, report="Artros." if n % 3 == 0 else "Ingen artros.")
        for n in range(1, 60)
    ]
    rules = of_test(exams=20, enriched_share=0.6, at_least={"kl": {4: 6, 0: 2}})
    exams, flow = chosen(tmp_path, [*BASE, *rows], rules)
    test = exams[exams["set"] == "test"]
    grade = {row["exam"]: row["grade"] for row in [*BASE, *rows]}
    assert len(test) == 20
    assert test["words"].sum() >= 12
    assert sum(grade[name] == 4 for name in test.index) >= 6
    assert sum(grade[name] == 0 for name in test.index) >= 2
    assert flow.set_index("code").loc["surplus", "exams"] == 40
    assert set(chosen(tmp_path, [*BASE, *rows], rules, seed=1)[0].query("set == 'test'").index) != set(test.index)


def test_a_given_split_is_kept_to_or_refused(tmp_path):
    split = [("p-t0", "training"), ("p-v0", "validation"), ("p-x0", "test"), ("p-out", "training")]
    rows = [*BASE, exam("out"), exam("left", patient="nobody")]
    exams, _ = chosen(tmp_path, rows, split=split)
    assert exams["set"].to_dict() == {
        "t0": "training", "v0": "validation", "x0": "test", "out": "training", "left": "excluded",
    }  # fmt: skip
    assert exams.loc["left", "reason"] == "not_in_split"
    with pytest.raises(StudyError, match=r"patient p-t0 .* is in the sets test and training.*\(1 such patients\)"):
        chosen(tmp_path, rows, split=[*split, ("p-t0", "test")])
    with pytest.raises(StudyError, match=r"line 6: no file of the archive is of patient 'ghost' \(1 such lines\)"):
        chosen(tmp_path, rows, split=[*split, ("ghost", "test")])
    with pytest.raises(
        StudyError, match=r"No exam is left for the training set .*most exams, 5, is 'Patient not in the given"
    ):
        chosen(tmp_path, rows, split=[])
    with pytest.raises(StudyError, match="isn't one of"):
        chosen(tmp_path, rows, split=[*split, ("p-out", "pilot")])


def test_an_identifier_of_several_patients_is_of_none_of_them(tmp_path):
    files = pd.DataFrame({"patient": ["a", "b"], "patient_id": ["1", "2"], "other_ids": ["STUDY-7", "STUDY-7"]})
    (tmp_path / "sets.csv").write_text("patient,set\n1,test\nstudy 7,training\n")
    with pytest.raises(StudyError, match="line 3: several patients of the archive bear the identifier 'study 7'"):
        given_split(tmp_path / "sets.csv", files)
    (tmp_path / "sets.csv").write_text("patient,set\n1,\uff34est\n")
    assert given_split(tmp_path / "sets.csv", files).to_dict() == {"a": "test"}


def test_a_given_split_knows_every_identifier_of_a_patient_and_nobody_by_none(tmp_path):
    files = pd.DataFrame({"patient_id": ["P-1", "0000"], "other_ids": ["OLD9\x1fOLD10", None], "patient": ["a", "b"]})
    (tmp_path / "sets.csv").write_text("patient,set\nold 10,test\n")
    assert given_split(tmp_path / "sets.csv", files).to_dict() == {"a": "test"}
    (tmp_path / "sets.csv").write_text("patient,set\n,test\n")
    with pytest.raises(StudyError, match="line 2: no file of the archive is of patient ''"):
        given_split(tmp_path / "sets.csv", files)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("Uttalad gonartros medialt.", True),
        ("ARTROS", True),
        ("Ingen artros.", False),
        ("Ingen fraktur, luxation eller artros.", False),
        ("Ingen fraktur. Måttlig artros.", True),
        ("Ingen fraktur, men medial artros.", True),
        ("Inga osteofyter.", False),
        ("Osteofyter, ingen utgjutning.", True),
        ("Medialt är ledspalten sänkt.", True),
        ("Utan säker broskreduktion.", False),
        ("Varken skleros eller osteofyt ses.", False),
        ("Normal knee.", False),
        ("Moderate osteoarthritis.", True),
        ("No osteoarthritis.", False),
        ("No fracture. Marginal osteophytes.", True),
        ("No fracture, however joint space narrowing is seen.", True),
        ("There is no fracture or osteophyte.", False),
        ("Not degenerative.", False),
        ("Ingen fraktur eller\nsäker artros.", False),  # lines as an old system breaks them
        ("No fracture, mild joint\nspace narrowing.", True),
        ("Ingen fraktur\nArtros medialt", True),
        ("Ingen fraktur\n\nartros medialt", True),
        ("ingen fraktur\nartros medialt", True),
        ("", False),
    ],
)
def test_words_count_unless_denied(report, said):
    assert mentions(report, WordsSettings()) is said
