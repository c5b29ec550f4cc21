import pytest

from analyzer_worker.engines.label_map import label_classes, map_labels, merge_probabilities
from wire.errors import ModelError
from wire.messages.results import Label


@pytest.mark.parametrize(
    ("names", "mapped"),
    [
        (["negative", "neutral", "positive"], ["negative", "neutral", "positive"]),
        (["Positive", "Negative", "Neutral"], ["positive", "negative", "neutral"]),
        (["NEG", "NEU", "POS"], ["negative", "neutral", "positive"]),
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
        ["LABEL_0", "LABEL_1", "LABEL_2"],
        ["label_2", "label_1", "label_0"],
        ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"],
        ["0", "1", "2"],
        ["toxic", "severe_toxic"],
        ["positive", "neutral"],
        ["joy", "negative", "positive"],
        [],
    ],
)
def test_map_labels_of_ambiguous_names_is_an_error(names: list[str]) -> None:
    """The error names the model's labels and the remedy."""
    with pytest.raises(ModelError, match=r"ANALYZER_LABELS.*id2label") as error:
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


NAMELESS = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}


def numbers(names: dict[int, str]) -> dict[str, int]:
    return {name: number for number, name in names.items()}


@pytest.mark.parametrize(
    "given",
    [["neutral", "positive", "negative"], ["negative", "neutral", "positive"], ["positive", "negative", "negative"]],
)
def test_given_labels_are_those_of_the_classes_in_order(given: list[Label]) -> None:
    """With or without names in the model, whatever they say."""
    assert label_classes("some/model", NAMELESS, numbers(NAMELESS), given) == given
    named = {0: "negative", 1: "neutral", 2: "positive"}
    assert label_classes("some/model", named, numbers(named), given) == given
    assert label_classes("some/model", {1: "a", 2: "b", 3: "c"}, {}, given) == given


@pytest.mark.parametrize("given", [["negative", "positive"], ["negative", "neutral", "positive", "positive"]])
def test_another_number_of_labels_than_classes_is_an_error(given: list[Label]) -> None:
    with pytest.raises(ModelError, match=f"has 3 classes .* ANALYZER_LABELS names {len(given)}") as error:
        label_classes("some/model", NAMELESS, numbers(NAMELESS), given)
    assert error.value.code == "model_labels"


@pytest.mark.parametrize(
    ("names", "other"),
    [
        ({0: "negative", 1: "neutral", 2: "positive"}, {"neutral": 0, "positive": 1, "negative": 2}),
        ({0: "POS", 1: "NEG"}, {"NEG": 0, "POS": 1}),
        ({0: "1 star", 1: "2 stars", 2: "4 stars"}, {"4 stars": 0, "2 stars": 1, "1 star": 2}),
    ],
)
def test_a_configuration_with_two_orders_is_an_error(names: dict[int, str], other: dict[str, int]) -> None:
    """Which of the two tables is right, only its author can say."""
    with pytest.raises(ModelError, match=r"contradicts itself.*ANALYZER_LABELS"):
        label_classes("some/model", names, other, None)


@pytest.mark.parametrize(
    "other",
    [
        {"negative": 0, "positive": 1},
        {"LABEL_0": 0, "LABEL_1": 1},  # transformers' own, where a configuration has none
        {"positive": 1, "negative": 0},
    ],
)
def test_a_configuration_with_one_order_is_taken(other: dict[str, int]) -> None:
    assert label_classes("some/model", {0: "negative", 1: "positive"}, other, None) == ["negative", "positive"]
