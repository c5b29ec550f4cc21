"""Ports and addresses of this machine."""

import ipaddress
import random
import socket

import psutil

from local.errors import LocalError

CHOSEN_PORTS = range(20_000, 32_000)
"""Below the ports that the kernel gives to outgoing connections: a client that keeps calling a dead server on one of
those can be connected to itself, and then the server cannot come back."""


def is_free(host: str, port: int) -> bool:
    """True if a server could listen on ``port`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """Return an unused port, another one than a process that looks for one at the same time with the same seed."""
    for port in random.SystemRandom().sample(CHOSEN_PORTS, k=200):
        if is_free(host, port):
            return port
    raise LocalError("no_free_port", f"No free port was found on {host}.", "Name one with --port and --redis-port.")


def require_free(host: str, port: int, setting: str, option: str) -> int:
    """Return ``port``, or a free one for 0.

    Raises:
        LocalError: another program listens there; the message names the setting that chooses another.
    """
    if port == 0:
        return free_port(host)
    if not is_free(host, port):
        raise LocalError(
            "port_in_use",
            f"Port {port} on {host} is in use by another program, or you may not use it.",
            f"Stop that program, or choose another port with {setting} or {option}.",
        )
    return port


def lan_addresses() -> list[str]:
    """List the IPv4 addresses by which other machines on the same network may reach this one."""
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = (
        ipaddress.IPv4Address(address.address)
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if name in up and address.family == socket.AF_INET
    )
    return sorted({str(address) for address in found if not address.is_loopback and not address.is_link_local})


def certificate_names() -> set[str]:
    """List the names and addresses of this machine, for itself and its network."""
    names = ("localhost", "127.0.0.1", socket.gethostname(), *lan_addresses())
    return {name for name in names if name.isascii()}  # a certificate holds no others
