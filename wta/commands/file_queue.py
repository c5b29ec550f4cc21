"""Transcribes one file after the other, each in a session of its own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from wire.errors import AudioError
from wire.messages.client import Start
from wta.audio.source import Channels, Source, is_for_the_gateway, open_file
from wta.client.errors import GatewayError
from wta.client.event_stream import FileProgress
from wta.client.file_route import KeptSession
from wta.client.options import Hooks, Limits
from wta.client.retries import patiently
from wta.commands.export import Format, write
from wta.commands.options import INTERRUPTED, Gateway, print_json
from wta.outcome import Outcome
from wta.run.recording import FAILED, OK, exit_code
from wta.run.session import run_session
from wta.run.signals import SignalHandler
from wta.view.progress import Progress
from wta.view.view import View

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Order:
    """Choices for all files of one command line."""

    format_name: Format
    """Format of the transcripts."""
    start: Start
    """The beginning of each session."""
    channels: Channels = Channels.ONE
    limits: Limits = field(default_factory=Limits)
    delete: bool = False
    """Conversations are deleted when their transcript is written."""
    as_json: bool = False
    """Print a JSON line for each file, with the transcript if it has no other place."""


class FileQueue:
    """Files of one command line."""

    def __init__(self, gateway: Gateway, view: View, order: Order) -> None:
        """Transcribe nothing yet.

        Args:
            gateway: transcribes, and writes the transcripts in their format.
            view: shows what goes wrong.
            order: what to do with each file.
        """
        self._gateway = gateway
        self._view = view
        self._order = order
        self._hooks = Hooks(on_notice=view.notice)
        self._interrupt = SignalHandler(lambda: view.notice("Stopping; waiting for the last results of this file."))

    async def run(self, files: Sequence[tuple[Path, Path | None]]) -> int:
        """Transcribe files into their outputs, None for the terminal; return the exit code, the worst one of them.

        Raises:
            GatewayError: the gateway is away, or refuses a session: the next file would fare no better.
        """
        code = OK
        with Progress(hidden=self._order.as_json) as progress:
            for file, output in files:
                try:
                    session, outcome = await self._transcribe(file, progress)
                except AudioError as error:
                    self._view.print_error(error)
                    code = FAILED
                    continue
                await self._finish(session, outcome, file, output)
                code = max(code, exit_code([outcome]))
                if self._interrupt.stop.is_set():
                    return INTERRUPTED
        return code

    async def _transcribe(self, file: Path, progress: Progress) -> tuple[KeptSession, Outcome]:
        try:
            source = open_file(file, realtime=False, channels=self._order.channels)
        except AudioError:
            if not is_for_the_gateway(file):
                raise
            return await self._send_whole(file, progress)
        return await self._send(file, source, progress)

    async def _send(self, file: Path, source: Source, progress: Progress) -> tuple[KeptSession, Outcome]:
        """Send the sound of a file. One that breaks off has an outcome too, with the error."""
        client = self._gateway.client(self._order.start, self._order.limits, self._hooks)

        def state() -> FileProgress:
            return FileProgress(client.transcript.acknowledged / source.rate, source.seconds)

        async with progress.following(file.name, state):
            try:
                outcome = await run_session(1, client, source, self._interrupt.stop, self._interrupt.install)
            finally:
                self._interrupt.restore()
        if isinstance(outcome.error, GatewayError):
            raise outcome.error
        if outcome.error is not None:
            self._view.print_error(outcome.error)
        return KeptSession(client.session_id or "", client.token or ""), outcome

    async def _send_whole(self, file: Path, progress: Progress) -> tuple[KeptSession, Outcome]:
        """Send a file as it is. Ctrl-C ends it at once: the gateway drops what breaks off."""
        start = self._order.start
        if start.room or start.name or start.channels > 1:
            raise AudioError(
                "one_talker",
                f"{file} is decoded by the gateway, as one talker without a name and a room.",
                "Leave --room, --name and --channels out, or convert it first: ffmpeg -i INPUT OUTPUT.wav",
            )
        state = FileProgress(0.0, None)

        def note(newer: FileProgress) -> None:
            nonlocal state
            state = newer

        route = self._gateway.file_route(self._order.limits, self._hooks)
        languages = [start.language] if start.language else start.languages
        async with progress.following(file.name, lambda: state):
            try:
                session = await route.transcribe(file, languages, note)
            except AudioError as error:  # the gateway does not name it
                raise AudioError(error.code, f"{file}: {error.message}", error.remedy) from None
        known = await self._request(self._gateway.routes().statistics, session.session_id, session.token)
        counts = (known[0].utterances, known[0].failures) if known else (0, 0)
        return session, Outcome("1", *counts, missing=0)

    async def _finish(self, session: KeptSession, outcome: Outcome, file: Path, output: Path | None) -> None:
        """Write the transcript of a session that is over."""
        routes = self._gateway.routes()
        known = session.session_id, session.token
        transcript = await self._request(routes.export, *known, self._order.format_name)
        if output is not None or not self._order.as_json:
            write(transcript, output)
        if self._order.as_json:
            counts = {name: getattr(outcome, name) for name in ("utterances", "failures", "missing")}
            place = {"transcript": transcript.decode("utf-8-sig")} if output is None else {"output": str(output)}
            print_json({"type": "transcribed", "file": str(file), "session_id": session.session_id, **counts, **place})
        if self._order.delete:
            await self._request(routes.delete, *known)

    async def _request(self, call: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Make a request in a thread, again while the gateway is away: what was said is there already."""
        request = partial(asyncio.to_thread, call, *arguments, **options)
        return await patiently(request, self._order.limits, self._view.notice)
