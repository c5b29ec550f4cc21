"""Pure: counts results in all statistics of their session, sentence by sentence."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from listener_service.conversation import MAX_PEOPLE, Conversation
from listener_service.sentences import IN_TOTALS, AnyScope, Place, Scope, Sentence, after, linked
from listener_service.tally import Replaced, Tally
from listener_service.timeline import PERSON_POINTS
from listener_service.voice_counts import PersonVoices, VoiceCounts
from wire.messages.base import Speaker
from wire.messages.results import Final, SegmentEnd, SegmentFailed
from wire.messages.statistics import VoiceStatistics
from wire.people import person_id


@dataclass(frozen=True)
class Room:
    """Counts of a room beside the totals of all scopes."""

    speaker: Speaker
    """The person who talked in this session; name and role as in the latest result."""
    tally: Tally
    """Statistics of this person."""
    conversation: Conversation
    voices: PersonVoices | None = None
    """Those of this person, as clients get them; None where the speakers of one microphone are not distinguished."""

    @property
    def has_own_figures(self) -> bool:
        """Return False for a person beyond those who have: whoever enters the room later gets those of each."""
        people = self.conversation.people
        return self.speaker.person in people or len(people) < MAX_PEOPLE

    def having(self, session_id: str, voices: tuple[VoiceStatistics, ...]) -> "Room":
        """Return the room with the newest figures of the voices of a session."""
        return replace(self, voices=(self.voices or PersonVoices()).having(session_id, voices))

    def add(self, end: SegmentEnd, trend_window: int, replaced: Replaced | None, began_ms: int | None) -> "Room":
        """Return the room with one more result of the session."""
        conversation, speaker = self.conversation, end.speaker or self.speaker
        if isinstance(end, Final) and began_ms is not None:
            conversation = conversation.add(end, speaker, began_ms)
        tally = self.tally.add(
            end, trend_window=trend_window, latency_window=0, points=PERSON_POINTS, replaced=replaced
        )
        return replace(self, speaker=speaker, tally=tally, conversation=conversation)


@dataclass(frozen=True)
class Counts:
    """Statistics of a session and its room, and what they hold of the session's newest sentence."""

    tallies: dict[Scope, Tally]
    sentence: Sentence | None
    trend_window: int
    """Number of sentences kept for the trend."""
    latency_window: int
    """Number of latencies kept per hop."""
    room: Room | None = None
    """None outside of rooms."""
    began_ms: int | None = None
    """See ``Order``."""
    voices: VoiceCounts | None = None
    """None where the speakers of one microphone are not distinguished."""
    voice_figures: tuple[VoiceStatistics, ...] = ()
    """Those of the session, as clients get them."""
    totals: Tally = field(default_factory=Tally)
    """Counts of the results that were added, for the installation."""

    def add(self, results: Iterable[SegmentEnd]) -> tuple["Counts", list[SegmentEnd]]:
        """Return the counts with the next results of the session, and these as they are released."""
        counts, released = self, []
        for result in results:
            counts, end = counts._with(result)
            released.append(end)
        return counts._with_figures(released[0].session_id) if released else counts, released

    def _with_figures(self, session_id: str) -> "Counts":
        figures = self.voices.figures(session_id, self.trend_window) if self.voices else ()
        room = self.room.having(session_id, figures) if self.room and figures else self.room
        return replace(self, voice_figures=figures, room=room)

    def _with(self, result: SegmentEnd) -> tuple["Counts", SegmentEnd]:
        end = linked(self.sentence, result)
        earlier = self.sentence if isinstance(end, Final) and end.continues else None
        began_ms = self.began_ms
        if began_ms is None and isinstance(end, Final | SegmentFailed):
            began_ms = end.began_ms
        tallies: dict[Scope, Tally] = {}
        places: dict[AnyScope, Place] = {"global": IN_TOTALS}
        for scope, tally in self.tallies.items():
            replaced = tally.holds(earlier, scope) if earlier else None
            tallies[scope] = tally.add(
                end,
                trend_window=self.trend_window,
                latency_window=self.latency_window,
                replaced=replaced,
            )
            places[scope] = replaced.place if replaced else tallies[scope].place
        voices = self.voices
        if voices and isinstance(end, Final):
            voices = voices.add(end, earlier, self.trend_window)
        replaced = Replaced(earlier.sentiment, earlier.at, IN_TOTALS) if earlier else None
        totals = self.totals.add(end, trend_window=1, latency_window=0, points=0, replaced=replaced)
        counts = replace(self, tallies=tallies, totals=totals, began_ms=began_ms, voices=voices)
        if self.room is None:
            return replace(counts, sentence=after(self.sentence, end, places)), end
        person = self.room.speaker.person
        is_held = earlier is not None and earlier.person == person
        replaced = self.room.tally.holds_at(earlier, earlier.person_place) if earlier and is_held else None
        room = self.room.add(end, self.trend_window, replaced, began_ms)
        sentence = after(self.sentence, end, places, person, replaced.place if replaced else room.tally.place)
        return replace(counts, room=room, sentence=sentence), end


def speaker_of(result: SegmentEnd) -> Speaker:
    """Return the person of a result. From services older than names, each session is a person."""
    return result.speaker or Speaker(person=person_id(result.session_id, None, None))
