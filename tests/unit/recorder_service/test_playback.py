"""A recording is handed out whole and in order."""

import asyncio

import numpy as np

from recorder_service.audio.playback import FRAME, play
from wire.audio import encode_pcm


async def test_all_samples_come_in_frames_of_100_ms() -> None:
    """The last frame is as short as what is left."""
    pcm = np.arange(FRAME * 2 + 7, dtype=np.int16)
    frames = [frame async for frame in play(pcm, asyncio.Event(), realtime=False)]
    assert [len(frame) // 2 for frame in frames] == [FRAME, FRAME, 7]
    assert b"".join(frames) == encode_pcm(pcm)


async def test_real_time_hands_out_the_same() -> None:
    """Pacing changes when, never what."""
    pcm = np.arange(FRAME * 2, dtype=np.int16)
    frames = [frame async for frame in play(pcm, asyncio.Event(), realtime=True)]
    assert b"".join(frames) == encode_pcm(pcm)


async def test_stop_ends_the_recording_early() -> None:
    """Also in the middle of a pause between two frames."""
    stop = asyncio.Event()
    playing = play(np.zeros(FRAME * 600, dtype=np.int16), stop, realtime=True)
    assert len(await anext(playing)) == FRAME * 2
    asyncio.get_running_loop().call_soon(stop.set)
    assert [frame async for frame in playing] == []
