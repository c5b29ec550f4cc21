"""Exactly-once release: read the state, plan (pure), and write with one script if the state is unchanged."""

import json
from dataclasses import replace
from typing import Any, Literal

from infra.clock import now
from infra.ledger.entry import order_ttl_s
from infra.redis_client import Redis, load_script
from infra.redis_types import Script
from infra.voiceprints import get_voiceprints
from listener_service.counts import Counts
from listener_service.order import Acceptance, Order
from listener_service.settings import Settings
from listener_service.states import (
    ORDER,
    PERSON,
    VOICEPRINT,
    VOICES,
    Address,
    Stored,
    addresses,
    counts_of,
    messages_of,
    written,
)
from listener_service.voices import Voices, labelled
from wire import names
from wire.messages.results import SegmentEnd

LOG_LENGTH = 10_000
"""Results kept in the log of an audience, and some more (Redis trims whole nodes), for clients that come later."""
STREAM_LENGTH = 10_000
"""Envelopes kept in the stream beside each channel, for gateways that missed some."""
STREAM_KEEP_S = 300
"""Seconds that envelopes are kept, as they hold transcripts. A gateway that was disconnected for longer reads the logs
of its audiences, as after every lost connection."""
MAX_CONFLICTS = 100
"""Retries when another listener changed the state first; each conflict means that the other one made progress."""


class Releaser:
    """Applies results one at a time; any number of releasers may run at once."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        """Register the script with ``redis``; nothing is sent yet."""
        self._redis = redis
        self._settings = settings
        self._script: Script[Literal["released", "changed", "deleted"]] = redis.register_script(
            load_script(__package__, "release")
        )

    def apply(self, stream_id: str, result: SegmentEnd) -> Acceptance:
        """Release a result, or keep it until the earlier ones are there; drop a duplicate, or one of a deleted session.

        If a result that waits for it is of unknown type, nothing is written and it stays in the stream.

        Args:
            stream_id: id of the result in the result stream, acknowledged and deleted in the same step.
            result: the end of one utterance.

        Raises:
            RuntimeError: other listeners changed the state ``MAX_CONFLICTS`` times in a row.
        """
        result = result.model_copy(update={"clock": result.clock.at(published=now())})
        places = addresses(result)
        for _ in range(MAX_CONFLICTS):
            states = self._read(places)
            known = states[ORDER].data
            order = Order.model_validate_json(known) if known else self._new_order(result.session_id)
            acceptance = order.accept(result)
            if acceptance.outcome == "duplicate":
                self._drop(stream_id)
                return acceptance
            if acceptance.outcome == "unreadable":
                return acceptance
            voices, results = self._with_voices(acceptance.released, states, is_first=not order.waiting)
            counts, released = counts_of(result, order, states, self._settings).add(results)
            update = {"sentence": counts.sentence, "began_ms": counts.began_ms}
            acceptance = replace(acceptance, order=acceptance.order.model_copy(update=update), released=released)
            plan = self._plan(stream_id, result, acceptance, counts, states)
            if voices is not None:
                fields = {"data": voices.model_dump_json()}
                plan["states"].append(_state(places[VOICES], states[VOICES], fields, self._settings.session_ttl_s))
            verdict = self._script(keys=[names.stream(names.RESULT_CHANNEL), names.PENDING], args=[json.dumps(plan)])
            if verdict == "deleted":
                return Acceptance("deleted", order)
            if verdict == "released":
                return acceptance
        raise RuntimeError(f"{MAX_CONFLICTS} conflicts in a row while releasing a result")

    def _read(self, places: dict[str, Address]) -> dict[str, Stored]:
        """Return each state."""
        pipeline = self._redis.pipeline(transaction=False)
        for address in places.values():
            pipeline.hmget(address.key, *address.fields)
        return {name: Stored(*fields) for name, fields in zip(places, pipeline.execute(), strict=True)}

    def _with_voices(
        self, released: list[SegmentEnd], states: dict[str, Stored], *, is_first: bool
    ) -> tuple[Voices | None, list[SegmentEnd]]:
        """Return the voices of the session after some results, None if they are as before; and these with their voices.

        Args:
            released: the results.
            states: as they were read.
            is_first: no other result has waited for them; then none has a voice if this one and the session have none.
        """
        known = states[VOICES].data
        if not released or (is_first and known is None and states[VOICEPRINT].data is None):
            return None, released
        before = Voices.model_validate_json(known or "{}")
        session, segments = released[0].session_id, [end.segment for end in released]
        voices, results = labelled(before, released, get_voiceprints(self._redis, session, segments))
        return None if voices == before else voices, results

    def _new_order(self, session_id: str) -> Order:
        """Return the order of a session without a record.

        It begins with the oldest outstanding segment: 0 for a new session. If the record was lost, all earlier segments
        have been released.
        """
        oldest = self._redis.zrange(names.outstanding(session_id), 0, 0)
        return Order(next_segment=int(oldest[0].rpartition(":")[2]) if oldest else 0)

    def _drop(self, stream_id: str) -> None:
        """Remove a duplicate from the stream; its utterance is released already, or waits in the state."""
        pipeline = self._redis.pipeline()
        pipeline.xack(names.stream(names.RESULT_CHANNEL), names.LISTENER_GROUP, stream_id)
        pipeline.xdel(names.stream(names.RESULT_CHANNEL), stream_id)
        pipeline.execute()

    def _plan(
        self,
        stream_id: str,
        result: SegmentEnd,
        acceptance: Acceptance,
        counts: Counts,
        states: dict[str, Stored],
    ) -> dict[str, Any]:
        """Return what ``release.lua`` has to write."""
        ttl = self._settings.session_ttl_s
        places = addresses(result)
        order = {"data": acceptance.order.model_dump_json()}
        writes = [_state(places[ORDER], states[ORDER], order, order_ttl_s(ttl))]
        statistics = []
        if acceptance.released:
            messages = {name: each.model_dump_json() for name, each in messages_of(result, counts).items()}
            for name, message in messages.items():
                fields = written(counts, name) | {"message": message}
                writes.append(_state(places[name], states[name], fields, 0 if name == "global" else ttl))
            statistics = _envelopes(result, [ORDER, *messages])
        return {
            "stream_id": stream_id,
            "group": names.LISTENER_GROUP,
            "streams": {channel: names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)},
            "stream_length": STREAM_LENGTH,
            "log_length": LOG_LENGTH,
            "log_ttl": ttl,
            "states": writes,
            "results": [_result(released) for released in acceptance.released],
            "statistics": statistics,
            "accepted": _utterance(result),
            "outstanding": names.outstanding(result.session_id),
            "deleted": names.deleted(result.session_id),
            "released": [_utterance(released) for released in acceptance.released],
        }


def _state(address: Address, known: Stored, fields: dict[str, str], ttl: int) -> dict[str, Any]:
    """Return one state to write.

    Args:
        address: its place.
        known: the state that was read; the script writes only if its version is unchanged.
        fields: names and values of the new one: its data as JSON, and for statistics the message for clients.
        ttl: seconds to live; 0 for no limit.
    """
    return {**address._asdict(), "version": known.version or "0", "fields": fields, "ttl": ttl}


def _envelopes(result: SegmentEnd, states: list[str]) -> list[dict[str, Any]]:
    """Return what is published of the statistics: those of the session; those of the room, with the person's.

    Their messages are in the states, and are named by the places of these, from 1.
    """
    place = {name: number for number, name in enumerate(states, start=1)}
    found: list[dict[str, Any]] = [
        {"audience": json.dumps(names.audience(result.session_id, None)), "message": place["session"]}
    ]
    if "room" in place:
        audience = json.dumps(names.audience(result.session_id, result.room))
        person = {"person": place[PERSON]} if PERSON in place else {}
        found.append({"audience": audience, "message": place["room"]} | person)
    return found


def _result(result: SegmentEnd) -> dict[str, str]:
    audience = names.audience(result.session_id, result.room)
    return {
        "audience": json.dumps(audience),
        "log": names.log(audience),
        "message": result.model_dump_json(exclude={"seq"}),
    }


def _utterance(result: SegmentEnd) -> dict[str, str]:
    member = names.ledger_member(result.session_id, result.segment)
    return {
        "member": member,
        "entry": names.ledger_entry(member),
        "audio": names.audio(result.session_id, result.segment),
        "voiceprint": names.voiceprint(result.session_id, result.segment),
    }
