"""Removes the jobs of deleted sessions from the queues: an analysis has a text.

This alone looks into a queue. Redis' lists are those of kombu, which has no call for it; with RabbitMQ what is ready is
read and, but for those jobs, given back.
"""

import re
from collections.abc import Iterable
from typing import Protocol

import structlog
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu.transport.pyamqp import Transport

from infra.celery_app import connected, queue_keys
from infra.redis_client import Redis
from wire import names

QUEUES = (names.STT_QUEUE, names.ANALYZER_QUEUE)
BATCH = 500
"""Entries of a list that are read at once."""
MOST = 10_000
"""Jobs of a queue of RabbitMQ that are read."""
UNACKNOWLEDGED, UNACKNOWLEDGED_TIMES = "unacked", "unacked_index"
"""The tasks that workers have taken, as kombu keeps them in Redis, and the times at which they did."""
_ID = re.compile(r"[0-9a-f]{32}")

log = structlog.get_logger()


class QueuedJobs(Protocol):
    """The jobs at a broker."""

    def remove(self, sessions: set[str]) -> None:
        """Remove those of sessions. Best effort: a worker that gets one finds no entry in the ledger for it."""
        ...


class JobsAtRedis:
    """In lists, one for each priority, and in the hash of what workers have taken."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def remove(self, sessions: set[str]) -> None:
        """See ``QueuedJobs``. What is not acknowledged goes, too, so that it is not given back.

        Raises:
            redis.exceptions.RedisError: Redis is unavailable.
        """
        for queue in QUEUES:
            for key in queue_keys(queue):
                self._remove_waiting(key, sessions)
        taken = [tag for tag, job in self._redis.hgetall(UNACKNOWLEDGED).items() if is_of(job, sessions)]
        for tags in _batches(taken):
            self._redis.zrem(UNACKNOWLEDGED_TIMES, *tags)
            self._redis.hdel(UNACKNOWLEDGED, *tags)

    def _remove_waiting(self, key: str, sessions: set[str]) -> None:
        """Remove jobs from a list. Their headers name session and segment (``infra.celery_app.send_job``)."""
        pages = range(0, self._redis.llen(key), BATCH)  # all are read first: a removal moves those behind
        found = [
            job for page in pages for job in self._redis.lrange(key, page, page + BATCH - 1) if is_of(job, sessions)
        ]
        for job in found:
            self._redis.lrem(key, 1, job)


class JobsAtRabbitMq:
    """In quorum queues, where a job that is not acknowledged comes back to its place."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def remove(self, sessions: set[str]) -> None:
        """See ``QueuedJobs``. While RabbitMQ is away nothing is removed; workers drop those jobs."""
        try:
            with connected(self._celery) as connection:
                for queue in QUEUES:
                    with connection.channel() as channel:  # its end gives back what is not acknowledged
                        self._remove_ready(Queue(queue, channel=channel), sessions)
        except (OperationalError, *Transport.channel_errors) as error:
            log.warning("jobs of deleted conversations not removed", error=type(error).__name__)

    def _remove_ready(self, queue: Queue, sessions: set[str]) -> None:
        for _ in range(MOST):
            message = queue.get()
            if message is None:
                return
            if is_of(str(message.headers.get("kwargsrepr")), sessions):
                message.ack()


def is_of(text: str, sessions: set[str]) -> bool:
    """Return True if a text has the id of one of the sessions in it."""
    return not sessions.isdisjoint(_ID.findall(text))


def _batches(items: list[str]) -> Iterable[list[str]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
