"""Which sockets see what: connections by audience."""

from collections import defaultdict
from typing import Protocol

from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import People
from wire.messages.statistics import Statistics


class Receiver(Protocol):
    """A connection with a session."""

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None: ...

    def on_statistics(self, statistics: Statistics) -> None: ...

    def on_people(self, people: People) -> None: ...

    def on_missed(self) -> None:
        """Messages were lost; read what is missing."""
        ...


class Hub:
    """Routes by audience alone: what is published for one reaches no socket of another."""

    def __init__(self) -> None:
        self._receivers: defaultdict[str, set[Receiver]] = defaultdict(set)

    def join(self, audience: str, receiver: Receiver) -> None:
        self._receivers[audience].add(receiver)

    def leave(self, audience: str, receiver: Receiver) -> None:
        self._receivers[audience].discard(receiver)
        if not self._receivers[audience]:
            del self._receivers[audience]

    def result(self, audience: str, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        for receiver in self._of(audience):
            receiver.on_result(seq, message)

    def statistics(self, audience: str, statistics: Statistics) -> None:
        for receiver in self._of(audience):
            receiver.on_statistics(statistics)

    def people(self, people: People) -> None:
        """Tell those in the room."""
        for receiver in self._of(names.room_audience(people.room)):
            receiver.on_people(people)

    def missed(self) -> None:
        """Everybody may have missed something."""
        for receiver in {receiver for members in self._receivers.values() for receiver in members}:
            receiver.on_missed()

    def _of(self, audience: str) -> tuple[Receiver, ...]:
        return tuple(self._receivers.get(audience, ()))
