"""The query of ``/v1/listen``: Deepgram's names and spellings, and what this server makes of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.api.deepgram.query import LEAST_ENDPOINTING_MS, ListenQuery, parse_query
from wire.errors import ProtocolError
from wire.messages.client import MAX_PROMPT

RAW = (("encoding", "linear16"), ("sample_rate", "16000"))
LIVEKIT = (
    ("model", "nova-3"), ("punctuate", "true"), ("smart_format", "false"), ("no_delay", "true"),
    ("interim_results", "true"), ("encoding", "linear16"), ("vad_events", "true"), ("sample_rate", "16000"),
    ("channels", "1"), ("endpointing", "25"), ("filler_words", "true"), ("profanity_filter", "false"),
    ("numerals", "false"), ("mip_opt_out", "false"), ("language", "en-US"),
)  # fmt: skip
"""As livekit-plugins-deepgram 1.8.9 sends it."""
NAMES = [*ListenQuery.model_fields, "version", "search", "replace", "nonsense"]
VALUES = ["true", "false", "", "1", "-1", "300", "16000", "linear16", "mulaw", "en", "multi", "a:b", "x" * 401, "\0é"]


def query(*parameters: tuple[str, str]) -> ListenQuery:
    return parse_query((*RAW, *parameters))


def test_a_query_of_a_voice_agent_is_understood() -> None:
    """What it asks for beyond this server is said in sentences, and what it turns off is not."""
    found = parse_query(LIVEKIT)
    assert (found.rate, found.talkers, found.languages, found.punctuated) == (16_000, 1, ("en",), True)
    assert (found.interim_results, found.vad_events, found.silence_ms) == (True, True, LEAST_ENDPOINTING_MS)
    assert [warning.split()[0] for warning in found.warnings] == ["model", "filler_words"]


@pytest.mark.parametrize(
    ("value", "silence_ms", "is_said"),
    [
        (None, None, True),
        ("true", None, True),
        ("false", None, False),
        ("0", 300, True),
        ("10", 300, True),
        ("500", 500, True),
        ("5000", 5_000, True),
    ],
)
def test_endpointing_is_a_silence_or_no_speech_final(value: str | None, silence_ms: int | None, is_said: bool) -> None:
    """A silence within sentences would cut them; without the parameter the server's own holds."""
    found = query(*([] if value is None else [("endpointing", value)]))
    assert (found.silence_ms, found.says_speech_final) == (silence_ms, is_said)


@pytest.mark.parametrize(
    ("parameters", "languages"),
    [
        ([], ()),
        ([("language", "en-US")], ("en",)),
        ([("language", "ko")], ("ko",)),
        ([("language", "multi")], ()),
        ([("language", "multi"), ("language_hint", "ko"), ("language_hint", "en-GB")], ("ko", "en")),
        ([("language", "de"), ("detect_language", "true")], ()),
    ],
)
def test_language_is_the_first_part_of_its_tag(parameters: list[tuple[str, str]], languages: tuple[str, ...]) -> None:
    """Without one it is detected; hints are the languages among which it is."""
    assert query(*parameters).languages == languages


def test_terms_become_a_prompt() -> None:
    """Each once, keywords without their weights; one with a negative weight is to be rarer, and is left out."""
    found = query(("keyterm", "Siobhán"), ("keyterm", "Valkey"), ("keywords", "Valkey:2"), ("keywords", "um:-3"))
    assert found.prompt == "Siobhán, Valkey"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ((("encoding", "linear16"),), "sample_rate"),
        ((("encoding", "mp3"),), "encoding"),
        ((*RAW, ("sample_rate", "96000")), "sample_rate"),
        ((*RAW, ("channels", "3")), "channels"),
        ((*RAW, ("interim_results", "maybe")), "interim_results"),
        ((*RAW, ("endpointing", "soon")), "endpointing"),
        ((*RAW, ("utterance_end_ms", "-1")), "utterance_end_ms"),
        ((*RAW, ("language", "xx-YY")), "language"),
        ((*RAW, ("keyterm", "x" * (MAX_PROMPT + 1))), "keyterm"),
        ((*RAW, ("redact", "pci")), "redact"),
        ((*RAW, ("callback", "https://example.org")), "callback"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_value_is_refused_with_its_parameter(parameters: tuple[tuple[str, str], ...], named: str) -> None:
    """The value is not repeated. What would be shown against the client's will, or sent elsewhere, is refused too."""
    with pytest.raises(ProtocolError) as refused:
        parse_query(parameters)
    assert refused.value.code == "bad_parameter"
    assert refused.value.message.startswith(f"Invalid query string: {named}: ")
    assert parameters[-1][1] not in refused.value.message or parameters[-1][1] == "linear16"


def test_telephone_audio_has_a_rate_of_its_own() -> None:
    """8 kHz, unless the query says another one."""
    assert parse_query([("encoding", "mulaw")]).rate == 8_000
    assert parse_query([("encoding", "alaw"), ("sample_rate", "16000")]).rate == 16_000


def test_two_channels_are_two_talkers_with_multichannel_only() -> None:
    """Otherwise they are mixed."""
    assert query(("channels", "2"), ("multichannel", "true")).talkers == 2
    assert query(("channels", "2")).talkers == query(("multichannel", "true")).talkers == 1


def test_unknown_parameter_is_a_warning_of_bounded_length() -> None:
    """A client cannot make the server say much."""
    (warning,) = query(("x" * 5_000, "1")).warnings
    assert len(warning) < 100


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text(max_size=20)), max_size=8))
def test_any_query_is_read_or_refused(parameters: list[tuple[str, str]]) -> None:
    """With no other error, and what is read can be used."""
    try:
        found = parse_query(parameters)
    except ProtocolError:
        return
    assert found.rate in range(8_000, 48_001)
    assert len(found.prompt) <= MAX_PROMPT
