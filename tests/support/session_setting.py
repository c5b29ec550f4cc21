"""A session with a ledger, a queue and workers that a test controls."""

import asyncio
import math
from collections import deque

import redis.exceptions

from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.recognition.ports import LedgerJob, SessionOptions, SessionPorts
from fastapi_service.recognition.session import Session
from fastapi_service.storage.record import SessionRecord
from infra.context import Context
from infra.ledger.admission import Admitted
from infra.ledger.entry import as_live
from tests.support.dispatch import FakeDispatcher
from tests.support.partial_requests import FakePartials
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE
from wire.audio import SAMPLE_RATE
from wire.errors import WireError
from wire.messages.server import Ack, AnyServerMessage

RECORD = SessionRecord(
    session_id=ALICE,
    owner="owner",
    room=None,
    language=None,
    sample_rate=SAMPLE_RATE,
    next_segment=0,
    samples=0,
)


class Store:
    """Redis's record of how far a session is safe."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self.configured: list[tuple[tuple[str, ...] | None, str]] = []
        """Languages, None for those that stay, and prompt."""
        self.calls = 0
        self.changes = 0
        """Changes of the configuration that were begun."""
        self.owned = True
        self.failures = 0
        self.error: Exception | None = None
        """Raised for a change of the configuration."""
        self.answers = asyncio.Event()
        self.answers.set()

    async def acknowledge(self, record: SessionRecord, samples: int) -> bool:
        assert record.owner == "owner"
        self.calls += 1
        await self.answers.wait()
        if self.failures:
            self.failures -= 1
            raise redis.exceptions.ConnectionError("away")
        self.acknowledged.append(samples)
        return self.owned

    async def configure(self, record: SessionRecord, *, languages: bool) -> bool:
        assert record.owner == "owner"
        self.changes += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        self.configured.append((record.languages if languages else None, record.prompt))
        return self.owned


class Admission:
    """A ledger that first gives the ``answers``, then takes everything, while it is ``open``."""

    def __init__(self) -> None:
        self.answers: deque[Admitted | Exception] = deque()
        self.written: list[tuple[LedgerJob, bytes, int]] = []
        self.kept: list[str | None] = []
        self.raised: set[int] = set()
        """Segments that were ahead and are live."""
        self.open = asyncio.Event()
        self.open.set()

    async def admit(
        self,
        owner: str,
        job: LedgerJob,
        pcm: bytes,
        samples: int,
        session_ttl_s: int,
        keep_language: str | None,
    ) -> Admitted:
        assert (owner, session_ttl_s) == ("owner", 600)
        await self.open.wait()
        answer = self.answers.popleft() if self.answers else "admitted"
        if isinstance(answer, Exception):
            raise answer
        if answer == "admitted":
            self.written.append((job, pcm, samples))
            self.kept.append(keep_language)
        return answer

    async def raise_to_live(self, owner: str, session_id: str) -> list[LedgerJob]:
        assert (owner, session_id) == ("owner", ALICE)
        jobs = [job for job, _, _ in self.written if job.ahead and job.segment not in self.raised]
        self.raised |= {job.segment for job in jobs}
        return [as_live(job) for job in jobs]


class FakeContexts:
    """Contexts that are stored, unless ``error`` is raised."""

    def __init__(self) -> None:
        self.put_for: dict[int, Context | None] = {}
        """By segment."""
        self.error: Exception | None = None

    async def put(self, session_id: str, segment: int, context: Context | None) -> None:
        assert session_id == ALICE
        if self.error is not None:
            raise self.error
        self.put_for[segment] = context


class Setting:
    """A session with hand-made surroundings."""

    def __init__(
        self, record: SessionRecord = RECORD, *, pause_ms: int = 0, unfinished_ms: int = 0, **options: float
    ) -> None:
        self.store, self.admission, self.queue, self.partials = Store(), Admission(), FakeDispatcher(), FakePartials()
        self.contexts = FakeContexts()
        self.sent: list[AnyServerMessage] = []
        self.errors: list[WireError] = []
        options.setdefault("ahead_s", math.inf)  # tests of live speech send it in no time
        self.session = Session(
            record,
            SessionOptions(EndpointerOptions(pause_ms=pause_ms, unfinished_ms=unfinished_ms), 600, **options),
            SessionPorts(self.store, self.admission, self.queue, self.partials, self.contexts),
            self.sent.append,
            self.errors.append,
        )

    def acks(self) -> list[int]:
        return [message.samples for message in self.sent if isinstance(message, Ack)]

    async def say(self, samples: int, *, pause: int = 20 * FRAME) -> None:
        """Speech and a pause that ends it, as one message."""
        await self.session.audio(speech(samples) + quiet(pause))
