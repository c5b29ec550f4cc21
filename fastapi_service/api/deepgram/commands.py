"""Commands of ``/v1/listen`` as messages of this system."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fastapi_service.api.deepgram.answers import Answers
from fastapi_service.api.deepgram.messages import ConfigureFailure, ConfigureSuccess
from fastapi_service.api.deepgram.query import ListenQuery, prompt_of
from fastapi_service.api.serializer import Begin, Incoming
from fastapi_service.delivery.frames import Reply
from fastapi_service.endpointing.change import EndpointingChange
from wire.messages.client import MAX_PROMPT, Configure, Start

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


def configure(command: dict[str, Any], request_id: str, answers: Answers) -> tuple[Incoming, ...]:
    """Return a change of the terms, or the answer to one that changes nothing."""
    try:
        wanted = _Configure.model_validate(command)
    except ValidationError:
        return (_failure(request_id, _FAILED, "keyterms is a list of terms, and features has true or false by name."),)
    if wanted.keyterms is None:
        return (Reply((ConfigureSuccess(request_id=request_id).json_frame(),)),)
    prompt = prompt_of(wanted.keyterms)
    if len(prompt) > MAX_PROMPT:
        return (_failure(request_id, _LIMIT, f"The terms may have {MAX_PROMPT} characters together."),)
    answers.configured = wanted.keyterms
    return (Configure(prompt=prompt),)


def _failure(request_id: str, code: str, description: str) -> Reply:
    return Reply((ConfigureFailure(request_id=request_id, code=code, description=description).json_frame(),))
