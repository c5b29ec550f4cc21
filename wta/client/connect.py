"""Opens a WebSocket to the gateway, and explains why that failed or why one was closed."""

import ssl
from http.client import HTTPException

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI

from wire.close_codes import FINAL, CloseCode
from wire.messages.server import Error
from wta.client.authorization import authorization
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.problem import read_problem
from wta.client.tls import Tls

OPEN_S = 10.0
CLOSE_S = 2.0
PING_S = 10.0
"""Seconds between pings; the connection counts as broken when no pong comes within twice that."""
LARGEST_MESSAGE = 1 << 20
"""Bytes of one message."""

KEYS = "that of WTA_KEY; the recorder's is that of RECORDER_KEY"
"""The settings with a key. An option would show it to all users of the machine."""

TRY_LATER = frozenset({502, 503, 504, 429})
"""HTTP status codes of a proxy whose gateway restarts, or of one that is busy."""
_PERMANENT_ERRORS = frozenset({"session_unknown", "taken_over"})
_CHECK = "Check that the gateway runs and that the address is right (--url)."


class Connector:
    """Opens connections to one gateway."""

    def __init__(self, url: str, *, key: str | None = None, tls: Tls | None = None) -> None:
        """Connect with an API key, or without one.

        Raises:
            ConfigurationError: the key cannot be one, or the authority of ``tls`` cannot be read.
        """
        self.url = url
        self._headers = authorization(key)
        self._tls = (tls or Tls()).context() if url.startswith("wss:") else None

    async def open(self) -> ClientConnection:
        """Open a WebSocket.

        Raises:
            GatewayUnavailable: there is no answer, or not yet.
            GatewayError: the other side is no gateway, or refuses the connection.
        """
        try:
            return await connect(
                self.url,
                ssl=self._tls,
                additional_headers=self._headers,
                compression=None,  # PCM gains nothing from it
                proxy=None,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                ping_interval=PING_S,
                ping_timeout=2 * PING_S,
                max_size=LARGEST_MESSAGE,
            )
        except (OSError, InvalidHandshake, InvalidURI) as error:  # a TimeoutError is an OSError
            raise explain_failure(self.url, error) from error


def explain_failure(url: str, error: Exception) -> GatewayError:
    """Return why a connection was not opened."""
    unavailable = GatewayUnavailable("gateway_away", f"There is no gateway at {url} ({_reason(error)}).", _CHECK)
    match error:
        case ssl.SSLCertVerificationError():
            return GatewayError(
                "certificate_untrusted",
                f"The certificate of {url} is not trusted ({error.verify_message}).",
                "Use --insecure if you know whose it is, or name its CA's file: --ca, or SSL_CERT_FILE.",
            )
        case InvalidStatus() if error.response.status_code in TRY_LATER:
            return unavailable
        case InvalidStatus():
            return _refusal(url, error.response.status_code, error.response.body)
        case InvalidMessage() if isinstance(error.__cause__, EOFError):
            return unavailable
        case ssl.SSLEOFError():
            return unavailable
        case ssl.SSLError() | InvalidHandshake() | InvalidURI() | HTTPException():
            return GatewayError("not_a_gateway", f"What answers at {url} is no gateway ({_reason(error)}).", _CHECK)
    return unavailable


def _refusal(url: str, status: int, body: bytes | bytearray | None) -> GatewayError:
    """Return the error of a handshake that is refused: the gateway's own, or none that it would send."""
    if (error := read_problem(body)) is None:
        message = f"{url} answers with HTTP status {status}: it is no gateway or refuses us."
        return GatewayError("not_a_gateway", message, _CHECK)
    return GatewayError(error.code, error.message, f"{error.remedy} The key is {KEYS}.")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {OPEN_S:.0f} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def explain_close(closed: ConnectionClosed, last_error: Error | None) -> GatewayError:
    """Return why a connection ended: the gateway's last fatal error, or the close code."""
    code = closed.rcvd.code if closed.rcvd is not None else CloseCode.ABNORMAL
    permanent = code in FINAL or (last_error is not None and last_error.code in _PERMANENT_ERRORS)
    kind = GatewayError if permanent else GatewayUnavailable
    if last_error is not None:
        return kind(last_error.code, last_error.message, last_error.remedy)
    reason = f": {closed.rcvd.reason}" if closed.rcvd is not None and closed.rcvd.reason else ""
    return kind("connection_lost", f"The connection ended with code {code}{reason}.", _CHECK)
