"""Errors of a client that does more than it may."""

from wire.errors import AccessError


def slow_down(again_s: int) -> AccessError:
    """Too many wrong credentials came from one address, or too many are tried at once in all."""
    return AccessError(
        "slow_down",
        "Too many keys or pass-phrases are tried, from this address or in all.",
        f"Try again in {again_s} s.",
        status=429,
        again_s=again_s,
    )


def too_many_connections(of: str, again_s: int) -> AccessError:
    """An address, a key or a room has its largest number of connections."""
    return AccessError(
        "too_many_connections",
        f"This {of} has as many connections as it may.",
        f"End one of them; a broken one is forgotten within {again_s} s.",
        status=429,
        again_s=again_s,
    )


def too_many_requests(limit: int, again_s: int) -> AccessError:
    """An API key has made its requests of a minute."""
    return AccessError(
        "too_many_requests",
        f"This key may make {limit} requests and handshakes in a minute.",
        f"Try again in {again_s} s; keep connections open, or ask the operator for more.",
        status=429,
        again_s=again_s,
    )


def minutes_used(minutes: int, again_s: int) -> AccessError:
    """An API key has used its audio of the day."""
    return AccessError(
        "minutes_used",
        f"The {minutes} minutes of audio that this key has for a day are used.",
        f"Go on in {again_s} s, when the next day begins (UTC), or ask the operator for more.",
        status=429,
        again_s=again_s,
    )


def too_fast(again_s: int) -> AccessError:
    """A client without the right to send files sends faster than people speak."""
    return AccessError(
        "too_fast",
        "The audio comes faster than it can have been spoken.",
        f"Send it as it is spoken, from {again_s} s on; for files, take a key with the scope files.",
        status=429,
        again_s=again_s,
    )
