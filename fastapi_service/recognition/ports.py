"""The parts of the gateway that a session calls, as small protocols."""

from dataclasses import dataclass
from typing import Protocol

from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.endpointing.voice import VoiceModel
from fastapi_service.recognition.pace import AHEAD_S
from fastapi_service.storage.record import SessionRecord
from infra.context import Context
from infra.ledger.admission import Admitted
from wire.messages.jobs import AnalyzeText, Partial, TranscribeAudio, TranscribePartial

LedgerJob = TranscribeAudio | AnalyzeText
"""A job that the ledger holds until it has a result."""


class ProgressStore(Protocol):
    """Records how far a session's audio is safe, and what its client has changed."""

    async def acknowledge(self, record: SessionRecord, samples: int) -> bool:
        """Return False if another connection owns the session. ``samples`` are at the client's rate."""
        ...

    async def configure(self, record: SessionRecord, *, languages: bool) -> bool:
        """Write prompt, name and role, and the languages if they are changed. Return False as ``acknowledge`` does."""
        ...


class LedgerAdmission(Protocol):
    """Writes utterances into the ledger."""

    async def admit(
        self, owner: str, job: LedgerJob, pcm: bytes, samples: int, session_ttl_s: int, keep_language: str | None
    ) -> Admitted:
        """See :meth:`infra.ledger.admission.Admission.admit`."""
        ...

    async def raise_to_live(self, owner: str, session_id: str) -> list[LedgerJob]:
        """See :meth:`infra.ledger.admission.Admission.raise_to_live`."""
        ...


class JobQueue(Protocol):
    """Sends the jobs that the ledger holds."""

    async def dispatch(self, job: LedgerJob) -> None:
        """Take a job; returns when there is room for it, before it is sent."""
        ...


class JobSender(Protocol):
    """Sends jobs that may get lost."""

    async def send_once(self, job: TranscribePartial) -> None:
        """Send a job.

        Raises:
            OperationalError, RedisError, OSError: it is not sent.
        """
        ...


class PartialRequest(Protocol):
    """One text requested before the end of its utterance. It ends with a text, or with None."""

    @property
    def job(self) -> TranscribePartial:
        """The job that was sent."""
        ...

    @property
    def done(self) -> bool:
        """True once the result is there."""
        ...

    @property
    def partial(self) -> Partial | None:
        """The result, once it is there; None before, and if no worker brings one."""
        ...

    async def result(self) -> Partial | None:
        """Wait for the result; None if no worker will bring one."""
        ...

    async def withdraw(self) -> bool:
        """Take the audio back. True if no worker has it: the result is None then."""
        ...

    def drop(self) -> None:
        """Withdraw in the background."""
        ...


class PartialService(Protocol):
    """Requests partial texts from the workers."""

    @property
    def channel(self) -> str:
        """Channel on which workers answer this gateway."""
        ...

    def request(self, job: TranscribePartial, pcm: bytes, context: Context | None = None) -> PartialRequest:
        """Send a request; returns at once. The text continues that of the context."""
        ...


class ContextStore(Protocol):
    """Keeps what was said before the newest utterance of each session, for the workers. Best effort."""

    async def put(self, session_id: str, segment: int, context: Context | None) -> None:
        """Replace a session's context by that of an utterance; None: it has none."""
        ...


@dataclass(frozen=True)
class SessionPorts:
    """The same for all sessions of a gateway."""

    store: ProgressStore
    admission: LedgerAdmission
    queue: JobQueue
    partials: PartialService
    contexts: ContextStore
    voice: VoiceModel | None = None
    """Model of the endpointer; None: an utterance in a loud room ends only when it is too long."""


@dataclass(frozen=True)
class SessionOptions:
    """The same for all sessions of a gateway; see its settings."""

    endpointer: EndpointerOptions
    ttl_s: int
    """Seconds that Redis keeps a session that no client uses."""
    audio_timeout_s: float = 2.0
    """Seconds without audio that end the open utterance."""
    interim_every_s: float = 0.0
    """Interval of interim texts; 0 turns them off."""
    context_s: float = 0.0
    """Longest speech before an utterance that its text continues, in seconds; 0: none."""
    ahead_s: float = AHEAD_S
    """Lead in seconds of audio from which a session sends faster than real time."""
    max_unwritten_s: float = 60.0
    """Seconds of speech in one session that may wait for the ledger; then its socket is not read. The client's answers
    to pings are not read then either, so it must be longer than an ordinary outage."""
    ack_every_s: float = 2.0
    """Silence is acknowledged this often, in seconds of audio."""
    warn_after_s: float = 3.0
    """Seconds that a write may take before the client gets an error that its results will be late."""
    max_retry_pause_s: float = 1.0
    """Longest pause before a write is tried again, in seconds."""
