"""The pass-phrase, the browsers that signed in with it, and tickets, in Redis: of all of them digests only."""

from collections.abc import Sequence

from fastapi_service.security import tokens
from infra.clock import now
from infra.redis_client import AsyncRedis
from wire import names

LOGIN_TTL_S = 7 * 86_400
"""Seconds that a browser stays signed in after its last visit."""
TICKET_TTL_S = 30


class LoginStore:
    """Keeps grants as JSON. Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis

    async def first_passphrase(self, hashed: str) -> bool:
        """Keep the hash of a pass-phrase unless there is one; returns True if this one is kept."""
        pipeline = self._redis.pipeline()
        pipeline.hsetnx(names.PASSPHRASE, "hash", hashed)
        pipeline.hsetnx(names.PASSPHRASE, "made_at", round(now()))
        kept, _ = await pipeline.execute()
        return bool(kept)

    async def replace_passphrase(self, hashed: str) -> int:
        """Keep the hash of another pass-phrase, and sign all browsers out; returns their number."""
        await self._redis.hset(names.PASSPHRASE, mapping={"hash": hashed, "made_at": round(now())})
        logins = [key async for key in self._redis.scan_iter(names.login("*"))]
        if logins:
            await self._redis.delete(*logins)
        await self._redis.publish(names.ACCESS_CHANGED, "login")
        return len(logins)

    async def passphrase(self) -> str | None:
        """Return the hash of the pass-phrase; None before the first start."""
        return await self._redis.hget(names.PASSPHRASE, "hash")

    async def sign_in(self, grant: str, token: str) -> None:
        """Keep the grant of a browser, by its cookie."""
        await self._redis.set(names.login(tokens.digest(token)), grant, ex=LOGIN_TTL_S)

    async def login(self, token: str) -> str | None:
        """Return the grant of a browser, whose time begins again; None if it is not signed in."""
        key = names.login(tokens.digest(token))
        grant = await self._redis.get(key)
        if grant is not None:
            await self._redis.expire(key, LOGIN_TTL_S)
        return grant

    async def sign_out(self, token: str) -> None:
        """Forget a browser, and notify the gateways."""
        await self._redis.delete(names.login(tokens.digest(token)))
        await self._redis.publish(names.ACCESS_CHANGED, "login")

    async def add_ticket(self, grant: str, ticket: str) -> None:
        """Keep a grant for one connection within ``TICKET_TTL_S``."""
        await self._redis.set(names.ticket(tokens.digest(ticket)), grant, ex=TICKET_TTL_S)

    async def take_ticket(self, ticket: str) -> str | None:
        """Return the grant of a ticket, once; None if it was used, has expired, or never was."""
        return await self._redis.getdel(names.ticket(tokens.digest(ticket)))

    async def exist(self, keys: Sequence[str | None]) -> list[bool]:
        """Return for each key whether Redis has it; True for None."""
        pipeline = self._redis.pipeline(transaction=False)
        looked_up = list(dict.fromkeys(key for key in keys if key is not None))
        for key in looked_up:
            pipeline.exists(key)
        found = dict(zip(looked_up, await pipeline.execute() if looked_up else [], strict=True))
        return [key is None or bool(found[key]) for key in keys]
