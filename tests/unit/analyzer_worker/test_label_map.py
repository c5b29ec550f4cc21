import pytest

from analyzer_worker.engines.label_map import map_labels, merge_probabilities
from wire.errors import ModelError


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
def test_names_of_published_models_are_understood(names: list[str], mapped: list[str]) -> None:
    """Whatever their order and case, the classes keep their meaning."""
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
def test_names_that_could_mean_anything_are_refused(names: list[str]) -> None:
    """No guessing: the error says which labels the model has and what to do."""
    with pytest.raises(ModelError, match="id2label") as error:
        map_labels("some/model", names)
    assert error.value.code == "model_labels"
    assert all(name in error.value.message for name in names)


def test_probabilities_of_one_meaning_are_added() -> None:
    """Five stars become three labels that still sum to 1."""
    mapped = map_labels("some/model", ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"])
    merged = merge_probabilities(mapped, [0.1, 0.2, 0.3, 0.25, 0.15])
    assert merged == pytest.approx({"negative": 0.3, "neutral": 0.3, "positive": 0.4})


def test_a_model_of_two_classes_is_never_neutral() -> None:
    """What it cannot say gets probability 0."""
    assert merge_probabilities(["negative", "positive"], [0.5, 0.5])["neutral"] == 0
