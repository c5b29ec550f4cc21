"""``/v1/listen``: golden conversations, and a connection with hand-made surroundings."""

import asyncio
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service import errors
from fastapi_service.api.connection import Connection
from fastapi_service.api.deepgram.serializer import MAX_FRAME, ListenSerializer
from fastapi_service.api.serializer import Audio, Begin, Flush, Incoming
from fastapi_service.delivery.frames import Frame, Reply
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.settings import Settings
from infra.sound.g711 import encode_mulaw
from tests.support.connections import FakeLog, FakeRegistry, FakeSession, FakeSocket, FakeVisit
from tests.support.opus_files import in_ogg
from tests.support.speakers import final
from tests.support.wav_headers import header
from wire.close_codes import CloseCode
from wire.errors import AudioError, ProtocolError
from wire.messages.client import Configure, Ping, Stop
from wire.messages.server import Configured, Interim, Pong, SpeechEnded, SpeechStarted, server_message

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "deepgram").glob("*.json"))
LINEAR = "encoding=linear16&sample_rate=16000"
REQUEST = "0f8fad5b-d9cb-469f-a165-70867728950e"
SPEECH = np.arange(-800, 800).astype(np.int16)
VARYING = ("created", "sha256")


def serializer(query: str = LINEAR) -> ListenSerializer:
    return ListenSerializer(parse_qsl(query, keep_blank_values=True), request_id=REQUEST, version="1.0")


def begun(query: str = LINEAR) -> ListenSerializer:
    found = serializer(query)
    found.connect()
    return found


def frames_of(sut: ListenSerializer, *messages: Incoming) -> list[Frame]:
    """What comes at once: replies, and the answers to pings, as the connection gives them."""
    frames: list[Frame] = []
    for message in messages:
        if isinstance(message, Reply):
            frames += message.frames
        elif isinstance(message, Ping):
            frames += sut.encode(Pong(id=message.id))
    return frames


def frames_for(sut: ListenSerializer, step: dict[str, Any]) -> list[Frame]:
    """One step of a conversation: what the client sends, or what the system says."""
    match step:
        case {"audio_ms": ms}:
            return frames_of(sut, *sut.decode(bytes(32 * ms)))
        case {"client": command}:
            return frames_of(sut, *sut.decode(json.dumps(command)))
        case _:
            return list(sut.encode(server_message.validate_python(step["system"])))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_golden_conversation_has_the_frames_of_deepgram(file: Path) -> None:
    """Each step is followed by exactly the frames that the file pins."""
    conversation = json.loads(file.read_text("utf-8"))
    sut = begun(f"{LINEAR}&{conversation['query']}")
    for step in conversation["steps"]:
        found = [json.loads(frame) for frame in frames_for(sut, step)]
        for frame in found:
            for field in VARYING:
                if field in frame:
                    assert isinstance(frame.pop(field), str)
        assert found == step["frames"], step


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ("", EndpointingChange()),
        ("endpointing=false", EndpointingChange()),
        ("endpointing=400", EndpointingChange(silence_ms=400, unfinished_ms=0)),
    ],
)
def test_handshake_begins_the_session(query: str, change: EndpointingChange) -> None:
    """With languages, terms, rate and the silence that ends an utterance."""
    (message,) = serializer(f"{LINEAR}&language=ko&keyterm=Valkey&{query}").connect()
    assert isinstance(message, Begin)
    start = message.start
    assert (start.languages, start.prompt, start.sample_rate) == (("ko",), "Valkey", 16_000)
    assert (start.channels, message.endpointing) == (1, change)


def test_two_talkers_come_interleaved() -> None:
    """As they are, in whole moments."""
    sut = serializer(f"{LINEAR}&channels=2&multichannel=true")
    (message,) = sut.connect()
    assert isinstance(message, Begin)
    assert message.start.channels == 2
    assert sut.decode(b"\1\0\2\0\3") == (Audio(b"\1\0\2\0"),)
    assert sut.decode(b"\0\4\0") == (Audio(b"\3\0\4\0"),)


def test_stream_with_a_header_begins_with_it() -> None:
    """The session has the rate of the header, and nothing of the header is sound."""
    sut = serializer("interim_results=true")
    assert sut.connect() == ()
    data = header(7, 1, 8_000, 8) + encode_mulaw(SPEECH)
    assert sut.decode(data[:20]) == ()
    begin, audio = sut.decode(data[20:])
    assert isinstance(begin, Begin)
    assert begin.start.sample_rate == 8_000
    assert isinstance(audio, Audio)
    assert len(audio.pcm) == 2 * len(SPEECH)


@pytest.mark.parametrize(("language", "text"), [("ja", "そうですね"), ("en", "そう ですね")])
def test_interim_text_is_joined_as_its_language_has_it(language: str, text: str) -> None:
    """What is stable and what is not come without the space between them."""
    sut = begun(f"{LINEAR}&interim_results=true")
    message = Interim(segment=0, revision=1, stable="そう", unstable="ですね", language=language)
    (frame,) = sut.encode(message)
    assert json.loads(frame)["channel"]["alternatives"][0]["transcript"] == text


def test_stream_of_another_kind_ends() -> None:
    """With the reason, before it is taken for sound."""
    sut = serializer("model=nova-3")
    sut.connect()
    with pytest.raises(AudioError):
        sut.decode(b"OggS" + bytes(40))


def test_commands_are_the_systems_messages() -> None:
    """An empty message ends a stream, as older clients do it."""
    sut = begun()
    assert sut.decode('{"type":"KeepAlive"}') == ()
    assert sut.decode('{"type":"Finalize"}') == (Flush(), Ping(id="finalize"))
    assert sut.decode('{"type":"Finalize","channel":0}') == (Flush(0), Ping(id="finalize:0"))
    assert sut.decode('{"type":"CloseStream"}') == sut.decode(b"") == (Stop(),)
    assert sut.decode('{"type":"Configure","keyterms":["Valkey"]}') == (
        Configure(prompt="Valkey"),
        Ping(id="configure:1"),
    )


def test_finalize_of_one_channel_leaves_the_other_alone() -> None:
    """Also its answer is for that channel only."""
    sut = begun(f"{LINEAR}&channels=2&multichannel=true")
    messages = sut.decode('{"type":"Finalize","channel":1}')
    assert messages == (Flush(1), Ping(id="finalize:1"))
    assert [json.loads(frame)["channel_index"] for frame in frames_of(sut, *messages)] == [[1, 2]]


def test_each_finalize_is_answered() -> None:
    """By the text of its utterance, however late that is; by a result without text where nothing was said since."""
    sut, frames, finalize = begun(), list[Frame](), '{"type":"Finalize"}'
    for segment in (0, 1):
        sut.encode(SpeechStarted(segment=segment, at_ms=segment * 1_000))
        sut.encode(SpeechEnded(segment=segment, start_ms=segment * 1_000, end_ms=segment * 1_000 + 900, reason="flush"))
        frames += frames_of(sut, *sut.decode(finalize), *sut.decode(finalize))
    assert frames == []
    results = [json.loads(frame) for segment in (0, 1) for frame in sut.encode(final(segment))]
    found = [(each["from_finalize"], bool(each["channel"]["alternatives"][0]["transcript"])) for each in results]
    assert found == [(True, True), (True, False)] * 2


@pytest.mark.parametrize("channel", [2, -1, True, "0", [], 1.0])
def test_finalize_of_a_channel_that_is_none_ends_nothing(channel: object) -> None:
    """Without the field, all are ended."""
    sut = begun(f"{LINEAR}&channels=2&multichannel=true")
    assert sut.decode(json.dumps({"type": "Finalize", "channel": channel})) == ()


@dataclasses.dataclass
class SlowSession(FakeSession):
    """Has a change written when ``store`` is set, as with a Redis that is busy."""

    store: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    writing: asyncio.Task[None] | None = None

    async def configure(self, change: Configure) -> None:
        self.record = self.record.configured(change)
        before, written = self.writing, Configured.model_validate(self.record, from_attributes=True)

        async def write() -> None:
            if before is not None:
                await before
            await self.store.wait()
            self.send(written)

        self.writing = asyncio.create_task(write())

    async def finish(self) -> None:
        self.store.set()
        if self.writing is not None:
            await self.writing


def configure(*terms: str) -> str:
    return json.dumps({"type": "Configure", "keyterms": terms})


async def test_answers_to_configure_come_in_the_order_of_the_commands() -> None:
    """They name no command. What is refused at once waits for what is still being written; each has its own terms."""
    commands = [configure("a"), configure("x" * 401), configure("b", "c"), '{"type":"Configure"}']
    registry = FakeRegistry(SlowSession())
    socket = await converse(serializer(), *commands, '{"type":"CloseStream"}', registry=registry)
    answers = [(answer["type"], answer.get("keyterms")) for answer in socket.received]
    assert answers == [
        ("ConfigureSuccess", ["a"]),
        ("ConfigureFailure", None),
        ("ConfigureSuccess", ["b", "c"]),
        ("ConfigureSuccess", None),
        ("Metadata", None),
    ]


def test_answer_to_configure_has_the_terms_in_effect() -> None:
    """Each once, without the blanks around it, of which a client may send megabytes."""
    sut = begun()
    sut.encode(Configured(language=None))
    change, answered = sut.decode(configure("  a ", "", "a", " b\nc", " " * 100_000))
    assert change == Configure(prompt="a, b c")
    (answer,) = frames_of(sut, answered)
    assert json.loads(answer)["keyterms"] == ["a", "b c"]


def test_configure_of_two_talkers_is_answered_once() -> None:
    """When both sessions have it, in whatever order they write."""
    sut = begun(f"{LINEAR}&channels=2&multichannel=true")
    for terms in ("a", "b"):
        assert frames_of(sut, *sut.decode(configure(terms))) == []
    written = [len(sut.encode(Configured(language=None, channel=channel))) for channel in (0, 0, 1, 1)]
    assert written == [0, 0, 1, 1]


async def test_configure_that_is_refused_leaves_the_others_their_answers() -> None:
    """A reader may change no terms, and gets an error in place of an answer."""
    socket = FakeSocket(configure("a"), configure("x" * 401), '{"type":"CloseStream"}')
    visit = FakeVisit(rights=("read",))
    sut = serializer()
    await Connection(socket, sut, FakeRegistry(), FakeLog(), Settings(), visit).serve(sut.connect())
    assert [frame["type"] for frame in socket.received] == ["Error", "ConfigureFailure", "Metadata"]


async def test_configure_before_the_header_of_the_audio_holds_from_the_beginning() -> None:
    """The session begins with the terms."""
    registry = FakeRegistry()
    audio = header(1, 1, 16_000, 16) + bytes(3_200)
    socket = await converse(serializer("keyterm=old"), configure("new"), audio, b"", registry=registry)
    assert [frame["type"] for frame in socket.received] == ["ConfigureSuccess", "Metadata"]
    assert [start.prompt for start in registry.starts] == ["new"]


@pytest.mark.parametrize("frame", ["", "hello", "[]", '{"type":"Sing"}', "{}", "[" * 100_000])
def test_text_that_is_no_command_is_refused(frame: str) -> None:
    """The client may go on."""
    with pytest.raises(ProtocolError) as refused:
        begun().decode(frame)
    assert refused.value.code == "unknown_message"


def test_command_as_large_as_audio_is_refused() -> None:
    """Before it is read."""
    with pytest.raises(ProtocolError) as refused:
        begun().decode('{"type":"Configure","keyterms":[' + "[]," * 100_000 + "[]]}")
    assert refused.value.code == "too_large"


def test_long_audio_is_passed_on_in_pieces_and_too_long_audio_refused() -> None:
    """Deepgram's clients send files in large messages."""
    sut = begun()
    parts = sut.decode(bytes(200_000))
    assert [len(part.pcm) for part in parts if isinstance(part, Audio)] == [65_536] * 3 + [3_392]
    with pytest.raises(ProtocolError):
        sut.decode(bytes(MAX_FRAME + 1))


async def test_long_opus_is_decoded_while_it_is_taken_in() -> None:
    """A limit that it reaches ends it before all of it is decoded, and others have their turn meanwhile."""
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    class Strict(FakeVisit):
        def take_audio(self, seconds: float) -> None:
            super().take_audio(seconds)
            if self.audio_s > 2:
                raise errors.too_fast(1)

    sut, visit, others = serializer("encoding=ogg-opus&sample_rate=16000"), Strict(), asyncio.create_task(take_turns())
    socket = FakeSocket(in_ogg())
    await Connection(socket, sut, FakeRegistry(), FakeLog(), Settings(), visit).serve(sut.connect())
    others.cancel()
    assert [frame["variant"] for frame in socket.received] == ["too_fast"]
    assert 2 < visit.audio_s < 2.5
    assert sut._summary.samples == round(visit.audio_s * 16_000)
    assert turns > 2


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        (CloseCode.NORMAL, 1000),
        (CloseCode.POLICY, 1008),
        (CloseCode.UNSUPPORTED_DATA, 1008),
        (CloseCode.TRY_LATER, 1011),
        (CloseCode.INTERNAL_ERROR, 1011),
    ],
)
def test_close_frame_has_a_code_of_deepgram(code: CloseCode, sent: int) -> None:
    """There are three."""
    assert begun().close(code).code == sent


async def converse(sut: ListenSerializer, *frames: Frame | int, registry: FakeRegistry | None = None) -> FakeSocket:
    socket = FakeSocket(*frames)
    connection = Connection(socket, sut, registry or FakeRegistry(), FakeLog(), Settings(), FakeVisit())
    async with asyncio.timeout(5):
        await connection.serve(sut.connect())
    return socket


async def test_stream_ends_with_its_summary() -> None:
    """Its length, its digest, and what the client did not get; then 1000."""
    registry = FakeRegistry()
    audio = bytes(16_000)
    sut = serializer(f"{LINEAR}&model=nova-3&tag=a&tag=b&extra=call:7&diarize=true&search=x")
    socket = await converse(sut, audio, '{"type":"KeepAlive"}', '{"type":"CloseStream"}', registry=registry)
    (summary,) = socket.received
    assert summary["type"] == "Metadata"
    assert (summary["duration"], summary["channels"], summary["request_id"]) == (0.5, 1, REQUEST)
    assert summary["sha256"] == hashlib.sha256(audio).hexdigest()
    assert (summary["tags"], summary["extra"]) == (["a", "b"], {"call": "7"})
    assert [warning.split()[0] for warning in summary["warnings"]] == ["model", "search", "diarize"]
    assert (socket.closed, socket.reason) == (1000, "")
    assert registry.left == [False]


async def test_silent_stream_ends_as_deepgrams_do() -> None:
    """An error, then 1011 with the reason."""
    sut = serializer()
    sut.idle_s = 0.1
    socket = await converse(sut, bytes(640))
    (error,) = socket.received
    assert (error["type"], error["variant"]) == ("Error", "NET-0001")
    assert socket.closed == 1011
    assert socket.reason == error["description"]


async def test_invalid_text_is_answered_and_the_stream_goes_on() -> None:
    """With Deepgram's name for it."""
    socket = await converse(serializer(), "nonsense", '{"type":"CloseStream"}')
    assert [(frame["type"], frame.get("variant")) for frame in socket.received] == [
        ("Error", "SchemaError"),
        ("Metadata", None),
    ]


@settings(deadline=None)
@given(
    st.lists(
        st.binary(max_size=40)
        | st.text(max_size=40)
        | st.sampled_from(
            [
                '{"type":"Finalize"}',
                '{"type":"Finalize","channel":[]}',
                '{"type":"Configure","keyterms":5}',
                '{"type":7}',
            ]
        ),
        max_size=8,
    ),
    st.sampled_from(
        [
            LINEAR,
            "encoding=opus",
            "encoding=mulaw",
            "",
            f"{LINEAR}&channels=2",
            "encoding=alaw&channels=2&multichannel=true",
        ]
    ),
)
def test_any_frames_are_read_or_refused(frames: list[Frame], query: str) -> None:
    """With no other error, and audio is whole samples."""
    sut = begun(query)
    for frame in frames:
        try:
            messages = [*sut.decode(frame)]
        except (ProtocolError, AudioError):
            continue
        frames_of(sut, *messages)
        assert all(message.pcm and len(message.pcm) % 2 == 0 for message in messages if isinstance(message, Audio))
