"""Exactly-once release: read the state, plan (pure), and write with one script if the state is unchanged."""

import json
from dataclasses import replace
from typing import Any, NamedTuple

from infra.clock import now
from infra.ledger.entry import order_ttl_s
from infra.redis_client import Redis, load_script
from infra.redis_types import Script
from infra.voiceprints import get_voiceprints
from listener_service.counts import Counts
from listener_service.order import Acceptance, Order
from listener_service.sentences import Scope
from listener_service.settings import Settings
from listener_service.tally import Tally
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


class _Scope(NamedTuple):
    """Statistics that a result is counted in."""

    audience: str
    name: Scope


class Releaser:
    """Applies results one at a time; any number of releasers may run at once."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        """Register the script with ``redis``; nothing is sent yet."""
        self._redis = redis
        self._settings = settings
        self._script: Script[int] = redis.register_script(load_script(__package__, "release"))

    def apply(self, stream_id: str, result: SegmentEnd) -> Acceptance:
        """Release a result, or keep it until the earlier ones are there; a duplicate is dropped.

        If a result that waits for it is of unknown type, nothing is written and it stays in the stream.

        Args:
            stream_id: id of the result in the result stream, acknowledged and deleted in the same step.
            result: the end of one utterance.

        Raises:
            RuntimeError: other listeners changed the state ``MAX_CONFLICTS`` times in a row.
        """
        result = result.model_copy(update={"clock": result.clock.at(published=now())})
        scopes = _scopes(result)
        keys = [names.order(result.session_id), names.voices(result.session_id)]
        keys += (names.statistics(scope.audience) for scope in scopes)
        voiceprint = names.voiceprint(result.session_id, result.segment)
        for _ in range(MAX_CONFLICTS):
            *states, (_, printed) = self._read([*keys, voiceprint])
            order = Order.model_validate_json(states[0][1]) if states[0][1] else self._new_order(result.session_id)
            acceptance = order.accept(result)
            if acceptance.outcome == "duplicate":
                self._drop(stream_id)
                return acceptance
            if acceptance.outcome == "unreadable":
                return acceptance
            before = Voices.model_validate_json(states[1][1] or "{}")
            may_have_voices = printed or before.voices or order.waiting
            segments = [end.segment for end in acceptance.released] if may_have_voices else []
            voiceprints = get_voiceprints(self._redis, result.session_id, segments)
            voices, results = labelled(before, acceptance.released, voiceprints)
            counts, released = self._counts(order, scopes, states[2:]).add(results)
            after = acceptance.order.model_copy(update={"sentence": counts.sentence})
            acceptance = replace(acceptance, order=after, released=released)
            plan = self._plan(stream_id, result, acceptance, counts, dict(zip(keys, states, strict=True)))
            if voices != before:
                ttl = self._settings.session_ttl_s
                plan["states"].append(_state(keys[1], states[1][0], voices.model_dump_json(), ttl))
            if self._script(keys=[names.stream(names.RESULT_CHANNEL), names.PENDING], args=[json.dumps(plan)]):
                return acceptance
        raise RuntimeError(f"{MAX_CONFLICTS} conflicts in a row while releasing a result")

    def _read(self, keys: list[str]) -> list[tuple[str, str | None]]:
        """Return version and data of each state."""
        pipeline = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hmget(key, "version", "data")
        return [(version or "0", data) for version, data in pipeline.execute()]

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

    def _counts(self, order: Order, scopes: list[_Scope], states: list[tuple[str, str | None]]) -> Counts:
        """Return what was counted before, from the states of the statistics."""
        tallies = {
            scope.name: Tally.model_validate_json(data or "{}") for scope, (_, data) in zip(scopes, states, strict=True)
        }
        return Counts(tallies, order.newest_sentence, self._settings.trend_window, self._settings.latency_window)

    def _plan(
        self,
        stream_id: str,
        result: SegmentEnd,
        acceptance: Acceptance,
        counts: Counts,
        states: dict[str, tuple[str, str | None]],
    ) -> dict[str, Any]:
        """Return what ``release.lua`` has to write."""
        ttl = self._settings.session_ttl_s
        order_key = names.order(result.session_id)
        writes = [_state(order_key, states[order_key][0], acceptance.order.model_dump_json(), order_ttl_s(ttl))]
        statistics = []
        for scope in _scopes(result) if acceptance.released else []:
            key = names.statistics(scope.audience)
            tally = counts.tallies[scope.name]
            message = self._statistics(scope, tally, result)
            is_global = scope.audience == names.GLOBAL_AUDIENCE
            writes.append(_state(key, states[key][0], tally.model_dump_json(), 0 if is_global else ttl, message))
            if not is_global:
                statistics.append({"audience": json.dumps(scope.audience), "message": message})
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
            "released": [_utterance(released) for released in acceptance.released],
        }

    def _statistics(self, scope: _Scope, tally: Tally, result: SegmentEnd) -> str:
        return tally.statistics(
            scope.name,
            trend_window=self._settings.trend_window,
            session_id=result.session_id if scope.name == "session" else None,
            room=result.room if scope.name == "room" else None,
        ).model_dump_json()


def _scopes(result: SegmentEnd) -> list[_Scope]:
    session = _Scope(names.audience(result.session_id, None), "session")
    room = [_Scope(names.audience(result.session_id, result.room), "room")] if result.room is not None else []
    return [session, *room, _Scope(names.GLOBAL_AUDIENCE, "global")]


def _state(key: str, version: str, data: str, ttl: int, message: str | None = None) -> dict[str, Any]:
    """Return one state to write.

    Args:
        key: its Redis hash.
        version: the version that was read; the script writes only if it is unchanged.
        data: the new state as JSON.
        ttl: seconds to live; 0 for no limit.
        message: for statistics, the message that gateways send to clients.
    """
    return {"key": key, "version": version, "data": data, "ttl": ttl} | ({"message": message} if message else {})


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
