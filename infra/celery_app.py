"""Makes the Celery applications and sends jobs: JSON only, explicit queues, late acknowledgement, no result backend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from infra.redis_url import broker_url, is_amqp
from wire import names
from wire.messages.jobs import AnalyzeText, TranscribeAudio, TranscribePartial

VISIBILITY_TIMEOUT_S = 120
"""Seconds after which kombu delivers an unacknowledged task again. Only a second net: the sweeper is quicker."""
KOMBU_PRIORITY_STEPS = (0, 3, 6, 9)
KOMBU_PRIORITY_SEPARATOR = "\x06\x16"

LIVE, AHEAD = 0, 9
"""Priorities of the ledger's jobs, by the class of their session; a lower number is more urgent. A session that sends
faster than real time, such as a file, waits behind all that talk, and behind their interim texts."""
PRIORITIES = {"interim": 6, "final": 3}
"""Purpose of a partial → its priority, between those two."""
AGED = PRIORITIES["interim"]
"""Priority of an utterance that was ahead and has waited for so long that it takes turns with interim texts. It is no
more urgent than they are, so it preempts none that has begun."""
STALE_S = 1.0
"""Seconds after which a partial that no worker has started is dropped. Redis counts them, by the life of its audio:
Celery's own expiry compares the clocks of two hosts."""
PARTIAL_AUDIO_TTL_S = 10
"""Life of a partial's audio. Longer than ``STALE_S``: while it is there, the gateway sees that no worker has begun."""

REACH_S = 2
"""Seconds that the broker may take to answer, when it is looked at."""

_ROUTES: dict[type, tuple[str, str]] = {
    TranscribeAudio: (names.TRANSCRIBE_AUDIO, names.STT_QUEUE),
    TranscribePartial: (names.TRANSCRIBE_PARTIAL, names.STT_QUEUE),
    AnalyzeText: (names.ANALYZE_TEXT, names.ANALYZER_QUEUE),
}


def make_celery(name: str, url: str, queue: str | None = None) -> Celery:
    """Return a Celery application.

    Args:
        name: of the service.
        url: as in ``BROKER_URL``.
        queue: consumed by its worker; None is for processes that only send.
    """
    celery = Celery(name, broker=broker_url(url), set_as_current=False)
    queues = [queue] if queue else [names.STT_QUEUE, names.ANALYZER_QUEUE]
    make_queue, options = (_quorum_queue, _amqp_options(sends_only=queue is None)) if is_amqp(url) else (Queue, _REDIS)
    celery.conf.update(
        task_queues=[make_queue(name) for name in queues],
        task_default_queue=queues[0],  # nothing relies on it: every task names its queue
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_publish_retry=False,  # callers decide how long to try
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,  # a busy solo worker does not answer it: heartbeats do
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        **options,
    )
    return celery


_REDIS: dict[str, Any] = {
    "broker_transport_options": {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "priority_steps": list(KOMBU_PRIORITY_STEPS),
        "sep": KOMBU_PRIORITY_SEPARATOR,
        "queue_order_strategy": "priority",
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
    }
}


def _amqp_options(*, sends_only: bool) -> dict[str, Any]:
    """Return the settings for RabbitMQ, of a process that sends or of a worker."""
    transport: dict[str, Any] = {"confirm_publish": True, "connect_timeout": REACH_S, "write_timeout": 5}
    if sends_only:
        transport["read_timeout"] = 5  # of a confirmation; a worker reads for as long as nothing comes
    return {
        "task_default_queue_type": "quorum",
        "worker_detect_quorum_queues": True,  # Celery counts what a worker has taken by consumer then
        "broker_native_delayed_delivery_queue_type": "quorum",
        "broker_heartbeat": 0,  # a busy solo worker sends none, nor does a sender between two jobs
        "broker_transport_options": transport,
    }


def _quorum_queue(name: str) -> Queue:
    """Return a queue that survives each restart of RabbitMQ, with an exchange of its own."""
    exchange = Exchange(name, type="topic")  # Celery sends retries by it, which takes a topic
    return Queue(name, exchange, routing_key=name, queue_arguments={"x-queue-type": "quorum"})


def queue_depth(celery: Celery, queue: str) -> int:
    """Return the number of tasks that wait in a queue, of all priorities, as the broker counts them.

    Raises:
        kombu.exceptions.OperationalError: the broker is unavailable.
    """
    with connected(celery) as connection:
        # RabbitMQ closes the channel if there is no such queue; at Redis a channel costs a connection of its own
        channel = connection.channel() if _is_amqp(celery) else connection.default_channel
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:  # there is no such queue yet
            return 0
        finally:
            if _is_amqp(celery):
                channel.close()


@contextmanager
def connected(celery: Celery) -> Iterator[Connection]:
    """Hold a connection of the pool. One that breaks inside is not used again.

    Raises:
        kombu.exceptions.OperationalError: the broker is unavailable, or became so inside.
    """
    with celery.connection_or_acquire() as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=REACH_S)
            yield connection
        except (*connection.connection_errors, OSError) as error:
            connection.collect()
            raise OperationalError(type(error).__name__) from error


def reach_broker(celery: Celery) -> None:
    """Connect to the broker once.

    Raises:
        kombu.exceptions.OperationalError: it does not answer within seconds.
    """
    with celery.connection_for_write(connect_timeout=REACH_S) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=REACH_S)


def send_job(celery: Celery, job: TranscribeAudio | AnalyzeText | TranscribePartial, step: int | None = None) -> None:
    """Put a job on its queue. Blocks for a few milliseconds, at most the socket time-out.

    Args:
        celery: any application of :func:`make_celery`.
        job: of any kind.
        step: priority in the queue, if it is not the job's own.

    Raises:
        kombu.exceptions.OperationalError: Redis is unavailable. A job of the ledger is not lost: the sweeper sends it.
    """
    task, queue = _ROUTES[type(job)]
    celery.send_task(
        task,
        kwargs={"job": job.model_dump(mode="json")},
        queue=_quorum_queue(queue) if _is_amqp(celery) else queue,
        priority=_message_priority(celery, priority(job) if step is None else step),
        argsrepr="()",
        kwargsrepr=f"<{job.session_id}:{job.segment}>",  # never the text, which Celery would log
    )


def _message_priority(celery: Celery, step: int) -> int:
    """Return the priority of a message: for RabbitMQ a higher number is more urgent, and from 5 on it is high."""
    return max(KOMBU_PRIORITY_STEPS) - step if _is_amqp(celery) else step


def _is_amqp(celery: Celery) -> bool:
    return is_amqp(str(celery.conf.broker_url))


def priority(job: TranscribeAudio | AnalyzeText | TranscribePartial) -> int:
    """Return a job's priority in its queue and inside a worker; 0 is the most urgent."""
    if isinstance(job, TranscribePartial):
        return PRIORITIES[job.purpose]
    return AHEAD if job.ahead else LIVE


def queue_key(queue: str, step: int) -> str:
    """Return the Redis list of a queue's tasks of one priority, which is first in, first out."""
    return f"{queue}{KOMBU_PRIORITY_SEPARATOR}{step}" if step else queue


def queue_keys(queue: str) -> list[str]:
    """Return the Redis lists that make up a queue, one per priority, the most urgent first."""
    return [queue_key(queue, step) for step in KOMBU_PRIORITY_STEPS]
