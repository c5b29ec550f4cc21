"""Handshakes that failed on their way: a browser shows its page the close code 1006 only, never a reason."""

import asyncio

REMEMBER_S = 10.0
"""Seconds that a failure counts; longer than the longest pause between two attempts of the page."""
MOST = 100
"""Pages that are remembered at most."""


class LostUpgrades:
    """The pages whose newest handshake came as a plain request: a proxy did not pass the ``Upgrade`` header on.

    A page is one of an origin in the browser at an address, so that no other client can plant a failure of it. Another
    gateway does not see it; the page tries again, and so reaches that one too.
    """

    def __init__(self) -> None:
        self._lost: dict[str, float] = {}
        """Page → time of the event loop; the oldest first."""

    def add(self, page: str) -> None:
        """Remember a failure for ``REMEMBER_S``."""
        self._lost.pop(page, None)
        self._lost[page] = _now()
        if len(self._lost) > MOST:
            del self._lost[next(iter(self._lost))]

    def discard(self, page: str) -> None:
        """Forget it: a handshake arrived complete."""
        self._lost.pop(page, None)

    def __contains__(self, page: str) -> bool:
        return _now() - self._lost.get(page, -REMEMBER_S) < REMEMBER_S


def _now() -> float:
    return asyncio.get_running_loop().time()
