"""Counts what the tasks of the queue do in this process, so that interim texts are begun only where there is room."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class FinalsFirst:
    """The tasks and the interim texts under way. Safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks = self._interims = 0

    @contextmanager
    def task(self) -> Iterator[None]:
        """Put this around each task."""
        with self._changed:
            self._tasks += 1
        try:
            yield
        finally:
            with self._changed:
                self._tasks -= 1
                self._changed.notify_all()

    @contextmanager
    def interim(self, room: int) -> Iterator[bool]:
        """Put this around each interim text; do nothing inside if it is False: there is no room.

        Args:
            room: number of utterances that are transcribed at once.
        """
        with self._changed:
            fits = self._tasks + self._interims < room
            self._interims += fits
        try:
            yield fits
        finally:
            with self._changed:
                self._interims -= fits
                self._changed.notify_all()

    def wait_for_room(self, room: int, timeout_s: float) -> bool:
        """Wait until there is room. False after the time-out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._tasks + self._interims < room, timeout_s)
