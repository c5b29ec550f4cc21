"""Messages keep their shape: a golden file pins each of them, as services of another version would send it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from infra.heartbeat import Heartbeat
from infra.ledger import ledger
from wire.messages import channels, jobs, results, server, statistics
from wire.messages.base import HOPS, Clock, Message, hop_ms
from wire.messages.client import client_message

GOLDEN = Path(__file__).parents[2] / "golden"

_unions: list[Any] = [client_message, results.segment_end, server.server_message, ledger._job]
_single: dict[str, type[Message]] = {
    "result_message": channels.ResultMessage,
    "final_stats": channels.FinalStats,
    "heartbeat": Heartbeat,
    "draft_text": jobs.TranscribePartial,
    "draft": jobs.Partial,
}
FILES = sorted(GOLDEN.glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return message


def parsers(file: Path, message: dict[str, Any]) -> list[Any]:
    """Everything in the system that reads such a message."""
    if file.stem in _single:
        return [TypeAdapter(_single[file.stem])]
    of_type = [union for union in _unions if message["type"] in types_of(union)]
    assert of_type, f"nobody reads {message['type']}"
    return of_type


def types_of(union: Any) -> set[str]:
    """The ``type`` of each member."""
    members = {get_args(union._type)[0]} if get_args(union._type) else set()
    return {member.model_fields["type"].default for member in get_args(next(iter(members)))}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_message_comes_back_as_it_was(file: Path) -> None:
    """Read and written again, no field is lost, added or changed."""
    message = read(file)
    for parser in parsers(file, message):
        parsed = parser.validate_json(file.read_bytes())
        assert json.loads(parsed.model_dump_json()) == message


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_unknown_field_is_refused(file: Path) -> None:
    """A typing error in a field's name is noticed, not ignored."""
    message = read(file)
    for parser in parsers(file, message):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            parser.validate_python(message | {"surprise": 1})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_errors_do_not_repeat_what_somebody_said(file: Path) -> None:
    """Validation errors end up in logs, so they name fields and not their content."""
    message = read(file)
    secret = "only between us"
    for field in message.keys() - {"type"}:
        for parser in parsers(file, message):
            with pytest.raises(ValidationError) as refused:
                parser.validate_json(json.dumps(message | {field: [secret]}))
            assert secret not in str(refused.value)


def test_every_message_has_a_golden_file() -> None:
    """A new message type is pinned from its first day."""
    pinned = {file.stem for file in FILES}
    types = set().union(*(types_of(union) for union in _unions))
    assert types | set(_single) <= pinned
    assert pinned - types - set(_single) == {"final_without_sentiment", "ready_with_endpointing"}


def test_messages_cannot_be_changed_in_place() -> None:
    """Two consumers of one message do not disturb each other."""
    message = results.segment_end.validate_json((GOLDEN / "final.json").read_bytes())
    with pytest.raises(ValidationError, match="frozen"):
        message.segment = 7


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("transcribe_audio", "session_id", "A" * 32),
        ("transcribe_audio", "session_id", "a" * 31),
        ("transcribe_audio", "session_id", "a" * 32 + "\n"),
        ("transcribe_audio", "segment", -1),
        ("transcribe_audio", "room", "a:b"),
        ("transcribe_audio", "room", ""),
        ("analyze_text", "transcript", None),
        ("final", "sentiment", {"label": "happy"}),
        ("gap", "samples", 0),
        ("start", "language", "xx"),
    ],
)
def test_values_that_cannot_be_are_refused(name: str, field: str, value: object) -> None:
    """Ids, places and languages have their form on the wire."""
    file = GOLDEN / f"{name}.json"
    message = read(file)
    for parser in parsers(file, message):
        with pytest.raises(ValidationError):
            parser.validate_python(message | {field: value})


def test_numbers_that_json_does_not_know_become_null() -> None:
    """An engine's infinite log-probability does not make a message that nobody can read."""
    message = results.NoSpeech.model_validate(read(GOLDEN / "no_speech.json") | {"no_speech_prob": float("nan")})
    assert json.loads(message.model_dump_json())["no_speech_prob"] is None


def test_hops_are_differences_of_the_clock() -> None:
    """Each hop lies between two readings that exist; a missing one gives no latency, a wrong clock no negative one."""
    clock = Clock.model_validate(read(GOLDEN / "final.json")["clock"])
    assert {
        name for begin, end in HOPS.values() for name in (*([begin] if isinstance(begin, str) else begin), end)
    } == set(Clock.model_fields)
    assert hop_ms(clock, "endpointing") == pytest.approx(500)
    assert hop_ms(clock, "total") == pytest.approx(1_165)
    assert hop_ms(clock.at(queued=0.0), "enrolment") == 0.0
    assert hop_ms(Clock(speech_end=1, endpointed=2), "stt") is None
    chain = [hop for hop in HOPS if hop != "total"]
    assert sum(hop_ms(clock, hop) or 0 for hop in chain) == pytest.approx(1_167)


def test_statistics_begin_with_nothing() -> None:
    """A conversation without a word has figures too."""
    empty = statistics.Statistics(scope="room", room="kitchen", trend_window=20)
    assert (empty.version, empty.utterances, empty.trend) == (0, 0, None)
