"""The connections of one gateway in a room, and the people of a room from all of its connections."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import structlog
from pydantic import ValidationError

from wire.messages.base import Speaker
from wire.messages.server import MAX_WHO, PersonPresent

log = structlog.get_logger()


@dataclass
class Room:
    """The connections of this gateway in one room, by owner id."""

    present: dict[str, Speaker | None] = field(default_factory=dict)
    """With the person of each; None in a session that a gateway older than names began."""
    talking: set[str] = field(default_factory=set)
    """Those of ``present`` that have sent audio."""
    speaking: dict[str, asyncio.TimerHandle | None] = field(default_factory=dict)
    """Those that have an open utterance; or had, until the timer ends."""
    gone: set[str] = field(default_factory=set)
    """Those that have left, until Redis has it."""


def as_present(members: Room, owner: str) -> str:
    """Return a connection as JSON; empty if its person is not known."""
    speaker = members.present[owner]
    if speaker is None:
        return ""
    state = {"talker": owner in members.talking, "talking": owner in members.speaking}
    return PersonPresent.model_validate(speaker.model_dump() | state).model_dump_json()


def persons(connections: Iterable[str]) -> tuple[PersonPresent, ...]:
    """Return the people of all connections of a room, each once, those who have sent audio first."""
    found: dict[str, PersonPresent] = {}
    for one in readable(sorted(connections)):
        other = found.setdefault(one.person, one)
        named = one if one.talker or not other.talker else other
        state = {"talker": one.talker or other.talker, "talking": one.talking or other.talking}
        found[one.person] = named.model_copy(update=state)
    return tuple(sorted(found.values(), key=lambda each: (not each.talker, each.person))[:MAX_WHO])


def readable(connections: Iterable[str]) -> Iterator[PersonPresent]:
    """Yield who is behind each connection, without those that cannot be read: a newer gateway may have written them."""
    for connection in connections:
        try:
            yield PersonPresent.model_validate_json(connection)
        except ValidationError as refused:  # at each update again, so no warning
            log.debug("person unreadable", problems=refused.error_count())
