"""The pages of graded knees, in Chromium: looked through and checked by key, and fit for every width."""

import csv
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from pydicom.uid import generate_uid

from analysis.errors import StudyError
from analysis.files import read_table, write_table
from analysis.inference.browse import browse
from analysis.inference.run import run
from analysis.schemas import READINGS, REFERENCE
from analysis.schemas.statistics import THRESHOLDS
from analysis.yaml_files import dump_yaml
from tests.archive.files import save
from tests.inference.test_grade import knee
from tests.network.conftest import GRADINGS
from tests.network.runs import settings
from tests.reading.browser import audit, chromium, open_browser

needs_chromium = pytest.mark.skipif(
    chromium() is None, reason="Chromium is not installed: envs/setup.sh test installs it"
)


@pytest.fixture(scope="module")
def chrome():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def sheet(chrome):
    """A page without a network, of a script's own: the pages' policy forbids scripts of others."""
    context = chrome.new_context(bypass_csp=True, viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    yield page
    assert page.faults == []
    context.close()


@pytest.fixture(scope="module")
def graded(card, tmp_path_factory):
    """The page of four new knees, of which one should be doubted."""
    folder = tmp_path_factory.mktemp("graded")
    for i in range(4):
        more = {"BodyPartExamined": "HAND", "StudyDescription": "Hand"} if i == 2 else {}
        exam = "=A1" if i == 0 else f"A{i}"
        save(knee(exam, i, ImageLaterality="L", StudyInstanceUID=generate_uid(), **more), folder / f"in/{i}.dcm")
    run([folder / "in"], card, folder / "out", page=10)
    return folder / "out/grades.html"


@pytest.fixture(scope="module")
def asked(study, tmp_path_factory):
    """What `browse` takes: the small study, with readings and thresholds, as of an archive without personal data."""
    folder = tmp_path_factory.mktemp("browsed")
    reference = read_table(study / "kl.parquet", REFERENCE)
    rows = [
        {"exam": exam, "reader": reader, "role": role, "session": session, "item": item, "value": value, "revisit": revisit}
        for exam, grade in zip(reference["exam"], reference["kl"].astype(int), strict=True)
        for reader, role, session, revisit, said in (
            ("anna", "senior", "test", False, {"kl": grade, "medial": 1}),
            ("bo", "reader", None, True, {"kl": max(0, grade - 1), "tka": 1, "jsn_medial": 2}),
        )
        for item, value in said.items()
    ]  # fmt: skip
    write_table(pd.DataFrame(rows).assign(time=None), folder / "readings.parquet", READINGS)
    measures = dict.fromkeys(THRESHOLDS.columns, 1) | {"too_few": False, "level": 0.95, "method": "x", "reason": None}
    chosen = {"outcome": ["kl_0", "medial", "kl_0"], "chosen_on": ["test", "validation", "validation"]}
    limits = pd.DataFrame(measures | chosen | {"threshold": [0.75, 0.5, 0.25]})
    write_table(limits, folder / "thresholds.csv", THRESHOLDS)
    config = {
        "cohort": {"name": "small", "title": "A <small> cohort"},
        "archive": {"source": "simulated"},
        "network": settings(seeds=[0, 1]).model_dump(mode="json"),
    }
    (folder / "config.yaml").write_text(dump_yaml(config))
    return {
        "images": study / "images",
        "reference": study / "kl.parquet",
        "readings": folder / "readings.parquet",
        "predictions": study / "predictions/exams.parquet",
        "seeds": study / "predictions/seeds.parquet",
        "thresholds": folder / "thresholds.csv",
        "grading": GRADINGS / "kl.yaml",
        "weights": [study / f"network/seed-{seed}/weights.safetensors" for seed in (0, 1)],
        "config": folder / "config.yaml",
        "workers": 1,
    }


@pytest.fixture(scope="module")
def browsed(asked, tmp_path_factory):
    out = tmp_path_factory.mktemp("pages")
    assert browse(**asked, out=out).startswith("15 test exams.\n")
    return out / "kl.html"


def at(page):
    """Which article has the focus."""
    return page.evaluate("document.activeElement.id")


def marked(page):
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('article')].map(e => [e.id, e.dataset.check]))"
    )


@needs_chromium
def test_graded_knees_are_checked_by_key(graded, sheet, tmp_path):
    sheet.goto(graded.as_uri())
    sheet.keyboard.press("a")  # nobody has seen a knee yet: it only leads to the first
    assert at(sheet) == "knee-1" and set(marked(sheet).values()) == {""}
    sheet.keyboard.press("a")
    assert at(sheet) == "knee-2" and marked(sheet)["knee-1"] == "agree"
    sheet.keyboard.press("D")  # with the shift lock on
    assert at(sheet) == "knee-3" and marked(sheet)["knee-2"] == "disagree"
    for key, then in (("k", 2), ("ArrowUp", 1), ("ArrowUp", 1), ("j", 2), ("ArrowDown", 3), ("j", 4), ("j", 4)):
        sheet.keyboard.press(key)
        assert at(sheet) == f"knee-{then}"
    sheet.keyboard.press("Control+a")
    assert marked(sheet)["knee-4"] == ""
    sheet.keyboard.down("k")
    sheet.keyboard.down("k")  # held, it goes on
    sheet.keyboard.up("k")
    assert at(sheet) == "knee-2"
    sheet.keyboard.down("a")
    sheet.keyboard.down("a")  # held, it agrees once
    sheet.keyboard.up("a")
    assert at(sheet) == "knee-3" and marked(sheet)["knee-3"] == ""
    assert sheet.locator("#count").inner_text() == "4 of 4 shown, 2 checked"
    sheet.select_option("#which", "look")
    assert sheet.locator("article:visible").count() == len(re.findall('data-look="1"', graded.read_text())) >= 1
    sheet.select_option("#which", "open")
    sheet.locator("#which").blur()
    sheet.keyboard.press("a")
    assert at(sheet) == "knee-4" and sheet.locator("article:visible").count() == 1
    sheet.reload()
    assert [name for name, word in marked(sheet).items() if word] == ["knee-1", "knee-2", "knee-3"]
    with sheet.expect_download() as saved:
        sheet.click("#save")
    assert saved.value.suggested_filename == "checked-grades.csv"  # pages don't take each other's name
    saved.value.save_as(tmp_path / "checked.csv")
    with (tmp_path / "checked.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["checked"] for row in found] == ["agree", "agree", "agree"]
    assert found[0]["exam"] == "'=A1"  # no formula for a spreadsheet


@needs_chromium
def test_what_was_checked_is_of_the_knee_and_not_of_its_number(card, sheet, tmp_path):
    """Where another run writes the same page."""
    for i in range(2):
        more = {"ImageLaterality": "L", "StudyInstanceUID": generate_uid()}
        save(knee(f"B{i}", 10 + i, **more), tmp_path / f"in/{i + 1}.dcm")
    run([tmp_path / "in"], card, tmp_path / "out")
    page = (tmp_path / "out/grades.html").as_uri()
    sheet.goto(page)
    for key in "jad":
        sheet.keyboard.press(key)
    assert marked(sheet) == {"knee-1": "agree", "knee-2": "disagree"}
    save(knee("C", 12, ImageLaterality="L", StudyInstanceUID=generate_uid()), tmp_path / "in/0.dcm")
    (tmp_path / "in/1.dcm").unlink()
    run([tmp_path / "in"], card, tmp_path / "out")
    sheet.goto(page)
    assert marked(sheet) == {"knee-1": "", "knee-2": "disagree"}


@needs_chromium
def test_cells_are_looked_through_by_key(browsed, sheet):
    sheet.goto(browsed.as_uri())
    buttons = sheet.locator(".matrix button")
    numbers = [int(text) for text in buttons.all_inner_texts()]
    assert sum(numbers) == 15 == sheet.locator("article").count()
    for i, n in enumerate(numbers):
        sheet.keyboard.press("ArrowRight")
        assert buttons.nth(i).get_attribute("aria-pressed") == "true"
        assert sheet.locator("article:visible").count() == n
        where = buttons.nth(i).get_attribute("aria-label").partition(":")[0]
        assert sheet.locator("#count").inner_text().startswith(f"{where}: {n} of 15 shown")
        assert sheet.evaluate("document.activeElement.dataset.cell") == buttons.nth(i).get_attribute("data-cell")
    sheet.keyboard.press("ArrowRight")
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"  # around
    sheet.keyboard.press("ArrowLeft")
    assert buttons.nth(len(numbers) - 1).get_attribute("aria-pressed") == "true"
    sheet.keyboard.press("Escape")
    assert sheet.locator("article:visible").count() == 15
    sheet.keyboard.press("ArrowLeft")
    assert buttons.nth(len(numbers) - 1).get_attribute("aria-pressed") == "true"
    sheet.click("#every")
    buttons.nth(0).click()
    assert sheet.locator("article:visible").count() == numbers[0]
    buttons.nth(0).click()
    assert sheet.locator("article:visible").count() == 15
    sheet.select_option("#which", "look")
    assert sheet.locator("article:visible").count() == 15 - sum(
        int(one.inner_text()) for one in sheet.locator(".matrix button.right").all()
    )


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_keep_nobody_out(graded, browsed, sheet, width):
    for path in (graded, browsed):
        sheet.set_viewport_size({"width": width, "height": 800})
        sheet.goto(path.as_uri())
        assert sheet.evaluate("document.documentElement.scrollWidth") <= width, path
        assert audit(sheet) == []
        assert sheet.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")


def test_the_matrix_and_the_readings_are_the_studys(browsed, asked):
    text = browsed.read_text(encoding="utf-8")
    reference = read_table(asked["reference"], REFERENCE).query("set == 'test'").set_index("exam")["kl"].astype(int)
    guess = pd.read_parquet(asked["predictions"]).set_index("exam").loc[reference.index, "kl"].astype(int)
    pairs = Counter(f"{a}-{b}" for a, b in zip(reference, guess, strict=True))
    cells = re.findall(r'<article[^>]* data-cell="([^"]+)"', text)
    assert Counter(cells) == pairs
    assert {cell: int(n) for cell, n in re.findall(r'<button data-cell="([^"]+)".*?>(\d+)</button>', text)} == pairs
    articles = dict(re.findall(r'<article[^>]* data-exam="([^"]+)">(.*?)</article>', text, re.S))
    assert set(articles) == set(reference.index)
    for exam, words in articles.items():
        rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>", words)
        grade = reference[exam]
        assert [row[:2] for row in rows] == [
            ("Reference standard", str(grade)),
            ("bo, reader, to be looked at again", str(max(0, grade - 1))),
            ("anna, senior, test", str(grade)),
        ]
        assert "Total knee arthroplasty" in rows[1][2] and rows[2][2] == "Medial osteoarthritis"
    assert "A &lt;small&gt; cohort" in text and "<small>" not in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert text.count("Not a medical device; for research only.") == 1


def test_patients_stay_in_the_private_folder(asked, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(asked["config"].read_text().replace("simulated", "folder"))
    with pytest.raises(
        StudyError, match=r"patients'.* isn't in a folder 'private'; write the page to results/small/private"
    ):
        browse(**asked | {"config": config}, out=tmp_path / "browse")
    assert not (tmp_path / "browse").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1", "has no section 'archive'"),
        ("archive: {source: folder}", "has no section 'cohort'"),
        ("archive: {source: nowhere}\ncohort: {name: a}\nnetwork: {}", "doesn't name a cohort .*and a source"),
        ("archive: {}\ncohort: {}\nnetwork: {}", "doesn't name a cohort .*and a source"),
    ],
)
def test_a_configuration_that_is_not_whole_is_told(asked, tmp_path, text, said):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(StudyError, match=rf"config\.yaml {said}.*; give the whole configuration"):
        browse(**asked | {"config": tmp_path / "config.yaml"}, out=tmp_path / "browse")


def test_an_exam_that_was_not_graded_has_a_place(asked, tmp_path):
    """By the reference standard: nothing is lost from the matrix. And one member's attributions are told to be its own."""
    reference = read_table(asked["reference"], REFERENCE)
    first = reference.index[reference["set"] == "test"][0]
    reference.loc[first, "kl"] = np.nan
    write_table(reference, tmp_path / "some.parquet", REFERENCE)
    browse(**asked | {"reference": tmp_path / "some.parquet", "weights": asked["weights"][1:]}, out=tmp_path)
    text = (tmp_path / "kl.html").read_text()
    assert text.count("<article") == 15 and len(re.findall(r'<article[^>]* data-cell="none-\d"', text)) == 1
    assert re.search(r'aria-label="Reference none, network \d: 1 exams"', text)
    assert "is told of seed 1&#39;s network" in text
