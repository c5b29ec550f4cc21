"""The parts behind the gateway, as it reports them: Redis, broker, workers, listener, queues."""

import re
from typing import Any

from wta.client.http import HttpRoutes
from wta.doctor.finding import Finding, fault, ok, unknown, warning

REDIS = "redis"
BROKER = "broker"
"""Only where it is not Redis, or another one (``BROKER_URL``)."""
SERVICES = {
    "stt_worker": "speech is not transcribed",
    "analyzer_worker": "texts get no sentiment",
    "listener_service": "results reach nobody",
}
"""Service → the consequence of its absence."""
DEPTH = re.compile(r'^wta_queue_depth\{queue="(\w+)"\} ([\d.e+]+)$', re.M)
MANY = 50
"""Tasks in a queue beyond which its workers do not keep up."""


def check_readiness(routes: HttpRoutes) -> list[Finding]:
    """Check each part that the gateway reports."""
    state: Any = routes.request("/readyz").json()
    if not isinstance(state, dict) or not isinstance(state.get("checks"), dict):
        return [unknown("services", "The gateway does not report its parts: it is of another version.")]
    checks = state["checks"]
    if not checks:
        summary = "All parts are ready." if state.get("ready") else "A part is not ready."
        if state.get("ready"):
            return [ok("services", f"{summary} Details are for clients with a key.")]
        remedy = "Set WTA_KEY, and run this again for the details."
        return [fault("services", "not_ready", summary, remedy)]
    found = [_redis(checks.get(REDIS) or {})]
    if BROKER in checks:
        found.append(_broker(checks[BROKER] or {}))
    found += [_service(name, checks.get(name) or {}, redis=_ready(checks, REDIS)) for name in SERVICES]
    return found + [warning("services", "warning", str(each)) for each in state.get("warnings") or []]


def check_queues(routes: HttpRoutes) -> Finding:
    """Check that workers keep up; the figures are for an admin, and not behind every proxy."""
    answer = routes.request("/metrics")
    depths = {name: round(float(depth)) for name, depth in DEPTH.findall(answer.body.decode("utf-8", "replace"))}
    if answer.status != 200 or not depths:
        return unknown("queues", "Not seen from here: /metrics takes a key of the scope admin, and no proxy in front.")
    shown = ", ".join(f"{depth} in {name}" for name, depth in depths.items())
    if max(depths.values()) > MANY:
        remedy = "Start more workers (STT_WORKERS=2), or a smaller model."
        return warning("queues", "workers_slow", f"Tasks wait: {shown}. The workers do not keep up.", remedy)
    return ok("queues", f"Tasks that wait: {shown}.")


def _ready(checks: dict[str, Any], name: str) -> bool:
    return bool((checks.get(name) or {}).get("ready"))


def _redis(check: dict[str, Any]) -> Finding:
    if check.get("ready"):
        return ok(REDIS, "The gateway reaches Redis.")
    return fault(REDIS, "redis_unreachable", f"The gateway cannot use Redis: {_reason(check)}", "Start or repair it.")


def _broker(check: dict[str, Any]) -> Finding:
    if check.get("ready"):
        return ok(BROKER, "The gateway reaches the broker.")
    message = f"The gateway cannot send jobs to the broker: {_reason(check)}."
    return fault(BROKER, "broker_unreachable", message, "Start or repair it. Nothing is lost meanwhile.")


def _service(name: str, check: dict[str, Any], *, redis: bool) -> Finding:
    instances = check.get("instances") or []
    if check.get("ready"):
        ready = [each for each in instances if each.get("ready", True)]
        models = sorted({str(each["model"]) for each in instances if each.get("model")})
        return ok(name, f"{len(ready) or 'At least 1'} ready{' with ' + ', '.join(models) if models else ''}.")
    if not redis:
        return unknown(name, "Not known while Redis is away.")
    remedy = f"Start it, or look at its log (docker compose logs {name}; make run shows it)."
    return fault(name, f"no_{name}", f"None is ready, so {SERVICES[name]}: {_reason(check)}.", remedy)


def _reason(check: dict[str, Any]) -> str:
    return str(check.get("reason") or "no reason given").rstrip(".")
