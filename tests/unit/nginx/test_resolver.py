"""nginx finds the gateways by the name server of its container's network, Docker's or Podman's."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "nginx" / "resolver.sh"


def write_resolver(folder: Path, resolv_conf: str) -> subprocess.CompletedProcess[str]:
    file = folder / "resolv.conf"
    file.write_text(resolv_conf, encoding="utf-8")
    return subprocess.run(["sh", SCRIPT, folder, file], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("resolv_conf", "server"),
    [
        ("nameserver 127.0.0.11\noptions ndots:0\n", "127.0.0.11"),
        ("search dns.podman\nnameserver 10.89.0.1\nnameserver 192.168.1.1\n", "10.89.0.1"),
        ("# nameserver 1.1.1.1\n  nameserver\t10.88.0.1  # of the network", "10.88.0.1"),
        ("nameserver fd00::1\n", "[fd00::1]"),
        ("nameserver fe80::1%eth0\n", "[fe80::1]"),
    ],
)
def test_the_first_name_server_is_the_resolver(tmp_path: Path, resolv_conf: str, server: str) -> None:
    """Others do not have the names of the network."""
    assert write_resolver(tmp_path, resolv_conf).returncode == 0
    assert (tmp_path / "resolver.conf").read_text() == f"resolver {server} valid=5s ipv6=off;\n"


@pytest.mark.parametrize("resolv_conf", ["", "search example\n", "# nameserver 1.1.1.1\n"])
def test_a_network_without_a_name_server_is_an_error(tmp_path: Path, resolv_conf: str) -> None:
    """It says what is missing, instead of nginx at the first request."""
    done = write_resolver(tmp_path, resolv_conf)
    assert done.returncode == 2
    assert "names no name server" in done.stderr
    assert not (tmp_path / "resolver.conf").exists()
