"""A telephone call in the form of Twilio's Media Streams, with the real models, read in its room."""

import asyncio
import base64
import json
from typing import Any

import numpy as np
import websockets

from infra.sound.g711 import encode_mulaw
from local.testing import Stack
from tests.e2e.clients.listening import LOBSTER, SILLY, errors_in
from tests.e2e.speech import Clip
from tests.support.gateways import Person
from wire.audio import decode_pcm

SID = "CA" + "fedcba9876543210" * 2
FRAME_MS = 20
PAUSE_S = 1.5
MOST_ERRORS = 0.15


def telephone(clip: Clip, behind_s: float, seconds: float) -> list[bytes]:
    """A leg of a call: a clip that begins later, as messages of 20 ms."""
    speech = decode_pcm(clip.pcm).astype(np.int32).reshape(-1, 2).mean(axis=1).astype(np.int16)
    leg = np.zeros(int(seconds * 8_000), dtype=np.int16)
    begin = int(behind_s * 8_000)
    leg[begin : begin + len(speech)] = speech
    data, size = encode_mulaw(leg), 8 * FRAME_MS
    return [data[at : at + size] for at in range(0, len(data), size)]


def event(kind: str, content: dict[str, Any]) -> str:
    return json.dumps({"event": kind, "streamSid": "MZ1", kind: content})


async def test_call_has_both_legs_with_names_words_and_times(stack: Stack) -> None:
    """One begins while the other speaks; each has its own words."""
    seconds = 1.0 + len(LOBSTER.pcm) / 2 / LOBSTER.rate + PAUSE_S
    legs = {"inbound": telephone(SILLY, 0.0, seconds), "outbound": telephone(LOBSTER, 1.0, seconds)}
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    people = {"name_inbound": "Caller", "name_outbound": "Ann", "role_outbound": "agent", "language": "en"}
    start = {"callSid": SID, "tracks": [*legs], "mediaFormat": form, "customParameters": people}
    line = stack.url.replace("http", "ws", 1)
    async with websockets.connect(f"{line}/ws") as watching, websockets.connect(f"{line}/twilio") as call:
        reader = await Person.enter(watching, room=SID)
        await call.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        await call.send(event("start", start))
        for number, frames in enumerate(zip(*legs.values(), strict=True)):
            for track, frame in zip(legs, frames, strict=True):
                payload = base64.b64encode(frame).decode()
                media = {"track": track, "timestamp": str(number * FRAME_MS), "payload": payload}
                await call.send(event("media", media))
            await asyncio.sleep(FRAME_MS / 1000)
        await call.send(event("stop", {"callSid": SID}))
        async with asyncio.timeout(30):
            assert [message async for message in call] == []
        await reader.ping()
    assert call.close_code == 1000
    finals = [message for message in reader.received if message["type"] == "final"]
    for (name, role), clip in ((("Caller", "inbound"), SILLY), (("Ann", "agent"), LOBSTER)):
        own = [each for each in finals if each["speaker"]["name"] == name]
        assert {each["speaker"]["role"] for each in own} == {role}
        assert errors_in(clip.text, " ".join(each["text"] for each in own)) <= MOST_ERRORS
        assert all(each["sentiment"] for each in own)
    assert min(each["start_ms"] for each in finals if each["speaker"]["name"] == "Ann") >= 600
