"""Batch norm, against torch's own in double precision."""

import pytest
import torch
from torch import nn

from analysis.network.form.norm import BatchNorm, moments


@pytest.fixture
def images():
    """As many pixels as a batch has, above nought as behind a ReLU."""
    torch.manual_seed(1)
    return (torch.randn(40, 4, 96, 96) / 2 + 0.3).relu()


def normed(kind, images, order, needed=True, **options):
    """Return what a norm makes of images, its gradients, and what it keeps."""
    images = images.clone().contiguous(memory_format=order).requires_grad_(needed)
    norm = kind(images.shape[1], **options).to(images.dtype)
    made = norm(images)
    weights = torch.linspace(-1, 1, made.numel(), dtype=torch.float64).view(made.shape).to(made.dtype)
    if made.requires_grad:
        (made * weights).square().sum().backward()
    gradients = [images.grad, *(parameter.grad for parameter in norm.parameters())]
    return [one.detach().double() for one in (made, *gradients, norm.running_mean, norm.running_var) if one is not None]


def off(found, expected):
    return max(float((one - other).norm() / other.norm()) for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("options", [{}, {"affine": False}, {"momentum": 0.3}])
def test_it_is_torchs_in_double_precision_in_any_order_of_memory(images, order, options):
    exact = normed(nn.BatchNorm2d, images.double(), torch.contiguous_format, **options)
    assert off(normed(BatchNorm, images, order, **options), exact) < 3e-4


def test_torchs_own_is_not(images):
    """Once it is, this package needs none."""
    exact = normed(nn.BatchNorm2d, images.double(), torch.contiguous_format)
    assert off(normed(nn.BatchNorm2d, images, torch.channels_last), exact) > 1e-3


def test_a_single_pixel_has_no_variance_and_is_normed_by_those_before_it():
    """As of the one exam of a batch, whose map ends as a pixel: torch's own stops there."""
    norm = BatchNorm(4)
    norm(torch.randn(8, 4, 3, 3))
    kept, one = norm.running_var.clone(), torch.randn(1, 4, 1, 1, requires_grad=True)
    with pytest.raises(ValueError, match="more than 1 value"):
        nn.BatchNorm2d(4)(one)
    made = norm(one)
    made.sum().backward()
    torch.testing.assert_close(made, norm.eval()(one))
    assert torch.equal(norm.running_var, kept) and one.grad.abs().min() > 0


def test_no_gradient_goes_where_none_is_asked_for(images):
    exact = normed(nn.BatchNorm2d, images.double(), torch.contiguous_format, needed=False)
    found = normed(BatchNorm, images, torch.channels_last, needed=False)
    assert len(found) == len(exact) == 5
    assert off(found, exact) < 3e-4


def test_it_does_not_rest_on_the_number_of_threads(images):
    before, made = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(normed(BatchNorm, images, torch.channels_last))
    torch.set_num_threads(before)
    assert off(*made) < 3e-4


def test_a_spread_that_is_small_beside_the_mean_is_found():
    torch.manual_seed(2)
    images = (100 + torch.randn(3, 8, 61, 53) / 100).contiguous(memory_format=torch.channels_last)
    mean, variance = moments(images)
    torch.testing.assert_close(mean.double(), images.double().mean((0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(variance.double(), images.double().var((0, 2, 3), correction=0), rtol=2e-3, atol=0)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("side", [32, 61])
def test_what_is_found_of_the_filters_is_exact(precision, side):
    torch.manual_seed(3)
    images = torch.rand(9, 3, side, side).to(precision).contiguous(memory_format=torch.channels_last)
    mean, variance = moments(images)
    assert mean.dtype == variance.dtype == torch.float32
    torch.testing.assert_close(mean.double(), images.double().mean((0, 2, 3)), rtol=1e-6, atol=0)
    torch.testing.assert_close(variance.double(), images.double().var((0, 2, 3), correction=0), rtol=1e-6, atol=0)


def test_an_examined_network_uses_what_was_kept(images):
    mine, torchs = BatchNorm(4).eval(), nn.BatchNorm2d(4).eval()
    for norm in (mine, torchs):
        norm.running_mean.fill_(0.2)
        norm.running_var.fill_(0.5)
    shown = images[:2].contiguous(memory_format=torch.channels_last)
    assert torch.equal(mine(shown), torchs(shown))
