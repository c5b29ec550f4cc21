"""Pure: whether the text of a pause ends its utterance."""

from typing import Literal

from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.endpointing.events import SpeculativeEndpoint

OVER, CERTAINLY_OVER = 0.0, 1.0
"""Log-odds from which a sentence is over, in a pause that lasts still, and in one after which speech has gone on. Of
393 pauses in six languages 89 to 94 % of the ends were over, and 8 to 29 % of the others; 45 to 74 % and 4 to 13 %
certainly."""

Verdict = Literal["end", "wait", "nothing"]


def judge(sentence_end: float | None, endpointer: Endpointer, pause: SpeculativeEndpoint) -> Verdict:
    """Return what a text does: it ends the utterance, lets it wait for more, or does nothing.

    Args:
        sentence_end: log-odds that the sentence is over; None: nothing shows that.
        endpointer: of the stream.
        pause: that of the text, perhaps of an utterance that is over.
    """
    if sentence_end is None:
        return "nothing"
    is_last = endpointer.is_last(pause)
    if sentence_end > (OVER if is_last else CERTAINLY_OVER):
        return "end"
    return "wait" if is_last and sentence_end <= OVER else "nothing"
