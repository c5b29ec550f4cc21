"""Requests that are made again while the gateway is away."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from wta.client.backoff import Backoff
from wta.client.errors import GatewayUnavailable
from wta.client.options import Limits

T = TypeVar("T")


async def patiently(request: Callable[[], Awaitable[T]], limits: Limits, on_notice: Callable[[str], None]) -> T:
    """Return what a request returns, which is made again until the gateway answers it.

    Args:
        request: makes it.
        limits: for how long.
        on_notice: called with each reason once.

    Raises:
        GatewayUnavailable: the gateway was away for longer than ``timeout_s``.
    """
    backoff, said = Backoff(limits.timeout_s, limits.first_pause_s), set[str]()
    while True:
        try:
            return await request()
        except GatewayUnavailable as unavailable:
            reason = unavailable.message

            def notice(left_s: float, reason: str = reason) -> None:
                if reason not in said:
                    said.add(reason)
                    on_notice(f"retrying for {left_s:.0f} s: {reason}")

            await backoff.pause(unavailable, notice)
