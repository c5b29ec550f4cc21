"""The JSON of a client's frames."""

from typing import Any

import pydantic_core

from fastapi_service.delivery.frames import Frame
from fastapi_service.errors import realtime as errors

LARGE, MOST_PARTS = 262_144, 1_000
"""Characters from which on an event may have no more than so many lists, objects or members: audio has none, and twenty
megabytes of empty lists take seconds to read, and half a gigabyte."""


def parsed(frame: Frame) -> dict[str, Any]:
    """Return the event in a frame.

    Raises:
        EventError: there is none, or a large one has more than its audio.
    """
    if isinstance(frame, str) and len(frame) > LARGE and any(frame.count(sign) > MOST_PARTS for sign in ",[{"):
        raise errors.too_many_parts(MOST_PARTS)
    try:
        event = pydantic_core.from_json(frame) if isinstance(frame, str) else None
    except ValueError as invalid:
        raise errors.no_event() from invalid
    if not isinstance(event, dict):
        raise errors.no_event()
    return event
