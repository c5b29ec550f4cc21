"""The secrets that a request presents: in headers, a cookie or WebSocket sub-protocols, never in its URL."""

from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection

from fastapi_service.security import api_keys
from fastapi_service.security.proxies import USER

SUBPROTOCOL = "wta"
"""The one that is accepted; those with secrets stand beside it, and are never sent back."""
_KEY = f"{SUBPROTOCOL}.key."
_TICKET = f"{SUBPROTOCOL}.ticket."
_OPENAI_KEY, _DEEPGRAM_KEY = "openai-insecure-api-key.", "token"
"""Prefix of a key, and the sub-protocol before one, with which the pages of other services present theirs."""
_SCHEMES = frozenset({"bearer", "token"})
"""The latter is Deepgram's."""
Kind = Literal["key", "ticket", "cookie", "user"]


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret, or the name of a person whom a trusted proxy has signed in."""

    kind: Kind
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out of logs and tracebacks."""
        return f"Credential({self.kind})"


def subprotocols(connection: HTTPConnection) -> list[str]:
    """Return the sub-protocols that a handshake offers."""
    return [offer.strip() for offer in connection.headers.get("sec-websocket-protocol", "").split(",") if offer.strip()]


def presented(connection: HTTPConnection, *, takes_cookie: bool) -> Credential | None:
    """Return what a request or a handshake presents: the first of key, ticket, proxy's user and cookie.

    Sub-protocols count in handshakes only: a ticket opens a WebSocket, and no route that makes another ticket.

    Args:
        connection: the request.
        takes_cookie: False for pages of other origins: browsers add cookies to what these send.
    """
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() in _SCHEMES and api_keys.id_of(bearer.strip()):  # else the token of a session
        return Credential("key", bearer.strip())
    offers = subprotocols(connection) if connection.scope["type"] == "websocket" else []
    for before, offer in zip(["", *offers], offers, strict=False):
        if key := _key_in(before, offer):
            return Credential("key", key)
        if offer.startswith(_TICKET):
            return Credential("ticket", offer.removeprefix(_TICKET))
    if not takes_cookie:
        return None
    if user := connection.scope.get(USER):
        return Credential("user", user)
    cookie = connection.cookies.get(cookie_name(connection))
    return Credential("cookie", cookie) if cookie else None


def _key_in(before: str, offer: str) -> str | None:
    """Return the key in a sub-protocol, if there is one; ``before`` is the one that is offered before it."""
    for prefix in (_KEY, _OPENAI_KEY):
        if offer.startswith(prefix):
            return offer.removeprefix(prefix)
    return offer if before == _DEEPGRAM_KEY else None


def cookie_name(connection: HTTPConnection) -> str:
    """Return the name of the cookie: with HTTPS one that browsers take from this host only, and only when secure."""
    return "__Host-wta" if is_secure(connection) else "wta"


def is_secure(connection: HTTPConnection) -> bool:
    """Return True if the request came by HTTPS, as the trusted proxies say it."""
    return connection.url.scheme in {"https", "wss"}
