"""Settings of the listener, read from ``LISTENER_*``."""

from typing import Annotated

from pydantic import Field

from infra.settings import WireSettings, service_config


class Settings(WireSettings):
    """Listener settings: ``LISTENER_*``, and those that all services share."""

    model_config = service_config("LISTENER_")

    trend_window: Annotated[int, Field(ge=1, le=1000)] = 20
    """Number of recent utterances that the sentiment trend covers."""
    latency_window: Annotated[int, Field(ge=10, le=1000)] = 100
    """Number of recent utterances that the latency percentiles cover."""
