from analysis.network.structure import read_shapes, structure, write_structure


def test_structure_stands_in_for_the_weights(tmp_path):
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {
        "core.0.0.conv.weight": np.zeros((4, 2, 3, 3), np.float32),
        "core.0.0.norm.bias": np.zeros(2, np.float32),
    }
    save_file(tensors, tmp_path / "weights.safetensors")
    write_structure(tmp_path / "weights.safetensors", tmp_path / "structure.json")
    assert read_shapes(tmp_path / "structure.json") == read_shapes(tmp_path / "weights.safetensors")
    assert structure(tmp_path / "structure.json") == structure(tmp_path / "weights.safetensors")
