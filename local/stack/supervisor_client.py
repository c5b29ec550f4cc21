"""Queries to supervisord over its unix socket."""

import http.client
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

NOT_THERE = (OSError, http.client.HTTPException, xmlrpc.client.Error)
"""Errors of a query when supervisord has not started yet, or has ended."""


@dataclass(frozen=True)
class Process:
    """State of one program in supervisord.conf."""

    name: str
    """``redis``, or ``stt_worker:0`` where there may be several."""
    state: str
    """``STARTING``, ``RUNNING``, ``BACKOFF``, ``STOPPED``, …"""
    pid: int | None
    """None while it does not run."""
    log: Path


def processes(socket: Path) -> list[Process]:
    """List all programs; empty if supervisord does not answer."""
    transport = SupervisorTransport(None, None, f"unix://{socket}")
    try:
        supervisord = xmlrpc.client.ServerProxy("http://localhost", transport=transport)  # the host is not used
        answer: Any = supervisord.supervisor.getAllProcessInfo()
    except NOT_THERE:
        return []
    finally:
        transport.close()
    return [_parse(info) for info in answer]


def pid_of(socket: Path, name: str) -> int | None:
    """Return the process id of ``name``; None while it does not run.

    Raises:
        KeyError: supervisord.conf has no such program.
    """
    known = {process.name: process.pid for process in processes(socket)}
    return known[name] if known else None


def _parse(info: dict[str, Any]) -> Process:
    group, name = info["group"], info["name"]
    return Process(
        name=name if group == name else f"{group}:{name.removeprefix(f'{group}_')}",  # stt_worker:stt_worker_0
        state=info["statename"],
        pid=info["pid"] or None,
        log=Path(info["stdout_logfile"]),
    )
