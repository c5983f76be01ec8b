"""Augmentations: each does what its setting says, alone and in its own random stream, and is told of in the text."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from analysis.network.augmentation import AUGMENTATIONS, AugmentationSettings
from analysis.network.chosen_augmentations import of_phase, sentence, switched_on
from analysis.network.settings import NetworkSettings, PhaseSettings, TrainingSettings
from analysis.network.streams import Streams
from analysis.network.variation import draw, grid
from analysis.yaml_files import load_yaml
from tests.network.runs import PLAIN, ROOT, STILL, still

#: A setting under which each augmentation is on, and words that tell of it and of no other.
ALONE = {
    "Rotation": ({"rotation": 7.5}, "rotation (50% of the passes, standard deviation 7.5 degrees)"),
    "QuarterTurn": ({"quarter_turn": 0.5}, "quarter turns (50% of the passes)"),
    "Shift": ({"shift": 0.2}, "shift (standard deviation 20% of half the side)"),
    "Stretch": ({"stretch": 0.1}, "stretch of either axis (standard deviation 10%)"),
    "MirrorHorizontal": ({"mirror_horizontal": 0.4}, "mirroring left to right (40% of the passes;"),
    "MirrorVertical": ({"mirror_vertical": 0.5}, "mirroring upside down (50% of the passes)"),
    "Contrast": ({"contrast": 0.1}, "contrast (standard deviation of its logarithm 0.1)"),
    "Negative": ({"negative": 0.02}, "photographic negatives (2% of the passes)"),
}
NOISY = PhaseSettings(epochs=1, learning_rate=0.01, noise=0.05, erase=3)


def made(images, training, phase=PLAIN, seed=0):
    """Images as training would show them, and what was drawn for it."""
    variation = draw(Streams(seed, 1), len(images), images.shape[-1], training, phase)
    drawn = dict(zip((type(kind).__name__ for kind in variation.grey), variation.drawn, strict=True))
    return variation.apply(images.clone(), slice(0, len(images))), drawn


def test_every_augmentation_is_tried_here():
    assert {kind.__name__ for kind in AUGMENTATIONS} == {*ALONE, "Noise", "Erase"}
    fields = [name for kind in AUGMENTATIONS[:-2] for name in kind.model_fields]
    assert sorted(fields) == sorted(AugmentationSettings.model_fields)


def test_noise_has_the_share_and_the_size_that_are_set():
    images = torch.full((4000, 1, 16, 16), 0.5)
    phase = PhaseSettings(epochs=1, learning_rate=0.01, noise=0.05)
    varied, drawn = made(images, still(noise_share=0.5), phase)
    found = (varied - 0.5).flatten(1).std(1).numpy()
    sizes = drawn["Noise"]
    noisy = sizes > 0
    assert 0.46 < noisy.mean() < 0.54
    assert (found[~noisy] == 0).all()
    np.testing.assert_allclose(found[noisy] / sizes[noisy], 1, atol=0.25)
    assert sizes.max() <= 0.05 and abs(sizes[noisy].mean() - 0.025) < 0.002  # uniform up to the phase's


def test_erased_blocks_have_the_number_and_the_size_that_are_set():
    phase = PhaseSettings(epochs=1, learning_rate=0.01, erase=3)
    varied, drawn = made(torch.ones(50, 1, 64, 64), still(erase_size=10), phase)
    corners = drawn["Erase"]
    assert corners.shape == (50, 3, 2)
    for image, blocks in zip(varied[:, 0], corners.tolist(), strict=True):
        expected = torch.ones(64, 64)
        for row, column in blocks:
            expected[row : row + 10, column : column + 10] = 0
        torch.testing.assert_close(image, expected)
        assert 100 <= int((image == 0).sum()) <= 300
    assert corners.min() == 0 or corners.max() > 45  # they reach the edges
    assert corners.max() <= 54


def test_with_all_switched_off_the_image_stays_as_it_is():
    images = torch.rand(6, 1, 20, 20)
    assert torch.equal(made(images, still())[0], images)


def test_contrast_is_about_the_mean_and_a_negative_is_its_mirror():
    images = torch.rand(400, 1, 8, 8) / 2 + 0.25
    varied, drawn = made(images, still(contrast=0.1))
    mean = images.mean((2, 3), keepdim=True)
    factor = torch.from_numpy(drawn["Contrast"]).float().exp().view(-1, 1, 1, 1)
    torch.testing.assert_close(varied, ((images - mean) * factor + mean).clamp(0, 1))
    assert abs(drawn["Contrast"].std() - 0.1) < 0.015
    varied, drawn = made(images, still(negative=0.25))
    shown = torch.from_numpy(drawn["Negative"]).bool()
    torch.testing.assert_close(varied[shown], 1 - images[shown])
    assert torch.equal(varied[~shown], images[~shown]) and 0.18 < shown.float().mean() < 0.32


def test_the_trainers_variations_can_be_said():
    # Rotation by 0 or 90 degrees and in half of the cases N(0, 15) more; shift N(0, 0.2) of half the side; stretch
    # N(1, 0.1); mirrors in 40 and 50 %.
    training = TrainingSettings.model_validate(
        {
            "augmentation": {
                **{"rotation": 15, "rotation_share": 0.5, "quarter_turn": 0.5, "shift": 0.2, "stretch": 0.1},
                **{"mirror_horizontal": 0.4, "mirror_vertical": 0.5, "contrast": 0},
            }
        }
    )
    affine = draw(Streams(0, 1), 20000, 256, training, PLAIN).affine.astype(float)
    shift = affine[:, :, 2]
    assert np.allclose(shift.std(0), 0.2, atol=0.005) and np.allclose(shift.mean(0), 0, atol=0.005)
    sizes = np.linalg.norm(affine[:, :, :2], axis=1)
    assert np.allclose(sizes.mean(0), 1, atol=0.01) and np.allclose(sizes.std(0), 0.1, atol=0.005)
    mirrored = np.linalg.det(affine[:, :, :2]) < 0
    assert abs(mirrored.mean() - (0.4 * 0.5 + 0.6 * 0.5)) < 0.015  # one of the two
    # The direction of the rows, up to a mirror: 0 or 90 degrees, exactly in half of the cases.
    angle = np.degrees(np.arctan2(np.abs(affine[:, 1, 0]), np.abs(affine[:, 0, 0])))
    exact = np.isclose(angle, 0, atol=1e-3) | np.isclose(angle, 90, atol=1e-3)
    assert abs(exact.mean() - 0.5) < 0.02
    assert abs((angle > 45).mean() - 0.5) < 0.02
    off = np.minimum(angle, 90 - angle)[~exact]
    assert abs(np.median(off) - 0.6745 * 15) < 0.4


@pytest.mark.parametrize(
    ("setting", "moves"),
    [
        ({"quarter_turn": 1}, lambda image: np.rot90(image, -1)),
        ({"mirror_horizontal": 1}, np.fliplr),
        ({"mirror_vertical": 1}, np.flipud),
        ({"mirror_horizontal": 1, "mirror_vertical": 1}, lambda image: np.rot90(image, 2)),
    ],
)
def test_turns_and_mirrors_are_what_they_are_called(setting, moves):
    images = torch.rand(1, 1, 12, 12)
    varied = made(images, still(**setting))[0][0, 0].numpy()
    turned = [np.asarray(moves(images[0, 0].numpy()))]
    if "quarter_turn" in setting:
        turned.append(np.rot90(turned[0], 2))  # either way round is a quarter
    assert any(np.allclose(varied, one, atol=1e-5) for one in turned)


def test_a_shift_is_a_share_of_half_the_side():
    images = torch.zeros(1, 1, 64, 64)
    images[0, 0, 32, 40] = 1.0
    affine = torch.tensor([[[1.0, 0, 0.25], [0, 1.0, 0]]])  # a quarter of half the side is 8 pixels
    moved = torch.nn.functional.grid_sample(images, grid(affine, 64), align_corners=False)[0, 0]
    assert (moved == moved.max()).nonzero().tolist() == [[32, 32]]


def test_the_grid_is_torchs():
    affine = torch.randn(3, 2, 3)
    torch.testing.assert_close(
        grid(affine, 7), torch.nn.functional.affine_grid(affine, [3, 1, 7, 7], align_corners=False)
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [(name, other) for name in ("Contrast", "Shift", "Noise", "Erase") for other in ALONE if other != name],
)
def test_one_more_shifts_no_other_ones_numbers(name, other):
    """Each has a stream of its own: switching another one on, or adding one, changes none of its draws."""
    own = {} if name in ("Noise", "Erase") else ALONE[name][0]
    drawn = []
    for more in ({}, ALONE[other][0]):
        variation = draw(Streams(3, 2), 40, 32, still(**{**own, **more}), NOISY)
        if name == "Shift":
            drawn.append(variation.affine[:, :, 2])
        else:
            drawn.append(variation.drawn[[type(kind).__name__ for kind in variation.grey].index(name)])
    if (name, other) == ("Shift", "Rotation") or (name, other) == ("Shift", "QuarterTurn"):
        drawn = [np.linalg.norm(values, axis=1) for values in drawn]  # it is turned along
    np.testing.assert_allclose(drawn[0], drawn[1], rtol=1e-6)


def test_streams_differ_by_name_seed_and_epoch_and_are_the_same_again():
    def first(seed=0, epoch=1, name="a"):
        return Streams(seed, epoch).numpy(name).random(), float(
            torch.rand(1, generator=Streams(seed, epoch).torch(name))
        )

    assert first() == first()
    others = [first(seed=1), first(epoch=2), first(name="b"), first(name="aa")]
    assert len({first(), *others}) == 5
    streams = Streams(0, 1)
    assert streams.numpy("a").random() != streams.numpy("a").random()  # asked for again, it goes on


def test_variations_are_the_same_on_several_processes():
    images = torch.rand(10, 1, 16, 16)
    training = still(rotation=5, contrast=0.2)
    whole = draw(Streams(0, 1), 10, 16, training, NOISY).apply(images.clone(), slice(0, 10))
    for own in (slice(0, 4), slice(4, 10), slice(4, 4)):
        part = draw(Streams(0, 1), 10, 16, training, NOISY).apply(images[own].clone(), own)
        torch.testing.assert_close(part, whole[own])


BROKEN = r",\s*[,.;]|\(\s*\)|\s{2,}|\s[,.;)]|\(\s|\.\.|\b(\w+) \1\b|(^|[.] )[a-z]|\band\s*[.,]|[^.]$"


def sound(text):
    found = re.search(BROKEN, text)
    assert not found, (found and found[0], text)
    assert text.count("(") == text.count(")")


def of_sentence(training):
    text = sentence(training)
    sound(text)
    return text


def test_with_nothing_switched_on_the_text_says_so():
    training = still(phases=[PLAIN.model_dump()])
    assert of_sentence(training) == "Images were not varied."
    training = still(phases=[PLAIN.model_dump(), NOISY.model_dump()])
    assert of_sentence(training) == "Images were not varied otherwise."
    assert of_phase(training, training.phases[0]) == []
    assert of_phase(training, training.phases[1]) == [
        "white noise of up to 5% of the grey scale in 50% of the passes",
        "3 blocks of 4 × 4 pixels erased",
    ]
    none = still(phases=[NOISY.model_copy(update={"erase": 0}).model_dump()], noise_share=0)
    assert of_sentence(none) == "Images were not varied." and of_phase(none, none.phases[0]) == []


@pytest.mark.parametrize("name", ALONE)
def test_each_alone_is_told_of_alone(name):
    setting, words = ALONE[name]
    text = of_sentence(still(**setting))
    assert text.startswith(f"Each time an image was shown it was varied at random by {words}")
    assert " and " not in text.replace("medial and lateral", "")
    assert not [other for other, (_, said) in ALONE.items() if other != name and said.partition(" (")[0] in text]


def test_what_can_not_happen_is_not_told():
    assert of_sentence(still(rotation=4, rotation_share=0, phases=[PLAIN.model_dump()])) == "Images were not varied."


def test_the_papers_and_aligned_settings_are_told_in_full():
    paper = NetworkSettings.model_validate(load_yaml(ROOT / "workflow/studies/paper.yaml")["network"]).training
    text = of_sentence(paper)
    for word in ("rotation", "quarter turns", "shift", "stretch", "left to right", "upside down", "2 passes of every"):
        assert word in text
    assert "contrast" not in text and "negatives" not in text
    aligned = TrainingSettings.model_validate({"augmentation": {"mirror_horizontal": 0}})
    assert "mirror" not in of_sentence(aligned) and "contrast" in of_sentence(aligned)


@given(
    st.fixed_dictionaries({}, optional={key: st.sampled_from([0.0, 0.004, 1 / 3, 0.5, 1.0]) for key in
                          ("rotation", "rotation_share", "quarter_turn", "shift", "stretch", "mirror_horizontal",
                           "mirror_vertical", "contrast", "negative", "noise_share")}),
    st.integers(1, 3), st.sampled_from([0.0, 0.05]), st.sampled_from([0, 1, 3]),
)  # fmt: skip
def test_any_choice_gives_whole_sentences_that_name_what_is_on_and_nothing_else(told, jitters, noise, erase):
    phases = [{"epochs": 1, "learning_rate": 0.1}, {"epochs": 1, "learning_rate": 0.1, "noise": noise, "erase": erase}]
    training = still(**{"rotation_share": 0.5, **told}, jitters=jitters, phases=phases)
    text = of_sentence(training)
    on = {type(augmentation).__name__ for augmentation in switched_on(training, training.phases[0])}
    for name, (_, words) in ALONE.items():
        assert (words.partition(" (")[0] in text) == (name in on), (name, text)
    assert bool(of_phase(training, training.phases[1])) == bool(erase or (noise and training.noise_share))
    assert (f"{jitters} passes" in text) == (jitters > 1)


def test_settings_of_a_phase_are_those_of_their_augmentation():
    for name, model in {"noise": PhaseSettings, "erase": PhaseSettings, "noise_share": TrainingSettings}.items():
        kind = next(kind for kind in AUGMENTATIONS if name in kind.model_fields)
        assert model.model_fields[name].description == kind.model_fields[name].description
        assert model.model_fields[name].default == kind.model_fields[name].default
    assert set(STILL) <= set(AugmentationSettings.model_fields)
