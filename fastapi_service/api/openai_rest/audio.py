"""``POST /v1/audio/transcriptions`` and ``/v1/audio/translations``, as OpenAI has them."""

import asyncio
from contextlib import ExitStack, aclosing
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.access.access import Access
from fastapi_service.access.grant import Grant
from fastapi_service.api.acceptor import address_of
from fastapi_service.api.grants import FOREIGN, AnyGrant, Parts, own_page
from fastapi_service.api.openai_rest.answers import written
from fastapi_service.api.openai_rest.events import EventStream, events
from fastapi_service.api.openai_rest.files import AllFiles, Files
from fastapi_service.api.openai_rest.jobs import JOB, answer_of
from fastapi_service.api.openai_rest.order import RESPONSE_FORMATS, Order, order_of
from fastapi_service.api.openai_rest.refusals import OpenAIRoute, describe
from fastapi_service.api.openai_rest.run import FileRun
from fastapi_service.api.openai_rest.transcript import Transcript
from fastapi_service.api.openai_rest.uploads import close, upload_of
from fastapi_service.api.openai_rest.waiting import while_waiting
from wire.messages.jobs import Task

PATHS = ("/v1/audio/transcriptions", "/v1/audio/translations")
router = APIRouter(tags=["files"], route_class=OpenAIRoute, dependencies=[Depends(own_page)])
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean", "default": False}
_FIELDS: dict[str, Any] = {
    "file": {"type": "string", "format": "binary", "description": "Sound or video of any common kind."},
    "model": _TEXT | {"description": "Any: the workers have one model."},
    "language": _TEXT | {"description": "ISO 639-1 code; without it the language is detected."},
    "prompt": _TEXT | {"description": "Names and words, for their spelling."},
    "response_format": _TEXT | {"enum": [*RESPONSE_FORMATS], "default": "json"},
    "temperature": {"type": "number", "minimum": 0, "maximum": 1, "description": "Changes nothing."},
    "timestamp_granularities[]": {"type": "array", "items": _TEXT | {"enum": ["word", "segment"]}},
    "include[]": {"type": "array", "items": _TEXT},
    "stream": _FLAG | {"description": "Answer with server-sent events."},
    "sentiment": _FLAG | {"description": "Add the sentiment of each sentence, and of all."},
    "background": _FLAG | {"description": "Answer with a job at once."},
    "keep": _FLAG | {"description": "Keep the session after the answer."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": _FIELDS},
                "example": {"file": "(the bytes of the file)", "model": "whisper-1", "response_format": "json"},
            }
        },
    }
}
_EVENTS = 'data: {"type":"transcript.text.delta","delta":"Good morning."}\n\n'
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The text, in the format that was requested.",
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["text"], "properties": {"text": _TEXT}},
                "example": {"text": "Good morning."},
            },
            "text/plain": {"schema": _TEXT, "example": "Good morning.\n"},
            "text/event-stream": {"schema": _TEXT, "example": _EVENTS},
        },
    },
    202: JOB | {"description": "The job, with `background`."},
    400: describe(
        "the file cannot be decoded, or a field has a value that is not allowed.",
        errors.bad_field("temperature", "it is above 1", "Send a number from 0 to 1."),
        errors.silent_file(),
        errors.no_upload(),
    ),
    401: describe("no key, or a wrong one.", errors.no_grant(), errors.grant_refused()),
    403: describe("the key lacks the scope files; a page of another origin.", errors.not_allowed("files"), FOREIGN),
    408: describe("the file came too slowly.", errors.upload_too_slow()),
    413: describe("the file has too many bytes.", errors.upload_too_large()),
    415: describe("the body is no multipart form.", errors.no_form()),
    429: describe(
        "try again after `Retry-After`.",
        errors.too_many_uploads(5),
        errors.too_many_connections("key", 30),
        errors.minutes_used(600, 3_600),
        errors.slow_down(8),
    ),
    503: describe("try again after `Retry-After`.", errors.redis_unavailable(), errors.full(300)),
}


@router.post(PATHS[0], summary="Transcribe a file", response_class=Response, responses=ANSWERS, openapi_extra=_BODY)
async def transcriptions(request: Request, grant: AnyGrant, access: Parts, files: AllFiles) -> Response:
    """Return the text of a file in the languages that are spoken in it."""
    return await _answer(request, policy.require(grant, "files"), access, files, "transcribe")


@router.post(PATHS[1], summary="Translate a file", response_class=Response, responses=ANSWERS, openapi_extra=_BODY)
async def translations(request: Request, grant: AnyGrant, access: Parts, files: AllFiles) -> Response:
    """Return the text of a file in English."""
    return await _answer(request, policy.require(grant, "files"), access, files, "translate")


async def _answer(request: Request, grant: Grant, access: Access, files: Files, task: Task) -> Response:
    """Take a file in, and answer with its text, with events, or with a job."""
    address = address_of(request)
    with ExitStack() as held:
        held.enter_context(files.uploads.place(request, grant.subject if grant.source != "open" else str(address)))
        form = await files.uploads.form(request)
        held.callback(close, form)
        order, upload = order_of(form, task), upload_of(form)
        run = FileRun(files.parts, access.visit(grant, address), order, upload)
        if order.background:
            return answer_of(await files.background.begin(run, order, grant.subject, held), status=202)
        if order.stream:
            stream = events(run, order)
            first = await while_waiting(request, anext(stream))
            return EventStream(first, stream, held.pop_all())
        return await while_waiting(request, _whole(run, order))


async def _whole(run: FileRun, order: Order) -> Response:
    """Return the answer when all of the file is transcribed."""
    transcript = Transcript(order)
    async with aclosing(run.results()) as results:
        async for result in results:
            if result is not None:
                transcript.add(result)
    transcript.seconds = run.decoded_s
    transcript.check()
    headers = {"X-Failed-Segments": str(len(transcript.failures))} if transcript.failures else {}
    if order.keep:
        headers |= {"X-Session-Id": run.session_id or "", "X-Session-Token": run.token or ""}
    media_type, body = await asyncio.to_thread(written, transcript, run.kept)  # hours of subtitles take their time
    return Response(body, media_type=media_type, headers=headers)
