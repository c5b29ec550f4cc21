"""Logs are one JSON object per line, on stdout, without any transcript."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.celery_app import send_job

ROOT = Path(__file__).parents[3]
SECRET = "only between the two of us"

PROLOGUE = """
import logging
import structlog
from infra.logs import configure_logs
from infra.settings import WireSettings
configure_logs(WireSettings(LOG_LEVEL="info"), "stt_worker")
log = structlog.get_logger()
"""


def run(program: str, env: dict[str, str] | None = None) -> str:
    """Return the output of a process with configured logs; logging is global, so it needs a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROLOGUE + program],
        cwd=ROOT,
        env={"PATH": "", **(env or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def lines(program: str, env: dict[str, str] | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(program, env).splitlines()]


def test_an_event_is_one_json_line() -> None:
    """The line has the time, the service, the level and the fields of the event."""
    (event,) = lines("log.info('final', session='abc', segment=3, stt_ms=412)")
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "final",
        "level": "info",
        "service": "stt_worker",
        "session": "abc",
        "segment": 3,
        "stt_ms": 412,
    }


def test_other_libraries_write_the_same_way() -> None:
    """Celery's or uvicorn's lines are JSON too, with their arguments filled in."""
    (event,) = lines("logging.getLogger('celery.worker').warning('lost %s', 'redis')")
    assert (event["event"], event["level"], event["service"]) == ("lost redis", "warning", "stt_worker")


def test_a_traceback_stays_in_its_line() -> None:
    """An exception is a field, not twenty lines that no log reader can put together."""
    (event,) = lines("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('utterance failed')")
    assert "ZeroDivisionError" in event["exception"]
    assert event["level"] == "error"


def test_what_is_below_the_level_is_not_written() -> None:
    """Neither ours nor a library's; health checks and task arguments of chatty libraries are muted at info."""
    assert run("log.debug('x'); logging.getLogger('some').debug('x')") == ""
    for name in ("celery.worker.strategy", "uvicorn.access", "httpx", "kombu"):
        assert run(f"logging.getLogger({name!r}).info('Task received')") == ""


def test_console_writes_for_people() -> None:
    """With LOG_FORMAT=console the line is no JSON."""
    written = run("configure_logs(WireSettings(LOG_FORMAT='console'), 'stt_worker'); log.info('model loaded')")
    assert "model loaded" in written
    assert not written.startswith("{")


def test_refused_messages_do_not_show_what_was_said() -> None:
    """A message that cannot be read is logged, with a traceback, without its text."""
    program = """
import os
from wire.messages.results import segment_end
try:
    segment_end.validate_json(os.environ["MESSAGE"])
except ValueError:
    log.exception("unreadable message")
"""
    message = {"type": "final", "text": [SECRET], "extra": SECRET}
    (event,) = lines(program, {"MESSAGE": json.dumps(message)})  # the traceback may show the program's own lines
    assert "ValidationError" in event["exception"]
    assert SECRET not in json.dumps(event)


def test_jobs_on_the_queue_hide_their_text_from_celerys_logs() -> None:
    """Celery logs the representation of a task's arguments: it names the utterance only."""
    from tests.support.speakers import text_job

    sent: dict[str, Any] = {}

    class Celery:
        conf = SimpleNamespace(broker_url="redis://redis")

        def send_task(self, task: str, **options: Any) -> None:
            sent.update(options, task=task)

    send_job(Celery(), text_job(3, text=SECRET))
    assert sent["task"] == "analyzer_worker.analyze_text"
    assert SECRET in json.dumps(sent["kwargs"])
    assert SECRET not in sent["argsrepr"] + sent["kwargsrepr"]


def test_a_message_that_celery_cannot_read_is_not_written_out() -> None:
    """Celery's own lines would hold the whole body."""
    (unknown, broken) = lines(
        "from celery.worker.consumer import consumer\n"
        f"consumer.logger.error(consumer.UNKNOWN_TASK_ERROR, 'x', '{SECRET}', {{}}, {{}}, '{SECRET}')\n"
        f"consumer.logger.critical(consumer.MESSAGE_DECODE_ERROR, 'x', 'json', 'utf-8', {{}}, '{SECRET}')\n"
    )
    for line in (unknown, broken):
        assert SECRET not in str(line)
        assert line["event"] == "unreadable message dropped"


FAILURES = {
    "own": "log.exception('utterance failed')",
    "of a library": "logging.getLogger('celery.app').exception('task failed')",
    "as a value": "log.error('task failed', exc_info=error)",
    "in a group": "log.error('tasks failed', exc_info=ExceptionGroup('{SECRET}', [error]))",
    "of asyncio": "logging.getLogger('asyncio').error(f'Task failed {error!r}', exc_info=error)",
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_message_of_an_error_is_left_out(failure: str, log_format: str) -> None:
    """A library may repeat its input in it. Types, causes and places in the code stay."""
    program = f"""
import logging
def decode():
    raise ValueError("bad token in: {SECRET}")
try:
    try:
        decode()
    except ValueError as cause:
        raise KeyError("{SECRET}") from cause
except KeyError as error:
    error.__cause__.__cause__ = error  # a circle, as `raise error from error` makes
    {failure.replace("{SECRET}", SECRET)}
"""
    output = run(program, {"LOG_FORMAT": log_format})
    assert SECRET not in output
    assert all(word in output for word in ("failed", "ValueError", "KeyError", "in decode", "caused by"))
