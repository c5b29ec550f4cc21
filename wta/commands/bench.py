"""``wta bench``: latency of a running system with a recording."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wire.messages.statistics import Statistics
from wta.audio.source import open_file
from wta.client.options import Hooks, Limits
from wta.commands.options import HERE, Ca, Gateway, Insecure, Json, Languages, Timeout, Url, explained
from wta.outcome import Outcome, total
from wta.run.recording import record
from wta.run.start import make_start
from wta.view.script import ScriptView
from wta.view.tables import outcomes_table
from wta.view.view import View


def bench(
    file: Annotated[Path, typer.Argument(help="Recording of speech.")],
    url: Url = HERE,
    sessions: Annotated[int, typer.Option(min=1, max=10_000, help="So many at once.")] = 1,
    realtime: Annotated[bool, typer.Option("--realtime/--fast", help="How quickly the file is played.")] = True,
    language: Languages = None,
    timeout: Timeout = 60.0,
    ca: Ca = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Measure the latency with a recording, in one or many sessions.

    The latency is from the end of the speech to the text on the connection, by the gateway's clock: the way over the
    network is not in it. wta doctor measures that.

    Exit code 0: all is well; 1: results or audio are missing; 2: it could not be done, and why.
    """
    with explained(as_json=as_json):
        view = _ScriptSummary() if as_json else _Summary()
        source = open_file(file, realtime=realtime)
        gateway, start = Gateway(url, ca, insecure), make_start(language or [])
        limits, hooks = Limits(timeout), Hooks(on_notice=view.notice)
        clients = [gateway.client(start, limits, hooks) for _ in range(sessions)]
        code = asyncio.run(record(source, clients, view))
    raise typer.Exit(code)


class _Summary(View):
    """A row for each session, also for a single one."""

    def end(self, outcomes: list[Outcome], statistics: list[Statistics]) -> None:  # noqa: ARG002 (not of interest here)
        """Print the latencies."""
        self.table(outcomes_table([*outcomes, total(outcomes)]))


class _ScriptSummary(ScriptView):
    """A line for each session, also for a single one, and one for their sum."""

    def end(self, outcomes: list[Outcome], statistics: list[Statistics]) -> None:  # noqa: ARG002 (not of interest here)
        """Print the latencies."""
        self.summaries([*outcomes, total(outcomes)])
