"""Session tokens: random, given to the client once, kept as a digest only."""

import hashlib
import hmac
import secrets

TOKEN_BYTES = 32
"""256 bits cannot be guessed."""


def new_token() -> str:
    """Return a random token in URL-safe base64."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal. A random token of 256 bits needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_valid(token: str, known_digest: str | None) -> bool:
    """Compare a token with a digest in constant time; False without a digest."""
    return known_digest is not None and hmac.compare_digest(known_digest, digest(token))
