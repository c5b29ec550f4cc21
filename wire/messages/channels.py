"""What the listener publishes and gateways subscribe to.

Every envelope is appended to the stream beside its channel and published with its stream id and the id before it, so
that a subscriber that missed one notices and reads it from the stream.
"""

from pydantic import Field

from wire.messages.base import Message
from wire.messages.results import SegmentEnd
from wire.messages.statistics import Statistics


class Envelope(Message):
    """A message of a channel, with its place in the stream beside it."""

    id: str = ""
    """Stream id of this message; empty inside the stream itself, where the entry's id tells it."""
    previous: str = ""
    """Stream id of the message before it on the same channel."""


class ResultMessage(Envelope):
    """On ``result_messages``: the next utterance of a session, in order."""

    audience: str
    seq: int = Field(ge=1)
    """Position in the audience's log."""
    message: SegmentEnd


class FinalStats(Envelope):
    """On ``final_stats``: an audience's statistics after one more utterance."""

    audience: str
    message: Statistics
