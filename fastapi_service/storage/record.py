"""A session as one connection owns it."""

from dataclasses import dataclass, replace

from wire import names
from wire.messages.base import Speaker
from wire.messages.client import Configure
from wire.messages.jobs import Task


def the_only(languages: tuple[str, ...]) -> str | None:
    """Return the language that is fixed, since it is the only one."""
    return languages[0] if len(languages) == 1 else None


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
    """The one of all utterances, fixed by the client; None: it is detected."""
    sample_rate: int
    """Hz of the client's audio; fixed for the session's life."""
    next_segment: int
    """Number of the next utterance: those before are in the ledger."""
    samples: int
    """Audio that is safe, in samples at ``sample_rate`` since the session's start, gaps included."""
    task: Task = "transcribe"
    prompt: str = ""
    languages: tuple[str, ...] = ()
    """Those that the client allows: one is fixed, among several each utterance's is detected; empty: any."""
    resumed_live: bool = False
    """The connection resumed a session that was not ahead of real time: its client may have buffered live speech."""

    person: str | None = None
    """Public id of the one who talks; None in sessions that a gateway older than names began."""
    name: str | None = None
    role: str | None = None

    def configured(self, change: Configure) -> "SessionRecord":
        """Return the record with a client's change."""
        changed: SessionRecord = self
        if change.changes_languages:
            languages = change.chosen_languages
            changed = replace(changed, languages=languages, language=the_only(languages))
        others = {"prompt", "name", "role"} & change.model_fields_set
        return replace(changed, **{name: getattr(change, name) for name in others})

    @property
    def speaker(self) -> Speaker | None:
        """The one who talks, with name and role as they are now; None as for ``person``."""
        return Speaker(person=self.person, name=self.name, role=self.role) if self.person is not None else None

    @property
    def audience(self) -> str:
        """Audience whose results the client sees: the room's, or the session's own."""
        return names.audience(self.session_id, self.room)
