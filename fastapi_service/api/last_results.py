"""The end of a session: its last results reach the send queue, or are counted as missing."""

import asyncio
from contextlib import suppress

from fastapi_service.api.ports import Registry
from fastapi_service.delivery.feed import Feed
from fastapi_service.sessions.ports import SpeechSession

POLL_S = 0.1
READ_S = 5.0
"""Seconds that the last results may take from Redis to the send queue."""


async def last_results(session: SpeechSession, registry: Registry, feed: Feed, timeout_s: float) -> int:
    """Flush a session, and wait for the results of all its utterances.

    Args:
        timeout_s: seconds for all of it but the reading.

    Returns:
        the number of results that are missing; the others are in the send queue, and so are the last statistics.
    """
    pending = 1  # as long as it is unknown
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await session.finish()
            while pending := await registry.outstanding(session):  # noqa: ASYNC110 (the listener has no event)
                await asyncio.sleep(POLL_S)
    try:
        async with asyncio.timeout(READ_S):
            await feed.caught_up()
    except TimeoutError:
        pending = max(1, pending)
    await registry.read_statistics(session.record, feed)
    feed.flush_statistics()
    return max(pending, session.waiting)
