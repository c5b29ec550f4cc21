"""Origins and tokens."""

import pytest

from fastapi_service.security import origins, tokens


@pytest.mark.parametrize(
    ("origin", "allowed", "expected"),
    [
        (None, set(), True),
        ("https://talk.example.org:8443", set(), True),
        ("https://talk.example.org", set(), False),
        ("https://evil.example", set(), False),
        ("null", set(), False),
        ("https://page.example", {"https://page.example"}, True),
        ("https://page.example.evil.example", {"https://page.example"}, False),
        ("http://page.example", {"https://page.example"}, False),
        ("https://evil.example", {"*"}, True),
    ],
)
def test_origin_is_allowed_if_it_is_our_own_or_listed(origin: str | None, allowed: set[str], expected: bool) -> None:
    """Programs send none. Host and port are compared as a whole, listed origins with their scheme."""
    assert origins.is_allowed(origin, "talk.example.org:8443", allowed) is expected


def test_token_is_valid_for_its_own_digest_only() -> None:
    """A digest opens nothing itself, and an unknown session has none."""
    token, other = tokens.new_token(), tokens.new_token()
    digest = tokens.digest(token)
    assert tokens.is_valid(token, digest)
    assert not tokens.is_valid(other, digest)
    assert not tokens.is_valid(digest, digest)
    assert not tokens.is_valid("", digest)
    assert not tokens.is_valid("네", digest)
    assert not tokens.is_valid(token, None)
