"""``wta doctor``: find out what is wrong, and what to do."""

from dataclasses import asdict

import typer
from rich.console import Console
from rich.text import Text

from wta import __version__
from wta.commands.options import HERE, Ca, Gateway, Insecure, Json, Url, explained, print_json
from wta.doctor.examine import examine
from wta.doctor.finding import Finding, Level
from wta.run.recording import INCOMPLETE, OK
from wta.view.view import printable

MARKS = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("note", "yellow"),
    Level.FAULT: ("WRONG", "bold red"),
    Level.UNKNOWN: ("–", "dim"),
}


def doctor(url: Url = HERE, ca: Ca = None, insecure: Insecure = False, as_json: Json = False) -> None:
    """Find out what is wrong, and what to do.

    Address, port, certificate, gateway, version, access, Redis, workers with their models, listener, queues, clocks, a
    session. An API key comes from WTA_KEY; where access is closed, the services are shown with one only.

    Exit code 0: nothing is wrong; 1: something is; 2: it could not be checked.
    """
    with explained(as_json=as_json):
        gateway = Gateway(url, ca, insecure)
        found = examine(gateway.url, gateway.key, gateway.tls, __version__)
        for finding in found:
            if as_json:
                print_json({"type": "finding", **asdict(finding)})
            else:
                _print(finding)
    raise typer.Exit(INCOMPLETE if any(finding.level is Level.FAULT for finding in found) else OK)


def _print(finding: Finding) -> None:
    mark, style = MARKS[finding.level]
    line = Text(f"{mark:>5}  ", style=style)
    line.append(f"{finding.part:16}  ", style="default not bold").append(printable(finding.message), "default not bold")
    console = Console(highlight=False, soft_wrap=True)
    console.print(line)
    if finding.remedy:
        console.print(Text(f"{'':25}→ {printable(finding.remedy)}"))
