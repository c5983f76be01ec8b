"""What is configured is what is told: no false sentence and no broken one, whatever is switched on."""

import json
import re
import shutil

import pytest
from snakemake.utils import update_config

from analysis.network.augmentation import AugmentationSettings
from analysis.yaml_files import load_yaml
from tests.presentation.conftest import Made
from tests.presentation.study import study_config
from tests.presentation.test_sentences import tell

OFF = dict.fromkeys(AugmentationSettings.model_fields, 0.0)
#: Marks of a sentence that was put together of too little: doubled or orphaned punctuation, empty brackets, a rest of
#: the markup, a conjunction with nothing after it.
BROKEN = (
    r"\s[,.;:!?)](?!\.)", r",\s*[,.;:]", r"\(\s*\)", r"\(\s", r"\.\.(?!\.)", r"(?<=\S)  +(?=\S)", r"\b(and|by|of|with|or|the|a)\s*[.,;)]",
    r"\{\{|\}\}|content-visible|when-meta|\[\]", r"\b(\w+) \1\b", r"\.[A-Z]", r"None\b(?! declared)", r"\bnan\b", r"[a-z]\.[a-z]+_[a-z]",
)  # fmt: skip


def paragraphs(text):
    """The prose of a manuscript: lines that are sentences, neither tables nor the bibliography."""
    text = text.partition("\nReferences\n")[0]
    return [line for line in text.splitlines() if len(line) > 40 and re.match(r"[A-Z].*[.:]$", line)]


def sound(text):
    """The prose, after a search for broken sentences in it."""
    found = paragraphs(text)
    assert len(found) > 40
    for line in found:
        for pattern in BROKEN:
            hit = re.search(pattern, line)
            assert not hit, (pattern, line[max(0, hit.start() - 60) : hit.end() + 30])
        assert line.count("(") == line.count(")"), line
        for sentence in re.split(r"(?<!et al)(?<!\bp)\. ", line):
            assert re.match(r"[\W\d]*[A-Z†κ]|[\W]*\d", sentence), (sentence[:80], line[:80])
    return "\n".join(found)


def configured(**network):
    """The default study's configuration with another network."""
    config = study_config()
    update_config(config, {"network": network})
    return config


@pytest.fixture(scope="module")
def off(kl, tmp_path_factory):
    """Every augmentation off, noise and erased blocks included; one seed."""
    phases = [{"epochs": 3, "learning_rate": 0.1, "noise": 0.0, "erase": 0}]
    training = {"augmentation": OFF, "phases": phases, "average": 0.0}
    network = {"training": training, "align_sides": False, "seeds": [0], "tasks": []}
    return sound(tell(kl, tmp_path_factory.mktemp("off"), config=configured(**network)))


def test_every_augmentation_off(off):
    assert "Images were not varied." in off
    assert not re.search(
        "rotation|quarter turn|shift|stretch|mirroring|mirrored at random|contrast|negatives|white noise|erased", off
    )
    assert "for 3 epochs from a learning rate of 0.1. The rate" in off
    assert "moving average" not in off and "further task" not in off


def test_noise_alone_is_not_called_no_variation(kl, tmp_path):
    text = sound(tell(kl, tmp_path, config=configured(training={"augmentation": OFF})))
    assert "Training used AdamW" in text and "stochastic gradient descent" not in text
    assert "that rose over the first epoch and fell to 0.001, without noise or erased blocks; then 8 epochs" in text
    assert (
        "with white noise of up to 5% of the grey scale in 50% of the passes and 3 blocks of 4 × 4 pixels erased"
        in text
    )
    assert "Images were not varied otherwise." in text


def test_growing_images_and_a_rising_rate(kl, tmp_path):
    phases = [
        {"epochs": 8, "learning_rate": 0.02, "falls_to": 0.01, "warm_up": 1, "side": 48},
        {"epochs": 4, "learning_rate": 0.01, "warm_up": 2},
    ]
    text = sound(tell(kl, tmp_path, config=configured(training={"phases": phases})))
    assert (
        "for 8 epochs on images reduced to 48 pixels, from a learning rate of 0.02 that rose over the first epoch and fell to 0.01; "
        "then 4 epochs from a learning rate of 0.01 that rose over the first 2 epochs. The rate fell"
    ) in text


def test_a_band_of_each_image(kl, off, tmp_path):
    text = sound(tell(kl, tmp_path, config=configured(band=[0.3, 0.85])))
    assert "The network was shown a band of each image, 30% to 85% of its height from above." in text
    assert "a band of each image" not in off


def test_aligned_sides(kl, tmp_path):
    network = {"align_sides": True, "training": {"augmentation": {"mirror_horizontal": 0.0}}}
    text = sound(tell(kl, tmp_path, config=configured(**network)))
    assert "Images of left knees were shown mirrored, so that medial is always on the same side. The difference" in text
    assert "mirrored at random" not in text and "mirroring left to right" not in text and "contrast" in text


def test_the_papers_settings(kl, tmp_path):
    config = study_config()
    update_config(config, load_yaml("workflow/studies/paper.yaml"))
    text = sound(tell(kl, tmp_path, config=config))
    for words in (
        "rotation (50% of the passes, standard deviation 15 degrees)", "quarter turns (50% of the passes)",
        "mirroring left to right (40% of the passes", "mirroring upside down (50% of the passes)",
        "Each step saw 2 passes of every image", "Each grade was learnt as a question of its own",
    ):  # fmt: skip
        assert words in text
    assert "contrast (" not in text and "moving average" not in text and "fewer filters" not in text


def test_the_default_study(kl, tmp_path):
    text = sound(tell(kl, tmp_path))
    assert "and contrast (standard deviation of its logarithm 0.1)." in text
    assert "What was validated and kept is a moving average" in text and "fewer filters" in text
    assert "The network is residual" in text and "residual convolutional networks saw all images" in text


def test_somebodys_own_network_is_not_called_the_papers(kl, tmp_path):
    folder = shutil.copytree(kl.options["network"], tmp_path / "network")
    row = {"kind": "Fully connected", "blocks": 1, "kernel": "–", "filters": 8, "part": "core", "parameters": 1234}
    by = {"processor": "Another Processor", "instructions": "AVX2", "precision": "float32", "threads": 2, "torch": "2"}
    (folder / "seed-0/structure.json").write_text(json.dumps({"structure": [row], "computed": by}))
    made = Made({**kl.options, "network": folder}, kl.folder)
    text = sound(tell(made, tmp_path / "text", config=configured(backbone="nets.own:build")))
    assert "come from nets.own:build, a network of another kind than the published one" in text
    assert "The network has 1,234 trained parameters." in text and "neural networks saw all images" in text
    assert "trained on a processor of the kind Another Processor with AVX2, in float32 and 2 threads" in text
    assert "The other numbers of this text were computed on another processor" in text
    assert "residual" not in text.lower().partition("references")[0] and "fewer filters" not in text


#: A public data set of whole exams, with implants, that others read and split.
PUBLIC = {
    "title": "public radiographs of whole exams",
    "description": "The radiographs are public: whole exams of one hospital, implants and casts included.",
    "single_knees": False,
    "implants": True,
    "published_grades": True,
    "split": "given",
    "data_set": "the published data set",
    "availability": "The radiographs are public.",
    "ethics": "Only published, anonymous images were used.",
}


def test_a_public_cohort_with_implants(kl, tmp_path):
    text = sound(tell(kl, tmp_path, config=study_config("public", **PUBLIC)))
    assert "The radiographs are public: whole exams of one hospital, implants and casts included." in text
    assert "The split was the one published with the data." in text
    assert "The grades came with the images, one for each exam" in text and "An implant was present in" in text
    for claim in (
        "no implants", "are single knees", "simulated data", "simulator", "exams come from one archive", "Osteoarthritis Initiative, a cohort", "was read by", "method behaves",
    ):  # fmt: skip
        assert claim not in text, claim


def test_a_public_cohort_of_single_knees(kl, tmp_path):
    text = sound(tell(kl, tmp_path, config=study_config("public")))
    assert (
        "Exams with implants, casts or fractures are not among" in text and "are single knees that were cut out" in text
    )
    assert "simulated data" not in text and "simulator" not in text


@pytest.mark.parametrize(
    "planted", ["It was varied by contrast, .", "Cases (and ) were many.", "It was was so.", "one."]
)
def test_a_broken_sentence_is_found(off, planted):
    line = f"This line of text is long enough to be a paragraph. {planted}"
    with pytest.raises(AssertionError):
        sound(off + "\n" + line)
