"""The gateway's HTTP routes: readiness, access, statistics, transcripts as files, deletion."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email import message
from http.client import HTTPException
from typing import Any

from pydantic import ValidationError

from wire.messages.base import Message
from wire.messages.statistics import Statistics
from wta.client.address import http_url
from wta.client.authorization import authorization
from wta.client.connect import TRY_LATER, explain_failure
from wta.client.errors import GatewayError, GatewayUnavailable
from wta.client.problem import read_problem
from wta.client.tls import Tls

TIMEOUT_S = 30.0
LARGEST = 64 << 20
"""Bytes of an answer: an export of 10,000 results has about 10 MB."""


@dataclass(frozen=True)
class Answer:
    """Answer to a request, whatever its status."""

    status: int
    headers: message.Message
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; None if it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class HttpRoutes:
    """Requests to one gateway. Each blocks; in an event loop, ``asyncio.to_thread`` calls it."""

    def __init__(self, url: str, *, key: str | None = None, tls: Tls | None = None) -> None:
        """Request with an API key, or without one.

        Raises:
            ConfigurationError: address or key cannot be one, or the authority of ``tls`` cannot be read.
        """
        self.url = http_url(url)
        authorization(key)
        self._key = key
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _NoRedirects()]
        if self.url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=(tls or Tls()).context()))
        self._opener = urllib.request.build_opener(*handlers)

    def request(
        self, path: str, method: str = "GET", bearer: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> Answer:
        """Return the answer to a request with the key, or with ``bearer`` in its place.

        Raises:
            GatewayUnavailable: there is no answer.
            GatewayError: the certificate is not accepted, or the answer is no HTTP.
        """
        headers = authorization(bearer or self._key)
        request = urllib.request.Request(self.url + path, method=method, headers=headers)  # noqa: S310 (http_url)
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                return Answer(answer.status, answer.headers, answer.read(LARGEST))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.headers, refused.read(LARGEST))
        except (OSError, HTTPException) as error:  # an URLError is an OSError
            reason = getattr(error, "reason", None)
            raise explain_failure(self.url, reason if isinstance(reason, Exception) else error) from error

    def export(self, session_id: str, token: str, format_name: str) -> bytes:
        """Return the transcript of a session, in a room that of all its sessions, as the file of a format.

        Args:
            session_id: as in ``ready``.
            token: as in ``ready``.
            format_name: txt, srt, vtt, json or csv.

        Raises:
            GatewayError: the gateway refuses it, or cannot be reached.
        """
        answer = self.request(f"/sessions/{session_id}/export?format={format_name}", bearer=token)
        if answer.status != 200:
            raise refusal(self.url, answer)
        return answer.body

    def statistics(self, session_id: str, token: str) -> list[Statistics]:
        """Return the statistics of a session, and those of its room; none where nothing was said.

        A program that talks in the session goes on.

        Raises:
            GatewayError: the gateway refuses it, or cannot be reached.
        """
        answer = self.request(f"/v1/sessions/{session_id}", bearer=token)
        if answer.status != 200:
            raise refusal(self.url, answer)
        try:
            details = _Details.model_validate_json(answer.body)
        except ValidationError:
            raise refusal(self.url, answer) from None
        return [each for each in (details.statistics, details.room_statistics) if each is not None]

    def delete(self, session_id: str, token: str) -> None:
        """Delete what was said in a session.

        Raises:
            GatewayError: the gateway refuses it, or cannot be reached.
        """
        answer = self.request(f"/sessions/{session_id}", "DELETE", bearer=token)
        if answer.status != 204:
            raise refusal(self.url, answer)


class _Details(Message):
    """The fields of a session's description that matter here."""

    statistics: Statistics | None
    room_statistics: Statistics | None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are answers: a key or a token goes to the address that was given, and to no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def refusal(url: str, answer: Answer) -> GatewayError:
    """Return the error of a request that is refused: the gateway's own, or none that it would send.

    It is ``GatewayUnavailable`` where trying again may help.
    """
    if (error := read_problem(answer.body)) is not None:
        return GatewayUnavailable(error.code, error.message, error.remedy) if answer.status in TRY_LATER else error
    if answer.status in TRY_LATER:
        message = f"{url} answers with HTTP status {answer.status}: the gateway behind it is away."
        return GatewayUnavailable("gateway_away", message, "Start it, and look at its log.")
    message = f"{url} answers with HTTP status {answer.status}: it is no gateway, or one of another version."
    return GatewayError("not_a_gateway", message, "Check the address (--url); wta doctor finds out more.")
