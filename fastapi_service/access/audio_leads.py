"""The leads of connections that have ended, in Redis: whoever connects again goes on with one of them."""

import hashlib

from fastapi_service.access.audio_rate import BUFFERED_S, FASTEST
from fastapi_service.access.grant import Grant
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript
from wire import names

MOST = 1_000
"""Leads of one key or network."""
LONGEST_S = round(BUFFERED_S / FASTEST) + 60
"""Seconds after which a lead is over for certain."""


class AudioLeads:
    """A new connection takes the longest lead, so that connections one after the other have one allowance together."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._take: AsyncScript[str] = redis.register_script(load_script(__package__, "take_lead"))
        self._leave: AsyncScript[None] = redis.register_script(load_script(__package__, "leave_lead"))

    async def take(self, scope: str) -> float:
        """Return a lead that was left in a scope, in seconds of audio, and take it away; 0 if there is none."""
        return float(await self._take(keys=[names.audio_leads(scope)])) * FASTEST

    async def leave(self, scope: str, connection: str, lead_s: float) -> None:
        """Leave the lead of a connection that has ended, in seconds of audio."""
        until_s = round(lead_s / FASTEST, 3)
        await self._leave(keys=[names.audio_leads(scope)], args=[connection, until_s, MOST, LONGEST_S])


def scope_of(grant: Grant, network: str) -> str | None:
    """Return the scope that a connection's lead belongs to: its key, else its network; None if it needs no lead."""
    if "files" in grant.rights:
        return None
    digest = hashlib.sha256(network.encode()).hexdigest()[:16]
    return f"key:{grant.id}" if grant.source == "key" else f"address:{digest}"
