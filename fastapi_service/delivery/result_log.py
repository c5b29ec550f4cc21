"""The log of an audience: every result that the listener released to it, by ``seq``."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from pydantic import ValidationError

from infra.redis_types import AsyncPipeline
from infra.results import FIELD
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed, read_segment_end

Result = Final | NoSpeech | SegmentFailed
Entries = list[tuple[str, dict[str, str]]]

log = structlog.get_logger()


class Streams(Protocol):
    """Reads Redis streams."""

    async def xrange(self, name: str, first: str, last: str, /, *, count: int) -> Entries: ...

    async def xrevrange(self, name: str, /, *, count: int) -> Entries: ...

    def pipeline(self, transaction: bool) -> AsyncPipeline: ...


class ResultLog:
    """Reads logs. Methods raise RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: Streams) -> None:
        self._redis = redis

    async def newest(self, audience: str) -> int:
        """Return the ``seq`` of the newest result; 0 for an empty log."""
        entries = await self._redis.xrevrange(names.log(audience), count=1)
        return _seq(entries[0][0]) if entries else 0

    async def newest_of(self, audiences: Sequence[str]) -> dict[str, int]:
        """Return the same for several audiences at once."""
        pipeline = self._redis.pipeline(transaction=False)
        for audience in audiences:
            pipeline.xrevrange(names.log(audience), count=1)
        newest: list[Entries] = await pipeline.execute()
        return {name: _seq(found[0][0]) if found else 0 for name, found in zip(audiences, newest, strict=True)}

    async def read(
        self, audience: str, after: int, count: int, until: int | None = None
    ) -> list[tuple[int, Result | None]]:
        """Return up to ``count`` results with their ``seq``, those after ``after`` and, if given, up to ``until``.

        A result of an unknown type, from a newer version, is None, and so is one that cannot be read.
        """
        last = "+" if until is None else f"{until}-0"
        entries = await self._redis.xrange(names.log(audience), f"({after}-0", last, count=count)
        return [(_seq(entry), _result(audience, entry, fields)) for entry, fields in entries]


def _result(audience: str, entry: str, fields: dict[str, str]) -> Result | None:
    """Parse one entry. What cannot be read is left out: it must not hold up all that come after it."""
    try:
        return read_segment_end(fields.get(FIELD, ""))
    except ValidationError as refused:  # its text does not contain the input, which is a transcript
        log.error("result unreadable", audience=audience, entry=entry, problems=refused.error_count())
        return None


def _seq(entry: str) -> int:
    """``N-0`` → N."""
    return int(entry.partition("-")[0])
