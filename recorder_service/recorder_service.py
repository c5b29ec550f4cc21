"""Entry point: ``python -m recorder_service.recorder_service``."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from infra.settings import load_settings_or_exit
from recorder_service.audio.microphone import InputDevice, input_devices
from recorder_service.audio.source import Channels, Source, open_file, open_microphone
from recorder_service.client.address import websocket_url
from recorder_service.client.client import RecorderClient
from recorder_service.client.options import Hooks, Limits
from recorder_service.run.recording import FAILED, OK, record
from recorder_service.settings import Settings
from recorder_service.view.view import JsonView, View
from wire.errors import AudioError, ConfigurationError, WireError
from wire.messages.client import Start

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
            view.devices(_microphones())
            raise typer.Exit(OK)
        address = websocket_url(url or settings.url)
        talkers = Channels.TWO if channels == 2 else Channels.AUTO if split else Channels.ONE
        source = _open_source(file, device, sessions, view, talkers, realtime=realtime)
        key = settings.key.get_secret_value() if settings.key else None
        speakers = _speakers(source.channels, name or [], role or [])
        start = _make_start(language or [], room=room, sample_rate=source.rate, key=key, **speakers)
        limits = Limits(settings.timeout_s if timeout is None else timeout, settings.patience_s, settings.buffer_s)
        hooks = Hooks(view.message if sessions == 1 or json else lambda _: None, view.notice)
        clients = [
            RecorderClient(address, start, limits=limits, hooks=hooks, insecure=insecure, live=source.live)
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


def _speakers(channels: int, names: list[str], roles: list[str]) -> dict[str, Any]:
    """Return who talks, for the first message. Two who have no name are called after their channels."""
    for option, given in (("name", names), ("role", roles)):
        if len(given) > channels:
            message = f"--{option} is given {len(given)} times, and there is one for each channel: {channels}."
            raise ConfigurationError("bad_option", message, "See --help for what it may be.")
    if channels == 1:
        return {"name": "".join(names), "role": "".join(roles)}
    names = [*names, *("left", "right")[len(names) :]]
    roles = [*roles, *("", "")[len(roles) :]]
    return {"channels": 2, "speakers": [{"name": name, "role": role} for name, role in zip(names, roles, strict=True)]}


def _make_start(languages: list[str], **choices: Any) -> Start:
    """Return the first message. A single language goes into the older field, which every gateway has."""
    choices |= {"language": languages[0]} if len(languages) == 1 else {"languages": languages}
    try:
        return Start(**{name: choice for name, choice in choices.items() if choice})
    except ValidationError as refused:
        error = refused.errors(include_input=False, include_url=False)[0]
        option = next(str(place) for place in reversed(error["loc"]) if isinstance(place, str)).removesuffix("s")
        reason = error["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            "bad_option", f"--{option} is refused: {reason}.", "See --help for what it may be."
        ) from None


def _microphones() -> list[InputDevice]:
    if devices := input_devices():
        return devices
    raise AudioError("no_microphone", "There is no microphone.", "Plug one in, or use --file.")


if __name__ == "__main__":
    app()
