"""How the label names of published classifiers map to negative, neutral and positive.

| names in the model (any case)                      | become   | seen in                                             |
|----------------------------------------------------|----------|-----------------------------------------------------|
| negative, neg, very negative                       | negative | most; cardiffnlp/twitter-xlm-roberta-base-sentiment |
| neutral, neu                                       | neutral  |                                                     |
| positive, pos, very positive                       | positive |                                                     |
| 1 star, 2 stars / 3 stars / 4 stars, 5 stars       | neg/neu/pos | nlptown/bert-base-multilingual-uncased-sentiment |
| LABEL_0, LABEL_1, LABEL_2, when there are just these | neg/neu/pos | cardiffnlp/twitter-roberta-base-sentiment      |

Probabilities of names that become the same label are added. A model without a neutral class gives neutral 0. Any other
name is an error: nobody knows what LABEL_1 of a model with two classes means.
"""

from collections.abc import Mapping, Sequence

from analyzer_worker.engines.base import LABELS, NEGATIVE, NEUTRAL, POSITIVE
from wire.errors import ModelError

KNOWN = {
    **dict.fromkeys(("negative", "neg", "very negative", "1 star", "2 stars"), NEGATIVE),
    **dict.fromkeys(("neutral", "neu", "3 stars"), NEUTRAL),
    **dict.fromkeys(("positive", "pos", "very positive", "4 stars", "5 stars"), POSITIVE),
}
UNNAMED = {"label_0": NEGATIVE, "label_1": NEUTRAL, "label_2": POSITIVE}


def map_labels(model: str, names: Sequence[str]) -> list[str]:
    """For each class of ``model``, in order, the one of ``LABELS`` that it counts for.

    Raises:
        ModelError: a name is unknown, or nothing means negative or positive.
    """
    plain = [name.lower().replace("_", " ").strip() if name.lower() not in UNNAMED else name.lower() for name in names]
    table: Mapping[str, str] = UNNAMED if sorted(plain) == sorted(UNNAMED) else KNOWN
    unknown = [name for name, key in zip(names, plain, strict=True) if key not in table]
    mapped = [table[key] for key in plain if key in table]
    if unknown or not {NEGATIVE, POSITIVE} <= set(mapped):
        raise ModelError(
            "model_labels",
            f"{model} has the labels {', '.join(names)}, which do not say what is negative, neutral and positive.",
            "Choose another model, or save it in a folder and name its labels so in config.json (id2label).",
        )
    return mapped


def merge_probabilities(mapped: Sequence[str], probabilities: Sequence[float]) -> dict[str, float]:
    """Probability of each of ``LABELS`` from that of each class."""
    merged = dict.fromkeys(LABELS, 0.0)
    for label, probability in zip(mapped, probabilities, strict=True):
        merged[label] += probability
    return merged
