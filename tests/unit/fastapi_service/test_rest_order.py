"""The fields of a form, as OpenAI's clients write them."""

import pytest
from starlette.datastructures import FormData

from fastapi_service.api.openai_rest.order import Order, order_of
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.errors.rest import FieldError
from wire.messages.client import MAX_PROMPT


def order(*fields: tuple[str, str]) -> Order:
    return order_of(FormData(list(fields)), "transcribe")


def test_form_without_fields_is_an_order_for_json() -> None:
    """Unknown fields, those for other models, and empty ones change nothing."""
    others = [("model", "whisper-1"), ("known_speaker_names[]", "agent"), ("x", "y"), ("language", ""), ("stream", "")]
    assert order(*others) == order() == Order()


def test_lists_may_have_brackets_or_not() -> None:
    """OpenAI's client writes them; others do not."""
    verbose = ("response_format", "verbose_json")
    both = [verbose, ("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")]
    assert order(*both).granularities == {"word", "segment"}
    assert order(verbose, ("timestamp_granularities", "word")).granularities == {"word"}
    assert order(verbose).granularities == {"segment"}
    assert order(("include[]", "logprobs")).logprobs


def test_languages_are_codes_of_whisper() -> None:
    """One, or several among which each utterance's is detected."""
    assert order(("language", "KO")).start.chosen_languages == ("ko",)
    several = order(("languages[]", "ko"), ("languages[]", "en"), ("language", "ko"))
    assert several.start.chosen_languages == ("ko", "en")
    with pytest.raises(FieldError, match="language is unknown"):
        order(("language", "english"))


def test_long_prompt_keeps_its_end() -> None:
    """As Whisper does; keywords are part of it."""
    found = order(("prompt", "a" * MAX_PROMPT), ("keywords[]", "Valkey"), ("keywords[]", "Siobhán"))
    assert len(found.prompt) == MAX_PROMPT
    assert found.prompt.endswith("a Valkey, Siobhán")
    assert found.start.prompt == found.prompt


@pytest.mark.parametrize(
    "fields",
    [
        [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[silence_duration_ms]", "300")],
        [("chunking_strategy", '{"type":"server_vad","silence_duration_ms":300}')],
    ],
)
def test_chunking_strategy_changes_the_endpointing(fields: list[tuple[str, str]]) -> None:
    """In fields of its own, or as JSON."""
    assert order(*fields).endpointing == EndpointingChange(silence_ms=300)


@pytest.mark.parametrize("text", ["auto", ""])
def test_chunking_strategy_of_the_service_changes_nothing(text: str) -> None:
    """That is what it does anyway."""
    assert order(("chunking_strategy", text)).endpointing == EndpointingChange()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chunking_strategy", "manual"),
        ("chunking_strategy", "[1]"),
        ("chunking_strategy", "[" * 100_000),
        ("chunking_strategy", '{"type":["auto"]}'),
        ("chunking_strategy", '{"type":"server_vad","threshold":7}'),
        ("chunking_strategy", '{"type":"server_vad","silence_duration_ms":"long"}'),
        ("chunking_strategy", '{"type":"server_vad","silence_duration_ms":[]}'),
        ("temperature", "nan"),
        ("temperature", "1.5"),
        ("response_format", "PDF"),
        ("sentiment", "maybe"),
    ],
)
def test_value_that_is_not_allowed_names_its_field(name: str, value: str) -> None:
    """And does not repeat the value."""
    with pytest.raises(FieldError) as refused:
        order((name, value))
    assert refused.value.field.startswith(name)
    assert value not in refused.value.message


def test_start_has_task_and_languages() -> None:
    """Of a private session."""
    start = order_of(FormData([("language", "de")]), "translate").start
    assert (start.task, start.chosen_languages, start.room) == ("translate", ("de",), None)
