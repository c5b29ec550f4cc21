"""Looks at the broker and at the scratch Redis, where they are not the Redis of ``REDIS_URL``."""

import asyncio
from contextlib import closing

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from fastapi_service.monitoring.readiness import Check
from infra.celery_app import queue_depth, reach_broker
from infra.redis_check import PERIOD_S, TIMEOUT_S, find_problem
from infra.redis_client import connect
from infra.redis_url import is_amqp, without_secrets
from infra.settings import WireSettings
from wire.errors import StoreError

log = structlog.get_logger()


class OtherAddresses:
    """The state of ``BROKER_URL`` and ``SCRATCH_REDIS_URL`` at the last look."""

    def __init__(self, settings: WireSettings, celery: Celery) -> None:
        """Look at nothing yet: until then nothing is wrong.

        Args:
            settings: have the addresses.
            celery: sends to the broker.
        """
        self._celery = celery
        self._broker_url = settings.broker_url if settings.broker_url != settings.redis_url else None
        self._scratch_url = settings.scratch_redis_url if settings.scratch_redis_url != settings.redis_url else None
        self._broker: str | None = None
        self._scratch: str | None = None

    @property
    def broker(self) -> Check | None:
        """The check of the broker; None if that is the Redis of ``REDIS_URL``. Its reason has no address."""
        return None if self._broker_url is None else Check(ready=self._broker is None, reason=self._broker)

    def queue_depth(self, queue: str) -> int:
        """Return the number of tasks that wait in a queue; blocks.

        Raises:
            kombu.exceptions.OperationalError: the broker is unavailable.
        """
        return queue_depth(self._celery, queue)

    @property
    def warnings(self) -> list[str]:
        """Consequences of a scratch Redis that is away, for people, without an address; finals go on."""
        return [] if self._scratch is None else [f"{self._scratch} There are no interim texts, and finals come later."]

    async def watch(self) -> None:
        """Look now and every ``PERIOD_S``, and log each change. Runs until cancelled."""
        while True:
            self._broker, self._scratch = await asyncio.gather(
                asyncio.to_thread(self._look_at_broker), asyncio.to_thread(self._look_at_scratch)
            )
            await asyncio.sleep(PERIOD_S)

    def _look_at_broker(self) -> str | None:
        if self._broker_url is None:
            return None
        if not is_amqp(self._broker_url):
            return self._look_at_redis(self._broker_url, "BROKER_URL", self._broker)
        found = None
        try:
            reach_broker(self._celery)
        except OperationalError as error:
            kind = type(error.__cause__ or error).__name__
            found = f"The broker does not answer ({kind}). Start it or correct BROKER_URL."
        _log("BROKER_URL", self._broker_url, self._broker, found)
        return found

    def _look_at_scratch(self) -> str | None:
        if self._scratch_url is None:
            return None
        return self._look_at_redis(self._scratch_url, "SCRATCH_REDIS_URL", self._scratch)

    def _look_at_redis(self, url: str, setting: str, before: str | None) -> str | None:
        with closing(connect(url, timeout_s=TIMEOUT_S, retries=0)) as redis:
            found = _public(find_problem(redis, url), setting)
        _log(setting, url, before, found)
        return found


def _public(problem: StoreError | None, setting: str) -> str | None:
    """Return a problem for any client, with the setting that has the address."""
    if problem is None:
        return None
    kind = "broker" if setting == "BROKER_URL" else "scratch Redis"
    return problem.public.replace("REDIS_URL", setting).replace("Redis", f"The {kind}", 1)


def _log(setting: str, url: str, before: str | None, found: str | None) -> None:
    if found is not None and found != before:
        log.warning("address unavailable", setting=setting, place=without_secrets(url), reason=found)
    elif found is None and before is not None:
        log.info("address available", setting=setting)
