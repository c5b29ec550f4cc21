"""Options that several commands have, and the gateway that they lead to."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, Field, ValidationError

from wire.errors import ConfigurationError, WireError
from wire.messages.base import SessionId
from wire.messages.client import Start
from wta.client.client import Client
from wta.client.file_route import FileRoute
from wta.client.http import HttpRoutes
from wta.client.options import Hooks, Limits
from wta.client.tls import Tls
from wta.run.recording import FAILED
from wta.view import terminal
from wta.view.script import ScriptView
from wta.view.view import View

INTERRUPTED = 130
"""Exit code after Ctrl-C, where nothing is left to be finished."""
HERE = "http://127.0.0.1:8000"

Url = Annotated[str, typer.Option("--url", envvar="WTA_URL", help="The gateway: the address of its page.")]
Ca = Annotated[
    Path | None, typer.Option("--ca", envvar="WTA_CA", help="Certificate (PEM) of an authority that is trusted, too.")
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Accept any certificate.")]
Json = Annotated[bool, typer.Option("--json", help="JSON lines for programs, errors included.")]
Languages = Annotated[
    list[str] | None,
    typer.Option("--language", help="Code such as en or ko. Several: detected among these; none: among all."),
]
Room = Annotated[str | None, typer.Option("--room", help="Share the results with all who are in this room.")]
Save = Annotated[
    Path | None,
    typer.Option("--save", help="Write the session's id and token here, to export or resume it."),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0, help="Seconds that the gateway may be away.")]


@dataclass(frozen=True)
class Gateway:
    """The gateway that a command was given, with the key of the environment."""

    url: str
    ca: Path | None
    insecure: bool

    @property
    def key(self) -> str | None:
        """API key, from ``WTA_KEY``."""
        return os.environ.get("WTA_KEY") or None

    @property
    def tls(self) -> Tls:
        """Trust in certificates."""
        return Tls(self.ca, self.insecure)

    def client(self, start: Start, limits: Limits, hooks: Hooks) -> Client:
        """Return a client; ``async with`` begins its session."""
        return Client(self.url, start, key=self.key, limits=limits, hooks=hooks, tls=self.tls)

    def file_route(self, limits: Limits, hooks: Hooks) -> FileRoute:
        """Return the route for files that the gateway decodes."""
        return FileRoute(self.url, key=self.key, limits=limits, hooks=hooks, tls=self.tls)

    def routes(self) -> HttpRoutes:
        """Return the HTTP routes."""
        return HttpRoutes(self.url, key=self.key, tls=self.tls)


class SavedSession(BaseModel):
    """A session's id and its token, which lets anybody read it."""

    session_id: SessionId
    token: Annotated[str, Field(repr=False)]

    @classmethod
    def read(cls, path: Path) -> "SavedSession":
        """Read a file that ``--save`` has written.

        Raises:
            ConfigurationError: there is none.
        """
        try:
            return cls.model_validate_json(path.read_text("utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            raise ConfigurationError(
                "bad_session", f"{path} is no saved session.", "Give the file that --save has written."
            ) from None

    def write(self, path: Path) -> None:
        """Write a file for its owner only.

        Raises:
            ConfigurationError: it cannot be written.
        """
        try:
            path.touch(0o600)
            path.chmod(0o600)  # also one that is there already
            path.write_text(self.model_dump_json() + "\n", "utf-8")
        except OSError as error:
            raise not_written(path, error) from None


def not_written(path: Path, error: OSError) -> ConfigurationError:
    """Return the error for a file that cannot be written."""
    reason = error.strerror or type(error).__name__
    return ConfigurationError("not_written", f"{path} cannot be written: {reason}.", "Give another place for it.")


def save(client: Client, path: Path | None) -> None:
    """Save the session of a client, if a file is named for it.

    Raises:
        ConfigurationError: it cannot be written.
    """
    if path is not None and client.session_id and client.token:
        SavedSession(session_id=client.session_id, token=client.token).write(path)


@contextmanager
def explained(*, as_json: bool = False, people: type[View] = View) -> Iterator[View]:
    """Yield the view of a command, and end it with a sentence and an exit code where it fails.

    Args:
        as_json: the view is one for programs.
        people: else this one.
    """
    terminal.prepare(as_json=as_json)
    view = ScriptView() if as_json else people()
    try:
        yield view
    except WireError as error:
        view.print_error(error)
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:  # whoever reads has enough, as `head` has; typer ends without a word
        raise
    except OSError as error:
        terminal.say_not_written(error)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def print_json(fields: object) -> None:
    """Print one JSON line."""
    typer.echo(json.dumps(fields, ensure_ascii=False))
