"""An event loop whose clock a test can watch: it jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class JumpingSelector(selectors.DefaultSelector):
    """Waits for nothing; counts the seconds that it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("the test waits for ever")
        if not ready and timeout:
            self.now += timeout
        return ready


class FakeClockLoop(asyncio.SelectorEventLoop):
    """Sleeps take no time, and are exact on ``time()``."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)
        self._timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self._jumping.now

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._timers.append(super().call_at(when, callback, *args, context=context))
        return self._timers[-1]

    @property
    def timers(self) -> int:
        """Timers that are still to fire."""
        return sum(not timer.cancelled() and timer.when() > self.time() for timer in self._timers)

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which the process does nothing."""
        self._jumping.now += seconds


def fake_clock() -> FakeClockLoop:
    """Return the loop of a coroutine that ``run`` runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FakeClockLoop)
    return loop


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a clock of its own, which begins at 0."""
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        return runner.run(test)
