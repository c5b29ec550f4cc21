"""Sessions with a ledger, a queue, and a sweeper that runs on request."""

from celery import Celery

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import AGED, queue_depth, queue_key, send_job
from infra.heartbeat import TIME_TO_LIVE_S
from infra.ledger.admission import Admission
from infra.ledger.entry import Entry, Stage
from infra.ledger.ledger import Ledger
from listener_service.sweeper import Sweeper
from tests.support.redis import AsyncRedis, Redis
from tests.support.speakers import audio_job, text_job
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText, TranscribeAudio

TTL_S = 600
WORKER = names.heartbeat(names.STT_WORKER, "one")


class Ledgers:
    """Writes utterances, and does to their jobs whatever a test needs."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, celery: Celery) -> None:
        self.redis, self.celery = redis, celery
        self.ledger = Ledger(redis)
        self.admission = Admission(aredis)
        self.resent: list[tuple[str, int]] = []
        self._aredis = aredis
        self._sweeper = Sweeper(
            redis,
            "test",
            lambda job: self.resent.append((job.session_id, job.segment)),
            depth=lambda queue: queue_depth(celery, queue),
            send_aged=lambda job: send_job(celery, job, AGED),
        )

    async def session(self) -> SessionRecord:
        record, _ = await SessionStore(self._aredis, TTL_S).create(Start())
        return record

    async def admit(
        self, record: SessionRecord, segment: int, *, ahead: bool, text: bool = False, pcm: bytes = b""
    ) -> str:
        """Write one utterance into the ledger, and send its job."""
        make = text_job if text else audio_job
        job: TranscribeAudio | AnalyzeText = make(segment, record.session_id, ahead=ahead)
        verdict = await self.admission.admit(record.owner, job, pcm, segment, TTL_S)
        if verdict == "admitted":
            send_job(self.celery, job)
        return verdict

    async def raise_to_live(self, record: SessionRecord) -> list[int]:
        """Do and send what a session does that is live again; return the segments that are sent again."""
        jobs = await self.admission.raise_to_live(record.owner, record.session_id)
        for job in jobs:
            assert not job.ahead
            send_job(self.celery, job)
        return [job.segment for job in jobs]

    def entry(self, record: SessionRecord, segment: int) -> Entry:
        member = names.ledger_member(record.session_id, segment)
        (found,) = [entry for entry in self.ledger.pending(10_000) if entry.member == member]
        return found

    def sent_ago(self, record: SessionRecord, segment: int, seconds: float) -> None:
        entry = names.ledger_entry(names.ledger_member(record.session_id, segment))
        self.redis.hset(entry, "sent_at", self.redis.time()[0] - seconds)

    def admitted_ago(self, record: SessionRecord, segment: int, seconds: float) -> None:
        self.redis.zincrby(names.PENDING, -seconds, names.ledger_member(record.session_id, segment))

    def claim(self, job: TranscribeAudio | AnalyzeText) -> None:
        self.redis.set(WORKER, "alive", ex=TIME_TO_LIVE_S)
        stage: Stage = "stt" if isinstance(job, TranscribeAudio) else "analysis"
        assert self.ledger.claim(job, stage, WORKER).verdict == "claimed"

    def lose(self, queue: str, priority: int) -> None:
        """Remove the oldest task of a priority, as a worker that dies at once."""
        assert self.redis.rpop(queue_key(queue, priority)) is not None

    def sweep(self) -> list[tuple[str, int]]:
        """Return the session and segment of the jobs that are sent again."""
        self.resent.clear()
        self._sweeper.sweep()
        return list(self.resent)
