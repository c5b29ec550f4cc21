"""Errors of Redis, and of a service that has too much to do."""

from wire.errors import StoreError

_CONTINUES = (
    "Nothing is lost, and it continues by itself; if it lasts longer than a minute, pause, and ask the operator"
)


def redis_unavailable() -> StoreError:
    """A request needs Redis, which is unavailable."""
    return StoreError(
        "redis_unreachable",
        "The service cannot reach its store at the moment.",
        "Try again in a few seconds; if it lasts, the operator must start Redis or correct REDIS_URL.",
    )


def redis_late() -> StoreError:
    """A write to Redis has not succeeded for a few seconds."""
    return StoreError(
        "redis_unreachable",
        "The service cannot write to its store at the moment, so results come late.",
        f"{_CONTINUES} to look at Redis.",
    )


def busy() -> StoreError:
    """The ledger, or Redis, is full."""
    return StoreError(
        "busy",
        "More speech waits than the service takes at once, so results come late.",
        f"{_CONTINUES} to add workers, or memory for Redis.",
    )


def full(connections: int) -> StoreError:
    """The gateway has its largest number of connections."""
    return StoreError(
        "service_full", f"All {connections} places are taken.", "Try again later, or ask the operator for more."
    )
