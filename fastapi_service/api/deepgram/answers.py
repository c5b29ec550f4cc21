"""The sending half of ``/v1/listen``: messages of this system → Deepgram's."""

from collections import Counter
from dataclasses import dataclass

from fastapi_service.api.deepgram.configures import ConfigureAnswers
from fastapi_service.api.deepgram.messages import (
    Alternative,
    Channel,
    ErrorFrame,
    ModelInfo,
    Results,
    ResultsMetadata,
    SpeechStarted,
    UtteranceEnd,
)
from fastapi_service.api.deepgram.query import ListenQuery
from fastapi_service.api.deepgram.refusals import variant
from fastapi_service.api.deepgram.results import final_alternative, interim_alternative, model_uuid
from fastapi_service.api.deepgram.utterance_gap import UtteranceGap
from wire.messages import server
from wire.messages.results import Final, NoSpeech, SegmentFailed

_NOTHING = Alternative(transcript="", confidence=0.0, words=())
_UNKNOWN_MODEL = "whisper"
"""Name until the first final text says which it is."""


class _Talker:
    """One channel: its utterances without a result."""

    def __init__(self, gap_ms: int | None) -> None:
        self.gap = UtteranceGap(gap_ms)
        self.starts: dict[int, int] = {}
        """Utterances without a result → where they begin, ms."""
        self.reasons: dict[int, str] = {}
        """Those that are over → why."""
        self.finalized: Counter[int] = Counter()
        """Those of them that a ``Finalize`` was for → how many were."""


@dataclass(frozen=True, slots=True)
class _Status:
    """Flags of a result."""

    is_final: bool = True
    paused: bool = False
    """Its speaker paused."""
    finalized: bool = False
    """A ``Finalize`` ended it."""


class Answers:
    """One connection's frames, in the order of its messages."""

    def __init__(self, query: ListenQuery, request_id: str, version: str) -> None:
        """``version`` is that of the server."""
        self.position_ms = 0
        """Audio that has come."""
        self.models: list[str] = []
        """Names of those that made a text."""
        self.late = 0
        """Utterances whose text did not come in time."""
        self.has_voices = False
        """A text has a voice."""
        self.configures = ConfigureAnswers(query.talkers)
        self._query = query
        self._request_id = request_id
        self._version = version
        gap_ms = query.utterance_end_ms or None
        self._talkers = [_Talker(gap_ms) for _ in range(query.talkers)]
        self._channels: dict[str, int] = {}
        """Session → its channel."""

    @property
    def is_gap_due(self) -> bool:
        """True if an ``UtteranceEnd`` is to be sent, as far as is known."""
        return any(talker.gap.is_due(self.position_ms) for talker in self._talkers)

    def encode(self, message: server.AnyServerMessage) -> tuple[str, ...]:
        """Return the frames for a message; those that Deepgram does not have are left out."""
        match message:
            case server.Ready():
                self._channels[message.session_id] = message.channel or 0
            case server.SpeechStarted():
                return self._started(message)
            case server.SpeechEnded():
                self._talkers[message.channel or 0].reasons[message.segment] = message.reason
            case server.Interim():
                return self._interim(message)
            case Final() | NoSpeech() | SegmentFailed():
                return self._result(message)
            case server.Configured():
                return self.configures.write(message.channel or 0)
            case server.Stopped():
                self.late += message.pending
            case server.Error():
                return (self._error(message.code, message.message, message.remedy),)
        return ()

    def finalized(self, channel: int | None) -> tuple[str, ...]:
        """Return what answers a ``Finalize`` at once: a result without text where nothing is left to come."""
        frames: list[str] = []
        for number, talker in enumerate(self._talkers):
            if channel not in {None, number}:
                continue
            if talker.reasons:
                talker.finalized[max(talker.reasons)] += 1
            else:
                frames.append(self._nothing(number))
        return tuple(frames)

    def _nothing(self, number: int) -> str:
        return self._results(number, (self.position_ms, 0), _NOTHING, _Status(finalized=True))

    def gaps(self) -> tuple[str, ...]:
        """Return the ``UtteranceEnd`` of each channel that is due."""
        return tuple(
            UtteranceEnd(channel=self._index(number), last_word_end=talker.gap.take() / 1000).json_frame()
            for number, talker in enumerate(self._talkers)
            if talker.gap.is_due(self.position_ms)
        )

    def _started(self, message: server.SpeechStarted) -> tuple[str, ...]:
        number = message.channel or 0
        talker = self._talkers[number]
        talker.gap.begin(message.segment, message.at_ms)
        talker.starts[message.segment] = message.at_ms
        if not self._query.vad_events:
            return ()
        return (SpeechStarted(channel=self._index(number), timestamp=message.at_ms / 1000).json_frame(),)

    def _interim(self, message: server.Interim) -> tuple[str, ...]:
        if not self._query.interim_results:
            return ()
        number = message.channel or 0
        start = self._talkers[number].starts.get(message.segment, self.position_ms)
        text = interim_alternative(message, self._query)
        return (self._results(number, (start, max(0, self.position_ms - start)), text, _Status(is_final=False)),)

    def _result(self, message: Final | NoSpeech | SegmentFailed) -> tuple[str, ...]:
        number = self._channels.get(message.session_id, 0)
        talker = self._talkers[number]
        last_word_ms = message.words[-1].end_ms if isinstance(message, Final) and message.words else None
        talker.gap.end(message.segment, last_word_ms)
        talker.starts.pop(message.segment, None)
        paused = talker.reasons.pop(message.segment, "silence") == "silence"
        finalized = talker.finalized.pop(message.segment, 0)
        status = _Status(paused=paused, finalized=finalized > 0)
        span = (message.start_ms, message.end_ms - message.start_ms)
        frames = [self._results(number, span, self._text(message), status, message)]
        if isinstance(message, SegmentFailed):
            frames.insert(0, self._error(message.code, message.message, message.remedy))
        return (*frames, *[self._nothing(number)] * (finalized - 1), *self.gaps())

    def _text(self, message: Final | NoSpeech | SegmentFailed) -> Alternative:
        if not isinstance(message, Final):
            return _NOTHING
        if message.stt_model not in self.models:
            self.models.append(message.stt_model)
        self.has_voices |= message.voice is not None
        voice = message.voice if self._query.diarizes else None
        return final_alternative(message, self._query, None if voice is None else voice - 1)

    def _results(
        self,
        number: int,
        span: tuple[int, int],
        text: Alternative,
        status: _Status,
        result: Final | NoSpeech | SegmentFailed | None = None,
    ) -> str:
        """Return a result; ``span`` is its begin and its length, ms."""
        name = self.models[-1] if self.models else _UNKNOWN_MODEL
        return Results(
            channel_index=self._index(number),
            start=span[0] / 1000,
            duration=span[1] / 1000,
            is_final=status.is_final,
            speech_final=self._query.says_speech_final and (status.paused or status.finalized),
            from_finalize=status.finalized,
            channel=Channel(alternatives=(text,)),
            metadata=ResultsMetadata(
                request_id=self._request_id,
                model_info=ModelInfo(name=name, version=self._version),
                model_uuid=model_uuid(name),
            ),
            sentiment=result.sentiment if isinstance(result, Final) else None,
            sentiment_reason=result.sentiment_reason if isinstance(result, Final) else None,
        ).json_frame()

    def _index(self, number: int) -> tuple[int, int]:
        return (number, len(self._talkers))

    @staticmethod
    def _error(code: str, message: str, remedy: str) -> str:
        return ErrorFrame(variant=variant(code), description=message, message=remedy).json_frame()
