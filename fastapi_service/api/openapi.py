"""The description of all routes for programs, and what FastAPI's own lacks of it."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from fastapi_service import errors
from fastapi_service.api.answers import answers
from fastapi_service.api.problems import Problem
from fastapi_service.api.routes import flattened
from fastapi_service.api.transcript_models import Transcript

TAGS = [
    {"name": "sessions", "description": "What was said: lists, statistics, transcripts, deletion."},
    {"name": "access", "description": "Who may come in, where access is closed; see docs/access.md."},
    {"name": "operations", "description": "For operators and supervisors."},
]
_REF = "#/components/schemas/{model}"
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")
_ALWAYS_SECRET = ("/v1/sessions", "/sessions/")
"""Beginnings of paths that take a token or a grant also where access is open; others take nothing there."""


class DescribedApp(FastAPI):
    """An application whose errors are described as they are."""

    def openapi(self) -> dict[str, Any]:
        """Return the description of all routes; it is built once."""
        if self.openapi_schema is None:
            self.openapi_tags = TAGS
            self.openapi_schema = _completed(super().openapi())
            for route in flattened(self.routes):
                if isinstance(route, APIRoute) and route.include_in_schema:
                    _put_examples(self.openapi_schema["paths"][route.path_format], route)
        return self.openapi_schema


def _completed(described: dict[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = described.setdefault("components", {}).setdefault("schemas", {})
    for model in (Problem, Transcript):
        schema = model.model_json_schema(ref_template=_REF, mode="serialization")
        schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
    for path, operations in described["paths"].items():
        for operation in operations.values():
            _correct(path, operation)
    for name in _FASTAPI_ERRORS:
        schemas.pop(name, None)
    described["components"]["schemas"] = dict(sorted(schemas.items()))
    return described


def _put_examples(operations: dict[str, Any], route: APIRoute) -> None:
    """Put the examples of a route's answers in again: FastAPI leaves out the fields that are null in them."""
    for method in route.methods or ():
        described = operations[method.lower()]["responses"]
        for status, answer in route.responses.items():
            for media_type, content in answer.get("content", {}).items():
                examples = {name: content[name] for name in ("example", "examples") if name in content}
                described[str(status)]["content"][media_type] |= examples


def _correct(path: str, operation: dict[str, Any]) -> None:
    """Describe refused fields as ``on_invalid`` answers them, and what is required."""
    found = operation["responses"]
    if _is_fastapis(found.get("422", {})):
        del found["422"]
        if "400" not in found:  # a route that has it answers with that
            found["422"] = answers(errors.bad_message("field", "Field required"))[422]
    for parameter in operation.get("parameters", ()):
        if parameter["schema"].get("default") == "":  # what is missing is said by the route
            parameter["required"] = True
            del parameter["schema"]["default"]
    if "security" in operation and not path.startswith(_ALWAYS_SECRET):
        operation["security"].append({})


def _is_fastapis(answer: dict[str, Any]) -> bool:
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref", "").rpartition("/")[2] in _FASTAPI_ERRORS)
