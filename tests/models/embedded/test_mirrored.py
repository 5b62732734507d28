from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from actionunits.models.embedded.mirrored import MirrorConvolution, MirrorNorm, mirrored_map


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (1, 1)])
@pytest.mark.parametrize("width", [12, 16])
def test_of_a_mirrored_map_the_twins_change_places(size: int, stride: int, width: int) -> None:
    torch.manual_seed(0)
    lift = MirrorConvolution(1, 6)
    layer = MirrorConvolution(6, 8, size=size, stride=stride)
    picture = torch.randn(2, 1, 10, width)
    seen, mirrored = (layer(lift(each)) for each in (picture, picture.flip(-1)))
    assert seen.shape == (2, 8, 10 // stride, width // stride)
    torch.testing.assert_close(mirrored, mirrored_map(seen))
    assert not torch.allclose(seen[:, :4], seen[:, 4:]), "twins are no copies"
    torch.testing.assert_close(mirrored_map(mirrored_map(seen)), seen)


def test_its_first_twins_are_a_usual_convolution() -> None:
    torch.manual_seed(0)
    layer, plain = MirrorConvolution(4, 6), torch.nn.Conv2d(4, 3, 3, padding=1, bias=False)
    spread = [float(each.weight.detach().std()) for each in (layer, plain)]
    assert spread[0] == pytest.approx(spread[1], rel=0.2), "and begins like one"
    plain.weight.data.copy_(layer.weight)
    features = torch.randn(2, 4, 7, 9)
    torch.testing.assert_close(layer(features)[:, :3], plain(features))


def test_twins_keep_one_mean_and_deviation() -> None:
    torch.manual_seed(0)
    norm, plain = MirrorNorm(4), torch.nn.BatchNorm2d(4)
    features = torch.randn(6, 4, 5, 5) * 3 + torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None]
    torch.testing.assert_close(norm(features), plain(features))
    twice = plain.running_mean.reshape(2, 2).mean(0), plain.running_var.reshape(2, 2).mean(0)
    torch.testing.assert_close((norm.mean, norm.variance), twice)
    norm.eval()
    torch.testing.assert_close(mirrored_map(norm(features)), norm(mirrored_map(features)))
    torch.testing.assert_close(
        norm(features)[:, 2], (features[:, 2] - norm.mean[0]) / (norm.variance[0] + 1e-5).sqrt()
    )


def test_an_odd_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="even numbers of channels, got 3 and 4"):
        MirrorConvolution(3, 4)
