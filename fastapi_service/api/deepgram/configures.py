"""Answers to ``Configure``, in the order of the commands: they name no command, so a client can only count them."""

from collections import deque
from dataclasses import dataclass

from fastapi_service.api.deepgram.messages import ConfigureFailure, ConfigureSuccess
from wire.messages.client import Ping

CONFIGURE = "configure"
"""Id of a ping behind a command; its number follows."""


@dataclass(frozen=True, slots=True)
class _Answer:
    frame: str
    is_written: bool
    """It waits until the sessions of all channels have written a change."""


class ConfigureAnswers:
    """One connection's answers. To write a change takes a while, to refuse one takes none: what is behind it waits."""

    def __init__(self, talkers: int) -> None:
        """``talkers`` is the number of sessions, each of which writes every change."""
        self._expected: dict[int, _Answer] = {}
        """Number of a command on its way to the sessions → its answer. One that the connection refuses stays here."""
        self._count = 0
        """Commands so far."""
        self._due: deque[_Answer] = deque()
        self._written = [0] * talkers
        """Changes that each session has written, beyond those that were answered."""

    def expect(self, answer: ConfigureSuccess | ConfigureFailure, *, is_written: bool = False) -> Ping:
        """Return what has to follow a command so that it is answered.

        Args:
            answer: to it.
            is_written: it changes the sessions, and is answered when they have written that.
        """
        self._count += 1
        self._expected[self._count] = _Answer(answer.json_frame(), is_written)
        return Ping(id=f"{CONFIGURE}:{self._count}")

    def reach(self, number: int) -> tuple[str, ...]:
        """Note that the connection has come to a command; returns the answers that may be sent."""
        self._due.append(self._expected.pop(number))
        return self._ready()

    def write(self, channel: int) -> tuple[str, ...]:
        """Note that the session of a channel has written a change; returns the answers that may be sent."""
        self._written[channel] += 1
        return self._ready()

    def _ready(self) -> tuple[str, ...]:
        frames: list[str] = []
        while self._due and (not self._due[0].is_written or min(self._written)):
            answer = self._due.popleft()
            frames.append(answer.frame)
            if answer.is_written:
                self._written = [count - 1 for count in self._written]
        return tuple(frames)
