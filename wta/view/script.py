"""Output for programs: JSON lines."""

import json
from dataclasses import asdict, replace
from typing import Any

from pydantic_core import to_json

from wire.errors import WireError
from wire.messages.server import AnyServerMessage, Error
from wire.messages.statistics import Statistics
from wta.audio.microphone import InputDevice
from wta.outcome import Outcome, total
from wta.view.view import View


class JsonView(View):
    """Prints one JSON object per line: each message, and with several sessions a summary of each."""

    def message(self, message: AnyServerMessage) -> None:
        """Print a message as one line."""
        self._out.out(message.model_dump_json(), highlight=False)

    def devices(self, devices: list[InputDevice]) -> None:
        """Print one line for each input device."""
        for device in devices:
            self._out.out(to_json(device).decode(), highlight=False)

    def end(self, outcomes: list[Outcome], statistics: list[Statistics]) -> None:  # noqa: ARG002 (were sent already)
        """Print one line for each outcome, and their total if there are several."""
        if len(outcomes) > 1:
            self.summaries([*outcomes, total(outcomes)])

    def summaries(self, outcomes: list[Outcome]) -> None:
        """Print one line for each outcome."""
        for outcome in outcomes:
            self._out.out(to_json(_summary(outcome)).decode(), highlight=False)


class ScriptView(JsonView):
    """Prints errors as JSON lines, too, in the form of the gateway's own."""

    def print_error(self, error: WireError) -> None:
        """Print an error as one line."""
        line = Error(code=error.code, message=error.message, remedy=error.remedy, fatal=True)
        self._out.out(json.dumps(line.model_dump(), ensure_ascii=False), highlight=False)  # a path may be no Unicode


def _summary(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome for programs: percentiles instead of every latency."""
    summary = asdict(replace(outcome, latencies_ms=[], error=None))  # errors cannot be copied
    del summary["latencies_ms"], summary["error"]
    percentiles = {f"p{percentile}_ms": outcome.latency_ms(percentile) for percentile in (50, 95, 99)}
    error = {"error": outcome.error.code} if outcome.error else {}
    return {"type": "session_summary", **summary, **percentiles, **error}
