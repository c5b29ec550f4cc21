"""The ledger: every utterance that a client was promised a result for, until that result is released.

Celery on Redis may lose a task (BRPOP removes it before kombu writes ``unacked``) or deliver it twice, so the truth
about what is outstanding lies here. Per utterance: a hash with its ``stage`` (``stt``, ``analysis``, ``done``), the
``job`` to send for that stage, who claimed it, how often, and when it was last sent. Each step is one Lua script.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from infra.redis_client import AsyncRedis, Redis, get_bytes, load_script
from infra.redis_types import AsyncScript, Script
from wire import names
from wire.errors import StoreError
from wire.messages.base import PRIVATE, has_unknown_type
from wire.messages.jobs import AnalyzeText, Job, TranscribeAudio

Stage = Literal["stt", "analysis", "done"]
Admitted = Literal["enrolled", "duplicate", "fenced", "full"]
Verdict = Literal["claimed", "gone", "taken", "exhausted"]

MAX_ATTEMPTS = 3
"""Claims per stage, after which the utterance is given up."""
CLAIM_MAX_S = 180
"""A claim older than this is void even if its worker lives: longer than any worker's deadline."""
AUDIO_TTL_S = 3_600
"""How long audio waits for a worker; also how long an utterance may stay in the ledger."""
OUTSTANDING_S = AUDIO_TTL_S + CLAIM_MAX_S
"""When an utterance is this old, the sweeper has given it up, also if a worker claimed it in the last moment."""
MAX_PENDING = 5_000
"""Utterances in the ledger of all sessions together; gateways wait when it is full."""
MAX_AHEAD = 8
"""Utterances in the ledger of a session that is ahead of real time: the queue is first in, first out, so whoever sends
a file at once would make all others wait for all of it. Enough to keep several workers busy; 5 MB of audio at most."""
AHEAD_S = 10.0
"""How much more audio than time may pass before a session is ahead: a forced cut lies up to 6 s before what was heard,
and networks deliver in bursts. Who speaks live never is, and is not held up when workers are away for a while."""
MAX_PER_SESSION = 500
"""Utterances in the ledger of any session, a tenth of all: half an hour of quick speech without a worker."""


class SessionUnknown(StoreError):
    """Its hash has expired, or Redis was emptied."""

    def __init__(self) -> None:
        super().__init__("session_unknown", "This session has expired.", "Start a new session.")


def order_ttl_s(session_ttl_s: int) -> int:
    """How long the record of what was released is kept: no utterance outlives it, or its release would begin anew."""
    return max(session_ttl_s, OUTSTANDING_S)


_job: TypeAdapter[TranscribeAudio | AnalyzeText] = TypeAdapter(Job, config=PRIVATE)


@dataclass(frozen=True)
class Claim:
    """The ledger's answer to a worker that claims an utterance."""

    verdict: Verdict
    attempt: int
    """1 for the first."""
    language: str | None
    """The session's language, fixed or detected before."""


@dataclass(frozen=True)
class Entry:
    """One outstanding utterance as the sweeper sees it."""

    member: str
    enrolled_at: float
    """Unix seconds."""
    stage: Stage
    job: TranscribeAudio | AnalyzeText | None
    """None when it cannot be read: damaged, or of an unknown type."""
    attempts: int
    claimed_by: str | None
    """Heartbeat key of the worker."""
    claimed_at: float
    sent_at: str
    """As Redis holds it: compared, not computed with. ``0`` asks for sending at once."""
    error: str | None
    of_newer_version: bool = False
    """The job's type is not known here; a listener of the version that wrote it can send it."""

    @property
    def session_id(self) -> str:
        """Session of the utterance."""
        return self.member.rpartition(":")[0]

    @property
    def segment(self) -> int:
        """Number of the utterance in its session, from 0."""
        return int(self.member.rpartition(":")[2])


class Admission:
    """The gateway's side of the ledger."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._admit: AsyncScript[Admitted | Literal["unknown"]] = redis.register_script(
            load_script(__package__, "admit")
        )

    async def admit(
        self,
        owner: str,
        job: TranscribeAudio | AnalyzeText,
        pcm: bytes,
        samples: int,
        session_ttl_s: int,
        keep_language: str | None = None,
    ) -> Admitted:
        """Write one utterance down. Safe to repeat; on ``full``, of the ledger or of this session's part, repeat it.

        Args:
            job: the stage that it begins with: ``AnalyzeText`` when its text is known already, and then ``pcm`` is
                not stored.
            owner: the connection that writes; another one owns the session → ``fenced``, nothing is written.
            keep_language: language that was detected and holds for the rest of the session.
            samples: what the client may forget once this is written, in its own sample count.

        Raises:
            SessionUnknown: the session has expired, nothing is written.
        """
        member = names.ledger_member(job.session_id, job.segment)
        verdict = await self._admit(
            keys=[
                names.ledger_entry(member),
                names.audio(job.session_id, job.segment),
                names.PENDING,
                names.outstanding(job.session_id),
                *names.session_keys(job.session_id, job.room),
            ],
            args=[
                owner,
                job.segment,
                samples,
                job.model_dump_json(),
                pcm,
                AUDIO_TTL_S,
                session_ttl_s,
                order_ttl_s(session_ttl_s),
                MAX_PENDING,
                member,
                job.end_ms,
                MAX_AHEAD,
                AHEAD_S,
                MAX_PER_SESSION,
                "stt" if isinstance(job, TranscribeAudio) else "analysis",
                keep_language or "",
            ],
        )
        if verdict == "unknown":
            raise SessionUnknown
        return verdict


class Ledger:
    """The workers' and the sweeper's side of the ledger."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim: Script[tuple[Verdict, int, str]] = redis.register_script(load_script(__package__, "claim"))
        self._advance: Script[int] = redis.register_script(load_script(__package__, "advance"))
        self._release: Script[int] = redis.register_script(load_script(__package__, "abandon"))
        self._resend: Script[int] = redis.register_script(load_script(__package__, "resend"))

    def claim(self, job: TranscribeAudio | AnalyzeText, stage: Stage, worker: str) -> Claim:
        """Take a stage of an utterance for ``worker`` (its heartbeat key)."""
        entry = names.ledger_entry(names.ledger_member(job.session_id, job.segment))
        verdict, attempt, language = self._claim(
            keys=[entry, names.session(job.session_id), names.HIGH_WATER],
            args=[stage, worker, MAX_ATTEMPTS, CLAIM_MAX_S],
        )
        return Claim(verdict, attempt, language or None)

    def audio(self, job: TranscribeAudio) -> bytes | None:
        """The Int16 PCM of an utterance; None when it has expired."""
        return get_bytes(self._redis, job.audio_key)

    def advance(self, job: TranscribeAudio, analysis: AnalyzeText, keep_language: str | None) -> bool:
        """From ``stt`` to ``analysis``; False when somebody else was quicker."""
        entry = names.ledger_entry(names.ledger_member(job.session_id, job.segment))
        keys = [entry, names.session(job.session_id), job.audio_key]
        return bool(self._advance(keys=keys, args=[analysis.model_dump_json(), keep_language or ""]))

    def release(self, job: TranscribeAudio | AnalyzeText, worker: str, error: str) -> None:
        """Give a claim back after a failure; the sweeper sends the job again at once."""
        entry = names.ledger_entry(names.ledger_member(job.session_id, job.segment))
        self._release(keys=[entry], args=[worker, error])

    def pending(self, most: int) -> list[Entry]:
        """The oldest outstanding utterances: enough of them that ``most`` have no result yet, if there are so many."""
        found: list[Entry] = []
        looked_at, without_result = 0, 0
        while without_result < most:
            members = self._redis.zrange(names.PENDING, looked_at, looked_at + most - 1, withscores=True)
            if not members:
                break
            entries = self._entries(members)
            found += entries
            looked_at += len(members)
            without_result += sum(entry.stage != "done" for entry in entries)
        return found

    def _entries(self, members: list[tuple[str, float]]) -> list[Entry]:
        pipeline = self._redis.pipeline(transaction=False)
        for member, _ in members:
            pipeline.hgetall(names.ledger_entry(member))
        return [
            _entry(member, enrolled_at, fields)
            for (member, enrolled_at), fields in zip(members, pipeline.execute(), strict=True)
            if fields or self._redis.zscore(names.PENDING, member) is not None  # not released meanwhile
        ]

    def take_for_resend(self, entry: Entry) -> bool:
        """Void the claim and note the time of sending; False when the entry moved on meanwhile."""
        key = names.ledger_entry(entry.member)
        return bool(self._resend(keys=[key], args=[entry.claimed_by or "", entry.sent_at]))


def _entry(member: str, enrolled_at: float, fields: dict[str, str]) -> Entry:
    """One that cannot be read must not keep the others from being seen."""
    stage: Stage = fields.get("stage", "stt")  # type: ignore[assignment]  # only our scripts write it
    job, newer = None, False
    try:
        job = _job.validate_json(fields.get("job", ""))
    except ValidationError as refused:
        newer = has_unknown_type(refused)
    return Entry(
        member=member,
        enrolled_at=enrolled_at,
        stage=stage,
        job=job,
        attempts=int(fields.get("attempts", 0)),
        claimed_by=fields.get("claimed_by"),
        claimed_at=float(fields.get("claimed_at", 0)),
        sent_at=fields.get("sent_at", "0"),
        error=fields.get("error"),
        of_newer_version=newer,
    )
