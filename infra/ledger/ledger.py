"""The ledger holds every acknowledged utterance until its result is released: a durable job store beside the queue.

Celery on Redis may lose a task (BRPOP removes it before kombu writes ``unacked``) or deliver it twice, so the ledger
and not the queue decides which utterances are outstanding. Each has a hash with its ``stage`` (``stt``, ``analysis``,
``done``), the ``job`` of that stage, the claim, the number of attempts, and the time of the last sending. Each step is
one Lua script.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from infra.ledger.entry import CLAIM_MAX_S, Entry, Stage, as_live, lane, read_entry
from infra.redis_client import Redis, get_bytes, load_script
from infra.redis_types import Script
from wire import names
from wire.messages.jobs import AnalyzeText, TranscribeAudio

Verdict = Literal["claimed", "gone", "taken", "exhausted"]
Advanced = Literal["advanced", "raised", "gone"]

MAX_ATTEMPTS = 3
"""Most claims per stage; then the utterance fails."""


@dataclass(frozen=True)
class Claim:
    """Outcome of an attempt to claim a job."""

    verdict: Verdict
    attempt: int
    """Number of this attempt at the stage, from 1."""
    language: str | None
    """Language that was last detected in the session with certainty; None if there was none."""
    aged: bool = False
    """The utterance has waited for so long that it takes turns with interim texts."""


class Ledger:
    """The workers' and the sweeper's side of the ledger. Safe to use from any thread.

    Each method raises ``redis.exceptions.RedisError`` while Redis is unavailable.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._claim: Script[tuple[Verdict, int, str, int]] = redis.register_script(load_script(__package__, "claim"))
        self._advance: Script[Advanced] = redis.register_script(load_script(__package__, "advance"))
        self._abandon: Script[int] = redis.register_script(load_script(__package__, "abandon"))
        self._resend: Script[int] = redis.register_script(load_script(__package__, "resend"))
        self._age: Script[int] = redis.register_script(load_script(__package__, "age"))

    def claim(self, job: TranscribeAudio | AnalyzeText, stage: Stage, worker: str) -> Claim:
        """Claim one stage of an utterance.

        Args:
            job: of that stage.
            stage: at which the utterance must be; otherwise the verdict is ``gone``.
            worker: heartbeat key of the worker. One that has the claim already gets it again, as another attempt: the
                answer may have been lost. So one process must not claim for two threads.
        """
        entry = names.ledger_entry(names.ledger_member(job.session_id, job.segment))
        verdict, attempt, language, aged = self._claim(
            keys=[entry, names.session(job.session_id), names.HIGH_WATER],
            args=[stage, worker, MAX_ATTEMPTS, CLAIM_MAX_S, lane(stage, ahead=job.ahead)],
        )
        return Claim(verdict, attempt, language or None, aged=bool(aged))

    def audio(self, job: TranscribeAudio) -> bytes | None:
        """Return the Int16 PCM of an utterance; None if it has expired."""
        return get_bytes(self._redis, job.audio_key)

    def advance(self, job: TranscribeAudio, analysis: AnalyzeText, keep_language: str | None) -> AnalyzeText | None:
        """Move an utterance from ``stt`` to ``analysis``.

        Returns:
            The job to send: ``analysis``, in the class that the utterance has now. None if another worker was quicker.
        """
        entry = names.ledger_entry(names.ledger_member(job.session_id, job.segment))
        keys = [entry, names.session(job.session_id), job.audio_key]
        verdict = self._advance(keys=keys, args=[analysis.model_dump_json(), keep_language or ""])
        if verdict == "gone":
            return None
        return as_live(analysis) if verdict == "raised" else analysis

    def analysis(self, session_id: str, segment: int) -> AnalyzeText | None:
        """Return the job of an outstanding utterance that has a text; None if it has none, or is not outstanding."""
        job = self._redis.hget(names.ledger_entry(names.ledger_member(session_id, segment)), "job")
        try:
            return AnalyzeText.model_validate_json(job or "")
        except ValidationError:  # no text yet, or of a newer version
            return None

    def abandon(self, job: TranscribeAudio | AnalyzeText, worker: str, error: str) -> None:
        """Give a claim back after a failure, so that the sweeper sends the job again at once."""
        entry = names.ledger_entry(names.ledger_member(job.session_id, job.segment))
        self._abandon(keys=[entry], args=[worker, error])

    def pending(self, most: int, *, after: float = 0.0) -> list[Entry]:
        """Return the oldest entries, of those admitted after a time: at least ``most`` without a result, if there are.

        Args:
            most: of the entries without a result.
            after: Unix seconds.
        """
        found: list[Entry] = []
        count, without_result = 0, 0
        while without_result < most:
            members = self._redis.zrangebyscore(
                names.PENDING, f"({after!r}", "+inf", start=count, num=most, withscores=True
            )
            if not members:
                break
            entries = self._entries(members)
            found += entries
            count += len(members)
            without_result += sum(entry.stage != "done" for entry in entries)
        return found

    def _entries(self, members: list[tuple[str, float]]) -> list[Entry]:
        pipeline = self._redis.pipeline(transaction=False)
        for member, _ in members:
            pipeline.hgetall(names.ledger_entry(member))
        return [
            read_entry(member, admitted_at, fields)
            for (member, admitted_at), fields in zip(members, pipeline.execute(), strict=True)
            if fields or self._redis.zscore(names.PENDING, member) is not None  # not released meanwhile
        ]

    def take_for_resend(self, entry: Entry) -> bool:
        """Void the claim and store the time of sending. Return False if the entry has changed since it was read."""
        key = names.ledger_entry(entry.member)
        return bool(self._resend(keys=[key], args=[entry.claimed_by or "", entry.sent_at]))

    def take_for_ageing(self, entry: Entry) -> bool:
        """Store that a copy of the job is sent now. Return False if the entry has changed since it was read."""
        return bool(self._age(keys=[names.ledger_entry(entry.member)], args=[entry.sent_at]))
