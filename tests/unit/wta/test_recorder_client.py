"""The client against a gateway whose connections break: everything arrives exactly once, in both directions."""

import asyncio
import ssl
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from certificates.server import ensure_certificate
from fastapi_service.api.problems import Problem
from tests.support.eventually import soon
from tests.support.recorders import unacknowledged
from tests.unit.wta.fake_gateway import SEGMENT, SESSION, TOKEN, FakeGateway
from wire.errors import WireError
from wire.messages.client import Start
from wire.messages.results import Final
from wire.messages.server import AnyServerMessage, Deleted, Error
from wta.client.client import Client
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.options import Hooks, Limits
from wta.client.session import WINDOW_S
from wta.client.tls import Tls

PATIENT = Limits(timeout_s=60, idle_timeout_s=60, first_pause_s=0.01)
FULL = (Error(code="service_full", message="All places are taken.", remedy="Wait.", fatal=True), 1013)
FRAME = 3_200
"""Bytes: 100 ms."""


def audio(seconds: float) -> bytes:
    """Samples that differ from their neighbours, so that a lost or doubled one shows."""
    return (np.arange(round(seconds * 16_000)) % 32_749).astype("<i2").tobytes()


async def send_all(client: Client, pcm: bytes) -> None:
    for at in range(0, len(pcm), FRAME):
        await client.send(pcm[at : at + FRAME])


async def test_an_undisturbed_session_delivers_everything() -> None:
    """All audio goes out, all results come back, and stop waits for the last one."""
    async with FakeGateway().running() as gateway, Client(gateway.url, limits=PATIENT) as client:
        await send_all(client, audio(3.5))
        stopped = await client.stop()
        assert (client.session_id, client.token) == (SESSION, TOKEN)
    assert gateway.safe == audio(3.5)
    assert stopped.segments == 4
    assert [result.seq for result in client.results] == [1, 2, 3, 4]
    assert unacknowledged(client) == 0


async def test_the_start_options_reach_the_gateway() -> None:
    """Language, room and sample rate are the caller's."""
    start = Start(language="ko", room="kitchen", sample_rate=48_000)
    async with FakeGateway().running() as gateway, Client(gateway.url, start, limits=PATIENT):
        pass
    assert gateway.starts == [start]


async def test_broken_connections_lose_and_double_nothing() -> None:
    """Cut in the middle of utterances, right after a start and while stopping: each sample and result arrives once."""
    heard: list[AnyServerMessage] = []
    notices: list[str] = []
    hooks = Hooks(heard.append, notices.append)
    gateway = FakeGateway(break_after=(40_000, FRAME, 40_000, FRAME))
    async with gateway.running(), Client(gateway.url, limits=PATIENT, hooks=hooks) as client:
        await send_all(client, audio(6.3))
        await client.stop()
    assert gateway.safe == audio(6.3)
    assert [result.segment for result in client.results] == list(range(7))
    assert [message.segment for message in heard if isinstance(message, Final)] == list(range(7))
    assert len(gateway.starts) == 5
    assert {(start.session_id, start.token) for start in gateway.starts[1:]} == {(SESSION, TOKEN)}
    assert any(notice.startswith("connection lost") for notice in notices)
    assert client.lost_samples == 0


async def test_results_are_asked_for_from_the_last_one_received() -> None:
    """A resumed connection names the highest sequence number that was seen."""
    gateway = FakeGateway(break_after=(2 * SEGMENT * 2 + FRAME,))
    async with gateway.running(), Client(gateway.url, limits=PATIENT) as client:
        await send_all(client, audio(2))
        await client.until(lambda: len(client.results) == 2)
        await client.send(audio(0.1))
        await client.until(lambda: gateway.connections == 2)
        await send_all(client, audio(1))
        await client.stop()
    assert [start.last_seq for start in gateway.starts] == [0, 2]


async def test_a_busy_gateway_is_asked_again() -> None:
    """1013 means later, not never; people read why they wait."""
    notices: list[str] = []
    gateway = FakeGateway(send_error=(FULL, FULL))
    async with gateway.running(), Client(gateway.url, limits=PATIENT, hooks=Hooks(on_notice=notices.append)):
        pass
    assert gateway.connections == 3
    assert "All places are taken." in notices[0]
    assert len(notices) == 2  # the same trouble is reported once, then that it is over


@pytest.mark.parametrize(
    ("code", "close", "fatal"),
    [("session_unknown", 1008, True), ("taken_over", 4409, True), ("unknown_language", 1000, False)],
)
async def test_a_refusal_is_final(code: str, close: int, fatal: bool) -> None:
    """What would be refused again is not tried again; its own words reach the caller."""
    refusal = Error(code=code, message="It is refused.", remedy="Do something else.", fatal=fatal)
    gateway = FakeGateway(send_error=((refusal, close),))
    async with gateway.running():
        with pytest.raises(GatewayError, match="Do something else") as refused:
            await Client(gateway.url, limits=PATIENT).__aenter__()
    assert refused.value.code == code
    assert not isinstance(refused.value, GatewayUnavailable)
    assert gateway.connections == 1


async def test_a_session_that_is_taken_over_ends_the_client() -> None:
    """Coming back would take it from the other connection again."""
    taken = Error(code="taken_over", message="It goes on elsewhere.", remedy="Close this one.", fatal=True)
    gateway = FakeGateway(break_after=(FRAME,), send_error=(None, (taken, 4409)))
    async with gateway.running(), Client(gateway.url, limits=PATIENT) as client:
        await send_all(client, audio(1))
        with pytest.raises(GatewayError, match="elsewhere"):
            await client.stop()
        with pytest.raises(GatewayError, match="elsewhere"):
            await client.send(audio(1))
    assert gateway.connections == 2


async def test_a_deleted_conversation_ends_the_client() -> None:
    """For good: a new session would record what was to be forgotten."""
    gateway = FakeGateway(send_error=((Deleted(session_id=SESSION), 1000),))
    async with gateway.running():
        with pytest.raises(GatewayError, match="was deleted") as ended:
            await Client(gateway.url, limits=PATIENT).__aenter__()
    assert ended.value.code == "deleted"
    assert gateway.connections == 1


async def test_nobody_there_is_told_after_the_timeout() -> None:
    """The error names the address and what to check."""
    async with FakeGateway().running() as gateway:
        url = gateway.url
    with pytest.raises(GatewayUnavailable, match="connection refused") as unavailable:
        await Client(url, limits=Limits(timeout_s=0)).__aenter__()
    assert url in unavailable.value.message


async def test_a_certificate_that_nobody_trusts_is_accepted_only_on_request(tmp_path: Path) -> None:
    """Without --insecure the error says how to go on."""
    made = ensure_certificate(tmp_path, ["127.0.0.1"])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.cert, made.key)
    async with FakeGateway().running(tls) as gateway:
        with pytest.raises(GatewayError, match="--insecure") as refused:
            await Client(gateway.url, limits=PATIENT).__aenter__()
        async with Client(gateway.url, limits=PATIENT, tls=Tls(insecure=True)) as client:
            await client.stop()
        with pytest.raises(GatewayError) as mistaken:
            await Client(gateway.url.replace("wss", "ws"), limits=Limits(timeout_s=0)).__aenter__()
    assert refused.value.code == "certificate_untrusted"
    assert mistaken.value.code in {"not_a_gateway", "gateway_away"}


async def test_results_that_come_late_are_fetched() -> None:
    """When stop is answered before the last result, the session is resumed until it is there."""
    gateway = FakeGateway(pending=1)
    async with gateway.running(), Client(gateway.url, limits=PATIENT) as client:
        await send_all(client, audio(1))
        assert (await client.stop()).pending == 0
    assert len(gateway.starts) == 2
    assert len(client.results) == 1


async def test_results_that_never_come_are_given_up() -> None:
    """A session that does not get on ends with an error instead of waiting for ever."""
    gateway = FakeGateway(pending=1_000)
    limits = Limits(idle_timeout_s=0.1, first_pause_s=0.01)
    async with gateway.running(), Client(gateway.url, limits=limits) as client:
        with pytest.raises(GatewayError) as given_up:
            await client.stop()
    assert given_up.value.code == "no_progress"


async def test_a_file_waits_while_the_buffer_is_full() -> None:
    """A long recording is never ahead of the acknowledgements by more than the buffer, and arrives whole."""
    limits = Limits(buffer_s=2, first_pause_s=0.01)
    gateway = FakeGateway(break_after=(100_000, 90_000))
    async with gateway.running(), Client(gateway.url, limits=limits) as client:
        pcm, most = audio(10), 0
        for at in range(0, len(pcm), FRAME):
            await client.send(pcm[at : at + FRAME])
            most = max(most, unacknowledged(client))
        await client.stop()
    assert most <= 2 * 16_000
    assert gateway.safe == pcm


class BusyGateway(FakeGateway):
    """Acknowledges nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0
        """Samples."""
        self.acknowledge = asyncio.Event()

    async def _on_audio(self, socket: ServerConnection, pcm: bytes) -> None:
        self.received += len(pcm) // 2
        if self.acknowledge.is_set():
            await super()._on_audio(socket, pcm)
        else:
            self._rest += pcm

    async def _start_session(self, socket: ServerConnection) -> None:
        await super()._start_session(socket)
        self.line = socket

    async def let_go(self) -> None:
        self.acknowledge.set()
        await super()._on_audio(self.line, b"")


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
async def test_a_file_has_a_window_of_audio_under_way(rate: int) -> None:
    """It waits for acknowledgements before the gateway has to stop reading, and arrives whole."""
    gateway = BusyGateway()
    start = Start(sample_rate=rate)
    async with gateway.running(), Client(gateway.url, start, limits=PATIENT) as client:
        pcm = (bytes(2) + b"\x01\x00") * (rate * 50 // 2)
        await client.send(pcm)
        stopping = asyncio.create_task(client.stop())
        await soon(lambda: gateway.received == WINDOW_S * rate)
        await asyncio.sleep(0.1)
        assert gateway.received == WINDOW_S * rate
        await gateway.let_go()
        await stopping
    assert gateway.safe == pcm


async def test_live_audio_has_no_window() -> None:
    """It comes no faster than it is spoken; after an outage all of it goes at once."""
    gateway = BusyGateway()
    async with gateway.running(), Client(gateway.url, limits=replace(PATIENT, live=True)) as client:
        await client.send(audio(100))
        await soon(lambda: gateway.received == 100 * 16_000)
        await gateway.let_go()
        await client.stop()
    assert gateway.safe == audio(100)


async def test_live_audio_forgets_the_oldest_and_says_so() -> None:
    """When the gateway is away for too long, silence stands in for what was lost: later speech keeps its time."""
    notices: list[str] = []
    gateway = FakeGateway(break_after=(FRAME,), send_error=(None, FULL))
    limits = Limits(buffer_s=2, first_pause_s=0.01, live=True)
    hooks = Hooks(on_notice=notices.append)
    async with gateway.running(), Client(gateway.url, limits=limits, hooks=hooks) as client:
        await client.send(audio(0.1))
        await client.until(lambda: bool(notices))
        await send_all(client, audio(10)[FRAME:])
        await client.stop()
    assert gateway.gaps == [8 * 16_000]
    assert client.lost_samples == 8 * 16_000
    assert gateway.safe == bytes(8 * 32_000) + audio(10)[8 * 32_000 :]
    assert any("dropping the oldest" in notice for notice in notices)
    assert "8.0 s of audio are lost" in notices


async def test_another_client_can_go_on_with_a_session() -> None:
    """Session id and token are all it needs; its audio follows what is safe."""
    gateway = FakeGateway()
    async with gateway.running():
        async with Client(gateway.url, limits=PATIENT) as first:
            await send_all(first, audio(2))
            await first.until(lambda: len(first.results) == 2)
        start = Start(session_id=first.session_id, token=first.token, last_seq=2)
        async with Client(gateway.url, start, limits=PATIENT) as second:
            await send_all(second, audio(1))
            await second.stop()
    assert gateway.safe == audio(2) + audio(1)
    assert [result.seq for result in second.results] == [3]


async def test_what_speaks_another_language_is_no_gateway() -> None:
    """A WebSocket that says something else ends in a sentence, not in a validation error."""

    async def babble(socket: ServerConnection) -> None:
        await socket.send('{"type": "hello"}')
        await socket.wait_closed()

    async with serve(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(GatewayError) as refused:
            await Client(f"ws://127.0.0.1:{port}/ws", limits=PATIENT).__aenter__()
    assert refused.value.code == "not_understood"


@pytest.mark.parametrize(("status", "kind"), [(404, GatewayError), (403, GatewayError), (503, GatewayUnavailable)])
async def test_a_web_server_without_gateway_is_told_from_a_restarting_one(
    status: int, kind: type[GatewayError]
) -> None:
    """404 is a wrong address; 503 is a proxy whose gateway is not there yet."""

    def answer(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(HTTPStatus(status), "")

    async def never(_socket: ServerConnection) -> None:
        raise AssertionError("the handshake was refused")

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(GatewayError) as refused:
            await Client(f"ws://127.0.0.1:{port}/ws", limits=Limits(timeout_s=0)).__aenter__()
    assert type(refused.value) is kind


async def test_key_goes_into_the_handshake_and_a_refusal_names_its_setting() -> None:
    """No message has the key; what the gateway says of a wrong one reaches the person, who cannot try again."""
    problem = Problem.of(WireError("grant_refused", "It is wrong.", "Take another."), 401).model_dump_json()
    sent: list[str | None] = []

    def answer(connection: ServerConnection, request: Request) -> Response:
        sent.append(request.headers.get("Authorization"))
        return connection.respond(HTTPStatus.UNAUTHORIZED, problem)

    async def never(_socket: ServerConnection) -> None:
        raise AssertionError("the handshake was refused")

    async with serve(never, "127.0.0.1", 0, process_request=answer) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(GatewayError, match="RECORDER_KEY") as refused:
            await Client(f"ws://127.0.0.1:{port}/ws", Start(key="wta_x"), limits=PATIENT).__aenter__()
    assert (refused.value.code, sent) == ("grant_refused", ["Bearer wta_x"])
