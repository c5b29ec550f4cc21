"""Pure: decides when a job is sent again, when its utterance is given up, and when a result stops waiting."""

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from infra.ledger.entry import AUDIO_TTL_S, CLAIM_MAX_S, OUTSTANDING_S, Entry, Stage
from infra.ledger.ledger import MAX_ATTEMPTS

GRACE_S = 2.0
"""Age at which a job that is in no queue and not claimed counts as lost; an idle worker claims within milliseconds."""
OVERTAKEN_S = 10.0
"""A job counts as lost when one of its lane that was sent this much later was claimed before it: lanes are first in,
first out."""

AGED_S = 600.0
"""Seconds after which an utterance that is ahead takes turns with interim texts. One does at a time, and one a second
at most: where workers take one in each second, those of a ledger that is half full of them, which is as full as they
make it, have all gone when their audio expires (docs/adr/0012)."""
AGED_LOST_S = 30.0
"""Seconds after which a copy that takes turns with interim texts, and that no worker has claimed, is sent again."""

Step: TypeAlias = Literal["wait", "resend", "fail", "unblock"]


def next_step(entry: Entry, *, now: float, claimant_alive: bool, queue_empty: bool, high_water: float) -> Step:
    """Decide about one outstanding utterance (pure). Times are Unix seconds of Redis's clock.

    Args:
        entry: the utterance.
        now: the present.
        claimant_alive: whether the worker that claimed it has a heartbeat.
        queue_empty: whether its job is in no queue; see ``missing``.
        high_water: when the latest job that any worker has claimed in this lane was sent. It is ignored when it lies
            in the future, because the clock was set back.

    Returns:
        ``wait``, ``resend`` the job, ``fail`` the utterance, or ``unblock`` its result, which waits for an earlier
        segment that will never come.
    """
    if entry.stage == "done":  # its result waits for an earlier segment
        return "unblock" if now - entry.admitted_at > OUTSTANDING_S else "wait"
    if entry.claimed_by and claimant_alive and now - entry.claimed_at < CLAIM_MAX_S:
        return "wait"
    if entry.attempts >= MAX_ATTEMPTS or now - entry.admitted_at > AUDIO_TTL_S:
        return "fail"
    sent_at = float(entry.sent_at)
    if entry.claimed_by or sent_at == 0:
        return "resend"
    overtaken = high_water - sent_at > OVERTAKEN_S and high_water <= now
    if now - sent_at > GRACE_S and (queue_empty or overtaken):
        return "resend"
    return "wait"


def missing(entries: Sequence[Entry], stage: Stage, depth: int, now: float) -> set[str]:
    """Return the members whose jobs the queue of a stage lacks, if it has fewer tasks than jobs wait for it (pure).

    The queue does not say which, so it is those that have waited since they were sent for longest, live ones first. A
    copy of one that is there is harmless, and the next sweep finds the others.

    Args:
        entries: the outstanding utterances.
        stage: of the jobs.
        depth: tasks in the queue.
        now: the present, in Unix seconds of Redis's clock.
    """
    waiting = [entry for entry in entries if entry.stage == stage and _waits(entry)]
    late = [entry for entry in waiting if now - float(entry.sent_at) > GRACE_S]
    late.sort(key=lambda entry: (entry.lane != stage, float(entry.sent_at)))
    return {entry.member for entry in late[: max(0, len(waiting) - depth)]}


def _waits(entry: Entry) -> bool:
    return entry.claimed_by is None and float(entry.sent_at) > 0


def to_age(entries: Sequence[Entry], now: float) -> Entry | None:
    """Return the oldest utterance that has waited too long behind interim texts (pure); None if there is none.

    Nor is there one while a copy of another waits for a worker: one at a time takes turns with what people wait for.
    Only speech-to-text workers make interim texts. A job that is claimed, or is sent again at once, does not wait.

    Args:
        entries: the outstanding utterances, the oldest first.
        now: the present, in Unix seconds of Redis's clock.
    """
    waiting = [entry for entry in entries if _waits_behind_interims(entry)]
    if any(float(entry.sent_at) <= entry.aged_at and 0 <= now - entry.aged_at <= AGED_LOST_S for entry in waiting):
        return None
    return next((entry for entry in waiting if now - entry.admitted_at > AGED_S), None)


def _waits_behind_interims(entry: Entry) -> bool:
    is_ahead = entry.stage == "stt" and entry.job is not None and entry.job.ahead
    return is_ahead and entry.claimed_by is None and float(entry.sent_at) > 0


def held_back(entries: Sequence[Entry], alive: Collection[str]) -> set[str]:
    """Return the members that are not sent again yet (pure): last attempts go one at a time in each lane.

    A worker with several threads has several claims, and all lose an attempt when one of its utterances ends it. The
    one that ends every worker is alone among those with one attempt left, so that the others get through theirs.

    Args:
        entries: the outstanding utterances, the oldest first.
        alive: heartbeat keys of the workers that live.
    """
    held: set[str] = set()
    for lane in {entry.lane for entry in entries}:
        last = [entry for entry in entries if entry.lane == lane and entry.attempts >= MAX_ATTEMPTS - 1]
        tried = any(entry.claimed_by in alive if entry.claimed_by else float(entry.sent_at) > 0 for entry in last)
        orphans = [
            entry.member
            for entry in last
            if entry.attempts == MAX_ATTEMPTS - 1 and entry.claimed_by and entry.claimed_by not in alive
        ]
        held.update(orphans if tried else orphans[1:])
    return held
