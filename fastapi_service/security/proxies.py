"""The proxies in front of the gateway, whose ``X-Forwarded-*`` headers say what the client sent to them."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

ANY = "*"
USER = "wta_user"
"""Entry in the scope of a request with the name of the person, if a trusted proxy says it."""
LONGEST_NAME = 100
"""Characters of it."""
_PORT = re.compile(r":\d*$")


def parse_networks(text: str) -> list[str]:
    """Return a comma-separated list of addresses and networks; ``*``, which is any, stands alone.

    Raises:
        ValueError: an entry is neither.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if ANY in entries:
        return [ANY]
    return [str(_network(entry)) for entry in entries]


class _Trusted:
    """The networks of the trusted proxies."""

    def __init__(self, networks: Sequence[str]) -> None:
        """``networks`` as ``parse_networks`` returns them."""
        self._any = ANY in networks
        self._networks = () if self._any else tuple(map(_network, networks))

    def sent(self, scope: Scope) -> bool:
        """Return True for a request, or a WebSocket, that one of them passed on."""
        if scope["type"] not in {"http", "websocket"}:
            return False
        if self._any:
            return True
        try:
            address = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class ForwardedHost:
    """ASGI middleware that puts the ``X-Forwarded-Host`` of a trusted proxy in the place of ``Host``.

    ``uvicorn``'s middleware does the same for ``X-Forwarded-For`` and ``-Proto``, and has to come after this one: it
    replaces the address of the proxy.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str]) -> None:
        """``networks`` as ``parse_networks`` returns them."""
        self._app = app
        self._trusted = _Trusted(networks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a WebSocket on."""
        if self._trusted.sent(scope):
            headers = Headers(scope=scope)
            host, forwarded = headers.get("host", ""), _first(headers.get("x-forwarded-host", ""))
            if forwarded and _name(forwarded) != _name(host):  # of the same name, only Host has the port for sure
                others = [header for header in scope["headers"] if header[0] != b"host"]
                scope = {**scope, "headers": [(b"host", forwarded.encode("latin-1")), *others]}
        await self._app(scope, receive, send)


class SignedInUser:
    """ASGI middleware that notes the person whom a trusted proxy has signed in, by the header that names the person.

    It has to come before ``uvicorn``'s, too.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str], header: str) -> None:
        """``networks`` as ``parse_networks`` returns them; ``header`` of no characters: nothing is noted."""
        self._app = app
        self._trusted = _Trusted(networks)
        self._header = header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a WebSocket on."""
        if self._header and self._trusted.sent(scope):
            name = Headers(scope=scope).get(self._header, "").encode("latin-1").decode(errors="replace").strip()
            if name and name.isprintable():
                scope = {**scope, USER: name[:LONGEST_NAME]}
        await self._app(scope, receive, send)


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(
            f"{entry!r} is no address and no network: write them such as 10.0.0.5 or 172.16.0.0/12, separated by commas"
        ) from None


def _first(value: str) -> str:
    """Return the first of several values: each proxy appends the host that it was called by."""
    return value.partition(",")[0].strip()


def _name(host: str) -> str:
    return _PORT.sub("", host).lower()
