"""What the sweeper does about an outstanding utterance, case by case."""

from functools import partial
from typing import TypedDict

import pytest

from infra.ledger.ledger import AUDIO_TTL_S, CLAIM_MAX_S, MAX_ATTEMPTS, OUTSTANDING_S, Entry, Stage
from listener_service.sweeper import GRACE_S, OVERTAKEN_S, next_step
from tests.support.speakers import audio_job

NOW = 1_000_000.0
WORKER = "wta:alive:stt_worker:one"


def entry(
    *,
    stage: Stage = "stt",
    attempts: int = 0,
    claimed_by: str | None = None,
    claimed_ago: float = 0.0,
    sent_ago: float | None = 0.5,
    age: float = 60.0,
) -> Entry:
    """An utterance enrolled ``age`` seconds ago; ``sent_ago`` None asks for sending at once."""
    return Entry(
        member="a:0",
        enrolled_at=NOW - age,
        stage=stage,
        job=audio_job(),
        attempts=attempts,
        claimed_by=claimed_by,
        claimed_at=NOW - claimed_ago if claimed_by else 0.0,
        sent_at="0" if sent_ago is None else str(NOW - sent_ago),
        error=None,
    )


claimed = partial(entry, claimed_by=WORKER, attempts=1, sent_ago=30.0)


class Surroundings(TypedDict, total=False):
    claimant_alive: bool
    queue_empty: bool
    high_water: float


TABLE: list[tuple[str, Entry, Surroundings, str]] = [
    # what is the case                    the entry, who lives and what is queued       what is to be done
    ("just sent", entry(), {"queue_empty": True}, "wait"),
    ("in a queue that is not empty", entry(sent_ago=600), {}, "wait"),
    ("lost by an empty queue", entry(sent_ago=GRACE_S + 0.1), {"queue_empty": True}, "send"),
    ("within the grace of an empty queue", entry(sent_ago=GRACE_S - 0.1), {"queue_empty": True}, "wait"),
    ("overtaken in the queue", entry(sent_ago=60), {"high_water": NOW - 60 + OVERTAKEN_S + 0.1}, "send"),
    ("a little overtaken", entry(sent_ago=60), {"high_water": NOW - 60 + OVERTAKEN_S - 0.1}, "wait"),
    ("overtaken by a clock set back", entry(sent_ago=60), {"high_water": NOW + 0.1}, "wait"),
    ("claimed by a living worker", claimed(), {"claimant_alive": True, "queue_empty": True}, "wait"),
    ("claimed by a dead worker", claimed(), {}, "send"),
    ("claimed too long", claimed(claimed_ago=CLAIM_MAX_S + 1), {"claimant_alive": True}, "send"),
    ("given back after a failure", entry(attempts=1, sent_ago=None), {}, "send"),
    ("given back for the last time", entry(attempts=MAX_ATTEMPTS, sent_ago=None), {}, "give_up"),
    ("last attempt still going on", claimed(attempts=MAX_ATTEMPTS), {"claimant_alive": True}, "wait"),
    ("last attempt killed its worker", claimed(attempts=MAX_ATTEMPTS), {}, "give_up"),
    ("older than its audio", entry(age=AUDIO_TTL_S + 1), {}, "give_up"),
    ("result waits for an earlier one", entry(stage="done", age=30, sent_ago=30), {"queue_empty": True}, "wait"),
    ("result waits for an outstanding one", entry(stage="done", age=OUTSTANDING_S - 1), {}, "wait"),
    ("result waits in vain", entry(stage="done", age=OUTSTANDING_S + 1), {}, "unblock"),
    ("lost by the analyzer's empty queue", entry(stage="analysis", sent_ago=3), {"queue_empty": True}, "send"),
]


@pytest.mark.parametrize(("current", "surroundings", "step"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_next_step(current: Entry, surroundings: Surroundings, step: str) -> None:
    """The table above."""
    found = next_step(
        current,
        now=NOW,
        claimant_alive=surroundings.get("claimant_alive", False),
        queue_empty=surroundings.get("queue_empty", False),
        high_water=surroundings.get("high_water", 0.0),
    )
    assert found == step
