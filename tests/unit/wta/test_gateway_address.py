import pytest

from recorder_service.settings import Settings
from wire.errors import ConfigurationError
from wta.client.address import websocket_url


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ws://127.0.0.1:8000/ws", "ws://127.0.0.1:8000/ws"),
        ("https://example.org", "wss://example.org/ws"),
        ("https://example.org/", "wss://example.org/ws"),
        ("http://10.0.0.2:8080/behind/ws?key=1#top", "ws://10.0.0.2:8080/behind/ws?key=1"),
        ("192.168.1.5:8000", "ws://192.168.1.5:8000/ws"),
        (" localhost ", "ws://localhost/ws"),
        ("[::1]:8000", "ws://[::1]:8000/ws"),
    ],
)
def test_addresses_are_understood_as_people_write_them(written: str, meant: str) -> None:
    """The address of the page, of the WebSocket, or just host and port."""
    assert websocket_url(written) == meant


@pytest.mark.parametrize(
    "written", ["", "ftp://example.org", "host:port", "ws://", "host:99999", "host:0", "http://[::1"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    """With an example of what would be one."""
    with pytest.raises(ConfigurationError, match="--url") as refused:
        websocket_url(written)
    assert refused.value.code == "bad_url"


@pytest.mark.parametrize("written", ["https://ann:secret@example.org", "ann:secret@example.org:8000/ws", "secret@host"])
def test_an_address_with_a_password_is_refused_and_not_shown(written: str) -> None:
    """Errors name addresses, and are logged."""
    with pytest.raises(ConfigurationError, match="--url") as refused:
        websocket_url(written)
    assert "secret" not in str(refused.value)


def test_the_default_is_an_address() -> None:
    """Without any setting, the gateway of this machine."""
    default = Settings.model_fields["url"].default
    assert websocket_url(default) == default
