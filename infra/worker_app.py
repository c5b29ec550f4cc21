"""Connects a worker to the Celery process that it runs in: logs and model at its start, heartbeat at its end."""

from collections.abc import Callable
from typing import Any

import structlog
from celery.signals import setup_logging, worker_init, worker_shutdown

from infra.logs import configure_logs
from infra.settings import WireSettings
from infra.worker import M, Worker

log = structlog.get_logger()


def connect_signals(worker: Worker[M], settings: WireSettings, service: str, load: Callable[[], M]) -> None:
    """Start ``worker`` when Celery's worker process starts, and stop it when that ends.

    Only ``celery worker`` sends these signals: importing the app loads no model.
    """

    def start(sender: Any = None, **_: Any) -> None:
        configure_logs(settings, service)
        refuse_forks(sender)
        worker.start(load)

    def stop(**_: Any) -> None:
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
