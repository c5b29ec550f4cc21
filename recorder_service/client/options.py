"""What the user of a client may choose."""

from collections.abc import Callable
from dataclasses import dataclass

from recorder_service.client.backoff import FIRST_PAUSE_S
from wire.messages.server import AnyServerMessage


@dataclass(frozen=True)
class Limits:
    """In seconds; the fields of the same name in ``Settings`` say what they mean."""

    timeout_s: float = 60.0
    patience_s: float = 300.0
    buffer_s: float = 120.0
    first_pause_s: float = FIRST_PAUSE_S
    """Before the first attempt to connect again."""


@dataclass(frozen=True)
class Hooks:
    """Who is told what happens."""

    on_message: Callable[[AnyServerMessage], None] = lambda _: None
    """Each message of the gateway; each result once."""
    on_notice: Callable[[str], None] = lambda _: None
    """A sentence about the connection, for people."""
