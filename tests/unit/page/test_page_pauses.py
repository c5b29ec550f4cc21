"""The page sends as much silence as the gateway waits for, so that an utterance ends in time."""

import asyncio
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fastapi_service.api.connection import endpointing
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.settings import Settings
from tests.support.session_setting import Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE, decode_pcm
from wire.messages.server import SpeechEnded

SPOKEN = 20 * FRAME + 34 * FRAME
"""Where the speech ends."""
STREAM = decode_pcm(quiet(20 * FRAME) + speech(34 * FRAME) + quiet(100 * FRAME))


def chunks(settings: Settings) -> list[tuple[int, int, int]]:
    """Return when the page sends a chunk, its gap and its audio, in samples."""
    given = {"endpointing": endpointing(settings).model_dump(), "samples": STREAM.tolist()}
    script = Path(__file__).with_name("chunks.js")
    done = subprocess.run(["node", script], input=json.dumps(given), capture_output=True, text=True, check=True)
    return [(at, gap, audio) for at, gap, audio in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("evidence", "most_ms"), [(-2.0, 800), (None, 500)], ids=["an unfinished sentence", "without evidence"]
)
async def test_an_utterance_ends_within_what_the_page_sends(evidence: float | None, most_ms: int) -> None:
    """Without the time-out for audio that stays away; a chunk has 90 ms."""
    setting = Setting(pause_ms=200, unfinished_ms=800)
    position = 0
    for at, gap, audio in chunks(Settings()):
        if gap:
            await setting.session.gap(gap)
        position += gap
        if audio:
            await setting.session.audio(np.asarray(STREAM[position : position + audio]).tobytes())
        position += audio
        for request in setting.partials.requests:
            if not request.done:
                request.begun = True
                request.write("and then I", sentence_end=evidence)
        await asyncio.sleep(0.001)
        if any(isinstance(message, SpeechEnded) for message in setting.sent):
            assert (at - SPOKEN) / SAMPLE_RATE <= most_ms / 1000 + 0.1
            break
    else:
        pytest.fail("no end")
    await setting.session.finish()


@pytest.mark.parametrize(("silence_ms", "unfinished_ms", "longest"), [(500, 800, 800), (900, 800, 900), (500, 0, 500)])
def test_ready_says_the_longest_silence_that_ends_an_utterance(
    silence_ms: int, unfinished_ms: int, longest: int
) -> None:
    settings = Settings(silence_ms=silence_ms, unfinished_ms=unfinished_ms)
    assert endpointing(settings).silence_ms == longest
