"""Wrong input is one clear sentence, before any work is done."""

import pytest
import yaml


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": {"widht": 8}}, ["network.widht", "did you mean 'width'"]),
        ({"images": {"size": "big"}}, ["images.size", "big"]),
        ({"grading": "klg"}, ["klg", "known are"]),
        ({"archive": {"source": "folder", "folder": "/nowhere"}}, ["/nowhere"]),
    ],
)
def test_config(clone, change, words):
    overlay = clone.folder / "overlay.yaml"
    overlay.write_text(yaml.safe_dump(change))
    done = clone.snakemake("-n", study=str(overlay))
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert all(word in text for word in words), text
    assert "Traceback" not in text


def test_gradings_without_a_disease_are_not_compared_and_nothing_is_trained(clone):
    done = clone.snakemake("-n", "compare_gradings", "--config", "compare=[kl, fracture]")
    text = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in text
    assert "fracture has none; give it a rule 'disease'" in text
