"""The inside of a recorder's client."""

from recorder_service.client.client import RecorderClient


def unacknowledged(client: RecorderClient) -> int:
    """Samples that would be sent again if the connection broke now."""
    buffer = client._session.buffer
    return buffer.end - buffer.start
