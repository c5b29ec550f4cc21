"""OpenAI Realtime: real gateways, queue, workers and listener, without models."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets

from infra.sound import g711
from tests.support.gateways import RECEIVE_S, Gateway
from tests.support.sounds import quiet, speech
from wire.audio import decode_pcm

RATE = 24_000
SENTENCE = speech(RATE) + quiet(2 * RATE)
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@pytest.fixture
def gateway(workers: None, start_gateway: Callable[..., Gateway]) -> Gateway:  # noqa: ARG001 (they run)
    return start_gateway()


class Client:
    """Sends events, and keeps what comes."""

    def __init__(self, line: websockets.ClientConnection) -> None:
        self._line = line
        self.received: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self._line.send(json.dumps({"type": kind} | fields))

    async def configure(self, **fields: Any) -> None:
        await self.send("session.update", session={"type": "transcription", "audio": {"input": fields}})
        await self.until("session.updated")

    async def append(self, audio: bytes, piece: int = RATE) -> None:
        for at in range(0, len(audio), piece):
            await self.send("input_audio_buffer.append", audio=base64.b64encode(audio[at : at + piece]).decode())

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(RECEIVE_S):
            while True:
                event: dict[str, Any] = json.loads(await self._line.recv())
                self.received.append(event)
                if event["type"] == kind:
                    return event

    def types(self) -> list[str]:
        """Types without those of deltas, of which there are more or fewer."""
        return [event["type"] for event in self.received if event["type"] != f"{TRANSCRIPTION}.delta"]

    def deltas(self, item_id: str) -> str:
        """The deltas of an item, joined."""
        return "".join(
            event["delta"] for event in self.received if event.get("item_id") == item_id and "delta" in event
        )


@asynccontextmanager
async def client_of(gateway: Gateway, **options: Any) -> AsyncIterator[Client]:
    async with websockets.connect(f"{gateway.http}/v1/realtime".replace("http", "ws"), **options) as line:
        client = Client(line)
        await client.until("session.created")
        yield client


async def test_silence_commits_what_was_said(gateway: Gateway) -> None:
    """The events of each utterance come in OpenAI's order; its deltas are its transcript."""
    async with client_of(gateway) as client:
        await client.configure(turn_detection={"type": "server_vad", "silence_duration_ms": 400})
        found = []
        for _ in range(2):
            await client.append(SENTENCE)
            found.append(await client.until(f"{TRANSCRIPTION}.completed"))
        buffer, item = "input_audio_buffer", "conversation.item"
        utterance = [f"{buffer}.speech_started", f"{buffer}.speech_stopped", f"{buffer}.committed", f"{item}.added",
                     f"{item}.done", f"{TRANSCRIPTION}.completed"]  # fmt: skip
        assert client.types() == ["session.created", "session.updated", *utterance, *utterance]
        assert [client.deltas(event["item_id"]) for event in found] == [event["transcript"] for event in found]
        assert [event["usage"]["seconds"] for event in found] == pytest.approx([1.4, 1.7], abs=0.1)
        first, second = (event for event in client.received if event["type"] == f"{buffer}.committed")
        assert (first["previous_item_id"], second["previous_item_id"]) == (None, first["item_id"])
        (sentiment,) = found[0]["sentiments"]
        assert sentiment["sentiment"]["label"] in {"negative", "neutral", "positive"}


async def test_a_manual_commit_is_one_item_however_long_it_is(gateway: Gateway) -> None:
    """Pauses do not end it, and the parts of half a minute are one transcript."""
    async with client_of(gateway) as client:
        await client.configure(turn_detection=None)
        await client.append(10 * SENTENCE)
        await client.send("input_audio_buffer.commit")
        event = await client.until(f"{TRANSCRIPTION}.completed")
        assert len(event["sentiments"]) >= 2
        assert event["transcript"] == " ".join(part["text"] for part in event["sentiments"])
        assert client.deltas(event["item_id"]) == event["transcript"]
        assert event["usage"] == {"type": "duration", "seconds": 30.0}
        await client.append(quiet(RATE))
        await client.send("input_audio_buffer.commit")
        assert (await client.until(f"{TRANSCRIPTION}.completed"))["transcript"] == ""
        assert client.types().count("input_audio_buffer.committed") == 2


async def test_cleared_audio_has_no_transcript(gateway: Gateway) -> None:
    """With turn detection and with commits; what was said before and after has one."""
    async with client_of(gateway) as client:
        await client.append(speech(RATE))
        await client.send("input_audio_buffer.clear")
        await client.until("input_audio_buffer.cleared")
        await client.append(quiet(RATE))
        await client.configure(turn_detection=None)
        await client.append(speech(2 * RATE))
        await client.send("input_audio_buffer.clear")
        await client.append(speech(RATE // 2))
        await client.send("input_audio_buffer.commit")
        event = await client.until(f"{TRANSCRIPTION}.completed")
        assert event["transcript"] == "8000 samples of speech"
        assert client.types().count(f"{TRANSCRIPTION}.completed") == 1


@pytest.mark.parametrize(("coding", "encode"), [("audio/pcmu", g711.encode_mulaw), ("audio/pcma", g711.encode_alaw)])
async def test_telephone_speech_is_taken_in_both_laws(
    gateway: Gateway, coding: str, encode: Callable[..., bytes]
) -> None:
    """The format may change in the session, and no sample is lost."""
    async with client_of(gateway) as client:
        await client.configure(turn_detection=None, format={"type": coding})
        await client.append(encode(decode_pcm(speech(4_000))), piece=1_001)
        await client.configure(format={"type": "audio/pcm"})
        await client.append(speech(RATE // 2), piece=4_801)
        await client.configure(format={"type": coding})
        await client.append(encode(decode_pcm(speech(4_000))))
        await client.send("input_audio_buffer.commit")
        event = await client.until(f"{TRANSCRIPTION}.completed")
        assert event["usage"]["seconds"] == 1.5
        assert int(event["transcript"].split()[0]) == pytest.approx(24_000, abs=16)


async def test_refused_events_leave_the_session_as_it_is(gateway: Gateway) -> None:
    """Each has an error that names it; audio goes on."""
    async with client_of(gateway) as client:
        await client.send("input_audio_buffer.commit", event_id="early")
        assert (await client.until("error"))["error"]["event_id"] == "early"
        await client.send("response.create", event_id="no model")
        assert (await client.until("error"))["error"]["code"] == "unsupported_event"
        await client.append(SENTENCE)
        await client.until(f"{TRANSCRIPTION}.completed")


async def test_a_page_presents_its_key_among_the_subprotocols(gateway: Gateway) -> None:
    """The gateway accepts ``realtime``; where access is open, any key is as good as none."""
    offered = ["realtime", "openai-insecure-api-key.sk-any"]
    async with client_of(gateway, subprotocols=offered) as client:
        assert client._line.subprotocol == "realtime"
    async with websockets.connect(
        f"{gateway.http}/v1/realtime".replace("http", "ws"), additional_headers={"OpenAI-Beta": "realtime=v1"}
    ) as line:
        assert json.loads(await line.recv())["type"] == "transcription_session.created"


async def test_an_event_of_megabytes_is_taken(gateway: Gateway) -> None:
    """Five minutes of silence in 15 MiB, and the utterance behind them."""
    async with client_of(gateway, compression=None) as client:
        await client.append(bytes(15 << 20), piece=15 << 20)
        await client.append(SENTENCE)
        event = await client.until("input_audio_buffer.speech_started")
        assert event["audio_start_ms"] == pytest.approx((15 << 20) / 48 - 300, abs=40)
        await client.until(f"{TRANSCRIPTION}.completed")
