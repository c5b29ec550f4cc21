"""OpenAI Realtime: whole conversations, as pinned by the golden files."""

import base64
import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.api.realtime.audio import Format, InputAudio
from fastapi_service.api.realtime.parsing import LARGE
from fastapi_service.api.realtime.serializer import RealtimeSerializer
from fastapi_service.api.serializer import Audio, Flush, Incoming
from fastapi_service.api.validation import MAX_MESSAGE_BYTES
from fastapi_service.delivery.frames import Frame
from fastapi_service.errors.realtime import EventError
from wire.audio import decode_pcm
from wire.errors import ProtocolError
from wire.messages.client import Configure, Ping
from wire.messages.server import Error, Pong, server_message

GOLDEN = Path(__file__).parents[2] / "golden" / "realtime"


class Line:
    """A connection without a gateway: it answers pings and reports refusals."""

    def __init__(self, *, is_beta: bool = False) -> None:
        self._ids = 0
        self._serializer = RealtimeSerializer(is_beta=is_beta, new_id=self._new_id)

    def _new_id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    def client(self, event: dict[str, Any]) -> dict[str, Any]:
        """Take in an event of the client; returns what it brings to the session, and what the client gets."""
        if "silence" in event:  # milliseconds of 24 kHz PCM, instead of their base64
            event = {"type": event["type"], "audio": base64.b64encode(bytes(48 * event["silence"])).decode()}
        try:
            brought = [*self._serializer.decode(json.dumps(event))]
        except ProtocolError as error:
            return {"gets": self.sent(Error(code=error.code, message=error.message, remedy=error.remedy))}
        gets = [event for ping in brought if isinstance(ping, Ping) for event in self.sent(Pong(id=ping.id))]
        return {"brings": [described(one) for one in brought if not isinstance(one, Ping)], "gets": gets}

    def service(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message of the gateway; returns what the client gets."""
        return {"gets": self.sent(server_message.validate_python(message))}

    def sent(self, message: Any) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self._serializer.encode(message)]


def described(message: Incoming) -> str:
    if isinstance(message, Audio):
        return f"{len(message.pcm)} bytes of audio"
    if isinstance(message, Configure):
        return repr(message.model_dump(exclude_unset=True))
    return "Flush()" if message == Flush() else repr(message)


def replayed(steps: list[dict[str, Any]], *, is_beta: bool) -> list[dict[str, Any]]:
    """Return the steps with what they bring now."""
    line = Line(is_beta=is_beta)
    found = []
    for step in steps:
        given = {side: step[side] for side in ("client", "service") if side in step}
        found.append(given | (line.client(given["client"]) if "client" in given else line.service(given["service"])))
    return found


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.json")), ids=lambda file: file.stem)
def test_a_conversation_goes_as_it_was(file: Path) -> None:
    """What each event of the client brings to its session, and what the client gets for each message of the gateway."""
    steps = json.loads(file.read_text(encoding="utf-8"))
    assert replayed(steps, is_beta=file.stem == "beta") == steps


@pytest.mark.parametrize("frame", [b"\x00\x01", "", "nonsense", "[]", "3", '{"type":', '"\\ud800"', "[" * 100_000])
def test_a_frame_that_is_no_event_is_refused(frame: Frame) -> None:
    """Whatever is in it; it is not repeated."""
    with pytest.raises(ProtocolError) as refused:
        RealtimeSerializer().decode(frame)
    assert refused.value.code == "invalid_json"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
names = st.sampled_from(["input_audio_buffer.append", "input_audio_buffer.commit", "session.update", "sing"])
others = st.sampled_from(["input_audio_buffer.clear", "transcription_session.update", "response.create"])
fields = {
    "format": st.fixed_dictionaries(
        {"type": st.sampled_from(["audio/pcm", "audio/pcmu", "x"])}, optional={"rate": scalars}
    ),
    "transcription": st.fixed_dictionaries(
        {}, optional={"language": scalars, "languages": anything, "prompt": scalars, "keywords": anything}
    ),
    "turn_detection": st.fixed_dictionaries(
        {"type": st.sampled_from(["server_vad", "semantic_vad", "x"])},
        optional={
            "threshold": scalars,
            "silence_duration_ms": scalars,
            "prefix_padding_ms": scalars,
            "eagerness": scalars,
        },
    ),
    "noise_reduction": anything,
}
sessions = st.fixed_dictionaries(
    {"type": st.just("transcription")},
    optional={
        "audio": st.fixed_dictionaries({}, optional={"input": st.fixed_dictionaries({}, optional=fields) | anything}),
        "include": anything,
    },
)
client_events = st.fixed_dictionaries(
    {"type": names | others | anything},
    optional={"event_id": anything, "audio": anything, "session": sessions | anything},
)


@settings(max_examples=400, deadline=None)
@given(st.lists(client_events | anything, max_size=6))
def test_any_json_is_taken_or_refused(sent: list[Any]) -> None:
    """No other exception; each refusal is an error event, each update is shown, and what is shown is JSON."""
    line = Line()
    line.service(json.loads((GOLDEN / "closing.json").read_text(encoding="utf-8"))[0]["service"])
    for event in sent:
        answer = line.client(event if isinstance(event, dict) else {"type": event})
        if "brings" not in answer:
            assert [got["type"] for got in answer["gets"]] == ["error"]
        elif event["type"] in ("session.update", "transcription_session.update"):
            assert [got["type"] for got in answer["gets"]] == ["session.updated"]


def test_an_error_names_the_event_that_it_is_about() -> None:
    """Also when the gateway's own errors come in between."""
    serializer = RealtimeSerializer()
    refused = []
    for number in range(3):
        with pytest.raises(ProtocolError) as error:
            serializer.decode(
                json.dumps({"type": "input_audio_buffer.append", "audio": number, "event_id": f"e{number}"})
            )
        refused.append(Error(code=error.value.code, message=error.value.message, remedy=error.value.remedy))
    own = Error(code="busy", message="Results are late.", remedy="Wait.")
    found = [
        json.loads(*serializer.encode(one))["error"]["event_id"] for one in (own, refused[0], own, *refused[1:], own)
    ]
    assert found == [None, "e0", None, "e1", "e2", None]


def test_a_subprotocol_is_accepted_and_no_secret_is_sent_back() -> None:
    """Browsers offer it beside their key."""
    assert RealtimeSerializer(["realtime", "openai-insecure-api-key.secret"]).subprotocol == "realtime"
    assert RealtimeSerializer(["openai-insecure-api-key.secret"]).subprotocol is None


def test_too_much_audio_in_one_event_is_refused() -> None:
    """OpenAI's limit is 15 MiB; so much is taken in pieces of ten seconds."""
    serializer = RealtimeSerializer()
    brought = [*serializer.decode(append(15 << 20))]
    assert sum(len(one.pcm) for one in brought if isinstance(one, Audio)) == 15 << 20
    assert max(len(one.pcm) for one in brought if isinstance(one, Audio)) == 480_000
    update = {"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcma"}}}}
    for largest in (15 << 20, (15 << 20) // 6):  # telephone speech of as many seconds has a sixth
        serializer.decode(append(largest))
        with pytest.raises(ProtocolError) as refused:
            serializer.decode(append(largest + 1))
        assert refused.value.code == "audio_too_large"
        serializer.decode(json.dumps({"type": "session.update", "session": update}))


@pytest.mark.parametrize("part", ["[],", "{},", "1,"])
def test_large_event_of_many_parts_is_refused_before_it_is_read(part: str) -> None:
    """Twenty megabytes of empty lists would hold up everybody for seconds; a small one costs nothing."""
    for size, param in ((LARGE, None), (100, "type")):
        with pytest.raises(EventError) as refused:
            RealtimeSerializer().decode('{"type":"sing","a":[' + part * (size // len(part)) + "1]}")
        assert refused.value.param == param


def test_settings_as_large_as_audio_are_refused() -> None:
    """The session would keep them, and show them after each update."""
    serializer = RealtimeSerializer()
    for size in (MAX_MESSAGE_BYTES - 200, MAX_MESSAGE_BYTES):
        update = {"type": "transcription", "audio": {"input": {"transcription": {"model": "m" * size}}}}
        event = json.dumps({"type": "session.update", "session": update, "event_id": "e"})
        if size < MAX_MESSAGE_BYTES:
            assert serializer.decode(event)
            continue
        with pytest.raises(EventError) as refused:
            serializer.decode(event)
        assert (refused.value.code, refused.value.event_id) == ("too_large", "e")


@pytest.mark.parametrize("law", ["audio/pcm", "audio/pcmu"])
def test_audio_of_a_large_event_is_decoded_while_it_is_taken_in(law: str) -> None:
    """And is the same as in small ones, however they are cut."""
    whole, cut, sound = InputAudio(), InputAudio(), bytes(range(256)) * 2_000
    for one in (whole, cut):
        one.change(cast(Format, law))
    pieces = whole.append(base64.b64encode(sound).decode())
    assert not isinstance(pieces, list | tuple)
    all_at_once = b"".join([*pieces, *whole.commit()])
    parts = [sound[at : at + 999] for at in range(0, len(sound), 999)]
    in_parts = [piece for part in parts for piece in cut.append(base64.b64encode(part).decode())]
    first, second = (decode_pcm(b"".join(pcm)).astype(int) for pcm in ([all_at_once], [*in_parts, *cut.commit()]))
    assert len(first) == len(second)
    assert abs(first - second).max() <= 2  # the resampler rounds each piece by itself


def append(size: int) -> str:
    audio = base64.b64encode(bytes(size)).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})
