"""The answers of a route in OpenAPI, made from the errors that it raises, so that each has a true example."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi_service.api.problems import MEDIA_TYPE, Problem, status_of
from wire.errors import WireError

EXAMPLE_LINK = "mJb0xB3CmUQq2ZtQy1oVh9pXWkq6cV2rN4sD7tGfLzE"
"""Looks as the secret of a link, or a ticket."""
Answers = dict[int | str, dict[str, Any]]


def answers(*raised: WireError, **statuses: int) -> Answers:
    """Return the descriptions of answers by their status.

    Args:
        raised: errors that the route may raise.
        statuses: code → status, where the route answers with another one than the error has.
    """
    by_status: dict[int, list[WireError]] = {}
    for error in raised:
        by_status.setdefault(statuses.get(error.code, status_of(error)), []).append(error)
    return {status: _answer(status, by_status[status]) for status in sorted(by_status)}


def example(value: Any, description: str = "As described.", media_type: str = "application/json") -> dict[str, Any]:
    """Return the description of a successful answer with an example."""
    return {"description": description, "content": {media_type: {"example": value}}}


def described(value: dict[str, Any], description: str) -> dict[str, Any]:
    """Return the description of a successful answer that no model has the schema of; the example shows it."""
    content = {"schema": {"type": "object"}, "example": value}
    return {"description": description, "content": {"application/json": content}}


def merged(*parts: Mapping[int | str, dict[str, Any]]) -> Answers:
    """Return answers of several kinds as one; of the same status, with all examples."""
    found: Answers = {}
    for part in parts:
        for status, answer in part.items():
            known = found.get(status)
            found[status] = answer if known is None else _both(known, answer)
    return found


def _answer(status: int, problems: Sequence[WireError]) -> dict[str, Any]:
    examples = {error.code: {"value": Problem.of(error, status).model_dump()} for error in problems}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    lines = [f"`{error.code}`: {error.message}" for error in problems]
    return {"description": "\n\n".join(lines), "content": {MEDIA_TYPE: content}}


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    first, second = one["content"][MEDIA_TYPE], other["content"][MEDIA_TYPE]
    content = first | {"examples": first["examples"] | second["examples"]}
    return {"description": f"{one['description']}\n\n{other['description']}", "content": {MEDIA_TYPE: content}}
