"""Who is next: the most urgent first, and of those each session in its turn."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue between threads. Somebody who sends a lot waits for themselves, not others for them."""

    def __init__(self) -> None:
        self._lines: dict[int, dict[str, deque[T]]] = {}
        """Priority → session → what waits. None of them is empty; of a priority, whose turn it is comes first."""
        self._filled = threading.Condition()

    def __len__(self) -> int:
        with self._filled:
            return sum(len(line) for lines in self._lines.values() for line in lines.values())

    def put(self, item: T, priority: int, session: str) -> None:
        """Let something wait; priority 0 is the most urgent."""
        with self._filled:
            self._lines.setdefault(priority, {}).setdefault(session, deque()).append(item)
            self._filled.notify()

    def take(self, most: int) -> list[T]:
        """Wait until there is something, then take what is there, at most so many."""
        with self._filled:
            self._filled.wait_for(lambda: self._lines)
            taken: list[T] = []
            while self._lines and len(taken) < most:
                taken.append(self._next())
            return taken

    def holds_more_urgent(self, priority: int) -> bool:
        """Whether something waits that goes before this priority."""
        with self._filled:
            return any(other < priority for other in self._lines)

    def _next(self) -> T:
        priority = min(self._lines)
        lines = self._lines[priority]
        session, line = next(iter(lines.items()))
        item = line.popleft()
        del lines[session]
        if line:
            lines[session] = line  # at the end: the others are first now
        if not lines:
            del self._lines[priority]
        return item
