"""Reads the result stream as one of a group of listeners, and hands each result to the releaser."""

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError, ResponseError

from infra.redis_client import BLOCK_MS, Redis
from infra.results import FIELD
from listener_service.release import Releaser
from wire import names
from wire.messages.base import HOPS, hop_ms
from wire.messages.results import Final, NoSpeech, SegmentFailed, read_segment_end

BATCH = 64
ABANDONED_MS = 5_000
"""A result that another listener took and did not finish in this time is taken over."""
FORGET_CONSUMER_MS = 60_000

STREAM = names.stream(names.RESULT_CHANNEL)
GROUP = names.LISTENER_GROUP

log = structlog.get_logger()


class Consumer:
    def __init__(self, redis: Redis, instance: str, releaser: Releaser) -> None:
        self._redis = redis
        self._instance = instance
        self._releaser = releaser
        self._kept: set[str] = set()
        """Stream ids of results of unknown type, each logged once."""

    def join(self) -> None:
        """Create the group unless it exists; it begins with the oldest result."""
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def take_over(self) -> None:
        """Finish what listeners that are gone had begun, and forget them."""
        start = "0-0"
        while True:
            start, entries, *_ = self._redis.xautoclaim(
                STREAM, GROUP, self._instance, ABANDONED_MS, start_id=start, count=BATCH
            )
            self._apply_all(entries)
            if start == "0-0":
                break
        for consumer in self._redis.xinfo_consumers(STREAM, GROUP):
            gone = consumer["idle"] > FORGET_CONSUMER_MS and not consumer["pending"]
            if gone and consumer["name"] != self._instance:
                self._redis.xgroup_delconsumer(STREAM, GROUP, consumer["name"])

    def consume(self) -> None:
        """Wait up to ``BLOCK_MS`` for results and apply them."""
        answer = self._redis.xreadgroup(GROUP, self._instance, {STREAM: ">"}, count=BATCH, block=BLOCK_MS)
        for _, entries in answer or []:
            self._apply_all(entries)

    def _apply_all(self, entries: list[tuple[str, dict[str, str]]]) -> None:
        for source, fields in entries:
            try:
                end = read_segment_end((fields or {}).get(FIELD, ""))
            except ValidationError as refused:
                log.error("unreadable result dropped", problems=refused.error_count())
                self._redis.xack(STREAM, GROUP, source)
                self._redis.xdel(STREAM, source)
                continue
            if end is None:
                self._keep(source)
            else:
                self._apply(source, end)

    def _keep(self, source: str) -> None:
        """Leave a result of unknown type pending: a newer listener takes it over, see docs/adr/0009."""
        if source not in self._kept:
            self._kept.add(source)
            log.warning("result of unknown type kept", id=source)

    def _apply(self, source: str, end: Final | NoSpeech | SegmentFailed) -> None:
        try:
            acceptance = self._releaser.apply(source, end)
        except RedisError:
            raise
        except Exception:  # the boundary between sessions: what cannot be released now is taken over and tried again
            log.exception("not released", session=end.session_id, segment=end.segment)
            return
        for released in acceptance.released:
            _log_utterance(released)


def _log_utterance(end: Final | NoSpeech | SegmentFailed) -> None:
    hops = {f"{hop}_ms": round(ms) for hop in HOPS if (ms := hop_ms(end.clock, hop)) is not None}
    log.info(end.type, session=end.session_id, segment=end.segment, **hops)
