"""Re-sends jobs of dead workers and jobs lost by the queue; fails jobs that are out of attempts."""

from collections.abc import Callable
from typing import Any

import structlog
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from infra.ledger.entry import Entry, Stage
from infra.ledger.ledger import Ledger
from infra.outage_log import OutageLog
from infra.redis_client import Redis
from infra.results import publish_result
from listener_service.order import Order
from listener_service.release import STREAM_KEEP_S
from listener_service.retry_policy import Step, held_back, missing, next_step, to_age
from wire import names
from wire.messages.base import Clock
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import Final, SegmentFailed, result_fields

PERIOD_S = 1.0
"""Pause between sweeps."""
MAX_PER_SWEEP = 500
"""Utterances without a result that one sweep looks at, first the oldest, then as many of the others, in turn."""

QUEUES: dict[Stage, str] = {"stt": names.STT_QUEUE, "analysis": names.ANALYZER_QUEUE}

log = structlog.get_logger()


class Sweeper:
    """Looks through the ledger; of several listeners one at a time does."""

    def __init__(
        self,
        redis: Redis,
        instance: str,
        send: Callable[[TranscribeAudio | AnalyzeText], None],
        *,
        depth: Callable[[str], int],
        send_aged: Callable[[TranscribeAudio | AnalyzeText], None] | None = None,
        max_entries: int = MAX_PER_SWEEP,
    ) -> None:
        """Sweep as ``instance``.

        Args:
            redis: has the ledger.
            instance: unique among the listeners.
            send: puts a job on its queue; may raise kombu's ``OperationalError``.
            depth: returns the number of tasks that wait in a queue; may raise the same.
            send_aged: the same as ``send``, but with the priority of interim texts.
            max_entries: utterances without a result that one sweep looks at, twice.
        """
        self._redis = redis
        self._ledger = Ledger(redis)
        self._instance = instance
        self._send = send
        self._depth = depth
        self._outage = OutageLog("queue depth")
        self._send_aged = send_aged or send
        self._max_entries = max_entries
        self._looked_at = 0.0
        """Time of admission (Unix seconds) up to which recent sweeps have looked, behind the oldest."""

    def sweep(self) -> bool:
        """Look at the oldest outstanding utterances, and at some of the others. Safe to repeat and to interrupt.

        Returns:
            False if another listener sweeps.
        """
        if not self._leads():
            return False
        seconds, microseconds = self._redis.time()
        self._trim_streams(seconds - STREAM_KEEP_S)
        oldest = self._ledger.pending(self._max_entries)
        if not oldest:
            return True
        entries = oldest + self._others(oldest[-1].admitted_at)
        alive = self._alive({entry.claimed_by for entry in entries if entry.claimed_by})
        held = held_back(entries, alive)
        absent = self._absent(entries, seconds + microseconds / 1e6)
        high_water = self._redis.hgetall(names.HIGH_WATER)
        for entry in entries:
            step = next_step(
                entry,
                now=seconds + microseconds / 1e6,
                claimant_alive=entry.claimed_by in alive,
                queue_empty=entry.member in absent,
                high_water=float(high_water.get(entry.lane, 0)),
            )
            if step == "wait" or (step == "resend" and entry.member in held):
                continue
            try:
                self._act(step, entry)
            except RedisError:
                raise
            except Exception:  # a failure with one utterance must not delay the others
                log.exception("entry not swept", stage=entry.stage, **_where(entry))
        self._age(oldest, seconds + microseconds / 1e6)
        return True

    def _others(self, oldest: float) -> list[Entry]:
        """Return the next entries behind the oldest, so that all get their turn however many wait before them.

        Args:
            oldest: time of admission, in Unix seconds, of the last of the oldest.
        """
        others = self._ledger.pending(self._max_entries, after=max(oldest, self._looked_at))
        self._looked_at = others[-1].admitted_at if others else 0.0
        return others

    def _age(self, entries: list[Entry], now: float) -> None:
        """Send a copy of the job that has waited too long behind interim texts; the claim makes either harmless."""
        entry = to_age(entries, now)
        if entry is None or entry.job is None or not self._ledger.take_for_ageing(entry):
            return
        try:
            self._send_aged(entry.job)
        except OperationalError as error:  # a later sweep does it, as with a copy that gets lost
            log.warning("job not sent", error=type(error).__name__, **_where(entry))
            return
        log.info("job aged", waited_s=round(now - entry.admitted_at), **_where(entry))

    def _trim_streams(self, oldest: int) -> None:
        """Trim the streams for older gateways to ``oldest`` (Unix seconds); without such gateways they become empty.

        They are never deleted, so that their ids grow even if the clock is set back.
        """
        for channel in (names.RESULT_MESSAGES, names.FINAL_STATS):
            self._redis.xtrim(names.stream(channel), minid=f"{oldest * 1000}-0", approximate=False)

    def _absent(self, entries: list[Entry], now: float) -> set[str]:
        """Return the members whose jobs are in no queue, as far as the numbers of jobs there show it."""
        try:
            depths = {stage: self._depth(queue) for stage, queue in QUEUES.items()}
        except OperationalError as error:
            self._outage.failed(error)
            return set()
        self._outage.recovered()
        return {member for stage, depth in depths.items() for member in missing(entries, stage, depth, now)}

    def _act(self, step: Step, entry: Entry) -> None:
        if step == "unblock":
            self._unblock(entry)
        elif step == "resend" and entry.job is not None:
            self._resend(entry, entry.job)
        elif step == "resend" and entry.of_newer_version:
            log.debug("job left to a newer listener", stage=entry.stage, **_where(entry))
        else:
            self._fail(entry)

    def _leads(self) -> bool:
        """Take or keep the lock that only one listener holds."""
        lock = names.SWEEPER_LOCK
        if self._redis.set(lock, self._instance, nx=True, ex=3) or self._redis.get(lock) == self._instance:
            self._redis.expire(lock, 3)
            return True
        return False

    def _alive(self, heartbeats: set[str]) -> set[str]:
        """Return those heartbeat keys that exist."""
        keys = sorted(heartbeats)
        return {key for key, beat in zip(keys, self._redis.mget(keys) if keys else [], strict=True) if beat}

    def _resend(self, entry: Entry, job: TranscribeAudio | AnalyzeText) -> None:
        if not self._ledger.take_for_resend(entry):
            return
        log.warning("job resent", stage=entry.stage, attempts=entry.attempts, **_where(entry))
        try:
            self._send(job)
        except OperationalError as error:  # a later sweep finds it unclaimed
            log.warning("job not sent", error=type(error).__name__, **_where(entry))

    def _fail(self, entry: Entry) -> None:
        """End an utterance that cannot be processed; if its text is known, publish that without sentiment."""
        reason = entry.error or f"the {entry.stage} worker died or no worker took the job"
        if entry.job is None:
            reason = "its entry in the ledger cannot be read"
        log.error("utterance failed", stage=entry.stage, attempts=entry.attempts, reason=reason, **_where(entry))
        if isinstance(entry.job, AnalyzeText):
            publish_result(self._redis, Final.of(entry.job, None, f"The analysis failed: {reason}"))
            return
        self._publish_failure(self._result_fields(entry), entry.attempts, reason)

    def _unblock(self, entry: Entry) -> None:
        """Fail the earlier segments that a result waits for if they have no result and are not in the ledger."""
        order = Order.model_validate_json(self._redis.hget(names.order(entry.session_id), "data") or "{}")
        log.error("order blocked", next_segment=order.next_segment, **_where(entry))
        if entry.segment not in order.waiting:
            self._fail(entry)
        for segment in range(order.next_segment, entry.segment):
            member = names.ledger_member(entry.session_id, segment)
            if segment not in order.waiting and self._redis.zscore(names.PENDING, member) is None:
                self._publish_failure(self._result_fields(entry) | {"segment": segment}, 0, "the ledger has lost it")

    def _publish_failure(self, fields: dict[str, Any], attempts: int, reason: str) -> None:
        failed = SegmentFailed(
            **fields,
            code="transcription_failed",
            message=f"This part could not be transcribed after {attempts} attempts: {reason}",
            remedy="Say it again; if it keeps happening, the operator finds the cause in the worker's log.",
            attempts=attempts,
        )
        publish_result(self._redis, failed)

    def _result_fields(self, entry: Entry) -> dict[str, Any]:
        """Return the fields that identify a result, as far as they are known without the job."""
        if entry.job is not None:
            return result_fields(entry.job)
        return {
            "session_id": entry.session_id,
            "room": self._redis.hget(names.session(entry.session_id), "room"),
            "segment": entry.segment,
            "start_ms": 0,
            "end_ms": 0,
            "clock": Clock(speech_end=entry.admitted_at, endpointed=entry.admitted_at),
        }


def _where(entry: Entry) -> dict[str, object]:
    return {"session": entry.session_id, "segment": entry.segment}
