"""The gateway behind the line: is it one, what does it say of its parts, and may this client use it?"""

import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from wta.client.errors import GatewayError
from wta.client.http import Answer, HttpRoutes
from wta.doctor.finding import Finding, fault, ok, unknown, warning
from wta.doctor.line import speaks_tls

ALIVE = b"ok\n"
MAX_SKEW_S = 5.0
"""Seconds that this machine's clock may differ from the gateway's host: a header has whole ones."""
AWAY = {502, 503, 504}


def check_service(routes: HttpRoutes, host: str, port: int) -> list[Finding]:
    """Check that a gateway answers at an address; the last finding has what is there instead."""
    part = "gateway"
    try:
        answer = routes.request("/healthz")
    except GatewayError as error:
        if isinstance(error.__cause__, HTTPException | ConnectionError) and speaks_tls(host, port):
            return [fault(part, "tls_expected", f"{host} port {port} speaks TLS.", f"Use https://{host}:{port}.")]
        return [fault(part, "not_a_gateway", f"{error.message}", error.remedy)]
    if answer.status == 200 and answer.body == ALIVE:
        return [ok(part, f"A gateway runs at {routes.url}."), *_clock(answer)]
    return [_something_else(routes, answer)]


def _something_else(routes: HttpRoutes, answer: Answer) -> Finding:
    part, target = "gateway", answer.headers.get("Location", "")
    if answer.status in AWAY:
        message = f"A proxy answers with status {answer.status}: the gateway behind it is away."
        return fault(
            part, "gateway_away", message, "Start it, and look at its log (docker compose logs fastapi_service)."
        )
    if target.startswith("https:") or (answer.status == 400 and b"HTTPS port" in answer.body):
        wanted = routes.url.replace("http:", "https:", 1)
        return fault(part, "tls_expected", f"{routes.url} wants HTTPS.", f"Use {wanted}, with the port of HTTPS.")
    parts = urlsplit(routes.url)
    if parts.path:
        root = HttpRoutes(f"{parts.scheme}://{parts.netloc}")
        if _is_alive(root):
            message = f"The gateway is at {root.url}, not at {routes.url}."
            return fault(part, "wrong_path", message, f"Use --url {root.url}.")
    server = answer.headers.get("Server", "")
    named = f" ({server})" if server.isprintable() and server else ""
    message = f"Another service answers at {routes.url}{named}: status {answer.status}, and not a gateway's answer."
    return fault(part, "other_service", message, "Check host, port and path (--url).")


def _is_alive(routes: HttpRoutes) -> bool:
    try:
        return routes.request("/healthz").body == ALIVE
    except GatewayError:
        return False


def _clock(answer: Answer) -> list[Finding]:
    """Compare this machine's clock with that of the gateway's host, or of the proxy in front of it."""
    try:
        skew = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (TypeError, ValueError):
        return []
    if abs(skew) <= MAX_SKEW_S:
        return []
    side = "ahead of" if skew > 0 else "behind"
    message = f"This machine's clock is {abs(skew):.0f} s {side} that of the gateway's host."
    return [warning("clock", "clock_differs", message, "Set both by NTP (timedatectl set-ntp true).")]


def check_access(routes: HttpRoutes, *, has_key: bool) -> list[Finding]:
    """Check the client's rights."""
    part = "access"
    answer = routes.request("/access")
    state: Any = answer.json()
    if not isinstance(state, dict):
        return [unknown(part, "The gateway has no access control: it is older than this client.")]
    if answer.status != 200:
        key = "Check WTA_KEY. " if has_key else ""
        remedy = f"{key}{state.get('remedy', '')}"
        return [fault(part, str(state.get("code", "refused")), str(state.get("message", "Refused.")), remedy)]
    if state.get("access") == "open":
        return [ok(part, "Open: whoever reaches the gateway may use it.")]
    rights = state.get("rights") or []
    if not rights:
        remedy = "Set WTA_KEY (python -m fastapi_service.keys create), or enter a room with WTA_INVITE."
        return [fault(part, "no_key", "Access is closed, and there is no key.", remedy)]
    if "talk" not in rights:
        message = "The key lets this client read only: listen and transcribe are refused."
        return [fault(part, "not_allowed", message, "Use a key of the scope talk or files; watch and stats work.")]
    if "files" not in rights:
        message = "The key is for live audio: transcribe and bench --fast are slowed down or refused."
        return [warning(part, "no_files", message, "Use a key of the scope files for them.")]
    return [ok(part, f"Closed; the key has the rights {', '.join(map(str, rights))}.")]
