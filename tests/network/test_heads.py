import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.grading.scheme import load_scheme
from analysis.network.form.heads import Layout, ordered
from analysis.network.form.losses import Weights, elementwise
from analysis.network.settings import TrainingSettings
from tests.network.conftest import GRADINGS

WAYS = ("one-vs-rest", "softmax", "ordinal")
logits = arrays(np.float32, (6, 4), elements=st.floats(-30, 30, width=32))


@given(logits)
def test_ordinal_logits_cannot_cross(values):
    at_least = ordered(torch.from_numpy(values))
    assert (at_least[:, 1:] <= at_least[:, :-1]).all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["kl", "oarsi", "fracture"])
def test_every_outcome_gets_a_score_and_every_item_a_grade(name, way):
    layout = Layout(load_scheme(GRADINGS / f"{name}.yaml"), way)
    torch.manual_seed(1)
    scores = layout.scores(torch.randn(20, layout.width) * 3)
    assert scores.shape == (20, len(layout.scheme.outcomes)) and len(layout.names) == layout.width
    assert ((scores >= 0) & (scores <= 1)).all()
    grades = layout.predicted(scores.numpy())
    assert grades.shape == (20, len(layout.scheme.items))
    for i, item in enumerate(layout.scheme.items.values()):
        assert set(grades[:, i]) <= set(item.levels)


@pytest.mark.parametrize("way", ["softmax", "ordinal"])
def test_merged_scores_are_sums_of_their_levels(way):
    layout = Layout(load_scheme(GRADINGS / "kl.yaml"), way)
    scores = dict(
        zip((o.id for o in layout.scheme.outcomes), layout.scores(torch.randn(9, layout.width) * 4).T, strict=True)
    )
    torch.testing.assert_close(sum(scores[f"kl_{level}"] for level in range(5)), torch.ones(9))
    for outcome in layout.scheme.outcomes:
        if outcome.kind == "group":
            torch.testing.assert_close(scores[outcome.id], sum(scores[f"kl_{level}"] for level in outcome.levels))
    # A rule over a single item follows from it, too.
    torch.testing.assert_close(scores["disease"], scores["kl_2_4"])


def test_merged_groups_are_learnt_apart_one_vs_rest():
    layout = Layout(load_scheme(GRADINGS / "kl.yaml"), "one-vs-rest")
    assert {"kl_2", "kl_2_4", "kl_3_4", "medial"} <= {outcome.id for outcome in layout.binary}


def test_a_rule_over_several_items_is_an_output_of_its_own():
    layout = Layout(load_scheme(GRADINGS / "oarsi.yaml"), "ordinal")
    assert "disease" in {outcome.id for outcome in layout.binary}


@pytest.mark.parametrize("way", ["softmax", "ordinal"])
def test_learning_the_grade_makes_it_the_predicted_one(way):
    layout = Layout(load_scheme(GRADINGS / "kl.yaml"), way)
    truth = torch.arange(5).repeat(4).float()[:, None]
    free = torch.zeros(20, layout.width, requires_grad=True)
    optimiser = torch.optim.SGD([free], lr=1.0)
    for _ in range(200):
        optimiser.zero_grad()
        loss = elementwise(layout, "cross_entropy", free, truth, torch.zeros(20, len(layout.binary)))[:, 0].sum()
        loss.backward()
        optimiser.step()
    assert np.array_equal(layout.predicted(layout.scores(free.detach()).numpy()), truth.numpy())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("loss", "smoothing", "sharing"),
    [("cross_entropy", 0.0, "equal"), ("hinge", 0.0, "variance"), ("cross_entropy", 0.2, "deviation")],
)
def test_loss_against_a_loop_that_knows_nothing_of_masks(way, loss, smoothing, sharing):
    layout = Layout(load_scheme(GRADINGS / "kl.yaml"), way)
    generator = np.random.default_rng(4)
    n, findings = 12, len(layout.binary)
    grades = generator.integers(0, 5, (n, 1)).astype(float)
    grades[:5, 0] = range(5)
    binary = generator.integers(0, 2, (n, findings)).astype(float)
    binary[0], binary[1] = 0, 1
    grades[[5, 7]] = np.nan
    binary[generator.random((n, findings)) < 0.2] = np.nan
    settings = TrainingSettings(class_weights="inverse", loss=loss, findings_share=sharing)
    weights = Weights.of(layout, grades, binary, settings)
    torch.manual_seed(2)
    values = torch.randn(n, layout.width, dtype=torch.float64)

    known = torch.from_numpy(np.nan_to_num(grades)), torch.from_numpy(np.nan_to_num(binary)).float()
    each = elementwise(layout, loss, values, *known, smoothing=smoothing)
    total = float((each.double() * torch.from_numpy(weights(grades, binary))).sum())

    expected = 0.0
    items, outputs = layout.split(values.float())
    if way != "one-vs-rest":
        each_class = {k: 1 / (grades[:, 0] == k).sum() for k in range(5)}
        losses, given_weights = [], []
        for i in range(n):
            if np.isnan(grades[i, 0]):
                continue
            level = int(grades[i, 0])
            neighbours = [k for k in (level - 1, level + 1) if 0 <= k < 5]
            share = {level: 1 - smoothing} | {k: smoothing / len(neighbours) for k in neighbours}
            p = layout.probabilities(values[i : i + 1].float())["kl"][0]
            if way == "softmax":
                losses.append(-sum(share[k] * float(torch.log(p[k])) for k in share))
            else:
                reached = items["kl"][i].sigmoid()
                losses.append(
                    -sum(
                        share[of] * float(torch.log(reached[k] if of > k else 1 - reached[k]))
                        for of in share
                        for k in range(4)
                    )
                )
            given_weights.append(each_class[level])
        expected += np.average(losses, weights=given_weights)
    own = np.array(layout.graded)
    size = {"equal": np.ones_like, "deviation": np.sqrt, "variance": np.array}[sharing](np.nanvar(binary, axis=0))
    for j in range(findings):
        known = ~np.isnan(binary[:, j])
        truth = binary[known, j]
        p = outputs[:, j][torch.from_numpy(known)].double()
        if loss == "hinge":
            losses = np.maximum(0, 1 - (2 * truth - 1) * p.numpy())
        else:
            losses = -np.where(truth == 1, np.log(p.sigmoid().numpy()), np.log(1 - p.sigmoid().numpy()))
        counts = {value: (truth == value).sum() for value in (0.0, 1.0)}
        weight = np.array([1 / counts[value] for value in truth])
        share = 1 / own.sum() if own[j] else settings.findings_weight * size[j] / size[~own].sum()
        expected += share * np.average(losses, weights=weight)
    assert total == pytest.approx(expected, rel=1e-5)


def test_missing_labels_teach_nothing():
    layout = Layout(load_scheme(GRADINGS / "kl.yaml"), "softmax")
    generator = np.random.default_rng(0)
    grades = np.array([[0.0], [1], [2], [3], [4], [np.nan]])
    binary = generator.integers(0, 2, (6, len(layout.binary))).astype(float)
    binary[:2] = [[0.0], [1.0]]
    binary[5] = np.nan
    weights = Weights.of(layout, grades, binary, TrainingSettings())(grades, binary)
    assert (weights[5] == 0).all() and (weights[:2] > 0).all()
