"""Results and statistics on their way back, of those audiences that have receivers here."""

from collections.abc import Callable, Collection

import structlog
from pydantic import ValidationError

from fastapi_service.delivery.hub import Hub, Receiver
from fastapi_service.delivery.slow_poll import SlowPoll
from fastapi_service.pubsub import Subscription
from infra.redis_client import AsyncRedis
from wire import names
from wire.messages.channels import FinalStats, ResultMessage

log = structlog.get_logger()


class Subscriber:
    """Follows the channels of each audience from its first receiver to its last, and routes what comes to the hub.

    What pub/sub loses is in the log of its audience: receivers find a gap by ``seq``, and read after each new
    connection to Redis. ``SlowPoll`` finds the rest.
    """

    def __init__(self, redis: AsyncRedis, hub: Hub, poll: SlowPoll) -> None:
        """Begin without audiences.

        Args:
            redis: for :class:`fastapi_service.pubsub.Subscription`.
            hub: gets every message.
            poll: reads the statistics that may have been lost.
        """
        self._hub = hub
        self._poll = poll
        self._subscription = Subscription(redis, self._on_subscribed, self._on_message, name="result")
        self._routes: dict[str, Callable[[str], None]] = {
            names.RESULT_MESSAGES: self._route_result,
            names.FINAL_STATS: self._route_statistics,
        }

    async def run(self) -> None:
        """Follow until cancelled, through outages of Redis."""
        await self._subscription.run()

    async def join(self, audiences: Collection[str], receiver: Receiver) -> None:
        """Add a receiver to audiences: what is published once this has returned reaches it.

        While Redis does not answer it returns after a second. Then the receiver is called when Redis does.
        """
        for audience in audiences:
            self._hub.join(audience, receiver)
        await self._subscription.add(_channels(audiences))

    def leave(self, audiences: Collection[str], receiver: Receiver) -> None:
        """Remove a receiver from audiences."""
        for audience in audiences:
            self._hub.leave(audience, receiver)
        self._subscription.remove(_channels([audience for audience in audiences if not self._hub.holds(audience)]))

    async def _on_subscribed(self) -> None:
        self._hub.missed()
        self._poll.read_statistics(self._hub.audiences)

    async def _on_message(self, channel: str, data: str) -> None:
        try:
            self._routes[channel.partition(":")[0]](data)
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


def _channels(audiences: Collection[str]) -> list[str]:
    return [name(audience) for audience in audiences for name in (names.result_messages, names.final_stats)]
