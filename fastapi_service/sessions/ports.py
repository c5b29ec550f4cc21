"""The ports of the registry: small protocols of what it calls, so that its parts can be replaced."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from fastapi_service.delivery.hub import Receiver
from fastapi_service.delivery.ports import Sender
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.recognition.common_clock import CommonClock
from fastapi_service.storage.record import SessionRecord
from wire.messages.base import Speaker
from wire.messages.client import Configure, Start
from wire.messages.results import Final
from wire.messages.statistics import PersonStatistics, Statistics


class SpeechSession(Protocol):
    """The audio of one client on its way to the ledger; see ``recognition/session.py``."""

    @property
    def record(self) -> SessionRecord: ...

    @property
    def segments(self) -> int:
        """Utterances found so far, since the session's start."""
        ...

    @property
    def waiting(self) -> int:
        """Utterances that are found and not yet in the ledger."""
        ...

    @property
    def seconds(self) -> float:
        """Audio received since the session's start, gaps included."""
        ...

    async def audio(self, data: bytes, /) -> None: ...

    async def gap(self, samples: int, /) -> None: ...

    async def configure(self, change: Configure, /) -> None: ...

    def note(self, result: Final, /) -> None:
        """Take in a result of this session."""
        ...

    def send_file(self) -> None:
        """Take the audio from now on for that of a file: it is ahead however it comes."""
        ...

    def share(self, clock: CommonClock, /) -> None:
        """Put the utterances from now on onto a clock that another session has, too."""
        ...

    def tune(self, change: EndpointingChange, /) -> None:
        """Let utterances end otherwise from now on."""
        ...

    async def flush(self) -> None: ...

    async def clear(self) -> None:
        """Drop the open utterance."""
        ...

    async def finish(self) -> None: ...


class Feed(Receiver, Protocol):
    """Takes what an audience sees, for one client."""

    def follow(self, audience: str, last_seq: int) -> None: ...


class Client(Protocol):
    """A connection."""

    @property
    def session(self) -> SpeechSession | None:
        """None until it has started."""
        ...

    @property
    def send_queue(self) -> Sender: ...

    @property
    def feed(self) -> Feed: ...

    def displace(self) -> None:
        """Close: another connection has resumed the session."""
        ...

    def forget(self) -> None:
        """Close: the conversation was deleted."""
        ...


class Store(Protocol):
    """Session records in Redis; see ``storage/sessions.py``."""

    async def create(self, start: Start, /) -> tuple[SessionRecord, str]: ...

    async def resume(self, start: Start, /) -> SessionRecord: ...

    async def touch(self, record: SessionRecord, /) -> None: ...

    async def leave(self, record: SessionRecord, /) -> None: ...

    async def owners(self, session_ids: Sequence[str], /) -> list[str | None]: ...

    async def is_deleted(self, session_id: str, /) -> bool: ...

    async def is_outstanding(self, session_id: str, segment: int, /) -> bool: ...

    async def statistics(self, audience: str, /) -> Statistics | None: ...

    async def person_statistics(self, room: str, /) -> list[PersonStatistics]: ...


class Audiences(Protocol):
    """Audiences, and which receivers each of them has; see ``delivery/subscriber.py``."""

    async def join(self, audiences: Collection[str], receiver: Receiver, /) -> None: ...

    def leave(self, audiences: Collection[str], receiver: Receiver, /) -> None: ...


class Occupancy(Protocol):
    """The connections in each room; see ``delivery/room_occupancy.py``."""

    def join(self, room: str, owner: str, speaker: Speaker | None, /) -> None: ...

    def introduce(self, room: str, owner: str, speaker: Speaker | None, /) -> None: ...

    def talks(self, room: str, owner: str, /) -> None: ...

    def speaks(self, room: str, owner: str, /, *, speaking: bool) -> None: ...

    def leave(self, room: str, owner: str, /) -> None: ...


MakeSession = Callable[[SessionRecord, Sender], SpeechSession]
