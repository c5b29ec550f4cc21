"""A call with a talker on each channel of a stereo input, with the real models."""

import asyncio
import time
from typing import Any

import numpy as np
import pytest

from local.testing import Stack
from tests.e2e.speech import FRAME_S, Clip, clip, wer
from tests.e2e.test_speech import socket_url
from tests.support.eventually import soon
from tests.support.recounts import Said, recount
from wire.audio import SAMPLE_RATE, decode_pcm, encode_pcm
from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import Ready
from wta.client.client import Client
from wta.client.options import Hooks

LEFT, RIGHT = "conversation.wav", "jfk.wav"
RIGHT_BEGINS_S = 1.5
"""Into the first sentence of the left one, whose others go on beside it."""
SAME_WORDS = 1
"""Wrong words more than alone: the samples are the same, texts depend on when workers have time for those of pauses.
Of 47 words one is 2 points, so a bound of a point would allow none."""
SPEAKERS = [{"name": "Ann", "role": "agent"}, {"name": "Bob", "role": "customer"}]


def call() -> tuple[Clip, Clip]:
    """What each channel has: the right one joins later, and both end with silence."""
    left, right = clip(LEFT), clip(RIGHT)
    assert left.rate == right.rate == SAMPLE_RATE
    pcms = [decode_pcm(left.pcm), np.pad(decode_pcm(right.pcm), (round(RIGHT_BEGINS_S * SAMPLE_RATE), 0))]
    length = max(len(pcm) for pcm in pcms)
    padded = [encode_pcm(np.pad(pcm, (0, length - len(pcm)))) for pcm in pcms]
    return Clip(padded[0], SAMPLE_RATE, left.texts), Clip(padded[1], SAMPLE_RATE, right.texts)


def interleaved(left: Clip, right: Clip) -> bytes:
    return encode_pcm(np.stack([decode_pcm(left.pcm), decode_pcm(right.pcm)], axis=1))


async def play(client: Client, pcm: bytes, channels: int) -> None:
    """Send audio in real time."""
    step = int(FRAME_S * SAMPLE_RATE) * 2 * channels
    started = time.monotonic()
    for number, offset in enumerate(range(0, len(pcm), step), 1):
        await client.send(pcm[offset : offset + step])
        await asyncio.sleep(max(0.0, started + number * FRAME_S - time.monotonic()))


async def alone(stack: Stack, leg: Clip) -> float:
    """The word error rate of a channel that is the only one."""
    async with Client(socket_url(stack), Start(language="en")) as client:
        await play(client, leg.pcm, 1)
        await client.stop()
    return wer(leg.text, client.results)


def of(client: Client, channel: int) -> list[Final | NoSpeech | SegmentFailed]:
    session_id = client.transcript.session_ids[channel]
    return [result for result in client.results if result.session_id == session_id]


def start() -> Start:
    return Start.model_validate({"channels": 2, "language": "en", "speakers": SPEAKERS})


@pytest.mark.timeout(300)
async def test_each_leg_of_a_call_is_a_talker_and_as_good_as_alone(stack: Stack) -> None:
    """By its name, with its own text; where both talk at once is counted, as a recount of the finals gives it."""
    legs = call()
    before = [await alone(stack, leg) for leg in legs]
    async with Client(socket_url(stack), start()) as client:
        await play(client, interleaved(*legs), 2)
        stopped = await client.stop()
    assert (stopped.pending, client.transcript.missing) == (0, 0)
    errors = [wer(leg.text, of(client, number)) for number, leg in enumerate(legs)]
    print(f"WER alone {before}, in the call {errors}")
    for leg, error, reference in zip(legs, errors, before, strict=True):
        assert error <= reference + SAME_WORDS / len(leg.text.split()) + 1e-9
    for number, speaker in enumerate(SPEAKERS):
        said = of(client, number)
        assert [result.segment for result in said] == list(range(len(said)))
        assert {(each.speaker.name, each.speaker.role) for each in said if each.speaker} == {(*speaker.values(),)}
    room = client.transcript.statistics["room"]
    assert room.conversation is not None
    print(f"overlap {room.conversation.overlap_ms} ms")
    began: dict[str, int] = {}
    finals = [result for result in client.results if isinstance(result, Final)]
    for final in finals:
        began.setdefault(final.session_id, final.began_ms)
    expected = recount(
        [
            Said(each.speaker.person, began[each.session_id] + each.start_ms, began[each.session_id] + each.end_ms)
            for each in finals
            if each.speaker
        ]
    )
    assert room.conversation.overlap_ms == expected.overlap_ms > 3_000
    assert abs(max(began.values()) - min(began.values())) < 100  # the channels have one clock


@pytest.mark.timeout(240)
async def test_both_legs_of_a_call_go_on_when_their_gateway_is_killed(stack: Stack) -> None:
    """In the middle of both sentences: each final comes once, and no word is lost or said twice."""
    legs = call()
    ready: list[Ready] = []

    def note(message: Any) -> None:
        if isinstance(message, Ready):
            ready.append(message)

    async with Client(socket_url(stack), start(), hooks=Hooks(on_message=note)) as client:
        playing = asyncio.create_task(play(client, interleaved(*legs), 2))
        await soon(lambda: client.transcript.acknowledged > 0, 60)
        await asyncio.sleep(1)
        pid = stack.kill("fastapi_service")
        await playing
        stopped = await client.stop()
    assert (stopped.pending, client.lost_samples) == (0, 0)
    assert [(each.channel, each.resumed) for each in ready] == [(0, False), (1, False), (0, True), (1, True)]
    for number, leg in enumerate(legs):
        said = of(client, number)
        assert [result.segment for result in said] == list(range(len(said)))
        assert wer(leg.text, said) <= 0.2
    assert [result.seq for result in client.results] == list(range(1, len(client.results) + 1))
    await asyncio.to_thread(stack.wait_restarted, "fastapi_service", pid)
    await asyncio.to_thread(stack.wait_ready)
