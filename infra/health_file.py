"""Writes the file that a container's health check reads: ``ready``, or the reason why the process is not ready.

The heartbeat thread writes it every second; ``infra/healthcheck.sh`` reads it and its age. A check that starts Python
and connects to Redis would cost a hundred times as much CPU. Of the gateway it covers the event loop, not the socket.
"""

import os
from pathlib import Path

import structlog

from infra.outage_log import OutageLog

READY = "ready"
"""Content of the file of a ready process; otherwise it is the reason."""
VARIABLE = "HEALTH_FILE"
"""Environment variable with the path; the Dockerfile sets it. Without it no file is written."""

log = structlog.get_logger()


class HealthFile:
    """The health file of this process. For use from one thread."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._outage = OutageLog("health file write")

    @classmethod
    def from_environment(cls) -> "HealthFile":
        """Return the file that ``HEALTH_FILE`` names, or one that is not written."""
        path = os.environ.get(VARIABLE)
        return cls(Path(path) if path else None)

    def write(self, reason: str | None) -> None:
        """Replace the content atomically: ready if ``reason`` is None. An outage of the disk is logged once."""
        if self._path is None:
            return
        line = READY if reason is None else " ".join(reason.split())
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            new.write_text(f"{line}\n", encoding="utf-8")
            new.replace(self._path)
        except OSError as error:
            self._outage.failed(error)
        else:
            self._outage.recovered()

    def remove(self) -> None:
        """Delete the file when the process ends. A failure is logged: what else the process has to end must go on."""
        if self._path is None:
            return
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("health file removal failed", error=type(error).__name__)
