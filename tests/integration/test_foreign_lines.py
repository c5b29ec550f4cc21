"""``/v1/listen`` and ``/twilio`` with real gateways and workers, open and closed; the models are instant ones."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import websockets
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from fastapi_service.storage.keys import KeyStore
from infra.sound.g711 import encode_mulaw
from tests.support.gateways import RECEIVE_S, Gateway, Person
from tests.support.opus_files import SECONDS, in_ogg
from tests.support.redis import AsyncRedis
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE, decode_pcm

LINEAR = "encoding=linear16&sample_rate=16000"
SENTENCE = speech(SAMPLE_RATE) + quiet(2 * SAMPLE_RATE)
SID = "CA" + "0123456789abcdef" * 2
FRAME_MS = 20
WRONG = f"wta_00000000_{'x' * 43}"


@pytest.fixture
async def closed(start_gateway: Callable[..., Gateway], aredis: AsyncRedis) -> tuple[Gateway, str]:
    """A closed gateway, and a key that may talk."""
    gateway = start_gateway(GATEWAY_ACCESS="closed")
    _, key = await KeyStore(aredis).create("line", ["talk"])
    return gateway, key


def listen(gateway: Gateway, query: str = LINEAR, **options: Any) -> websockets.connect:
    return websockets.connect(f"{gateway.http.replace('http', 'ws')}/v1/listen?{query}", **options)


async def transcribed(line: websockets.ClientConnection, *frames: bytes | str) -> list[dict[str, Any]]:
    """Send everything and the end; returns what came."""
    for frame in (*frames, '{"type":"CloseStream"}'):
        await line.send(frame)
    async with asyncio.timeout(RECEIVE_S):
        return [json.loads(message) async for message in line]


@pytest.mark.usefixtures("workers")
async def test_stream_has_a_result_for_each_sentence(start_gateway: Callable[..., Gateway]) -> None:
    """In order, with the beginning of each, and a summary."""
    async with listen(start_gateway()) as line:
        *results, summary = await transcribed(
            line, *[SENTENCE[at : at + 6_400] for at in range(0, len(SENTENCE), 6_400)] * 2
        )
        assert line.close_code == 1000
    assert [result["type"] for result in results] == ["Results", "Results"]
    assert [result["start"] for result in results] == [0.0, pytest.approx(2.7, abs=0.1)]
    assert [result["speech_final"] for result in results] == [True, True]
    assert (summary["type"], summary["duration"]) == ("Metadata", 6.0)


@pytest.mark.usefixtures("workers")
async def test_finalize_is_answered_behind_its_text(start_gateway: Callable[..., Gateway]) -> None:
    """In the middle of speech."""
    async with listen(start_gateway(), f"{LINEAR}&vad_events=true") as line:
        await line.send(speech(SAMPLE_RATE))
        await line.send('{"type":"Finalize"}')
        async with asyncio.timeout(RECEIVE_S):
            begin, result = [json.loads(await line.recv()) for _ in range(2)]
    assert (begin["type"], result["type"], result["from_finalize"]) == ("SpeechStarted", "Results", True)
    assert result["channel"]["alternatives"][0]["transcript"].endswith("samples of speech")


@pytest.mark.usefixtures("workers")
async def test_two_channels_have_results_of_their_own(start_gateway: Callable[..., Gateway]) -> None:
    """Left speaks first."""
    later = quiet(2 * SAMPLE_RATE) + speech(SAMPLE_RATE)
    pairs = zip(decode_pcm(SENTENCE).tolist(), decode_pcm(later).tolist(), strict=True)
    stereo = b"".join(
        left.to_bytes(2, "little", signed=True) + right.to_bytes(2, "little", signed=True) for left, right in pairs
    )
    async with listen(start_gateway(), f"{LINEAR}&channels=2&multichannel=true") as line:
        *results, summary = await transcribed(line, stereo)
    assert sorted((tuple(each["channel_index"]), round(each["start"], 1)) for each in results) == [
        ((0, 2), 0.0),
        ((1, 2), 1.7),
    ]
    assert (summary["channels"], summary["duration"]) == (2, 3.0)


@pytest.mark.usefixtures("workers")
async def test_opus_in_ogg_is_a_stream_as_well(start_gateway: Callable[..., Gateway]) -> None:
    """In pieces that end anywhere; its length is that of what was encoded."""
    data = in_ogg()
    async with listen(start_gateway(), "encoding=ogg-opus&sample_rate=16000") as line:
        *results, summary = await transcribed(line, *[data[at : at + 1_000] for at in range(0, len(data), 1_000)])
    assert [result["duration"] for result in results] == [pytest.approx(SECONDS, abs=0.2)]
    assert summary["duration"] == pytest.approx(SECONDS, abs=0.1)


async def test_key_comes_in_where_deepgrams_clients_put_it(closed: tuple[Gateway, str]) -> None:
    """The header ``Token`` or ``Bearer``, or the sub-protocol behind ``token``, which is accepted alone."""
    gateway, key = closed
    for scheme in ("Token", "token", "Bearer"):
        async with listen(gateway, additional_headers={"Authorization": f"{scheme} {key}"}) as line:
            assert (await transcribed(line, bytes(640)))[-1]["type"] == "Metadata"
    async with listen(gateway, subprotocols=[Subprotocol("token"), Subprotocol(key)]) as line:
        assert line.subprotocol == "token"
        assert (await transcribed(line, bytes(640)))[-1]["type"] == "Metadata"


@pytest.mark.parametrize("authorization", [None, f"Token {WRONG}", "Token secret-of-another-service"])
async def test_wrong_key_is_refused_in_the_handshake(closed: tuple[Gateway, str], authorization: str | None) -> None:
    """With 401 and Deepgram's body; the key is not repeated."""
    headers = {"Authorization": authorization} if authorization else {}
    with pytest.raises(InvalidStatus) as refused:
        await listen(closed[0], additional_headers=headers)
    answer = refused.value.response
    assert (answer.status_code, json.loads(answer.body)["err_code"]) == (401, "INVALID_AUTH")
    assert b"wta_" not in answer.body


def events(*tracks: str, **parameters: str) -> list[str]:
    """A call as Twilio sends it: each track is silent, then speaks, then is silent."""
    sound = decode_pcm(quiet(4_000) + speech(16_000) + quiet(16_000))[::2]
    start = {"callSid": SID, "tracks": tracks, "customParameters": parameters}
    start["mediaFormat"] = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    found: list[dict[str, Any]] = [{"event": "connected", "protocol": "Call", "version": "1.0.0"}]
    found.append({"event": "start", "sequenceNumber": "1", "streamSid": "MZ1", "start": start})
    for at in range(0, len(sound), 8 * FRAME_MS):
        payload = base64.b64encode(encode_mulaw(sound[at : at + 8 * FRAME_MS])).decode()
        media = {"timestamp": str(at // 8), "payload": payload}
        found += [{"event": "media", "media": media | {"track": track}} for track in tracks]
    return [json.dumps(event) for event in found]


@pytest.mark.usefixtures("workers")
async def test_call_is_read_in_its_room(start_gateway: Callable[..., Gateway]) -> None:
    """Both legs have a text with a name; Twilio gets nothing, and the call ends well."""
    gateway = start_gateway()
    async with (
        websockets.connect(gateway.ws) as watching,
        websockets.connect(gateway.ws.replace("/ws", "/twilio")) as call,
    ):
        reader = await Person.enter(watching, room=SID)
        for event in events("inbound", "outbound", name_inbound="Ann", name_outbound="Bob"):
            await call.send(event)
        speakers = [(await reader.until("final"))["speaker"] for _ in range(2)]
        await call.send(json.dumps({"event": "stop", "stop": {"callSid": SID}}))
        async with asyncio.timeout(RECEIVE_S):
            assert [message async for message in call] == []
        assert call.close_code == 1000
    assert sorted((each["name"], each["role"]) for each in speakers) == [("Ann", "inbound"), ("Bob", "outbound")]


@pytest.mark.usefixtures("workers")
async def test_call_brings_its_key_in_a_parameter(closed: tuple[Gateway, str]) -> None:
    """Without one, or with a wrong one, it ends at once; with it, the room is that of the key."""
    gateway, key = closed
    at = gateway.ws.replace("/ws", "/twilio")
    for parameters in ({}, {"key": WRONG}):
        async with websockets.connect(at) as call:
            for event in events("inbound", **parameters)[:2]:
                await call.send(event)
            async with asyncio.timeout(RECEIVE_S):
                await call.wait_closed()
            assert call.close_code == 1008
    headers = {"Authorization": f"Bearer {key}"}
    async with websockets.connect(at) as call, websockets.connect(gateway.ws, additional_headers=headers) as watching:
        for event in events("inbound", key=key, room="desk")[:20]:
            await call.send(event)
        reader = await Person.enter(watching, room="desk")
        await reader.until("people", people=2)
