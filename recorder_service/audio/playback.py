"""Plays a recording in real time, or as quickly as it is consumed."""

import asyncio
import time
from collections.abc import AsyncIterator

from wire.audio import SAMPLE_RATE, Pcm, encode_pcm

FRAME_MS = 100
FRAME = SAMPLE_RATE * FRAME_MS // 1000  # 1,600 samples


async def play(pcm: Pcm, stop: asyncio.Event, *, realtime: bool) -> AsyncIterator[bytes]:
    """Yield Int16 frames of 100 ms, in real time when their last sample would have been spoken, until ``stop`` is set.

    All times count from the beginning, so that delays do not add up: after a stall the playback catches up.
    """
    begin = time.monotonic()
    for start in range(0, len(pcm), FRAME):
        frame = pcm[start : start + FRAME]
        if realtime:
            await _sleep_until(begin + (start + len(frame)) / SAMPLE_RATE, stop)
        if stop.is_set():
            return
        yield encode_pcm(frame)


async def _sleep_until(moment: float, stop: asyncio.Event) -> None:
    """Sleep until ``moment`` on the monotonic clock, or until ``stop``."""
    left = moment - time.monotonic()
    if left > 0:
        try:
            async with asyncio.timeout(left):
                await stop.wait()
        except TimeoutError:
            pass
