"""Settings of the gateway, read from ``GATEWAY_*``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from fastapi_service.security.origins import parse_origins
from fastapi_service.security.proxies import parse_networks
from infra.settings import WireSettings, service_config


def _checked(parse: Callable[[str], object]) -> AfterValidator:
    """Return a validator that keeps the text, and refuses one that ``parse`` refuses."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


class Settings(WireSettings):
    """The gateway's settings; docs for operators are in .env.example."""

    model_config = service_config("GATEWAY_")

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for the whole network."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    """Port to listen on."""
    tls_cert: Path | None = None
    """PEM file with the certificate chain; together with ``tls_key`` the gateway speaks HTTPS itself."""
    tls_key: Path | None = None
    """PEM file with the certificate's private key."""
    allowed_origins: Annotated[str, _checked(parse_origins)] = ""
    """Comma-separated origins (https://example.org) whose pages may open WebSockets and request by HTTP; the gateway's
    own page always may. ``*`` allows any. Clients that send no Origin (programs) are always allowed."""
    access: Literal["", "open", "closed"] = ""
    """``open``, or empty: whoever reaches the gateway may use it. ``closed``: people sign in, programs have keys, and
    rooms are entered by links; see docs/access.md. Compose sets it, unless it is set."""
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/?#]+)?/?$")] = ""
    """Address by which people open the page, for the link that signs in at the first start; empty: localhost."""
    login_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = ""
    """Header in which a trusted proxy names the person whom it has signed in; empty: none does."""
    login_path: Annotated[str, Field(pattern=r"^(/[\w/.?=&%-]*)?$")] = ""
    """Path at which that proxy signs people in, which the page then offers; empty: with the pass-phrase only."""
    twilio_token: Annotated[str, Field(repr=False)] = ""
    """Auth token of a Twilio account: calls on ``/twilio`` without its signature are refused. Empty: none is needed."""
    max_connections_per_address: Annotated[int, Field(ge=0)] = 0
    """Sessions at once from one address, over all gateways; 0: no limit."""
    max_connections_per_room: Annotated[int, Field(ge=0)] = 0
    """Connections at once in one room, over all gateways; 0: no limit."""
    trusted_proxies: Annotated[str, _checked(parse_networks)] = "127.0.0.1,::1"
    """Comma-separated addresses and networks of proxies whose ``X-Forwarded-Host``, ``-Proto`` and ``-For`` count;
    ``*`` for any."""
    max_sessions: Annotated[int, Field(ge=1)] = 300
    """Connections at once; further ones get ``service_full``. The default fits the memory of the container."""
    max_session_s: Annotated[int, Field(ge=60)] = 18_000
    """Seconds of audio in one session."""
    max_file_mb: Annotated[int, Field(ge=1, le=4_000)] = 200
    """MB (a million bytes) of a file that a program sends by HTTP. There is room for two of them, in ``/tmp``, which in
    containers is memory (``GATEWAY_MEMORY``)."""
    start_timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 30.0
    """Seconds after which a connection without a session is closed."""
    stop_timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """Seconds that ``stop`` waits for the last results."""

    pre_roll_ms: Annotated[int, Field(ge=0, le=2_000)] = 300
    """Audio before the first voiced frame that belongs to an utterance."""
    silence_ms: Annotated[int, Field(ge=100, le=5_000)] = 500
    """Silence that ends an utterance whose text does not show whether its sentence is over, or is not there in time."""
    unfinished_ms: Annotated[int, Field(ge=0, le=5_000)] = 800
    """Silence that ends an utterance whose sentence is not over by the text that is begun in the pause; below
    ``silence_ms`` that counts. A sentence that is over ends with that text, mostly before ``silence_ms``, and one that
    others follow with a text that has some words of them. 0: no text ends anything, ``silence_ms`` decides alone."""
    jitter_ms: Annotated[int, Field(ge=0, le=600_000)] = 1_500
    """Time that audio may come late, by the network or by the client, before its utterance ends: without audio it ends
    after ``silence_ms`` and this. A packet that is lost three times comes 1.4 s late."""
    pause_ms: Annotated[int, Field(ge=0, le=5_000)] = 200
    """Silence after which the final text is begun, to be used if the utterance ends there, by the text or by silence.
    0, or a value not below ``silence_ms``, begins it at the end only. Then no text of a pause ends a sentence."""
    interim_ms: Annotated[int, Field(ge=0, le=60_000)] = 1_000
    """Shortest time between two interim texts of a session; 0 shows final texts only."""
    context_s: Annotated[float, Field(ge=0, le=20)] = 6.0
    """Longest speech before an utterance that it is transcribed together with, so that its text continues; 0 for none.
    More costs the workers more time."""
    max_utterance_ms: Annotated[int, Field(ge=2_000, le=29_000)] = 20_000
    """Longest utterance; Whisper takes at most 30 s at once."""
    min_speech_ms: Annotated[int, Field(ge=0, le=1_000)] = 90
    """Sound shorter than this is no speech."""
    silence_ceiling: Annotated[float, Field(gt=0, lt=1)] = 0.0005
    """Mean square, 0–1, above which a 30 ms frame is voiced at any noise level."""
    noise_factor: Annotated[float, Field(ge=1, le=100)] = 6.0
    """A frame is voiced above this multiple of the running noise floor, unless the ceiling is lower."""
    voice_detection: bool = True
    """In a room so loud that the ceiling is the threshold, Silero VAD decides which frames are voiced; without it, an
    utterance ends there only when it is too long."""

    @model_validator(mode="after")
    def _certificate_and_key(self) -> "Settings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("GATEWAY_TLS_CERT and GATEWAY_TLS_KEY belong together: set both or neither")
        for file in (self.tls_cert, self.tls_key):
            if file is not None and not file.is_file():
                raise ValueError(f"{file} (GATEWAY_TLS_CERT or GATEWAY_TLS_KEY) is not a file")
        return self

    @property
    def audio_timeout_s(self) -> float:
        """Return the seconds without audio that end an open utterance, whether the connection is broken or not."""
        return (self.silence_ms + self.jitter_ms) / 1000

    @property
    def closed(self) -> bool:
        """Return True if a client needs a grant."""
        return self.access == "closed"

    @property
    def page_url(self) -> str:
        """Return the address of the page, without a slash at its end."""
        scheme = "https" if self.tls_cert is not None else "http"
        return self.public_url.rstrip("/") or f"{scheme}://localhost:{self.port}"

    @property
    def origins(self) -> frozenset[str]:
        """Return ``allowed_origins`` as a set of normalized origins."""
        return parse_origins(self.allowed_origins)

    @property
    def proxies(self) -> list[str]:
        """Return ``trusted_proxies`` as a list of networks, or of ``*`` alone."""
        return parse_networks(self.trusted_proxies)
