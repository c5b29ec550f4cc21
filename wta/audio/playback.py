"""Plays a recording in real time, or as quickly as it is consumed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator

import numpy as np

from wire.audio import SAMPLE_RATE, Pcm, encode_pcm
from wire.errors import AudioError

FRAME_MS = 100
FRAME = SAMPLE_RATE * FRAME_MS // 1000  # 1,600 samples


async def play(blocks: Iterable[Pcm], stop: asyncio.Event, *, realtime: bool) -> AsyncIterator[bytes]:
    """Yield Int16 frames of 100 ms, in real time when their last sample would have been spoken, until ``stop`` is set.

    Blocks of two channels, (samples, 2), become interleaved frames.

    All times count from the beginning, so that delays do not add up: after a stall the playback catches up.
    An error of ``blocks`` comes after all frames before it.
    """
    begin = time.monotonic()
    played = 0
    for frame in _frames(blocks):
        played += len(frame)
        if realtime:
            await _sleep_until(begin + played / SAMPLE_RATE, stop)
        if stop.is_set():
            return
        yield encode_pcm(frame)


def _frames(blocks: Iterable[Pcm]) -> Iterator[Pcm]:
    """Divide blocks of any length into frames; the last one is as short as what is left."""
    rest: Pcm | None = None
    failure: AudioError | None = None
    try:
        for block in blocks:
            rest = block if rest is None else np.concatenate([rest, block])
            whole = len(rest) // FRAME * FRAME
            for start in range(0, whole, FRAME):
                yield rest[start : start + FRAME]
            rest = rest[whole:]
    except AudioError as error:
        failure = error
    if rest is not None and len(rest):
        yield rest
    if failure is not None:
        raise failure


async def _sleep_until(moment: float, stop: asyncio.Event) -> None:
    """Sleep until ``moment`` on the monotonic clock, or until ``stop``."""
    left = moment - time.monotonic()
    if left > 0:
        try:
            async with asyncio.timeout(left):
                await stop.wait()
        except TimeoutError:
            pass
