"""Nothing is lost: what a dead worker held, or what the queue lost, is sent again; what cannot be done is given up."""

from collections.abc import Callable
from typing import Literal

import structlog
from kombu.exceptions import OperationalError

from wire import names
from wire.broker import queue_depth
from wire.ledger import AUDIO_TTL_S, CLAIM_MAX_S, MAX_ATTEMPTS, Entry, Ledger
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import Final, SegmentFailed, place
from wire.results import publish_result
from wire.store import Redis

PERIOD_S = 1.0
GRACE_S = 2.0
"""Between the sending of a job and its claim by an idle worker lie milliseconds."""
OVERTAKEN_S = 10.0
"""Queues are first in, first out: a job is lost when one sent this much later was claimed before it."""
MOST_PER_SWEEP = 500

QUEUES = {"stt": names.STT_QUEUE, "analysis": names.ANALYZER_QUEUE}

log = structlog.get_logger()


def next_step(
    entry: Entry, *, now: float, claimant_alive: bool, queue_empty: bool, high_water: float
) -> Literal["wait", "send", "give_up"]:
    """What to do about one outstanding utterance. Times are Unix seconds of Redis's clock.

    Args:
        high_water: when the latest job that any worker has claimed for this stage was sent.
    """
    if entry.stage == "done":
        return "wait"
    if entry.claimed_by and claimant_alive and now - entry.claimed_at < CLAIM_MAX_S:
        return "wait"
    if entry.attempts >= MAX_ATTEMPTS or now - entry.enrolled_at > AUDIO_TTL_S:
        return "give_up"
    sent_at = float(entry.sent_at)
    if entry.claimed_by or sent_at == 0:
        return "send"
    if now - sent_at > GRACE_S and (queue_empty or high_water - sent_at > OVERTAKEN_S):
        return "send"
    return "wait"


class Sweeper:
    """Looks through the ledger once a second; of several listeners, one at a time does."""

    def __init__(self, redis: Redis, instance: str, send: Callable[[TranscribeAudio | AnalyzeText], None]) -> None:
        self._redis = redis
        self._ledger = Ledger(redis)
        self._instance = instance
        self._send = send

    def sweep(self) -> None:
        """One look. Safe to repeat and to interrupt."""
        if not self._leads():
            return
        entries = self._ledger.pending(MOST_PER_SWEEP)
        if not entries:
            return
        alive = self._alive({entry.claimed_by for entry in entries if entry.claimed_by})
        empty = {stage: queue_depth(self._redis, queue) == 0 for stage, queue in QUEUES.items()}
        high_water = self._redis.hgetall(names.HIGH_WATER)
        seconds, microseconds = self._redis.time()
        for entry in entries:
            step = next_step(
                entry,
                now=seconds + microseconds / 1e6,
                claimant_alive=entry.claimed_by in alive,
                queue_empty=empty.get(entry.stage, False),
                high_water=float(high_water.get(entry.stage, 0)),
            )
            if step == "send":
                self._send_again(entry)
            elif step == "give_up":
                self._give_up(entry)

    def _leads(self) -> bool:
        lock = names.SWEEPER_LOCK
        if self._redis.set(lock, self._instance, nx=True, ex=3) or self._redis.get(lock) == self._instance:
            self._redis.expire(lock, 3)
            return True
        return False

    def _alive(self, heartbeats: set[str]) -> set[str]:
        keys = sorted(heartbeats)
        return {key for key, beat in zip(keys, self._redis.mget(keys) if keys else [], strict=True) if beat}

    def _send_again(self, entry: Entry) -> None:
        if not self._ledger.take_for_resend(entry):
            return
        log.warning("sent again", stage=entry.stage, attempts=entry.attempts, **_where(entry))
        try:
            self._send(entry.job)
        except OperationalError as error:  # a later sweep finds it unclaimed
            log.warning("not sent", error=type(error).__name__, **_where(entry))

    def _give_up(self, entry: Entry) -> None:
        """The end of an utterance that cannot be done. Its text, once known, is not lost."""
        why = entry.error or f"the {entry.stage} worker died or nobody took the job"
        log.error("given up", stage=entry.stage, attempts=entry.attempts, **_where(entry))
        if isinstance(entry.job, AnalyzeText):
            publish_result(self._redis, Final.of(entry.job, None, f"The analysis failed: {why}"))
            return
        failed = SegmentFailed(
            **place(entry.job),
            code="transcription_failed",
            message=f"This part could not be transcribed after {entry.attempts} attempts: {why}",
            remedy="Say it again; if it keeps happening, the operator finds the cause in the worker's log.",
            attempts=entry.attempts,
        )
        publish_result(self._redis, failed)


def _where(entry: Entry) -> dict[str, object]:
    return {"session": entry.job.session_id, "segment": entry.job.segment}
