"""Configures logs: one event per line on stdout, as JSON except on a terminal. Never text or audio."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
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
    on_terminal = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    renderer: Any = on_terminal if console else structlog.processors.JSONRenderer()
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
            processors=[_format_exception, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
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


def _format_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace ``exc_info`` by the types of the errors and their places in the code.

    Their messages are left out: a library may repeat its input in them, which is a transcript. Where a message is
    known to hold none, callers log it as a field of its own.
    """
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_places(error, set()))
        if getattr(event.get("_record"), "name", "") == "asyncio":
            event["event"] = "a task of asyncio failed"  # it writes the message into its event
    return event


def _places(error: BaseException, seen: set[int]) -> list[str]:
    """Return where an error, its cause, and the members of a group were raised, with their types."""
    if id(error) in seen:
        return []
    seen.add(id(error))
    found = "".join(traceback.format_tb(error.__traceback__)) or "(not raised)\n"
    lines = [f"{found}{type(error).__module__}.{type(error).__qualname__}"]
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for member in members:
        lines += ["one of the group", *_places(member, seen)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and (reasons := _places(cause, seen)):
        lines += ["caused by", *reasons]
    return lines


def _add_service(service: str) -> Any:
    """Return a structlog processor that adds the field ``service``."""

    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = service
        return event

    return add
