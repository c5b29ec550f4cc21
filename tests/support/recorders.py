"""The inside of a recorder's client."""

from wta.client.client import Client


def unacknowledged(client: Client) -> int:
    """Samples that would be sent again if the connection broke now."""
    buffer = client._session.buffer
    return buffer.end - buffer.start
