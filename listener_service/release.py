"""Exactly-once release: read the state, plan (pure), and write with one script if the state is unchanged."""

import json
from dataclasses import replace
from typing import Literal

from infra.clock import now
from infra.redis_client import Redis, load_script
from infra.redis_types import Script
from infra.voiceprints import get_voiceprints
from listener_service.order import Acceptance, Order
from listener_service.plan import planned
from listener_service.settings import Settings
from listener_service.states import ORDER, VOICES, Address, Stored, addresses, counts_of, states_after
from listener_service.voices import Voices, labelled
from wire import names
from wire.messages.results import SegmentEnd

STREAM_KEEP_S = 300
"""Seconds that envelopes are kept in the streams for older gateways, as they hold transcripts. A gateway that was
disconnected for longer reads the logs of its audiences, as after every lost connection."""
MAX_CONFLICTS = 100
"""Retries when another listener changed the state first; each conflict means that the other one made progress."""

SHARED_KEYS = [names.stream(names.RESULT_CHANNEL), names.PENDING, names.TOTALS]
"""Keys that all releases have in common. None is read for a plan, so listeners conflict in one session or room only."""


class Releaser:
    """Applies results one at a time; any number of releasers may run at once."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        """Register the script with ``redis``; nothing is sent yet."""
        self._redis = redis
        self._settings = settings
        self.conflicts = 0
        """Times that a result was planned again, because another listener had changed a state first."""
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
            states, is_voiced = self._read(places, result)
            known = states[ORDER].data
            order = Order.model_validate_json(known) if known else self._new_order(result.session_id)
            acceptance = order.accept(result)
            if acceptance.outcome == "duplicate":
                self._drop(stream_id)
                return acceptance
            if acceptance.outcome == "unreadable":
                return acceptance
            may_have = is_voiced or bool(order.waiting)
            voices, results = self._with_voices(acceptance.released, states[VOICES], may_have=may_have)
            has_voices = voices is not None or states[VOICES].data is not None
            counts = counts_of(result, order, states, self._settings, has_voices=has_voices)
            counts, released = counts.add(results)
            update = {"sentence": counts.sentence, "began_ms": counts.began_ms}
            acceptance = replace(acceptance, order=acceptance.order.model_copy(update=update), released=released)
            changed = states_after(places, states, acceptance, counts, voices, ttl_s=self._settings.session_ttl_s)
            plan = planned(stream_id, result, released, changed, counts.totals, log_ttl_s=self._settings.session_ttl_s)
            verdict = self._script(keys=SHARED_KEYS, args=[json.dumps(plan)])
            if verdict == "deleted":
                return Acceptance("deleted", order)
            if verdict == "released":
                return acceptance
            self.conflicts += 1
        raise RuntimeError(f"{MAX_CONFLICTS} conflicts in a row while releasing a result")

    def _read(self, places: dict[str, Address], result: SegmentEnd) -> tuple[dict[str, Stored], bool]:
        """Return each state, and whether the result has a voiceprint."""
        pipeline = self._redis.pipeline(transaction=False)
        for address in places.values():
            pipeline.hmget(address.key, *address.fields)
        pipeline.exists(names.voiceprint(result.session_id, result.segment))
        *states, voiceprints = pipeline.execute()
        return {name: Stored(*fields) for name, fields in zip(places, states, strict=True)}, voiceprints == 1

    def _with_voices(
        self, released: list[SegmentEnd], stored: Stored, *, may_have: bool
    ) -> tuple[Voices | None, list[SegmentEnd]]:
        """Return the voices of the session after some results, None if they are as before; and these with their voices.

        Args:
            released: the results.
            stored: the voices before.
            may_have: one of the results may have a voiceprint; if not, and there are no voices yet, none has a voice.
        """
        if not released or (stored.data is None and not may_have):
            return None, released
        before = Voices.model_validate_json(stored.data or "{}")
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
