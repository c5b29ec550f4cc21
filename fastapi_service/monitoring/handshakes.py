"""Handshakes that failed on their way: a browser shows its page the close code 1006 only, never a reason."""

import asyncio

REMEMBER_S = 10.0
"""Seconds that a failure counts; longer than the longest pause between two attempts of the page."""
MOST = 100
"""Origins that are remembered at most: anybody can send another one."""


class LostUpgrades:
    """The origins whose newest handshake came as a plain request: a proxy did not pass the ``Upgrade`` header on."""

    def __init__(self) -> None:
        self._lost: dict[str, float] = {}
        """Origin → time of the event loop; the oldest first."""

    def add(self, origin: str) -> None:
        """Remember a failure for ``REMEMBER_S``."""
        self._lost.pop(origin, None)
        self._lost[origin] = _now()
        if len(self._lost) > MOST:
            del self._lost[next(iter(self._lost))]

    def discard(self, origin: str) -> None:
        """Forget it: a handshake arrived complete."""
        self._lost.pop(origin, None)

    def __contains__(self, origin: str) -> bool:
        return _now() - self._lost.get(origin, -REMEMBER_S) < REMEMBER_S


def _now() -> float:
    return asyncio.get_running_loop().time()
