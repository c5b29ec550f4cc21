"""Maps the class names of published classifiers to negative, neutral and positive.

| names in the model (any case)                      | become   | seen in                                             |
|----------------------------------------------------|----------|-----------------------------------------------------|
| negative, neg, very negative                       | negative | most; cardiffnlp/twitter-xlm-roberta-base-sentiment |
| neutral, neu                                       | neutral  |                                                     |
| positive, pos, very positive                       | positive |                                                     |
| 1 star, 2 stars / 3 stars / 4 stars, 5 stars       | neg/neu/pos | nlptown/bert-base-multilingual-uncased-sentiment |
| LABEL_0, LABEL_1, LABEL_2, when there are just these | neg/neu/pos | cardiffnlp/twitter-roberta-base-sentiment      |

Probabilities of classes with the same label are added. A model without a neutral class gives neutral 0. Any other name
is an error: the meaning of LABEL_1 in a model with two classes is not defined anywhere.
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
NUMBERED_NAMES: Mapping[str, Label] = {"label_0": NEGATIVE, "label_1": NEUTRAL, "label_2": POSITIVE}


def map_labels(model: str, names: Sequence[str]) -> list[Label]:
    """Map each class name of ``model`` to a label, in order.

    Raises:
        ModelError: a name is unknown, or no class means negative or none means positive.
    """
    lowered = [name.lower() for name in names]
    plain = [name if name in NUMBERED_NAMES else name.replace("_", " ").strip() for name in lowered]
    table = NUMBERED_NAMES if sorted(plain) == sorted(NUMBERED_NAMES) else KNOWN_NAMES
    mapped = [table[name] for name in plain if name in table]
    if len(mapped) < len(names) or not {NEGATIVE, POSITIVE} <= set(mapped):
        raise ModelError(
            "model_labels",
            f"{model} has the labels {', '.join(names)}, which do not say what is negative, neutral and positive.",
            "Choose another model, or save it in a folder and name its labels so in config.json (id2label).",
        )
    return mapped


def merge_probabilities(mapped: Sequence[Label], probabilities: Sequence[float]) -> Probabilities:
    """Sum the probabilities of the classes by label; ``mapped`` holds the label of each class."""
    merged: Probabilities = dict.fromkeys(LABELS, 0.0)
    for label, probability in zip(mapped, probabilities, strict=True):
        merged[label] += probability
    return merged
