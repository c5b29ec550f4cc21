"""Messages that the listener publishes for an audience, on channels of its own."""

from typing import Annotated

from pydantic import Field

from wire.messages.base import OMITTED, Message
from wire.messages.results import SegmentEnd
from wire.messages.statistics import PersonStatistics, Statistics


class Envelope(Message):
    """Base of the messages of a channel.

    Gateways that are older than a channel for each audience get the position in a stream of all audiences, too, until
    the release after next.
    """

    id: str = ""
    """Stream id of this message; empty inside the stream, where it is the entry's id, and for an audience."""
    previous: str = ""
    """Stream id of the message of any audience before it."""


class ResultMessage(Envelope):
    """The next result of a session in order, on the channel ``result_messages:{audience}``."""

    audience: str
    seq: int = Field(ge=1)
    """Position in the audience's log."""
    message: SegmentEnd


class FinalStats(Envelope):
    """The statistics of an audience after one more utterance, on the channel ``final_stats:{audience}``."""

    audience: str
    message: Statistics
    person: Annotated[PersonStatistics | None, OMITTED] = None
    """Those of the person who talked, if ``message`` is a room's. Here and not in a message of its own, so that older
    gateways, which do not read it, get no message that they cannot read."""
