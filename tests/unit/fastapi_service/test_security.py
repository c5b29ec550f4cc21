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


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://talk.example.org", "talk.example.org:443"),
        ("http://talk.example.org", "talk.example.org:80"),
        ("https://talk.example.org:443", "talk.example.org"),
        ("https://talk.example.org", "Talk.Example.org:443"),
        ("https://talk.example.org:8443", "talk.example.org:8443"),
        ("https://[2001:db8::443]", "[2001:db8::443]:443"),
        ("http://192.168.1.20", "192.168.1.20:80"),
        ("https://talk.example.org", "talk.example.org:"),
    ],
)
def test_a_default_port_is_the_same_as_none(origin: str, host: str) -> None:
    """Browsers leave it out of the origin, and some proxies add it to the host."""
    assert origins.is_allowed(origin, host, set())


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://talk.example.org", "talk.example.org:80"),
        ("http://talk.example.org", "talk.example.org:443"),
        ("https://talk.example.org", "talk.example.org:4430"),
        ("https://talk.example.org", "talk.example.org:8443"),
        ("https://[2001:db8::443]", "[2001:db8::]:443"),
        ("null", ""),
    ],
)
def test_another_port_is_another_origin(origin: str, host: str) -> None:
    """Also the default port of another scheme. A handshake without a host has no own page."""
    assert not origins.is_allowed(origin, host, set())


@pytest.mark.parametrize(
    "listed", ["https://Page.Example:443", " https://page.example/ ", "http://a, https://page.example"]
)
def test_a_listed_origin_is_compared_as_browsers_write_it(listed: str) -> None:
    """Whatever case, default port or slash the operator wrote."""
    assert origins.is_allowed("https://page.example", "gateway:8000", origins.parse_origins(listed))


@pytest.mark.parametrize(
    "entry", ["https://*.example.org", "page.example", "https://page.example/talk", "https://", "https://a b", "**"]
)
def test_an_entry_that_is_no_origin_is_refused(entry: str) -> None:
    """It would never be equal to one, and nobody would see why."""
    with pytest.raises(ValueError, match="is no origin: write its scheme"):
        origins.parse_origins(f"https://example.org,{entry}")


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
