"""One run: audio into N sessions, results onto the view, and the exit code."""

import asyncio

from wta.audio.source import Source
from wta.client.client import Client
from wta.outcome import Outcome
from wta.run.session import run_session
from wta.run.signals import SignalHandler
from wta.view.view import View

OK, INCOMPLETE, FAILED = 0, 1, 2
"""Exit codes: all is well; utterances or audio are missing; a session could not begin or go on."""


async def record(source: Source, clients: list[Client], view: View) -> int:
    """Send the source through every client at the same time; return the exit code."""
    interrupt = SignalHandler(lambda: view.notice("Stopping; waiting for the last results. Ctrl-C again ends at once."))
    view.notice(source.description)
    try:
        outcomes = await asyncio.gather(
            *(
                run_session(number, client, source, interrupt.stop, on_connected=interrupt.install)
                for number, client in enumerate(clients, 1)
            )
        )
    finally:
        interrupt.restore()
    view.end(outcomes, clients[0].transcript.statistics_in_order())
    for error in {str(outcome.error): outcome.error for outcome in outcomes if outcome.error is not None}.values():
        view.print_error(error)
    return exit_code(outcomes)


def exit_code(outcomes: list[Outcome]) -> int:
    """Return the exit code of sessions: that of the worst."""
    if any(outcome.error is not None for outcome in outcomes):
        return FAILED
    return INCOMPLETE if any(outcome.missing or outcome.lost_s for outcome in outcomes) else OK
