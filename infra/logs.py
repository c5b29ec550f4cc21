"""Configures logs: one event per line on stdout, as JSON except on a terminal. Never text or audio."""

import logging
import sys
from typing import Any

import stamina.instrumentation
import structlog

from infra.settings import WireSettings

_WARNINGS_ONLY = (
    "kombu",
    "amqp",
    "asyncio",
    "httpx",
    "urllib3",
    "celery.worker.strategy",
    "celery.app.trace",
    "uvicorn.access",
    "uvicorn.error",
)


def configure_logs(settings: WireSettings, service: str) -> None:
    """Route structlog and the standard library's logging through one formatter. Called once per process."""
    level = getattr(logging, settings.log_level.upper())
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stdout.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if not console else "%H:%M:%S", utc=not console),
        *([] if console else [_add_service(service)]),
    ]
    renderer: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    handler.addFilter(_hide_bodies)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    stamina.instrumentation.set_on_retry_hooks([])  # callers log what failed, at most once per outage
    for name in _WARNINGS_ONLY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _hide_bodies(record: logging.LogRecord) -> bool:
    """Remove message bodies, which may hold a transcript: Celery logs the whole body of an unreadable message."""
    if record.name == "celery.worker.consumer.consumer" and "body" in str(record.msg):
        record.msg, record.args, record.exc_info = "unreadable message dropped", (), None
    return True


def _add_service(service: str) -> Any:
    """Return a structlog processor that adds the field ``service``."""

    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = service
        return event

    return add
