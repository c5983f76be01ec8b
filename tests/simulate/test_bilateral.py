"""Films of both knees: the truth that comes with them holds, and they are cut where the truth says."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from analysis.archive.dicom.dataset import Unreadable
from analysis.archive.knees.films import part
from analysis.benchmarks.films import VARIATIONS, evaluate
from analysis.simulate.anatomy import body, draw
from analysis.simulate.bilateral import Stance, take_both
from analysis.simulate.settings import RadiographySettings
from analysis.simulate.shape import skeleton

SMALL = RadiographySettings(image_size=(200, 220), collimated=0.0)


def taken(**changes):
    rng = np.random.default_rng(4)
    knees = [draw(rng, body(rng, side, "F", 60), kl, "medial", False) for side, kl in (("right", 0), ("left", 4))]
    legs = {knee.side: (knee, skeleton(knee)) for knee in knees}
    return take_both(rng, legs, replace(Stance(step=30.0), **changes), SMALL)


def grey(film):
    return (film.picture.pixels * 255).astype(np.uint8), (film.picture.spacing,) * 2


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_patients_right_is_on_the_left_and_the_truth_is_where_the_joint_is(mirrored):
    film = taken(mirrored=mirrored)
    right, left = film.joints["right"], film.joints["left"]
    assert (right[0] < left[0]) is not mirrored
    assert right[1] < left[1]  # the right one stands higher
    spacing = film.picture.spacing
    assert abs(np.hypot(*np.subtract(right, left)) * spacing - np.hypot(60 + 2 * 55, 30)) < 25
    # The fibula is lateral: away from the other leg, so the shaft's side towards the middle is darker below the joint.
    x, y = (round(value) for value in right)
    outer = film.picture.pixels[y + round(60 / spacing), :]
    reach = round(25 / spacing)
    towards, away = outer[x : x + reach].mean(), outer[x - reach : x].mean()
    assert (away > towards) is not mirrored


def test_halving_the_resolution_moves_no_cut():
    film, spacing = grey(taken())
    small = cv2.resize(film, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    whole, half = part(film, spacing, 140), part(small, (2 * spacing[0],) * 2, 140)
    for one, other in zip(whole.knees, half.knees, strict=True):
        assert np.hypot(one.column - 2 * other.column, one.row - 2 * other.row) * spacing[0] < 3


def test_without_spacing_the_legs_are_the_measure():
    film, spacing = grey(taken())
    for knee in part(film, None, 140).knees:
        assert 90 < (knee.box.right - knee.box.left) * spacing[0] < 190


def test_a_square_is_padded_and_not_shifted():
    film, spacing = grey(taken(height=90.0, step=0.0))
    found = part(film, spacing, 300).knees
    assert min(knee.box.top for knee in found) < 0
    for knee in found:
        assert knee.row == pytest.approx((knee.box.top + knee.box.bottom) / 2, abs=1)


def test_one_leg_is_no_film_of_both_and_a_long_film_is_refused():
    assert part(*grey(taken(missing="left")), 140) is None
    film, spacing = grey(taken())
    long = np.vstack([film, film])
    with pytest.raises(Unreadable, match="film_unclear"):
        part(long, spacing, 140)


def test_every_variation_is_cut_right_or_refused():
    """A sample; the command `bench-films` counts a thousand."""
    found = evaluate(len(VARIATIONS), seed=3).set_index("variation")
    assert set(found.index) == {*VARIATIONS, "all in order"}
    assert found["wrong_side"].sum() == 0
    # Of thick legs that touch one in fifty is a millimetre or two too far off.
    assert found["far"].drop(["all in order", "thick legs that touch"]).sum() == 0
    assert (found.loc[["one leg missing", "upside down", "on its side"], "refused"] == 1).all()
    assert found.loc["all in order", "refused"] <= 1
