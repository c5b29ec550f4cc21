"""What is known about a conversation so far."""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import Message, RoomName, SessionId
from wire.messages.results import Label


class LabelStatistics(Message):
    """Utterances with one label."""

    count: int = 0
    mean_score: float | None = None
    """Mean probability of the label over the utterances that got it; None without any."""


class HopLatency(Message):
    """Median and 95th percentile of one hop's latency."""

    p50_ms: float
    p95_ms: float


class TimelinePoint(Message):
    """Utterances with sentiment that follow one another."""

    at: float
    """When the first of them ended, in Unix seconds."""
    valence: float
    """Mean of P(positive) − P(negative), −1…1, to three decimals."""
    count: int


class Statistics(Message):
    """Totals since the session, the room or the installation began."""

    type: Literal["stats"] = "stats"
    scope: Literal["session", "room", "global"]
    session_id: SessionId | None = None
    room: RoomName | None = None
    version: Annotated[int, Field(ge=0)] = 0
    """Grows by one per utterance counted; of two, the higher is newer."""
    utterances: int = 0
    """Finals with text."""
    no_speech: int = 0
    failures: int = 0
    words: int = 0
    speech_ms: int = 0
    """Length of the utterances with text."""
    sentiment: dict[Label, LabelStatistics] = {}
    unanalysed: int = 0
    """Finals whose sentiment is null."""
    trend: float | None = None
    """Mean of P(positive) − P(negative) over the last ``trend_window`` utterances with sentiment, −1…1."""
    trend_window: int
    timeline: tuple[TimelinePoint, ...] = ()
    """The whole conversation in at most 60 points, oldest first; none in the global scope."""
    languages: dict[str, int] = {}
    """Utterances per language code."""
    latency: dict[str, HopLatency] = {}
    """Per hop (see ``HOPS``), over the most recent utterances."""
