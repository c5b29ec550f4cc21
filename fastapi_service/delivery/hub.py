"""Fan-out: which receivers get which messages, by audience."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import People
from wire.messages.statistics import AnyStatistics


class Receiver(Protocol):
    """Takes what an audience sees, for one connection. No method may block."""

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        """Take the end of an utterance; ``seq`` counts an audience's results from 1 on, without holes."""
        ...

    def on_statistics(self, statistics: AnyStatistics) -> None:
        """Take statistics, perhaps older than the newest."""
        ...

    def on_people(self, people: People) -> None:
        """Take the occupancy of the room, changed or not."""
        ...

    def on_missed(self) -> None:
        """Read what is missing: messages may have been lost."""
        ...

    def on_newest(self, seq: int) -> bool:
        """Read what is missing if results up to ``seq`` are there; return True if one was missing."""
        ...


class Hub:
    """Routes by audience alone: what is published for one audience reaches no receiver of another."""

    def __init__(self) -> None:
        self._receivers: defaultdict[str, set[Receiver]] = defaultdict(set)

    @property
    def audiences(self) -> frozenset[str]:
        """Those that have receivers."""
        return frozenset(self._receivers)

    def holds(self, audience: str) -> bool:
        """Return True if an audience has receivers."""
        return audience in self._receivers

    def join(self, audience: str, receiver: Receiver) -> None:
        """Add a receiver to an audience."""
        self._receivers[audience].add(receiver)

    def leave(self, audience: str, receiver: Receiver) -> None:
        """Remove a receiver from an audience."""
        self._receivers[audience].discard(receiver)
        if not self._receivers[audience]:
            del self._receivers[audience]

    def result(self, audience: str, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        """Pass a result on to its audience."""
        for receiver in self._of(audience):
            receiver.on_result(seq, message)

    def statistics(self, audience: str, statistics: AnyStatistics) -> None:
        """Pass statistics on to their audience."""
        for receiver in self._of(audience):
            receiver.on_statistics(statistics)

    def people(self, people: People) -> None:
        """Pass a room's occupancy on to its audience."""
        for receiver in self._of(names.room_audience(people.room)):
            receiver.on_people(people)

    def missed(self) -> None:
        """Let every receiver read what it may have missed."""
        for receiver in {receiver for members in self._receivers.values() for receiver in members}:
            receiver.on_missed()

    def newest(self, seqs: Mapping[str, int]) -> set[str]:
        """Let receivers read what they lack; return all audiences of those that lacked something.

        Args:
            seqs: audiences, and up to where there are results of each.
        """
        behind = {one for audience, seq in seqs.items() for one in self._of(audience) if one.on_newest(seq)}
        return {audience for audience, members in self._receivers.items() if members & behind} if behind else set()

    def _of(self, audience: str) -> tuple[Receiver, ...]:
        """Return a copy: a receiver may leave while it is called."""
        return tuple(self._receivers.get(audience, ()))
