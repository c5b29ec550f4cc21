"""The header that a key, or a session's token, goes into."""

from wire.errors import ConfigurationError


def authorization(secret: str | None) -> dict[str, str]:
    """Return the header for a secret; nothing without one.

    Raises:
        ConfigurationError: it has signs that no header can have. The message does not show it.
    """
    if not secret:
        return {}
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        raise ConfigurationError(
            "bad_key",
            "The key, or the token, has a sign that none has: a blank, a line break, or a letter that is not English.",
            "Copy it again, in one piece. The command takes it from WTA_KEY.",
        )
    return {"Authorization": f"Bearer {secret}"}
