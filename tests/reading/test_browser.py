"""From the first key to the manuscript's table: two blinded readers and a consensus session in Chromium, export, DAG."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser

from analysis.archive.people.names import side_of
from analysis.grading.scheme import load_scheme
from analysis.presentation.results import Results
from analysis.presentation.settings import ManuscriptSettings
from analysis.presentation.tables import TABLES
from analysis.reading import access
from analysis.reading.store import Store
from tests.reading import planted
from tests.reading.browser import Seat, chromium, open_browser
from tests.reading.conftest import KL, Archive, Server, run, running, the_first, write_yaml
from tests.workflow.conftest import Clone

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed: envs/setup.sh test installs it")

EXAMS = 100
#: A desk's monitor and a tablet on its side.
SCREENS = ({"width": 1440, "height": 900}, {"width": 1024, "height": 768})
SECRETS = ("only the first says so", "only the second says so")
NAMES = ("anna", "bosse-the-second")


@dataclass
class Listener:
    """All that reaches one browser."""

    texts: list[str] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    waiting: list[Any] = field(default_factory=list)

    def attach(self, seat: Seat) -> Listener:
        def finished(request: Any) -> None:
            self.waiting.append(request)

        seat.page.on("requestfinished", finished)
        seat.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        seat.page.on("console", lambda line: self.troubles.append(line.text) if line.type == "error" else None)
        return self

    def take(self) -> None:
        """Fetch the bodies of what has come since the last time."""
        waiting = self.waiting.copy()
        self.waiting.clear()
        for request in waiting:
            answer = request.response()
            # The door's answer goes with the door, which is left at once; test_doors.py has seen it.
            if answer is None or answer.status in (303, 304) or "/static/" in request.url or "sign-in" in request.url:
                continue
            body = answer.body()
            if "/api/pictures/" in request.url:
                self.pictures.append(body)
                continue
            self.texts.append(f"{request.url}\n{answer.headers}\n{body.decode()}")
            if request.url.endswith("/api/next"):
                self.shown += json.loads(body)["exams"]


@dataclass
class Session:
    """What the readers and the seniors did, and what their browsers heard."""

    archive: Archive
    server: Server
    heard: dict[str, Listener]
    progress: list[str]
    decided: int

    @property
    def rows(self) -> pd.DataFrame:
        with sqlite3.connect(self.server.store) as db:
            return pd.read_sql(
                "select r.name, a.exam, a.occasion, a.kind, a.handle, l.* from ledger l"
                " join assignments a on a.id = l.assignment join readers r on r.id = l.reader order by l.id",
                db,
            )


@pytest.fixture(scope="module")
def chrome():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def hundred(archive, tmp_path_factory) -> Archive:
    """The simulated archive, of which a hundred exams are to be read."""
    return the_first(EXAMS, archive, tmp_path_factory.mktemp("hundred"))


@pytest.fixture(scope="module")
def session(hundred, chrome, tmp_path_factory) -> Session:
    """Two readers take turns, then the seniors decide: all of it by keyboard."""
    with running(
        Server(hundred, tmp_path_factory.mktemp("room"), {"reference": {"validation": {"readings": 2}}})
    ) as server:
        return hold(server, hundred, chrome)


def hold(server: Server, hundred: Archive, chrome: Browser) -> Session:
    store = Store(server.store)
    places = planted.Places(hundred, server.store)
    heard = {name: Listener() for name in (*NAMES, "seniors")}
    seats = []
    for name in NAMES:
        seats.append(seat := Seat(chrome, viewport=SCREENS[len(seats)]))
        heard[name].attach(seat)
        seat.sign_in(server.url, access.make_token(store, name, "reader"))
    before = ["", ""]
    while before != ["none", "none"]:
        for number, seat in enumerate(seats):
            if before[number] == "none":
                continue
            before[number] = seat.shown(before[number])
            heard[NAMES[number]].take()
            if before[number] != "none":
                read(seat, number, *places.of(before[number]))
    for name, seat in zip(NAMES, seats, strict=True):
        look(seat, server.url, heard[name], "#said:not(:empty)")
        seat.context.close()
    seat = Seat(chrome)
    heard["seniors"].attach(seat)
    seat.sign_in(server.url, access.make_token(store, "seniors", "consensus"))
    seat.shown()
    progress = [look(seat, server.url, heard["seniors"], "#between tbody tr")]
    seat.page.goto(server.url)
    seat.shown()
    seat.still()  # a busy browser loses keys that come before the page is drawn
    seat.page.fill("#present-names", "Dr Ek, Dr Lind")
    seat.press("Enter")
    seat.page.wait_for_function("document.activeElement.id !== 'present-names'")
    shown, decided = "", 0
    while (shown := seat.shown(shown)) != "none":
        decide(seat, places.of(shown)[0])
        decided += 1
        heard["seniors"].take()
    progress.append(look(seat, server.url, heard["seniors"], "#between tbody tr"))
    seat.context.close()
    return Session(hundred, server, heard, progress, decided)


def read(seat: Seat, number: int, place: int, occasion: int) -> None:
    found = planted.grade(place, number)
    # The second time, every other exam is graded one higher or lower.
    kl = found["kl"] + (occasion == 2 and place % 2 == 0) * (-1 if found["kl"] else 1)
    seat.press(str(kl), *("m" * found["medial"]))
    if place % 25 == 1:
        seat.press("/")
        seat.page.keyboard.type(SECRETS[number])
        seat.press("Enter")
    seat.press("Enter")


def decide(seat: Seat, place: int) -> None:
    first, second = (planted.grade(place, number) for number in (0, 1))
    for item, value in planted.decide(place).items():
        sides = seat.page.locator(f"#decision tr[data-field={item}] td").all_inner_texts()[:2]
        words = ("no", "yes") if item == "medial" else "01234"
        assert sorted(sides) == sorted(words[given[item]] for given in (first, second))
        seat.press("ab"[sides.index(words[value])] if place % 2 else str(value))
    seat.press("Enter")


def look(seat: Seat, url: str, heard: Listener, what: str) -> str:
    """Read the progress page, and listen before and after: a page takes what it was sent with it when it goes."""
    seat.page.wait_for_load_state("networkidle")
    heard.take()
    seat.page.goto(url + "/progress")
    seat.page.wait_for_selector(what)
    seat.page.wait_for_load_state("networkidle")
    heard.take()
    return seat.page.inner_text("body")


def test_every_reading_is_as_it_was_keyed_in(session):
    rows = session.rows
    assert set(rows["version"]) == {0}
    place = {exam: i for i, exam in enumerate(session.archive.exams)}
    for number, name in enumerate(NAMES):
        mine = rows[(rows["name"] == name) & (rows["occasion"] == 1)]
        assert sorted(mine["exam"].map(place)) == list(range(EXAMS))
        for row in mine.itertuples():
            values = json.loads(row.values)
            expected = planted.grade(place[row.exam], number)
            assert {item: values[item] for item in expected} == expected
            assert not any(value for item, value in values.items() if item not in expected)
            assert row.comment == (SECRETS[number] if place[row.exam] % 25 == 1 else "")
        assert len(rows[(rows["name"] == name) & (rows["occasion"] == 2)]) == 10
    decisions = rows[rows["kind"] == "consensus"]
    assert {tuple(json.loads(names)) for names in decisions["present"]} == {("Dr Ek", "Dr Lind")}
    assert session.decided == len(decisions) == EXAMS // planted.BLOCK * planted.CONFLICTS
    for row in decisions.itertuples():
        assert json.loads(row.values) == planted.decide(place[row.exam])


def test_readers_are_blind(session):
    fields = {"handle", "kind", "version", "views", "body", "before", "note", "locked"}
    for name in NAMES:
        heard = session.heard[name]
        assert heard.troubles == []
        assert len({exam["handle"] for exam in heard.shown}) == EXAMS + 10
        # Nothing comes with an exam but its views; nothing was read before, and no score is there to be seen.
        assert {frozenset(exam) for exam in heard.shown} == {frozenset(fields)}
        assert not any(exam["before"] or exam["note"] for exam in heard.shown)
        text = "\n".join(heard.texts)
        assert "conflict" not in text
        other = 1 - NAMES.index(name)
        for secret in (NAMES[other], SECRETS[other], "seniors"):
            assert secret not in text
    orders = [list(dict.fromkeys(exam["handle"] for exam in session.heard[name].shown)) for name in NAMES]
    rows = session.rows.set_index("handle")["exam"]
    assert rows[orders[0]].tolist() != rows[orders[1]].tolist()


def test_the_seniors_see_readings_without_names(session):
    heard = session.heard["seniors"]
    assert heard.troubles == []
    text = "\n".join(heard.texts)
    assert all(secret in text for secret in SECRETS)
    assert not any(name in text for name in NAMES)
    assert all(len(exam["sides"]) == 2 for exam in heard.shown)


def test_nothing_that_identifies_anybody_reaches_a_browser(session):
    for heard in session.heard.values():
        text = "\n".join(heard.texts)
        assert [value for value in session.archive.private if value in text] == []
        assert len(heard.pictures) >= session.decided
        for body in heard.pictures:  # width, height, window, then pixels: there is no room for anything else
            width, height = (int.from_bytes(body[i : i + 4], "little") for i in (0, 4))
            assert len(body) == 32 + 2 * width * height


def test_the_progress_page_tells_of_the_planted_agreement(session):
    before, after = ([line.split("\t") for line in page.splitlines()] for page in session.progress)
    conflicts = str(session.decided)
    assert ["validation", "100", "0", "100", conflicts, "0", ""] in before
    assert ["validation", "100", "0", "100", "0", conflicts, ""] in after
    (line,) = [line for line in after if line[0].startswith("Kellgren") and "–" in line[1]]
    assert line[2:4] == ["100", "20"]
    assert [cell.split(" (")[0] for cell in line[4:]] == ["80.0", "0.75", "0.95"]


def test_export_holds_what_was_keyed_in(session, exported):
    again = pd.read_csv(exported / "agreement.csv").query("kind == 'within' and item == 'kl'")
    rows = session.rows.query("occasion == 2 and kind == 'read'")
    place = {exam: i for i, exam in enumerate(session.archive.exams)}
    for name in NAMES:
        planned = sum(place[exam] % 2 == 0 for exam in rows.loc[rows["name"] == name, "exam"])
        assert again.loc[again["first"] == name, ["n", "conflicts"]].values.tolist() == [[10, planned]]
    between = pd.read_csv(exported / "agreement.csv").query("kind == 'between'").set_index("item")
    for item, agreement in (("kl", planted.KL), ("medial", planted.MEDIAL)):
        assert_planted(between.loc[item], agreement)


def assert_planted(row: pd.Series, agreement: tuple[Any, ...]) -> None:
    share, kappa, quadratic = map(float, agreement)
    measured = row[["percent", "kappa", "kappa_quadratic"]].astype(float).tolist()
    assert measured == pytest.approx([100 * share, kappa, quadratic], abs=1e-12)


@pytest.fixture(scope="module")
def exported(session, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("export") / "private"
    a = session.archive
    run(
        "read-export", "--archive", a.folder, "--store", session.server.store, "--images-index", a.images,
        "--private", a.private_index, "--grading", KL, "--config", session.server.config, "--out", out,
    )  # fmt: skip
    return out


#: How the planted exams are parted: whole blocks, so that each set has the planted agreement.
SETS = {"training": range(40), "validation": range(40, 60), "test": range(60, 100)}
TWO = {"readings": 2, "role": "reader", "conflicts": "consensus", "revisit": "ignore"}
ANY = {"exams": None, "protocols": None, "enriched_share": None}
STUDY = {
    "cohort": {"name": "read", "title": "simulated archive that was read in the reading room"},
    "selection": {"split": "given", "sets": {"training": ANY, "validation": ANY, "test": ANY}},
    "reference": dict.fromkeys(SETS, TWO),
    "images": {"size": 48, "shards": 1},
}


@pytest.fixture(scope="module")
def study(session, exported, tmp_path_factory) -> Path:
    """A hospital's archive with the exported readings, brought through the DAG to its reference standard.

    What comes after that knows no reading room: the smoke study runs it from end to end.
    """
    archive = session.archive
    folder = tmp_path_factory.mktemp("hospital")
    (folder / "dicom").symlink_to(archive.folder / "dicom")
    shutil.copy(archive.folder / "reports.csv", folder)
    shutil.copy(exported / "readings.csv", folder)
    private = pd.read_parquet(archive.private_index).dropna(subset=["exam"]).drop_duplicates("exam").set_index("exam")
    split = [
        {"patient": private.at[archive.exams[place], "patient_id"], "set": name}
        for name, places in SETS.items()
        for place in places
    ]
    pd.DataFrame(split).to_csv(folder / "sets.csv", index=False)
    key = tmp_path_factory.mktemp("key") / "pseudonym.key"
    section = {"archive": {"source": "folder", "folder": str(folder), "key": str(key)}}
    overlay = write_yaml(tmp_path_factory.mktemp("overlay") / "study.yaml", STUDY | section)
    clone = Clone(tmp_path_factory.mktemp("clone"))
    done = clone.snakemake("results/read/kl/reference/agreement.csv", study=str(overlay))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return clone.folder / "results/read"


def test_the_study_reports_exactly_the_planted_agreement(study):
    table = pd.read_csv(study / "kl/reference/agreement.csv").query("second != 'consensus'")
    table = table.set_index(["set", "item"])
    for name, places in SETS.items():
        for item, agreement in (("kl", planted.KL), ("medial", planted.MEDIAL), ("disease", planted.DISEASE)):
            row = table.loc[(name, item)]
            assert (row["first"], row["second"], row["n"]) == (*NAMES, len(places))
            assert row["conflicts"] == len(places) * (1 - agreement[0])
            assert_planted(row, agreement)


def test_the_reference_standard_is_what_was_agreed_or_decided(session, study):
    mine = pd.read_parquet(study / "private/index.parquet").dropna(subset=["exam"]).drop_duplicates("exam")
    theirs = pd.read_parquet(session.archive.private_index).dropna(subset=["exam"]).drop_duplicates("exam")
    number = dict(zip(theirs["exam"], theirs["accession"], strict=True))
    # Two exams of one number are the two knees of one visit.
    exam = {(row.accession, side_of(row.exam)): row.exam for row in mine.itertuples()}
    reference = pd.read_parquet(study / "kl/reference/reference.parquet").set_index("exam")
    assert len(reference) == EXAMS
    for place, name in enumerate(session.archive.exams):
        expected = planted.grade(place, 0) | planted.decide(place)
        assert dict(reference.loc[exam[number[name], side_of(name)], list(expected)].astype(int)) == expected


def test_the_manuscripts_table_tells_of_it(study):
    results = Results(
        load_scheme(KL), ManuscriptSettings(), statistics=study / "kl/statistics",
        reference=study / "kl/reference", selection=study / "selection",
    )  # fmt: skip
    rows = [[cell.split(" (")[0] for cell in row] for row in TABLES["agreement"](results).rows]
    for name, places in SETS.items():
        begin, n = rows.index([f"{name.capitalize()} set"]), str(len(places))
        grade, medial = rows[begin + 1 : begin + 3]
        assert grade == ["Kellgren-Lawrence grade", n, "80", "0.75", "0.95", str(len(places) // 5)]
        assert medial == ["Medial osteoarthritis", n, "95", "0.89", "0.89", str(len(places) // 20)]
