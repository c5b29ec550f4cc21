"""The decision about an outstanding utterance, case by case."""

from dataclasses import replace
from functools import partial
from typing import Any, TypedDict

import pytest

from infra.ledger.admission import MAX_PENDING
from infra.ledger.entry import AUDIO_TTL_S, CLAIM_MAX_S, OUTSTANDING_S, Entry, Stage
from infra.ledger.ledger import MAX_ATTEMPTS
from listener_service.retry_policy import (
    AGED_LOST_S,
    AGED_S,
    GRACE_S,
    OVERTAKEN_S,
    held_back,
    missing,
    next_step,
    to_age,
)
from listener_service.sweeper import PERIOD_S
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
    """Make an entry that is ``age`` seconds old; ``sent_ago`` None requests sending at once."""
    return Entry(
        member="a:0",
        admitted_at=NOW - age,
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
    """State around the entry; absent keys mean no, or 0."""

    claimant_alive: bool
    queue_empty: bool
    high_water: float


TABLE: list[tuple[str, Entry, Surroundings, str]] = [
    # case, entry, surroundings, expected step
    ("just sent", entry(), {"queue_empty": True}, "wait"),
    ("in a queue that is not empty", entry(sent_ago=600), {}, "wait"),
    ("lost by an empty queue", entry(sent_ago=GRACE_S + 0.1), {"queue_empty": True}, "resend"),
    ("within the grace of an empty queue", entry(sent_ago=GRACE_S - 0.1), {"queue_empty": True}, "wait"),
    ("overtaken in the queue", entry(sent_ago=60), {"high_water": NOW - 60 + OVERTAKEN_S + 0.1}, "resend"),
    ("a little overtaken", entry(sent_ago=60), {"high_water": NOW - 60 + OVERTAKEN_S - 0.1}, "wait"),
    ("overtaken by a clock set back", entry(sent_ago=60), {"high_water": NOW + 0.1}, "wait"),
    ("claimed by a living worker", claimed(), {"claimant_alive": True, "queue_empty": True}, "wait"),
    ("claimed by a dead worker", claimed(), {}, "resend"),
    ("claimed too long", claimed(claimed_ago=CLAIM_MAX_S + 1), {"claimant_alive": True}, "resend"),
    ("abandoned after a failure", entry(attempts=1, sent_ago=None), {}, "resend"),
    ("abandoned for the last time", entry(attempts=MAX_ATTEMPTS, sent_ago=None), {}, "fail"),
    ("last attempt still going on", claimed(attempts=MAX_ATTEMPTS), {"claimant_alive": True}, "wait"),
    ("last attempt killed its worker", claimed(attempts=MAX_ATTEMPTS), {}, "fail"),
    ("older than its audio", entry(age=AUDIO_TTL_S + 1), {}, "fail"),
    ("result waits for an earlier one", entry(stage="done", age=30, sent_ago=30), {"queue_empty": True}, "wait"),
    ("result waits for an outstanding one", entry(stage="done", age=OUTSTANDING_S - 1), {}, "wait"),
    ("result waits for a lost one", entry(stage="done", age=OUTSTANDING_S + 1), {}, "unblock"),
    ("lost by the analyzer's empty queue", entry(stage="analysis", sent_ago=3), {"queue_empty": True}, "resend"),
]


@pytest.mark.parametrize(("current", "surroundings", "step"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_next_step_of_each_case_is_as_in_the_table(current: Entry, surroundings: Surroundings, step: str) -> None:
    """See ``TABLE``."""
    found = next_step(
        current,
        now=NOW,
        claimant_alive=surroundings.get("claimant_alive", False),
        queue_empty=surroundings.get("queue_empty", False),
        high_water=surroundings.get("high_water", 0.0),
    )
    assert found == step


def waiting(segment: int, sent_ago: float, *, ahead: bool = False, stage: Stage = "stt", **fields: Any) -> Entry:
    found = entry(sent_ago=sent_ago, stage=stage, **fields)
    return replace(found, member=f"a:{segment}", job=audio_job(segment, ahead=ahead))


@pytest.mark.parametrize(
    ("entries", "depth", "absent"),
    [
        ([waiting(0, 30), waiting(1, 20)], 2, set()),
        ([waiting(0, 30), waiting(1, 20)], 5, set()),
        ([waiting(0, 30), waiting(1, 20)], 1, {"a:0"}),
        ([waiting(0, 30), waiting(1, 20)], 0, {"a:0", "a:1"}),
        ([waiting(0, 30, ahead=True), waiting(1, 20)], 1, {"a:1"}),
        ([waiting(0, 30), waiting(1, 0.5)], 0, {"a:0"}),
        ([waiting(0, 0.5, ahead=True), waiting(1, 0.1)], 0, set()),
        ([waiting(0, 30, claimed_by=WORKER), waiting(1, 20)], 1, set()),
        ([waiting(0, 30, stage="analysis"), waiting(1, 20)], 1, set()),
        ([replace(waiting(0, 30), sent_at="0"), waiting(1, 20)], 1, set()),
        ([], 0, set()),
    ],
    ids=[
        "all are there",
        "copies and partials are there too",
        "one is missing, the oldest",
        "all are missing",
        "a live one rather than one of a file",
        "one may be on its way",
        "both may be",
        "one is claimed",
        "one is in the other queue",
        "one is sent again anyhow",
        "nothing waits",
    ],
)
def test_a_queue_with_fewer_tasks_than_jobs_has_lost_some(entries: list[Entry], depth: int, absent: set[str]) -> None:
    """It does not say which: a copy too many is harmless."""
    assert missing(entries, "stt", depth, NOW) == absent


def orphan(segment: int, attempts: int, stage: Stage = "analysis") -> Entry:
    return at(segment, attempts=attempts, stage=stage, claimed_by="dead", claimed_ago=5)


def at(segment: int, **fields: Any) -> Entry:
    return replace(entry(**fields), member=f"a:{segment}")


@pytest.mark.parametrize(
    ("beside", "held"),
    [
        ([], {"a:2", "a:3"}),
        ([at(9, stage="analysis", attempts=3, claimed_by=WORKER)], {"a:1", "a:2", "a:3"}),
        ([at(9, stage="analysis", attempts=2)], {"a:1", "a:2", "a:3"}),
        ([at(9, stage="analysis", attempts=2, sent_ago=None)], {"a:2", "a:3"}),
        ([at(9, stage="stt", attempts=3, claimed_by=WORKER)], {"a:2", "a:3"}),
        ([at(9, stage="analysis", attempts=1, claimed_by=WORKER)], {"a:2", "a:3"}),
        ([orphan(9, attempts=3)], {"a:2", "a:3"}),
    ],
    ids=["alone", "one is tried", "one waits", "one was given back", "other stage", "a first attempt", "one is lost"],
)
def test_last_attempts_go_one_at_a_time(beside: list[Entry], held: set[str]) -> None:
    assert held_back([*beside, *(orphan(segment, attempts=2) for segment in (1, 2, 3))], {WORKER}) == held


def test_first_attempts_are_not_held_back() -> None:
    """A worker that is killed once delays nothing."""
    assert held_back([orphan(segment, attempts=1) for segment in range(16)], set()) == set()


def test_a_file_holds_back_no_talker() -> None:
    """A last attempt of an utterance that is ahead waits in a lane of its own, perhaps for long."""
    waiting = at(9, stage="analysis", attempts=2)
    assert waiting.job is not None
    ahead = replace(waiting, job=waiting.job.model_copy(update={"ahead": True}))
    assert held_back([ahead, orphan(1, attempts=2)], set()) == set()


def ahead(segment: int, *, aged_ago: float | None = None, **fields: Any) -> Entry:
    found = at(segment, **({"age": AGED_S + 1, "sent_ago": AGED_S} | fields))
    assert found.job is not None
    aged_at = 0.0 if aged_ago is None else NOW - aged_ago
    return replace(found, job=found.job.model_copy(update={"ahead": True}), aged_at=aged_at)


@pytest.mark.parametrize(
    ("entries", "chosen"),
    [
        ([ahead(1), ahead(2)], "a:1"),
        ([ahead(1, aged_ago=2, claimed_by=WORKER), ahead(2)], "a:2"),
        ([ahead(1, aged_ago=2), ahead(2)], None),
        ([ahead(1), ahead(2, aged_ago=2)], None),
        ([ahead(1, aged_ago=AGED_LOST_S + 1), ahead(2)], "a:1"),
        ([ahead(1, aged_ago=20, sent_ago=10), ahead(2)], "a:1"),
        ([ahead(1, aged_ago=-5), ahead(2)], "a:1"),
        ([at(0, age=AGED_S + 1), ahead(1)], "a:1"),
        ([ahead(1, claimed_by=WORKER), ahead(2)], "a:2"),
        ([ahead(1, sent_ago=None), ahead(2)], "a:2"),
        ([ahead(1, stage="analysis"), ahead(2, stage="done"), ahead(3)], "a:3"),
        ([ahead(1, attempts=1)], "a:1"),
        ([ahead(1, age=AGED_S - 1)], None),
        ([replace(ahead(1), job=None)], None),
        ([], None),
    ],
    ids=[
        *["oldest", "next", "under way", "another under way", "copy lost", "sent again since", "clock set back"],
        *["live", "claimed", "resent", "stage", "retried", "young", "unreadable", "empty"],
    ],
)
def test_oldest_utterance_of_a_file_that_waits_too_long_is_aged(entries: list[Entry], chosen: str | None) -> None:
    found = to_age(entries, NOW)
    assert (found and found.member) == chosen


def test_a_ledger_full_of_files_is_aged_before_its_audio_expires() -> None:
    """One a second, of those that may fill half of it."""
    assert AGED_S + MAX_PENDING / 2 * PERIOD_S < AUDIO_TTL_S
