"""The networks have the paper's shapes, see only their boxes, and take ImageNet's weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from actionunits.errors import UserError
from actionunits.facs.mean_boxes import mean_boxes
from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn.ar_fpn import level_of
from actionunits.models.au_rcnn.mean_box import mean_box_of
from actionunits.models.au_rcnn.rivals import LocallyConnected, LocalNet, RoiNets
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model
from actionunits.models.weights import load_model, save_model

BP4D = list(AU_SETS["bp4d-22"])
NETS = ("au_rcnn/ar_res", "au_rcnn/ar_vgg", "au_rcnn/ar_fpn")


def _meta_batch(model, boxes: int) -> TensorBatch:
    size = model.spec.size_px
    return TensorBatch(
        torch.zeros(1, 1, 3, size, size, device="meta"), regions=torch.zeros(1, 1, boxes, 4, device="meta")
    )


def test_ar_res_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model("au_rcnn/ar_res", {"aus": BP4D})
    assert (model.spec.size_px, model.spec.crop, model.spec.needs_regions) == (512, "points", True)
    maps = model.maps(torch.zeros(1, 3, 512, 512, device="meta"))
    assert maps.shape == (1, 1024, 32, 32)
    pooled = torch.zeros(9, 1024, 14, 14, device="meta")
    assert model.backbone.layer4(pooled).shape == (9, 2048, 7, 7)
    assert model.code(torch.zeros(9, 2048, 7, 7, device="meta")).shape == (9, 1000)
    assert model.box_output.weight.shape == (22, 1000)
    assert len(model.backbone.layer3) == 23


def test_ar_vgg_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        sixteen, nineteen = (build_model("au_rcnn/ar_vgg", {"aus": BP4D, "depth": d}) for d in (16, 19))
    for model, count in ((sixteen, 13), (nineteen, 16)):
        assert sum(isinstance(m, torch.nn.Conv2d) for m in model.features) == count
        assert model.maps(torch.zeros(1, 3, 512, 512, device="meta")).shape == (1, 512, 32, 32)
        linear = [m for m in model.fully if isinstance(m, torch.nn.Linear)]
        assert [(m.in_features, m.out_features) for m in linear] == [
            (25088, 4096),
            (4096, 4096),
            (4096, 1000),
        ]
        assert not any(isinstance(m, torch.nn.Dropout) for m in model.modules())


def test_ar_fpn_has_the_papers_sizes_and_levels() -> None:
    with torch.device("meta"):
        model = build_model("au_rcnn/ar_fpn", {"aus": BP4D})
    maps = model.maps(torch.zeros(1, 3, 512, 512, device="meta"))
    assert [tuple(m.shape[1:]) for m in maps] == [(256, side, side) for side in (128, 64, 32, 16)]
    assert model.code(torch.zeros(9, 256, 7, 7, device="meta")).shape == (9, 1024)
    sides = torch.tensor([55.0, 56, 111, 112, 223, 224, 447, 448, 600])
    boxes = torch.stack([torch.zeros(9), torch.zeros(9), sides, sides], dim=1)
    assert level_of(boxes).tolist() == [2, 2, 2, 3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize("name", NETS)
def test_an_au_is_read_from_its_boxes_alone(name: str, small, batch_for) -> None:
    """What a box says is changed by the pooled map of that box only: heads share weights, not boxes."""
    torch.manual_seed(0)
    model = build_model(name, small[name]).eval()
    batch = batch_for(model, 2, 1)
    assert batch.regions is not None
    other = batch.regions.clone()
    other[:, :, 3] = torch.tensor([2.0, 2, 30, 30])
    with torch.no_grad():
        one, two = model(batch).parts[0], model(TensorBatch(batch.frames, regions=other)).parts[0]
    same = (one == two).all(dim=-1)[:, 0].all(dim=0)
    assert same.tolist() == [True] * 3 + [False] + [True] * (len(same) - 4)
    with pytest.raises(ValueError, match="boxes where the spec asks"):
        model(TensorBatch(batch.frames))


@pytest.mark.parametrize("name", NETS)
def test_every_option_of_the_loss_learns(name: str, small, batch_for) -> None:
    torch.manual_seed(0)
    for options in ({"sampling": "authors"}, {"unknown": "negative"}):
        model = build_model(name, {**small[name], **options})
        batch = batch_for(model, 2, 1)
        loss = model.loss(batch, model(batch))
        loss.backward()
        assert loss.item() > 0
        assert model.box_output.weight.grad.abs().sum() > 0


def test_imagenets_weights_go_to_their_places(small) -> None:
    res = build_model("au_rcnn/ar_res", small["au_rcnn/ar_res"])
    source = torchvision.models.resnet18(weights=None).state_dict()
    fitted, left = res.load_imagenet(source)
    assert (fitted, left) == (len(source), ())
    assert torch.equal(res.backbone.fc.weight, source["fc.weight"])
    vgg = build_model("au_rcnn/ar_vgg", {"depth": 11, "units": 8, "size_px": 64})
    given = {name: value for name, value in vgg.state_dict().items() if name.startswith("features")}
    given |= {"features.0.weight": torch.ones(64, 3, 3, 3), "classifier.6.bias": torch.ones(1000)}
    fitted, left = vgg.load_imagenet(given)
    assert fitted == len(given)
    assert "fully.0.weight" in left
    assert not any(name.startswith("box_output") for name in left)
    assert torch.equal(vgg.fully[4].bias, torch.ones(1000))
    assert torch.equal(vgg.features[0].weight, torch.ones(64, 3, 3, 3))


def test_mean_boxes_are_the_same_network_with_other_boxes(tmp_path: Path, small, batch_for) -> None:
    torch.manual_seed(3)
    res = build_model("au_rcnn/ar_res", small["au_rcnn/ar_res"]).eval()
    mean = build_model("au_rcnn/mean_box", small["au_rcnn/mean_box"]).eval()
    mean.load_state_dict(res.state_dict())
    batch = batch_for(res, 2, 1)
    boxes = mean_boxes("bp4d", res.spec.aus)
    given = torch.from_numpy(64 * boxes).float().expand(2, 1, -1, -1)
    with torch.no_grad():
        wanted = res(TensorBatch(batch.frames, regions=given)).logits
        assert torch.equal(mean(TensorBatch(batch.frames)).logits, wanted)
        made = mean_box_of(res, boxes)
        assert torch.equal(made(TensorBatch(batch.frames)).logits, wanted)
    assert not mean.spec.needs_regions
    assert (res.spec.needs_regions, made.spec.needs_regions, made.training) == (True, False, False)
    save_model(tmp_path / "m.safetensors", made, name="au_rcnn/mean_box", card={})
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path / "m.safetensors")(TensorBatch(batch.frames)).logits, wanted)
    with pytest.raises(ValueError, match="these AUs have 8 boxes, got 7"):
        mean_box_of(res, boxes[1:])
    with pytest.raises(UserError, match="are of crops by the points"):
        build_model("au_rcnn/mean_box", {**small["au_rcnn/mean_box"], "crop": "eyes"})
    with pytest.raises(UserError, match="these AUs have 8 boxes, got 1"):
        build_model("au_rcnn/mean_box", {**small["au_rcnn/mean_box"], "boxes": [[0.0, 0.0, 1.0, 1.0]]})


def test_mistakes_are_told(small) -> None:
    with pytest.raises(UserError, match="AU 45 belongs to no AU group"):
        build_model("au_rcnn/ar_res", {"aus": [12, 45]})
    with pytest.raises(UserError, match="at least 32"):
        build_model("au_rcnn/ar_res", {"size_px": 16})
    with pytest.raises(UserError, match="width must be above 0"):
        build_model("au_rcnn/ar_vgg", {"width": 2.0})


def test_the_rivals_are_what_their_papers_say() -> None:
    torch.manual_seed(0)
    layer = LocallyConnected(3, 2, 5)
    maps = torch.randn(2, 3, 5, 5)
    padded = torch.nn.functional.pad(maps, (1, 1, 1, 1))
    for row, column in ((0, 0), (2, 3), (4, 4)):
        window = padded[:, :, row : row + 3, column : column + 3].flatten(1)
        wanted = window @ layer.weight[5 * row + column] + layer.bias[5 * row + column]
        assert torch.allclose(layer(maps)[:, :, row, column], wanted, atol=1e-6)
    assert LocalNet(4, 64, width=0.0625, units=8)(torch.randn(1, 3, 64, 64)).shape == (1, 4)
    nets = RoiNets(4, width=0.0625, units=3).eval()
    face, centres = torch.randn(1, 3, 96, 96), torch.rand(20, 2) * 96
    before = nets(face, centres)
    assert before.shape == (1, 4)
    moved = centres.clone()
    moved[7] = 95 - moved[7]
    changed = (nets(face, moved) - before).abs().sum()
    assert changed > 0
    codes = [sum(p.numel() for p in net.parameters()) for net in nets.own]
    assert len(set(codes)) == 1
    assert len({id(net) for net in nets.own}) == 20
    assert np.isfinite(before.detach().numpy()).all()
