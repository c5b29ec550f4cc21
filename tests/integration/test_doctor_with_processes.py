"""``wta doctor`` before real gateways, Redis, workers and a listener, which are missing, killed or closed to it."""

import pytest
from typer.testing import CliRunner

from fastapi_service import keys
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway
from tests.support.machines import Processes, RedisServer
from wta.client.tls import Tls
from wta.doctor.examine import examine
from wta.doctor.finding import Finding, Level

GONE_S = 20
"""A heartbeat lasts 5 s after its process."""


def examined(gateway: Gateway, key: str | None = None) -> list[Finding]:
    return examine(gateway.http, key, Tls(), "0.2.0")


def faults(gateway: Gateway, key: str | None = None) -> set[str]:
    return {finding.code for finding in examined(gateway, key) if finding.level is Level.FAULT}


def test_services_are_named_as_they_come_and_go(processes: Processes) -> None:
    """All are missing, then none, then the listener that was killed."""
    gateway = Gateway(processes)
    eventually(gateway.answers, START_S)
    assert faults(gateway) == {"no_stt_worker", "no_analyzer_worker", "no_listener_service"}
    processes.worker("stt_worker", "stt_queue")
    processes.worker("analyzer_worker", "analyzer_queue", pool="threads")
    listener = processes.python("-m", "listener_service.listener_service")
    eventually(lambda: not faults(gateway), START_S)
    listener.kill()
    eventually(lambda: faults(gateway) == {"no_listener_service"}, GONE_S)


def test_a_killed_redis_is_named(mortal_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The gateway answers, and says what it cannot reach."""
    processes = Processes(mortal_redis.url, tmp_path_factory.mktemp("processes"))
    try:
        gateway = Gateway(processes)
        eventually(gateway.answers, START_S)
        mortal_redis.kill()
        assert faults(gateway) == {"redis_unreachable"}
    finally:
        processes.end()


def test_a_closed_gateway_without_a_key_with_a_wrong_one_and_with_its_own(
    processes: Processes, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one nothing is shown of the services; a reader's does not let talk."""
    gateway = Gateway(processes, GATEWAY_ACCESS="closed")
    eventually(gateway.answers, START_S)
    monkeypatch.setenv("REDIS_URL", redis_url)

    def make(scope: str) -> str:
        return CliRunner().invoke(keys.app, ["create", "--name", "doctor", "--scope", scope]).stdout.strip()

    services = {"no_stt_worker", "no_analyzer_worker", "no_listener_service"}
    assert faults(gateway) == {"no_key", "not_ready"}
    assert faults(gateway, "wta_00000000_" + "0" * 43) == {"grant_refused", "not_ready"}
    assert faults(gateway, make("read")) == {"not_allowed"} | services
    found = examined(gateway, make("admin"))
    assert {finding.code for finding in found if finding.level is Level.FAULT} == services
    assert {finding.part for finding in found if finding.level is Level.OK} >= {"access", "queues", "redis", "session"}
