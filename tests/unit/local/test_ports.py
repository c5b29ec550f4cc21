import ipaddress
import random
import socket
from collections.abc import Iterator

import pytest

from local.errors import LocalError
from local.stack.ports import CHOSEN_PORTS, free_port, is_free, lan_addresses, require_free

HOST = "127.0.0.1"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_chosen_port_can_be_listened_on() -> None:
    """A chosen port is free and lies outside of the range of outgoing connections."""
    port = free_port(HOST)
    assert port in CHOSEN_PORTS
    with socket.create_server((HOST, port)):
        assert not is_free(HOST, port)


def test_port_in_use_names_the_setting(taken_port: int) -> None:
    """A port that another program holds is refused in one sentence that names port, setting and option."""
    with pytest.raises(LocalError) as refused:
        require_free(HOST, taken_port, "GATEWAY_PORT", "--port")
    assert refused.value.code == "port_in_use"
    assert all(word in str(refused.value) for word in (str(taken_port), "GATEWAY_PORT", "--port"))


def test_port_zero_becomes_a_free_one() -> None:
    """Port 0 is replaced by a port that is free."""
    assert is_free(HOST, require_free(HOST, 0, "GATEWAY_PORT", "--port"))


def test_lan_addresses_are_reachable_from_elsewhere() -> None:
    """Neither loopback nor link-local addresses are offered to other machines."""
    addresses = [ipaddress.IPv4Address(address) for address in lan_addresses()]
    assert not [address for address in addresses if address.is_loopback or address.is_link_local]


def test_processes_with_the_same_seed_choose_different_ports() -> None:
    """Test runners seed the generator of each process alike."""
    chosen = set()
    for _ in range(3):
        random.seed(0)
        chosen.add(free_port(HOST))
    assert len(chosen) > 1
