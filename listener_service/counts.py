"""Pure: counts results in all statistics of their session, sentence by sentence."""

from collections.abc import Iterable
from dataclasses import dataclass

from listener_service.sentences import Place, Scope, Sentence, after, linked
from listener_service.tally import Tally
from wire.messages.results import Final, SegmentEnd


@dataclass(frozen=True)
class Counts:
    """Statistics of a session, its room and the installation, and what they hold of the session's newest sentence."""

    tallies: dict[Scope, Tally]
    sentence: Sentence | None
    trend_window: int
    """Number of sentences kept for the trend."""
    latency_window: int
    """Number of latencies kept per hop."""

    def add(self, results: Iterable[SegmentEnd]) -> tuple["Counts", list[SegmentEnd]]:
        """Return the counts with the next results of the session, and these as they are released."""
        counts, released = self, []
        for result in results:
            counts, end = counts._with(result)
            released.append(end)
        return counts, released

    def _with(self, result: SegmentEnd) -> tuple["Counts", SegmentEnd]:
        end = linked(self.sentence, result)
        earlier = self.sentence if isinstance(end, Final) and end.continues else None
        tallies: dict[Scope, Tally] = {}
        places: dict[Scope, Place] = {}
        for scope, tally in self.tallies.items():
            replaced = tally.holds(earlier, scope) if earlier else None
            tallies[scope] = tally.add(
                end,
                trend_window=self.trend_window,
                latency_window=self.latency_window,
                with_timeline=scope != "global",  # it is not shown and never ends
                replaced=replaced,
            )
            places[scope] = replaced.place if replaced else tallies[scope].place
        return Counts(tallies, after(self.sentence, end, places), self.trend_window, self.latency_window), end
