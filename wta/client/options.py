"""Options of a client."""

from collections.abc import Callable
from dataclasses import dataclass

from wire.messages.server import AnyServerMessage
from wta.client.backoff import FIRST_PAUSE_S


@dataclass(frozen=True)
class Limits:
    """Time limits in seconds, and the size of the replay buffer."""

    timeout_s: float = 60.0
    """Time that a gateway may be away; 0 does not try again."""
    idle_timeout_s: float = 300.0
    """Time without any news (a result, an acknowledgement) from a connected gateway."""
    buffer_s: float = 120.0
    """Audio that is kept until the gateway has it for sure."""
    live: bool = False
    """The audio cannot wait: when the buffer is full, the oldest is dropped. Else ``send`` waits."""
    first_pause_s: float = FIRST_PAUSE_S
    """Pause before the first attempt to connect again."""


@dataclass(frozen=True)
class Hooks:
    """Callbacks, called in the event loop."""

    on_message: Callable[[AnyServerMessage], None] = lambda _: None
    """Called with each message of the gateway; with each result once."""
    on_notice: Callable[[str], None] = lambda _: None
    """Called with a sentence about the connection, for people."""
