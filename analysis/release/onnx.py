"""A network as one ONNX file, for programs without torch."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from analysis.files import atomic
from analysis.network.temperature import heat
from analysis.network.trained.folder import NOT_A_DEVICE
from analysis.network.trained.network import Trained


class _Exam(nn.Module):
    """Scores of one exam, averaged over the members, at their temperature."""

    def __init__(self, network: Trained) -> None:
        super().__init__()
        self.nets = network.members
        self.members = nn.ModuleList(network.members)
        self.layout, self.task = network.asked.layout, network.asked.name
        self.learnt = torch.tensor(network.learnt)
        self.mirrored, self.temperatures = network.prediction.mirrored, network.temperatures

    def forward(self, images: Tensor) -> Tensor:
        """Map the images of one exam, (n, 1, side, side) from 0 to 1, to its scores, (1, outcomes)."""
        found = []
        for mirrored in (False, True)[: 1 + self.mirrored]:
            for member, learnt in zip(self.nets, self.learnt, strict=True):
                features, head = member.features(images.flip(3) if mirrored else images), member.heads[self.task]
                features = features.flip(3) if mirrored else features
                if member.pool == "features":
                    logits = head(features.amax(0, keepdim=True))
                else:
                    logits = head(features).amax(0, keepdim=True)
                found.append(torch.where(learnt, self.layout.scores(logits), torch.nan))
        return heat(self.layout, torch.stack(found).mean(0), self.temperatures)


def _pool(images: Tensor, size: list[int]) -> tuple[Tensor, Tensor]:
    """Take maxima over windows as torch's adaptive pool does, which ONNX doesn't have."""
    sides = images.shape[-2:]
    if all(side % wanted == 0 for side, wanted in zip(sides, size, strict=True)):
        images = F.max_pool2d(images, [side // wanted for side, wanted in zip(sides, size, strict=True)])
    else:
        for axis, wanted in zip((-2, -1), size, strict=True):
            side = images.shape[axis]
            windows = [(i * side // wanted, -(-(i + 1) * side // wanted)) for i in range(wanted)]
            images = torch.stack([images.narrow(axis, start, end - start).amax(axis) for start, end in windows], axis)
    return images, torch.zeros_like(images, dtype=torch.int64)  # where they lie, which nothing asks for


def export(network: Trained, out: Path) -> None:
    """Write a network as ONNX.

    Parameters
    ----------
    network : Trained
    out : Path
        The file. Its input `images`, (n, 1, side, side) of float32 from 0 to 1, are the prepared images of one exam, those
        of a left knee mirrored if the network aligns sides; its output `scores` is (1, outcomes). Names of the outcomes,
        their thresholds and the network's name are metadata.
    """
    import onnx

    model = _Exam(network).eval()
    example = torch.zeros(2, 1, network.images.size, network.images.size, device=network.device.torch)
    with atomic(out) as temporary:
        number = torch.export.Dim("n", min=1, max=64)
        traced = torch.export.export(model, (example,), dynamic_shapes={"images": {0: number}}, strict=False)
        plain = traced.run_decompositions({torch.ops.aten.adaptive_max_pool2d.default: _pool})
        program = torch.onnx.export(plain, dynamo=True, input_names=["images"], output_names=["scores"], verbose=False)
        assert program is not None
        program.save(str(temporary))
        written = onnx.load(str(temporary))
        thresholds = network.thresholds["threshold"].reindex(network.outcomes)
        for key, value in {
            "network": network.name,
            "outcomes": json.dumps(network.outcomes),
            "thresholds": json.dumps([None if one != one else one for one in thresholds.tolist()]),
            "warning": NOT_A_DEVICE,
        }.items():
            entry = written.metadata_props.add()
            entry.key, entry.value = key, value
        onnx.save(written, str(temporary))
