"""Connections that have not brought a grant yet."""

from collections import Counter

from fastapi_service import errors

MOST_STRANGERS = 20
"""Connections of one network that have not brought a grant yet: others need the places."""


class Strangers:
    """Counts them by network, in this gateway."""

    def __init__(self, again_s: int) -> None:
        """``again_s``: seconds after which one of them has gone at the latest."""
        self._again_s = again_s
        self._by_network: Counter[str] = Counter()

    def arrive(self, network: str) -> None:
        """Count a connection without a grant, which may bring one in its first message.

        Raises:
            AccessError: too many of its network do.
        """
        if self._by_network[network] >= MOST_STRANGERS:
            raise errors.too_many_connections("address", self._again_s)
        self._by_network[network] += 1

    def depart(self, network: str) -> None:
        """Count it no longer: it has brought a grant, or has gone."""
        self._by_network[network] -= 1
        if self._by_network[network] <= 0:
            del self._by_network[network]
