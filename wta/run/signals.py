"""Ctrl-C: the first one stops the recording, the second one ends the process at once."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SignalHandler:
    """Handles SIGINT and SIGTERM from ``install`` until ``restore``."""

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self.stop = asyncio.Event()
        """Set by the first signal."""
        self._on_stop = on_stop
        self._former: dict[signal.Signals, Any] = {}

    def install(self) -> None:
        """Install the handlers; call it in the event loop. A second call changes nothing."""
        if self._former:
            return
        loop = asyncio.get_running_loop()

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            loop.call_soon_threadsafe(self._on_first_signal)

        self._former = {number: signal.signal(number, on_signal) for number in _SIGNALS}

    def restore(self) -> None:
        """Restore the former handlers."""
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._former = {}

    def _on_first_signal(self) -> None:
        self._on_stop()
        self.stop.set()
