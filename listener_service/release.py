"""Exactly once: read the state, plan the release (pure), and let one script carry it out if the state still stands."""

import json
from typing import Any, Literal, NamedTuple

from infra.ledger.ledger import order_ttl_s
from infra.redis_client import Redis, load_script
from listener_service.order import Acceptance, Order
from listener_service.settings import Settings
from listener_service.tally import Tally
from wire import names
from wire.messages.base import now
from wire.messages.results import Final, NoSpeech, SegmentFailed

LOG_LENGTH = 10_000
"""Results that an audience's log keeps, for resuming and for those who join later."""
STREAM_LENGTH = 10_000
"""Envelopes kept beside each channel, for gateways that were away."""
STREAM_KEEP_S = 300
"""How long they are kept: they hold what people said. Gateways that were away for longer read the logs of their
audiences, as after every lost connection."""
MAX_CONFLICTS = 100
"""Several listeners share the global statistics; each conflict means that another one made progress."""


class _Scope(NamedTuple):
    """Statistics that an utterance counts for."""

    audience: str
    name: Literal["session", "room", "global"]


class Releaser:
    """Applies results one at a time; any number of listeners may do so at once."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._script = redis.register_script(load_script(__package__, "release"))

    def apply(self, source: str, end: Final | NoSpeech | SegmentFailed) -> Acceptance:
        """Take in the result with stream id ``source``: released, waiting for an earlier one, or a duplicate."""
        end = end.model_copy(update={"clock": end.clock.at(published=now())})
        scopes = _scopes(end)
        keys = [names.order(end.session_id), *(names.statistics(scope.audience) for scope in scopes)]
        for _ in range(MAX_CONFLICTS):
            states = self._read(keys)
            order = Order.model_validate_json(states[0][1]) if states[0][1] else self._new_order(end.session_id)
            acceptance = order.accept(end)
            if acceptance.outcome == "duplicate":
                self._forget(source)
                return acceptance
            plan = self._plan(source, end, acceptance, scopes, dict(zip(keys, states, strict=True)))
            if self._script(keys=[names.stream(names.RESULT_CHANNEL), names.PENDING], args=[json.dumps(plan)]):
                return acceptance
        raise RuntimeError(f"{MAX_CONFLICTS} conflicts in a row while releasing a result")

    def _read(self, keys: list[str]) -> list[tuple[str, str | None]]:
        """Version and data of each state."""
        pipeline = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hmget(key, "version", "data")
        return [(version or "0", data) for version, data in pipeline.execute()]

    def _new_order(self, session_id: str) -> Order:
        """Of a session's first result. If it is not, its record is gone: what is not outstanding was released."""
        oldest = self._redis.zrange(names.outstanding(session_id), 0, 0)
        return Order(next_segment=int(oldest[0].rpartition(":")[2]) if oldest else 0)

    def _forget(self, source: str) -> None:
        """A duplicate: its utterance is released, or waits in the state; only the stream still has it."""
        pipeline = self._redis.pipeline()
        pipeline.xack(names.stream(names.RESULT_CHANNEL), names.LISTENER_GROUP, source)
        pipeline.xdel(names.stream(names.RESULT_CHANNEL), source)
        pipeline.execute()

    def _plan(
        self,
        source: str,
        end: Final | NoSpeech | SegmentFailed,
        acceptance: Acceptance,
        scopes: list[_Scope],
        states: dict[str, tuple[str, str | None]],
    ) -> dict[str, Any]:
        """What ``release.lua`` is to do."""
        ttl = self._settings.session_ttl_s
        order_key = names.order(end.session_id)
        writes = [_state(order_key, states[order_key][0], acceptance.order.model_dump_json(), order_ttl_s(ttl))]
        statistics = []
        for scope in scopes if acceptance.released else []:
            key = names.statistics(scope.audience)
            tally = self._count(scope, Tally.model_validate_json(states[key][1] or "{}"), acceptance)
            message = self._statistics(scope, tally, end)
            forever = scope.audience == names.GLOBAL_AUDIENCE
            writes.append(_state(key, states[key][0], tally.model_dump_json(), 0 if forever else ttl, message))
            if not forever:
                statistics.append({"audience": json.dumps(scope.audience), "message": message})
        return {
            "source": source,
            "group": names.LISTENER_GROUP,
            "streams": {channel: names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)},
            "stream_length": STREAM_LENGTH,
            "log_length": LOG_LENGTH,
            "log_ttl": ttl,
            "states": writes,
            "results": [_result(released) for released in acceptance.released],
            "statistics": statistics,
            "accepted": _utterance(end),
            "outstanding": names.outstanding(end.session_id),
            "released": [_utterance(released) for released in acceptance.released],
        }

    def _count(self, scope: _Scope, tally: Tally, acceptance: Acceptance) -> Tally:
        for released in acceptance.released:
            tally = tally.add(
                released,
                trend_window=self._settings.trend_window,
                latency_window=self._settings.latency_window,
                with_timeline=scope.audience != names.GLOBAL_AUDIENCE,  # it has no end, and no viewer
            )
        return tally

    def _statistics(self, scope: _Scope, tally: Tally, end: Final | NoSpeech | SegmentFailed) -> str:
        return tally.statistics(
            scope.name,
            trend_window=self._settings.trend_window,
            session_id=end.session_id if scope.name == "session" else None,
            room=end.room if scope.name == "room" else None,
        ).model_dump_json()


def _scopes(end: Final | NoSpeech | SegmentFailed) -> list[_Scope]:
    session = _Scope(names.audience(end.session_id, None), "session")
    room = [_Scope(names.audience(end.session_id, end.room), "room")] if end.room is not None else []
    return [session, *room, _Scope(names.GLOBAL_AUDIENCE, "global")]


def _state(key: str, read: str, data: str, ttl: int, message: str | None = None) -> dict[str, Any]:
    """One state to write: the version it was read at, its new data, seconds to live (0: for ever), and, for gateways,
    the statistics as they are published."""
    return {"key": key, "read": read, "data": data, "ttl": ttl} | ({"message": message} if message else {})


def _result(end: Final | NoSpeech | SegmentFailed) -> dict[str, str]:
    audience = names.audience(end.session_id, end.room)
    return {
        "audience": json.dumps(audience),
        "log": names.log(audience),
        "message": end.model_dump_json(exclude={"seq"}),
    }


def _utterance(end: Final | NoSpeech | SegmentFailed) -> dict[str, str]:
    member = names.ledger_member(end.session_id, end.segment)
    return {
        "member": member,
        "entry": names.ledger_entry(member),
        "audio": names.audio(end.session_id, end.segment),
    }
