"""``wta transcribe``: sound files → transcripts."""

import asyncio
import errno
import os
from pathlib import Path
from typing import Annotated

import typer

from wire.errors import ConfigurationError
from wta.audio.source import Channels
from wta.audio.standard_input import on_disk
from wta.client.options import Limits
from wta.commands.export import Format, FormatOption
from wta.commands.file_queue import FileQueue, Order
from wta.commands.options import (
    HERE,
    Ca,
    Gateway,
    Insecure,
    Json,
    Languages,
    Room,
    Timeout,
    Url,
    explained,
    not_written,
)
from wta.run.start import make_start, speakers


def transcribe(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files with sound: WAV, MP3, M4A, MP4, WebM, …; -: standard input.", show_default=False),
    ],
    format_name: FormatOption = Format.TXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File, or a folder, which several files need.")
    ] = None,
    language: Languages = None,
    channels: Annotated[int, typer.Option(min=1, max=2, help="2: left and right are two talkers.")] = 1,
    name: Annotated[list[str] | None, typer.Option(help="Who talks. With two channels: left, right.")] = None,
    room: Room = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it on the gateway when it is written.")] = False,
    timeout: Timeout = 60.0,
    url: Url = HERE,
    ca: Ca = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Transcribe sound files.

    They are sent one after the other, as quickly as the gateway takes them, and become text, subtitles, JSON or CSV.
    Ctrl-C ends with what there is of the file under way. M4A, MP4, WebM and other kinds that are not decoded on this
    machine are sent as they are, for the gateway to decode: as one talker without a name and a room, and Ctrl-C leaves
    nothing of them. An API key comes from WTA_KEY; it needs the scope files.

    Exit code 0: all is well; 1: results are missing; 2: a file, or all of it, could not be done, and why.
    """
    with explained(as_json=as_json) as view:
        outputs = _outputs(files, output, format_name, as_json=as_json)
        start = make_start(language or [], room=room, **speakers(channels, name or [], []))
        order = Order(format_name, start, Channels(str(channels)), Limits(timeout), delete=delete, as_json=as_json)
        with on_disk(files) as copies:
            queue = FileQueue(Gateway(url, ca, insecure), view, order)
            code = asyncio.run(queue.run(list(zip(copies, outputs, strict=True))))
    raise typer.Exit(code)


def _outputs(files: list[Path], output: Path | None, format_name: Format, *, as_json: bool) -> list[Path | None]:
    """Return the place of each transcript; None is the terminal, or the JSON line.

    Raises:
        ConfigurationError: several transcripts have one place, or nothing can be written there.
    """
    if output is None:
        if len(files) > 1 and not as_json:
            raise ConfigurationError(
                "no_output", "Several transcripts do not go to one terminal.", "Name a folder with --output."
            )
        return [None] * len(files)
    if len(files) == 1 and not output.is_dir():
        _make_folder(output.parent)
        return [output]
    names = [f"{file.stem}.{format_name}" for file in files]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            "same_name", "Two of the files have the same name.", "Transcribe them into different folders."
        )
    _make_folder(output)
    return [output / name for name in names]


def _make_folder(folder: Path) -> None:
    """Make the place of transcripts, before the work that they are.

    Raises:
        ConfigurationError: it cannot be made, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise not_written(folder, error) from None
