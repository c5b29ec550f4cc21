"""Results and statistics on their way back: pub/sub for speed, the stream beside each channel for what it lost."""

from collections.abc import Callable

import structlog
from pydantic import ValidationError

from fastapi_service.delivery.hub import Hub
from fastapi_service.monitoring import metrics
from fastapi_service.pubsub import follow
from infra.redis_client import AsyncRedis, checkpoint
from infra.results import FIELD
from wire import names
from wire.messages.channels import Envelope, FinalStats, ResultMessage

BATCH = 500
START = "0-0"
"""Stream id before the first entry."""

log = structlog.get_logger()


class Subscriber:
    """Follows both channels and routes what comes to the hub, each message once and in order.

    Each envelope names the stream id before its own: a mismatch shows that messages were lost, and they are read from
    the stream.
    """

    def __init__(self, redis: AsyncRedis, hub: Hub) -> None:
        """Begin with what is published next.

        Args:
            redis: for :func:`fastapi_service.pubsub.follow`, and for the streams.
            hub: gets every message.
        """
        self._redis = redis
        self._hub = hub
        self._last: dict[str, str] = {}
        """Channel → stream id of the newest message handled."""
        self._routes: dict[str, Callable[[str], None]] = {
            names.RESULT_MESSAGES: self._route_result,
            names.FINAL_STATS: self._route_statistics,
        }

    async def run(self) -> None:
        """Subscribe, catch up and follow, again whenever the connection breaks. Runs until cancelled."""
        await follow(self._redis, [*self._routes], self._on_subscribed, self._on_message, name="result")

    async def _on_subscribed(self) -> None:
        for channel in self._routes:
            await self._catch_up(channel)
        self._hub.missed()

    async def _on_message(self, channel: str, data: str) -> None:
        envelope = Envelope.model_validate_json(data)
        last = self._last.get(channel, START)
        if _order(envelope.id) <= _order(last):
            return  # read from the stream already
        if envelope.previous != last:
            await self._catch_up(channel)
            return
        self._last[channel] = envelope.id  # first: a message that cannot be handled is not read again
        self._route(channel, data)

    async def _catch_up(self, channel: str) -> None:
        """Read what the stream has after the newest message handled; at the first start, skip what it has."""
        stream = names.stream(channel)
        if channel not in self._last:
            newest = await self._redis.xrevrange(stream, count=1)
            self._last[channel] = newest[0][0] if newest else START
            return
        while entries := await self._redis.xrange(stream, f"({self._last[channel]}", count=BATCH):
            checkpoint()
            for entry, fields in entries:
                self._last[channel] = entry
                self._route(channel, fields[FIELD])
                metrics.MISSED.labels(channel).inc()

    def _route(self, channel: str, data: str) -> None:
        try:
            self._routes[channel](data)
        except ValidationError as refused:
            log.error("message unreadable", channel=channel, problems=refused.error_count())

    def _route_result(self, data: str) -> None:
        envelope = ResultMessage.model_validate_json(data)
        self._hub.result(envelope.audience, envelope.seq, envelope.message)

    def _route_statistics(self, data: str) -> None:
        envelope = FinalStats.model_validate_json(data)
        self._hub.statistics(envelope.audience, envelope.message)
        if envelope.person is not None:
            self._hub.statistics(envelope.audience, envelope.person)


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = stream_id.partition("-")
    return int(milliseconds), int(sequence)
