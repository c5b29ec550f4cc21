"""Parameters of ``/v1/listen`` that are taken for compatibility and have no effect, which the end of a stream says."""

from collections.abc import Mapping, Set
from typing import Any

_WITHOUT_EFFECT = {
    "detect_entities": "no entities are looked for",
    "dictation": "spoken punctuation stays in the text as it was said",
    "filler_words": "the model decides which filler words it writes",
    "numerals": "the model decides how it writes numbers",
    "profanity_filter": "nothing is masked",
    "replace": "nothing is replaced",
    "search": "nothing is searched for",
}
"""Parameter → what is so instead. They are taken for compatibility."""
_SILENT = frozenset({"callback_method", "diarize_model", "mip_opt_out", "model", "no_delay", "version"})
"""Parameters that change nothing here, without a client missing anything, or that are warned about otherwise."""


def ignored(values: Mapping[str, Any], read: Set[str]) -> tuple[str, ...]:
    """Return what a client does not get, in sentences.

    Args:
        values: its parameters, in their order.
        read: names of those that have an effect.
    """
    found = []
    for name, value in values.items():
        asked = str(value).lower() not in {"", "false", "[]"}
        if name in _WITHOUT_EFFECT and asked:
            found.append(f"{name} has no effect: {_WITHOUT_EFFECT[name]}.")
        elif name == "model":
            found.append("model has no effect: the server's own is used, see model_info.")
        elif name == "keywords":
            found.append("The weights of keywords have no effect.")
        elif name not in read and name not in _WITHOUT_EFFECT and name not in _SILENT:
            found.append(f"The parameter {name[:40]!r} is unknown here.")
    return tuple(found)
