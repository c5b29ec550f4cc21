"""One session from its first frame to its last result."""

import asyncio
from collections.abc import Callable

from wire.errors import AudioError, WireError
from wta.audio.source import Source
from wta.client.client import Client
from wta.outcome import Outcome, outcome


async def run_session(
    number: int, client: Client, source: Source, stop: asyncio.Event, on_connected: Callable[[], None]
) -> Outcome:
    """Send all audio and wait for all results; a failure becomes part of the outcome."""
    failure: WireError | None = None
    try:
        async with client:
            on_connected()
            try:
                async for pcm in source.frames(stop):
                    await client.send(pcm)
            except AudioError as error:  # results of what was recorded before still count
                failure = error
            await client.stop()
    except WireError as error:
        failure = error
    return outcome(number, client, source.rate, failure)
