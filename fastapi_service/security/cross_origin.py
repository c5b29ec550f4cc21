"""Answers to HTTP requests that pages of other origins may read (CORS): those of ``GATEWAY_ALLOWED_ORIGINS``."""

from collections.abc import Set

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

METHODS = ("GET", "POST", "DELETE")
EXPOSED = ("Content-Disposition", "Retry-After", "X-Failed-Segments", "X-Request-Id", "X-Session-Id", "X-Session-Token")
"""Headers of answers that scripts of such a page may read, beside those that browsers always show."""


class ListedOrigins(CORSMiddleware):
    """ASGI middleware that lets pages of listed origins request with any header, such as a key, and read the answers.

    It grants nothing else: each route checks origin and grant as before. WebSockets pass unchanged.
    """

    def __init__(self, app: ASGIApp, origins: Set[str]) -> None:
        """``origins`` as ``parse_origins`` returns them; browsers may send the cookie from those with a name only."""
        super().__init__(
            app,
            allow_origins=origins,
            allow_credentials="*" not in origins,
            allow_methods=METHODS,
            allow_headers=("*",),
            expose_headers=EXPOSED,
        )
