"""All checks, from the address to a session. What cannot work without something earlier is not tried."""

import asyncio
from urllib.parse import urlsplit

from wire.errors import WireError
from wta.client.http import HttpRoutes
from wta.client.tls import Tls
from wta.doctor.finding import Finding, Level, fault, ok, warning
from wta.doctor.line import check_line
from wta.doctor.readiness import REDIS, check_queues, check_readiness
from wta.doctor.service import check_access, check_service
from wta.doctor.session import check_session


def examine(url: str, key: str | None, tls: Tls, version: str) -> list[Finding]:
    """Check everything between this machine and a transcript.

    Args:
        url: the gateway.
        key: API key, where access is closed.
        tls: whose certificates are accepted.
        version: of this client.

    Raises:
        ConfigurationError: the address is malformed, or the authority of ``tls`` cannot be read.
    """
    routes = HttpRoutes(url, key=key, tls=tls)
    parts = urlsplit(routes.url)
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    found = check_line(host, port, tls if secure else None)
    if not _broken(found):
        found += check_service(routes, host, port)
    if not _broken(found):
        try:
            found += _behind(routes, key, tls, version)
        except WireError as error:  # it went away meanwhile
            found.append(fault("gateway", error.code, error.message, error.remedy))
    return found


def _behind(routes: HttpRoutes, key: str | None, tls: Tls, version: str) -> list[Finding]:
    found = [*_version(routes, version), *check_access(routes, has_key=key is not None)]
    may_begin = not _broken(found)
    services = check_readiness(routes)
    found += [*services, check_queues(routes)]
    if may_begin and not any(each.part == REDIS and each.level is Level.FAULT for each in services):
        found.append(asyncio.run(check_session(routes.url, key, tls)))
    return found


def _version(routes: HttpRoutes, version: str) -> list[Finding]:
    """Compare versions, where the gateway shows its own."""
    described = routes.request("/openapi.json").json()
    other = described.get("info", {}).get("version") if isinstance(described, dict) else None
    if not isinstance(other, str):
        return []
    if other.split(".")[:2] != version.split(".")[:2]:
        message = f"The gateway is of version {other}, this client of {version}."
        return [warning("version", "other_version", message, "Use the same for both, if something is not understood.")]
    return [ok("version", f"Gateway {other}, client {version}.")]


def _broken(found: list[Finding]) -> bool:
    return any(each.level is Level.FAULT for each in found)
