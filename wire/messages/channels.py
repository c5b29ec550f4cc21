"""Messages that the listener publishes and gateways subscribe to.

Each envelope is appended to the stream beside its channel and published with its stream id and the previous one, so
that a subscriber detects a missed message and reads it from the stream.
"""

from typing import Annotated

from pydantic import Field

from wire.messages.base import OMITTED, Message
from wire.messages.results import SegmentEnd
from wire.messages.statistics import PersonStatistics, Statistics


class Envelope(Message):
    """Base of the messages of a channel, with their position in the stream beside it."""

    id: str = ""
    """Stream id of this message; empty inside the stream, where it is the entry's id."""
    previous: str = ""
    """Stream id of the previous message on the same channel."""


class ResultMessage(Envelope):
    """The next result of a session in order, on the channel ``result_messages``."""

    audience: str
    seq: int = Field(ge=1)
    """Position in the audience's log."""
    message: SegmentEnd


class FinalStats(Envelope):
    """The statistics of an audience after one more utterance, on the channel ``final_stats``."""

    audience: str
    message: Statistics
    person: Annotated[PersonStatistics | None, OMITTED] = None
    """Those of the person who talked, if ``message`` is a room's. Here and not in a message of its own, so that older
    gateways, which do not read it, get no message that they cannot read."""
