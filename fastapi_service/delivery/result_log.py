"""The log of an audience: every result that the listener released to it, by ``seq``."""

from typing import Protocol

from infra.results import FIELD
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed, read_segment_end

Result = Final | NoSpeech | SegmentFailed
Entries = list[tuple[str, dict[str, str]]]


class Streams(Protocol):
    """Reads Redis streams."""

    async def xrange(self, name: str, first: str, last: str, /, *, count: int) -> Entries: ...

    async def xrevrange(self, name: str, /, *, count: int) -> Entries: ...


class ResultLog:
    """Reads logs. Methods raise RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: Streams) -> None:
        self._redis = redis

    async def newest(self, audience: str) -> int:
        """Return the ``seq`` of the newest result; 0 for an empty log."""
        entries = await self._redis.xrevrange(names.log(audience), count=1)
        return _seq(entries[0][0]) if entries else 0

    async def read(
        self, audience: str, after: int, count: int, until: int | None = None
    ) -> list[tuple[int, Result | None]]:
        """Return up to ``count`` results with their ``seq``, those after ``after`` and, if given, up to ``until``.

        A result of an unknown type, from a newer version, is None.
        """
        last = "+" if until is None else f"{until}-0"
        entries = await self._redis.xrange(names.log(audience), f"({after}-0", last, count=count)
        return [(_seq(entry), read_segment_end(fields[FIELD])) for entry, fields in entries]


def _seq(entry: str) -> int:
    """``N-0`` → N."""
    return int(entry.partition("-")[0])
