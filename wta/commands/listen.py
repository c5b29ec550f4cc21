"""``wta listen``: a microphone, or what this machine plays, live."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wire.errors import ConfigurationError
from wire.messages.server import AnyServerMessage, Ready
from wta.audio.microphone import found_devices
from wta.audio.source import open_microphone
from wta.client.options import Hooks, Limits
from wta.commands.options import (
    HERE,
    Ca,
    Gateway,
    Insecure,
    Json,
    Languages,
    Room,
    Save,
    SavedSession,
    Timeout,
    Url,
    explained,
    save,
)
from wta.run.recording import OK, record
from wta.run.start import make_start, speakers
from wta.view.live import LiveView


def listen(
    url: Url = HERE,
    language: Languages = None,
    room: Room = None,
    name: Annotated[list[str] | None, typer.Option(help="Your name. With two channels: left, right.")] = None,
    role: Annotated[list[str] | None, typer.Option(help="Your role, such as agent.")] = None,
    channels: Annotated[int, typer.Option(min=1, max=2, help="2: left and right are two talkers.")] = 1,
    device: Annotated[str | None, typer.Option(help="Microphone: its number or a part of its name.")] = None,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="Show the microphones.")] = False,
    system: Annotated[bool, typer.Option("--system", help="What this machine plays, not a microphone.")] = False,
    save_to: Save = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Go on with the session that --save wrote.")] = None,
    timeout: Timeout = 60.0,
    ca: Ca = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Transcribe the microphone, live.

    Ctrl-C stops the recording and waits for the last results; a second one ends at once. An API key comes from WTA_KEY.

    Exit code 0: all is well; 1: results or audio are missing; 2: it could not be done, and why.
    """
    with explained(as_json=as_json, people=LiveView) as view:
        if list_devices:
            view.devices(found_devices())
            raise typer.Exit(OK)
        if system and device is not None:
            raise ConfigurationError("bad_option", "--system chooses the device itself.", "Leave --device out.")
        if resume is not None and channels == 2:
            raise ConfigurationError("bad_option", "--resume is for one channel.", "Leave --channels out.")
        source = open_microphone(device, view.notice, split=channels == 2, system=system)
        who = speakers(channels, name or [], role or [])
        known = {} if resume is None else SavedSession.read(resume).model_dump()
        start = make_start(language or [], room=room, sample_rate=source.rate, **who, **known)

        def on_message(message: AnyServerMessage) -> None:
            view.message(message)
            if isinstance(message, Ready):  # not at the end, which a second Ctrl-C does not reach
                save(client, save_to)

        hooks = Hooks(on_message, view.notice)
        client = Gateway(url, ca, insecure).client(start, Limits(timeout, live=True), hooks)
        code = asyncio.run(record(source, [client], view))
    raise typer.Exit(code)
