"""Settings of `make run`: some of the services' under the same names, and a few of its own."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from infra.settings import WireSettings


class LocalSettings(WireSettings):
    """Read from the environment and `.env`; the options of `python -m local.run` take precedence."""

    gateway_host: Annotated[str, Field(validation_alias="GATEWAY_HOST")] = "127.0.0.1"
    """Address that the gateway listens on; 0.0.0.0 with HTTPS."""
    gateway_port: Annotated[int, Field(validation_alias="GATEWAY_PORT", ge=0, le=65_535)] = 8000
    """Port of the gateway; 0 chooses a free one."""
    gateway_tls_cert: Annotated[Path | None, Field(validation_alias="GATEWAY_TLS_CERT")] = None
    """A certificate of your own, in PEM."""
    stt_workers: Annotated[int, Field(validation_alias="STT_WORKERS", ge=1, le=64)] = 1
    """Number of processes that transcribe."""
    stt_threads: Annotated[int, Field(validation_alias="STT_THREADS", ge=0, le=256)] = 0
    """CPU threads of each STT worker; 0 divides the cores among them."""
    redis_maxmemory: Annotated[str, Field(validation_alias="REDIS_MAXMEMORY", pattern=r"^\d+(mb|gb)$")] = "512mb"
    """Memory limit of the embedded Redis; it refuses work when full and drops nothing."""

    @property
    def has_own_redis(self) -> bool:
        """True if REDIS_URL is set, so that no embedded server is needed."""
        return "redis_url" in self.model_fields_set
