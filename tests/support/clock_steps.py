"""A Redis whose clock is set, or that is replaced by one with another clock, while a process works."""

from collections.abc import Callable

import pytest

from infra.clock import process_clock

STEPS_S = [3_600.0, -3_600.0, -0.5, 20.0]


def steps(monkeypatch: pytest.MonkeyPatch, step_s: float) -> Callable[[], None]:
    """Return a function that moves Redis' clock, as this process has measured it, by some seconds."""
    monkeypatch.setattr(process_clock, "_offset", 1_790_000_000.0)
    return lambda: monkeypatch.setattr(process_clock, "_offset", 1_790_000_000.0 + step_s)
