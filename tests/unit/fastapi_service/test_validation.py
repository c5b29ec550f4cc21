"""Each invalid message has an error with a stable code and a remedy."""

import json

import pytest
from pydantic import ValidationError

from fastapi_service.api.validation import MAX_MESSAGE_BYTES, check_audio, check_size, explain
from wire.errors import ProtocolError
from wire.messages.client import client_message

SESSION = "a" * 32


def error_for(text: str) -> ProtocolError:
    with pytest.raises(ValidationError) as refused:
        client_message.validate_json(text)
    return explain(refused.value)


@pytest.mark.parametrize(
    "text", ["", "hello", "{", '{"type": "stop"', '{"type": "start", "room": "\\ud800"}', "[" * 999]
)
def test_broken_json_is_refused(text: str) -> None:
    """Broken JSON says that control messages are JSON."""
    error = error_for(text)
    assert error.code == "bad_json"
    assert "JSON" in error.message
    assert "binary" in error.remedy


@pytest.mark.parametrize("message", [None, 5, "stop", [], {}, {"type": 5}, {"type": "dance"}, {"type": None}])
def test_unknown_message_is_refused(message: object) -> None:
    """JSON of an unknown type names the types that there are."""
    error = error_for(json.dumps(message))
    assert error.code == "unknown_message"
    assert all(known in error.remedy for known in ("start", "configure", "gap", "stop", "ping"))


@pytest.mark.parametrize("language", ["klingon", "", "EN", "en-US", 5, {}])
def test_unknown_language_is_refused(language: object) -> None:
    """The remedy shows what a language code looks like."""
    for fields in ({"language": language}, {"languages": ["en", language]}):
        for kind in ("start", "configure"):
            error = error_for(json.dumps({"type": kind} | fields))
            assert error.code == "unknown_language"
            assert "en, ko or de" in error.remedy


@pytest.mark.parametrize("rate", [0, -1, 7_999, 48_001, 1e400, 44_100.5, "16000", True, None])
def test_impossible_sample_rate_is_refused(rate: object) -> None:
    """The remedy names the range."""
    error = error_for(json.dumps({"type": "start", "sample_rate": rate}))
    assert error.code == "bad_sample_rate"
    assert "8000" in error.remedy
    assert "48000" in error.remedy


@pytest.mark.parametrize("room", ["", "two words", "x" * 65, "line\n", "<b>"])
def test_invalid_name_of_a_room_is_refused(room: str) -> None:
    """The remedy says what a name is made of, and the name is not repeated."""
    error = error_for(json.dumps({"type": "start", "room": room}))
    assert error.code == "bad_room"
    assert "64" in error.remedy


@pytest.mark.parametrize("kind", ["start", "configure"])
@pytest.mark.parametrize(
    ("field", "value", "limit"),
    [
        ("name", "x" * 61, "60"),
        ("name", "a\nb", "60"),
        ("name", 5, "60"),
        ("role", "x" * 31, "30"),
        ("role", "\u202eb", "30"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused(kind: str, field: str, value: object, limit: str) -> None:
    """The remedy says what it may be, and it is not repeated."""
    error = error_for(json.dumps({"type": kind, field: value}))
    assert error.code == "bad_name"
    assert field in error.message
    assert limit in error.remedy
    assert str(value) not in str(error).replace(limit, "")


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"type": "gap"}, "samples"),
        ({"type": "gap", "samples": 0}, "samples"),
        ({"type": "gap", "samples": 10**30}, "samples"),
        ({"type": "gap", "samples": 1.5}, "samples"),
        ({"type": "start", "colour": "blue"}, "colour"),
        ({"type": "start", "last_seq": -1}, "last_seq"),
        ({"type": "start", "person_key": "short"}, "person_key"),
        ({"type": "configure", "person_key": "k" * 43}, "person_key"),
        ({"type": "stop", "name": "Bob"}, "name"),
        ({"type": "start", "language": "ko", "languages": ["ko", "en"]}, "language and languages"),
        ({"type": "configure", "language": "ko", "languages": ["en"]}, "language and languages"),
        ({"type": "configure", "languages": "ko"}, "languages"),
        ({"type": "configure", "languages": ["ko"] * 101}, "languages"),
        ({"type": "configure", "prompt": "x" * 401}, "prompt"),
        ({"type": "configure", "room": "kitchen"}, "room"),
        ({"type": "start", "last_seq": 10**30}, "last_seq"),
        ({"type": "start", "session_id": "mine", "token": "t"}, "session_id"),
        ({"type": "start", "session_id": SESSION}, "token"),
        ({"type": "start", "token": "t"}, "session_id"),
        ({"type": "start", "session_id": SESSION, "token": "x" * 129}, "token"),
        ({"type": "ping", "id": "x" * 65}, "id"),
        ({"type": "stop", "now": True}, "now"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid_field_is_named(message: dict[str, object], named: str) -> None:
    """The field is named."""
    error = error_for(json.dumps(message))
    assert error.code == "bad_message"
    assert named in error.message


def test_errors_do_not_repeat_what_was_sent() -> None:
    """Errors end up in logs, which must not contain what users typed."""
    secret = "what only two people know"
    for message in ({"type": "start", "room": secret}, {"type": "start", "token": secret}, {"type": secret}):
        assert secret not in str(error_for(json.dumps(message)))


@pytest.mark.parametrize(
    ("data", "code", "helps"),
    [
        (b"", "empty_audio", "Int16"),
        (b"abc", "odd_audio", "little-endian"),
        (bytes(MAX_MESSAGE_BYTES + 2), "too_large", "100 ms"),
    ],
)
def test_invalid_audio_is_refused(data: bytes, code: str, helps: str) -> None:
    """Empty, odd and huge binary messages each have their code and remedy."""
    with pytest.raises(ProtocolError) as refused:
        check_audio(data)
    assert refused.value.code == code
    assert helps in refused.value.remedy


def test_largest_message_is_allowed() -> None:
    """The limit itself is no mistake."""
    check_audio(bytes(MAX_MESSAGE_BYTES))
    check_size(MAX_MESSAGE_BYTES)
    with pytest.raises(ProtocolError, match=str(MAX_MESSAGE_BYTES + 1)):
        check_size(MAX_MESSAGE_BYTES + 1)
