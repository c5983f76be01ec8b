"""What is left to decide, and in which order exams come."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.reading.order.pile import order
from analysis.reading.readings.conflicts import state_of
from analysis.reading.settings import RoomSettings

FLAGS = {"unusable": 0, "no_knee": 0}
grades = st.fixed_dictionaries({"kl": st.integers(0, 4), "medial": st.integers(0, 1)})
readings = st.one_of(
    grades.map(lambda g: FLAGS | g), st.sampled_from([{"unusable": 1, "no_knee": 0}, {"unusable": 0, "no_knee": 1}])
)


@given(st.lists(readings, max_size=4), st.integers(0, 4), st.integers(1, 3))
def test_deciding_whatever_is_open_ends(listed, level, needed):
    """Each session settles what it is asked, readers asked back grade, and there is nothing left after that."""
    decision: dict[str, int] = {}
    listed = list(listed)
    for _ in range(6):
        state = state_of(listed, decision, needed)
        if state.name == "conflict":
            assert not set(state.fields) & set(decision)
            for field in state.fields:
                assert len({reading.get(field) for reading in listed}) > 1
            decision |= {field: min(level, 4 if field == "kl" else 1) for field in state.fields}
        elif state.name == "reopened":
            for i in state.readers:
                assert "kl" not in listed[i]
                listed[i] = {"unusable": 0, "no_knee": 0, "kl": 1, "medial": 0}
        else:
            break
    assert state.name == ("waiting" if len(listed) < needed else state.name)
    assert state.name in ("waiting", "agreed", "decided")
    if state.name == "agreed" and len(listed) > 1:
        assert all(reading == listed[0] for reading in listed)


def test_whether_it_can_be_graded_comes_first():
    graded = FLAGS | {"kl": 3}
    unusable = {"unusable": 1, "no_knee": 0}
    assert state_of([graded, unusable], {}, 2).fields == ("unusable",)
    assert state_of([graded, unusable], {"unusable": 1}, 2).name == "decided"
    back = state_of([graded, unusable], {"unusable": 0}, 2)
    assert (back.name, back.readers) == ("reopened", (1,))
    again = state_of([graded, FLAGS | {"kl": 2}], {"unusable": 0}, 2)
    assert (again.name, again.fields) == ("conflict", ("kl",))


@given(st.integers(0, 60), st.floats(0, 0.5), st.integers(1, 30), st.integers(0, 5), st.text(max_size=5))
def test_each_exam_once_some_twice_far_apart(n, share, gap, seed, name):
    settings = RoomSettings(repeat_share=share, repeat_gap=gap, seed=seed)
    exams = np.arange(n)
    slots = list(map(tuple, order(name, exams, settings).tolist()))
    assert slots == list(map(tuple, order(name, exams[::-1], settings).tolist()))
    assert sorted(exam for exam, occasion in slots if occasion == 1) == exams.tolist()
    again = [exam for exam, occasion in slots if occasion == 2]
    assert len(set(again)) == len(again) <= round(share * n)
    real = min(gap, n // 2)
    assert len(again) == (min(round(share * n), n - real) if real else 0)
    for exam in again:
        between = slots[slots.index((exam, 1)) + 1 : slots.index((exam, 2))]
        assert sum(occasion == 1 for _, occasion in between) >= min(real, n - 1 - slots.index((exam, 1)))


def test_readers_have_orders_of_their_own():
    exams = np.arange(30)
    settings = RoomSettings()
    anna = order("anna", exams, settings)
    assert anna.tolist() != order("bo", exams, settings).tolist()
    assert anna.tolist() != order("anna", exams, RoomSettings(seed=1)).tolist()
