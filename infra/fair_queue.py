"""A queue between threads: the most urgent first, and sessions of the same priority in turn."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Priority queue with round robin over sessions: a session with many items delays only itself. Thread-safe."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[str, deque[T]]] = {}
        """Priority → session → its items. Neither level has empty entries; the session whose turn it is comes first."""
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        with self._changed:
            return sum(len(items) for sessions in self._waiting.values() for items in sessions.values())

    def put(self, item: T, priority: int, session: str) -> None:
        """Add an item; priority 0 is the most urgent."""
        with self._changed:
            self._waiting.setdefault(priority, {}).setdefault(session, deque()).append(item)
            self._changed.notify()

    def take(self, limit: int) -> list[T]:
        """Wait until there is an item, then remove and return up to ``limit``; an empty list once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken: list[T] = []
            while self._waiting and not self._closed and len(taken) < limit:
                taken.append(self._pop())
            return taken

    def close(self) -> None:
        """Give out nothing more; ``take`` returns at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def has_more_urgent(self, priority: int) -> bool:
        """True if an item of a more urgent priority waits."""
        with self._changed:
            return any(other < priority for other in self._waiting)

    def _pop(self) -> T:
        priority = min(self._waiting)
        sessions = self._waiting[priority]
        session, items = next(iter(sessions.items()))
        item = items.popleft()
        del sessions[session]
        if items:
            sessions[session] = items  # at the end: the other sessions come first now
        if not sessions:
            del self._waiting[priority]
        return item
