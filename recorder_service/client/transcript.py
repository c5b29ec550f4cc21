"""State of a session as its client sees it, built from the gateway's messages. Pure."""

from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Ready, SpeechEnded, Stopped
from wire.messages.statistics import PersonStatistics, Statistics


class Transcript:
    """Results, each once and in order, and the newest statistics of each scope."""

    def __init__(self, last_seq: int = 0) -> None:
        self.session_id: str | None = None
        self.token: str | None = None
        """Resumes the session, together with ``session_id``."""
        self.results: list[Final | NoSpeech | SegmentFailed] = []
        """Results of the whole room, where there is one; see ``own_results``."""
        self.last_seq = last_seq
        """Highest ``seq`` among ``results``."""
        self.statistics: dict[str, Statistics] = {}
        """Scope (session, room) → statistics."""
        self.people: dict[str, PersonStatistics] = {}
        """Person of the room → statistics."""
        self.stopped: Stopped | None = None
        self.latencies_ms: list[float] = []
        """Latency of each final of this session: end of speech → written to the connection, both at the gateway, since
        this host's clock may be another. Those released before the connection began have none."""
        self._segments = 0

    @property
    def own_results(self) -> list[Final | NoSpeech | SegmentFailed]:
        """Results of this session only."""
        return [result for result in self.results if result.session_id == self.session_id]

    @property
    def segments(self) -> int:
        """Number of utterances that the gateway has announced so far."""
        return self._segments

    @property
    def missing(self) -> int:
        """Number of announced utterances without a result, for a session that began here."""
        return max(0, self._segments - len(self.own_results))

    def add(self, message: AnyServerMessage) -> bool:
        """Add a message; return False for a repetition, which should not be shown."""
        match message:
            case Ready():
                self.session_id, self.token = message.session_id, message.token or self.token
            case Final() | NoSpeech() | SegmentFailed():
                return self._add_result(message)
            case Statistics():
                known = self.statistics.get(message.scope)
                if known is not None and known.version >= message.version:
                    return False
                self.statistics[message.scope] = message
            case PersonStatistics():
                person = self.people.get(message.person)
                if person is not None and person.version >= message.version:
                    return False
                self.people[message.person] = message
            case SpeechEnded():
                self._segments = max(self._segments, message.segment + 1)
            case Stopped():
                self.stopped = message
                self._segments = message.segments  # announced ones may have been found differently after a resume
        return True

    def _add_result(self, result: Final | NoSpeech | SegmentFailed) -> bool:
        if result.seq is not None and result.seq <= self.last_seq:
            return False
        self.last_seq = result.seq or self.last_seq
        self.results.append(result)
        clock = result.clock
        if isinstance(result, Final) and result.session_id == self.session_id and clock.delivered is not None:
            self.latencies_ms.append(max(0.0, (clock.delivered - clock.speech_end) * 1000))
        return True
