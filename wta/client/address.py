"""Normalises the gateway's address."""

from urllib.parse import urlsplit, urlunsplit

from wire.errors import ConfigurationError

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_PATH = "/ws"


def websocket_url(address: str) -> str:
    """Turn ``https://host``, ``host:8000`` or ``ws://host/ws`` into the WebSocket's URL.

    Raises:
        ConfigurationError: the address is malformed.
    """
    text = address.strip()
    if "@" in text.removeprefix(f"{text.partition('://')[0]}://").partition("/")[0]:
        raise ConfigurationError(  # the address is shown in messages
            "bad_url",
            "The address has a name or a password in it, which gateways do not read.",
            "Leave both out (--url). A key goes into WTA_KEY; the recorder's into RECORDER_KEY.",
        )
    try:
        parts = urlsplit(text if "://" in text else f"ws://{text}")
        scheme = _SCHEMES[parts.scheme]
        if not parts.hostname or parts.port == 0:
            raise ValueError("no host or no port")
        parts.hostname.encode("idna")  # as resolving it does: a label may be empty, or too long
    except (KeyError, ValueError):
        raise ConfigurationError(
            "bad_url",
            f"{address!r} is not the address of a gateway.",
            "Give one such as ws://127.0.0.1:8000/ws, https://example.org or 192.168.1.5:8000 (--url).",
        ) from None
    path = parts.path if parts.path.strip("/") else _PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def http_url(address: str) -> str:
    """Return the address of a gateway's HTTP routes, without a slash at its end: that of its page.

    Raises:
        ConfigurationError: the address is malformed.
    """
    parts = urlsplit(websocket_url(address))
    path = parts.path.rstrip("/").removesuffix(_PATH)
    return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, path, "", ""))
