"""The line to the gateway: name, port, certificate."""

import socket
import ssl
import time
from typing import Any

from wta.client.tls import Tls
from wta.doctor.finding import Finding, Level, fault, ok, warning

CONNECT_S = 5.0
EXPIRES_SOON_S = 14 * 86_400
EXPIRED, NOT_YET_VALID, OTHER_NAME, OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's codes of verification."""
CLOCK = "Renew it at the gateway, unless this machine's clock is wrong."
TRUST = (
    "Name its authority's file with --ca, or use --insecure. That of a gateway is .run/tls/ca.pem (make run), or comes "
    "by docker compose cp nginx:/certificates/ca.pem ."
)


def check_line(host: str, port: int, tls: Tls | None) -> list[Finding]:
    """Connect to a port, and look at the certificate if ``tls`` is given; the last finding has what stops it."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
    except (OSError, UnicodeError):
        return [fault("address", "unknown_host", f"No machine has the name {host}.", "Check the address (--url).")]
    try:
        with socket.create_connection((host, port), CONNECT_S):
            found = [ok("connection", f"{address} port {port} answers.")]
    except OSError as error:
        return [_closed(host, port, error)]
    return found if tls is None else [*found, *_certificate(host, port, tls)]


def speaks_tls(host: str, port: int) -> bool:
    """Return True if a TLS server listens, whatever its certificate."""
    try:
        _handshake(host, port, Tls(insecure=True).context())
    except OSError:  # also ssl.SSLError
        return False
    return True


def _closed(host: str, port: int, error: OSError) -> Finding:
    if isinstance(error, ConnectionRefusedError):
        message = f"Nothing listens at {host} port {port}."
        return fault(
            "connection", "nothing_listens", message, "Start the gateway (make run), or check the port (--url)."
        )
    if isinstance(error, TimeoutError):
        message = f"{host} port {port} does not answer within {CONNECT_S:.0f} s."
        return fault(
            "connection", "no_answer", message, "Look for a firewall on the way, and check the address (--url)."
        )
    message = f"{host} port {port} cannot be reached: {error.strerror or type(error).__name__}."
    return fault("connection", "unreachable", message, "Check the network and the address (--url).")


def _certificate(host: str, port: int, tls: Tls) -> list[Finding]:
    part = "certificate"
    try:
        certificate = _handshake(host, port, tls.context())
    except ssl.SSLCertVerificationError as error:
        return [_untrusted(host, error)]
    except OSError:  # also ssl.SSLError
        message = f"What listens at {host} port {port} does not speak TLS."
        return [fault(part, "no_tls", message, f"Try http://{host}:{port}.")]
    if tls.insecure:
        return [warning(part, "not_checked", "The certificate is not checked: --insecure.", "Use --ca instead.")]
    left = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
    if left < EXPIRES_SOON_S:
        return [warning(part, "expires_soon", f"The certificate expires in {left / 86_400:.0f} days.", "Renew it.")]
    return [ok(part, f"Trusted, for {host}, and valid for {left / 86_400:.0f} days.")]


def _handshake(host: str, port: int, context: ssl.SSLContext) -> dict[str, Any]:
    with (
        socket.create_connection((host, port), CONNECT_S) as line,
        context.wrap_socket(line, server_hostname=host) as secured,
    ):
        return secured.getpeercert() or {}


def _untrusted(host: str, error: ssl.SSLCertVerificationError) -> Finding:
    other = "certificate_of_another_name", f"The certificate is not for {host}.", "Use the name that it is for (--url)."
    codes = {
        EXPIRED: ("certificate_expired", "The certificate has expired.", CLOCK),
        NOT_YET_VALID: ("certificate_not_yet_valid", "The certificate is not valid yet.", CLOCK),
        OTHER_NAME: other,
        OTHER_ADDRESS: other,
    }
    known = codes.get(error.verify_code)
    if known is None:
        message = f"The authority of the certificate is not trusted: {error.verify_message}."
        known = ("certificate_untrusted", message, TRUST)
    return Finding("certificate", Level.FAULT, *known)
