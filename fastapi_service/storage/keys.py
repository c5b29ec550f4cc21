"""API keys in Redis, for the gateways that check them and the command that makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi_service.security import api_keys, tokens
from infra.clock import now
from infra.redis_client import AsyncRedis
from wire import names

REQUESTS_A_MINUTE = 600
"""The limit of a key that was made without a number of its own, also by an older version."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key without its secret."""

    key_id: str
    digest: str
    """SHA-256 of the whole key, hexadecimal."""
    name: str
    scopes: tuple[str, ...]
    sessions: int
    """Most connections at once; 0: no limit."""
    minutes_a_day: int
    """Most minutes of audio on a day (UTC); 0: no limit."""
    made_at: float
    """Unix seconds."""
    requests_a_minute: int = REQUESTS_A_MINUTE
    """Most requests and handshakes in a minute; 0: no limit."""


class KeyStore:
    """Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._redis = redis

    async def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        sessions: int = 0,
        minutes_a_day: int = 0,
        requests_a_minute: int = REQUESTS_A_MINUTE,
    ) -> tuple[KeyRecord, str]:
        """Make a key; returns its record, and the key itself, which is kept nowhere."""
        key_id, key = api_keys.new_key()
        made_at, digest = round(now(), 3), tokens.digest(key)
        record = KeyRecord(key_id, digest, name, tuple(scopes), sessions, minutes_a_day, made_at, requests_a_minute)
        fields: dict[str, str | int | float] = {
            "digest": record.digest,
            "name": name,
            "scopes": ",".join(scopes),
            "sessions": sessions,
            "minutes_a_day": minutes_a_day,
            "requests_a_minute": requests_a_minute,
            "made_at": record.made_at,
        }
        pipeline = self._redis.pipeline()
        pipeline.hset(names.api_key(key_id), mapping=fields)
        pipeline.sadd(names.API_KEYS, key_id)
        await pipeline.execute()
        return record, key

    async def find(self, key_id: str) -> KeyRecord | None:
        """Return the key with an id; None if it was revoked, or never was."""
        fields = await self._redis.hgetall(names.api_key(key_id))
        if not fields.get("digest"):
            return None
        return KeyRecord(
            key_id,
            fields["digest"],
            fields.get("name", ""),
            tuple(fields.get("scopes", "").split(",")),
            int(fields.get("sessions", 0)),
            int(fields.get("minutes_a_day", 0)),
            float(fields.get("made_at", 0)),
            int(fields.get("requests_a_minute", REQUESTS_A_MINUTE)),
        )

    async def all(self) -> list[KeyRecord]:
        """Return all keys, the oldest first."""
        found = [await self.find(key_id) for key_id in await self._redis.smembers(names.API_KEYS)]
        return sorted((record for record in found if record is not None), key=lambda record: record.made_at)

    async def seconds_today(self, key_id: str) -> float:
        """Return the seconds of audio that came with a key since midnight (UTC)."""
        return int(await self._redis.get(names.key_usage(key_id, today())) or 0) / 1000

    async def revoke(self, key_id: str) -> bool:
        """Delete a key, and notify the gateways. Returns False if there is none."""
        pipeline = self._redis.pipeline()
        pipeline.delete(names.api_key(key_id))
        pipeline.srem(names.API_KEYS, key_id)
        pipeline.publish(names.ACCESS_CHANGED, f"key:{key_id}")
        deleted, *_ = await pipeline.execute()
        return bool(deleted)


def today() -> str:
    """Return the day, UTC, such as 2026-11-30."""
    return datetime.fromtimestamp(now(), UTC).strftime("%Y-%m-%d")
