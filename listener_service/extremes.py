"""Pure: the most positive and the most negative sentence.

The newest sentence of each session may still go on and get another sentiment; the others are certain.
"""

from pydantic import BaseModel

from listener_service.timeline import PPM
from wire.messages.base import STORED
from wire.messages.statistics import NotableSentence

MAX_OPEN = 100
"""Sessions whose newest sentence may still change; of more, those that spoke last."""


class Candidate(BaseModel):
    """A sentence by the place of its first final."""

    model_config = STORED

    session_id: str
    segment: int
    at: float
    """End of the first utterance's speech, Unix seconds."""
    valence_ppm: int

    def sentence(self) -> NotableSentence:
        """Make the message for clients."""
        valence = round(self.valence_ppm / PPM, 3)
        return NotableSentence(session_id=self.session_id, segment=self.segment, at=self.at, valence=valence)


class Extremes(BaseModel):
    """Both sentences, and those that may become one of them."""

    model_config = STORED

    positive: Candidate | None = None
    """Among the sentences that are certain."""
    negative: Candidate | None = None
    newest: dict[str, Candidate] = {}
    """By session."""

    def add(self, sentence: Candidate, *, goes_on: bool) -> "Extremes":
        """Return the extremes with one more sentence, or with the newest one of its session as it goes on."""
        newest = {**self.newest}
        extremes = self
        before = newest.pop(sentence.session_id, None)
        if before is not None and not (goes_on and before.segment == sentence.segment):
            extremes = extremes._with(before)
        newest[sentence.session_id] = sentence
        if len(newest) > MAX_OPEN:
            oldest = min(newest.values(), key=lambda each: (each.at, each.session_id))
            extremes = extremes._with(newest.pop(oldest.session_id))
        return extremes.model_copy(update={"newest": newest})

    def together(self, other: "Extremes") -> "Extremes":
        """Return the extremes of both, as if all of their sentences were certain."""
        both = (self, other)
        candidates = [each for one in both for each in (one.positive, one.negative, *one.newest.values())]
        positive, negative = _extremes(candidates)
        return Extremes(positive=positive, negative=negative)

    def _with(self, sentence: Candidate) -> "Extremes":
        positive, negative = _extremes([self.positive, self.negative, sentence])
        return self.model_copy(update={"positive": positive, "negative": negative})

    def sentences(self) -> tuple[NotableSentence | None, NotableSentence | None]:
        """Return the most positive and the most negative sentence; None for one without a sentence of its sign."""
        positive, negative = _extremes([self.positive, self.negative, *self.newest.values()])
        return positive.sentence() if positive else None, negative.sentence() if negative else None


def _extremes(sentences: list[Candidate | None]) -> tuple[Candidate | None, Candidate | None]:
    """Return the highest valence above 0 and the lowest below; of equal ones the first."""
    first = sorted(filter(None, sentences), key=lambda each: (each.at, each.session_id, each.segment))
    positive = max((each for each in first if each.valence_ppm > 0), key=lambda each: each.valence_ppm, default=None)
    negative = min((each for each in first if each.valence_ppm < 0), key=lambda each: each.valence_ppm, default=None)
    return positive, negative
