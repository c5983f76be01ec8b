import copy
import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from analysis.network.devices import Device
from analysis.network.form.architecture import KneeNet, maximum
from analysis.network.form.residual import Halve, Residual
from analysis.network.settings import NetworkSettings


def passes(n):
    return torch.arange(n)


def test_layers_and_sizes_are_those_of_table_1():
    # The paper counts 16 blocks of two convolutions, the 1x1 convolution and two fully connected layers.
    network = KneeNet(NetworkSettings(width=64, align_sides=False), {"kl": 10}, 3).eval()
    blocks = [m for m in network.modules() if isinstance(m, Residual)]
    main = [m for block in blocks for part in (block.first, block.second) for m in part if isinstance(m, nn.Conv2d)]
    head = [m for m in network.heads["kl"].modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(blocks) == 16
    assert len(main) + len(head) == 35
    assert {m.kernel_size for m in main} == {(3, 3)} and head[0].kernel_size == (1, 1)
    assert head[0].out_channels == 72
    assert all(m.stride == (1, 1) for m in network.modules() if isinstance(m, nn.Conv2d))
    own = set(network.view_norm.modules())  # of the view, which is no part of Table 1
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d) and m not in own]
    assert len(norms) == sum(isinstance(m, nn.Conv2d) for m in network.modules())

    seen = []
    for group in [*network.backbone.image, *network.backbone.core]:
        group.register_forward_hook(lambda module, given, made: seen.append((given[0].shape[-1], *made.shape[1:3])))
    with torch.inference_mode():
        network(torch.rand(1, 1, 256, 256), passes(1), 1, passes(1), 1, "kl")
    assert seen == [(256, 64, 128), (128, 64, 64), (64, 64, 32), (32, 128, 16), (16, 256, 8), (8, 512, 4)]


@pytest.mark.parametrize("side", [2, 7, 24])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_pool_is_torchs_to_the_bit_in_either_order_of_memory(side, precision):
    images = torch.randn(3, 5, side, side, generator=torch.Generator().manual_seed(0)).to(precision)
    images[:, :, 1, :] = images[:, :, 0, :]  # ties: the gradient must go to the same of two equal pixels
    images.requires_grad_()
    plain = nn.functional.adaptive_max_pool2d(images, math.ceil(side / 2))
    pooled = Halve()(images)
    assert torch.equal(pooled, plain)
    into = torch.randn_like(plain)
    assert torch.equal(*(torch.autograd.grad(result, images, into)[0] for result in (pooled, plain)))


def test_a_band_is_all_that_is_seen():
    torch.manual_seed(0)
    network = KneeNet(NetworkSettings(width=4, band=(0.25, 0.75)), {"kl": 5}, 3).eval()
    images = torch.rand(2, 1, 64, 64)
    other = images.clone()
    other[:, :, :16], other[:, :, 48:] = 0, 1
    inside = images.clone()
    inside[:, :, 30:34] = 0
    with torch.inference_mode():
        scores = [network(shown, passes(2), 2, passes(2), 2, "kl")[0] for shown in (images, other, inside)]
        assert network.features(images).shape[2:] == (1, 1)
    assert torch.equal(scores[0], scores[1]) and not torch.allclose(scores[0], scores[2])


@pytest.mark.parametrize("band", [(0.8, 0.3), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_a_band_that_is_none_is_refused(band):
    with pytest.raises(ValidationError, match="band"):
        NetworkSettings(band=band)


def test_filters_change_in_the_last_block_of_a_group():
    network = KneeNet(NetworkSettings(width=8), {"kl": 5}, 3)
    for group in network.backbone.core:
        changes = [isinstance(m.shortcut, nn.Sequential) for m in group if isinstance(m, Residual)]
        assert not any(changes[:-1])


@pytest.mark.parametrize("pool", ["features", "scores"])
def test_packed_exams_score_as_they_do_alone(pool):
    torch.manual_seed(0)
    network = KneeNet(NetworkSettings(width=4, pool=pool), {"kl": 7}, 3).eval()
    number = [1, 3, 2, 1]
    images = torch.rand(sum(number), 1, 32, 32)
    exam = torch.repeat_interleave(torch.arange(4), torch.tensor(number))
    with torch.inference_mode():
        together, views = network(images, passes(7), 7, exam, 4, "kl")
        for i in range(4):
            own = images[exam == i]
            n = len(own)
            alone, view = network(own, passes(n), n, torch.zeros(n, dtype=torch.long), 1, "kl")
            torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(views[exam == i], view, rtol=1e-4, atol=1e-5)


class Coarse(nn.Module):
    """Features that are the image itself, reduced to so many pixels: mirrored with it."""

    def __init__(self, filters, side):
        super().__init__()
        self.filters, self.side = filters, side

    def forward(self, images):
        return nn.functional.adaptive_avg_pool2d(images, self.side).expand(-1, self.filters, -1, -1)


@pytest.mark.parametrize("pool", ["features", "scores"])
@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_features_of_a_mirrored_pass_are_mirrored_back(pool, side):
    torch.manual_seed(0)
    network = KneeNet(NetworkSettings(width=4, pool=pool), {"kl": 7}, 3).eval()
    network.backbone = Coarse(network.view.in_features, side)
    nn.init.normal_(network.heads["kl"].sides.weight)
    images, exam = torch.rand(5, 1, 24, 24), torch.tensor([0, 0, 1, 1, 1])
    mirrored = torch.tensor([True, False, False, True, True])
    shown = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    with torch.inference_mode():
        plain, back, lost = (
            network(*given)[0]
            for given in (
                (images, passes(5), 5, exam, 2, "kl"),
                (shown, passes(5), 5, exam, 2, "kl", mirrored),
                (images.flip(3), passes(5), 5, exam, 2, "kl"),
            )
        )
    torch.testing.assert_close(plain, back)
    # The one filter of a coarse map: what is left and what is right of it changes the scores, unless it has no width.
    assert torch.allclose(plain, lost, atol=1e-5) == (side == 1)


def test_maximum_against_a_loop():
    values = torch.randn(9, 3, 2, 2)
    index = torch.tensor([0, 0, 1, 2, 2, 2, 3, 1, 0])
    expected = torch.stack([values[index == i].amax(0) for i in range(4)])
    assert torch.equal(maximum(values, index, 4), expected)


def test_jitters_of_an_image_are_joined_for_its_view():
    network = KneeNet(NetworkSettings(width=4), {"kl": 7}, 3).eval()
    images = torch.rand(4, 1, 32, 32)
    _, views = network(images, torch.tensor([0, 0, 1, 1]), 2, torch.zeros(4, dtype=torch.long), 1, "kl")
    assert views.shape == (2, 3)


def test_the_view_is_learnt_at_the_papers_rate_and_width():
    # Read off features as they are, 512 of them, the view's loss grew at the first steps and drowned the grades'.
    torch.manual_seed(0)
    groups = [{"blocks": 1, "filters": 1, "part": "image"}, {"blocks": 1, "filters": 8}]
    network = KneeNet(NetworkSettings.model_validate({"width": 64, "groups": groups}), {"kl": 5}, 3)
    images, view = torch.rand(24, 1, 16, 16), torch.arange(24) % 3
    images += 0.3 * view[:, None, None, None] * torch.linspace(0, 1, 16)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.025, momentum=0.9)
    losses = []
    for _ in range(12):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(network(images, passes(24), 24, passes(24), 24, "kl")[1], view)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[0] < 1.5 and max(losses) < 2 and losses[-1] < 0.5


def test_signal_keeps_its_size_through_the_depth():
    # Without care, the sum of sixteen branches grows until nothing can be learnt.
    torch.manual_seed(0)
    network = KneeNet(NetworkSettings(width=16), {"kl": 5}, 3)
    found = []
    for group in [*network.backbone.image, *network.backbone.core]:
        group.register_forward_hook(lambda module, given, made: found.append(float(made.detach().std())))
    network(torch.rand(8, 1, 64, 64), passes(8), 8, passes(8), 8, "kl")
    assert all(0.05 < size < 20 for size in found), found
    assert not any(math.isnan(size) for size in found)


@pytest.mark.parametrize("side", [17, 24])
def test_the_order_of_memory_changes_no_gradient(side):
    """Also where one filter or a map of one pixel has no order of its own."""
    torch.manual_seed(0)
    plain = KneeNet(NetworkSettings(width=4), {"kl": 5}, 3).double()
    beside = copy.deepcopy(plain).to(memory_format=torch.channels_last)
    images = torch.rand(3, 1, side, side, dtype=torch.float64)
    for network, shown in ((plain, images), (beside, images.contiguous(memory_format=torch.channels_last))):
        logits, views = network(shown, torch.arange(3), 3, torch.tensor([0, 0, 1]), 2, "kl")
        (logits.square().sum() + views.square().sum()).backward()
    for one, other in zip(plain.parameters(), beside.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("matrices", "vectors", "may", "precision", "computed", "order"),
    [
        (False, False, "AVX2", "auto", torch.float32, torch.channels_last),
        (False, True, "AVX512", "auto", torch.bfloat16, torch.channels_last),
        (False, True, "AVX2", "auto", torch.float32, torch.channels_last),  # held to it by ATEN_CPU_CAPABILITY
        (True, True, "AVX512", "auto", torch.bfloat16, torch.contiguous_format),
        (True, True, "AVX512", "float32", torch.float32, torch.channels_last),
        (False, False, "AVX512", "bfloat16", torch.bfloat16, torch.contiguous_format),
    ],
)
def test_precision_and_order_of_memory_are_the_processors(
    monkeypatch, matrices, vectors, may, precision, computed, order
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: may)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: matrices)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: vectors)
    device = Device.choose(NetworkSettings(precision=precision, device="cpu"), 1)
    assert (device.precision, device.order) == (computed, order)
