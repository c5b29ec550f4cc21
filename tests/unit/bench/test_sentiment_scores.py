"""F1 and swaps are those of their definitions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.sentiment.scores import most_probable, score

NEGATIVE, NEUTRAL, POSITIVE = range(3)


def naive_f1(predicted: list[int], targets: list[int], label: int) -> float:
    right = sum(one == other == label for one, other in zip(predicted, targets, strict=True))
    return 2 * right / (predicted.count(label) + targets.count(label))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_scores_are_those_of_their_definitions(pairs: list[tuple[int, int]]) -> None:
    predicted, targets = [one for one, _ in pairs], [other for _, other in pairs]
    scores = score(predicted, targets)
    f1 = {label: naive_f1(predicted, targets, label) for label in sorted(set(targets))}
    assert list(scores.f1.values()) == pytest.approx(list(f1.values()))
    assert scores.macro_f1 == pytest.approx(sum(f1.values()) / len(f1))
    weighted = sum(f1[label] * targets.count(label) for label in f1) / len(targets)
    assert scores.weighted_f1 == pytest.approx(weighted)
    assert scores.accuracy == pytest.approx(sum(one == other for one, other in pairs) / len(pairs))


def test_labels_that_a_set_does_not_have_do_not_count() -> None:
    """A set without neutral sentences has two labels."""
    scores = score([NEGATIVE, POSITIVE], [NEGATIVE, POSITIVE])
    assert scores.macro_f1 == 1
    assert list(scores.f1) == ["negative", "positive"]


def test_fewer_sentences_have_a_larger_error() -> None:
    """By the square root of their number."""
    pairs = (
        [(NEGATIVE, NEGATIVE)] * 7 + [(NEUTRAL, NEUTRAL)] * 8 + [(NEUTRAL, POSITIVE)] * 4 + [(POSITIVE, POSITIVE)] * 6
    )
    few, many = (score(*zip(*(pairs * times), strict=True)) for times in (4, 64))
    assert few.macro_f1 == pytest.approx(many.macro_f1)
    assert few.macro_f1_error / many.macro_f1_error == pytest.approx(4, rel=0.2)


def test_swaps_are_counted_both_ways() -> None:
    """Neutral is no swap."""
    scores = score([POSITIVE, NEGATIVE, NEUTRAL, NEGATIVE], [NEGATIVE, POSITIVE, NEGATIVE, NEGATIVE])
    assert scores.swaps == 0.5


@pytest.mark.parametrize(("predicted", "targets"), [([], []), ([0], [0, 1])])
def test_sentences_without_predictions_are_refused(predicted: list[int], targets: list[int]) -> None:
    with pytest.raises(ValueError, match="predictions for"):
        score(predicted, targets)


def test_binary_sets_have_no_neutral_label() -> None:
    """The more probable of the other two counts."""
    probabilities = torch.tensor([[0.1, 0.8, 0.1001], [0.5, 0.3, 0.2]])
    assert most_probable(probabilities) == [NEUTRAL, NEGATIVE]
    assert most_probable(probabilities, binary=True) == [POSITIVE, NEGATIVE]
