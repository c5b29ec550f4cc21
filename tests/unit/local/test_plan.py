import configparser
import re
from pathlib import Path

import pytest

from certificates.pair import Pair
from local.settings import LocalSettings
from local.stack.plan import LONGEST_SOCKET_PATH, ROOT, Plan, make_plan

BASE = {"PATH": "/usr/bin"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LocalSettings:
    """Defaults: no `.env`, nothing in the environment."""
    for name in ("REDIS_URL", "LOG_FORMAT", "GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_TLS_CERT", "STT_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return LocalSettings().model_copy(update={"gateway_port": 0})


def plan_for(settings: LocalSettings, run_dir: Path, *, https: bool = False, redis_port: int | None = None) -> Plan:
    return make_plan(settings, run_dir, https=https, redis_port=redis_port)


def supervisor_conf() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
    parser.read(ROOT / "supervisord.conf", encoding="utf-8")
    return parser


def test_every_name_in_the_map_gets_a_value(settings: LocalSettings, tmp_path: Path) -> None:
    """Each ENV_ name that supervisord.conf asks for is set by the plan."""
    asked = set(re.findall(r"%\(ENV_(\w+)\)s", (ROOT / "supervisord.conf").read_text(encoding="utf-8")))
    assert asked <= plan_for(settings, tmp_path).environment({}).keys()


def test_map_shows_services_in_the_order_of_the_data() -> None:
    """supervisord.conf lists the programs as speech flows through them, the store under them last."""
    programs = [name.removeprefix("program:") for name in supervisor_conf().sections() if name.startswith("program:")]
    services = ["fastapi_service", "stt_worker", "analyzer_worker", "listener_service"]
    assert programs == [*services, "redis", "parent_watch"]


def test_store_starts_before_and_stops_after_its_users() -> None:
    """Priorities run against the flow: whoever takes in work stops first, the store after all services."""
    conf = supervisor_conf()
    order = ["parent_watch", "redis", "listener_service", "analyzer_worker", "stt_worker", "fastapi_service"]
    priorities = [conf.getint(f"program:{program}", "priority") for program in order]
    assert priorities == sorted(set(priorities))


def test_embedded_store_is_started_when_none_is_named(settings: LocalSettings, tmp_path: Path) -> None:
    """Without REDIS_URL the embedded server starts, and the services get its address."""
    plan = plan_for(settings, tmp_path)
    environment = plan.environment(BASE)
    assert environment["LOCAL_REDIS_AUTOSTART"] == "true"
    assert environment["REDIS_URL"] == f"redis://127.0.0.1:{environment['LOCAL_REDIS_PORT']}/0"


def test_own_store_is_used(settings: LocalSettings, tmp_path: Path) -> None:
    """With REDIS_URL set nothing is embedded."""
    own = settings.model_copy(update={"redis_url": "redis://db:6379/3"})
    environment = plan_for(own, tmp_path).environment(BASE)
    assert (environment["REDIS_URL"], environment["LOCAL_REDIS_AUTOSTART"]) == ("redis://db:6379/3", "false")


def test_redis_url_is_read_from_env_file(settings: LocalSettings, tmp_path: Path) -> None:
    """REDIS_URL in `.env` counts like one in the environment."""
    assert not settings.has_own_redis
    (tmp_path / ".env").write_text("REDIS_URL=redis://db:6379/3\n", encoding="utf-8")
    assert LocalSettings().has_own_redis


def test_redis_port_wins_over_redis_url(settings: LocalSettings, tmp_path: Path) -> None:
    """A test that asks for an embedded store never writes into the one of the developer."""
    own = settings.model_copy(update={"redis_url": "redis://db:6379/3"})
    assert plan_for(own, tmp_path, redis_port=0).redis_url.startswith("redis://127.0.0.1:")


def test_redis_port_wins_over_the_other_addresses(settings: LocalSettings, tmp_path: Path) -> None:
    """Such a test writes nothing to the broker of the developer either; otherwise the services read that themselves."""
    environment = plan_for(settings, tmp_path, redis_port=0).environment(BASE | {"BROKER_URL": "amqp://rabbit"})
    assert environment["BROKER_URL"] == environment["SCRATCH_REDIS_URL"] == environment["REDIS_URL"]
    environment = plan_for(settings, tmp_path).environment(BASE | {"BROKER_URL": "amqp://rabbit"})
    assert environment["BROKER_URL"] == "amqp://rabbit"
    assert "SCRATCH_REDIS_URL" not in environment


def test_https_listens_on_the_network(settings: LocalSettings, tmp_path: Path) -> None:
    """HTTPS serves every interface with a certificate from the run folder."""
    plan = plan_for(settings, tmp_path, https=True)
    environment = plan.environment(BASE)
    assert plan.certificate == Pair(tmp_path / "tls" / "fullchain.pem", tmp_path / "tls" / "privkey.pem")
    assert (environment["GATEWAY_HOST"], plan.url) == ("0.0.0.0", f"https://127.0.0.1:{plan.port}")
    assert environment["GATEWAY_TLS_CERT"] == str(plan.certificate.cert)


def test_plain_http_stays_on_this_machine(settings: LocalSettings, tmp_path: Path) -> None:
    """Without HTTPS only this machine is served, and no other address is offered."""
    plan = plan_for(settings, tmp_path)
    assert (plan.host, plan.url, plan.lan_urls) == ("127.0.0.1", f"http://127.0.0.1:{plan.port}", [])
    assert "GATEWAY_TLS_CERT" not in plan.environment(BASE)


def test_socket_path_fits_the_kernel(settings: LocalSettings, tmp_path: Path) -> None:
    """A run folder with a long path keeps its socket elsewhere; a short one keeps it inside."""
    plan = plan_for(settings, tmp_path / ("long" * 30))
    assert len(str(plan.socket)) <= LONGEST_SOCKET_PATH
    plan.socket.parent.rmdir()
    assert plan_for(settings, Path("/srv/run")).socket == Path("/srv/run/supervisor.sock")
