"""``wta stats``: the statistics of a room or of a session."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from wire.errors import ConfigurationError
from wire.messages.statistics import Statistics
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

    A room is entered for that, as by watch. A program that talks in the session goes on.

    Where access is closed, a room takes the secret of a link from WTA_INVITE, or an API key from WTA_KEY; a session
    takes neither.
    """
    with explained(as_json=as_json) as view:
        if (room is None) == (session is None):
            raise ConfigurationError("bad_option", "It takes --room or --session, one of them.", "See --help.")
        gateway = Gateway(url, ca, insecure)
        if session is not None:
            saved = SavedSession.read(session)
            _show(gateway.routes().statistics(saved.session_id, saved.token), view, as_json=as_json)
        else:
            client = gateway.client(reader(room or ""), Limits(timeout_s=10), Hooks())
            asyncio.run(_read(client))
            _show(client.transcript.statistics_in_order(), view, as_json=as_json)
    raise typer.Exit(OK)


async def _read(client: Client) -> None:
    async with client:
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVE_S):
                await client.until(lambda: "room" in client.transcript.statistics)


def _show(found: Sequence[Statistics], view: View, *, as_json: bool) -> None:
    known = [each for each in found if each.version]
    if as_json:
        for statistics in known:
            print_json(statistics.model_dump(mode="json"))
    else:
        view.end([Outcome(session="1", utterances=0, failures=0, missing=0)], known)
