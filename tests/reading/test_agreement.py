"""What the progress page tells of agreement is what the study will report, whatever is corrected meanwhile."""

from __future__ import annotations

import pytest

from analysis.reading.readings.agreement import measure
from analysis.reading.readings.cases import cases
from analysis.reading.readings.entries import standing
from tests.reading.conftest import values
from tests.reading.test_queues import Desk

TOLD = ("n", "conflicts", *("percent", "percent_low", "percent_high"), *("kappa", "kappa_low", "kappa_high"))
TOLD += ("kappa_quadratic", "kappa_quadratic_low", "kappa_quadratic_high")


def test_counted_as_readings_come_in_is_as_measured_in_the_end(archive, tmp_path, rng):
    settings = {"repeat_share": 0.4, "repeat_gap": 5}
    room = archive.room(tmp_path / "s.sqlite", **settings)
    readers = [Desk(room, name, "reader") for name in ("anna", "bo", "cia")]
    panel = Desk(room, "panel", "consensus")
    assert room.agreement(panel.reader) == {"between": [], "within": []}

    def given() -> dict[str, int | None]:
        kind = rng.integers(8)
        if kind == 0:
            return {"unusable": 1, "no_knee": 0}
        if kind == 1:
            return values(0, tka=1, implant=1) | {"kl": None}
        return values(int(rng.integers(5)), cast=int(rng.integers(2)))

    for desk in readers:
        for _ in range(55):
            if exams := desk.next():
                desk.write(exams[0], given())
                if rng.random() < 0.3:  # and now and then the last one is corrected
                    desk.write(desk.back("none-yet"), given())
    told = room.agreement(panel.reader)
    with room.store.reading() as db:
        wanted = measure(cases(standing(db), room.settings.queues, room.form).values(), room.form)
    assert sum(row["n"] for row in wanted if row["kind"] == "within" and row["field"] == "cast") > 10
    names = {name: f"Reader {i}" for i, name in enumerate(("anna", "bo", "cia"), 1)}
    key = ("first", "second", "field")
    found = {(kind, *(row[k] for k in key)): row for kind, rows in told.items() for row in rows}
    assert set(found) == {(r["kind"], names[r["first"]], names[r["second"]], r["field"]) for r in wanted}
    for row in wanted:
        mine = found[(row["kind"], names[row["first"]], names[row["second"]], row["field"])]
        assert [mine[name] for name in TOLD] == pytest.approx([row.get(name) for name in TOLD], abs=1e-9), row
    # A room that is opened anew counts the whole ledger, and comes to the same.
    assert archive.room(tmp_path / "s.sqlite", **settings).agreement(panel.reader) == told
