"""The ledger: every utterance that a client was promised a result for, until that result is released.

Celery on Redis may lose a task (BRPOP removes it before kombu writes ``unacked``) or deliver it twice, so the truth
about what is outstanding lies here. Per utterance: a hash with its ``stage`` (``stt``, ``analysis``, ``done``), the
``job`` to send for that stage, who claimed it, how often, and when it was last sent. Each step is one Lua script.
"""

from dataclasses import dataclass
from typing import Literal

from infra.ledger.entry import CLAIM_MAX_S, Entry, Stage, read_entry
from infra.redis_client import Redis, get_bytes, load_script
from infra.redis_types import Script
from wire import names
from wire.messages.jobs import AnalyzeText, TranscribeAudio

Verdict = Literal["claimed", "gone", "taken", "exhausted"]

MAX_ATTEMPTS = 3
"""Claims per stage, after which the utterance is given up."""


@dataclass(frozen=True)
class Claim:
    """The ledger's answer to a worker that claims an utterance."""

    verdict: Verdict
    attempt: int
    """1 for the first."""
    language: str | None
    """The session's language, fixed or detected before."""


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
            read_entry(member, enrolled_at, fields)
            for (member, enrolled_at), fields in zip(members, pipeline.execute(), strict=True)
            if fields or self._redis.zscore(names.PENDING, member) is not None  # not released meanwhile
        ]

    def take_for_resend(self, entry: Entry) -> bool:
        """Void the claim and note the time of sending; False when the entry moved on meanwhile."""
        key = names.ledger_entry(entry.member)
        return bool(self._resend(keys=[key], args=[entry.claimed_by or "", entry.sent_at]))
