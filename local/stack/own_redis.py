"""Looks at the Redis of ``REDIS_URL`` before anything is fetched or started."""

import time
from collections.abc import Callable
from contextlib import closing

from infra.redis_check import TIMEOUT_S, find_problem
from infra.redis_client import connect

SILENT_S = 10.0
"""Seconds that a server may take until it answers: it may be starting, too."""
POLL_S = 0.25


def require_redis(url: str, wait_s: float, on_wait: Callable[[str], None]) -> None:
    """Return once Redis at ``url`` can be used.

    Args:
        url: as in ``REDIS_URL``.
        wait_s: longest wait for a server that is still reading its data; for one that is silent at most ``SILENT_S``.
        on_wait: called with a line about each new reason to wait.

    Raises:
        StoreError: it cannot be used as it is, or not in time.
    """
    began = time.monotonic()
    last = ""
    with closing(connect(url, timeout_s=TIMEOUT_S, retries=0)) as redis:
        while (problem := find_problem(redis, url)) is not None:
            patience = wait_s if problem.code == "redis_loading" else 0.0
            if problem.code == "redis_unreachable":
                patience = min(wait_s, SILENT_S)
            if time.monotonic() - began >= patience:
                raise problem
            if problem.message != last:
                on_wait(f"Waiting: {problem.message}")
                last = problem.message
            time.sleep(POLL_S)
