"""``/sessions/{session_id}``: for holders of the session's token, what its audience saw as a file, and its deletion."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.access.access import Access
from fastapi_service.api.grants import closed_access
from fastapi_service.api.problems import describe, refused
from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.sessions import SessionStore
from wire.errors import ProtocolError
from wire.messages.results import Final, SegmentFailed

BATCH = 100
"""Results that are read and written at once, so that a long file does not delay live sessions."""
_token = HTTPBearer(auto_error=False, bearerFormat="the token of `ready`", description="The token of the session.")

router = APIRouter(tags=["sessions"])
log = structlog.get_logger()


def store_of(request: Request) -> SessionStore:
    """Return the application's session store; a FastAPI dependency."""
    store: SessionStore = request.app.state.store
    return store


def deletion_of(request: Request) -> Deletion:
    """Return the application's deletion; a FastAPI dependency."""
    deletion: Deletion = request.app.state.deletion
    return deletion


def results_of(request: Request) -> ResultLog:
    """Return the application's result log; a FastAPI dependency."""
    results: ResultLog = request.app.state.results
    return results


@router.get(
    "/sessions/{session_id}/export",
    summary="Export what was said as a file",
    response_class=Response,
    responses={
        200: {
            "description": "Every `final` and `segment_failed` of the session's audience, in order, the finals of "
            "a sentence as one entry; of a log that is longer than about 10,000 results, the newest.",
            "content": {
                form.media_type.partition(";")[0]: {"schema": {"type": "object" if name == "json" else "string"}}
                for name, form in FORMATS.items()
            },
        },
        400: describe("`bad_format`: the format is unknown."),
        401: describe("`no_token`: the header is missing."),
        403: describe("`grant_ended`, `removed`, `origin_refused`: what the session began with is no longer valid."),
        404: describe("`session_unknown`: no such session, expired, or a wrong token."),
        503: describe("`redis_unreachable`: try again in a moment."),
    },
)
async def export(
    session_id: Annotated[str, Path(description="The `session_id` of `ready`.")],
    store: Annotated[SessionStore, Depends(store_of)],
    results: Annotated[ResultLog, Depends(results_of)],
    access: Annotated[Access | None, Depends(closed_access)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)],
    format_name: Annotated[str, Query(alias="format", json_schema_extra={"enum": [*FORMATS]})] = "",
) -> Response:
    """Return the session as a file; in a room with the results of all its sessions.

    The log is read twice, first for speakers and sentences, and is never in memory as a whole.
    """
    form = FORMATS.get(format_name)
    if form is None:
        return refused(400, errors.bad_format(FORMATS))
    if credentials is None or len(credentials.credentials.split()) != 1:
        return refused(401, errors.no_token(), {"WWW-Authenticate": "Bearer"})
    speakers, sentences = Speakers(), Sentences()
    try:
        audience = await store.audience(session_id, credentials.credentials)
        if audience is None:
            return refused(404, errors.nothing_to_export())
        if access is not None:
            await access.entrance.check_export(session_id, credentials.credentials)
        until = await results.newest(audience)
        async for batch in _read(results, audience, until):
            for result in batch:
                speakers.note(result)
                sentences.note(result)
    except (RedisError, OSError):
        return refused(503, errors.redis_unavailable())
    return StreamingResponse(
        _written(_read(results, audience, until), File(form, speakers.by_session(), sentences)),
        media_type=form.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="transcript-{session_id[:8]}.{format_name}"',
            "Cache-Control": "no-store",
        },
    )


@router.delete(
    "/sessions/{session_id}",
    summary="Delete what was said",
    status_code=204,
    responses={
        401: describe("`no_token`: the header is missing."),
        403: describe(
            "`not_owner`: the session is in a room that it does not own; "
            "`grant_ended`, `origin_refused`: as for the export."
        ),
        404: describe("`session_unknown`: no such session, expired, or a wrong token."),
        503: describe("`redis_unreachable`: try again in a moment."),
    },
)
async def delete(
    session_id: Annotated[str, Path(description="The `session_id` of `ready`.")],
    deletion: Annotated[Deletion, Depends(deletion_of)],
    access: Annotated[Access | None, Depends(closed_access)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)],
) -> Response:
    """Delete the session with all that was said in it; in a room, the room's conversation. Safe to repeat.

    Clients that are connected get `deleted` within about a second. See `docs/privacy.md` for what goes when.
    """
    if credentials is None or len(credentials.credentials.split()) != 1:
        return refused(401, errors.no_token(), {"WWW-Authenticate": "Bearer"})
    try:
        owns = await access.entrance.may_delete(session_id, credentials.credentials) if access is not None else None
        await deletion.delete(session_id, credentials.credentials, owns=owns)
    except ProtocolError as error:
        return refused(404, error)
    except (RedisError, OSError):
        return refused(503, errors.redis_unavailable())
    log.info("conversation deleted", session=session_id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _read(results: ResultLog, audience: str, until: int) -> AsyncIterator[list[Final | SegmentFailed]]:
    """Yield an audience's log in batches, without utterances that were no speech."""
    after = 0
    while batch := await results.read(audience, after, BATCH, until):
        after = batch[-1][0]
        yield [result for _, result in batch if isinstance(result, Final | SegmentFailed)]


async def _written(batches: AsyncIterator[list[Final | SegmentFailed]], file: File) -> AsyncIterator[str]:
    yield file.head()
    async for batch in batches:
        yield await asyncio.to_thread(file.entries, batch)  # cutting subtitles takes its time
    yield await asyncio.to_thread(file.tail)
