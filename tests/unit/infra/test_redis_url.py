"""A ``REDIS_URL`` that a client would misread is refused, and never quoted."""

import pytest

from infra.settings import WireSettings, load_settings
from wire.errors import ConfigurationError

GOOD = [
    "redis://127.0.0.1:6379/0",
    "redis://redis",
    "redis://:secret@redis:6379/0",
    "rediss://user:pa%2Fss@redis.example.org:6380/3?socket_timeout=5",
    "redis://[::1]:6379",
    "unix:///run/redis.sock?db=1",
]
BAD = [
    "127.0.0.1:6379",
    "http://redis:6379/0",
    "redis://",
    "redis://:secret/b@redis:6379/0",
    "redis://:secret#1@redis:6379/0",
    "redis://:secret@s/s#1@redis:6379/0",
    "redis://redis:port/0",
    "redis://redis:6379/zero",
]


@pytest.mark.parametrize("url", GOOD)
def test_an_address_of_redis_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Passwords with %-codes, TLS, IPv6 and sockets too."""
    monkeypatch.setenv("REDIS_URL", url)
    assert load_settings(WireSettings).redis_url == url


@pytest.mark.parametrize("url", BAD)
def test_nonsense_is_refused_by_name_without_the_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A password with / or # would make a client talk to another host."""
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ConfigurationError, match="REDIS_URL") as refused:
        load_settings(WireSettings)
    assert "secret" not in str(refused.value)
