"""Time limits of utterances, which engines check between decoding steps."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from wire.errors import WireError


class DeadlineExceeded(WireError):
    """An utterance took longer than the worker's deadline."""


class Preempted(Exception):
    """A more urgent utterance waits."""


@dataclass(frozen=True)
class Deadline:
    """Time limit of one utterance, checked by engines between decoding steps."""

    seconds: float
    started: float
    """On the clock of ``time.monotonic``."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """Return a deadline that starts now."""
        return cls(seconds, time.monotonic())

    def check(self) -> None:
        """Check the time.

        Raises:
            DeadlineExceeded: it is over.
        """
        if time.monotonic() - self.started > self.seconds:
            raise DeadlineExceeded(
                "stt_deadline",
                f"Transcribing took longer than {self.seconds:.0f} s.",
                "Use a smaller model, more workers or a higher STT_DEADLINE_S.",
            )


@dataclass(frozen=True)
class PreemptibleDeadline(Deadline):
    """A deadline that also ends when a more urgent utterance waits."""

    is_preempted: Callable[[], bool] = lambda: False
    """Called without arguments at each check."""

    def check(self) -> None:
        """Check the time, then the queues.

        Raises:
            DeadlineExceeded: the time is over.
            Preempted: a more urgent utterance waits.
        """
        super().check()
        if self.is_preempted():
            raise Preempted
