"""Result of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Weight of a finding."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNKNOWN = "unknown"
    """It could not be checked."""


@dataclass(frozen=True)
class Finding:
    """One part, and its state."""

    part: str
    """Name for people: address, connection, certificate, gateway, access, …"""
    level: Level
    code: str
    """Stable, for programs; ``ok`` if nothing is wrong."""
    message: str
    remedy: str = ""
    """The next step; empty if there is none to take."""


def ok(part: str, message: str) -> Finding:
    """Return the finding of a part that is as it should be."""
    return Finding(part, Level.OK, "ok", message)


def fault(part: str, code: str, message: str, remedy: str) -> Finding:
    """Return the finding of a part that does not work."""
    return Finding(part, Level.FAULT, code, message, remedy)


def warning(part: str, code: str, message: str, remedy: str = "") -> Finding:
    """Return the finding of a part that works, and will not for long, or not for everything."""
    return Finding(part, Level.WARNING, code, message, remedy)


def unknown(part: str, message: str) -> Finding:
    """Return the finding of a part that could not be checked."""
    return Finding(part, Level.UNKNOWN, "unknown", message)
