"""Grades follow from the anatomy by the words of the schemes, and the picture shows that anatomy on the right side."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.simulate.anatomy import COMPARTMENTS, NORMAL_SPACE, OSTEOPHYTES, Knee, body, draw, grades
from analysis.simulate.film import LAYERS, take
from analysis.simulate.population import Patient, PlannedExam
from analysis.simulate.projection import Beam, add_depth
from analysis.simulate.scene import Pose, posed
from analysis.simulate.settings import RadiographySettings
from analysis.simulate.shape import skeleton


def knee(loss=None, spurs=None, **more):
    """A knee with shares of joint space lost and osteophytes in mm, else healthy."""
    lost = {"medial": 0.0, "lateral": 0.0, "patella": 0.0, **(loss or {})}
    space = {name: normal * (1 - lost[name]) for name, normal in NORMAL_SPACE.items()}
    return Knee(space=space, spurs=dict.fromkeys((*OSTEOPHYTES, "ost_patella"), 0.0) | (spurs or {}), **more)


def drawn(grade, location="medial", seed=0, side="right", **more):
    rng = np.random.default_rng([grade, seed])
    return draw(rng, replace(body(rng, side, "F", 65), **more), grade, location, False)


@pytest.mark.parametrize(
    ("grade", "loss", "spur"),
    [
        (0, 0.0, 0.0),
        (1, 0.20, 0.0),  # doubtful narrowing
        (1, 0.0, 1.5),  # possible osteophytes
        (2, 0.0, 2.8),  # definite osteophytes
        (2, 0.30, 2.8),  # and possible narrowing
        (1, 0.60, 0.5),  # narrowing alone is not what Kellgren and Lawrence grade
        (3, 0.50, 2.8),  # definite narrowing with osteophytes
        (3, 0.90, 2.8),  # marked narrowing, but no large osteophytes
        (3, 0.50, 5.0),  # large osteophytes, but no marked narrowing
        (4, 0.85, 5.0),
    ],
)
@pytest.mark.parametrize("side", COMPARTMENTS)
def test_kellgren_and_lawrence_by_their_words(side, grade, loss, spur):
    assert grades(knee({side: loss}, {f"ost_{side}_tibia": spur}))["kl"] == grade


@pytest.mark.parametrize(("grade", "loss"), [(0, 0.05), (1, 0.25), (2, 0.5), (3, 0.8)])
def test_narrowing_by_thirds_as_in_the_atlas(grade, loss):
    found = grades(knee({"lateral": loss}))
    assert (found["jsn_lateral"], found["jsn_medial"]) == (grade, 0)


@pytest.mark.parametrize(("grade", "mm"), [(0, 0.5), (1, 2.0), (2, 4.0), (3, 7.0)])
@pytest.mark.parametrize("margin", OSTEOPHYTES)
def test_osteophytes_by_size_at_their_own_margin(margin, grade, mm):
    found = grades(knee(spurs={margin: mm}))
    assert {name: found[name] for name in OSTEOPHYTES} == dict.fromkeys(OSTEOPHYTES, 0) | {margin: grade}


LOSS = st.floats(0, 1)
SPUR = st.floats(0, 9)


@given(LOSS, LOSS, SPUR, SPUR, LOSS, SPUR)
def test_worse_anatomy_never_has_a_lower_grade(loss, other, spur, far, more_loss, more_spur):
    def found(a, b):
        return grades(knee({"medial": a, "lateral": other}, {"ost_medial_femur": b, "ost_lateral_tibia": far}))

    one, two = found(loss, spur), found(max(loss, more_loss), max(spur, more_spur))
    for item in ("kl", "jsn_medial", "ost_medial_femur"):
        assert two[item] >= one[item]
    assert two["jsn_lateral"] == one["jsn_lateral"] and two["ost_lateral_tibia"] == one["ost_lateral_tibia"]


def test_a_prosthesis_leaves_nothing_to_grade_where_it_is():
    ill = drawn(4)
    total = grades(replace(ill, implants=("tka",)))
    assert total["kl"] == total["jsn_medial"] == total["ost_medial_tibia"] == total["medial"] == 0
    assert total["tka"] == total["implant"] == 1
    part = grades(replace(knee({"lateral": 0.5, "medial": 0.9}, {"ost_lateral_femur": 2.8}), implants=("uka",)))
    assert (part["jsn_medial"], part["jsn_lateral"], part["kl"]) == (0, 2, 3)


def test_what_is_drawn_has_the_grade_and_the_place_that_were_asked_for():
    spaces, spurs = [], []
    for grade in range(5):
        for location in ("medial", "lateral"):
            sample = [drawn(grade, location, seed) for seed in range(20)]
            found = [grades(one) for one in sample]
            assert {one["kl"] for one in found} == {grade}
            if grade >= 3:
                other = "lateral" if location == "medial" else "medial"
                assert all(one[location] == 1 and one[other] == 0 for one in found)
        # The last sample was of lateral disease.
        spaces.append(np.mean([one.space["lateral"] / one.size for one in sample]))
        spurs.append(np.mean([one.spurs["ost_lateral_tibia"] for one in sample]))
    assert (np.diff(spaces) < -0.2).all() and spaces[0] > 5 and spaces[4] < 1.2
    assert (np.diff(spurs) > 0.4).all()


# --- in the picture -----------------------------------------------------------------------------

BEAM = Beam(rows=160, columns=140, pixel=1.0, distance=1e6)
POSE = Pose(tilt=0.0, flexion=0.0, up=110, down=110)


def silhouette(parts, frame, layer="bone"):
    depth = np.zeros((BEAM.rows, BEAM.columns), np.float32)
    for part in parts:
        if part.frame == frame and part.layer == layer:
            add_depth(depth, part.mesh, BEAM, -1.0)
    return depth > 0.2


def gap(one, compartment):
    """Smallest distance of femur and tibia below a compartment's middle, as seen from the front, mm."""
    parts = posed(one, [part for part in skeleton(one) if part.frame != "patella"], POSE, True)
    femur, tibia = silhouette(parts, "femur"), silhouette(parts, "tibia")
    x = np.arange(BEAM.columns) - (BEAM.columns - 1) / 2
    # In the beam's coordinates of a right knee seen from the front, medial is to the right.
    inside = (x > 14) & (x < 30) if compartment == "medial" else (x < -14) & (x > -30)
    columns = np.flatnonzero(inside)
    widths = [np.flatnonzero(tibia[:, c])[0] - np.flatnonzero(femur[:, c])[-1] - 1 for c in columns]
    return min(widths) * BEAM.pixel


def test_the_joint_space_that_is_seen_narrows_with_the_grade():
    for compartment in COMPARTMENTS:
        seen = [np.mean([gap(drawn(g, compartment, s), compartment) for s in range(3)]) for g in (0, 3, 4)]
        assert seen[0] > seen[1] + 0.8 > seen[2] + 1.2
    one = knee({"medial": 0.9})
    assert gap(one, "lateral") > gap(one, "medial") + 2
    other = knee({"lateral": 0.9})
    assert gap(other, "medial") > gap(other, "lateral") + 2


def test_osteophytes_widen_the_plateau_on_their_own_side():
    def reach(one):
        parts = posed(one, [part for part in skeleton(one) if part.frame != "patella"], POSE, True)
        # Without the fibula, whose outer shell comes after the tibia's.
        tibia = [part for part in parts if part.frame == "tibia" and part.layer == "bone"][:1]
        found = np.flatnonzero(silhouette(tibia, "tibia").any(axis=0))
        return found[0], found[-1]

    plain, spur = reach(knee()), reach(knee(spurs={"ost_medial_tibia": 7.0}))
    assert spur[1] - plain[1] >= 4 and abs(spur[0] - plain[0]) <= 1


PATIENT = Patient("19500661-1234", "Ek^Eva", "F", date(1950, 6, 1), 0)
PLAIN = RadiographySettings(
    image_size=(200, 200), marker=0, collimated=0, rotation=0, tilt=0, scatter=(0.2, 0.2), blur=(0.2, 0.2)
)


def picture(side, view="ap", seed=3, settings=PLAIN, kind="regular", **disease):
    one = replace(drawn(3, "medial"), side=side, **disease)
    exam = PlannedExam(0, PATIENT, "test", kind, "weight_bearing", date(2010, 1, 4), side, (view,), 3, "medial", False)
    return take(np.random.default_rng(seed), one, skeleton(one), view, exam, settings).pixels


@pytest.mark.parametrize("view", ["ap", "oblique", "lateral"])
def test_a_left_knee_is_a_right_knee_in_the_mirror(view):
    right, left = picture("right", view), picture("left", view)

    def alike(a, b):
        return np.corrcoef(a.ravel(), b.ravel())[0, 1]

    assert alike(left, right[:, ::-1]) > 0.99
    assert alike(left, right) < 0.96


def test_the_fibula_is_on_the_outer_side():
    one = knee()
    parts = skeleton(one)
    # The fibula's shells come last of those that move with the tibia.
    fibula = [part for part in parts if part.frame == "tibia" and part.layer in ("bone", "spongy")][-2:]
    found = silhouette(posed(one, [parts[0], parts[1], parts[2], *fibula], POSE, True)[3:5], "tibia")
    columns = np.flatnonzero(found.any(axis=0))
    assert columns.max() < BEAM.columns / 2  # a right knee from the front: lateral to the left


def test_an_unusable_picture_drowns_in_noise():
    plain, failed = picture("right"), picture("right", kind="unusable")
    across = [np.std(np.diff(one[5:50, 80:115], axis=1)) for one in (plain, failed)]  # the femur's shaft
    assert across[1] > 2 * across[0]


def test_every_layer_that_parts_are_made_of_is_known():
    one = replace(knee(spurs={"ost_patella": 4}), osteonecrosis=12.0, growing=True, cast=True)
    used = {part.layer for part in posed(one, skeleton(one), Pose(), False)}
    assert used <= set(LAYERS) and {"bone", "spongy", "plaster", "dense", "lucent"} <= used
