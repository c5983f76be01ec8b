import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from analysis.errors import StudyError
from analysis.network.form.structure import TRUNK as TOLD
from analysis.network.form.structure import Row, read_computed, read_identity, read_structure, write_structure
from analysis.network.settings import TRUNK

ROWS = [
    {"kind": "Convolution", "blocks": 2, "kernel": "3 × 3", "filters": 8, "part": "core", "parameters": 72},
    {"kind": "Maximum", "blocks": 1, "kernel": "–", "filters": None, "part": "pool", "parameters": 0},
]


BY = {"processor": "P", "instructions": "AVX2", "precision": "float32", "threads": 2, "torch": "2"}


def save(path, about):
    save_file({"weight": torch.zeros(8, 3, 3, 3)}, path, {"network": json.dumps(about)})
    return path


def test_structure_stands_in_for_the_weights(tmp_path):
    settings = {"backbone": "olsson2021", "backbone_options": {}, "width": 8, "groups": [], "weights": "/home/somebody"}
    about = {"structure": ROWS, "computed": BY, "settings": settings, "data": "d", "side": 24}
    weights = save(tmp_path / "weights.safetensors", about)
    write_structure(weights, tmp_path / "structure.json")
    assert read_structure(tmp_path / "structure.json") == read_structure(weights) == [Row(**row) for row in ROWS]
    assert read_computed(tmp_path / "structure.json") == read_computed(weights) == BY
    assert read_identity(tmp_path / "structure.json") == (own := read_identity(weights))
    assert own.sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (own.data, own.side, own.parameters) == ("d", 24, 72)
    assert tuple(own.settings) == TOLD == TRUNK  # no path of anybody's


@pytest.mark.parametrize("about", [{}, {"structure": [{"kind": "Convolution"}]}, {"structure": 3}, []])
def test_weights_that_describe_no_network_are_named(tmp_path, about):
    weights = save(tmp_path / "weights.safetensors", about)
    with pytest.raises(StudyError, match=r"weights\.safetensors does not describe the network"):
        read_structure(weights)


@pytest.mark.parametrize("content", [b"", b"no tensors at all", b"\xff" * 40])
def test_what_is_no_file_of_weights_is_named(tmp_path, content):
    for name in ("weights.safetensors", "structure.json"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StudyError, match=name):
            read_structure(tmp_path / name)
