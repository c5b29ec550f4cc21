"""Removes what is left of deleted conversations: their keys, jobs in the queues, and entries of the streams."""

import json
from collections.abc import Iterable

import structlog

from infra.ledger.entry import CLAIM_MAX_S
from infra.redis_client import Redis
from infra.results import FIELD
from listener_service.queued_jobs import JobsAtRedis, QueuedJobs, is_of
from listener_service.scratch_leftovers import ScratchLeftovers
from wire import names

SETTLED_S = CLAIM_MAX_S
"""Seconds after a deletion at which no worker is at work on it: then what they have left goes, too."""
BATCH = 500
"""Entries of a list or a stream that are read at once."""
SCANNED = 1_000
"""Names of keys that Redis looks at for one answer."""
log = structlog.get_logger()


class Leftovers:
    """Goes through the audiences that are marked as deleted, of several listeners in the one that sweeps.

    Nothing of them can be read by then, and the marks of their sessions keep all services from writing more, but for
    the queues: a job that is being sent gets there. So each audience is gone through twice, at once and when its jobs
    are over.
    """

    def __init__(self, redis: Redis, scratch: ScratchLeftovers | None = None, jobs: QueuedJobs | None = None) -> None:
        """Begin with nothing seen.

        Args:
            redis: of the sessions.
            scratch: of another server for what need not survive; None: that is the same one.
            jobs: in the queues; None: those are in the same Redis.
        """
        self._redis = redis
        self._scratch = scratch
        self._jobs = jobs or JobsAtRedis(redis)
        self._seen: dict[str, float] = {}
        """Audiences that were gone through once, and the times of their deletion; a room may be deleted again."""

    def remove(self) -> bool:
        """Remove what is left; return True if there was a deletion to go through. Safe to repeat and to interrupt."""
        if self._scratch is not None:
            self._scratch.remove()  # what an outage has left
        deleted = self._redis.zrange(names.DELETING, 0, -1, withscores=True)
        if not deleted:
            self._seen.clear()
            return False
        seconds, microseconds = self._redis.time()
        now = seconds + microseconds / 1e6
        settled = {
            audience for audience, at in deleted if not 0 <= now - at <= SETTLED_S
        }  # also a clock that is set back
        due = {audience: at for audience, at in deleted if audience in settled or self._seen.get(audience) != at}
        if not due:
            return False
        self._remove(due)
        self._seen |= due
        if settled:
            self._redis.zrem(names.DELETING, *settled)
        log.info("deleted conversations removed", audiences=len(due), settled=len(settled))
        return True

    def _remove(self, due: dict[str, float]) -> None:
        """Remove audiences; each has the time of its deletion, in Unix seconds."""
        sessions = {audience.partition(":")[2] for audience in due if audience.startswith("session:")}
        rooms = {
            f'"audience":{json.dumps(audience)}': at for audience, at in due.items() if audience.startswith("room:")
        }
        self._remove_keys(sessions)
        if self._scratch is not None:
            self._scratch.add(sessions)
            self._scratch.remove()
        self._remove_members(sessions)
        self._jobs.remove(sessions)
        for channel in (names.RESULT_CHANNEL, names.RESULT_MESSAGES, names.FINAL_STATS):
            self._remove_entries(names.stream(channel), sessions, rooms)

    def _remove_keys(self, sessions: set[str]) -> None:
        """Remove all keys with the id of a session in their names, but its mark, which expires."""
        kept = names.deleted("")
        scanned = self._redis.scan_iter(names.PATTERN, count=SCANNED)
        found = [key for key in scanned if is_of(key, sessions) and not key.startswith(kept)]
        for keys in _batches(found):
            self._redis.unlink(*keys)

    def _remove_members(self, sessions: set[str]) -> None:
        members = [member for member in self._redis.zrange(names.PENDING, 0, -1) if is_of(member, sessions)]
        for some in _batches(members):
            self._redis.zrem(names.PENDING, *some)
        if sessions:
            self._redis.zrem(names.INTERIMS, *sessions)

    def _remove_entries(self, stream: str, sessions: set[str], rooms: dict[str, float]) -> None:
        """Remove entries of sessions from a stream, and those of rooms that are older than the rooms' deletion.

        Args:
            stream: its name.
            sessions: their ids.
            rooms: the part of an envelope that names a room, and the time of its deletion in Unix seconds.
        """
        last = "-"
        while entries := self._redis.xrange(stream, last, count=BATCH):
            found = [
                entry
                for entry, fields in entries
                if is_of(data := fields.get(FIELD, ""), sessions)
                or any(part in data and int(entry.partition("-")[0]) <= at * 1000 for part, at in rooms.items())
            ]
            if found and stream == names.stream(names.RESULT_CHANNEL):
                self._redis.xack(stream, names.LISTENER_GROUP, *found)
            if found:
                self._redis.xdel(stream, *found)
            last = f"({entries[-1][0]}"


def _batches(items: list[str]) -> Iterable[list[str]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
