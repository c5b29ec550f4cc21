"""Pure: decides when a job is sent again, when its utterance is given up, and when a result stops waiting."""

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from infra.ledger.entry import AUDIO_TTL_S, CLAIM_MAX_S, OUTSTANDING_S, Entry
from infra.ledger.ledger import MAX_ATTEMPTS

GRACE_S = 2.0
"""Age at which a job that is in no queue and not claimed counts as lost; an idle worker claims within milliseconds."""
OVERTAKEN_S = 10.0
"""A job counts as lost when one of its lane that was sent this much later was claimed before it: lanes are first in,
first out."""

Step: TypeAlias = Literal["wait", "resend", "fail", "unblock"]


def next_step(entry: Entry, *, now: float, claimant_alive: bool, queue_empty: bool, high_water: float) -> Step:
    """Decide about one outstanding utterance (pure). Times are Unix seconds of Redis's clock.

    Args:
        entry: the utterance.
        now: the present.
        claimant_alive: whether the worker that claimed it has a heartbeat.
        queue_empty: whether the queue of its lane is empty.
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
