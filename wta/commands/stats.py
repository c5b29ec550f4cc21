"""``wta stats``: the statistics of a room or of a session."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from wire.errors import ConfigurationError
from wire.messages.client import Start
from wta.client.client import Client
from wta.client.options import Hooks, Limits
from wta.commands.options import HERE, Ca, Gateway, Insecure, Json, SavedSession, Url, explained, print_json
from wta.commands.watch import reader
from wta.outcome import Outcome
from wta.run.recording import OK
from wta.view.view import View

ARRIVE_S = 2.0
"""Seconds for statistics, which follow ``ready``; where nothing was said, there are none."""


def stats(
    room: Annotated[str | None, typer.Option("--room", help="Statistics of this room.")] = None,
    session: Annotated[Path | None, typer.Option("--session", help="Or of the session in a file of --save.")] = None,
    url: Url = HERE,
    ca: Ca = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Show the statistics of a room or of a session so far.

    A session is resumed for that: a program that still talks in it is disconnected.
    """
    with explained(as_json=as_json) as view:
        if (room is None) == (session is None):
            raise ConfigurationError("bad_option", "It takes --room or --session, one of them.", "See --help.")
        known = SavedSession.read(session) if session is not None else None
        start = Start(**known.model_dump()) if known is not None else reader(room or "")
        client = Gateway(url, ca, insecure).client(start, Limits(timeout_s=10), Hooks())
        asyncio.run(_read(client, "room" if room else "session"))
        _show(client, view, as_json=as_json)
    raise typer.Exit(OK)


async def _read(client: Client, scope: str) -> None:
    async with client:
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVE_S):
                await client.until(lambda: scope in client.transcript.statistics)


def _show(client: Client, view: View, *, as_json: bool) -> None:
    known = [each for each in client.transcript.statistics_in_order() if each.version]
    if as_json:
        for statistics in known:
            print_json(statistics.model_dump(mode="json"))
    else:
        view.end([Outcome(session="1", utterances=0, failures=0, missing=0)], known)
