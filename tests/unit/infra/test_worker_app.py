"""Celery's default pool is refused: its processes have none of the threads that serve the model."""

from types import SimpleNamespace

import pytest
from celery.concurrency.prefork import TaskPool as Prefork
from celery.concurrency.solo import TaskPool as Solo
from celery.concurrency.thread import TaskPool as Threads
from structlog.testing import capture_logs

from infra.worker_app import refuse_forks


@pytest.mark.parametrize("pool", [Prefork, "prefork", "celery.concurrency.prefork"])
def test_a_pool_of_processes_is_refused(pool: object) -> None:
    with capture_logs() as logs, pytest.raises(SystemExit) as end:
        refuse_forks(SimpleNamespace(pool_cls=pool))
    assert end.value.code == 2
    assert "--pool=threads" in logs[0]["remedy"]


@pytest.mark.parametrize("pool", [Solo, Threads, "solo", "threads"])
def test_other_pools_are_taken(pool: object) -> None:
    refuse_forks(SimpleNamespace(pool_cls=pool))
