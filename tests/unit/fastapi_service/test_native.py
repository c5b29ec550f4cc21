"""The serializer of ``/ws``: its frames are the messages of ``wire/messages``, as pinned by the golden files."""

import json
from pathlib import Path

import pytest

from fastapi_service.api.native import NativeSerializer
from fastapi_service.api.serializer import Audio
from wire.close_codes import CloseCode
from wire.errors import ProtocolError
from wire.messages.client import client_message
from wire.messages.server import server_message

GOLDEN = Path(__file__).parents[2] / "golden"


def test_binary_frames_are_audio() -> None:
    """They are passed on as they are."""
    assert NativeSerializer().decode(b"\x01\x02\x03\x04") == (Audio(b"\x01\x02\x03\x04"),)


@pytest.mark.parametrize("name", ["start", "gap", "stop", "ping"])
def test_text_frames_are_control_messages(name: str) -> None:
    """One message for each frame."""
    text = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    assert NativeSerializer().decode(text) == (client_message.validate_json(text),)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "empty_audio"),
        (b"abc", "odd_audio"),
        ("x" * 65_537, "too_large"),
        ("{", "bad_json"),
        ("{}", "unknown_message"),
    ],
    ids=["empty", "odd", "large", "broken", "untyped"],
)
def test_invalid_frames_are_refused(frame: str | bytes, code: str) -> None:
    """Each with the code that docs/protocol.md lists."""
    with pytest.raises(ProtocolError) as refused:
        NativeSerializer().decode(frame)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "name", ["ready", "ready_with_endpointing", "ack", "final", "stats", "people", "error", "stopped"]
)
def test_messages_are_one_text_frame_of_json(name: str) -> None:
    """It holds the whole message and nothing else."""
    golden = (GOLDEN / f"{name}.json").read_text(encoding="utf-8")
    (frame,) = NativeSerializer().encode(server_message.validate_json(golden))
    assert isinstance(frame, str)
    assert json.loads(frame) == json.loads(golden)


def test_the_client_speaks_first() -> None:
    """There is no greeting and no subprotocol, and close codes are sent as they are."""
    assert NativeSerializer().subprotocol is None
    assert NativeSerializer().connect() == ()
    assert NativeSerializer().close(CloseCode.TAKEN_OVER) == (4409, "")
