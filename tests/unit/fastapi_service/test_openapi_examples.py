"""The description of the HTTP routes: every answer and every body has an example, which its own schema accepts."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from fastapi_service.api.answers import answers, merged
from fastapi_service.app import create_app
from fastapi_service.settings import Settings
from tools import contracts

DESCRIBED = create_app(Settings()).openapi()
PROBLEM = "application/problem+json"
OPENAI = ("/v1/audio/", "/v1/models", "/v1/jobs/")


def contents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Place, media type and content of each answer and each body."""
    for path, operations in DESCRIBED["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                for media_type, content in answer.get("content", {}).items():
                    yield f"{method} {path} {status}", media_type, content
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{method} {path} body", media_type, content


CONTENTS = [pytest.param(*found, id=f"{found[0]} {found[1]}") for found in contents()]


def models(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema, or those that it names."""
    named = [each["$ref"] for each in [schema, *schema.get("anyOf", [])] if "$ref" in each]
    return [DESCRIBED["components"]["schemas"][name.rpartition("/")[2]] for name in named]


def examples(content: dict[str, Any]) -> list[Any]:
    """Those of the content, and those of its models."""
    own = [content["example"]] if "example" in content else []
    own += [each["value"] for each in content.get("examples", {}).values()]
    return own + [each for model in models(content["schema"]) for each in model.get("examples", [])]


@pytest.mark.parametrize(("place", "media_type", "content"), CONTENTS)
def test_every_content_has_examples_that_fit_its_schema(place: str, media_type: str, content: dict[str, Any]) -> None:
    """Those of refusals have the status that they stand at, and are named in its description."""
    found = examples(content)
    assert found
    validator = jsonschema_rs.validator_for(content["schema"] | {"components": DESCRIBED["components"]})
    for each in found:
        assert [error.message for error in validator.iter_errors(each)] == []
    if media_type == PROBLEM:
        method, path, status = place.split()
        description = DESCRIBED["paths"][path][method]["responses"][status]["description"]
        assert {each["status"] for each in found} == {int(status)}
        assert all(f"`{each['code']}`" in description for each in found)


def test_every_refusal_is_a_problem() -> None:
    """Also those that FastAPI describes by itself. Only readiness has its own state, and OpenAI's routes OpenAI's body."""
    refusals = {
        (place, media_type)
        for place, media_type, _ in contents()
        if place.split()[-1] in {"422", "401", "404"} and not place.split()[1].startswith(OPENAI)
    }
    assert refusals
    assert {media_type for _, media_type in refusals} == {PROBLEM}
    assert not {"HTTPValidationError", "ValidationError"} & set(DESCRIBED["components"]["schemas"])


def test_secrets_are_required_where_they_always_are() -> None:
    """Elsewhere a request needs none where access is open."""
    security = {
        (method, path): [next(iter(each), "") for each in operation.get("security", [])]
        for path, operations in DESCRIBED["paths"].items()
        for method, operation in operations.items()
    }
    assert security["get", "/v1/sessions"] == ["Key", "SignIn"]
    assert security["delete", "/v1/sessions/{session_id}"] == ["HTTPBearer", "Key", "SignIn"]
    assert security["post", "/rooms"] == ["Key", "SignIn", ""]
    assert security["get", "/healthz"] == []
    assert set(DESCRIBED["components"]["securitySchemes"]) == {"HTTPBearer", "Key", "SignIn"}


def test_the_document_in_docs_is_the_description() -> None:
    """As ``python -m tools.contracts`` writes it."""
    assert contracts.OPENAPI.read_text(encoding="utf-8") == contracts.rendered_openapi()
    assert json.loads(contracts.rendered_openapi()) == DESCRIBED


def test_answers_of_several_kinds_have_all_examples() -> None:
    """The later ones do not replace the others of their status."""
    from fastapi_service import errors

    both = merged(answers(errors.no_grant()), answers(errors.grant_refused(), errors.removed()))
    assert set(both) == {401, 403}
    assert set(both[401]["content"][PROBLEM]["examples"]) == {"no_grant", "grant_refused"}
    assert "`no_grant`" in both[401]["description"]
    assert "`grant_refused`" in both[401]["description"]
