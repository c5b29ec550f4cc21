"""A recording is handed out whole and in order."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from wire.audio import Pcm, encode_pcm
from wire.errors import AudioError
from wta.audio.playback import FRAME, play


async def test_all_samples_come_in_frames_of_100_ms() -> None:
    """The last frame is as short as what is left."""
    pcm = np.arange(FRAME * 2 + 7, dtype=np.int16)
    frames = [frame async for frame in play([pcm], asyncio.Event(), realtime=False)]
    assert [len(frame) // 2 for frame in frames] == [FRAME, FRAME, 7]
    assert b"".join(frames) == encode_pcm(pcm)


async def test_real_time_hands_out_the_same() -> None:
    """Pacing changes when, never what."""
    pcm = np.arange(FRAME * 2, dtype=np.int16)
    frames = [frame async for frame in play([pcm], asyncio.Event(), realtime=True)]
    assert b"".join(frames) == encode_pcm(pcm)


async def test_stop_ends_the_recording_early() -> None:
    """Also in the middle of a pause between two frames."""
    stop = asyncio.Event()
    playing = play([np.zeros(FRAME * 600, dtype=np.int16)], stop, realtime=True)
    assert len(await anext(playing)) == FRAME * 2
    asyncio.get_running_loop().call_soon(stop.set)
    assert [frame async for frame in playing] == []


@pytest.mark.parametrize("length", [1, FRAME - 1, FRAME, FRAME + 1, 16_000])
async def test_blocks_of_any_length_become_the_same_frames(length: int) -> None:
    """Frames go on from one block to the next."""
    pcm = np.arange(FRAME * 5 + 7, dtype=np.int16)
    blocks = [pcm[start : start + length] for start in range(0, len(pcm), length)]
    frames = [frame async for frame in play(blocks, asyncio.Event(), realtime=False)]
    assert [len(frame) // 2 for frame in frames] == [FRAME] * 5 + [7]
    assert b"".join(frames) == encode_pcm(pcm)


async def test_error_comes_after_the_last_samples() -> None:
    """What a damaged file has before the damage is played to the last sample."""

    def blocks() -> Iterator[Pcm]:
        yield np.arange(FRAME + 9, dtype=np.int16)
        raise AudioError("file_truncated", "It breaks off.", "Copy it again.")

    played = bytearray()

    async def collect() -> None:
        async for frame in play(blocks(), asyncio.Event(), realtime=False):
            played.extend(frame)

    with pytest.raises(AudioError, match="breaks off"):
        await collect()
    assert played == encode_pcm(np.arange(FRAME + 9, dtype=np.int16))
