"""``/v1/sessions``: for holders of a grant, the sessions that they began; for holders of a token, its session.

``/sessions/{session_id}`` (``sessions.py``) is older, and takes the token only.
"""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api.answers import answers
from fastapi_service.api.grants import FOREIGN, NO_STORE, Parts, closed_access
from fastapi_service.api.session_access import Holder, Id, Session, Shown
from fastapi_service.api.session_examples import DETAILS, PAGE
from fastapi_service.api.session_models import SessionDetails, SessionPage, SessionQuery, SessionSummary
from fastapi_service.api.sessions import deletion_of, results_of, store_of
from fastapi_service.api.transcript_models import TRANSCRIPT
from fastapi_service.api.transcripts import transcript
from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.export.formats import FORMATS
from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.session_list import Position, SessionList, Wanted
from fastapi_service.storage.sessions import SessionStore
from wire import names

_GRANT = (errors.grant_refused(), FOREIGN, errors.slow_down(8), errors.redis_unavailable())
_OPENING = (
    errors.no_key(),
    *_GRANT,
    errors.grant_ended(),
    errors.removed(),
    errors.session_unlisted(),
    errors.bad_message("session_id", "String should match pattern '^[0-9a-f]{32}$'"),
)

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
log = structlog.get_logger()


def list_of(request: Request) -> SessionList:
    """Return the application's list of sessions; a FastAPI dependency."""
    found: SessionList = request.app.state.session_list
    return found


@router.get(
    "",
    summary="List sessions",
    operation_id="list_sessions",
    responses=PAGE
    | answers(errors.no_key(), *_GRANT, errors.bad_message("limit", "Input should be greater than or equal to 1")),
)
async def sessions(
    query: Annotated[SessionQuery, Query()],
    response: Response,
    holder: Holder,
    found: Annotated[SessionList, Depends(list_of)],
) -> SessionPage:
    """Return the sessions that began with the client's key or sign-in, for an admin's key all; the newest first.

    Also where access is open, a key is needed: whoever comes by could else read what others say. Sessions that have
    expired or were deleted are not listed.
    """
    response.headers.update(NO_STORE)
    grant = policy.list_sessions(holder)
    began_by = None if policy.is_admin(grant) else grant.began_by or ""
    wanted = Wanted(query.room, query.since, query.state)
    page, following = await found.page(began_by, wanted, query.limit, _position(query.after))
    return SessionPage(
        sessions=[SessionSummary.model_validate(SessionSummary.fields_of(each)) for each in page],
        next=f"{following.began_ms:.0f}-{following.session_id}" if following is not None else None,
    )


@router.get(
    "/{session_id}",
    operation_id="get_session",
    summary="One session with its statistics",
    responses=DETAILS | answers(*_OPENING),
)
async def session(
    response: Response,
    opened_session: Session,
    found: Annotated[SessionList, Depends(list_of)],
    store: Annotated[SessionStore, Depends(store_of)],
) -> SessionDetails:
    """Return a session, for its token, for the key or the sign-in that it began with, and for an admin's key."""
    response.headers.update(NO_STORE)
    session_id, room = opened_session
    listed = await found.find(session_id)
    if listed is None:
        raise errors.session_unlisted()
    more: dict[str, Any] = {
        "statistics": await store.statistics(names.audience(session_id, None)),
        "room_statistics": await store.statistics(names.room_audience(room)) if room is not None else None,
        "people": await store.person_statistics(room) if room is not None else [],
    }
    return SessionDetails.model_validate(SessionSummary.fields_of(listed) | more)


@router.get(
    "/{session_id}/transcript",
    summary="The transcript of a session as a file",
    operation_id="get_transcript",
    response_class=Response,
    responses=TRANSCRIPT | answers(*_OPENING, errors.bad_format(FORMATS)),
)
async def transcript_of(
    opened_session: Session,
    results: Annotated[ResultLog, Depends(results_of)],
    format_name: Annotated[str, Query(alias="format", json_schema_extra={"enum": [*FORMATS]})] = "json",
) -> Response:
    """Return what the session's audience saw; in a room with the results of all its sessions."""
    if format_name not in FORMATS:
        raise errors.bad_format(FORMATS)
    session_id, room = opened_session
    return await transcript(results, names.audience(session_id, room), session_id, format_name)


@router.delete(
    "/{session_id}",
    summary="Delete a session",
    operation_id="delete_session",
    status_code=204,
    responses=answers(*_OPENING, errors.not_owner()),
)
async def delete(
    session_id: Id,
    request: Request,
    shown: Shown,
    access: Parts,
    deletion: Annotated[Deletion, Depends(deletion_of)],
) -> Response:
    """Delete the session with all that was said in it; in a room, whose owner it takes, the room's conversation.

    With the session's token it is safe to repeat. Clients that are connected get `deleted` within about a second.
    """
    if shown.token is None:
        owns: bool | None = await access.entrance.owns(shown.grant, await access.entrance.open(shown.grant, session_id))
    else:
        closed = await closed_access(request)
        owns = await closed.entrance.may_delete(session_id, shown.token) if closed is not None else None
    await deletion.delete(session_id, shown.token, owns=owns)
    log.info("conversation deleted", session=session_id)
    return Response(status_code=204, headers=NO_STORE)


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    began_ms, _, session_id = cursor.partition("-")
    return Position(float(began_ms), session_id)
