"""The model card's page; whole it is read in the smoke study, which has the values for it."""

import pandas as pd

from analysis.release.readme import stars_of


def test_a_threshold_that_rests_on_little_or_on_the_test_set_is_marked():
    table = pd.DataFrame(
        [("many", 0.5, "validation", 12, 40), ("few", 0.5, "validation", 60, 9), ("here", 0.5, "test", 20, 20),
         ("none", None, "test", 0, 20)],
        columns=["outcome", "threshold", "chosen_on", "chosen_cases", "chosen_controls"],
    )  # fmt: skip
    assert stars_of(table, 10) == {"many": "", "few": "*", "here": "**", "none": ""}
