"""A ``REDIS_URL`` that a client would misread is refused, and never quoted; both clients read the others alike."""

from typing import Any

import pytest
import redis
from kombu.transport.redis import Channel

from infra.celery_app import make_celery
from infra.redis_client import connect, connect_async
from infra.redis_url import without_secrets
from infra.settings import WireSettings, load_settings
from wire.errors import ConfigurationError

GOOD = [
    "redis://127.0.0.1:6379/0",
    "redis://redis",
    "redis://:secret@redis:6379/0",
    "rediss://user:pa%2Fss@redis.example.org:6380/3?socket_timeout=5",
    "redis://[::1]:6379",
    "unix:///run/redis.sock?db=1",
    "unix://:secret@/run/my%20redis.sock",
    "unix://user:pa%2Fss@/run/redis.sock?db=2",
    "redis://redis:6379?db=3&socket_timeout=5&health_check_interval=7",
    "redis://redis:6379?username=user&password=pa/ss",
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
    "redis://:secret@redis:6379/0?no_such_option=1",
    "redis://:secret@redis:6379/0?socket_timeout=soon",
    "unix://run/redis.sock",
    "unix://",
    "unix:/run/redis.sock",
    "unix:///run/redis.sock?virtual_host=1",
    "unix:///run/redis.sock?socket_keepalive=1",
    "redis+socket:///run/redis.sock",
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


def kombu_parameters(url: str) -> dict[str, Any]:
    """Return what Celery's transport would connect with."""
    celery = make_celery("test", url)
    connection = celery.connection_for_write()

    class Unconnected(Channel):
        def __init__(self) -> None:
            self.connection = type("Transport", (), {"client": connection, "default_port": 6379})()
            for name, value in connection.transport_options.items():
                setattr(self, name, value)

    channel: Any = Unconnected()
    parameters: dict[str, Any] = channel._connparams()
    return parameters


@pytest.mark.parametrize("url", GOOD)
def test_both_clients_connect_to_the_same_place(url: str) -> None:
    """The same server, user and database; neither fails on an option that only the other has."""
    ours = redis.ConnectionPool.from_url(url).make_connection()
    theirs = kombu_parameters(url)
    made = theirs.pop("connection_class")(
        **{name: value for name, value in theirs.items() if name != "max_connections"}
    )
    for name in ("host", "port", "path", "db", "username", "password"):
        assert str(getattr(made, name, None)) == str(getattr(ours, name, None)), name
    assert isinstance(made, redis.UnixDomainSocketConnection) == url.startswith("unix:")
    assert isinstance(made, redis.SSLConnection) == url.startswith("rediss:")


@pytest.mark.parametrize("url", GOOD)
async def test_the_services_clients_take_every_url(url: str) -> None:
    """``connect`` passes options that not every kind of connection has."""
    client: Any = connect(url)
    client.connection_pool.make_connection()
    waiting: Any = connect_async(url)
    waiting.connection_pool.make_connection()


def test_celery_checks_certificates_as_the_services_do() -> None:
    """kombu's default is to trust any."""
    assert kombu_parameters("rediss://redis:6380")["ssl_cert_reqs"].name == "CERT_REQUIRED"
    unchecked = kombu_parameters("rediss://redis:6380?ssl_cert_reqs=none&ssl_ca_certs=/ca.pem")
    assert (unchecked["ssl_cert_reqs"].name, unchecked["ssl_ca_certs"]) == ("CERT_NONE", "/ca.pem")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://:secret@redis:6379/0", "redis:6379/0"),
        ("redis://redis:6379?password=secret", "redis:6379"),
        ("rediss://user:secret@[::1]:6380/3", "[::1]:6380/3"),
        ("unix://:secret@/run/redis.sock?db=2", "/run/redis.sock (database 2)"),
    ],
)
def test_a_place_has_no_secrets(url: str, place: str) -> None:
    assert without_secrets(url) == place


@pytest.mark.parametrize("url", [*GOOD, "amqp://rabbit", "amqp://user:pa%2Fss@[::1]:5673/vhost", "amqps://rabbit//"])
def test_a_broker_is_a_redis_or_rabbitmq(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BROKER_URL", url)
    settings = load_settings(WireSettings)
    assert settings.broker_url == url
    assert (settings.scratch_redis_url, settings.redis_url) == ("redis://127.0.0.1:6379/0",) * 2


@pytest.mark.parametrize("url", [*BAD, "amqp://", "amqp://:secret#1@rabbit", "kafka://:secret@kafka"])
@pytest.mark.parametrize("name", ["BROKER_URL", "SCRATCH_REDIS_URL"])
def test_nonsense_at_another_address_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(ConfigurationError, match=name) as refused:
        load_settings(WireSettings)
    assert "secret" not in str(refused.value)


def test_other_addresses_are_that_of_redis_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in it is named once."""
    monkeypatch.setenv("REDIS_URL", "redis://redis:6380/3")
    settings = load_settings(WireSettings)
    assert (settings.broker_url, settings.scratch_redis_url) == ("redis://redis:6380/3",) * 2
    monkeypatch.setenv("REDIS_URL", "redis")
    with pytest.raises(ConfigurationError, match="REDIS_URL") as refused:
        load_settings(WireSettings)
    assert "BROKER_URL" not in str(refused.value)
