"""The signature with which Twilio's requests prove that they come from an account."""

import base64
import hmac

from starlette.requests import HTTPConnection

HEADER = "X-Twilio-Signature"
_SCHEMES = {"wss": "https", "ws": "http"}


def is_signed(connection: HTTPConnection, token: str) -> bool:
    """Compare a handshake's signature with that of its address, in constant time.

    Twilio signs the address as the TwiML has it; libraries differ in the scheme that they take for a WebSocket's, and
    in a slash at its end.

    Args:
        connection: the handshake; its address is the one that trusted proxies say.
        token: auth token of the Twilio account.
    """
    presented = connection.headers.get(HEADER, "").encode()
    url = connection.url
    addresses = [str(url.replace(scheme=scheme)) for scheme in {url.scheme, _SCHEMES.get(url.scheme, url.scheme)}]
    signatures = [_signature(address + slash, token) for address in addresses for slash in ("", "/")]
    return any(hmac.compare_digest(presented, signature) for signature in signatures)


def _signature(address: str, token: str) -> bytes:
    return base64.b64encode(hmac.digest(token.encode(), address.encode(), "sha1"))
