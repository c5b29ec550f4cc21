"""Sign-in, tickets, and the owner's hand on a room. All but the sign-in takes a grant; see docs/access.md."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.access.access import Access
from fastapi_service.access.grant import OPEN, Grant
from fastapi_service.api.acceptor import acceptor_of, address_of
from fastapi_service.api.problems import describe, refused_with
from fastapi_service.security.credentials import cookie_name, is_secure
from fastapi_service.settings import Settings
from fastapi_service.storage.logins import LOGIN_TTL_S, TICKET_TTL_S
from fastapi_service.storage.rooms import Links
from wire.errors import WireError
from wire.messages.base import RoomName
from wire.messages.client import Secret, Start
from wire.messages.server import Right

NO_STORE = {"Cache-Control": "no-store"}
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: describe("`no_grant`, `grant_refused`: no grant, or a wrong one."),
    403: describe("`not_allowed`, `not_invited`, `not_owner`, `origin_refused`: the grant is for something else."),
    404: describe("`access_open`: access is open."),
    429: describe("`slow_down`: too many wrong ones came from this address; `Retry-After` has the seconds."),
    503: describe("`redis_unreachable`: try again in a moment."),
}

router = APIRouter(tags=["access"])


class SignIn(BaseModel):
    """The pass-phrase."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    passphrase: Annotated[str, Field(min_length=1, max_length=200, repr=False)]


class NewRoom(BaseModel):
    """The name of a room; null for one that cannot be guessed."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    room: RoomName | None = None


class Invitation(BaseModel):
    """The link of a client that has no other grant."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid")

    room: RoomName | None = None
    invite: Annotated[Secret | None, Field(repr=False)] = None


class State(BaseModel):
    """The client's access."""

    access: str
    """``open`` or ``closed``."""
    rights: tuple[Right, ...]
    """Those of the client; none before it has signed in."""
    name: str | None
    """Name of a person whom a proxy has signed in."""
    login: str | None
    """Path at which a proxy signs people in."""


class Ticket(BaseModel):
    """Lets one WebSocket in."""

    ticket: str
    expires_in_s: int


class RoomLinks(BaseModel):
    """The secrets of a room's links: ``/?room=ROOM#invite=SECRET``. They are shown once."""

    room: str
    talk: str
    read: str


def access_of(connection: HTTPConnection) -> Access:
    """Return the application's access; a FastAPI dependency."""
    access: Access = connection.app.state.access
    return access


def settings_of(connection: HTTPConnection) -> Settings:
    """Return the gateway's settings; a FastAPI dependency."""
    settings: Settings = connection.app.state.settings
    return settings


async def grant_of(request: Request) -> Grant | None:
    """Return the client's grant; a FastAPI dependency. It raises what ``app.py`` answers with a status."""
    return await acceptor_of(request).grant_of(request) if settings_of(request).closed else OPEN


async def only_closed(settings: Annotated[Settings, Depends(settings_of)]) -> None:
    """Refuse a request that has no meaning where access is open; a FastAPI dependency."""
    if not settings.closed:
        raise errors.access_is_open()


async def own_page(request: Request) -> None:
    """Refuse a request of a foreign page; a FastAPI dependency."""
    if foreign := acceptor_of(request).refusal(request.headers.get("origin"), request.headers.get("host", "")):
        raise foreign


async def closed_access(request: Request) -> Access | None:
    """Return the parts of access where it is closed, unless a foreign page requests; a FastAPI dependency."""
    if not settings_of(request).closed:
        return None
    await own_page(request)
    return access_of(request)


def needs(right: Right) -> Any:
    """Return a FastAPI dependency that refuses a client without a right."""

    async def check(grant: Annotated[Grant | None, Depends(grant_of)]) -> None:
        policy.require(grant, right)

    return Depends(check)


AnyGrant = Annotated[Grant | None, Depends(grant_of)]
Parts = Annotated[Access, Depends(access_of)]
Config = Annotated[Settings, Depends(settings_of)]
Name = Annotated[RoomName, Path(description="Name of the room.")]


@router.get("/access", summary="May this client use the service?", responses={403: _REFUSED[403], 503: _REFUSED[503]})
async def state(grant: AnyGrant, settings: Config, request: Request, response: Response) -> State:
    """Say whether access is open, and which rights the client has. A browser's time begins again."""
    response.headers.update(NO_STORE)
    if grant is not None and grant.source == "login":
        _set_cookie(response, request, request.cookies[cookie_name(request)])
    return State(
        access="closed" if settings.closed else "open",
        rights=grant.listed if grant else (),
        name=grant.id if grant is not None and grant.source == "user" else None,
        login=(settings.login_path or None) if settings.closed else None,
    )


@router.post(
    "/login",
    summary="Sign a browser in with the pass-phrase",
    status_code=204,
    dependencies=[Depends(only_closed), Depends(own_page)],
    responses=_REFUSED,
)
async def sign_in(body: SignIn, request: Request, access: Parts) -> Response:
    """Set the cookie of a browser. Scripts cannot read it, and no page of another site sends it."""
    if not is_secure(request) and request.url.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise errors.insecure()
    token = await access.identity.sign_in(body.passphrase, address_of(request))
    answer = Response(status_code=204, headers=NO_STORE)
    _set_cookie(answer, request, token)
    return answer


@router.delete(
    "/login",
    summary="Sign a browser out",
    status_code=204,
    dependencies=[Depends(only_closed), Depends(own_page)],
    responses=_REFUSED,
)
async def sign_out(request: Request, access: Parts) -> Response:
    """Forget the browser's cookie, and end its connections."""
    name = cookie_name(request)
    if token := request.cookies.get(name):
        await access.identity.sign_out(token)
    answer = Response(status_code=204, headers=NO_STORE)
    answer.delete_cookie(name, secure=is_secure(request), httponly=True, samesite="strict")
    return answer


@router.post(
    "/tickets",
    summary="Make a ticket for one WebSocket",
    status_code=201,
    dependencies=[Depends(only_closed)],
    responses=_REFUSED,
)
async def make_ticket(
    grant: AnyGrant, request: Request, access: Parts, response: Response, body: Invitation | None = None
) -> Ticket:
    """Make a ticket with the client's grant, for the one WebSocket that brings it within half a minute."""
    if body is not None and body.room is not None and body.invite is not None:
        wanted = Start(room=body.room, invite=body.invite)
        grant = await access.entrance.admit(grant, wanted, address_of(request))
    if grant is None:
        raise errors.no_grant()
    response.headers.update(NO_STORE)
    return Ticket(ticket=await access.identity.make_ticket(grant), expires_in_s=TICKET_TTL_S)


@router.post(
    "/rooms",
    summary="Make a room",
    status_code=201,
    dependencies=[Depends(only_closed)],
    responses=_REFUSED | {409: describe("`room_taken`: there is a room with this name.")},
)
async def make_room(grant: AnyGrant, access: Parts, response: Response, body: NewRoom | None = None) -> RoomLinks:
    """Make a room that the client owns; returns the secrets of its links."""
    response.headers.update(NO_STORE)
    name, links = await access.entrance.make_room(grant, body.room if body else None)
    return _shown(name, links)


@router.post(
    "/rooms/{room}/links",
    summary="Replace the links into a room",
    dependencies=[Depends(only_closed)],
    responses=_REFUSED,
)
async def renew_links(room: Name, grant: AnyGrant, access: Parts, response: Response) -> RoomLinks:
    """Make new links; those before lead nowhere, and those who are in the room stay."""
    response.headers.update(NO_STORE)
    return _shown(room, await access.entrance.renew_links(grant, room))


@router.delete(
    "/rooms/{room}",
    summary="Close a room",
    status_code=204,
    dependencies=[Depends(only_closed)],
    responses=_REFUSED,
)
async def close_room(room: Name, grant: AnyGrant, access: Parts) -> Response:
    """Close a room for all, and end their connections."""
    await access.entrance.close_room(grant, room)
    return Response(status_code=204, headers=NO_STORE)


@router.delete(
    "/rooms/{room}/people/{person}",
    summary="Remove a person from a room",
    dependencies=[Depends(only_closed)],
    responses=_REFUSED,
)
async def remove_person(
    room: Name,
    person: Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Public id of the person.")],
    grant: AnyGrant,
    access: Parts,
    response: Response,
) -> RoomLinks:
    """End a person's connections to a room, for good; returns new links, since the person has one of those before."""
    response.headers.update(NO_STORE)
    return _shown(room, await access.entrance.remove(grant, room, person))


def _set_cookie(answer: Response, request: Request, token: str) -> None:
    secure = is_secure(request)
    answer.set_cookie(cookie_name(request), token, max_age=LOGIN_TTL_S, secure=secure, httponly=True, samesite="strict")


def _shown(room: str, links: Links) -> RoomLinks:
    return RoomLinks(room=room, talk=links.talk, read=links.read)


async def on_refused(_: Request, error: Exception) -> JSONResponse:
    """Answer a request that a dependency or a route refuses with an error of ``wire.errors``, or without Redis."""
    return refused_with(error if isinstance(error, WireError) else errors.redis_unavailable())
