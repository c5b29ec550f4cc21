"""Results and statistics on their way back: pub/sub for speed, the stream beside each channel for what it lost."""

from collections.abc import Callable

import stamina
import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from fastapi_service.delivery.hub import Hub
from fastapi_service.monitoring import metrics
from infra.redis_client import AsyncRedis
from infra.results import FIELD
from wire import names
from wire.messages.channels import Envelope, FinalStats, ResultMessage

POLL_S = 1.0
BATCH = 500
START = "0-0"

log = structlog.get_logger()


class Subscriber:
    """Follows both channels. Each envelope names the stream id before it: a mismatch is a gap, and is read."""

    def __init__(self, redis: AsyncRedis, hub: Hub) -> None:
        """``redis`` must not retry by itself (``connect_async(url, retries=0)``): a lost connection is a gap too."""
        self._redis = redis
        self._hub = hub
        self._away = False
        self._last: dict[str, str] = {}
        """Channel → stream id of the newest message handled."""
        self._handlers: dict[str, Callable[[str], Envelope]] = {
            names.RESULT_MESSAGES: self._route_result,
            names.FINAL_STATS: self._route_statistics,
        }

    async def run(self) -> None:
        """For ever: subscribe, catch up, follow; again whenever the connection breaks."""
        async for attempt in stamina.retry_context(
            on=self._survives, attempts=None, timeout=None, wait_initial=0.05, wait_max=1
        ):
            with attempt:
                await self._follow()

    async def _follow(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(*self._handlers)
            for channel in self._handlers:
                await self._catch_up(channel)
            if self._last:
                self._hub.missed()
            self._away = False
            while True:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=POLL_S)
                if message is not None:
                    await self._take(message["channel"], message["data"])

    async def _take(self, channel: str, data: str) -> None:
        envelope = Envelope.model_validate_json(data, extra="ignore")
        last = self._last.get(channel, START)
        if _order(envelope.id) <= _order(last):
            return  # read from the stream already
        if envelope.previous != last:
            await self._catch_up(channel)
            return
        self._handle(channel, data)
        self._last[channel] = envelope.id

    async def _catch_up(self, channel: str) -> None:
        """Read what the stream has after the newest message handled; at the first start, nothing is old news."""
        stream = names.stream(channel)
        if channel not in self._last:
            newest = await self._redis.xrevrange(stream, count=1)
            self._last[channel] = newest[0][0] if newest else START
            return
        while entries := await self._redis.xrange(stream, f"({self._last[channel]}", count=BATCH):
            for entry, fields in entries:
                self._handle(channel, fields[FIELD])
                self._last[channel] = entry
                metrics.MISSED.labels(channel).inc()

    def _handle(self, channel: str, data: str) -> None:
        try:
            self._handlers[channel](data)
        except ValidationError as refused:
            log.error("unreadable message", channel=channel, problems=refused.error_count())

    def _route_result(self, data: str) -> Envelope:
        envelope = ResultMessage.model_validate_json(data)
        self._hub.result(envelope.audience, envelope.seq, envelope.message)
        return envelope

    def _route_statistics(self, data: str) -> Envelope:
        envelope = FinalStats.model_validate_json(data)
        self._hub.statistics(envelope.audience, envelope.message)
        return envelope

    def _survives(self, error: Exception) -> bool:
        if not isinstance(error, Exception):
            return False  # cancelled: the gateway stops
        if isinstance(error, RedisError | OSError):
            if not self._away:  # one line for an outage, not one for each attempt
                log.warning("subscription lost", error=type(error).__name__)
            self._away = True
        else:
            log.exception("internal error")  # the boundary: the way back must not end
        return True


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence)
