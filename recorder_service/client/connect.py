"""Opening a WebSocket to the gateway, and what it means when that fails or when one closes."""

import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI

from recorder_service.client.errors import GatewayAway, GatewayError
from wire.messages.server import Error

OPEN_S = 10.0
CLOSE_S = 2.0
PING_S = 10.0
"""A line that is silent for this long is probed; it counts as broken when nothing comes back within twice that."""
LARGEST_MESSAGE = 1 << 20
"""Bytes."""

_ABNORMAL = 1006
_TRY_LATER = frozenset({502, 503, 504, 429})
"""HTTP status codes of a proxy whose gateway restarts, or of one that is busy."""
_PERMANENT_CLOSES = frozenset({1000, 1002, 1003, 1007, 1008, 1009, 1010, 4409})
"""Close codes after which coming back would end the same way: policy, protocol, taken over by another connection."""
_PERMANENT_ERRORS = frozenset({"session_unknown", "taken_over"})
_CHECK = "Check that the gateway runs and that the address is right (--url or RECORDER_URL)."


def tls_context(url: str, *, insecure: bool) -> ssl.SSLContext | None:
    """For wss; ``insecure`` accepts any certificate."""
    if not url.startswith("wss:"):
        return None
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def dial(url: str, tls: ssl.SSLContext | None) -> ClientConnection:
    """
    Raises:
        GatewayAway: nobody answers, or not yet.
        GatewayError: who answers is no gateway, or refuses us.
    """
    try:
        return await connect(
            url,
            ssl=tls,
            compression=None,  # PCM gains nothing from it
            proxy=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=PING_S,
            ping_timeout=2 * PING_S,
            max_size=LARGEST_MESSAGE,
        )
    except (OSError, InvalidHandshake, InvalidURI) as error:  # a TimeoutError is an OSError
        raise _explain_failure(url, error) from error


def _explain_failure(url: str, error: Exception) -> GatewayError:
    away = GatewayAway("gateway_away", f"There is no gateway at {url} ({_reason(error)}).", _CHECK)
    match error:
        case ssl.SSLCertVerificationError():
            return GatewayError(
                "certificate_untrusted",
                f"The certificate of {url} is not trusted ({error.verify_message}).",
                "Use --insecure if you know whose it is, or name its CA's file in SSL_CERT_FILE.",
            )
        case InvalidStatus() if error.response.status_code in _TRY_LATER:
            return away
        case InvalidStatus():
            message = f"{url} answers with HTTP status {error.response.status_code}: it is no gateway or refuses us."
            return GatewayError("not_a_gateway", message, _CHECK)
        case InvalidMessage() if isinstance(error.__cause__, EOFError):
            return away
        case ssl.SSLEOFError():
            return away
        case ssl.SSLError() | InvalidHandshake() | InvalidURI():
            return GatewayError("not_a_gateway", f"What answers at {url} is no gateway ({_reason(error)}).", _CHECK)
    return away


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {OPEN_S:.0f} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def explain_close(closed: ConnectionClosed, said: Error | None) -> GatewayError:
    """Why a connection ended, from its close code and the fatal error that the gateway ``said`` before."""
    code = closed.rcvd.code if closed.rcvd is not None else _ABNORMAL
    permanent = code in _PERMANENT_CLOSES or (said is not None and said.code in _PERMANENT_ERRORS)
    kind = GatewayError if permanent else GatewayAway
    if said is not None:
        return kind(said.code, said.message, said.remedy)
    reason = f": {closed.rcvd.reason}" if closed.rcvd is not None and closed.rcvd.reason else ""
    return kind("connection_lost", f"The connection ended with code {code}{reason}.", _CHECK)
