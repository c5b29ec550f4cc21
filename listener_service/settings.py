"""Settings of the listener, read from ``LISTENER_*``."""

from typing import Annotated

from pydantic import Field

from infra.settings import WireSettings, service_config


class Settings(WireSettings):
    """Listener settings: ``LISTENER_*``, and those that all services share."""

    model_config = service_config("LISTENER_")

    rewrite_s: Annotated[float, Field(ge=0, le=86_400)] = 600.0
    """Seconds after which speech and text that are gone from Redis are gone from its append-only file, too; 0: only
    Redis decides when its file is rewritten."""
    trend_window: Annotated[int, Field(ge=1, le=1000)] = 20
    """Number of recent utterances that the sentiment trend covers."""
    latency_window: Annotated[int, Field(ge=10, le=1000)] = 100
    """Number of recent utterances that the latency percentiles cover."""
