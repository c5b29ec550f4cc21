"""Reads the result stream as one of a group of listeners and passes each result to the releaser."""

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError, ResponseError

from infra.redis_client import BLOCK_MS, Redis
from infra.results import FIELD
from listener_service.release import Releaser
from wire import names
from wire.messages.base import HOPS, hop_ms
from wire.messages.results import SegmentEnd, read_segment_end

BATCH = 64
"""Results read at once."""
ABANDONED_MS = 5_000
"""A result that another listener read and did not finish within this time is taken over."""
FORGET_CONSUMER_MS = 60_000
"""An idle listener without pending results is removed from the group after this time."""

STREAM = names.stream(names.RESULT_CHANNEL)
GROUP = names.LISTENER_GROUP

log = structlog.get_logger()


class Consumer:
    """One listener of the group. Not thread-safe."""

    def __init__(
        self,
        redis: Redis,
        instance: str,
        releaser: Releaser,
        *,
        batch: int = BATCH,
        abandoned_ms: int = ABANDONED_MS,
        forget_consumer_ms: int = FORGET_CONSUMER_MS,
    ) -> None:
        """Read as ``instance``, which must be unique in the group; ``join`` has to be called first."""
        self._redis = redis
        self._instance = instance
        self._releaser = releaser
        self._batch = batch
        self._abandoned_ms = abandoned_ms
        self._forget_consumer_ms = forget_consumer_ms
        self._kept: set[str] = set()
        """Stream ids of the pending results that were left to a newer listener, each logged once."""

    def join(self) -> None:
        """Create the group unless it exists; it starts at the oldest result."""
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def take_over(self) -> None:
        """Release results that other listeners read and abandoned, and remove listeners that are gone."""
        start, pending = "0-0", set[str]()
        while True:
            start, entries, *_ = self._redis.xautoclaim(
                STREAM, GROUP, self._instance, self._abandoned_ms, start_id=start, count=self._batch
            )
            self._apply_all(entries)
            pending |= {stream_id for stream_id, _ in entries}
            if start == "0-0":
                break
        self._kept &= pending
        for consumer in self._redis.xinfo_consumers(STREAM, GROUP):
            gone = consumer["idle"] > self._forget_consumer_ms and not consumer["pending"]
            if gone and consumer["name"] != self._instance:
                self._redis.xgroup_delconsumer(STREAM, GROUP, consumer["name"])

    def consume(self) -> None:
        """Wait up to ``BLOCK_MS`` for results and release them."""
        answer = self._redis.xreadgroup(GROUP, self._instance, {STREAM: ">"}, count=self._batch, block=BLOCK_MS)
        for _, entries in answer or []:
            self._apply_all(entries)

    def _apply_all(self, entries: list[tuple[str, dict[str, str]]]) -> None:
        for stream_id, fields in entries:
            try:
                result = read_segment_end((fields or {}).get(FIELD, ""))
            except ValidationError as error:
                log.error("unreadable result dropped", problems=error.error_count())
                self._redis.xack(STREAM, GROUP, stream_id)
                self._redis.xdel(STREAM, stream_id)
                continue
            if result is None:
                self._keep(stream_id)
            else:
                self._apply(stream_id, result)

    def _keep(self, stream_id: str) -> None:
        """Leave a result pending because of an unknown type: a newer listener takes it over, see docs/adr/0009.

        It counts as abandoned at once. Otherwise each take-over by this listener would begin its idle time again, and
        a newer one would never find it idle for long enough.
        """
        self._redis.xclaim(STREAM, GROUP, self._instance, 0, [stream_id], idle=self._abandoned_ms)
        if stream_id not in self._kept:
            self._kept.add(stream_id)
            log.warning("result left to a newer listener", id=stream_id)

    def _apply(self, stream_id: str, result: SegmentEnd) -> None:
        try:
            acceptance = self._releaser.apply(stream_id, result)
        except RedisError:
            raise
        except Exception:  # a broken session must not stop the others; the result stays pending and is taken over
            log.exception("result not released", session=result.session_id, segment=result.segment)
            return
        if acceptance.outcome == "unreadable":
            self._keep(stream_id)
        for released in acceptance.released:
            _log_release(released)


def _log_release(result: SegmentEnd) -> None:
    hops = {f"{hop}_ms": round(ms) for hop in HOPS if (ms := hop_ms(result.clock, hop)) is not None}
    log.info("result released", type=result.type, session=result.session_id, segment=result.segment, **hops)
