"""Temperature: certainty is set right, and the order of exams stays."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from analysis.grading.scheme import load_scheme
from analysis.network.form.heads import Layout
from analysis.network.temperature import FEWEST, fit_temperatures, heat
from tests.network.runs import GRADINGS

SCHEME = load_scheme(GRADINGS / "kl.yaml")
IDS = [outcome.id for outcome in SCHEME.outcomes]
THRESHOLDS = np.array([-1.0, 0.0, 1.0, 2.0])


def made(kind, exams=4000, certainty=2.0):
    """Scores whose log odds are `certainty` times what they should be, and the truth that they should tell of."""
    rng = np.random.default_rng(3)
    latent = rng.normal(0.5, 2, exams)
    odds = latent[:, None] - THRESHOLDS
    level = (latent[:, None] + rng.logistic(size=(exams, 1)) > THRESHOLDS).sum(1)
    layout = Layout(SCHEME, kind)
    truth = SCHEME.derive(pd.DataFrame({"kl": level, "medial": 1.0 * (rng.random(exams) < expit(latent))}))
    at = np.hstack([np.ones((exams, 1)), expit(odds * certainty), np.zeros((exams, 1))])
    levels = at[:, :-1] - at[:, 1:]
    scores = np.full((exams, len(IDS)), np.nan)
    for i, outcome in enumerate(SCHEME.outcomes):
        if outcome.id in layout.levels:
            scores[:, i] = levels[:, list(layout.levels[outcome.id][1])].sum(1)
    scores[:, IDS.index("medial")] = expit(latent * certainty)
    return layout, scores, truth


@pytest.mark.parametrize("kind", ["softmax", "ordinal"])
def test_certainty_is_set_right_and_the_order_stays(kind):
    layout, scores, truth = made(kind)
    found = fit_temperatures(layout, scores, truth).set_index("part")
    assert found.loc["kl", "temperature"] == pytest.approx(2, rel=0.05)
    assert found.loc["findings", "temperature"] == pytest.approx(2, rel=0.1)
    assert found.loc["kl", "exams"] == 4000
    hot = pd.DataFrame(heat(layout, torch.from_numpy(scores), found.reset_index()).numpy(), columns=IDS)
    cold = pd.DataFrame(scores, columns=IDS)
    for outcome in ("kl_0", "kl_0_1", "kl_2_4", "kl_3_4", "kl_4", "medial"):
        assert roc_auc_score(truth[outcome], hot[outcome]) == roc_auc_score(truth[outcome], cold[outcome])
        part = "findings" if outcome == "medial" else "kl"
        np.testing.assert_allclose(
            logit(hot[outcome]), logit(cold[outcome]) / found.loc[part, "temperature"], atol=1e-6
        )
        assert hot[outcome].mean() == pytest.approx(truth[outcome].mean(), abs=0.02)
    levels = hot[[f"kl_{k}" for k in range(5)]]
    assert (levels >= 0).all().all()
    np.testing.assert_allclose(levels.sum(axis=1), 1)
    np.testing.assert_allclose(hot["kl_3_4"], hot["kl_3"] + hot["kl_4"])
    assert hot["lateral"].isna().all()  # never learnt, never scored


@pytest.mark.parametrize("exams", [0, FEWEST - 1])
def test_what_is_too_little_to_fit_on_changes_nothing(exams):
    layout, scores, truth = made("softmax")
    found = fit_temperatures(layout, scores[:exams], truth[:exams])
    assert set(found["temperature"]) == {1.0}
    np.testing.assert_array_equal(heat(layout, torch.from_numpy(scores), found), scores)
    one_answer = truth.assign(medial=0.0)
    assert fit_temperatures(layout, scores, one_answer).set_index("part").loc["findings", "temperature"] == 1
