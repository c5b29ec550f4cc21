"""Entry point: ``python -m fastapi_service.fastapi_service``."""

import sys

import uvicorn

from fastapi_service.api.keepalive import PatientWebSocketProtocol
from fastapi_service.api.unread import ReadHttpProtocol
from fastapi_service.app import create_app
from fastapi_service.endpointing.silero import SileroModel
from fastapi_service.gateway import CLOSING_S
from fastapi_service.settings import Settings
from infra.logs import configure_logs
from infra.settings import load_settings_or_exit
from wire import names
from wire.errors import ModelError

LARGEST_MESSAGE = 262_144
"""Bytes; the WebSocket library closes with 1009 beyond it, but for paths with larger messages (``api/keepalive.py``).
Between 64 KiB and this, the client of ``/ws`` gets a typed error."""
PING_S = 20.0


def load_voice_or_exit(settings: Settings) -> SileroModel | None:
    """Load the voice model unless the settings turn it off; one that cannot be loaded ends the process with one line.

    Without it the gateway would run, and its operator would not see why loud rooms get their texts late.
    """
    if not settings.voice_detection:
        return None
    try:
        return SileroModel()
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def main() -> None:
    """Run the gateway until it is stopped."""
    settings = load_settings_or_exit(Settings)
    configure_logs(settings, names.GATEWAY)
    uvicorn.run(
        create_app(settings, load_voice_or_exit(settings)),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        http=ReadHttpProtocol,
        ws=PatientWebSocketProtocol,
        ws_max_size=LARGEST_MESSAGE,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        proxy_headers=False,  # the application has the middleware, with the networks of the settings
        ws_per_message_deflate=False,  # PCM gains nothing, and it doubles the memory of an idle socket
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=CLOSING_S,
    )


if __name__ == "__main__":
    main()
