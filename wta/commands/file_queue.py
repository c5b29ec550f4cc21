"""Transcribes one file after the other, each in a session of its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from wire.errors import AudioError
from wire.messages.client import Start
from wta.audio.source import Channels, open_file
from wta.client.client import Client
from wta.client.errors import GatewayError
from wta.client.options import Hooks, Limits
from wta.commands.export import Format, write
from wta.commands.options import INTERRUPTED, Gateway, print_json
from wta.outcome import Outcome
from wta.run.recording import FAILED, OK, exit_code
from wta.run.session import run_session
from wta.run.signals import SignalHandler
from wta.view.progress import Progress
from wta.view.view import View


class FileQueue:
    """Files of one command line."""

    def __init__(
        self, gateway: Gateway, view: View, format_name: Format, *, delete: bool = False, as_json: bool = False
    ) -> None:
        """Transcribe nothing yet.

        Args:
            gateway: transcribes, and writes the transcripts in their format.
            view: shows what goes wrong.
            format_name: of the transcripts.
            delete: conversations are deleted when their transcript is written.
            as_json: print a JSON line for each file, with the transcript if it has no other place.
        """
        self._gateway = gateway
        self._view = view
        self._format = format_name
        self._delete = delete
        self._as_json = as_json
        self._interrupt = SignalHandler(lambda: view.notice("Stopping; waiting for the last results of this file."))

    async def run(
        self, files: Sequence[tuple[Path, Path | None]], start: Start, channels: Channels, limits: Limits
    ) -> int:
        """Transcribe files into their outputs, None for the terminal; return the exit code, the worst one of them.

        Raises:
            GatewayError: the gateway is away, or refuses a session: the next file would fare no better.
        """
        code = OK
        with Progress(hidden=self._as_json) as progress:
            for file, output in files:
                client = self._gateway.client(start, limits, Hooks(on_notice=self._view.notice))
                try:
                    outcome = await self._send(file, channels, client, progress)
                except AudioError as error:
                    self._view.print_error(error)
                    code = FAILED
                    continue
                await asyncio.to_thread(self._write, client, outcome, file, output)
                code = max(code, exit_code([outcome]))
                if self._interrupt.stop.is_set():
                    return INTERRUPTED
        return code

    async def _send(self, file: Path, channels: Channels, client: Client, progress: Progress) -> Outcome:
        """Send a file. One that breaks off has an outcome too, with the error."""
        source = open_file(file, realtime=False, channels=channels)
        async with progress.following(file.name, source.seconds, lambda: client.transcript.acknowledged):
            try:
                outcome = await run_session(1, client, source, self._interrupt.stop, self._interrupt.install)
            finally:
                self._interrupt.restore()
        if isinstance(outcome.error, GatewayError):
            raise outcome.error
        if outcome.error is not None:
            self._view.print_error(outcome.error)
        return outcome

    def _write(self, client: Client, outcome: Outcome, file: Path, output: Path | None) -> None:
        """Write the transcript of a session that is over."""
        session_id, token = client.session_id or "", client.token or ""
        routes = self._gateway.routes()
        transcript = routes.export(session_id, token, self._format)
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
        if output is not None or not self._as_json:
            write(transcript, output)
        if self._as_json:
            counts = {name: getattr(outcome, name) for name in ("utterances", "failures", "missing")}
            place = {"transcript": transcript.decode("utf-8-sig")} if output is None else {"output": str(output)}
            print_json({"type": "transcribed", "file": str(file), "session_id": session_id, **counts, **place})
        if self._delete:
            routes.delete(session_id, token)
