"""Errors between a client and the gateway."""

from wire.errors import WireError


class GatewayError(WireError):
    """The gateway refused the session, or what answers there is no gateway. Trying again would not help."""


class GatewayUnavailable(GatewayError):
    """The gateway cannot serve the session at the moment. Trying again may help."""
