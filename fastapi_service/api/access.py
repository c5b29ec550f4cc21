"""Sign-in and tickets. All but the sign-in takes a grant; see docs/access.md."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fastapi_service import errors
from fastapi_service.api.acceptor import address_of
from fastapi_service.api.answers import EXAMPLE_LINK, answers, example, merged
from fastapi_service.api.grants import BODY, FOREIGN, NO_STORE, REFUSED, AnyGrant, Config, Parts, only_closed, own_page
from fastapi_service.security.credentials import cookie_name, is_secure
from fastapi_service.security.passphrase import LONGEST
from fastapi_service.storage.logins import LOGIN_TTL_S, TICKET_TTL_S
from wire.messages.base import RoomName
from wire.messages.client import Secret, Start
from wire.messages.server import Right

router = APIRouter(tags=["access"])


class SignIn(BaseModel):
    """The pass-phrase."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        extra="forbid",
        json_schema_extra={"examples": [{"passphrase": "k7wm-q3xa-ht9p-vd2c"}]},
    )

    passphrase: Annotated[str, Field(min_length=1, max_length=LONGEST, repr=False)]


class Invitation(BaseModel):
    """The link of a client that has no other grant."""

    model_config = ConfigDict(
        hide_input_in_errors=True,
        extra="forbid",
        json_schema_extra={"examples": [{"room": "standup", "invite": EXAMPLE_LINK}]},
    )

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


_STATE = State(access="closed", rights=("read", "talk", "files"), name="Kim", login="/oauth2/start?rd=/")
_TICKET = Ticket(ticket=EXAMPLE_LINK, expires_in_s=TICKET_TTL_S)


@router.get(
    "/access",
    summary="May this client use the service?",
    responses=answers(errors.grant_refused(), FOREIGN, errors.slow_down(8), errors.redis_unavailable())
    | {200: example(_STATE.model_dump(mode="json"), "The client's access.")},
)
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
    responses=merged(REFUSED, BODY, answers(errors.insecure())),
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
    responses=REFUSED,
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
    responses=REFUSED | BODY | {201: example(_TICKET.model_dump(), "The ticket; it is shown once.")},
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


def _set_cookie(answer: Response, request: Request, token: str) -> None:
    secure = is_secure(request)
    answer.set_cookie(cookie_name(request), token, max_age=LOGIN_TTL_S, secure=secure, httponly=True, samesite="strict")
