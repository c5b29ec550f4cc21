"""A Redis whose clock is set, or that is replaced by one with another clock, while a process works."""

from typing import Any

import pytest

from infra.clock import process_clock

STEPS_S = [3_600.0, -3_600.0, -0.5, 20.0]


def step_during(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, step_s: float) -> None:
    """Move Redis' clock, as this process has measured it, by some seconds whenever ``owner`` begins a method."""
    monkeypatch.setattr(process_clock, "_offset", 1_790_000_000.0)
    original = getattr(owner, method)

    def stepping(*args: Any) -> Any:
        monkeypatch.setattr(process_clock, "_offset", 1_790_000_000.0 + step_s)
        return original(*args)

    monkeypatch.setattr(owner, method, stepping)
