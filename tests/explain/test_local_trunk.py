"""Windows of a trunk's last map equal those of the whole computation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from actionunits.explain.local_trunk import LocalTrunk, is_local, kernel_of
from actionunits.explain.windows import Windows, courses


def _layer(kind: str, dims: int, channels: int, size: int, stride: int) -> list[nn.Module]:
    convolution, pool, norm = {
        2: (nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d),
        3: (nn.Conv3d, nn.MaxPool3d, nn.BatchNorm3d),
    }[dims]
    if kind == "pool":
        return [pool(size, stride)]
    if kind == "pointwise":
        settled = norm(channels).eval()
        nn.init.normal_(settled.running_mean)
        nn.init.uniform_(settled.running_var, 0.5, 2.0)
        return [settled, nn.ReLU(inplace=True)]
    return [convolution(channels, channels, size, stride=stride)]


@st.composite
def stacks(draw):
    """Random layers over a small picture or clip, and a patch that slides over it."""
    dims = draw(st.sampled_from([2, 2, 3]))
    side = draw(st.integers(9, 23))
    channels = draw(st.integers(1, 3))
    torch.manual_seed(draw(st.integers(0, 99)))
    layers: list[nn.Module] = []
    left, length = side, 9
    for kind in draw(st.lists(st.sampled_from(["convolution", "pool", "pointwise"]), min_size=1, max_size=6)):
        size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        if kind != "pointwise":
            if min(left, length) < size:
                break
            left, length = ((n - size) // stride + 1 for n in (left, length))
        layers += _layer(kind, dims, channels, size, stride)
    picture = torch.randn(2, channels, *([9] if dims == 3 else []), side, side)
    return layers, picture, draw(st.integers(1, side)), draw(st.integers(1, 6))


@given(stacks())
@settings(max_examples=60)
def test_the_last_map_is_that_of_the_whole_computation(stack) -> None:
    layers, picture, patch_px, step = stack
    side = picture.shape[-1]
    starts = np.arange(0, side - patch_px + 1, step)
    colour = torch.linspace(0.5, 1.5, picture.shape[1])
    kept = picture.clone()
    with torch.no_grad():
        trunk = LocalTrunk(layers, picture)
        patches = Windows(starts, starts + patch_px)
        downs = courses(patches, [kernel_of(layer, -2) for layer in layers], side)
        acrosses = courses(patches, [kernel_of(layer, -1) for layer in layers], side)
        for down in downs:
            for across in acrosses:
                row, column = (p.ravel() for p in np.indices((len(down), len(across))))
                pair = down.take(row), across.take(column)
                if not down.sizes[-1] or not across.sizes[-1]:
                    change = None
                else:
                    change = trunk.change(colour, patch_px, *pair).unflatten(0, (len(row), 2))
                for place in range(len(row)):
                    top, left = pair[0].patch[place], pair[1].patch[place]
                    hidden = picture.clone()
                    hidden[..., top : top + patch_px, left : left + patch_px] = colour.reshape(
                        -1, *[1] * (picture.ndim - 2)
                    )
                    wanted = nn.Sequential(*layers)(hidden)
                    found = trunk.result.clone()
                    if change is not None:
                        r, c = pair[0].starts[-1][place], pair[1].starts[-1][place]
                        found[..., r : r + down.sizes[-1], c : c + across.sizes[-1]] += change[place]
                    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert torch.equal(picture, kept)


@pytest.mark.parametrize(
    ("layer", "local"),
    [
        (nn.Conv2d(1, 1, 3), True),
        (nn.Conv2d(1, 1, 3, padding="valid"), False),
        (nn.Conv2d(1, 1, 3, padding=1), False),
        (nn.Conv2d(1, 1, 3, dilation=2), False),
        (nn.Conv3d(1, 1, 3, stride=2), True),
        (nn.MaxPool2d(3, 2), True),
        (nn.MaxPool2d(3, 2, padding=1), False),
        (nn.MaxPool3d(3, 2, ceil_mode=True), False),
        (nn.BatchNorm2d(1), True),
        (nn.BatchNorm2d(1, track_running_stats=False), False),
        (nn.AdaptiveAvgPool2d(1), False),
        (nn.Flatten(), False),
    ],
)
def test_layers_whose_windows_can_be_computed_alone(layer: nn.Module, local: bool) -> None:
    assert is_local(layer) is local
