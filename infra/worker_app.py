"""Connects a worker to the Celery process that it runs in: logs and model at its start, heartbeat at its end."""

from collections.abc import Callable
from typing import Any, Protocol

import structlog
from celery.signals import setup_logging, worker_init, worker_shutdown

from infra.logs import configure_logs
from infra.settings import WireSettings
from infra.worker import M, Worker

log = structlog.get_logger()


class Companion(Protocol):
    """Work beside Celery's tasks."""

    def start(self) -> None:
        """Begin; the model is loaded."""
        ...

    def stop(self) -> None:
        """Begin nothing more."""
        ...


def connect_signals(
    worker: Worker[M], settings: WireSettings, service: str, load: Callable[[], M], companion: Companion | None = None
) -> None:
    """Start ``worker`` when Celery's worker process starts, and stop it when that ends.

    Only ``celery worker`` sends these signals: importing the app loads no model.

    Args:
        worker: of the process.
        settings: for the logs.
        service: for the logs.
        load: returns the model.
        companion: is started after the worker, and stopped before it.
    """

    def start(sender: Any = None, **_: Any) -> None:
        configure_logs(settings, service)
        refuse_forks(sender)
        worker.start(load)
        if companion is not None:
            companion.start()

    def stop(**_: Any) -> None:
        if companion is not None:
            companion.stop()
        worker.stop()

    setup_logging.connect(_leave_logs_alone)
    worker_init.connect(start, weak=False)
    worker_shutdown.connect(stop, weak=False)


def refuse_forks(celery_worker: Any) -> None:
    """End a worker whose pool makes processes: they would have the model, but none of the threads that serve it.

    Raises:
        SystemExit: the pool is Celery's default, prefork.
    """
    pool = getattr(celery_worker, "pool_cls", None)  # its name, or the class
    if str(getattr(pool, "__module__", pool)).endswith("prefork"):
        log.critical("pool refused", pool="prefork", remedy="start Celery with --pool=solo or --pool=threads")
        raise SystemExit(2)


def _leave_logs_alone(**_: Any) -> None:
    """Keep Celery from configuring logging: it does so unless this signal has a receiver."""
