import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from actionunits.datasets.adapter import Event
from actionunits.datasets.au_codes import EMOTIONS
from actionunits.datasets.cache import CropCache
from actionunits.datasets.fakes import FakeSize
from actionunits.datasets.folds import Fold
from actionunits.datasets.index import write_index
from actionunits.datasets.prepare import prepare
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.experiments.fakes import make_fake
from actionunits.faces.batch import collate
from actionunits.faces.regions import micro_expression_regions
from actionunits.facs.groups import box_aus, box_groups
from actionunits.models.interface import to_tensors
from actionunits.records import InputSpec, LabelIndex
from actionunits.training.augment import AugmentSettings
from actionunits.training.data import Clips, CropSamples, JoinedSamples, clip_rows, fold_samples
from actionunits.training.source import SampleBatches

AUS = (1, 2, 4, 12)


def spec(**more) -> InputSpec:
    return InputSpec(aus=AUS, size_px=48, inter_ocular_px=20.0, **more)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("casme2")
    make_fake("casme2", folder / "data", FakeSize(3, 2, 9), size_px=200)
    reading = data_set("casme2").read(folder / "data", None)
    done = prepare(reading.index, folder / "data", spec(), folder / "cache", events=reading.events)
    assert done.faceless == 0
    return done.cache


def rows_of(sequences, **more):
    """An index with the given frame numbers of each sequence."""
    table = pd.concat(
        [
            pd.DataFrame({"subject": f"s{i}", "sequence": "a", "frame": frames, "AU01": 1, "dataset": "d"})
            for i, frames in enumerate(sequences)
        ]
    )
    return LabelIndex.make(table.assign(**more))


def test_stills(cache):
    samples = CropSamples(cache, spec())
    index = cache.index
    known = (index.labels(AUS) >= 0).any(axis=1)
    assert len(samples) == known.sum() < len(index)
    assert samples.labels.tolist() == index.labels(AUS)[known].tolist()
    first = samples[0]
    row = int(np.flatnonzero(known)[0])
    np.testing.assert_array_equal(first.frames[0], cache.crops(0)[row])
    np.testing.assert_array_equal(first.landmarks[0], cache.points(0)[row])
    assert first.subject == "sub01"
    assert len(CropSamples(cache, spec(), clips=Clips(labelled_only=False))) == len(index)


def test_clips_of_an_apex(cache):
    samples = CropSamples(cache, spec(clip_length=7), clips=Clips("apex"))
    assert len(samples) == len(cache.events) == 6
    frames = samples.index.table["frame"].to_numpy()
    middles = {(samples.subject[n], int(frames[samples.rows[n, 3]])) for n in range(len(samples))}
    assert middles == {(event.subject, event.centre) for event in cache.events}
    assert (np.diff(frames[samples.rows], axis=1) == 1).all()
    sample = samples[2]
    assert sample.frames.shape == (7, 48, 48, 1)
    event = next(
        e for e in cache.events if e.subject == samples.subject[2] and e.centre == frames[samples.rows[2, 3]]
    )
    assert [au for au, code in zip(AUS, samples.labels[2], strict=True) if code == 1] == [
        au for au in AUS if au in event.aus
    ]


def test_a_model_gets_batches_as_it_asks_for_them(cache):
    wanted = spec(clip_length=5, needs_landmarks=True, needs_flow=True, needs_regions=True)
    samples = CropSamples(cache, wanted, regions=micro_expression_regions)
    (batch, *_) = SampleBatches(samples, wanted, 4).epoch(0, 1)
    assert batch.frames.shape == (4, 5, 1, 48, 48)
    assert batch.landmarks.shape == (4, 5, 68, 2)
    assert batch.flow.shape == (4, 5, 2, 48, 48)
    assert len(batch.regions) == 4
    assert batch.regions[0][0].aus == ((1, 2, 4, 7), (9, 17), (10, 12, 15, 20, 24, 25, 26))
    own = CropSamples(cache, wanted)  # without them, those of the AU groups
    assert own[0].regions[0].aus == tuple(box_aus(group, wanted.aus) for group in box_groups(wanted.aus))
    with pytest.raises(UserError, match="prepare another cache"):
        CropSamples(cache, InputSpec(aus=AUS, size_px=64, inter_ocular_px=20.0))


def test_pytorch_loads_it_in_other_processes(cache):
    wanted = spec(clip_length=3)
    samples = pickle.loads(pickle.dumps(CropSamples(cache, wanted)))
    loader = DataLoader(samples, batch_size=8, num_workers=1, collate_fn=lambda batch: collate(batch, wanted))
    batch = next(iter(loader))
    np.testing.assert_array_equal(batch.frames, collate([samples[i] for i in range(8)], wanted).frames)


def same_batch(one, other):
    assert type(one) is type(other)
    for name in one.__dataclass_fields__:
        a, b = getattr(one, name), getattr(other, name)
        if name == "regions" and a is not None:
            assert [[r.aus for r in clip] for clip in a] == [[r.aus for r in clip] for clip in b]
            a, b = (np.array([[r.boxes for r in clip] for clip in each]) for each in (a, b))
        if a is None or b is None:
            assert a is b, name
        else:
            assert (a.dtype, a.shape) == (b.dtype, b.shape), name
            assert a.tobytes() == b.tobytes(), name


@pytest.fixture(scope="module")
def gaps(cache, tmp_path_factory):
    """The cache with frames without a face, and with intensities of one AU."""
    folder = tmp_path_factory.mktemp("gaps") / "cache"
    shutil.copytree(cache.folder, folder)
    lost = np.random.default_rng(4).random(len(cache.index)) < 0.2
    cache.frames.assign(found=~lost).to_parquet(folder / "frames.parquet", index=False)
    graded = np.where(np.arange(len(cache.index)) % 3, np.arange(len(cache.index)) % 6, np.nan)
    table = cache.index.table.assign(AU12_r=graded.astype(np.float32))
    write_index(folder / "index.parquet", LabelIndex.make(table))
    return CropCache(folder)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(
        [
            ({}, None),
            ({"needs_landmarks": True}, None),
            ({"clip_length": 5, "needs_landmarks": True}, Clips("frames")),
            ({"clip_length": 4, "frame_step": 2}, Clips("windows", 2)),
            ({"clip_length": 7, "needs_flow": True, "needs_regions": True}, Clips("apex")),
            ({"clip_length": 12}, Clips("spread")),
        ]
    ),
    st.booleans(),
    st.data(),
)
def test_a_batch_read_at_once_is_that_of_its_samples(gaps, kind, joined, data):
    wanted, clips = spec(**kind[0]), kind[1]
    options = {"clips": clips, "regions": micro_expression_regions, "emotions": ("happiness", *EMOTIONS)}
    samples = CropSamples(gaps, wanted, **options)
    assert samples.faceless > 0
    if joined:
        samples = JoinedSamples(
            fold_samples(gaps, wanted, Fold(("sub01",), ("sub02",), ("sub03",)), **options)
        )
    numbers = data.draw(st.lists(st.integers(0, len(samples) - 1), min_size=1, max_size=20))
    batch = samples.batch(numbers, wanted)
    assert np.isnan(batch.intensity).any()
    same_batch(batch, collate([samples[n] for n in numbers], wanted))


def test_joined_sets_with_and_without_intensities(cache, gaps):
    joined = JoinedSamples([CropSamples(cache, spec()), CropSamples(gaps, spec())])
    numbers = [len(joined) - 1, 0, 3, len(joined) - 2, 5]
    same_batch(joined.batch(numbers, spec()), collate([joined[n] for n in numbers], spec()))
    mixed = JoinedSamples([CropSamples(cache, spec()), _Listed(CropSamples(gaps, spec()))])
    same_batch(mixed.batch(numbers, spec()), joined.batch(numbers, spec()))
    for bad, error in (([len(joined)], IndexError), ([-1], IndexError), ([], ValueError)):
        with pytest.raises(error):
            joined.batch(bad, spec())
    with pytest.raises(ValueError, match="made for"):
        joined.batch([0], spec(needs_landmarks=True))
    with pytest.raises(ValueError, match="at least one"):
        CropSamples(cache, spec()).batch([], spec())


@pytest.fixture(scope="module")
def rafd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rafd")
    make_fake("rafd", folder / "data", FakeSize(2, 1, 4), size_px=200)
    reading = data_set("rafd").read(folder / "data", None)
    return prepare(reading.index, folder / "data", spec(), folder / "cache").cache


def test_emotions_of_a_set_without_aus(rafd):
    with pytest.raises(UserError, match="no labels for AU 1 2 4 12"):
        CropSamples(rafd, spec(), emotions=EMOTIONS)
    assert len(CropSamples(rafd, spec(), uncoded="unknown")) == 0
    samples = CropSamples(rafd, spec(), emotions=EMOTIONS, uncoded="unknown")
    assert len(samples) == 16 - samples.faceless > 12
    names = samples.index.table["emotion"].to_numpy(str)[samples.rows[:, 0]]
    assert [EMOTIONS[n] for n in samples.emotion] == names.tolist()
    assert (samples.labels == -1).all()
    batch = to_tensors(samples.batch([3, 0], spec()))
    assert batch.emotion.tolist() == [[samples.emotion[3]], [samples.emotion[0]]]
    assert samples[3].emotion.tolist() == [samples.emotion[3]]
    two = CropSamples(rafd, spec(), emotions=("sadness", "happy"), uncoded="unknown")
    assert 2 <= len(two) <= 4
    assert set(two.emotion) == {0, 1}
    some = rafd.index.take(rafd.index.table["emotion"].to_numpy(str) == "anger")
    assert len(CropSamples(rafd, spec(), index=some, emotions=("happy",), uncoded="unknown")) == 0
    everything = CropSamples(
        rafd, spec(), emotions=("happy",), uncoded="unknown", clips=Clips(labelled_only=False)
    )
    assert set(everything.emotion) == {-1, 0}
    with pytest.raises(UserError, match="joy is in this index: it has anger, contempt"):
        CropSamples(rafd, spec(), emotions=("joy",), uncoded="unknown")
    with pytest.raises(UserError, match="different emotions, got happy, happy"):
        CropSamples(rafd, spec(), emotions=("happy", "happy"), uncoded="unknown")


def test_aus_that_a_set_does_not_code_are_unknown_when_asked_for(cache, rafd):
    wanted = InputSpec(aus=(63, 4, 1), size_px=48, inter_ocular_px=20.0)
    samples = CropSamples(cache, wanted, uncoded="unknown")
    assert (samples.labels[:, 0] == -1).all()
    assert samples.labels[:, 1:].tolist() == cache.index.labels((4, 1))[samples.rows[:, 0]].tolist()
    assert samples.emotion is None
    assert samples.batch([0], wanted).emotion is None
    with pytest.raises(UserError, match="an error or unknown"):
        CropSamples(cache, wanted, uncoded="zero")
    both = JoinedSamples(
        [
            CropSamples(cache, spec()),
            CropSamples(rafd, spec(), emotions=EMOTIONS, uncoded="unknown"),
        ]
    )
    numbers = [len(both) - 1, 0, len(both) - 2]
    batch = both.batch(numbers, spec())
    same_batch(batch, collate([both[n] for n in numbers], spec()))
    assert batch.emotion[1, 0] == -1
    assert (batch.emotion[[0, 2]] >= 0).all()


def test_the_emotion_of_a_repeated_frame_is_unknown(gaps):
    samples = CropSamples(gaps, spec(clip_length=5), clips=Clips("frames"), emotions=("happiness", *EMOTIONS))
    emotion = np.stack([samples[n].emotion for n in range(len(samples))])
    assert samples.repeated.any()
    assert (emotion[samples.repeated] == -1).all()
    assert (samples.emotion == emotion[:, 2]).all()
    assert (samples.emotion >= 0).any()


class _Listed:
    """Samples that cannot be read many at once."""

    def __init__(self, samples):
        self.samples, self.labels = samples, samples.labels

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, number):
        return self.samples[number]


def test_training_reads_batches_at_once_and_samples_only_to_change_them(cache, monkeypatch):
    samples = CropSamples(cache, spec())
    listed = list(SampleBatches(_Listed(samples), spec(), 8).epoch(0, 3))
    changed = next(SampleBatches(samples, spec(), 8, changes=AugmentSettings()).epoch(0, 3))
    monkeypatch.delattr(CropSamples, "__getitem__")
    for one, other in zip(SampleBatches(samples, spec(), 8).epoch(0, 3), listed, strict=True):
        same_batch(one, other)
    assert (changed.frames != listed[0].frames).any()


def test_folds_keep_people_apart(cache):
    fold = Fold(("sub01",), ("sub02",), ("sub03",))
    train, validation, test = fold_samples(cache, spec(), fold)
    assert [set(part.subject) for part in (train, validation, test)] == [{"sub01"}, {"sub02"}, {"sub03"}]
    assert len(train) + len(validation) + len(test) == len(CropSamples(cache, spec()))
    joint = Fold(("casme2/sub01", "bp4d/F001"), (), ("casme2/sub02", "casme2/sub03"))
    assert len(fold_samples(cache, spec(), joint)[0]) == len(train)
    assert len(CropSamples(cache, spec(), subjects=["casme2/sub02"])) == len(validation)
    with pytest.raises(UserError, match="sub03 is in the data but in no part"):
        fold_samples(cache, spec(), Fold(("sub01",), (), ("sub02",)))


def test_joined_sets(cache):
    parts = fold_samples(cache, spec(), Fold(("sub01",), ("sub02",), ("sub03",)))
    joined = JoinedSamples(parts)
    assert len(joined) == sum(map(len, parts)) == len(joined.labels)
    last, first_of_second = joined[len(joined) - 1], joined[len(parts[0])]
    np.testing.assert_array_equal(last.frames, parts[2][len(parts[2]) - 1].frames)
    np.testing.assert_array_equal(first_of_second.frames, parts[1][0].frames)
    with pytest.raises(IndexError):
        joined[len(joined)]
    with pytest.raises(UserError, match="one list of AUs"):
        JoinedSamples([parts[0], CropSamples(cache, InputSpec(aus=(1,), size_px=48, inter_ocular_px=20.0))])


def test_an_au_that_is_not_coded_is_named(cache):
    with pytest.raises(UserError, match="AU 63"):
        CropSamples(cache, InputSpec(aus=(1, 63), size_px=48, inter_ocular_px=20.0))


def test_126_frames_of_a_video():
    index = rows_of([np.arange(400), np.arange(300), np.arange(126), np.arange(50)])
    rows, repeated = clip_rows(Clips("spread"), 126, 3, index, np.ones(len(index), bool))
    assert rows.shape == (4, 126)
    assert [int(r[1] - r[0]) for r in rows[:3]] == [3, 2, 1]
    assert [len(set(r.tolist())) for r in rows] == [126, 126, 126, 50]
    assert rows[0, 0] == 12  # 376 of 400 frames, from the middle
    assert rows[2].tolist() == list(range(700, 826))
    assert repeated.sum(axis=1).tolist() == [0, 0, 0, 76]


def test_windows_follow_one_another_and_stop_at_gaps():
    index = rows_of([[*range(10), *range(20, 27)]])
    rows, repeated = clip_rows(Clips("windows"), 4, 1, index, np.ones(17, bool))
    assert rows.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [10, 11, 12, 13]]
    assert not repeated.any()
    rows, _ = clip_rows(Clips("windows", stride=2), 4, 1, index, np.ones(17, bool))
    assert rows[:, 0].tolist() == [0, 2, 4, 6, 10, 12]


def test_a_lost_face_is_replaced_toward_the_middle_and_is_not_labelled():
    index = rows_of([range(5)])
    found = np.array([False, True, True, False, True])
    rows, repeated = clip_rows(Clips("frames"), 5, 1, index, found)
    assert rows.tolist() == [[1, 1, 1, 2, 2], [1, 1, 2, 2, 4], [2, 4, 4, 4, 4]]
    assert repeated.tolist() == [
        [True, True, False, False, True],
        [True, False, False, True, False],
        [False, True, False, True, True],
    ]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=25), min_size=1, max_size=3),
    st.sampled_from(["frames", "windows", "spread", "apex"]),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(0, 3),
    st.data(),
)
def test_clips_stay_within_their_sequence_and_show_faces(sequences, kind, length, step, stride, data):
    index = rows_of([sorted(each) for each in sequences])
    found = np.array(data.draw(st.lists(st.booleans(), min_size=len(index), max_size=len(index))))
    events = [Event("d", f"s{i}", "a", min(each), (), max(each), (1,)) for i, each in enumerate(sequences)]
    rows, repeated = clip_rows(Clips(kind, stride), length, step, index, found, events)
    assert rows.shape == repeated.shape == (len(rows), length)
    if not len(rows):
        return
    assert found[rows].all()
    assert (index.sequence_numbers()[rows] == index.sequence_numbers()[rows[:, :1]]).all()
    assert not repeated.all(axis=1).any()
    frames = index.table["frame"].to_numpy()
    for clip, again in zip(rows, repeated, strict=True):
        shown = np.flatnonzero(~again)
        assert (np.diff(clip) >= 0).all()
        if kind in ("frames", "windows", "apex"):
            assert (np.diff(frames[clip[shown]]) == step * np.diff(shown)).all()
    if kind == "frames":
        assert not repeated[:, length // 2].any()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["middle", "last", "all"]),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(1, 25),
    st.data(),
)
def test_clips_are_those_of_detection(scored, length, step, count, data):
    """The same frames, and the same of them scored, as :mod:`actionunits.detect.clips` asks about."""
    from types import SimpleNamespace

    from actionunits.detect.clips import CroppedFrame, windows_of

    found = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    index = rows_of([range(count)])
    made = spec(clip_length=length, frame_step=step, scored=scored)
    rows, repeated = clip_rows(Clips.of(made), length, step, index, found, place=made.place)
    face = SimpleNamespace(face=SimpleNamespace(track=0))
    frames = [
        CroppedFrame(n, 0.0, [face] if found[n] else [], {0: n} if found[n] else {}, None)
        for n in range(count)
    ]
    asked = [each for window in windows_of(frames, made) for each in window.clips]
    assert [each.clip for each in asked] == rows.tolist()
    assert [list(each.frames) for each in asked] == rows.tolist()
    if scored == "last":
        assert rows[:, -1].tolist() == np.flatnonzero(found).tolist()
    if scored == "all":
        wanted = [
            [(at, int(line[at])) for at in np.flatnonzero(~gone)]
            for line, gone in zip(rows, repeated, strict=True)
        ]
        assert [list(each.scored) for each in asked] == wanted
        everything = sorted(frame for each in asked for _, frame in each.scored)
        assert everything == np.flatnonzero(found).tolist()


def test_clips_of_a_rate_take_frames_as_far_apart_in_time_whatever_the_sequence():
    """Seven frames, 30 a second: every second at 60 frames/s, every seventh at 200, each at 30 and 20."""
    rates = (60.0, 200.0, 30.0, 20.0)
    frames = [np.arange(1, 61)] * len(rates)
    index = rows_of(frames, time_s=np.concatenate([np.arange(60) / rate for rate in rates]))
    events = [Event("d", f"s{n}", "a", 25, (30,), 35, (1,)) for n in range(len(rates))]
    found = np.ones(len(index), bool)
    rows, _ = clip_rows(Clips("apex", rate_hz=30.0), 7, 5, index, found, events)
    assert np.diff(rows, axis=1).tolist() == [[2] * 6, [7] * 6, [1] * 6, [1] * 6]
    assert (index.table["frame"].to_numpy()[rows[:, 3]] == 30).all()
    same, _ = clip_rows(Clips("apex"), 7, 5, index, found, events)
    assert (np.diff(same, axis=1) == 5).all()
    with pytest.raises(UserError, match="clips of so many frames a second need times, and d s0 a has none"):
        clip_rows(Clips("apex", rate_hz=30.0), 7, 1, rows_of(frames), np.ones(len(index), bool), events)
    with pytest.raises(UserError, match="must be 0 or more a second"):
        Clips(rate_hz=-1.0)


def test_bad_clips():
    with pytest.raises(UserError, match="frames, tile, windows, apex or spread"):
        Clips("apexes")
    with pytest.raises(UserError, match="stride"):
        Clips("windows", -1)
