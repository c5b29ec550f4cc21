"""Explains to an operator why a Redis cannot be used: by an error of a command, or by what the server says of itself.

A server that does not answer may do so later, and everything tries again (``StoreError``). One that answers, but is a
cluster, a replica, too old or closed to this password, stays so until an operator changes it (``UnusableStoreError``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    AuthorizationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from infra.redis_url import database, without_secrets
from wire.errors import StoreError, UnusableStoreError

OLDEST = (7, 0)
"""The oldest Redis whose commands are enough. Every Valkey says that it is one of 7.2."""


@dataclass(frozen=True)
class _Fault:
    """A reason, without the place."""

    code: str
    message: str
    """Follows "Redis at HOST"."""
    remedy: str
    kind: type[StoreError] = UnusableStoreError

    def at(self, place: str, detail: str = "", address: str = "") -> StoreError:
        """Return the error for the server at ``place``; ``detail`` ends the sentence, or ``address`` where that may be.

        Whoever may see no address sees the sentence without either.
        """
        message = f"{place} {self.message}{detail}{address}."
        return self.kind(self.code, message, self.remedy, f"Redis {self.message}{detail}.")


_REFUSED = _Fault("redis_refused", "refused the password", "Put the right one into REDIS_URL.")
_CLOSED = _Fault("redis_refused", "needs a password", "Put it into REDIS_URL: redis://:password@host:6379/0.")
_RIGHTS = _Fault(
    "redis_rights",
    "does not allow its user to do everything that is needed",
    "Give the user of REDIS_URL all commands, keys and channels: ACL SETUSER name +@all ~* &*",
)
_REPLICA = _Fault("redis_replica", "is a replica, which takes no writes", "Set REDIS_URL to its primary.")
_CLUSTER = _Fault(
    "redis_cluster",
    "is a Redis Cluster, which is not supported: one step here changes keys of several slots",
    "Set REDIS_URL to a server with cluster-enabled no.",
)
_SENTINEL = _Fault(
    "redis_sentinel", "is a Sentinel, which stores nothing", "Set REDIS_URL to the primary that it watches."
)
_OLD = _Fault(
    "redis_old",
    "is too old: Redis 7.0 or newer, or Valkey, is needed",
    "Upgrade it, or set REDIS_URL to another server.",
)
_DATABASE = _Fault(
    "redis_database", "has no database", "Set the number in REDIS_URL to one that it has; 0 is always there."
)
_LOADING = _Fault("redis_loading", "is still reading its data", "Wait until it has read them.", StoreError)
_FULL = _Fault("redis_full", "is full", "Raise its maxmemory (REDIS_MAXMEMORY).", StoreError)
_DISK = _Fault(
    "redis_disk", "takes no writes, because it cannot save its data", "See its log; free its disk.", StoreError
)
_REPLICAS = _Fault(
    "redis_replicas", "takes no writes without replicas", "Start them (its min-replicas-to-write).", StoreError
)
_ERROR = _Fault("redis_error", "answers with an error", "See its log.", StoreError)
_SILENT = _Fault("redis_unreachable", "does not answer", "Start it or correct REDIS_URL.", StoreError)

_BY_TYPE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], _Fault], ...] = (
    ((AuthenticationError, AuthenticationWrongNumberOfArgsError, AuthorizationError), _REFUSED),
    (ReadOnlyError, _REPLICA),
    ((ClusterError, ClusterCrossSlotError, MovedError, TryAgainError), _CLUSTER),
    (NoPermissionError, _RIGHTS),
    (BusyLoadingError, _LOADING),
    (OutOfMemoryError, _FULL),
)
_BY_TEXT: tuple[tuple[str, _Fault], ...] = (
    ("DB index", _DATABASE),
    ("SELECT is not allowed in cluster", _CLUSTER),
    ("unknown command", _OLD),
    ("MISCONF", _DISK),
    ("NOREPLICAS", _REPLICAS),
)
"""Part of the text of an error that redis-py has no class for. The text itself is not shown: it may quote arguments."""
_NO_PASSWORD = ("already authenticated", "Authentication required")
"""Parts of the text of an authentication error where none was tried."""


def store_error(error: RedisError | OSError, url: str) -> StoreError:
    """Return the error that explains a Redis failure. It holds no password and no argument of a command.

    Args:
        error: raised by a client.
        url: as in ``REDIS_URL``; empty to leave the place out.
    """
    fault = next((fault for kinds, fault in _BY_TYPE if isinstance(error, kinds)), None)
    if fault is None and isinstance(error, ResponseError):
        fault = next((fault for text, fault in _BY_TEXT if text.lower() in str(error).lower()), _ERROR)
    if fault is None:
        return _SILENT.at(_place(url), f" ({type(error).__name__})")
    if fault is _REFUSED and any(text in str(error) for text in _NO_PASSWORD):
        fault = _CLOSED
    number = database(url) if url else "of this number"
    return fault.at(_place(url), f" {number}" if fault is _DATABASE else "")


def misfit(info: Mapping[str, Any], url: str) -> StoreError | None:
    """Return what makes a server unusable by its answer to INFO; None if nothing does."""
    mode = info.get("redis_mode") or info.get("server_mode")
    version = str(info.get("redis_version", ""))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    fault, detail, address = None, "", ""
    if mode == "sentinel":
        fault = _SENTINEL
    elif mode == "cluster" or str(info.get("cluster_enabled")) == "1":
        fault = _CLUSTER
    elif numbers and numbers < OLDEST:
        fault, detail = _OLD, f"; it is Redis {version}"
    elif info.get("role") in {"slave", "replica"}:
        fault, address = _REPLICA, f"; its primary is {info.get('master_host')}:{info.get('master_port')}"
    elif str(info.get("loading")) == "1":
        fault = _LOADING
    return fault.at(_place(url), detail, address) if fault else None


def _place(url: str) -> str:
    return f"Redis at {without_secrets(url)}" if url else "Redis"
