"""Settings of all services: invalid values are refused by name, and .env.example shows every default."""

import importlib
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fastapi_service.api.openai_rest.uploads import IN_ALL
from fastapi_service.decoding.decoder import AT_MOST, LONG_AT_ONCE, SHORT_AT_ONCE
from fastapi_service.settings import Settings as GatewaySettings
from infra.settings import WireSettings, load_settings, load_settings_or_exit
from listener_service.settings import Settings as ListenerSettings
from stt_worker.settings import Settings as SttSettings
from wire.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
SUBSTITUTED = re.compile(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?")
"""``${NAME:-default}`` in a file of the containers; ``$$`` is a dollar sign there."""
LINE = re.compile(r"^#? ?([A-Z][A-Z0-9_]*)=(.*)$")
"""``NAME=value``; a ``#`` before it leaves the default in place."""


def settings_classes() -> list[type[WireSettings]]:
    """Every settings class of every service."""
    modules = sorted(".".join(file.relative_to(ROOT).with_suffix("").parts) for file in ROOT.glob("*/settings.py"))
    found = [
        member
        for module in modules
        for _, member in inspect.getmembers(importlib.import_module(module), inspect.isclass)
        if issubclass(member, WireSettings) and member.__module__ == module
    ]
    assert len(found) >= 5
    return found


def env_name(settings: type[WireSettings], field: str, info: FieldInfo) -> str:
    if info.validation_alias is not None:
        return str(info.validation_alias)
    return f"{settings.model_config['env_prefix']}{field}".upper()


def fields() -> list[tuple[type[WireSettings], str, str, FieldInfo]]:
    """Class, name, name in the environment and description of each field."""
    return [
        (settings, field, env_name(settings, field, info), info)
        for settings in settings_classes()
        for field, info in settings.model_fields.items()
    ]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that the tests run on, and no .env."""
    for _, _, name, _ in fields():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        (GatewaySettings, "GATEWAY_PORT", "http"),
        (GatewaySettings, "GATEWAY_PORT", "65536"),
        (GatewaySettings, "GATEWAY_MAX_SESSIONS", "0"),
        (GatewaySettings, "GATEWAY_SILENCE_CEILING", "-0.1"),
        (GatewaySettings, "GATEWAY_SILENCE_MS", "half"),
        (GatewaySettings, "GATEWAY_MAX_UTTERANCE_MS", "31000"),
        (GatewaySettings, "GATEWAY_NOISE_FACTOR", "nan"),
        (GatewaySettings, "GATEWAY_JITTER_MS", "-1"),
        (GatewaySettings, "GATEWAY_STOP_TIMEOUT_S", "inf"),
        (GatewaySettings, "GATEWAY_ALLOWED_ORIGINS", "page.example"),
        (GatewaySettings, "GATEWAY_TRUSTED_PROXIES", "172.16.0.0/12 10.0.0.0/8"),
        (GatewaySettings, "GATEWAY_TRUSTED_PROXIES", "proxy.local"),
        (GatewaySettings, "LOG_LEVEL", "loud"),
        (ListenerSettings, "LISTENER_TREND_WINDOW", "0"),
        (ListenerSettings, "SESSION_TTL_S", "1"),
        (SttSettings, "STT_DEVICE", "tpu"),
        (SttSettings, "STT_DEADLINE_S", "81"),
        (SttSettings, "STT_NUMERICS", "int4"),
        (SttSettings, "MODEL_OFFLINE", "perhaps"),
        (WireSettings, "LOG_FORMAT", "xml"),
    ],
)
def test_nonsense_is_refused_by_the_name_the_user_wrote(
    settings: type[WireSettings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the environment variable, and says what to do."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=rf"\b{name}: ") as refused:
        load_settings(settings)
    assert refused.value.code == "bad_setting"
    assert ".env" in refused.value.remedy


def test_all_mistakes_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error lists them all."""
    monkeypatch.setenv("GATEWAY_PORT", "http")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError, match="GATEWAY_PORT") as refused:
        load_settings(GatewaySettings)
    assert "LOG_LEVEL" in refused.value.message


@pytest.mark.parametrize("given", ["GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY"])
def test_half_a_certificate_is_refused_by_name(given: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Certificate and key belong together; the message says so in whole words."""
    file = tmp_path / "tls.pem"
    file.touch()
    monkeypatch.setenv(given, str(file))
    with pytest.raises(ConfigurationError, match="GATEWAY_TLS_CERT and GATEWAY_TLS_KEY belong together") as refused:
        load_settings(GatewaySettings)
    assert "?" not in refused.value.message
    assert "Value error" not in refused.value.message


def test_a_service_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An entry point says what is wrong without a traceback, and exits with 2."""
    monkeypatch.setenv("GATEWAY_PORT", "http")
    with pytest.raises(SystemExit) as ended:
        load_settings_or_exit(GatewaySettings)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "GATEWAY_PORT" in said
    assert said.count("\n") == 1


def test_empty_means_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """``GATEWAY_PORT=`` in .env is as if it was not there."""
    monkeypatch.setenv("GATEWAY_PORT", "")
    assert load_settings(GatewaySettings).port == 8000


def test_origins_are_compared_without_blanks_and_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """People write origins with a slash at the end."""
    monkeypatch.setenv("GATEWAY_ALLOWED_ORIGINS", "https://example.org/, https://talk.example.org,")
    assert load_settings(GatewaySettings).origins == {"https://example.org", "https://talk.example.org"}


def test_settings_cannot_be_changed_later() -> None:
    """They are built once, in the entry point, and passed down."""
    for settings in settings_classes():
        assert settings.model_config["frozen"], settings


def example() -> list[tuple[str, str]]:
    """Names and values in .env.example, in order."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return [(match[1], match[2].strip()) for line in lines if (match := LINE.match(line))]


def substituted() -> set[tuple[str, str]]:
    """Names, and defaults where there are any, that compose, nginx's image and its scripts fill in."""
    files = [
        file for pattern in ("docker-compose*.yml", "nginx/*.sh", "nginx/templates/*") for file in ROOT.glob(pattern)
    ]
    return {(match[1], match[2] or "") for file in files for match in SUBSTITUTED.finditer(file.read_text("utf-8"))}


def test_example_has_each_setting_once_and_nothing_else() -> None:
    """A setting that is new, renamed or gone is noticed in .env.example, also one that only containers know."""
    known = {name for _, _, name, _ in fields()} | {name for name, _ in substituted()}
    assert Counter(name for name, _ in example()) == Counter(known)


def test_example_shows_the_defaults_of_the_containers() -> None:
    """Nothing changes either for who runs containers with a copy of it: for ``${NAME:-default}`` empty is as good."""
    shown = dict(example())
    elsewhere = {"GATEWAY_ACCESS", "GATEWAY_PUBLIC_URL"}  # empty, since the gateway alone has another default
    assert {name: default for name, default in substituted() if default and shown.get(name) != default} == {
        name: default for name, default in substituted() if name in elsewhere
    }
    assert {shown[name] for name in elsewhere} == {""}


def test_example_shows_the_defaults(tmp_path: Path) -> None:
    """A copy of .env.example as .env changes nothing."""
    defaults = {settings: settings() for settings in settings_classes()}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in example()), encoding="utf-8")
    shown = dict(example())
    for settings, field, name, info in fields():
        assert getattr(settings(), field) == getattr(defaults[settings], field), name
        obvious = info.default in (None, "", PydanticUndefined) or info.default_factory is not None
        assert shown[name] or obvious, f"{name} does not show its default"


def test_no_setting_is_named_like_another_of_another_meaning() -> None:
    """Two services that read the same variable have the same default for it."""
    defaults: dict[str, object] = {}
    for _, _, name, info in fields():
        assert defaults.setdefault(name, info.default) == info.default, name


def test_the_default_number_of_sessions_fits_the_memory_of_the_container() -> None:
    """With the measured sizes of the README: gateway, decoders, and sessions that all talk while Redis is away."""
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    (own,) = re.findall(r"([\d.]+) MB for the gateway", readme)
    (session,) = re.findall(r"([\d.]+) MB while Redis is away", readme)
    (decoder, decoders) = re.findall(r"([\d.]+) MB for each of (\d+) decoders", readme)[0]
    assert int(decoders) == AT_MOST + SHORT_AT_ONCE + LONG_AT_ONCE
    default = GatewaySettings.model_fields["max_sessions"].default
    limit = dict(example())["GATEWAY_MEMORY"]
    assert limit.endswith("G")
    files = int(decoders) * float(decoder) + IN_ALL * GatewaySettings.model_fields["max_file_mb"].default
    assert float(own) + files + default * float(session) < 0.95 * 1_024 * float(limit.removesuffix("G"))
    assert f"the {default} of `GATEWAY_MAX_SESSIONS`" in readme
