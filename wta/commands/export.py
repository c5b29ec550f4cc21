"""``wta export``: the transcript of a session as a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wta.commands.options import HERE, Ca, Gateway, Insecure, Json, SavedSession, Url, explained, not_written
from wta.run.recording import OK


class Format(StrEnum):
    """Formats of transcripts."""

    TXT = "txt"
    SRT = "srt"
    VTT = "vtt"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[Format, typer.Option("--format", help="Of the transcript.")]


def export(
    session: Annotated[Path, typer.Option("--session", help="File that --save has written.")],
    format_name: FormatOption = Format.TXT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; by default the terminal.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the conversation on the gateway then.")] = False,
    url: Url = HERE,
    ca: Ca = None,
    insecure: Insecure = False,
    as_json: Json = False,
) -> None:
    """Write a transcript as a file.

    In a room it is that of all sessions. The gateway has it for an hour after the last word.
    """
    with explained(as_json=as_json):
        known, routes = SavedSession.read(session), Gateway(url, ca, insecure).routes()
        write(routes.export(known.session_id, known.token, format_name), output)
        if delete:
            routes.delete(known.session_id, known.token)
    raise typer.Exit(OK)


def write(transcript: bytes, output: Path | None) -> None:
    """Write a transcript into a file, or to the terminal.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        if output is None:
            typer.echo(transcript, nl=False)
        else:
            output.write_bytes(transcript)
    except OSError as error:
        raise not_written(output or Path("-"), error) from None
