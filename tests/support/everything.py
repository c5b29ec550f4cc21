"""All that a Redis holds, as text, to find what should not be there."""

from collections.abc import Callable
from typing import Any

from tests.support.redis import Redis

_READ: dict[str, Callable[[Redis, str], Any]] = {
    "none": lambda _redis, _key: None,  # gone since its name was read
    "string": lambda redis, key: redis.execute_command("GET", key, NEVER_DECODE=True),
    "hash": lambda redis, key: redis.execute_command("HGETALL", key, NEVER_DECODE=True),
    "list": lambda redis, key: redis.lrange(key, 0, -1),
    "set": lambda redis, key: redis.smembers(key),
    "zset": lambda redis, key: redis.zrange(key, 0, -1),
    "stream": lambda redis, key: redis.xrange(key),
}


def keys_with(redis: Redis, *needles: str) -> set[str]:
    """The keys in whose name or value one of the texts occurs."""
    return {
        key
        for key in redis.keys("*")
        if any(needle in f"{key} {_READ[redis.execute_command('TYPE', key)](redis, key)!r}" for needle in needles)
    }
