"""State of a session as its client sees it, built from the gateway's messages. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wire.messages.client import ChannelSession
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Ack, AnyServerMessage, Ready, SpeechEnded, Stopped
from wire.messages.statistics import PersonStatistics, Statistics


@dataclass
class SessionState:
    """One session: the only one, or that of a channel."""

    token: str | None
    """Resumes the session, together with ``session_id``."""
    session_id: str | None = None
    segments: int = 0
    """Utterances that the gateway has announced so far."""
    acknowledged: int = 0
    """Samples since the session's start that the gateway has for sure."""
    stopped: Stopped | None = None


class Transcript:
    """Results, each once and in order, and the newest statistics of each scope."""

    def __init__(self, last_seq: int = 0, tokens: Sequence[str | None] = (None,)) -> None:
        """Begin with a token for each channel of the input: None, unless its session is resumed."""
        self._sessions = [SessionState(token) for token in tokens]
        self.results: list[Final | NoSpeech | SegmentFailed] = []
        """Results of the whole room, where there is one; see ``own_results``."""
        self.last_seq = last_seq
        """Highest ``seq`` among ``results``."""
        self.statistics: dict[str, Statistics] = {}
        """Scope (session, room) → statistics; of a second channel's session by its id."""
        self.people: dict[str, PersonStatistics] = {}
        """Person of the room → statistics."""
        self.latencies_ms: list[float] = []
        """Latency of each final of this session: end of speech → written to the connection, both at the gateway, since
        this host's clock may be another. Those released before the connection began have none."""

    @property
    def session_id(self) -> str | None:
        """Name of the session, of two the left one; None until all have begun."""
        return None if None in self.session_ids else self.session_ids[0]

    @property
    def session_ids(self) -> list[str | None]:
        """Name of the session of each channel; None before it has begun."""
        return [session.session_id for session in self._sessions]

    @property
    def token(self) -> str | None:
        """Resumes the session, of two the left one, together with ``session_id``."""
        return self._sessions[0].token

    @property
    def acknowledged(self) -> int:
        """Samples since the start that the gateway has for sure, of all channels."""
        return min(session.acknowledged for session in self._sessions)

    @property
    def stopped(self) -> Stopped | None:
        """Answer to ``stop``, the sum of both channels; None before it is complete."""
        stopped = [session.stopped for session in self._sessions if session.stopped is not None]
        if len(stopped) < len(self._sessions):
            return None
        segments, pending = (sum(getattr(each, name) for each in stopped) for name in ("segments", "pending"))
        return Stopped(segments=segments, pending=pending)

    @property
    def own_results(self) -> list[Final | NoSpeech | SegmentFailed]:
        """Results of this session only, or of both."""
        return [result for result in self.results if result.session_id in self.session_ids]

    @property
    def segments(self) -> int:
        """Number of utterances that the gateway has announced so far."""
        return sum(session.segments for session in self._sessions)

    @property
    def missing(self) -> int:
        """Number of announced utterances without a result, for a session that began here."""
        return max(0, self.segments - len(self.own_results))

    def statistics_in_order(self) -> list[Statistics]:
        """Return the newest statistics: those of each channel's session, then those of the room."""
        places = {session_id: place for place, session_id in enumerate(self.session_ids)}
        known = self.statistics.values()
        return sorted(known, key=lambda each: (each.scope != "session", places.get(each.session_id, 0)))

    def begin_again(self) -> dict[str, Any]:
        """Forget that the session was stopped; returns the fields of ``start`` that resume what has begun."""
        for session in self._sessions:
            session.stopped = None
        if self.session_id is None:
            return {}
        known = [{"session_id": session.session_id, "token": session.token} for session in self._sessions]
        if len(known) == 1:
            return known[0]
        return {"resume": tuple(ChannelSession.model_validate(each) for each in known)}

    def add(self, message: AnyServerMessage) -> bool:
        """Add a message; return False for a repetition, which should not be shown."""
        match message:
            case Ready():
                session = self._of(message)
                session.session_id, session.token = message.session_id, message.token or session.token
                session.acknowledged = message.samples
            case Ack():
                self._of(message).acknowledged = message.samples
            case Final() | NoSpeech() | SegmentFailed():
                return self._add_result(message)
            case Statistics():
                second = message.session_id in self.session_ids[1:]
                scope = message.session_id if second and message.session_id else message.scope
                known = self.statistics.get(scope)
                if known is not None and known.version >= message.version:
                    return False
                self.statistics[scope] = message
            case PersonStatistics():
                person = self.people.get(message.person)
                if person is not None and person.version >= message.version:
                    return False
                self.people[message.person] = message
            case SpeechEnded():
                session = self._of(message)
                session.segments = max(session.segments, message.segment + 1)
            case Stopped():
                session = self._of(message)
                session.stopped = message
                session.segments = message.segments  # announced ones may have been found differently after a resume
        return True

    def _of(self, message: Ready | Ack | SpeechEnded | Stopped) -> SessionState:
        return self._sessions[message.channel or 0]

    def _add_result(self, result: Final | NoSpeech | SegmentFailed) -> bool:
        if result.seq is not None and result.seq <= self.last_seq:
            return False
        self.last_seq = result.seq or self.last_seq
        self.results.append(result)
        clock = result.clock
        if isinstance(result, Final) and result.session_id in self.session_ids and clock.delivered is not None:
            self.latencies_ms.append(max(0.0, (clock.delivered - clock.speech_end) * 1000))
        return True
