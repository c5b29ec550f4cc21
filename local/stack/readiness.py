"""Reads from the gateway which services are not ready yet."""

import httpx

from local.stack.plan import Plan

STARTING = {"fastapi_service": "does not answer yet"}


def not_ready(plan: Plan) -> dict[str, str]:
    """Return the services that are not ready, each with its reason; empty when all are."""
    try:
        # verify=False: the question is whether the local process answers, not who it is
        answer = httpx.get(f"{plan.url}/readyz", timeout=5, verify=False)  # noqa: S501
        return parse(answer.json())
    except (httpx.TransportError, ValueError):
        return STARTING


def parse(body: object) -> dict[str, str]:
    """Read the reasons from the body of ``/readyz``.

    Raises:
        ValueError: the body is not that of ``/readyz``.
    """
    match body:
        case {"ready": True}:
            return {}
        case {"ready": False, "checks": dict(checks)}:
            waiting = {name: _reason(check) for name, check in checks.items() if not check.get("ready")}
            return waiting or STARTING
        case _:
            raise ValueError("not the answer of /readyz")


def _reason(check: dict[str, object]) -> str:
    return str(check.get("reason") or "not ready yet")
