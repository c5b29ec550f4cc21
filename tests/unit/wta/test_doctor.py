"""What ``wta doctor`` names: each fault by itself, from the address to a session."""

import asyncio
import datetime as dt
import json
import socket
import ssl
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certificates.pair import Pair
from certificates.server import ensure_certificate
from tests.unit.wta.fake_service import READY, ROUTES, FakeService
from wire.messages.server import Error
from wta.__main__ import app
from wta.client.tls import Tls
from wta.doctor.examine import examine
from wta.doctor.finding import Finding, Level

HERE = "127.0.0.1"


async def examined(url: str, key: str | None = None, tls: Tls | None = None) -> list[Finding]:
    """Examine in a thread: the fake gateways are in the loop of the test."""
    return await asyncio.to_thread(examine, url, key, tls or Tls(), "0.2.0")


def faults(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found if finding.level is Level.FAULT]


def notes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found if finding.level is Level.WARNING]


def with_checks(**checks: dict[str, object]) -> dict[str, tuple[int, str]]:
    """Routes of a gateway that reports these parts so."""
    state: dict[str, Any] = json.loads(READY)
    state["checks"] |= checks
    state["ready"] = False
    return {**ROUTES, "/readyz": (503, json.dumps(state))}


def server_context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    return context


async def test_nothing_is_wrong_with_a_gateway_that_works() -> None:
    """Each part has its line, with models and queues; nothing is left unknown."""
    async with FakeService().serving() as service:
        found = await examined(service.http)
    assert {finding.level for finding in found} == {Level.OK}
    parts = {finding.part: finding.message for finding in found}
    assert parts.keys() == {
        *("connection", "gateway", "version", "access", "redis"),
        *("stt_worker", "analyzer_worker", "listener_service", "queues", "session"),
    }
    assert "base" in parts["stt_worker"]
    assert "3 in stt_queue" in parts["queues"]


async def test_a_port_that_nothing_listens_on() -> None:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = probe.getsockname()[1]
    (finding,) = await examined(f"{HERE}:{port}")
    assert (finding.code, str(port) in finding.message) == ("nothing_listens", True)


async def test_a_host_that_has_no_address() -> None:
    assert faults(await examined("gateway.invalid")) == ["unknown_host"]


async def test_another_web_server() -> None:
    """By what it answers, with its name."""
    service = FakeService(routes={"/": (200, "hello")})
    service.headers = {"Server": "Apache"}
    async with service.serving():
        found = await examined(service.http)
    assert faults(found) == ["other_service"]
    assert "Apache" in found[-1].message


async def test_another_protocol() -> None:
    """Such as the port of Redis."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"-ERR unknown command\r\n")
        writer.close()

    server = await asyncio.start_server(answer, HERE, 0)
    async with server:
        found = await examined(f"{HERE}:{server.sockets[0].getsockname()[1]}")
    assert faults(found) == ["not_a_gateway"]


async def test_a_wrong_path() -> None:
    """The right one is named."""
    async with FakeService().serving() as service:
        found = await examined(f"{service.http}/speech")
    assert faults(found) == ["wrong_path"]
    assert f"Use --url {service.http}." in found[-1].remedy


async def test_a_proxy_without_its_gateway() -> None:
    async with FakeService(routes={"/healthz": (502, "<h1>Bad Gateway</h1>")}).serving() as service:
        assert faults(await examined(service.http)) == ["gateway_away"]


@pytest.mark.parametrize(
    ("name", "days_ago", "trusted", "code"),
    [
        (HERE, 0, True, None),
        (HERE, 0, False, "certificate_untrusted"),
        (HERE, 1_500, True, "certificate_expired"),
        (HERE, -20, True, "certificate_not_yet_valid"),
        ("talk.example.org", 0, True, "certificate_of_another_name"),
    ],
)
async def test_certificates(tmp_path: Path, name: str, days_ago: int, trusted: bool, code: str | None) -> None:
    """Trust, time and name are told apart."""
    issued = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
    pair = ensure_certificate(tmp_path, [name], now=issued)
    tls = Tls(authority=tmp_path / "ca.pem" if trusted else None)
    async with FakeService().serving(server_context(pair)) as service:
        assert faults(await examined(service.http, tls=tls)) == ([code] if code else [])


async def test_a_certificate_that_expires_soon(tmp_path: Path) -> None:
    """It still works, and is noted."""
    from cryptography import x509

    pair = ensure_certificate(tmp_path, [HERE])
    left = x509.load_pem_x509_certificate(pair.cert.read_bytes()).not_valid_after_utc - dt.datetime.now(dt.UTC)
    pair.cert.unlink()
    pair = ensure_certificate(tmp_path, [HERE], now=dt.datetime.now(dt.UTC) - left + dt.timedelta(days=3))
    async with FakeService().serving(server_context(pair)) as service:
        found = await examined(service.http, tls=Tls(authority=tmp_path / "ca.pem"))
    assert (faults(found), notes(found)) == ([], ["expires_soon"])


@pytest.mark.parametrize(("asks", "code"), [("https", "no_tls"), ("http", "tls_expected")])
async def test_http_and_https_that_are_confused(tmp_path: Path, asks: str, code: str) -> None:
    """Either way, the remedy has the other address."""
    tls = server_context(ensure_certificate(tmp_path, [HERE])) if asks == "http" else None
    async with FakeService().serving(tls) as service:
        found = await examined(f"{asks}://{HERE}:{service.http.rpartition(':')[2]}")
    assert faults(found) == [code]
    assert service.http in found[-1].remedy


async def test_a_gateway_without_redis() -> None:
    """The services behind it are unknown, and no session is tried."""
    away = {"ready": False, "reason": "unknown while Redis is unavailable"}
    routes = with_checks(
        redis={"ready": False, "reason": "Redis cannot be reached."},
        **dict.fromkeys(("stt_worker", "analyzer_worker", "listener_service"), away),
    )
    async with FakeService(routes).serving() as service:
        found = await examined(service.http)
    assert faults(found) == ["redis_unreachable"]
    assert service.starts == []
    assert [finding.level for finding in found if finding.part.endswith(("worker", "service"))] == [Level.UNKNOWN] * 3


async def test_a_broker_that_is_away_is_told_from_redis() -> None:
    """It has a line of its own only where it is another server."""
    routes = with_checks(
        broker={"ready": False, "reason": "The broker does not answer. Start it or correct BROKER_URL."}
    )
    async with FakeService(routes).serving() as service:
        found = await examined(service.http)
    assert faults(found) == ["broker_unreachable"]
    assert "BROKER_URL" in next(each.message for each in found if each.level is Level.FAULT)
    async with FakeService(with_checks(broker={"ready": True})).serving() as service:
        assert [each.level for each in await examined(service.http) if each.part == "broker"] == [Level.OK]


@pytest.mark.parametrize("service_name", ["stt_worker", "analyzer_worker", "listener_service"])
async def test_a_service_that_is_missing(service_name: str) -> None:
    """With the gateway's reason, and the consequence."""
    routes = with_checks(**{service_name: {"ready": False, "reason": f"no {service_name} is running"}})
    async with FakeService(routes).serving() as service:
        found = await examined(service.http)
    assert faults(found) == [f"no_{service_name}"]
    assert f"no {service_name} is running" in next(each.message for each in found if each.level is Level.FAULT)


async def test_a_clock_of_a_worker_and_a_full_disk_are_the_gateway_s_own_words() -> None:
    """What it finds of hosts that are not seen from here."""
    state = json.loads(READY) | {"warnings": ["The host of the stt_worker has a clock that is 9.0 s ahead of Redis'."]}
    async with FakeService({**ROUTES, "/readyz": (200, json.dumps(state))}).serving() as service:
        found = await examined(service.http)
    assert (faults(found), notes(found)) == ([], ["warning"])
    routes = with_checks(redis={"ready": False, "reason": "Redis cannot write to its disk: it is full."})
    async with FakeService(routes).serving() as service:
        assert "disk" in next(each.message for each in await examined(service.http) if each.level is Level.FAULT)


@pytest.mark.parametrize(("ahead_s", "found"), [(0, []), (-60, ["clock_differs"]), (60, ["clock_differs"])])
async def test_this_machine_s_clock(ahead_s: int, found: list[str]) -> None:
    """Compared with the date in the gateway's answer."""
    service = FakeService()
    service.headers = {"Date": format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead_s), usegmt=True)}
    async with service.serving():
        assert notes(await examined(service.http)) == found


@pytest.mark.parametrize(
    ("status", "state", "key", "level", "code"),
    [
        (401, {"code": "grant_refused", "message": "Wrong.", "remedy": "Another."}, "wta_k", "fault", "grant_refused"),
        (200, {"access": "closed", "rights": []}, None, "fault", "no_key"),
        (200, {"access": "closed", "rights": ["read"]}, "wta_k", "fault", "not_allowed"),
        (200, {"access": "closed", "rights": ["read", "talk"]}, "wta_k", "warning", "no_files"),
        (200, {"access": "closed", "rights": ["read", "talk", "files"]}, "wta_k", "ok", "ok"),
    ],
)
async def test_keys_and_rights(status: int, state: dict[str, object], key: str | None, level: str, code: str) -> None:
    """No key, a wrong one, and one for less are told apart; the key itself is in no finding."""
    async with FakeService({**ROUTES, "/access": (status, json.dumps(state))}).serving() as service:
        found = await examined(service.http, key)
    (access,) = [finding for finding in found if finding.part == "access"]
    assert (access.level, access.code) == (level, code)
    assert "wta_k" not in "".join(finding.message + finding.remedy for finding in found)
    assert all(bearer == (f"Bearer {key}" if key else None) for _, bearer in service.requests)


async def test_a_session_that_is_refused() -> None:
    """With the gateway's words."""
    full = (Error(code="service_full", message="All places are taken.", remedy="Wait.", fatal=True), 1013)
    async with FakeService(send_error=(full,)).serving() as service:
        found = await examined(service.http)
    assert faults(found) == ["service_full"]


async def test_workers_that_do_not_keep_up_and_another_version() -> None:
    """Both are notes."""
    metrics = 'wta_queue_depth{queue="stt_queue"} 300.0\n'
    routes = {**ROUTES, "/metrics": (200, metrics), "/openapi.json": (200, '{"info":{"version":"0.9.0"}}')}
    async with FakeService(routes).serving() as service:
        assert notes(await examined(service.http)) == ["other_version", "workers_slow"]


@pytest.mark.parametrize(
    ("options", "check"),
    [
        ([], lambda out: "WRONG" in out and "→" in out),
        (["--json"], lambda out: json.loads(out)["code"] == "nothing_listens"),
    ],
    ids=["people", "programs"],
)
def test_the_command_prints_what_is_wrong_and_ends_with_1(options: list[str], check: Callable[[str], bool]) -> None:
    ended = CliRunner().invoke(app, ["doctor", "--url", f"{HERE}:9", *options])
    assert ended.exit_code == 1
    assert check(ended.stdout), ended.stdout
