"""Pure: what ``lua/release.lua`` writes when results are released, or kept until earlier ones are there."""

import json
from typing import Any

from listener_service.states import PERSON, State
from listener_service.tally import Tally
from wire import names
from wire.messages.results import SegmentEnd

LOG_LENGTH = 10_000
"""Results kept in the log of an audience, and some more (Redis trims whole nodes), for clients that come later."""
STREAM_LENGTH = 10_000
"""Envelopes kept in the stream beside each channel of all audiences, for older gateways that missed some."""


def planned(
    stream_id: str,
    result: SegmentEnd,
    released: list[SegmentEnd],
    states: dict[str, State],
    totals: Tally,
    log_ttl_s: int,
) -> dict[str, Any]:
    """Return the plan for the script.

    Args:
        stream_id: id of the result in the result stream.
        result: the end of one utterance.
        released: the results that are released with it.
        states: those to write, by name.
        totals: counts of the released results.
        log_ttl_s: seconds to live of the log.
    """
    return {
        "stream_id": stream_id,
        "group": names.LISTENER_GROUP,
        "streams": {channel: names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)},
        "stream_length": STREAM_LENGTH,
        "log_length": LOG_LENGTH,
        "log_ttl": log_ttl_s,
        "states": [*states.values()],
        "totals": totals.increments(),
        "results": [_result(each) for each in released],
        "statistics": _envelopes(result, list(states)) if released else [],
        "accepted": _utterance(result),
        "outstanding": names.outstanding(result.session_id),
        "deleted": names.deleted(result.session_id),
        "released": [_utterance(each) for each in released],
    }


def _envelopes(result: SegmentEnd, states: list[str]) -> list[dict[str, Any]]:
    """Return what is published of the statistics: those of the session; those of the room, with the person's.

    Their messages are in the states, and are named by the places of these, from 1.
    """
    place = {name: number for number, name in enumerate(states, start=1)}
    found = [_envelope(names.audience(result.session_id, None), place["session"])]
    if "room" in place:
        person = {"person": place[PERSON]} if PERSON in place else {}
        found.append(_envelope(names.audience(result.session_id, result.room), place["room"]) | person)
    return found


def _envelope(audience: str, message: int) -> dict[str, Any]:
    return {"audience": json.dumps(audience), "channel": names.final_stats(audience), "message": message}


def _result(result: SegmentEnd) -> dict[str, str]:
    audience = names.audience(result.session_id, result.room)
    return {
        "audience": json.dumps(audience),
        "channel": names.result_messages(audience),
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
