"""Dependencies of routes: the client's grant, and the refusals of requests that it is not enough for."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.access.access import Access
from fastapi_service.access.grant import OPEN, Grant
from fastapi_service.api.acceptor import acceptor_of
from fastapi_service.api.answers import answers
from fastapi_service.settings import Settings
from wire.messages.server import Right

NO_STORE = {"Cache-Control": "no-store"}
FOREIGN = errors.foreign_origin("https://example.org", "talk.example.com")
"""An example."""
REFUSED = answers(
    errors.no_grant(),
    errors.grant_refused(),
    errors.not_allowed("talk"),
    errors.not_invited(),
    errors.not_owner(),
    FOREIGN,
    errors.access_is_open(),
    errors.bad_message("room", "String should match pattern"),
    errors.slow_down(8),
    errors.too_many_requests(600, 8),
    errors.redis_unavailable(),
)
"""Answers of all routes that take a grant, by status."""
BODY = answers(errors.request_refused("There was an error parsing the body"), errors.body_too_large())
"""Further answers of those that take a body."""
KEY = HTTPBearer(
    scheme_name="Key", auto_error=False, bearerFormat="wta_ID_SECRET", description="An API key; see docs/access.md."
)
COOKIE = APIKeyCookie(
    name="__Host-wta", scheme_name="SignIn", auto_error=False, description="The cookie of a browser that has signed in."
)
SCHEMES = [Depends(KEY), Depends(COOKIE)]
"""Both bring a grant. They are for the description of routes; ``security/credentials.py`` reads them."""


def access_of(connection: HTTPConnection) -> Access:
    """Return the application's access; a FastAPI dependency."""
    access: Access = connection.app.state.access
    return access


def settings_of(connection: HTTPConnection) -> Settings:
    """Return the gateway's settings; a FastAPI dependency."""
    settings: Settings = connection.app.state.settings
    return settings


async def grant_of(
    request: Request, _: Annotated[object, Depends(KEY)], __: Annotated[object, Depends(COOKIE)]
) -> Grant | None:
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
