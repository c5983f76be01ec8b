import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.imaging.square import active_area, square


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(16, 64), st.floats(0.3, 3))
def test_any_image_fills_the_longer_side_and_keeps_its_proportions(rows, columns, size, aspect):
    out = square(np.full((rows, columns), 200, np.uint8), size, border=0.04, aspect=aspect)
    assert out.shape == (size, size)
    lit = np.argwhere(out > 100)
    height, width = lit.max(0) - lit.min(0) + 1
    assert max(height, width) == size
    expected = rows * aspect / columns
    shorter = size * min(expected, 1 / expected)
    assert abs(min(height, width) - max(1, shorter)) <= 1


def naive_area(image, border):
    """Peel lines off while at most half a percent of their pixels is brighter than the border."""
    top, bottom, left, right = 0, image.shape[0], 0, image.shape[1]
    dark = lambda line: sum(v > border * 255 for v in line) <= 0.005 * len(line)  # noqa: E731
    while top < bottom and dark(image[top]):
        top += 1
    while bottom > top and dark(image[bottom - 1]):
        bottom -= 1
    while left < right and dark(image[:, left]):
        left += 1
    while right > left and dark(image[:, right - 1]):
        right -= 1
    return slice(top, bottom), slice(left, right)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_crop_is_what_peeling_line_by_line_gives(seed):
    rng = np.random.default_rng(seed)
    image = np.zeros((60, 50), np.uint8)
    top, left = rng.integers(0, 20, 2)
    height, width = rng.integers(20, 30, 2)
    image[top : top + height, left : left + width] = rng.integers(0, 255, (height, width))
    assert active_area(image, 0.04, 0.01) == naive_area(image, 0.04)


def test_a_speck_in_the_border_does_not_keep_it():
    image = np.zeros((400, 400), np.uint8)
    image[100:300, 120:280] = 180
    image[5, 7] = 255
    assert active_area(image, 0.04, 0.05) == (slice(100, 300), slice(120, 280))


@pytest.mark.parametrize("content", [0, 1])
def test_an_image_with_next_to_nothing_in_it_is_not_cropped(content):
    image = np.zeros((200, 200), np.uint8)
    image[90 : 90 + 8 * content, 90:98] = 255
    assert active_area(image, 0.04, 0.05) == (slice(0, 200), slice(0, 200))


def test_reducing_averages_areas():
    image = np.kron(np.arange(16, dtype=np.uint8).reshape(4, 4) * 10 + 50, np.ones((8, 8), np.uint8))
    noise = np.random.default_rng(1).choice([-20, 20], image.shape)
    out = square((image + noise).astype(np.uint8), 4, border=0)
    blocks = (image + noise).reshape(4, 8, 4, 8).mean((1, 3))
    assert np.abs(out - blocks).max() <= 0.5
