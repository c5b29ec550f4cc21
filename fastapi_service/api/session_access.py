"""Dependencies of routes that show a session: to its token, to the grant that it began with, and to an admin."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials

from fastapi_service.access.grant import Grant
from fastapi_service.api.acceptor import acceptor_of
from fastapi_service.api.grants import COOKIE, KEY, Parts, closed_access
from fastapi_service.api.sessions import TOKEN
from fastapi_service.security.api_keys import id_of
from wire.messages.base import SessionId

Id = Annotated[SessionId, Path(description="The `session_id` of `ready`.")]


class Presented(NamedTuple):
    """A request brings the token of a session, or else a grant, or nothing."""

    token: str | None
    grant: Grant | None


class Opened(NamedTuple):
    """A session that the client may read."""

    session_id: str
    room: str | None


async def holder_of(
    request: Request, _: Annotated[object, Depends(KEY)], __: Annotated[object, Depends(COOKIE)]
) -> Grant | None:
    """Return the grant that a request brings, also where access is open; a FastAPI dependency."""
    return await acceptor_of(request).holder_of(request)


async def presented(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(TOKEN)],
    holder: Annotated[Grant | None, Depends(holder_of)],
) -> Presented:
    """Return what a request brings; a FastAPI dependency."""
    bearer = credentials.credentials.strip() if credentials is not None else ""
    is_token = len(bearer.split()) == 1 and id_of(bearer) is None
    return Presented(bearer, None) if is_token else Presented(None, holder)


Holder = Annotated[Grant | None, Depends(holder_of)]
Shown = Annotated[Presented, Depends(presented)]


async def opened(session_id: Id, request: Request, shown: Shown, access: Parts) -> Opened:
    """Return the session of the path, which the client may read; a FastAPI dependency."""
    if shown.token is None:
        begun = await access.entrance.open(shown.grant, session_id)
    else:
        closed = await closed_access(request) is not None
        begun = await access.entrance.open_by_token(session_id, shown.token, closed=closed)
    return Opened(session_id, begun.room)


Session = Annotated[Opened, Depends(opened)]
