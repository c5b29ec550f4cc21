"""Entry point: ``python -m recorder_service.recorder_service``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from infra.settings import load_settings_or_exit
from recorder_service.settings import Settings
from wire.errors import ConfigurationError, WireError
from wta.audio.microphone import found_devices
from wta.audio.source import Channels, Source, open_file, open_microphone
from wta.client.client import Client
from wta.client.options import Hooks, Limits
from wta.client.tls import Tls
from wta.run.recording import FAILED, OK, record
from wta.run.start import make_start, speakers
from wta.view.script import JsonView
from wta.view.view import View

INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    file: Annotated[
        Path | None, typer.Option(help="Sound file instead of the microphone: WAV, FLAC, MP3, Ogg, …")
    ] = None,
    realtime: Annotated[bool, typer.Option("--realtime/--fast", help="How quickly the file is played.")] = True,
    sessions: Annotated[int, typer.Option(min=1, max=10_000, help="So many at once, each with the whole file.")] = 1,
    url: Annotated[str | None, typer.Option(help="The gateway; by default RECORDER_URL, then this machine.")] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            help="Code such as en, ko or de. Given several times: detected among these; not given: among all."
        ),
    ] = None,
    room: Annotated[str | None, typer.Option(help="Share the results with everybody in this room.")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Your name, for the others in the room and for exports. With two channels: left, right."),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="Your role, such as agent or customer. With two channels: left, right."),
    ] = None,
    channels: Annotated[
        int, typer.Option(min=1, max=2, help="2: the left and the right channel are two talkers, as in a call.")
    ] = 1,
    split: Annotated[bool, typer.Option("--split", help="As --channels 2, for a file that is stereo.")] = False,
    device: Annotated[str | None, typer.Option(help="Microphone: its number or a part of its name.")] = None,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="Show the microphones.")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Accept a self-signed certificate.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON line for each message of the gateway.")] = False,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds that the gateway may be away.")] = None,
) -> None:
    """Send the microphone or a sound file through the pipeline and show what comes back.

    Ctrl-C stops the recording and waits for the last results; a second Ctrl-C ends at once.
    Exit code 0: all is well; 1: results or audio are missing; 2: it could not be done, and why.

    \b
    Examples:
    python -m recorder_service.recorder_service
    python -m recorder_service.recorder_service --file tests/data/jfk.wav --language en
    python -m recorder_service.recorder_service --language ko --language en
    python -m recorder_service.recorder_service --room demo --name 김서연 --role agent
    python -m recorder_service.recorder_service --file call.wav --channels 2 --name Ann --role agent --name Bob
    python -m recorder_service.recorder_service --url https://192.168.1.5:8443 --insecure
    python -m recorder_service.recorder_service --file tests/data/conversation.wav --sessions 20 --fast
    """
    settings = load_settings_or_exit(Settings)
    view = JsonView() if json else View()
    try:
        if list_devices:
            view.devices(found_devices())
            raise typer.Exit(OK)
        talkers = Channels.TWO if channels == 2 else Channels.AUTO if split else Channels.ONE
        source = _open_source(file, device, sessions, view, talkers, realtime=realtime)
        key = settings.key.get_secret_value() if settings.key else None
        who = speakers(source.channels, name or [], role or [])
        start = make_start(language or [], room=room, sample_rate=source.rate, **who)
        timeout_s = settings.timeout_s if timeout is None else timeout
        limits = Limits(timeout_s, settings.patience_s, settings.buffer_s, live=source.live)
        hooks = Hooks(view.message if sessions == 1 or json else lambda _: None, view.notice)
        clients = [
            Client(url or settings.url, start, key=key, limits=limits, hooks=hooks, tls=Tls(insecure=insecure))
            for _ in range(sessions)
        ]
        code = asyncio.run(record(source, clients, view))
    except WireError as error:
        view.print_error(error)
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


def _open_source(
    file: Path | None, device: str | None, sessions: int, view: View, talkers: Channels, *, realtime: bool
) -> Source:
    if file is not None:
        return open_file(file, realtime=realtime, channels=talkers)
    if sessions > 1:
        raise ConfigurationError("no_file", "Several sessions need a file to play.", "Name a sound file with --file.")
    return open_microphone(device, view.notice, split=talkers is Channels.TWO)


if __name__ == "__main__":
    app()
