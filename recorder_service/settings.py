"""Settings of the recorder, read from ``RECORDER_*``; command-line options take precedence."""

from typing import Annotated

from pydantic import Field, SecretStr

from infra.settings import WireSettings, service_config


class Settings(WireSettings):
    """Settings of the recorder; environment variables begin with ``RECORDER_``."""

    model_config = service_config("RECORDER_")

    url: str = "ws://127.0.0.1:8000/ws"
    """The gateway: ws, wss, http or https, or just host:port."""
    key: SecretStr | None = None
    """API key, where access is closed; an option of the command would show it to all users of the machine."""
    timeout_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """Seconds that a gateway may be away before the recorder gives up; 0 does not try again."""
    patience_s: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    """Seconds without any news (a result, an acknowledgement) from a connected gateway before the recorder gives up."""
    buffer_s: Annotated[float, Field(ge=1, le=600)] = 120.0
    """Seconds of audio kept until the gateway has it for sure; then a file waits, a microphone forgets the oldest."""
