"""What a listener publishes, as gateways get it: those of this version, and older ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.eventually import eventually
from tests.support.redis import Redis
from wire import names

WITHIN_S = 15.0


class Published:
    """Keeps messages in the order in which they come."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub
        self._messages: list[tuple[str, str]] = []

    def on(self, channel: str, count: int) -> list[str]:
        """Wait for a count of messages on a channel, or on all channels of its family, and return them."""

        def found() -> list[str]:
            self._read()
            of = [data for name, data in self._messages if name == channel or name.startswith(f"{channel}:")]
            return of if len(of) >= count else []

        return eventually(found, WITHIN_S) if count else found()

    def _read(self) -> None:
        while (message := self._pubsub.get_message(timeout=0.01)) is not None:
            if message["type"] in {"message", "pmessage"}:
                self._messages.append((message["channel"], message["data"]))


@contextmanager
def published(redis: Redis) -> Iterator[Published]:
    """What comes on the channels of all audiences."""
    with redis.pubsub() as pubsub:
        pubsub.psubscribe(f"{names.RESULT_MESSAGES}:*", f"{names.FINAL_STATS}:*")
        yield _confirmed(pubsub, 2)


@contextmanager
def older_gateway(redis: Redis) -> Iterator[Published]:
    """What comes to a gateway that is older than a channel for each audience."""
    with redis.pubsub() as pubsub:
        pubsub.subscribe(names.RESULT_MESSAGES, names.FINAL_STATS)
        yield _confirmed(pubsub, 2)


def _confirmed(pubsub: Any, count: int) -> Published:
    for _ in range(count):
        assert "subscribe" in pubsub.get_message(timeout=WITHIN_S)["type"]
    return Published(pubsub)
