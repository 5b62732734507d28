"""Any network with one output layer learns patterns; AUs come back by both ways, and agree with NumPy."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.analysis.published import published
from actionunits.errors import UserError
from actionunits.facs.frequent_patterns import BP4D_66
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.codebook import Codebook
from actionunits.models.parts.pattern_head import PatternModel
from actionunits.models.registry import REGISTRY, build_model
from actionunits.records import InputSpec

#: Networks with heads, boxes or points of their own instead of one output layer.
WITHOUT = {
    "au_rcnn/ar_conv_lstm",
    "au_rcnn/ar_crf",
    "au_rcnn/ar_fpn",
    "au_rcnn/ar_res",
    "au_rcnn/ar_tal",
    "au_rcnn/ar_two_stream",
    "au_rcnn/ar_vgg",
    "au_rcnn/mean_box",
    "caud/emotion_net",
    "caud/heads",
    "cooccurrence/cnn2d",
    "cooccurrence/cnn3d",
    "cooccurrence/tied",
    "embedded/points_and_picture",
}
PATTERN = {"patterns/network3", "patterns/network6"}
WITH = [name for name in REGISTRY if name not in WITHOUT | PATTERN]
AUS = (1, 2, 4)
BOOK = Codebook.from_digits(AUS, ["000", "110", "011", "111", "100"])


class Flat(AUModel):
    """Gives its pictures' first pixels as they are."""

    def __init__(self, aus: tuple[int, ...], inputs: int) -> None:
        super().__init__()
        self.spec = InputSpec(aus=aus, size_px=4, inter_ocular_px=2.0)
        self.output = torch.nn.Linear(inputs, len(aus))

    def forward(self, batch: TensorBatch) -> ModelOutput:
        return ModelOutput(self.output(batch.frames))


def with_scores(scores: np.ndarray) -> tuple[PatternModel, TensorBatch]:
    """A pattern model that gives these scores f32[N,K] for N frames."""
    model = PatternModel(Flat(AUS, scores.shape[1]), BOOK)
    with torch.no_grad():
        model.model.output.weight.copy_(torch.eye(scores.shape[1]))
        model.model.output.bias.zero_()
    return model, TensorBatch(torch.from_numpy(scores)[None])


SCORES = arrays(np.float32, (7, 5), elements=st.floats(-60, 60, width=32))
LABELS = arrays(np.int8, (7, 3), elements=st.integers(-1, 1))


@given(scores=SCORES)
def test_posteriors_become_aus_as_the_codebook_says(scores) -> None:
    model, batch = with_scores(scores)
    output = model(batch)
    posterior = torch.softmax(torch.from_numpy(scores), dim=1).numpy()
    np.testing.assert_allclose(
        torch.sigmoid(output.logits)[0].detach().numpy(), BOOK.au_scores(posterior), atol=2e-6
    )
    assert torch.isfinite(output.logits).all()
    assert output.logits.abs().max() < 17
    chosen = output.parts[0][0].argmax(dim=-1).numpy()
    assert np.array_equal(output.decided[0].numpy(), BOOK.matrix()[chosen].astype(np.int8))
    assert output.decided.dtype == torch.int8


@settings(max_examples=50)
@given(scores=SCORES, labels=LABELS)
def test_the_loss_is_softmax_cross_entropy_over_the_frames_with_a_class(scores, labels) -> None:
    model, batch = with_scores(scores)
    classes = BOOK.classes(labels)
    batch = dataclasses.replace(batch, labels=torch.from_numpy(labels)[None])
    assert np.array_equal(model.classes(batch.labels)[0].numpy(), classes)
    loss = model.loss(batch, model(batch))
    if (classes < 0).all():
        assert loss.item() == 0
    else:
        wanted = torch.nn.functional.cross_entropy(
            torch.from_numpy(scores), torch.from_numpy(classes), ignore_index=-1
        )
        assert loss.item() == pytest.approx(wanted.item(), rel=1e-4, abs=1e-5)
    loss.backward()
    assert torch.isfinite(model.model.output.weight.grad).all()


@pytest.mark.parametrize("name", WITH)
def test_every_family_with_one_output_layer_learns_patterns(name: str, small, batch_for) -> None:
    torch.manual_seed(0)
    network = build_model(name, {**small[name], "aus": [1, 12]})
    twin = PatternModel(network, Codebook.from_digits((1, 12), ["00", "11", "10"]))
    assert network.output.out_features == 3
    batch = batch_for(twin, 2)
    output = twin(batch)
    assert output.logits.shape == (*batch.frames.shape[:2], 2) == output.decided.shape
    assert output.parts[0].shape == (*batch.frames.shape[:2], 3)
    loss = twin.loss(batch, output)
    loss.backward()
    assert torch.isfinite(loss)


@pytest.mark.parametrize("name", sorted(WITHOUT - {"caud/emotion_net"}))
def test_a_network_without_one_output_layer_is_refused_in_a_line(name: str, small) -> None:
    model = build_model(name, small[name])
    book = Codebook.from_digits(model.spec.aus, ["0" * len(model.spec.aus)])
    with pytest.raises(UserError, match="has no single output layer") as caught:
        PatternModel(model, book)
    assert "\n" not in str(caught.value)


def test_mistakes_are_told(small, batch_for) -> None:
    network = build_model("patterns/network4", small["patterns/network4"])
    with pytest.raises(UserError, match="the patterns are of AUs"):
        PatternModel(network, BOOK)
    model, batch = with_scores(np.zeros((2, 5), np.float32))
    batch = dataclasses.replace(batch, labels=torch.zeros(1, 2, 3, dtype=torch.int8))
    with pytest.raises(UserError, match="no weights by AU"):
        model.loss(batch, model(batch), torch.ones(3))
    with pytest.raises(UserError, match="has 2 digits, got '000"):
        build_model("patterns/network3", {"aus": [1, 2]})


def test_the_default_classes_are_the_papers_66() -> None:
    shares = published("pattern_shares").query("data == 'bp4d'")
    frames = shares["per_100k"] * 146_847 / 100_000
    assert list(BP4D_66) == shares["pattern"][frames >= 396.5].tolist()
    assert len(BP4D_66) == 66
