"""Pure: the talk in a room: how long each person talked, and how long several at once.

Utterances are counted in the order in which they began, not in that of their release. So the newest are kept, and what
came in whatever order among them gives the same figures; docs/protocol.md defines these.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import BaseModel

from listener_service.talk import Mark, Talk, Walk
from listener_service.words import count_words
from wire.messages import statistics
from wire.messages.base import STORED, Speaker, half_up
from wire.messages.results import Final

MAX_RECENT = 100
"""Utterances that are kept at most, and half as many at least: one that is released later may have begun before them.
One that began before all of them is missing from silence, overlap, monologues and interruptions, but not from the time
and the words of its person."""
MAX_PEOPLE = 100
"""People with figures of their own; those who come later count as one, who is not shown."""
MAX_ROWS = 50
"""People that are shown: those who talked longest."""
OTHERS = ""
"""Id of the one that the people beyond ``MAX_PEOPLE`` count as."""


class Person(BaseModel):
    """One person's sums."""

    model_config = STORED

    name: str | None = None
    role: str | None = None
    named_at: float
    """End of the utterance that name and role are of, Unix seconds."""
    began_ms: int
    """Beginning of the first utterance, on the clock of the conversation."""
    talk_ms: int = 0
    words: int = 0


class _Recent(NamedTuple):
    """An utterance, by its times on the clock of the conversation, and the number of its person."""

    start_ms: int
    end_ms: int
    number: int


class Conversation(BaseModel):
    """The talk in one room."""

    model_config = STORED

    zero_ms: int | None = None
    """Unix time from which the times count, in ms: so they have few digits."""
    people: dict[str, Person] = {}
    """By id; the first has number 0."""
    settled: Talk = Talk()
    """All utterances but the recent ones."""
    recent: list[_Recent] = []
    """In the order in which they began; of those that began and ended at once, by person."""

    def add(self, final: Final, speaker: Speaker, began_ms: int) -> "Conversation":
        """Return the conversation with one more utterance; ``self`` is not changed.

        Args:
            final: the utterance.
            speaker: the person who talked.
            began_ms: Unix time at which the clock of its session began, ms.
        """
        zero_ms = began_ms + final.start_ms if self.zero_ms is None else self.zero_ms
        start_ms, end_ms = (began_ms - zero_ms + at for at in (final.start_ms, final.end_ms))
        is_new = speaker.person not in self.people
        key = OTHERS if is_new and len(self.people) >= MAX_PEOPLE else speaker.person
        person = self.people.get(key) or Person(named_at=final.clock.speech_end, began_ms=start_ms)
        people = self.people | {key: _counted(person, final, speaker, start_ms)}
        ids = list(people)
        recent, settled = [*self.recent], self.settled
        if settled.now_ms is None or start_ms >= settled.now_ms:
            utterance = _Recent(start_ms, end_ms, ids.index(key))
            insort(recent, utterance, key=lambda each: (each.start_ms, each.end_ms, ids[each.number]))
        if len(recent) > MAX_RECENT:  # half of them at once: it is work
            settled = _after(settled, recent[: -MAX_RECENT // 2]).talk
            recent = recent[-MAX_RECENT // 2 :]
        update = {"zero_ms": zero_ms, "people": people, "recent": recent, "settled": settled}
        return self.model_copy(update=update)

    def figures(self) -> statistics.Conversation:
        """Make the message for clients."""
        talk = _after(self.settled, self.recent)
        talk.end()
        people = tuple(self._rows(talk.marks))
        return statistics.Conversation(people=people, silence_ms=talk.silence_ms, overlap_ms=talk.overlap_ms)

    def _rows(self, marks: Mapping[int, Mark]) -> Iterator[statistics.PersonTalk]:
        """Yield the people who talked longest, by the beginning of their first utterance."""
        whole_ms = sum(person.talk_ms for person in self.people.values())
        none = Mark(0, 0)
        people = [(key, person, marks.get(number, none)) for number, (key, person) in enumerate(self.people.items())]
        longest = sorted((each for each in people if each[0] != OTHERS), key=lambda each: (-each[1].talk_ms, each[0]))
        for key, person, mark in sorted(longest[:MAX_ROWS], key=lambda each: (each[1].began_ms, each[0])):
            talk_ms = person.talk_ms
            yield statistics.PersonTalk(
                person=key,
                name=person.name,
                role=person.role,
                talk_ms=talk_ms,
                share=half_up(1000 * talk_ms / whole_ms) / 1000 if whole_ms else None,
                words=person.words,
                words_per_minute=half_up(600_000 * person.words / talk_ms) / 10 if talk_ms else None,
                longest_monologue_ms=mark.longest_ms,
                interruptions=mark.interruptions,
                overlap_ms=mark.overlap_ms,
            )


def _after(talk: Talk, utterances: Iterable[_Recent]) -> Walk:
    walk = Walk(talk)
    for utterance in utterances:
        walk.add(*utterance)
    return walk


def _counted(person: Person, final: Final, speaker: Speaker, start_ms: int) -> Person:
    """Return a person with one more utterance; the latest one has the name."""
    counted = {
        "began_ms": min(person.began_ms, start_ms),
        "talk_ms": person.talk_ms + final.end_ms - final.start_ms,
        "words": person.words + count_words(final.text, final.language),
    }
    said_at = final.clock.speech_end
    names = {"name": speaker.name, "role": speaker.role, "named_at": said_at} if said_at >= person.named_at else {}
    return person.model_copy(update=counted | names)
