"""Wrong keys and pass-phrases cost time: more with each one from the same network."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address, ip_network

import structlog

from fastapi_service import errors
from fastapi_service.monitoring import metrics
from infra.redis_client import AsyncRedis
from wire import names
from wire.errors import AccessError

FREE = 3
"""Wrong ones that cost nothing: people mistype."""
FIRST_S = 0.25
"""Pause after the next one; each further one doubles it."""
LONGEST_S = 8.0
FORGET_S = 600
"""Seconds without a wrong one after which a network begins again."""
MOST_WAITING = 10
"""Answers to one network that wait here at once; further ones are refused at once."""
MOST_WAITING_IN_ALL = 200
"""The same over all networks: each holds a request or a handshake open."""

log = structlog.get_logger()


class Throttle:
    """Counts in Redis, for all gateways. What is right passes at once, also from a network that guesses."""

    def __init__(self, redis: AsyncRedis, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._redis = redis
        self._sleep = sleep
        self._waiting: Counter[str] = Counter()
        self._trying: set[str] = set()
        """Networks one of whose pass-phrases is being checked."""

    async def wrong(self, address: str | None, kind: str, key_id: str | None = None) -> AccessError:
        """Count and log a wrong credential, wait, and return the error to answer with.

        Args:
            address: of the client.
            kind: what was presented; never the secret.
            key_id: public id of the key, if it was one.

        Raises:
            AccessError: too many answers to this network, or in all, wait already.
        """
        network = network_of(address)
        key = names.wrong_credentials(hashlib.sha256(network.encode()).hexdigest()[:16])
        pipeline = self._redis.pipeline()
        pipeline.incr(key)
        pipeline.expire(key, FORGET_S)
        count, _ = await pipeline.execute()
        pause_s = pause_after(int(count))
        metrics.REFUSED.labels("credential").inc()
        log.warning("credential refused", kind=kind, key=key_id, client=address, count=count, pause_s=pause_s)
        if self._waiting[network] >= MOST_WAITING or self._waiting.total() >= MOST_WAITING_IN_ALL:
            raise errors.slow_down(round(LONGEST_S))
        self._waiting[network] += 1
        try:
            await self._sleep(pause_s)
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]
        return errors.grant_refused()

    @asynccontextmanager
    async def one_at_a_time(self, address: str | None) -> AsyncIterator[None]:
        """Let one pass-phrase of a network be checked, its pause included: people choose some that can be guessed.

        Raises:
            AccessError: another one is.
        """
        network = network_of(address)
        if network in self._trying:
            raise errors.slow_down(1)
        self._trying.add(network)
        try:
            yield
        finally:
            self._trying.discard(network)


def pause_after(count: int) -> float:
    """Return the seconds that the answer to the ``count``-th wrong credential waits, 0 to ``LONGEST_S``."""
    return min(LONGEST_S, FIRST_S * 2.0 ** min(count - FREE - 1, 16)) if count > FREE else 0.0


def network_of(address: str | None) -> str:
    """Return the network that one client may have all addresses of: a /64 of IPv6, else the address itself."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
