"""The settings that every service shares, and the functions that read settings from the environment."""

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.redis_url import check_broker, check_url
from wire.errors import ConfigurationError


def service_config(prefix: str) -> SettingsConfigDict:
    """Return the configuration of frozen settings: read from ``PREFIX_NAME`` in the environment, then from ``.env``."""
    return SettingsConfigDict(env_prefix=prefix, env_file=".env", frozen=True, extra="ignore", env_ignore_empty=True)


def _home(path: Path) -> Path:
    return path.expanduser()


class WireSettings(BaseSettings):
    """Settings with the same name in every service."""

    model_config = service_config("")

    redis_url: Annotated[str, Field(validation_alias="REDIS_URL"), AfterValidator(check_url)] = (
        "redis://127.0.0.1:6379/0"
    )
    """Redis 7.0 or newer, or Valkey: ledger, statistics and channels."""
    broker_url: Annotated[str, AfterValidator(check_broker)] = Field(
        validation_alias="BROKER_URL", default_factory=lambda others: others["redis_url"]
    )
    """The broker of Celery's queues: a Redis, or RabbitMQ (``amqp://``, ``amqps://``); by default ``REDIS_URL``."""
    scratch_redis_url: Annotated[str, AfterValidator(check_url)] = Field(
        validation_alias="SCRATCH_REDIS_URL", default_factory=lambda others: others["redis_url"]
    )
    """A Redis for audio that need not survive, best without an append-only file; by default ``REDIS_URL``."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Field(validation_alias="LOG_LEVEL")] = "info"
    """The least severe level that is written."""
    log_format: Annotated[Literal["auto", "console", "json"], Field(validation_alias="LOG_FORMAT")] = "auto"
    """``auto`` writes readable lines on a terminal and JSON lines elsewhere."""
    model_cache: Annotated[
        Path, Field(validation_alias="MODEL_CACHE", validate_default=True), AfterValidator(_home)
    ] = Path("~/.cache/whisper-text-analyzer")
    """Folder where models are kept after their first download."""
    model_offline: Annotated[bool, Field(validation_alias="MODEL_OFFLINE")] = False
    """Never download a model: it must be a path or in the cache."""
    session_ttl_s: Annotated[int, Field(ge=600, le=604_800, validation_alias="SESSION_TTL_S")] = 3_600
    """Seconds that a session's transcript and statistics stay after its last activity; until then it can be resumed."""


S = TypeVar("S", bound=WireSettings)


def load_settings(settings: type[S]) -> S:
    """Read ``settings`` from the environment.

    Raises:
        ConfigurationError: a value is refused; the message names each setting as the user wrote it.
    """
    try:
        return settings()
    except ValidationError as refused:
        errors = [error for error in refused.errors() if error["type"] != "default_factory_not_called"]
        problems = "; ".join(_problem(settings, error["loc"], error["msg"]) for error in errors)
        raise ConfigurationError(
            "bad_setting", f"The configuration is refused: {problems}.", "Correct it in the environment or in .env."
        ) from refused


def load_settings_or_exit(settings: type[S]) -> S:
    """``load_settings`` for entry points: a refused setting ends the process with one line and exit code 2."""
    try:
        return load_settings(settings)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _problem(settings: type[WireSettings], location: tuple[int | str, ...], message: str) -> str:
    """Return one problem with the name of its environment variable; checks of several settings name them themselves."""
    message = message.removeprefix("Value error, ")
    if not location:
        return message
    name = str(location[0])  # a field's alias, or, where it has none, its name
    if name in settings.model_fields and settings.model_fields[name].validation_alias is None:
        name = f"{settings.model_config.get('env_prefix', '')}{name}"
    return f"{name.upper()}: {message}"
