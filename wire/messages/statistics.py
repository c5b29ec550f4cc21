"""Statistics of a conversation."""

from typing import Annotated, Literal

from pydantic import Field

from wire.messages.base import OMITTED, Message, RoomName, SessionId, Speaker
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


class TurningPoint(Message):
    """The smoothed sentiment changed its sign here, and kept the new one for several sentences."""

    at: float
    """As of the point of the timeline at which it left the dead zone around 0, Unix seconds."""
    valence: float
    """Smoothed P(positive) − P(negative) there, −1…1, to three decimals; its sign is the new one."""


class NotableSentence(Message):
    """A sentence, without its text: that of the finals with this ``session_id`` and first segment."""

    session_id: SessionId
    segment: Annotated[int, Field(ge=0)]
    """Segment of the final that the sentence begins with."""
    at: float
    """End of the first utterance's speech, Unix seconds."""
    valence: float
    """P(positive) − P(negative) of the sentence, −1…1, to three decimals."""


class PersonTalk(Speaker):
    """One person's part in the conversation of a room."""

    talk_ms: int
    """Total length of the person's utterances with a text, ms."""
    share: float | None
    """Part of all ``talk_ms`` of the room, 0–1, to three decimals; null without any."""
    words: int
    words_per_minute: float | None
    """Words per minute of ``talk_ms``, to one decimal; null without any."""
    longest_monologue_ms: int
    """Longest stretch of the person's utterances, one after the other with pauses under 2 s and none of another person
    that begins between them, from the first's beginning to the last's end."""
    interruptions: int
    """Utterances that began while another person talked, who went on for a second or more, and that ended after that
    person's; not within 2 s of an earlier one of the same person."""
    overlap_ms: int
    """Time in which the person and another one talked, ms."""


class Conversation(Message):
    """The talk in a room: how long each person talked, and how long several at once.

    Times are those of an export, on the common clock of all sessions.
    """

    people: tuple[PersonTalk, ...]
    """At most 50, by the beginning of their first utterance."""
    silence_ms: int
    """Time between the first beginning and the last end without anybody's talk, ms."""
    overlap_ms: int
    """Time in which two people or more talked, ms."""


class _Counts(Message):
    """Sentiments and languages count sentences: a final that continues replaces the final before in them."""

    utterances: int = 0
    """Results of type ``final``."""
    sentences: int = Field(default_factory=lambda read: read.get("utterances", 0))
    """Results of type ``final`` that do not continue another one. From an older listener, each is a sentence."""
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
    timeline: tuple[TimelinePoint, ...] = ()
    """The whole conversation in at most 60 points, 30 of a person or a voice, oldest first; none in the global
    scope."""
    languages: dict[str, int] = {}
    """Sentences per language code."""
    turning_points: Annotated[tuple[TurningPoint, ...] | None, OMITTED] = None
    """The newest 10 of the timeline, oldest first. Missing from listeners older than this field, and in the global
    scope."""
    most_positive: Annotated[NotableSentence | None, OMITTED] = None
    """The sentence with the highest valence above 0, the first of several; missing if there is none."""
    most_negative: Annotated[NotableSentence | None, OMITTED] = None
    """The sentence with the lowest valence below 0, the first of several; missing if there is none."""


class VoiceStatistics(_Counts):
    """Totals of one voice: of several people who share the microphone of a session.

    They count the sentences whose final has this ``voice``, after all revisions (``merged_voices``). The points of the
    ``timeline`` are at the same times for all voices of a session.
    """

    session_id: SessionId
    voice: int
    """Number of the voice in its session."""
    share: float | None
    """Part of the ``speech_ms`` of all voices of the session, 0–1, to three decimals; null without any."""
    words_per_minute: float | None
    """Words per minute of ``speech_ms``, to one decimal; null without any."""
    longest_monologue_ms: int
    """Longest stretch of the voice's utterances, one after the other with pauses under 2 s and none of another voice of
    the session between them, from the first's beginning to the last's end."""


class _Totals(_Counts):
    version: Annotated[int, Field(ge=0)] = 0
    """Increases by one per utterance counted; the higher one is newer."""
    no_speech: int = 0
    uncertain: int = 0
    """Those of ``no_speech`` whose reason is ``uncertain``."""
    failures: int = 0
    trend_window: int


class Statistics(_Totals):
    """Totals since the beginning of the session, the room or the installation."""

    type: Literal["stats"] = "stats"
    scope: Literal["session", "room", "global"]
    """``global``, all sessions, is in Redis only, from older listeners; no client gets it."""
    session_id: SessionId | None = None
    room: RoomName | None = None
    latency: dict[str, HopLatency] = {}
    """Per hop (see ``HOPS``), over the most recent utterances."""
    conversation: Annotated[Conversation | None, OMITTED] = None
    """In a room only; missing from listeners older than this field."""
    voices: Annotated[tuple[VoiceStatistics, ...] | None, OMITTED] = None
    """Those of the session, in its scope only. Missing where the speakers of one microphone are not distinguished."""


class PersonStatistics(_Totals, Speaker):
    """Totals of one person in a room, over all of the person's sessions there. Sent to all of the room."""

    type: Literal["person_stats"] = "person_stats"
    room: RoomName
    voices: Annotated[tuple[VoiceStatistics, ...] | None, OMITTED] = None
    """Those of the person's sessions, one session after the other; of more than 16, those of the sessions that talked
    last. Missing where the speakers of one microphone are not distinguished."""


AnyStatistics = Statistics | PersonStatistics
"""All that an audience gets."""
