"""What a run ends with in the terminal."""

import shutil

import pandas as pd

from analysis.presentation.headline import headline


def test_the_headline_has_both_intervals_at_the_level_of_the_study(kl, tmp_path):
    (tmp_path / "manuscript").mkdir()
    (tmp_path / "statistics").mkdir()
    roc = pd.read_csv(kl.options["statistics"] / "roc.csv").assign(level=0.9, auc=0.8, low=0.7, high=0.9)
    roc = roc.assign(delong_low=0.71, delong_high=0.89, cases=20, controls=80, patients=100, few=True)
    roc.loc[roc["outcome"] == "kl_4", ["auc", "low", "high", "delong_low", "delong_high"]] = float("nan")
    roc.loc[roc["outcome"] == "kl_4", "reason"] = "no case"
    roc.to_csv(tmp_path / "statistics/roc.csv", index=False)
    assert headline(tmp_path, "A study") == ""  # no manuscript yet

    for name in ("index.html", "index.pdf", "index.qmd", "values.yml"):
        (tmp_path / "manuscript" / name).touch()
    text = headline(tmp_path, "A study")
    assert "DeLong 90 %, pROC" in text and "95 %" not in text
    (line,) = [line for line in text.splitlines() if line.strip().startswith("kl 3  ")]
    assert line.split() == ["kl", "3", "20", "80", "0.80", "0.71", "to", "0.89", "0.70", "to", "0.90", "§"]
    (line,) = [line for line in text.splitlines() if line.strip().startswith("kl 4  ")]
    assert "none" in line and "no case" in line
    assert max(map(len, text.splitlines())) <= 110
    assert "§ few cases or controls" in " ".join(text.split()) and "‡" not in text
    shown = text[text.index("The manuscript:") :]
    assert "index.html" in shown and "index.pdf" in shown and "index.docx" not in shown and "index.qmd" not in shown


def test_the_headline_says_what_the_random_start_does_or_that_it_cannot_know(kl, tmp_path):
    (tmp_path / "manuscript").mkdir()
    (tmp_path / "manuscript/index.html").touch()
    statistics = shutil.copytree(kl.options["statistics"], tmp_path / "statistics")
    seeds = pd.read_csv(statistics / "seeds.csv")

    def told():
        return " ".join(headline(tmp_path, "A study").split())

    seeds.assign(seeds=1, lowest=0.8, highest=0.8).to_csv(statistics / "seeds.csv", index=False)
    assert "One network was trained: how far its random start moves these AUCs can't be known from it." in told()
    seeds = seeds.assign(seeds=3, lowest=0.8, highest=0.81)
    seeds.loc[seeds["outcome"] == "kl_2", "highest"] = 0.87
    seeds.loc[seeds["outcome"] == "medial", "highest"] = 0.99  # not among these AUCs
    seeds.to_csv(statistics / "seeds.csv", index=False)
    assert "The scores of 3 networks are averaged. Single ones lie 0.01 to 0.07 apart in AUC" in told()
    (statistics / "seeds.csv").unlink()  # scores that somebody brought
    assert "network" not in told()
