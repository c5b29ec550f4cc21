"""Close codes of the WebSocket ``/ws``, and which of them are final.

The page keeps the same codes in ``reconnecting-socket.js``; a test compares them.
"""

from enum import IntEnum


class CloseCode(IntEnum):
    """Close codes of RFC 6455, section 7.4.1, and those of this protocol from 4000 on."""

    NORMAL = 1000
    """The session is over; all results were sent, or a resumed session gets them."""
    GOING_AWAY = 1001
    """The client's page was closed."""
    PROTOCOL_ERROR = 1002
    """The other side broke the rules of WebSockets."""
    UNSUPPORTED_DATA = 1003
    """A kind of message, or of audio, that the other side does not accept."""
    NO_STATUS = 1005
    """The close frame had no code. Never sent. uvicorn reports broken connections so, too."""
    ABNORMAL = 1006
    """The connection broke without a close frame. Never sent."""
    INVALID_DATA = 1007
    """A text message that is not UTF-8."""
    POLICY = 1008
    """Too many messages were refused."""
    TOO_LARGE = 1009
    """A message over the limit of the WebSocket library (256 KiB at the gateway)."""
    EXTENSION_MISSING = 1010
    """The client needs an extension that the gateway does not offer."""
    INTERNAL_ERROR = 1011
    """The gateway failed; the session can be resumed."""
    RESTART = 1012
    """From the gateway: it restarts. From a client: it will not come back."""
    TRY_LATER = 1013
    """The gateway is full, stops, lost Redis, or the client reads too slowly: the session can be resumed. Or it has not
    started one."""
    BACK_SOON = 4000
    """The client gives this connection up and resumes in another one."""
    TAKEN_OVER = 4409
    """Another connection resumed the session."""


FINAL = frozenset(
    {
        CloseCode.NORMAL,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_DATA,
        CloseCode.POLICY,
        CloseCode.TOO_LARGE,
        CloseCode.EXTENSION_MISSING,
        CloseCode.TAKEN_OVER,
    }
)
"""Codes after which a client does not reconnect, because the next connection would end alike. After any other code it
reconnects with back-off."""

LEAVING = frozenset(
    {
        CloseCode.NORMAL,
        CloseCode.GOING_AWAY,
        CloseCode.RESTART,
        CloseCode.TAKEN_OVER,
    }
)
"""Codes of a client that will not come back: the gateway ends its open utterance at once. After any other the utterance
waits for the client, for ``GATEWAY_SILENCE_MS`` and ``GATEWAY_JITTER_MS``."""
