"""``/twilio``: a call as Twilio's Media Streams send it."""

import asyncio
import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.api.connection import Connection
from fastapi_service.api.serializer import Audio
from fastapi_service.api.twilio.serializer import CallSerializer
from fastapi_service.settings import Settings
from infra.sound.g711 import encode_mulaw
from tests.support.connections import FakeLog, FakeRegistry, FakeSocket, FakeVisit
from wire.audio import decode_pcm
from wire.errors import ProtocolError
from wire.messages.client import Start, Stop

SID = "CA" + "0123456789abcdef" * 2
FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
STOP = {"event": "stop", "sequenceNumber": "9", "stop": {"accountSid": "AC1", "callSid": SID}, "streamSid": "MZ1"}
LOUD = np.full(160, 8_031, dtype=np.int16)


def start(tracks: list[str], media_format: Any = FORMAT, **parameters: str) -> dict[str, Any]:
    """As in Twilio's documentation."""
    inner = {"accountSid": "AC1", "streamSid": "MZ1", "callSid": SID, "tracks": tracks, "mediaFormat": media_format}
    inner["customParameters"] = parameters
    return {"event": "start", "sequenceNumber": "1", "start": inner, "streamSid": "MZ1"}


def media(track: str, timestamp: int, payload: str | None = None) -> dict[str, Any]:
    payload = base64.b64encode(encode_mulaw(LOUD)).decode() if payload is None else payload
    inner = {"track": track, "chunk": "2", "timestamp": str(timestamp), "payload": payload}
    return {"event": "media", "sequenceNumber": "3", "media": inner, "streamSid": "MZ1"}


def begin(sut: CallSerializer, *tracks: str, **parameters: str) -> Start:
    (message,) = sut.decode(json.dumps(start(list(tracks), **parameters)))
    assert isinstance(message, Start)
    return message


def test_both_tracks_are_two_talkers_in_the_room_of_the_call() -> None:
    """Named by the parameters of the TwiML; without a role, the track is one."""
    found = begin(
        CallSerializer(), "inbound", "outbound", name_inbound="Ann", name_outbound="Bob", role_outbound="agent"
    )
    assert (found.room, found.channels, found.sample_rate) == (SID, 2, 8_000)
    assert found.speakers is not None
    assert [(who.name, who.role) for who in found.speakers] == [("Ann", "inbound"), ("Bob", "agent")]


def test_one_track_is_one_talker() -> None:
    """As with ``<Connect>``."""
    found = begin(CallSerializer(), "inbound", name_inbound="Ann", room="desk-4", language="ko", key="wta_x")
    assert (found.room, found.channels, found.name, found.role) == ("desk-4", 1, "Ann", "inbound")
    assert (found.language, found.key) == ("ko", "wta_x")
    assert "wta_x" not in repr(found)


@pytest.mark.parametrize(
    "event",
    [
        start([]),
        start(["inbound"], {"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1}),
        start(["inbound"], language="xx"),
        start(["inbound"], room="a b"),
        start(["inbound", "outbound"], name_inbound="x" * 61),
        {"event": "sing"},
        [],
    ],
    ids=["no track", "format", "language", "room", "name", "event", "list"],
)
def test_message_that_is_not_twilios_is_refused(event: object) -> None:
    """Nothing of it is repeated."""
    with pytest.raises(ProtocolError):
        CallSerializer().decode(json.dumps(event))


@pytest.mark.parametrize("frame", [b"\0\0", json.dumps(media("inbound", 0, "?")), json.dumps(start(["inbound"]))])
def test_message_out_of_order_is_refused(frame: str | bytes) -> None:
    """Binary, no base64, and a second start."""
    sut = CallSerializer()
    begin(sut, "inbound")
    with pytest.raises(ProtocolError):
        sut.decode(frame)


def test_audio_before_the_start_is_refused() -> None:
    """Its talker has no name yet."""
    with pytest.raises(ProtocolError):
        CallSerializer().decode(json.dumps(media("inbound", 0)))


def test_timestamp_that_leaps_is_refused() -> None:
    """It would be hours of silence."""
    sut = CallSerializer()
    begin(sut, "inbound")
    with pytest.raises(ProtocolError):
        sut.decode(json.dumps(media("inbound", 3_600_000)))


def test_keys_marks_and_the_greeting_are_no_audio() -> None:
    """They are passed over, before and after the start."""
    sut = CallSerializer()
    assert sut.decode(json.dumps(CONNECTED)) == ()
    begin(sut, "inbound")
    for event in ({"event": "dtmf", "dtmf": {"digit": "1"}}, {"event": "mark", "mark": {"name": "a"}}):
        assert sut.decode(json.dumps(event)) == ()


def test_stop_comes_behind_the_audio_that_waits() -> None:
    """A leg that was ahead loses nothing."""
    sut = CallSerializer()
    begin(sut, "inbound", "outbound")
    assert sut.decode(json.dumps(media("outbound", 0))) == ()
    audio, last = sut.decode(json.dumps(STOP))
    assert isinstance(audio, Audio)
    stereo = decode_pcm(audio.pcm).reshape(-1, 2)
    assert stereo[:, 0].any() == False  # noqa: E712 (an array)
    assert np.abs(stereo[:, 1].astype(int) - LOUD).max() < 260
    assert last == Stop()


async def test_call_is_a_session_of_each_leg_from_start_to_stop() -> None:
    """Nothing is sent back, and the connection ends by itself."""
    registry = FakeRegistry()
    events = [CONNECTED, start(["inbound", "outbound"])]
    for at in range(0, 200, 20):
        events += [media("inbound", at), media("outbound", at)]
    socket = FakeSocket(*(json.dumps(event) for event in (*events, STOP)))
    sut = CallSerializer()
    async with asyncio.timeout(5):
        await Connection(socket, sut, registry, FakeLog(), Settings(), FakeVisit()).serve(sut.connect())
    assert [one.role for one in registry.starts] == ["inbound", "outbound"]
    assert len(registry.session.heard) == 2 * 2 * 1_600
    assert (socket.frames, socket.closed) == ([], 1000)


MEDIA = st.builds(media, st.sampled_from(["inbound", "x"]), st.integers(-9, 99_999), st.text(max_size=9))


@settings(deadline=None)
@given(st.lists(st.text(max_size=60) | st.binary(max_size=9) | MEDIA.map(json.dumps), max_size=8))
def test_any_frames_are_read_or_refused(frames: list[str | bytes]) -> None:
    """With no other error."""
    sut = CallSerializer()
    begin(sut, "inbound")
    for frame in frames:
        try:
            sut.decode(frame)
        except ProtocolError:
            continue
