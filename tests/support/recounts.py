"""A plain recount of the talk in a room, to hold the listener's figures against."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from wire.messages import statistics


class Said(NamedTuple):
    """An utterance on the clock of the room."""

    person: str
    start_ms: int
    end_ms: int


def recount(said: Sequence[Said]) -> statistics.Conversation:
    """Count millisecond by millisecond, between one begin or end and the next, and utterance by utterance."""
    ordered = sorted(said, key=lambda each: (each.start_ms, each.end_ms, each.person))
    edges = sorted({at for each in said for at in each[1:]})
    spans = [
        (end - begin, {each.person for each in said if each.start_ms <= begin and end <= each.end_ms})
        for begin, end in pairwise(edges)
    ]
    whole = sum(each.end_ms - each.start_ms for each in said)
    people = []
    for person in sorted({each.person for each in said}, key=lambda one: (_first(said, one), one)):
        talk = sum(each.end_ms - each.start_ms for each in said if each.person == person)
        words = 3 * sum(each.person == person for each in said)
        people.append(
            statistics.PersonTalk(
                person=person,
                talk_ms=talk,
                share=int(talk * 1000 / whole + 0.5) / 1000 if whole else None,
                words=words,
                words_per_minute=int(words * 600_000 / talk + 0.5) / 10 if talk else None,
                longest_monologue_ms=longest(ordered, person),
                interruptions=sum(
                    _interrupts(each, ordered[:n]) for n, each in enumerate(ordered) if each[0] == person
                ),
                overlap_ms=sum(ms for ms, talking in spans if person in talking and len(talking) > 1),
            )
        )
    return statistics.Conversation(
        people=tuple(people),
        silence_ms=sum(ms for ms, talking in spans if not talking),
        overlap_ms=sum(ms for ms, talking in spans if len(talking) > 1),
    )


def _first(said: Sequence[Said], person: str) -> int:
    return min(each.start_ms for each in said if each.person == person)


def longest(ordered: Sequence[Said], person: str) -> int:
    longest = begin = end = 0
    holder = None
    for each in ordered:
        if holder != each.person or each.start_ms - end >= 2_000:
            holder, begin, end = each.person, each.start_ms, each.end_ms
        end = max(end, each.end_ms)
        if holder == person:
            longest = max(longest, end - begin)
    return longest


def _interrupts(said: Said, before: Sequence[Said]) -> bool:
    """Decide it from all utterances that began before: how long each other person had talked without a pause."""
    own = [each.end_ms for each in before if each.person == said.person]
    if own and said.start_ms - max(own) < 2_000:
        return False
    for other in {each.person for each in before} - {said.person}:
        since = until = -1
        for each in before:
            if each.person == other:
                since, until = (each.start_ms if each.start_ms > until else since), max(until, each.end_ms)
        if since < said.start_ms and said.start_ms + 1_000 <= until < said.end_ms:
            return True
    return False
