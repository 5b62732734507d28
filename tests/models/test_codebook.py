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
