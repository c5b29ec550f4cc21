"""Limits in Redis, for all gateways: connections of a key, an address and a room; requests and audio of a key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi_service import errors
from fastapi_service.monitoring import metrics
from fastapi_service.storage.keys import today
from infra.clock import now
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript
from wire import names

RENEW_S = 10.0
FORGET_S = 30
"""Seconds after which connections that are not renewed are forgotten: their gateway is gone."""
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Scope:
    """Connections that are counted together."""

    kind: str
    """``key``, ``address`` or ``room``, for the error."""
    name: str
    limit: int

    @property
    def key(self) -> str:
        """The key in Redis."""
        return names.connections(f"{self.kind}:{self.name}")


class Limits:
    """Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis
        self._lease: AsyncScript[int] = redis.register_script(load_script(__package__, "lease"))
        self._rate: AsyncScript[int] = redis.register_script(load_script(__package__, "rate"))

    async def enter(self, connection: str, scopes: Sequence[Scope]) -> None:
        """Count a connection, or renew it.

        Raises:
            AccessError: one of the scopes is full.
        """
        if not scopes:
            return
        limits = [scope.limit for scope in scopes]
        full = await self._lease(keys=[scope.key for scope in scopes], args=[connection, FORGET_S, *limits])
        if full:
            raise errors.too_many_connections(scopes[full - 1].kind, FORGET_S)

    async def leave(self, connection: str, scopes: Sequence[Scope]) -> None:
        """Forget a connection that has ended."""
        pipeline = self._redis.pipeline(transaction=False)
        for scope in scopes:
            pipeline.zrem(scope.key, connection)
        await pipeline.execute()

    async def request(self, key_id: str, requests_a_minute: int) -> None:
        """Count a request, or a handshake, with a key; 0: it has no limit.

        Raises:
            AccessError: the key has had those of the minute.
        """
        if not requests_a_minute:
            return
        if again_s := await self._rate(keys=[names.key_requests(key_id)], args=[requests_a_minute]):
            metrics.REFUSED.labels("requests").inc()
            raise errors.too_many_requests(requests_a_minute, again_s)

    async def use(self, audio_s: Mapping[str, float]) -> dict[str, float]:
        """Add the seconds of audio that came with each key, perhaps none; returns the seconds of today with them."""
        day = today()
        pipeline = self._redis.pipeline(transaction=False)
        for key_id, seconds in audio_s.items():
            if seconds:
                pipeline.incr(names.key_usage(key_id, day), round(seconds * 1000))
                pipeline.expire(names.key_usage(key_id, day), 2 * DAY_S)
        await pipeline.execute()
        used = await self._redis.mget([names.key_usage(key_id, day) for key_id in audio_s]) if audio_s else []
        return {key_id: int(ms or 0) / 1000 for key_id, ms in zip(audio_s, used, strict=True)}


def until_tomorrow() -> int:
    """Return the seconds until midnight, UTC."""
    return DAY_S - int(now()) % DAY_S
