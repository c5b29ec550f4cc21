"""Options of a client."""

from collections.abc import Callable
from dataclasses import dataclass

from recorder_service.client.backoff import FIRST_PAUSE_S
from wire.messages.server import AnyServerMessage


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds; ``recorder_service.settings`` documents them."""

    timeout_s: float = 60.0
    idle_timeout_s: float = 300.0
    """``patience_s`` in the settings, whose environment variable has that name."""
    buffer_s: float = 120.0
    first_pause_s: float = FIRST_PAUSE_S
    """Pause before the first attempt to connect again."""


@dataclass(frozen=True)
class Hooks:
    """Callbacks, called in the event loop."""

    on_message: Callable[[AnyServerMessage], None] = lambda _: None
    """Called with each message of the gateway; with each result once."""
    on_notice: Callable[[str], None] = lambda _: None
    """Called with a sentence about the connection, for people."""
