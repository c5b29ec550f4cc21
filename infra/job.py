"""Reads the job of a Celery task, which a service of a newer version may have sent."""

from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from wire.messages.base import Message

J = TypeVar("J", bound=Message)

log = structlog.get_logger()


def read_job(kind: type[J], job: dict[str, Any]) -> J | None:
    """Parse a job; None if it cannot be read.

    The task then ends without a claim, and the sweeper sends a final job again until a newer worker takes it or the
    utterance is too old (see docs/adr/0009).
    """
    try:
        return kind.model_validate(job)
    except ValidationError as error:
        log.warning("job left to a newer worker", reason="unreadable", kind=kind.__name__, problems=error.error_count())
        return None
