"""A small convolutional network that the package knows nothing of, as somebody might bring one."""

from torch import nn

from tests.network import small_parts


def build(filters: int = 8, dropout: float = 0.2) -> nn.Module:
    """Three convolutions with strides, batch norm and dropout, ending in features of two dimensions."""
    return nn.Sequential(
        small_parts.layer(1, filters),
        small_parts.layer(filters, filters),
        small_parts.layer(filters, 2 * filters),
        nn.Dropout(dropout),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def no_module() -> int:
    return 3


def of_scores() -> nn.Module:
    return nn.Sequential(nn.Flatten(0))


class Liar(nn.Linear):
    """Describes itself wrongly."""

    def describe(self) -> list[dict[str, object]]:
        return [{"kind": "Nothing", "blocks": 1, "kernel": "–", "filters": 1, "part": "core", "parameters": 0}]
