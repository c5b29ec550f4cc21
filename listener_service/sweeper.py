"""Nothing is lost: what a dead worker held, or what the queue lost, is sent again; what cannot be done is given up."""

from collections.abc import Callable
from typing import Any, Literal

import structlog
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from infra.celery_app import queue_keys
from infra.ledger.ledger import AUDIO_TTL_S, CLAIM_MAX_S, MAX_ATTEMPTS, OUTSTANDING_S, Entry, Ledger
from infra.redis_client import Redis
from infra.results import publish_result
from listener_service.order import Order
from listener_service.release import STREAM_KEEP_S
from wire import names
from wire.messages.base import Clock
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import Final, SegmentFailed, result_fields

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
) -> Literal["wait", "send", "give_up", "unblock"]:
    """What to do about one outstanding utterance. Times are Unix seconds of Redis's clock.

    Args:
        high_water: when the latest job that any worker has claimed for this stage was sent. It may lie in the future
            if the clock was set back; then it says nothing.
    """
    if entry.stage == "done":  # its result waits for that of an earlier one
        return "unblock" if now - entry.enrolled_at > OUTSTANDING_S else "wait"
    if entry.claimed_by and claimant_alive and now - entry.claimed_at < CLAIM_MAX_S:
        return "wait"
    if entry.attempts >= MAX_ATTEMPTS or now - entry.enrolled_at > AUDIO_TTL_S:
        return "give_up"
    sent_at = float(entry.sent_at)
    if entry.claimed_by or sent_at == 0:
        return "send"
    overtaken = high_water - sent_at > OVERTAKEN_S and high_water <= now
    if now - sent_at > GRACE_S and (queue_empty or overtaken):
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
        seconds, microseconds = self._redis.time()
        self._trim_streams(seconds - STREAM_KEEP_S)
        entries = self._ledger.pending(MOST_PER_SWEEP)
        if not entries:
            return
        alive = self._alive({entry.claimed_by for entry in entries if entry.claimed_by})
        # What the ledger promises has the highest priority: drafts, which go after it, say nothing about it.
        empty = {stage: self._redis.llen(queue_keys(queue)[0]) == 0 for stage, queue in QUEUES.items()}
        high_water = self._redis.hgetall(names.HIGH_WATER)
        for entry in entries:
            step = next_step(
                entry,
                now=seconds + microseconds / 1e6,
                claimant_alive=entry.claimed_by in alive,
                queue_empty=empty.get(entry.stage, False),
                high_water=float(high_water.get(entry.stage, 0)),
            )
            if step == "wait":
                continue
            try:
                self._take(step, entry)
            except RedisError:
                raise
            except Exception:  # the boundary between utterances: trouble with one must not keep the others waiting
                log.exception("not swept", stage=entry.stage, **_where(entry))

    def _trim_streams(self, oldest: int) -> None:
        """To ``oldest`` (Unix seconds). Emptied, not deleted: a stream's ids grow even if the clock is set back."""
        for channel in (names.RESULT_MESSAGES, names.FINAL_STATS):
            self._redis.xtrim(names.stream(channel), minid=f"{oldest * 1000}-0", approximate=False)

    def _take(self, step: Literal["send", "give_up", "unblock"], entry: Entry) -> None:
        if step == "unblock":
            self._unblock(entry)
        elif step == "send" and entry.job is not None:
            self._send_again(entry, entry.job)
        elif step == "send" and entry.of_newer_version:
            log.debug("left to a newer listener", stage=entry.stage, **_where(entry))
        else:
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

    def _send_again(self, entry: Entry, job: TranscribeAudio | AnalyzeText) -> None:
        if not self._ledger.take_for_resend(entry):
            return
        log.warning("sent again", stage=entry.stage, attempts=entry.attempts, **_where(entry))
        try:
            self._send(job)
        except OperationalError as error:  # a later sweep finds it unclaimed
            log.warning("not sent", error=type(error).__name__, **_where(entry))

    def _give_up(self, entry: Entry) -> None:
        """The end of an utterance that cannot be done. Its text, once known, is not lost."""
        why = entry.error or f"the {entry.stage} worker died or nobody took the job"
        if entry.job is None:
            why = "its entry in the ledger cannot be read"
        log.error("given up", stage=entry.stage, attempts=entry.attempts, reason=why, **_where(entry))
        if isinstance(entry.job, AnalyzeText):
            publish_result(self._redis, Final.of(entry.job, None, f"The analysis failed: {why}"))
            return
        self._fail(self._place(entry), entry.attempts, why)

    def _unblock(self, entry: Entry) -> None:
        """The end of what a result waits for in vain: earlier utterances that neither ended nor are in the ledger."""
        order = Order.model_validate_json(self._redis.hget(names.order(entry.session_id), "data") or "{}")
        log.error("waits in vain", next_segment=order.next_segment, **_where(entry))
        if entry.segment not in order.waiting:
            self._give_up(entry)
        for segment in range(order.next_segment, entry.segment):
            member = names.ledger_member(entry.session_id, segment)
            if segment not in order.waiting and self._redis.zscore(names.PENDING, member) is None:
                self._fail(self._place(entry) | {"segment": segment}, 0, "the ledger has lost it")

    def _fail(self, where: dict[str, Any], attempts: int, why: str) -> None:
        failed = SegmentFailed(
            **where,
            code="transcription_failed",
            message=f"This part could not be transcribed after {attempts} attempts: {why}",
            remedy="Say it again; if it keeps happening, the operator finds the cause in the worker's log.",
            attempts=attempts,
        )
        publish_result(self._redis, failed)

    def _place(self, entry: Entry) -> dict[str, Any]:
        """Whose, which, when; as far as is known without the job."""
        if entry.job is not None:
            return result_fields(entry.job)
        return {
            "session_id": entry.session_id,
            "room": self._redis.hget(names.session(entry.session_id), "room"),
            "segment": entry.segment,
            "start_ms": 0,
            "end_ms": 0,
            "clock": Clock(speech_end=entry.enrolled_at, endpointed=entry.enrolled_at),
        }


def _where(entry: Entry) -> dict[str, object]:
    return {"session": entry.session_id, "segment": entry.segment}
