import pytest

from analyzer_worker.engines.label_map import map_labels, merge_probabilities
from wire.errors import ModelError
from wire.messages.results import Label


@pytest.mark.parametrize(
    ("names", "mapped"),
    [
        (["negative", "neutral", "positive"], ["negative", "neutral", "positive"]),
        (["Positive", "Negative", "Neutral"], ["positive", "negative", "neutral"]),
        (["NEG", "NEU", "POS"], ["negative", "neutral", "positive"]),
        (["LABEL_0", "LABEL_1", "LABEL_2"], ["negative", "neutral", "positive"]),
        (["NEGATIVE", "POSITIVE"], ["negative", "positive"]),
        (["1 star", "2 stars", "3 stars", "4 stars", "5 stars"], [*["negative"] * 2, "neutral", *["positive"] * 2]),
        (
            ["Very Negative", "Negative", "Neutral", "Positive", "very_positive"],
            [*["negative"] * 2, "neutral", *["positive"] * 2],
        ),
    ],
)
def test_map_labels_of_published_models_gives_their_meaning(names: list[str], mapped: list[Label]) -> None:
    """Order and case do not matter."""
    assert map_labels("some/model", names) == mapped


@pytest.mark.parametrize(
    "names",
    [
        ["LABEL_0", "LABEL_1"],
        ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"],
        ["toxic", "severe_toxic"],
        ["positive", "neutral"],
        ["joy", "negative", "positive"],
        [],
    ],
)
def test_map_labels_of_ambiguous_names_is_an_error(names: list[str]) -> None:
    """The error names the model's labels and the remedy."""
    with pytest.raises(ModelError, match="id2label") as error:
        map_labels("some/model", names)
    assert error.value.code == "model_labels"
    assert all(name in error.value.message for name in names)


def test_merge_probabilities_adds_classes_of_one_label() -> None:
    """Five stars become three labels that still sum to 1."""
    mapped = map_labels("some/model", ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"])
    merged = merge_probabilities(mapped, [0.1, 0.2, 0.3, 0.25, 0.15])
    assert merged == pytest.approx({"negative": 0.3, "neutral": 0.3, "positive": 0.4})


def test_merge_probabilities_without_a_neutral_class_gives_neutral_zero() -> None:
    """A model of two classes is never neutral."""
    assert merge_probabilities(["negative", "positive"], [0.5, 0.5])["neutral"] == 0
