"""Connects a worker to the Celery process that it runs in: logs and model at its start, heartbeat at its end."""

from collections.abc import Callable
from typing import Any

from celery.signals import setup_logging, worker_init, worker_shutdown

from infra.logs import configure_logs
from infra.settings import WireSettings
from infra.worker import M, Worker


def connect_signals(worker: Worker[M], settings: WireSettings, service: str, load: Callable[[], M]) -> None:
    """Start ``worker`` when Celery's worker process starts, and stop it when that ends.

    Only ``celery worker`` sends these signals: importing the app loads no model.
    """

    def start(**_: Any) -> None:
        configure_logs(settings, service)
        worker.start(load)

    def stop(**_: Any) -> None:
        worker.stop()

    setup_logging.connect(_leave_logs_alone)
    worker_init.connect(start, weak=False)
    worker_shutdown.connect(stop, weak=False)


def _leave_logs_alone(**_: Any) -> None:
    """Keep Celery from configuring logging: it does so unless this signal has a receiver."""
