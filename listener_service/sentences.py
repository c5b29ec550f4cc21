"""Pure: finals that are one sentence, and what has been counted of the newest one of a session.

Workers say which final a text goes on with; here it becomes certain, as all results come by in order.
"""

from typing import Literal, assert_never

from pydantic import BaseModel

from wire.messages.base import STORED
from wire.messages.results import Final, NoSpeech, SegmentEnd, SegmentFailed, Sentiment

Scope = Literal["session", "room"]
AnyScope = Scope | Literal["global"]
"""Also that of listeners older than the totals of the installation, which keep these as statistics."""


class Place(BaseModel):
    """The place of a sentence in statistics, from 1."""

    model_config = STORED

    sentences: int
    """Among all sentences."""
    sentiments: int
    """Among those with a sentiment; of one without, the number of those before it."""


IN_TOTALS = Place(sentences=0, sentiments=0)
"""Place of every sentence in the totals of the installation, where it can be replaced at any time.

Listeners older than these totals read it as that of a sentence that has left the window of the trend: if one of them
releases the next text of a sentence, it replaces the sentiment in its own statistics, which are added to the totals.
"""


class Sentence(BaseModel):
    """The newest sentence of a session, as far as it is released. Its text is not kept."""

    model_config = STORED

    segment: int
    """Segment of its last final."""
    first_segment: int
    """Segment of its first final."""
    next_segment: int
    """First segment of the session that was not released yet. If it is another one now, an older listener has released
    results since then, and nothing is known of them."""
    language: str
    sentiment: Sentiment | None
    """Sentiment that it is counted with."""
    at: float
    """End of speech of its first final, Unix seconds."""
    places: dict[AnyScope, Place] = {}
    voice: int | None = None
    """Voice of its finals; None if it is not known."""
    person: str | None = None
    """Id of the person whose statistics it is counted in, too; None outside of rooms, and from older listeners."""
    person_place: Place | None = None
    """Its place in these. Not one of ``places``, since older listeners cannot read other scopes there."""

    def goes_on_with(self, final: Final) -> bool:
        """Return True if a final is the next text of this sentence.

        It is not if the worker joined it with other texts: an earlier one was analysed without its beginning, came late
        or failed. Nor is it if only one of both has a sentiment: then there is nothing to replace. Nor if another voice
        says it.
        """
        return (
            final.continues
            and (final.continued_segment, final.first_segment) == (self.segment, self.first_segment)
            and final.language == self.language
            and (final.sentiment is None) == (self.sentiment is None)
            and (final.voice is None or self.voice_after(final) in (None, final.voice))
        )

    def voice_after(self, final: Final) -> int | None:
        """Return the voice of this sentence after a final, with which voices may have become one."""
        return (final.merged_voices or {}).get(self.voice, self.voice) if self.voice else None


def linked(sentence: Sentence | None, result: SegmentEnd) -> SegmentEnd:
    """Return a result as it is released: a final continues the newest sentence, or none.

    A text without a voice of its own, such as a short one, has that of the sentence.
    """
    if not isinstance(result, Final):
        return result
    if sentence is None or not sentence.goes_on_with(result):
        return result.alone()
    voice = sentence.voice_after(result)
    return result if result.voice or voice is None else result.model_copy(update={"voice": voice})


def after(
    sentence: Sentence | None,
    result: SegmentEnd,
    places: dict[AnyScope, Place],
    person: str | None = None,
    person_place: Place | None = None,
) -> Sentence | None:
    """Return the newest sentence after a linked result, which was counted at ``places``."""
    following = result.segment + 1
    match result:
        case Final():
            begun = sentence if result.continues else None
            return Sentence(
                segment=result.segment,
                first_segment=begun.first_segment if begun else result.segment,
                next_segment=following,
                language=result.language,
                sentiment=result.sentiment,
                at=begun.at if begun else result.clock.speech_end,
                places=places,
                voice=result.voice or (begun.voice_after(result) if begun else None),
                person=person,
                person_place=person_place,
            )
        case NoSpeech():
            return sentence and sentence.model_copy(update={"next_segment": following})
        case SegmentFailed():
            return None
        case _:
            assert_never(result)
