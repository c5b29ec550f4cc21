"""Entry point of the command ``wta``, also ``python -m wta``."""

from typing import Annotated

import typer

from wta import __version__
from wta.commands.bench import bench
from wta.commands.doctor import doctor
from wta.commands.export import export
from wta.commands.listen import listen
from wta.commands.stats import stats
from wta.commands.transcribe import transcribe
from wta.commands.watch import watch

app = typer.Typer(
    help="Live speech to text with sentiment, from a WhisperTextAnalyzer gateway.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (listen, transcribe, watch, stats, export, doctor, bench):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Live speech to text with sentiment, from a WhisperTextAnalyzer gateway.

    WTA_URL is the gateway where --url is left out, WTA_KEY an API key where access is closed.
    """


if __name__ == "__main__":
    app()
