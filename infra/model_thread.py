"""One thread loads a model and alone uses it; the other threads of the process give it work and wait.

Each thread that works with torch gets a team of OpenMP threads. With two teams there are more threads than cores;
OpenMP then lets threads sleep after each product instead of spinning, which makes an encoder a quarter slower.
"""

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from infra.fair_queue import FairQueue

M = TypeVar("M")
T = TypeVar("T")

EXIT_TIMEOUT_S = 5.0
"""Longest time that the exit of the process waits for the work that runs."""


class ModelThread(Generic[M, T]):
    """The thread, and the queue in front of it: the most urgent items first, and sessions in turn."""

    model: M
    """Only the thread may use what is not thread-safe in it."""

    def __init__(self, load: Callable[[], M], use: Callable[[M, list[T]], None], most: Callable[[M], int]) -> None:
        """Start the thread, and wait for the model.

        Args:
            load: returns the model; called on the thread. Its exception is raised here.
            use: takes the model and the items that wait; called on the thread. It must not raise.
            most: largest number of items for one call of ``use``.
        """
        self._use, self._most = use, most
        self._queue: FairQueue[T] = FairQueue()
        loaded: Future[M] = Future()
        self._thread = threading.Thread(target=self._run, args=(load, loaded), name="model", daemon=True)
        atexit.register(self.close)
        self._thread.start()
        self.model = loaded.result()

    def put(self, item: T, priority: int, session: str) -> None:
        """Give the thread an item; priority 0 is the most urgent."""
        self._queue.put(item, priority, session)

    def waiting(self) -> int:
        """Return the number of items that wait."""
        return len(self._queue)

    def has_more_urgent(self, priority: int) -> bool:
        """True if an item of a more urgent priority waits."""
        return self._queue.has_more_urgent(priority)

    def close(self) -> None:
        """Begin nothing more, and wait for what runs: to exit while a thread is inside torch is to abort.

        Runs at exit, when nothing waits for a result.
        """
        self._queue.close()
        self._thread.join(EXIT_TIMEOUT_S)

    def _run(self, load: Callable[[], M], loaded: Future[M]) -> None:
        try:
            model = load()
        except BaseException as error:  # the boundary: the constructor raises it
            atexit.unregister(self.close)
            loaded.set_exception(error)
            return
        loaded.set_result(model)
        while taken := self._queue.take(self._most(model)):
            self._use(model, taken)
