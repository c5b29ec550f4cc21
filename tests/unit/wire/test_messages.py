"""Messages keep their shape: a golden file pins each of them, as services of another version would send it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from infra.heartbeat import Heartbeat
from infra.ledger.entry import job_adapter
from wire.messages import channels, decoding, jobs, results, server, statistics
from wire.messages.base import HOPS, Clock, Message, has_unknown_type, hop_ms
from wire.messages.client import client_message

GOLDEN = Path(__file__).parents[2] / "golden"

_unions: list[Any] = [client_message, results.segment_end, server.server_message, job_adapter]
_single: dict[str, type[Message]] = {
    "result_message": channels.ResultMessage,
    "final_stats": channels.FinalStats,
    "final_stats_of_room": channels.FinalStats,
    "heartbeat": Heartbeat,
    "heartbeat_with_clock": Heartbeat,
    "draft_text": jobs.TranscribePartial,
    "draft": jobs.Partial,
    "open": decoding.OpenFile,
    "read": decoding.Read,
    "decoded": decoding.Decoded,
}
FILES = sorted(GOLDEN.glob("*.json"))


def read(file: Path) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return message


def parsers(file: Path, message: dict[str, Any]) -> list[Any]:
    """Return every reader of such a message in the system."""
    if file.stem in _single:
        return [TypeAdapter(_single[file.stem])]
    of_type = [union for union in _unions if message["type"] in types_of(union)]
    assert of_type, f"nobody reads {message['type']}"
    return of_type


def types_of(union: Any) -> set[str]:
    """Return the ``type`` of each member."""
    members = {get_args(union._type)[0]} if get_args(union._type) else set()
    return {member.model_fields["type"].default for member in get_args(next(iter(members)))}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_message_comes_back_as_it_was(file: Path) -> None:
    """Read and written again, no field is lost, added or changed."""
    message = read(file)
    for parser in parsers(file, message):
        parsed = parser.validate_json(file.read_bytes(), extra="forbid")
        assert json.loads(parsed.model_dump_json()) == message


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_file_with_an_unknown_field_fails(file: Path) -> None:
    """The golden tests are strict, in nested objects too: a golden file pins every field."""
    message = read(file)
    for parser in parsers(file, message):
        for surprised in (message | {"surprise": 1}, *nested_surprises(message)):
            with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
                parser.validate_python(surprised, extra="forbid")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_unknown_field_is_refused_from_clients_and_ignored_from_services(file: Path) -> None:
    """A typing error of a client shows; a newer service may add fields."""
    message = read(file)
    for parser in parsers(file, message):
        if parser is client_message or file.stem == "open":  # also a client's
            with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
                parser.validate_python(message | {"surprise": 1})
            continue
        for surprised in (message | {"surprise": 1}, *nested_surprises(message)):
            parsed = parser.validate_json(json.dumps(surprised))
            assert json.loads(parsed.model_dump_json()) == message


def nested_surprises(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Copies of a message with one more field in one of its nested objects."""
    inner = ("clock", "transcript", "message", "endpointing", "sentiment", "speaker", "conversation", "person")
    return [
        message | {name: message[name] | {"surprise": 1}}
        for name in inner
        if isinstance(message.get(name), dict) and "negative" not in message[name]
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_errors_do_not_repeat_what_somebody_said(file: Path) -> None:
    """Validation errors are logged, so they name fields and not their content."""
    message = read(file)
    secret = "only between us"
    for field in message.keys() - {"type"}:
        for parser in parsers(file, message):
            with pytest.raises(ValidationError) as refused:
                parser.validate_json(json.dumps(message | {field: [[secret]]}))
            assert secret not in str(refused.value)


@pytest.mark.parametrize("union", [results.segment_end, server.server_message, job_adapter])
def test_unknown_type_is_told_from_damage(union: Any) -> None:
    """A type of a newer version is not an error of the sender; missing fields are."""
    with pytest.raises(ValidationError) as refused:
        union.validate_json('{"type": "from_the_future"}')
    assert has_unknown_type(refused.value)
    for damaged in ("", "{}", "[]", '{"type": "final"}', '{"type": "transcribe_audio"}'):
        with pytest.raises(ValidationError) as refused:
            union.validate_json(damaged)
        if "type" not in damaged or json.loads(damaged)["type"] in types_of(union):
            assert not has_unknown_type(refused.value)


def test_a_result_of_unknown_type_is_none_and_a_damaged_one_raises() -> None:
    """The listener keeps the one and drops the other."""
    assert results.read_segment_end('{"type": "from_the_future"}') is None
    with pytest.raises(ValidationError):
        results.read_segment_end('{"type": "final"}')


def test_an_older_service_sends_no_marks_of_a_sentiment() -> None:
    """Its labels are sure and of a language that the model was trained with, and its statistics count none."""
    final = read(GOLDEN / "final.json")
    del final["sentiment"]["unsure"], final["sentiment"]["zero_shot"]
    sentiment = results.Final.model_validate(final).sentiment
    assert sentiment is not None
    assert (sentiment.unsure, sentiment.zero_shot) == (False, False)
    stats = read(GOLDEN / "stats.json")
    del stats["unsure"], stats["zero_shot"]
    counted = statistics.Statistics.model_validate(stats)
    assert (counted.unsure, counted.zero_shot) == (0, 0)


def test_an_older_service_sends_no_sentences() -> None:
    """Each of its finals is a sentence of its own, and its transcripts show nothing of the sentence before."""
    final = read(GOLDEN / "final.json")
    del final["continues"]
    received = results.Final.model_validate(final)
    assert (received.continues, received.continued_segment, received.first_segment, received.sentence) == (
        False,
        None,
        None,
        None,
    )
    stats = read(GOLDEN / "stats.json")
    del stats["sentences"]
    assert statistics.Statistics.model_validate(stats).sentences == stats["utterances"] == 4
    job = read(GOLDEN / "analyze_text.json")
    del job["transcript"]["continues"]
    assert jobs.AnalyzeText.model_validate(job).transcript.continues is None


def test_a_final_that_does_not_continue_has_none_of_the_fields_of_a_sentence() -> None:
    """They are not sent as null either: clients see what they saw before, and ``continues``."""
    continuing = results.Final.model_validate(read(GOLDEN / "final_that_continues.json"))
    alone = continuing.alone().model_dump()
    assert alone.keys() == read(GOLDEN / "final.json").keys()
    assert not alone["continues"]
    again = continuing.alone().continuing(4, 4, "What a spiteful thing I am and I like it.")
    assert again == continuing


def test_an_older_service_knows_nobody() -> None:
    """Its results have no speaker, its statistics no people, and its ``people`` only counts."""
    received = results.Final.model_validate(read(GOLDEN / "final.json"))
    assert received.speaker is None
    assert "speaker" not in received.model_dump()
    counted = statistics.Statistics.model_validate(read(GOLDEN / "stats.json"))
    assert (counted.conversation, counted.turning_points, counted.most_positive) == (None, None, None)
    assert server.People.model_validate(read(GOLDEN / "people.json")).who is None
    assert server.Ready.model_validate(read(GOLDEN / "ready.json")).person is None


def test_statistics_of_a_person_do_not_disturb_an_older_service() -> None:
    """They are of a type that older clients pass over, and a field of an envelope that older gateways ignore."""
    envelope = channels.FinalStats.model_validate(read(GOLDEN / "final_stats_of_room.json"))
    assert envelope.person is not None
    stats = statistics.Statistics.model_fields
    assert envelope.person.type not in {stats["type"].default, *get_args(stats["scope"].annotation)}


def test_every_message_has_a_golden_file() -> None:
    """A new message type is pinned from its first day."""
    pinned = {file.stem for file in FILES}
    types = set().union(*(types_of(union) for union in _unions))
    assert types | set(_single) <= pinned
    assert pinned - types - set(_single) == {
        "final_that_continues",
        "final_with_a_voice",
        "stats_with_voices",
        "person_stats_with_voices",
        "final_without_sentiment",
        "ready_with_endpointing",
        "start_with_name",
        "configure_that_renames",
        "configured_with_name",
        "ready_with_person",
        "transcribe_audio_with_speaker",
        "final_with_speaker",
        "people_with_names",
        "stats_of_room",
        "ready_with_rights",
        "ready_of_owner",
        "start_with_invite",
        "start_with_channels",
        "start_that_resumes_channels",
        "configure_of_channel",
        "ready_of_channel",
        "configured_of_channel",
        "ack_of_channel",
        "speech_started_of_channel",
        "interim_of_channel",
        "speech_ended_of_channel",
        "stopped_of_channel",
    }


def test_messages_cannot_be_changed_in_place() -> None:
    """One consumer of a message cannot change it for another."""
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
        ("start", "languages", ["xx"]),
        ("start_with_name", "name", "x" * 61),
        ("start_with_name", "name", "two\nlines"),
        ("start_with_name", "role", "x" * 31),
        ("start_with_name", "role", "\u202etnega"),
        ("start_with_name", "person_key", "too short"),
        ("start_with_name", "person_key", "x" * 129),
        ("configure_that_renames", "name", "a\0b"),
        ("final_with_speaker", "speaker", {"person": "김서연"}),
        ("configure", "language", "ko"),
    ],
)
def test_values_that_cannot_be_are_refused(name: str, field: str, value: object) -> None:
    """Ids, places and languages have their form on the wire."""
    file = GOLDEN / f"{name}.json"
    message = read(file)
    for parser in parsers(file, message):
        with pytest.raises(ValidationError):
            parser.validate_python(message | {field: value})


@pytest.mark.parametrize("name", ["transcribe_audio", "analyze_text"])
def test_job_of_an_older_service_is_live(name: str) -> None:
    """It says nothing of a class."""
    job = job_adapter.validate_python({k: v for k, v in read(GOLDEN / f"{name}.json").items() if k != "ahead"})
    assert not job.ahead


def test_numbers_that_json_does_not_know_become_null() -> None:
    """An infinite log-probability of an engine makes no unreadable message."""
    message = results.NoSpeech.model_validate(read(GOLDEN / "no_speech.json") | {"no_speech_prob": float("nan")})
    assert json.loads(message.model_dump_json())["no_speech_prob"] is None


def test_hops_are_differences_of_the_clock() -> None:
    """Each hop lies between two readings that exist; a missing one gives no latency, a wrong clock no negative one."""
    clock = Clock.model_validate(read(GOLDEN / "final.json")["clock"])
    stages = {name for begin, end in HOPS.values() for name in (*([begin] if isinstance(begin, str) else begin), end)}
    assert stages | {"audio_end"} == set(Clock.model_fields), "no stage begins or ends with the end of the audio"
    assert "audio_end" not in stages
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
