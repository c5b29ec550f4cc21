"""Pure: the states that a result changes: where they are, and what is written into them."""

from typing import Any, NamedTuple, get_args

from pydantic import BaseModel

from infra.ledger.entry import order_ttl_s
from listener_service.conversation import Conversation
from listener_service.counts import Counts, Room, speaker_of
from listener_service.order import Acceptance, Order
from listener_service.sentences import Scope
from listener_service.settings import Settings
from listener_service.tally import Tally
from listener_service.voice_counts import PersonVoices, VoiceCounts
from listener_service.voices import Voices
from wire import names
from wire.messages.results import SegmentEnd
from wire.messages.statistics import AnyStatistics

ORDER, VOICES, PERSON = "order", "voices", "person"
"""Names of states beside the scopes of statistics."""
OTHERS = {ORDER, VOICES}
"""Names of those that are no statistics."""
State = dict[str, Any]
"""A state to write, as ``lua/release.lua`` reads it."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


class Address(NamedTuple):
    """The place of a state: some fields of a Redis hash."""

    key: str
    prefix: str = ""
    """Beginning of the names of its fields, where a hash has several states."""

    @property
    def fields(self) -> list[str]:
        """Names of what is read, those of ``Stored``."""
        return [self.prefix + name for name in Stored._fields]


class Stored(NamedTuple):
    """A state as it was read, as JSON; without a version there is none yet."""

    version: str | None
    data: str | None
    conversation: str | None
    """The talk in a room."""
    voices: str | None
    """Counts of the voices of a session, or figures of those of a person."""


def addresses(result: SegmentEnd) -> dict[str, Address]:
    """Return the place of each state that a result changes: its order, voices and all statistics, by scope."""
    session_id, room = result.session_id, result.room
    found = {ORDER: Address(names.order(session_id)), VOICES: Address(names.voices(session_id))}
    found["session"] = Address(names.statistics(names.audience(session_id, None)))
    if room is not None:
        found["room"] = Address(names.statistics(names.room_audience(room)))
        found[PERSON] = Address(names.person_statistics(room), f"{speaker_of(result).person}:")
    return found


def counts_of(
    result: SegmentEnd, order: Order, states: dict[str, Stored], settings: Settings, *, has_voices: bool
) -> Counts:
    """Return what was counted before a result.

    Args:
        result: the end of one utterance.
        order: of its session.
        states: as they were read.
        settings: the windows.
        has_voices: the speakers of the microphone are distinguished, so voices are counted, too.

    Raises:
        pydantic.ValidationError: a state is damaged.
    """
    tallies = {
        name: Tally.model_validate_json(state.data or "{}") for name, state in states.items() if name not in OTHERS
    }
    room = None
    if (person := tallies.pop(PERSON, None)) is not None:
        conversation = Conversation.model_validate_json(states["room"].conversation or "{}")
        known = states[PERSON].voices
        of_person = PersonVoices.model_validate_json(known) if known else None
        room = Room(speaker_of(result), person, conversation, of_person)
    scopes = {scope: tallies[scope] for scope in SCOPES if scope in tallies}
    windows = settings.trend_window, settings.latency_window
    stored = states["session"].voices
    voices = VoiceCounts.model_validate_json(stored or "{}") if stored or has_voices else None
    return Counts(scopes, order.newest_sentence, *windows, room=room, began_ms=order.began_ms, voices=voices)


def states_after(
    places: dict[str, Address],
    before: dict[str, Stored],
    acceptance: Acceptance,
    counts: Counts,
    voices: Voices | None,
    ttl_s: int,
) -> dict[str, State]:
    """Return the states to write, by name: the order and, with released results, all statistics and the voices.

    Args:
        places: those of all states.
        before: the states as they were read; the script writes only if their versions are unchanged.
        acceptance: the results.
        counts: the counts with them.
        voices: the voices with them; None if they are as before.
        ttl_s: seconds to live; an order lives longer.
    """
    fields = {ORDER: {"data": acceptance.order.model_dump_json()}}
    if acceptance.released:
        for name, message in _messages_of(acceptance.released[0], counts).items():
            fields[name] = _written(counts, name) | {"message": message.model_dump_json()}
    if voices is not None:
        fields[VOICES] = {"data": voices.model_dump_json()}
    lives_s = {ORDER: order_ttl_s(ttl_s)}
    return {name: _state(places[name], before[name], fields[name], lives_s.get(name, ttl_s)) for name in fields}


def _messages_of(result: SegmentEnd, counts: Counts) -> dict[str, AnyStatistics]:
    """Return the statistics that clients get after a result, by scope; the others of its states stay as they are."""
    found: dict[str, AnyStatistics] = {}
    room = counts.room
    for scope, tally in counts.tallies.items():
        found[scope] = tally.statistics(
            scope,
            trend_window=counts.trend_window,
            session_id=result.session_id if scope == "session" else None,
            room=result.room if scope == "room" else None,
            conversation=room.conversation.figures() if scope == "room" and room else None,
        )
    if counts.voice_figures:
        found["session"] = found["session"].model_copy(update={"voices": counts.voice_figures})
    if room is not None and result.room is not None and room.has_own_figures:
        person = room.tally.person_statistics(result.room, room.speaker, trend_window=counts.trend_window)
        found[PERSON] = person.model_copy(update={"voices": room.voices.figures if room.voices else None})
    return found


def _written(counts: Counts, name: str) -> dict[str, str]:
    """Return the new fields of a state of statistics, as JSON."""
    room, tallies = counts.room, {str(scope): tally for scope, tally in counts.tallies.items()}
    parts: dict[str, BaseModel | None]
    if name == PERSON and room is not None:
        parts = {"data": room.tally, "voices": room.voices}
    else:
        conversation = room.conversation if name == "room" and room is not None else None
        voices = counts.voices if name == "session" else None
        parts = {"data": tallies[name], "conversation": conversation, "voices": voices}
    return {field: part.model_dump_json() for field, part in parts.items() if part is not None}


def _state(address: Address, known: Stored, fields: dict[str, str], ttl_s: int) -> State:
    """Return one state to write; its fields are its data as JSON, and for statistics the message for clients."""
    return {**address._asdict(), "version": known.version or "0", "fields": fields, "ttl": ttl_s}
