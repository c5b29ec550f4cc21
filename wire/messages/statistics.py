"""Statistics of a conversation."""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import Message, RoomName, SessionId
from wire.messages.results import Label


class LabelStatistics(Message):
    """Statistics of the sentences with one label."""

    count: int = 0
    mean_score: float | None = None
    """Mean probability of the label over these sentences; None without any."""


class HopLatency(Message):
    """Median and 95th percentile of one hop's latency."""

    p50_ms: float
    p95_ms: float


class TimelinePoint(Message):
    """Consecutive sentences with sentiment."""

    at: float
    """End of the first utterance in them, Unix seconds."""
    valence: float
    """Mean of P(positive) − P(negative), −1…1, to three decimals."""
    count: int


class Statistics(Message):
    """Totals since the beginning of the session, the room or the installation.

    Sentiments and languages count sentences: a final that continues replaces the final before in them.
    """

    type: Literal["stats"] = "stats"
    scope: Literal["session", "room", "global"]
    session_id: SessionId | None = None
    room: RoomName | None = None
    version: Annotated[int, Field(ge=0)] = 0
    """Increases by one per utterance counted; the higher one is newer."""
    utterances: int = 0
    """Results of type ``final``."""
    sentences: int = Field(default_factory=lambda read: read.get("utterances", 0))
    """Results of type ``final`` that do not continue another one. From an older listener, each is a sentence."""
    no_speech: int = 0
    uncertain: int = 0
    """Those of ``no_speech`` whose reason is ``uncertain``."""
    failures: int = 0
    words: int = 0
    speech_ms: int = 0
    """Total length of these utterances, ms."""
    sentiment: dict[Label, LabelStatistics] = {}
    unanalysed: int = 0
    """Sentences without a sentiment."""
    unsure: int = 0
    """Sentiments whose label is unsure; they are counted as neutral, too."""
    zero_shot: int = 0
    """Sentiments in languages that the model was not trained with."""
    trend: float | None = None
    """Mean of P(positive) − P(negative) over the last ``trend_window`` sentences with sentiment, −1…1."""
    trend_window: int
    timeline: tuple[TimelinePoint, ...] = ()
    """The whole conversation in at most 60 points, oldest first; none in the global scope."""
    languages: dict[str, int] = {}
    """Sentences per language code."""
    latency: dict[str, HopLatency] = {}
    """Per hop (see ``HOPS``), over the most recent utterances."""
