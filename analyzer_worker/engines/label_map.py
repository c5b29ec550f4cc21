"""Maps the class names of published classifiers to negative, neutral and positive.

| names in the model (any case)                      | become   | seen in                                             |
|----------------------------------------------------|----------|-----------------------------------------------------|
| negative, neg, very negative                       | negative | most; cardiffnlp/twitter-xlm-roberta-base-sentiment |
| neutral, neu                                       | neutral  |                                                     |
| positive, pos, very positive                       | positive |                                                     |
| 1 star, 2 stars / 3 stars / 4 stars, 5 stars       | neg/neu/pos | nlptown/bert-base-multilingual-uncased-sentiment |

Probabilities of classes with the same label are added. A model without a neutral class gives neutral 0. Any other name
is an error: LABEL_0, LABEL_1, … are what transformers calls classes without names, and published models have them in
different orders. ``ANALYZER_LABELS`` then names them.
"""

from collections.abc import Mapping, Sequence

from analyzer_worker.engines.base import NEGATIVE, NEUTRAL, POSITIVE, Probabilities
from wire.errors import ModelError
from wire.messages.results import LABELS, Label

KNOWN_NAMES: Mapping[str, Label] = {
    **dict.fromkeys(("negative", "neg", "very negative", "1 star", "2 stars"), NEGATIVE),
    **dict.fromkeys(("neutral", "neu", "3 stars"), NEUTRAL),
    **dict.fromkeys(("positive", "pos", "very positive", "4 stars", "5 stars"), POSITIVE),
}
REMEDY = (
    "Set ANALYZER_LABELS to what the classes mean, in order, as its model card says: for example "
    "negative,neutral,positive. Or save the model in a folder and name them in config.json (id2label)."
)


def label_classes(
    model: str, names: Mapping[int, str], numbers: Mapping[str, int], given: Sequence[Label] | None
) -> list[Label]:
    """Return the label of each class of ``model``, in order.

    Args:
        model: its name, for errors.
        names: ``id2label`` of its configuration: class → name.
        numbers: ``label2id`` of its configuration: name → class.
        given: the labels that the operator gives, in order; None for those that the names say.

    Raises:
        ModelError: ``given`` has another number of labels than the model has classes; or, without it, a name is
            unknown, the two tables contradict each other, or no class means negative or none means positive.
    """
    in_order = [names[number] for number in sorted(names)]
    if given is not None:
        if len(given) != len(names):
            raise ModelError(
                "model_labels",
                f"{model} has {len(names)} classes ({', '.join(in_order)}), and ANALYZER_LABELS names {len(given)} of "
                f"them: {', '.join(given)}.",
                "Name each class, in order.",
            )
        return list(given)
    if contradicts(names, numbers):
        other = ", ".join(sorted(numbers, key=lambda name: numbers[name]))
        raise ModelError(
            "model_labels",
            f"The configuration of {model} contradicts itself: its classes are {', '.join(in_order)} by id2label, and "
            f"{other} by label2id.",
            REMEDY,
        )
    return map_labels(model, in_order)


def contradicts(names: Mapping[int, str], numbers: Mapping[str, int]) -> bool:
    """Return True if both tables have the same names in different orders. Other names are transformers' own."""
    same_names = sorted(numbers) == sorted(names.values())
    return same_names and any(int(numbers[name]) != number for number, name in names.items())


def map_labels(model: str, names: Sequence[str]) -> list[Label]:
    """Map each class name of ``model`` to a label, in order.

    Raises:
        ModelError: a name is unknown, or no class means negative or none means positive.
    """
    plain = [name.lower().replace("_", " ").strip() for name in names]
    mapped = [KNOWN_NAMES[name] for name in plain if name in KNOWN_NAMES]
    if len(mapped) < len(names) or not {NEGATIVE, POSITIVE} <= set(mapped):
        raise ModelError(
            "model_labels",
            f"{model} has the classes {', '.join(names)}, which do not say what is negative, neutral and positive.",
            REMEDY,
        )
    return mapped


def merge_probabilities(mapped: Sequence[Label], probabilities: Sequence[float]) -> Probabilities:
    """Sum the probabilities of the classes by label; ``mapped`` holds the label of each class."""
    merged: Probabilities = dict.fromkeys(LABELS, 0.0)
    for label, probability in zip(mapped, probabilities, strict=True):
        merged[label] += probability
    return merged
