"""Codebook of AU patterns: what is in it comes back, what is not is -1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.errors import UserError
from actionunits.models.parts.codebook import Codebook

AUS = (1, 2, 4, 6)
LABELS = arrays(np.int8, st.tuples(st.integers(1, 80), st.just(4)), elements=st.integers(-1, 1))


@given(labels=LABELS, at_least=st.integers(1, 4))
def test_classes_are_the_frequent_patterns_in_the_order_of_their_counts(labels, at_least) -> None:
    rows = [tuple(row) for row in labels.tolist() if min(row) >= 0]
    counts = {row: rows.count(row) for row in rows}
    wanted = sorted((row for row in counts if counts[row] >= at_least), key=lambda row: (-counts[row], row))
    if not wanted:
        with pytest.raises(UserError, match="no pattern"):
            Codebook.from_labels(AUS, labels, at_least)
        return
    book = Codebook.from_labels(AUS, labels, at_least)
    assert list(book.patterns) == wanted
    assert list(book.counts) == [counts[row] for row in wanted]
    place = {row: index for index, row in enumerate(wanted)}
    assert book.classes(labels).tolist() == [place.get(tuple(row), -1) for row in labels.tolist()]


@given(labels=LABELS.filter(lambda rows: (rows >= 0).all(axis=1).any()))
def test_a_certain_posterior_gives_the_pattern_back(labels) -> None:
    book = Codebook.from_labels(AUS, labels, 1)
    classes = book.classes(labels)
    known = classes >= 0
    posterior = np.eye(len(book.patterns), dtype=np.float32)[classes[known]]
    assert np.array_equal(book.au_decisions(posterior), labels[known])
    assert np.array_equal(book.au_scores(posterior), labels[known].astype(np.float32))


def test_scores_sum_the_posterior_over_the_patterns_with_the_au() -> None:
    book = Codebook((1, 2), ((0, 0), (1, 0), (1, 1)), (5, 3, 2))
    scores = book.au_scores(np.array([[0.5, 0.2, 0.3]], np.float32))
    np.testing.assert_allclose(scores, [[0.5, 0.3]], atol=1e-6)
    assert book.au_decisions(np.array([[0.5, 0.2, 0.3]], np.float32)).tolist() == [[0, 0]]


@given(labels=LABELS.filter(lambda rows: (rows >= 0).all(axis=1).any()))
def test_a_codebook_comes_back_from_its_file_and_its_digits(labels, tmp_path_factory) -> None:
    book = Codebook.from_labels(AUS, labels, 1)
    path = tmp_path_factory.mktemp("book") / "codebook.json"
    book.save(path)
    assert Codebook.load(path) == book
    again = Codebook.from_digits(AUS, book.digits)
    assert again.patterns == book.patterns
    assert np.array_equal(again.classes(labels), book.classes(labels))
    assert [p.name for p in path.parent.iterdir()] == ["codebook.json"]


@given(labels=LABELS.filter(lambda rows: (rows >= 0).all(axis=1).any()), most=st.integers(0, 5))
def test_seen_unseen_and_unknown_share_the_frames(labels, most) -> None:
    whole = Codebook.from_labels(AUS, labels, 1)
    book = whole.most_frequent(most)
    assert len(book) == (min(most, len(whole)) if most else len(whole))
    seen, unseen = book.classes(labels) >= 0, book.unseen(labels)
    unknown = (labels < 0).any(axis=1)
    assert (seen.astype(int) + unseen + unknown == 1).all()
    assert unseen.any() <= (most > 0)


@given(labels=LABELS.filter(lambda rows: (rows >= 0).all(axis=1).any()), order=st.permutations(range(4)))
def test_another_order_of_the_aus_gives_the_same_patterns(labels, order) -> None:
    here = Codebook.from_labels(AUS, labels, 1)
    there = Codebook.from_labels(tuple(AUS[place] for place in order), labels[:, order], 1)

    def shown(book: Codebook) -> dict:
        rows = zip(book.patterns, book.counts, strict=True)
        return {
            frozenset(au for au, on in zip(book.aus, row, strict=True) if on): count for row, count in rows
        }

    assert shown(here) == shown(there)


def test_ties_stand_in_the_order_of_their_digits_and_the_empty_pattern_is_one() -> None:
    labels = np.array([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1], [0, 0], [-1, 0]], np.int8)
    book = Codebook.from_labels((1, 2), labels, 1)
    assert book.digits == ("00", "11", "01", "10")
    assert book.most_frequent(1).patterns == ((0, 0),)
    assert book.au_decisions(np.array([[0.4, 0.4, 0.1, 0.1]], np.float32)).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("digits", "message"),
    [
        (["01", "1"], "has 2 digits, got '1'"),
        (["01", "01"], "each pattern once"),
        (["0x"], "is not a pattern"),
        ([], "needs patterns"),
    ],
)
def test_what_is_no_codebook_is_refused(digits, message) -> None:
    with pytest.raises(UserError, match=message):
        Codebook.from_digits((1, 2), digits)


def test_a_file_that_is_no_codebook_is_refused(tmp_path) -> None:
    (tmp_path / "b.json").write_text('{"aus": [1], "classes": [{"pattern": 3}]}')
    for name in ("b.json", "none.json"):
        with pytest.raises(UserError, match="is no codebook"):
            Codebook.load(tmp_path / name)
