"""Commands of ``/v1/listen`` as messages of this system."""

from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fastapi_service.api.deepgram.messages import ConfigureFailure, ConfigureSuccess
from fastapi_service.api.deepgram.query import ListenQuery, distinct, prompt_of
from fastapi_service.api.serializer import Begin
from fastapi_service.endpointing.change import EndpointingChange
from wire.messages.client import MAX_PROMPT, Start

_LIMIT = "CONFIGURE_KEYTERM_LIMIT_EXCEEDED"
_FAILED = "CONFIGURE_INTERNAL_ERROR"


class _Configure(BaseModel):
    """A change in mid-stream. ``features`` turn formatting on or off that this server does not have."""

    model_config = ConfigDict(hide_input_in_errors=True)

    keyterms: tuple[str, ...] | None = None
    features: dict[str, bool] | None = Field(default=None)


def begin(query: ListenQuery) -> Begin:
    """Return the start of the sessions of a stream."""
    start = Start(languages=query.languages, prompt=query.prompt, sample_rate=query.rate, channels=query.talkers)
    change = EndpointingChange()
    if query.silence_ms is not None:  # so long, whatever the text says
        change = EndpointingChange(silence_ms=query.silence_ms, unfinished_ms=0)
    return Begin(start, change)


def answer_to(command: dict[str, Any], request_id: str) -> ConfigureSuccess | ConfigureFailure:
    """Return the answer to a ``Configure``: a success has the terms, if they are to be replaced."""
    code, description = _FAILED, "keyterms is a list of terms, and features has true or false by name."
    with suppress(ValidationError):
        terms = _Configure.model_validate(command).keyterms
        if len(prompt_of(terms or ())) <= MAX_PROMPT:
            return ConfigureSuccess(request_id=request_id, keyterms=None if terms is None else distinct(terms))
        code, description = _LIMIT, f"The terms may have {MAX_PROMPT} characters together."
    return ConfigureFailure(request_id=request_id, code=code, description=description)
