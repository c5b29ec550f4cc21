"""The listener's two loops outlast every failure, and the heartbeat tells of it."""

import threading
from collections.abc import Callable, Iterator

import pytest
import redis.exceptions
from structlog.testing import capture_logs

from infra.heartbeat import HeartbeatWriter
from listener_service import listener_service as module
from listener_service.listener_service import CONSUMING, SWEEPING, Listener
from listener_service.settings import Settings
from tests.support.eventually import eventually

ERRORS = [RuntimeError("a broken state"), redis.exceptions.ResponseError("OOM")]
Loop = Callable[..., None]


class FakeHeartbeat:
    """Keeps the state; None for ready."""

    key = "wta:alive:listener_service:here"

    def __init__(self) -> None:
        self.reasons: list[str | None] = ["starting"]

    def ready(self) -> None:
        self.reasons.append(None)

    def not_ready(self, reason: str) -> None:
        self.reasons.append(reason)

    def warn(self, warning: str | None) -> None: ...


class FakeSteps:
    """The consumer and the sweeper: each step fails while it has an error."""

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}
        self.passes: dict[str, int] = {"consume": 0, "sweep": 0}

    def join(self) -> None: ...

    def take_over(self) -> None:
        self._step("take_over")

    def consume(self) -> None:
        self._step("consume")

    def sweep(self) -> None:
        self._step("sweep")

    def _step(self, name: str) -> None:
        threading.Event().wait(0.001)
        if name in self.errors:
            raise self.errors[name]
        if name in self.passes:
            self.passes[name] += 1


@pytest.fixture
def steps() -> FakeSteps:
    return FakeSteps()


@pytest.fixture
def heartbeat(steps: FakeSteps, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHeartbeat]:
    """That of a listener whose loops run."""
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "PERIOD_S", 0.001)
    monkeypatch.setattr(module, "ABANDONED_MS", 0)
    fake = FakeHeartbeat()
    monkeypatch.setattr(HeartbeatWriter, "at", lambda *_: fake)
    listener = Listener(Settings())
    monkeypatch.setattr(listener, "_consumer", steps)
    monkeypatch.setattr(listener, "_sweeper", steps)
    steps.errors["take_over"] = ERRORS[0]
    loops: dict[str, Loop] = {CONSUMING: listener._consume, SWEEPING: listener._sweep}
    threads = [threading.Thread(target=listener._restart, args=loop) for loop in loops.items()]
    with capture_logs():  # tracebacks take long to write
        for thread in threads:
            thread.start()
        yield fake
        listener._stopping.set()
        for thread in threads:
            thread.join(5)


def test_listener_is_ready_when_it_has_read_results(steps: FakeSteps, heartbeat: FakeHeartbeat) -> None:
    """Not as soon as it has joined the stream, and not because the other loop works."""
    eventually(lambda: steps.passes["sweep"] > 2 and len(heartbeat.reasons) > 2)
    assert None not in heartbeat.reasons
    steps.errors.clear()
    eventually(lambda: heartbeat.reasons[-1] is None)


@pytest.mark.parametrize("error", ERRORS, ids=["bug", "Redis refuses"])
@pytest.mark.parametrize(("step", "loop"), [("take_over", CONSUMING), ("consume", CONSUMING), ("sweep", SWEEPING)])
def test_a_loop_that_fails_makes_the_listener_not_ready(
    steps: FakeSteps, heartbeat: FakeHeartbeat, step: str, loop: str, error: Exception
) -> None:
    """Until it gets through again, however well the other one works. The reason names it."""
    steps.errors.clear()
    eventually(lambda: heartbeat.reasons[-1] is None)
    steps.errors[step] = error
    eventually(lambda: heartbeat.reasons[-1] is not None)
    known = len(heartbeat.reasons)
    eventually(lambda: len(heartbeat.reasons) > known + 3)
    assert None not in heartbeat.reasons[known:]
    assert loop in str(heartbeat.reasons[-1])
    assert type(error).__name__ in str(heartbeat.reasons[-1])
    steps.errors.clear()
    eventually(lambda: heartbeat.reasons[-1] is None)
