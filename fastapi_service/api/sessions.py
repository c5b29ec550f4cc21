"""``/sessions/{session_id}``: for holders of the session's token, what its audience saw as a file, and its deletion."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.access.access import Access
from fastapi_service.api.answers import answers
from fastapi_service.api.grants import FOREIGN, closed_access
from fastapi_service.api.problems import refused
from fastapi_service.api.transcript_models import TRANSCRIPT
from fastapi_service.api.transcripts import transcript
from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.export.formats import FORMATS
from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.sessions import SessionStore
from wire.errors import ProtocolError

TOKEN = HTTPBearer(auto_error=False, bearerFormat="the token of `ready`", description="The token of the session.")

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
    responses=TRANSCRIPT
    | answers(
        errors.bad_format(FORMATS),
        errors.no_token(),
        errors.grant_ended(),
        errors.removed(),
        FOREIGN,
        errors.nothing_to_export(),
        errors.redis_unavailable(),
    ),
)
async def export(
    session_id: Annotated[str, Path(description="The `session_id` of `ready`.")],
    store: Annotated[SessionStore, Depends(store_of)],
    results: Annotated[ResultLog, Depends(results_of)],
    access: Annotated[Access | None, Depends(closed_access)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(TOKEN)],
    format_name: Annotated[str, Query(alias="format", json_schema_extra={"enum": [*FORMATS]})] = "",
) -> Response:
    """Return the session as a file; in a room with the results of all its sessions."""
    if format_name not in FORMATS:
        return refused(400, errors.bad_format(FORMATS))
    if credentials is None or len(credentials.credentials.split()) != 1:
        return refused(401, errors.no_token(), {"WWW-Authenticate": "Bearer"})
    try:
        audience = await store.audience(session_id, credentials.credentials)
        if audience is None:
            return refused(404, errors.nothing_to_export())
        if access is not None:
            await access.entrance.check_export(session_id, credentials.credentials)
        return await transcript(results, audience, session_id, format_name)
    except (RedisError, OSError):
        return refused(503, errors.redis_unavailable())


@router.delete(
    "/sessions/{session_id}",
    summary="Delete what was said",
    status_code=204,
    responses=answers(
        errors.no_token(),
        errors.not_owner(),
        errors.grant_ended(),
        FOREIGN,
        errors.nothing_to_delete(),
        errors.redis_unavailable(),
    ),
)
async def delete(
    session_id: Annotated[str, Path(description="The `session_id` of `ready`.")],
    deletion: Annotated[Deletion, Depends(deletion_of)],
    access: Annotated[Access | None, Depends(closed_access)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(TOKEN)],
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
