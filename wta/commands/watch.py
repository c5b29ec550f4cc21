"""``wta watch``: read what is said in a room, live."""

import asyncio
import os
from typing import Annotated

import typer

from wire.messages.client import Start
from wta.client.client import Client
from wta.client.options import Hooks, Limits
from wta.commands.options import HERE, Ca, Gateway, Insecure, Json, Timeout, Url, explained
from wta.run.recording import OK
from wta.run.signals import SignalHandler
from wta.run.start import make_start
from wta.view.view import View


def watch(
    room: Annotated[str, typer.Option("--room", help="Name of the room.")],
    url: Url = HERE,
    name: Annotated[str, typer.Option(help="Your name, for the others in the room.")] = "",
    timeout: Timeout = 60.0,
    ca: Ca = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Show what is said in a room, live.

    It begins with what was said before, and ends with Ctrl-C. No audio is sent.

    Where access is closed, the secret of a link into the room comes from WTA_INVITE, or an API key from WTA_KEY.
    """
    with explained(as_json=as_json) as view:
        start = reader(room, name)
        client = Gateway(url, ca, insecure).client(start, Limits(timeout), Hooks(on_notice=view.notice))
        asyncio.run(_show(client, view))
    raise typer.Exit(OK)


def reader(room: str, name: str = "") -> Start:
    """Return the first message of a reader, with the link's secret from the environment.

    Raises:
        ConfigurationError: the room or the name is none.
    """
    return make_start([], room=room, name=name, invite=os.environ.get("WTA_INVITE", ""))


async def _show(client: Client, view: View) -> None:
    async def show() -> None:
        async with client:
            async for message in client.messages():
                view.message(message)

    interrupt = SignalHandler(lambda: view.notice("Leaving the room."))
    showing, stopping = asyncio.create_task(show()), asyncio.create_task(interrupt.stop.wait())
    interrupt.install()
    try:
        await asyncio.wait([showing, stopping], return_when=asyncio.FIRST_COMPLETED)
        if showing.done():
            showing.result()
    finally:
        interrupt.restore()
        for task in (showing, stopping):
            task.cancel()
        await asyncio.gather(showing, stopping, return_exceptions=True)
