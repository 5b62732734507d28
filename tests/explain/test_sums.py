"""Sums over batches give the maps that all the probabilities give."""

from types import SimpleNamespace

import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.explain.occlusion import occlusion_maps
from actionunits.explain.sums import OcclusionSums, occlusion_sums
from actionunits.records import Batch, InputSpec

SIZE = {"patch_px": 15, "stride_px": 11}


@pytest.mark.parametrize("name", ["patterns/network1", "facs3d/cnn_lstm"])
def test_maps_are_those_of_all_probabilities(name: str, network, batch_of) -> None:
    predictor = network(name)
    spec = predictor.spec
    batch = batch_of(spec, clips=11)
    maps = occlusion_maps(predictor, batch, **SIZE)
    middle = len(maps.plain) // 2
    threshold = np.sort(maps.plain, axis=0)[middle : middle + 2].mean(axis=0)  # away from every probability
    halves = [Batch(batch.frames[at], labels=batch.labels[at]) for at in (slice(0, 6), slice(6, 11))]
    sums = occlusion_sums(predictor, iter(halves), threshold=threshold, **SIZE)
    labels = batch.labels.reshape(-1, len(spec.aus))
    positive = labels == 1
    assert (sums.frames, sums.positives.tolist()) == (len(labels), positive.sum(axis=0).tolist())
    np.testing.assert_allclose(sums.fall(), maps.fall(), atol=1e-6)
    fall = maps.plain[:, None, None] - maps.hidden
    for column in range(len(spec.aus)):
        shown = positive[:, column]
        np.testing.assert_allclose(
            sums.fall_on_positives()[..., column], fall[shown][..., column].mean(axis=0), atol=1e-6
        )
        found = (maps.hidden[shown][..., column] >= threshold[column]).mean(axis=0)
        np.testing.assert_allclose(sums.accuracy()[..., column], found, atol=1e-6)
        plainly = (maps.plain[shown][:, column] >= threshold[column]).mean()
        np.testing.assert_allclose(sums.accuracy_plain()[column], plainly, atol=1e-6)
        np.testing.assert_allclose(sums.accuracy_fall()[..., column], plainly - found, atol=1e-6)
    at_half = occlusion_sums(predictor, halves, **SIZE)
    np.testing.assert_allclose(at_half.accuracy(), maps.accuracy(labels), atol=1e-6)


class Grey:
    """Any predictor: the probability is the mean of the pixels."""

    spec = InputSpec(
        aus=(1, 12), size_px=10, inter_ocular_px=4.0, channels=3, normalisation=((10.0,) * 3, (2.0,) * 3)
    )

    def predict(self, batch: Batch) -> SimpleNamespace:
        mean = batch.frames.mean(axis=(2, 3, 4))[..., None]
        return SimpleNamespace(probability=np.repeat(mean, 2, axis=2))


def _batch(values, label: int) -> Batch:
    frames = np.broadcast_to(
        np.array(values, np.float32)[:, None, None, None, None], (len(values), 1, 3, 10, 10)
    )
    labels = np.zeros((len(values), 1, 2), np.int8)
    labels[..., 0] = label
    return Batch(np.ascontiguousarray(frames), labels=labels)


def test_what_is_not_known_is_nan() -> None:
    sums = occlusion_sums(Grey(), [_batch([1, 2], 1), _batch([6], -1)], patch_px=5, stride_px=5)
    assert sums.positives.tolist() == [2, 0]
    for values in (sums.accuracy(), sums.fall_on_positives(), sums.accuracy_fall()):
        assert np.isfinite(values[..., 0]).all()
        assert np.isnan(values[..., 1]).all()
    assert np.isfinite(sums.fall()).all()
    assert np.isnan(OcclusionSums(Grey.spec, sums.grid).fall()).all()


def test_the_mean_face_is_in_pixels() -> None:
    sums = occlusion_sums(Grey(), [_batch([1, 2], 1), _batch([6], 0)], patch_px=5, stride_px=5)
    assert sums.mean_face().shape == (10, 10, 3)
    assert (sums.mean_face() == 16).all()
    with pytest.raises(UserError, match="none was added"):
        OcclusionSums(Grey.spec, sums.grid).mean_face()


def test_progress_counts_places() -> None:
    seen: list[tuple[int, int | None]] = []
    batches = [_batch(range(9), 1), _batch([1, 2], 1)]
    options = {"patch_px": 4, "stride_px": 3, "on_progress": lambda done, total: seen.append((done, total))}
    occlusion_sums(Grey(), batches, **options)
    assert seen[-1] == (9 * 11, 9 * 11)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    seen.clear()
    occlusion_sums(Grey(), iter(batches), **options)
    assert seen[-1] == (9 * 11, None)
    seen.clear()
    occlusion_sums(Grey(), iter(batches), clips=11, **options)
    assert seen[-1] == (9 * 11, 9 * 11)


def test_batches_without_labels_are_refused() -> None:
    with pytest.raises(UserError, match="need labels"):
        occlusion_sums(Grey(), [Batch(np.zeros((1, 1, 3, 10, 10), np.float32))], patch_px=5)
