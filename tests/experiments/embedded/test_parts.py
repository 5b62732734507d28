from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from skimage import data

pytest.importorskip("torch")

from actionunits.errors import UserError
from actionunits.experiments.embedded import pictures, unseen
from actionunits.experiments.embedded.batches import StoreBatches
from actionunits.experiments.embedded.calibrate import (
    calibration_of,
    choose_thresholds,
    thresholds_of_others,
)
from actionunits.experiments.embedded.labels import label_smile
from actionunits.experiments.embedded.measure import RealFaces, animated_scores, smile_scores
from actionunits.experiments.embedded.people import (
    People,
    Photograph,
    find_people,
    groups_of,
    load_portrait,
    sort_by_points,
)
from actionunits.experiments.embedded.pictures import _fill_animated, make_pictures
from actionunits.experiments.embedded.rule import smile_by_points
from actionunits.experiments.embedded.store import PER_PORTRAIT, Layout, open_store
from actionunits.experiments.embedded.unseen import Limits, Unseen, joined, said_of
from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.batch import collate
from actionunits.metrics.agreement import icc_3_1
from actionunits.models.embedded.net import EmbeddedConfig, build
from actionunits.records import Batch, Sample
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.painting import paint_portrait


def test_a_subject_on_two_sides_is_an_error(tmp_path):
    one = Photograph(tmp_path / "a.jpg", "f/1")
    with pytest.raises(UserError, match="on two sides of the split: f/1"):
        People((one,), (), (one,))


def test_unsorted_photographs_are_smiles_or_neutral_by_their_points(tmp_path, monkeypatch):
    from actionunits.experiments.embedded import people as module

    folder = tmp_path / "portraits"
    folder.mkdir()
    told = {"a": (0.8, 0.01), "b": (1.1, 0.15), "c": (1.1, 0.0), "d": (0.92, 0.05)}
    for name in (*told, "nobody"):
        (folder / f"{name}.jpg").touch()

    def read(path, subject=None, *, landmarks="own"):
        if path.stem == "nobody":
            raise UserError("no face")
        return SimpleNamespace(landmarks=SimpleNamespace(points=path.stem))

    monkeypatch.setattr(module, "read_portrait", read)
    monkeypatch.setattr(module, "smile_by_points", lambda name: told[name][0])
    monkeypatch.setattr(module, "lip_gap", lambda name: told[name][1])
    found = [(photo.subject, photo.smiling, photo.doubtful) for photo in sort_by_points([folder])]
    assert found == [
        ("portraits/a", False, False),
        ("portraits/b", True, False),
        ("portraits/c", False, True),
    ]


def test_groups_are_what_the_source_says_of_those_people(tmp_path):
    folder = _folder(tmp_path)
    table = "person,face_age,face_gender,face_eth\n1,20,female,west_asian\n2,30,male,\n9,1,male,white\n"
    (tmp_path / "faces_people.csv").write_text(table)
    photographs = find_people([folder], validation=["faces/2"], test=["faces/3"])
    groups = groups_of([*photographs.train, *photographs.validation])
    assert groups == {
        "apparent ethnicity: west asian": {"faces/1"},
        "sex: female": {"faces/1"},
        "sex: male": {"faces/2"},
    }
    assert groups_of(()) == {}
    told = {photo.subject: photo.group for photo in (*photographs.train, *photographs.validation)}
    assert told == {"faces/1": "apparent ethnicity: west asian", "faces/2": ""}


def test_each_group_is_drawn_as_often_as_another(tmp_path):
    groups = {"a": "one", "b": "two", "c": "two", "d": "two", "e": "", "f": ""}
    photographs = [Photograph(tmp_path / f"{who}.jpg", who, group=group) for who, group in groups.items()]
    rng = np.random.default_rng(0)

    def shares(**how):
        drawn = [pictures._one_of(photographs, rng, **how).subject for _ in range(6000)]
        return [drawn.count(who) / len(drawn) for who in groups]

    sixth = 1 / 6
    np.testing.assert_allclose(shares(), [sixth] * 6, atol=0.02)
    # four of six have a group; those two share these, the others keep theirs
    np.testing.assert_allclose(shares(even=True), [2 * sixth, *[2 * sixth / 3] * 3, sixth, sixth], atol=0.02)
    assert pictures._one_of(photographs[:1], rng, even=True).subject == "a"


def test_lips_get_other_tones_before_the_points_are_found(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "5.png"), paint_portrait(5, 240).image[:, :, ::-1])
    toned = []
    monkeypatch.setattr(
        pictures, "with_random_lip_tones", lambda image, points, rng: toned.append(points) or image
    )
    portrait = load_portrait(Photograph(tmp_path / "5.png", "f/5"), inter_ocular_px=60.0)
    face = AnimatedFace(portrait.image, portrait.landmarks.points)
    for share, least, most in ((0.0, 0, 0), (0.5, 5, 35), (1.0, 40, 40)):
        toned.clear()
        store = open_store(tmp_path / str(share), _layout(lip_tones_share=share))
        for row in range(40):
            pictures._store_face(store, row, face, np.random.default_rng(row))
        assert least <= len(toned) <= most


def _folder(tmp_path):
    folder = tmp_path / "faces"
    folder.mkdir()
    for name in ("1_neutral", "1_smiling", "2_neutral", "3_neutral", "3_smiling"):
        (folder / f"{name}.jpg").touch()
    return folder


def test_photographs_are_sorted_by_the_split(tmp_path):
    people = find_people([_folder(tmp_path)], validation=["faces/2"], test=["faces/3"])
    assert [(p.path.name, p.smiling) for p in people.train] == [
        ("1_neutral.jpg", False),
        ("1_smiling.jpg", True),
    ]
    assert [p.subject for p in people.validation] == ["faces/2"]
    assert [p.subject for p in people.test] == ["faces/3", "faces/3"]


def test_a_smile_is_never_taken_for_a_neutral_face(tmp_path):
    for name in ("1.jpg", "1_smiling.jpg", "2.jpg", "3.jpg", "3_smiling.txt", "._3_smiling.jpg"):
        (tmp_path / name).touch()
    people = find_people([tmp_path], validation=[f"{tmp_path.name}/2"], test=[f"{tmp_path.name}/3"])
    assert [(p.path.name, p.smiling) for p in people.train] == [("1.jpg", False), ("1_smiling.jpg", True)]
    assert [p.path.name for p in people.test] == ["3.jpg"]


def test_training_needs_a_face_that_is_neutral_for_sure(tmp_path, monkeypatch):
    doubtful = Photograph(tmp_path / "other" / "9.jpg", "other/9", doubtful=True)
    monkeypatch.setattr("actionunits.experiments.embedded.people.sort_by_points", lambda *given: [doubtful])
    names, folder = {"validation": ["faces/1", "faces/2"], "test": ["faces/3"]}, _folder(tmp_path)
    with pytest.raises(UserError, match="no neutral portrait is left for train"):
        find_people([folder], **names, unsorted=[tmp_path / "other"], doubtful=True)
    names["validation"] = ["faces/2"]
    learnt = find_people([folder], **names, unsorted=[tmp_path / "other"], doubtful=True).train
    assert doubtful in learnt
    assert doubtful not in find_people([folder], **names, unsorted=[tmp_path / "other"]).train


def test_a_split_that_names_others_is_refused(tmp_path):
    with pytest.raises(UserError, match="not among the portraits: faces/9"):
        find_people([_folder(tmp_path)], validation=["faces/2"], test=["faces/9"])


def test_other_portraits_get_a_split_of_their_own(tmp_path):
    people = find_people([_folder(tmp_path)], validation=["x/1"], test=["x/2"], seed=4)
    parts = [{p.subject for p in part} for part in (people.train, people.validation, people.test)]
    assert all(parts)
    assert set.union(*parts) == {"faces/1", "faces/2", "faces/3"}
    assert people == find_people([tmp_path / "faces"], validation=["x/1"], test=["x/2"], seed=4)


def test_a_portrait_comes_at_the_asked_size(tmp_path):
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), data.astronaut()[:, :, ::-1])
    portrait = load_portrait(Photograph(path, "nasa/astronaut"), inter_ocular_px=30.0)
    assert inter_ocular_distance(portrait.landmarks) == pytest.approx(30.0, rel=0.02)


def _layout(**changes):
    values = {"aus": (12, 25), "size_px": 32, "inter_ocular_px": 14.0, "eye_line": 0.3, "count": 1, "seed": 1}
    values |= {"flat_share": 1.0, "real_share": 0.0, "smiling_share": 0.0, "mixed_share": 0.0}
    values |= {"subjects": ("f/1",), "face_model": "", "animation": "2"}
    return Layout(**values | changes)


def test_pictures_are_labelled_kept_and_not_mixed_with_others(tmp_path):
    cv2.imwrite(str(tmp_path / "1_neutral.png"), paint_portrait(5, 240).image[:, :, ::-1])
    photographs = [Photograph(tmp_path / "1_neutral.png", "f/1")]
    store = make_pictures(tmp_path / "store", photographs, _layout(), workers=1)
    assert store.crops.std(axis=(1, 2)).min() > 3, "no empty picture"
    assert np.array_equal(store.labels, store.intensity >= 2)
    assert np.array_equal(np.asarray(store.sides[:, 0]).max(axis=1), store.intensity[:, 0])
    assert np.isnan(store.sides[:, 1]).all(), "lips part on no side"
    assert (store.sides[:, 0, 0] != store.sides[:, 0, 1]).any()
    eyes = (store.points[:, [36, 42]] + store.points[:, [39, 45]]) / 2
    assert np.allclose(eyes.mean(axis=1)[:, 0], (store.layout.stored_px - 1) / 2, atol=0.1)
    assert np.allclose(np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1), 14.0, atol=0.05)
    before = np.array(store.crops)
    again = make_pictures(tmp_path / "store", [], _layout(), workers=1)  # nothing is left to do
    assert np.array_equal(again.crops, before)
    with pytest.raises(UserError, match="made with other settings"):
        make_pictures(tmp_path / "store", photographs, _layout(seed=2), workers=1)
    with pytest.raises(UserError, match="made with other settings"):
        make_pictures(tmp_path / "store", photographs, _layout(animation="3"), workers=1)


def test_a_dimpler_is_often_on_one_side_only_and_no_side_outgrows_its_label():
    rng = np.random.default_rng(3)
    drawn = [pictures.busy_expression(rng, (12, 14)) for _ in range(3000)]
    lone = {}
    for au in (12, 14):
        sides = np.array([expression.sides(au) for expression in drawn])
        sides = sides[sides.max(axis=1) > 0]
        lone[au] = float((sides.min(axis=1) == 0).mean())
        left, right = (sides > sides[:, ::-1]).mean(axis=0)
        assert left == pytest.approx(right, abs=0.05)
    assert 0.28 < lone[14] < 0.5
    assert lone[12] < lone[14] - 0.15


def test_a_smiling_photograph_is_weakly_labelled(tmp_path):
    broad = paint_portrait(5, 240).image
    cv2.imwrite(str(tmp_path / "1_smiling.png"), broad[:, :, ::-1])
    photographs = [Photograph(tmp_path / "1_smiling.png", "f/1", smiling=True)]
    layout = _layout(aus=(4, 6, 12, 25), real_share=1.0)
    store = make_pictures(tmp_path / "store", photographs, layout, workers=1)
    assert np.isnan(store.intensity).all()
    assert np.isnan(store.sides).all()
    # its lips are shut: a smile is all that is known
    assert np.array_equal(np.unique(store.labels, axis=0), [[-1, -1, 1, 0]])
    label_smile(
        edited := SimpleNamespace(
            layout=layout,
            labels=np.zeros((1, 4), np.int8),
            intensity=np.zeros((1, 4)),
            sides=np.zeros((1, 4, 2)),
        ),
        0,
        0.2,
    )
    assert edited.labels.tolist() == [[-1, 1, 1, 1]], "brows are not taken for still"


def _smiling_store(tmp_path):
    cv2.imwrite(str(tmp_path / "1_smiling.png"), paint_portrait(5, 240).image[:, :, ::-1])
    cv2.imwrite(str(tmp_path / "2_neutral.png"), paint_portrait(6, 240).image[:, :, ::-1])
    photographs = [
        Photograph(tmp_path / "1_smiling.png", "f/1", smiling=True),
        Photograph(tmp_path / "2_neutral.png", "f/2"),
    ]
    layout = _layout(aus=(1, 6, 7, 12, 14, 25, 26), smiling_share=1.0, subjects=("f/1", "f/2"))
    store = open_store(tmp_path / "store", layout)
    _fill_animated(store, range(len(store)), tuple(photographs), None, np.random.default_rng(0))
    return store


def test_upper_face_aus_are_animated_on_a_broad_smile(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "PARTED_FROM", -1.0)  # painted lips are shut: take them for parted
    store = _smiling_store(tmp_path)
    assert set(store.subject.tolist()) == {0}, "the one who smiles"
    brow, cheek, lid, corner, dimple, lips, jaw = store.labels.T
    assert set(brow.tolist()) == {0, 1}, "animated or, as in the photograph, absent"
    assert np.array_equal(brow, store.intensity[:, 0] >= 2)
    for other in (cheek, lid, corner, dimple, lips, jaw):
        assert set(other.tolist()) == {-1}, "what the smile has is learnt from photographs"
    assert np.isnan(store.intensity[:, 1:]).all()
    assert np.isfinite(store.sides[:, 0]).all()
    assert np.isnan(store.sides[:, 1:]).all()


def test_without_a_broad_smile_a_neutral_face_is_animated(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "TRIES_FOR_A_BROAD_SMILE", 2)
    store = _smiling_store(tmp_path)
    assert set(store.subject.tolist()) == {1}
    assert (store.labels >= 0).all()


def test_a_mirrored_crop_has_its_sides_changed(tmp_path):
    cv2.imwrite(str(tmp_path / "1_neutral.png"), paint_portrait(5, 240).image[:, :, ::-1])
    photographs = [Photograph(tmp_path / "1_neutral.png", "f/1")]
    store = make_pictures(tmp_path / "store", photographs, _layout(), workers=1)
    spec = replace(build(EmbeddedConfig(aus=(12, 25))).spec, size_px=32, inter_ocular_px=14.0)
    batch = next(iter(StoreBatches(store, spec, len(store)).epoch(1, seed=0)))
    given = np.asarray(store.sides[:, 0])
    taken = batch.sides[:, 0, 0]
    same, swapped = (taken == given).all(axis=1), (taken == given[:, ::-1]).all(axis=1)
    assert (same | swapped).all()
    lopsided = given[:, 0] != given[:, 1]
    assert 0.2 < (swapped & lopsided).sum() / lopsided.sum() < 0.8
    # where the sides were changed, the points were too: the left eye's outer corner stays on the right
    assert (batch.landmarks[:, 0, 45, 0] > batch.landmarks[:, 0, 36, 0]).all()


def test_a_store_that_the_disk_cannot_hold_is_refused_before_it_is_begun(tmp_path):
    with pytest.raises(UserError, match=r"store needs .* GB, more than is free"):
        make_pictures(tmp_path / "store", [], _layout(count=10**12), workers=1)
    assert list((tmp_path / "store").iterdir()) == []


def test_the_rule_ranks_a_smile_above_a_closed_mouth():
    rng = np.random.default_rng(0)
    face = rng.normal(0, 1, (68, 2)).astype(np.float32)
    face[[36, 39]], face[[42, 45]] = (-1.0, 0.0), (1.0, 0.0)
    for point, at in {
        48: (-0.8, 2.0),
        54: (0.8, 2.0),
        51: (0, 1.9),
        57: (0, 2.1),
        62: (0, 2),
        66: (0, 2),
    }.items():
        face[point] = at
    smile = face.copy()
    smile[48], smile[54], smile[66] = (-1.1, 1.7), (1.1, 1.7), (0, 2.3)
    assert smile_by_points(smile) > smile_by_points(face)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]], np.float32)
    assert smile_by_points(smile @ turn.T * 3 + 7) == pytest.approx(smile_by_points(smile), abs=1e-5)


def _samples(count: int, smiling: np.ndarray) -> RealFaces:
    rng = np.random.default_rng(3)
    samples = tuple(
        Sample(
            np.full((1, 112, 112, 1), 200 if smile else 60, np.uint8),
            np.full((1, 17), -1, np.int8),
            landmarks=rng.uniform(0, 112, (1, 68, 2)).astype(np.float32),
        )
        for smile in smiling
    )
    subjects = tuple(str(i // 2) for i in range(count))
    return RealFaces(samples, smiling, subjects, smiling.astype(float), np.ones(count, bool))


def _by_brightness(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    bright = 1 / (1 + np.exp(-batch.frames.mean(axis=(1, 2, 3, 4))))
    none = np.zeros((len(bright), 17, 2), np.float32)
    return np.repeat(bright[:, None], 17, axis=1).astype(np.float32), none[..., 0], none


def test_smiles_are_scored_against_neutral_faces_of_the_same_people():
    faces = _samples(8, np.array([False, True] * 4))
    spec = build(EmbeddedConfig()).spec
    scores = smile_scores(_by_brightness(collate(faces.samples, spec))[0], faces, spec)
    assert scores.people == 4
    assert scores.auc[12][0] == scores.own_neutral == scores.rule_auc[0] == scores.hit_rate == 1.0
    assert scores.auc[12][1:] == (1.0, 1.0)
    assert set(scores.false_alarms.values()) == {0.0}


def test_animated_scores_leave_out_what_is_unknown():
    labels = np.array([[1, -1], [0, -1], [1, -1], [0, -1]], np.int8)
    found = animated_scores(
        np.array([[0.9, 0.9], [0.2, 0.9], [0.4, 0.9], [0.1, 0.9]], np.float32), labels, (1, 2)
    )
    assert found.auc[0] == 1.0
    assert np.isnan(found.auc[1])
    assert found.accuracy[0] == 0.75
    assert np.isnan(found.accuracy[1])
    assert found.base_rate[0] == 0.5
    assert np.isnan(found.sides).all()


def test_a_side_is_told_where_one_is_clearly_stronger():
    shown = np.array([[[4, 1]], [[1, 4]], [[3, 2.5]], [[np.nan, np.nan]]], np.float32)
    given = np.array([[[2, 1]], [[2, 1]], [[0, 3]], [[1, 0]]], np.float32)
    labels = np.array([[1], [1], [1], [0]], np.int8)
    found = animated_scores(labels.astype(np.float32), labels, (12,), sides=(given, shown))
    assert found.sides.tolist() == [0.5]
    assert found.calibration.tolist() == [0.0]


def test_intensities_are_scored_as_they_are_written_beside_what_is_called():
    labels = np.array([[1, 1], [0, 0], [1, 1], [0, 0]], np.int8)
    probability = np.array([[0.9, 0.9], [0.1, 0.1], [0.8, 0.2], [0.3, 0.1]], np.float32)
    true = np.array([[4, 4], [0, 0], [2, np.nan], [1, 0]], np.float32)
    given = np.array([[4, 4], [0, 0], [2, 3], [1.5, 0.5]], np.float32)  # 1.5 is not called: below 1
    found = animated_scores(probability, labels, (1, 2), intensity=(given, true))
    assert found.grades_off == pytest.approx([0.001 / 4, 0.5 / 3], rel=1e-4)
    written = np.array([[4, 4], [0, 0], [2, np.nan], [0.999, 0.5]])
    assert found.icc == pytest.approx(icc_3_1(true, written), rel=1e-4)
    assert np.isnan(animated_scores(probability, labels, (1, 2)).icc).all()


def test_faces_are_taken_out_and_put_together():
    faces = _samples(6, np.array([False, True] * 3))
    part = faces.at(np.array([2, 3]))
    assert part.subjects == ("1", "1")
    assert part.smiling.tolist() == [False, True]
    assert len(part.samples) == 2
    both = RealFaces.joined([part, faces.at(np.array([0]))])
    assert both.subjects == ("1", "1", "0")
    assert [id(sample) for sample in both.samples] == [id(faces.samples[row]) for row in (2, 3, 0)]


def _animated(rng: np.random.Generator, count: int) -> Batch:
    labels = rng.integers(0, 2, (count, 1, 17)).astype(np.int8)
    frames = np.repeat(labels[:, :, 5:6, None, None], 112, axis=3).repeat(112, axis=4).astype(np.float32)
    points = rng.uniform(0, 112, (count, 1, 68, 2)).astype(np.float32)
    sides = np.full((count, 1, 17, 2), np.nan, np.float32)
    intensity = 4.0 * labels.astype(np.float32)
    return Batch(frames, landmarks=points, labels=labels, intensity=intensity, sides=sides)


def test_calibration_and_thresholds_come_from_faces_not_learnt_from():
    rng = np.random.default_rng(1)
    faces = _samples(6, np.array([False, True] * 3))
    batches = [_animated(rng, 40)]
    model = build(EmbeddedConfig()).eval()
    said = said_of(_by_brightness, Unseen(batches, faces), model.spec)
    scale, _ = calibration_of(said, model.spec.aus)
    assert (scale > 0).all()
    limits = choose_thresholds(said, model.spec.aus)
    assert limits.shape == (17,)
    # no neutral face is called, by a margin: they are all as dark
    neutral = _by_brightness(
        collate([s for s, smile in zip(faces.samples, faces.smiling, strict=True) if not smile], model.spec)
    )
    assert (limits >= neutral[0].max()).all()
    # AU7 is what the brightness shows: its threshold parts 0 from 1
    probability = _by_brightness(batches[0])[0][:, 5]
    assert ((probability >= limits[5]) == (batches[0].labels[:, 0, 5] == 1)).all()
    # nor is an AU called on a smile that joy does not show
    smile = _by_brightness(collate(faces.samples[1:2], model.spec))[0][0, 0]
    assert [au for au, limit in zip(model.spec.aus, limits, strict=True) if limit >= smile] == [
        *(1, 2, 4, 5, 9, 10, 14, 15, 17, 20, 23, 24),
    ]


def test_a_part_of_the_people_is_scored_at_thresholds_that_the_others_chose():
    rng, spec = np.random.default_rng(1), build(EmbeddedConfig()).spec
    parts = [
        said_of(_by_brightness, Unseen([_animated(rng, count)], _samples(2, np.array([False, True]))), spec)
        for count in (30, 50)
    ]
    loud = parts[0].real.copy()
    loud[0] = 0.999  # a neutral face that shows everything raises the thresholds of others only
    parts[0] = replace(parts[0], real=loud)
    limits = thresholds_of_others(parts, spec.aus)
    assert limits.animated.shape == (80, 17)
    assert limits.on_smiles.shape == (0, 17)
    quiet = choose_thresholds(parts[1], spec.aus)
    np.testing.assert_array_equal(limits.real, [quiet, quiet, *[choose_thresholds(parts[0], spec.aus)] * 2])
    photographs = [
        Photograph(Path(f"faces/{number}{mark}.png"), f"faces/{number}", bool(mark))
        for number in (0, 1)
        for mark in ("", "_smiling")
    ]
    scores = unseen.tested(joined(parts), photographs, spec, limits)
    assert set(scores.smiles.false_alarms.values()) == {0.5}, "one of two neutral faces, at 0.999"
    own = unseen.tested(
        joined(parts), photographs, spec, Limits.alike(choose_thresholds(joined(parts), spec.aus))
    )
    assert set(own.smiles.false_alarms.values()) == {0.0}, "thresholds that it chose itself do not tell"


def test_a_second_person_is_mixed_into_neutral_faces_that_are_animated(tmp_path, monkeypatch):
    photographs = []
    for seed in (5, 6):
        cv2.imwrite(str(tmp_path / f"{seed}_neutral.png"), paint_portrait(seed, 240).image[:, :, ::-1])
        photographs.append(Photograph(tmp_path / f"{seed}_neutral.png", f"f/{seed}"))
    mixed = []
    monkeypatch.setattr(
        pictures,
        "mixed_portrait",
        lambda first, second, shape, texture: mixed.append((first, second, shape, texture)) or first,
    )
    layout = _layout(mixed_share=0.5, subjects=("f/5", "f/6"))
    for draw in range(40):
        pictures._photo_to_animate(tuple(photographs), layout, np.random.default_rng(draw))
    assert 10 < len(mixed) < 30
    assert {(a.subject, b.subject) for a, b, _, _ in mixed} >= {("f/5", "f/6"), ("f/6", "f/5")}
    assert all(0 <= share <= 1 for each in mixed for share in each[2:])
    shares = np.array([pictures._texture_share(np.random.default_rng(draw)) for draw in range(2000)])
    assert ((shares > 0.25) & (shares < 0.75)).mean() < 0.4, "few halves of skin: evenly drawn it would be .5"
    assert 0.45 < shares.mean() < 0.55


def test_it_is_told_who_is_mixed_in(tmp_path, monkeypatch):
    photographs = []
    for seed in (5, 6):
        cv2.imwrite(str(tmp_path / f"{seed}_neutral.png"), paint_portrait(seed, 240).image[:, :, ::-1])
        photographs.append(Photograph(tmp_path / f"{seed}_neutral.png", f"f/{seed}"))
    mixed, mix = [], pictures.mixed_portrait

    def remember(first, second, **shares):
        mixed.append((first.subject, second.subject))
        return mix(first, second, **shares)

    monkeypatch.setattr(pictures, "mixed_portrait", remember)
    layout = _layout(mixed_share=0.5, count=PER_PORTRAIT * 4, subjects=("f/5", "f/6"))
    store = open_store(tmp_path / "store", layout)
    told = []
    for part in range(layout.parts):
        rows = range(part * PER_PORTRAIT, part * PER_PORTRAIT + 1)
        before = len(mixed)
        _fill_animated(store, rows, tuple(photographs), None, np.random.default_rng(part))
        names = [layout.subjects[store.subject[rows[0]]], layout.subjects[store.second[rows[0]]]]
        told.append(tuple(names) if store.second[rows[0]] >= 0 else None)
        assert told[-1] == (mixed[-1] if len(mixed) > before else None)
    assert None in told
    assert any(told)


def test_in_turn_everybody_is_animated(tmp_path):
    photographs = tuple(Photograph(tmp_path / f"{who}.png", f"f/{who}") for who in range(5))
    layout = _layout(in_turn=True, subjects=tuple(photo.subject for photo in photographs))
    turns = [pictures._whose_turn(photographs, layout, part) for part in range(10)]
    assert {photo for (photo,) in turns[:5]} == {photo for (photo,) in turns[5:]} == set(photographs)


def test_rows_of_a_store_are_all_that_is_learnt_from(tmp_path):
    photographs = [Photograph(tmp_path / "1_neutral.png", "f/1")]
    cv2.imwrite(str(tmp_path / "1_neutral.png"), paint_portrait(1, 240).image[:, :, ::-1])
    store = make_pictures(tmp_path / "store", photographs, _layout(), workers=1)
    rows = np.array([3, 3, 7, 11])
    batches = StoreBatches(store, build(EmbeddedConfig()).spec, 2, rows=rows)
    assert len(batches) == 2
    seen = np.concatenate([batch.intensity[:, 0] for batch in batches.epoch(0, seed=1)])
    np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(np.asarray(store.intensity[rows]), axis=0))


def test_a_mouth_that_may_smile_says_nothing_of_its_smile(tmp_path):
    photographs = []
    for seed, doubtful in ((5, False), (6, True)):
        cv2.imwrite(str(tmp_path / f"{seed}.png"), paint_portrait(seed, 240).image[:, :, ::-1])
        photographs.append(Photograph(tmp_path / f"{seed}.png", f"f/{seed}", doubtful=doubtful))
    layout = _layout(aus=(4, 12, 14, 17, 25), subjects=("f/5", "f/6"), doubtful_share=1.0)
    store = make_pictures(tmp_path / "animated", photographs, layout, workers=1)
    assert set(store.subject.tolist()) == {1}
    assert (np.asarray(store.labels[:, 1:3]) == -1).all()
    assert np.isnan(store.intensity[:, 1:3]).all()
    assert np.isnan(store.sides[:, 1:3]).all()
    known = np.asarray(store.labels[:, [0, 3]])
    assert (known >= 0).all()
    assert known.any(axis=0).all(), "the others are shown and labelled"
    assert set(store.labels[:, 4].tolist()) == {1, -1}, (
        "whether its lips are apart is not known by the points"
    )
    assert np.isnan(store.intensity[store.labels[:, 4] == -1, 4]).all()
    layout = _layout(subjects=("f/5", "f/6"), doubtful_share=1.0, real_share=1.0)
    store = make_pictures(tmp_path / "as they are", photographs, layout, workers=1)
    assert set(store.subject.tolist()) == {0}, "no photograph of it is said to be neutral"
