"""A session as one connection owns it."""

from dataclasses import dataclass

from wire import names
from wire.messages.jobs import Task


class SessionTakenOver(Exception):
    """Another connection resumed the session."""


@dataclass(frozen=True)
class SessionRecord:
    """A session as one connection owns it."""

    session_id: str
    owner: str
    """Fencing token: random name of the connection. A later one takes the session over by writing its own."""
    room: str | None
    language: str | None
    sample_rate: int
    """Hz of the client's audio; fixed for the session's life."""
    next_segment: int
    """Number of the next utterance: those before are in the ledger."""
    samples: int
    """Audio that is safe, in samples at ``sample_rate`` since the session's start, gaps included."""
    task: Task = "transcribe"
    prompt: str = ""

    @property
    def audience(self) -> str:
        """Audience whose results the client sees: the room's, or the session's own."""
        return names.audience(self.session_id, self.room)
