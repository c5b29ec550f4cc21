"""The gateway's route for files of kinds that are not decoded here: MP4, M4A, WebM and others."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from wire.errors import AudioError, WireError
from wta.client.address import http_url
from wta.client.authorization import authorization
from wta.client.connect import KEYS, OPEN_S, explain_failure
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.event_stream import Event, Fault, FileProgress, events
from wta.client.options import Hooks, Limits
from wta.client.retries import patiently
from wta.client.tls import Tls

PATH = "/v1/audio/transcriptions"
_LATER = frozenset({408, 429, 502, 503, 504})
"""HTTP status codes after which a file is sent again."""
_LARGEST = 1 << 20
"""Bytes of a refusal that are read."""


@dataclass(frozen=True)
class KeptSession:
    """A session that the gateway keeps, for an hour after its last word."""

    session_id: str
    token: str = field(repr=False)
    """Lets anybody read and delete it."""


class FileRoute:
    """Sends files to one gateway, which decodes and transcribes them. Nothing of a file is kept that breaks off."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        limits: Limits | None = None,
        hooks: Hooks | None = None,
        tls: Tls | None = None,
    ) -> None:
        """Send with an API key of the scope ``files``, or without one where access is open.

        Raises:
            ConfigurationError: address or key cannot be one, or the authority of ``tls`` cannot be read.
        """
        self._url = http_url(url)
        self._headers = authorization(key)
        self._limits, self._hooks = limits or Limits(), hooks or Hooks()
        self._tls = (tls or Tls() if self._url.startswith("https:") else Tls()).context()

    async def transcribe(
        self, path: Path, languages: Sequence[str] = (), on_progress: Callable[[FileProgress], None] = lambda _: None
    ) -> KeptSession:
        """Send a file; return when all of it is transcribed.

        While the gateway is away, or busy, the whole file is sent again. A gateway drops a file whose sender goes.

        Args:
            path: of the file.
            languages: codes of those that are spoken in it; none: any.
            on_progress: called every few seconds with how much of it is transcribed.

        Raises:
            AudioError: the file cannot be read here, or not be decoded by the gateway.
            GatewayUnavailable: there is no answer, for longer than ``timeout_s``, or the line broke.
            GatewayError: the gateway refuses it, or what answers is none.
        """
        send = partial(self._send, path, languages, on_progress)
        return await patiently(send, self._limits, self._hooks.on_notice)

    async def _send(
        self, path: Path, languages: Sequence[str], on_progress: Callable[[FileProgress], None]
    ) -> KeptSession:
        fields = {"stream": "true", "keep": "true", "languages[]": list(languages)}
        with _opened(path) as file, self._explained():
            async with (
                self._http() as http,
                http.stream("POST", self._url + PATH, data=fields, files={"file": ("file", file)}) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise await self._refusal(answer)
                async for event in events(answer.aiter_bytes()):
                    if isinstance(event, FileProgress):
                        on_progress(event)
                    elif (kept := self._end(event)) is not None:
                        return kept
        raise self._lost("it broke off")

    def _http(self) -> httpx.AsyncClient:
        timeout = httpx.Timeout(self._limits.idle_timeout_s, connect=OPEN_S)
        return httpx.AsyncClient(headers=self._headers, verify=self._tls, timeout=timeout, trust_env=False)

    def _end(self, event: Event) -> KeptSession | None:
        """Return the session of a file that is transcribed; None before that."""
        if event.error is not None:
            raise _error(event.error, self._url, again=False)
        if event.type != "transcript.text.done":
            return None
        if event.session is None:
            raise _other(self._url, "does not keep sessions")
        return KeptSession(event.session.id, event.session.token)

    async def _refusal(self, answer: httpx.Response) -> WireError:
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > _LARGEST:
                break
        again = answer.status_code in _LATER
        try:
            error = _error(_Refusal.model_validate_json(body).error, self._url, again=again)
        except ValidationError:
            pass
        else:
            unknown = answer.status_code == httpx.codes.UNAUTHORIZED
            return GatewayError(error.code, error.message, f"{error.remedy} The key is {KEYS}.") if unknown else error
        said = f"answers with HTTP status {answer.status_code}"
        if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            return AudioError("too_large", f"The file is larger than {self._url} takes.", "Cut it into parts.")
        if again:
            return GatewayUnavailable("gateway_away", f"{self._url} {said}: the gateway is away.", "Try again later.")
        return _other(self._url, said)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise errors of the line as those of this package."""
        try:
            yield
        except (httpx.ReadTimeout, httpx.WriteTimeout):
            seconds = self._limits.idle_timeout_s
            message = f"The gateway has said nothing new for {seconds:.0f} s."
            raise GatewayError("no_progress", message, "Look at the workers' logs.") from None
        except httpx.ConnectTimeout as error:
            raise explain_failure(self._url, TimeoutError()) from error
        except httpx.ConnectError as error:
            raise explain_failure(self._url, _root(error)) from error
        except httpx.LocalProtocolError as error:  # not the length that it had
            raise AudioError("file_changed", "The file changed while it was sent.", "Send it again.") from error
        except OSError as error:
            raise AudioError(
                "wav_unreadable", f"The file cannot be read: {error.strerror}.", "Copy it again."
            ) from error
        except httpx.TransportError as error:
            raise self._lost(str(error) or type(error).__name__) from error

    def _lost(self, reason: str) -> GatewayUnavailable:
        message = f"The connection to {self._url} ended before the file was transcribed ({reason.rstrip('.')})."
        return GatewayUnavailable("connection_lost", message, "Check that the gateway runs, and send the file again.")


class _Refusal(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    error: Fault


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise AudioError("wav_unreadable", message, "Give a file that you may read.") from None
    with file:
        yield file


def _error(fault: Fault, url: str, *, again: bool) -> WireError:
    """Return the gateway's own error; its message has the remedy behind the first sentence."""
    if fault.code is None:
        return _other(url, "refuses the file in words of its own")
    sentence, _, remedy = fault.message.partition(". ")
    kind = AudioError if fault.param == "file" else GatewayUnavailable if again else GatewayError
    return kind(fault.code, f"{sentence.rstrip('.')}.", remedy)


def _other(url: str, said: str) -> GatewayError:
    message = f"{url} {said}: it is no gateway, or one of another version."
    return GatewayError("not_a_gateway", message, "Check the address (--url); wta doctor finds out more.")


def _root(error: BaseException) -> Exception:
    """Return the error of the operating system, or of OpenSSL, that is behind one of httpx."""
    while (behind := error.__cause__ or error.__context__) is not None:
        error = behind
    return error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
