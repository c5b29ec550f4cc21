"""Makes the Celery applications and sends jobs: JSON only, explicit queues, late acknowledgement, no result backend."""

from celery import Celery
from kombu.entity import Queue

from infra.redis_url import broker_url
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
    celery.conf.update(
        task_queues=[Queue(name) for name in queues],
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
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_S,
            "priority_steps": list(KOMBU_PRIORITY_STEPS),
            "sep": KOMBU_PRIORITY_SEPARATOR,
            "queue_order_strategy": "priority",
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
        },
    )
    return celery


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
        queue=queue,
        priority=priority(job) if step is None else step,
        argsrepr="()",
        kwargsrepr=f"<{job.session_id}:{job.segment}>",  # never the text, which Celery would log
    )


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
