"""Pure: all results of one file."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fastapi_service import errors
from fastapi_service.api.openai_rest.order import Order
from fastapi_service.delivery.result_log import Result
from wire.messages.results import Final, SegmentFailed


@dataclass
class Transcript:
    """All results of a file."""

    order: Order
    seconds: float = 0.0
    """Length of the file."""
    results: list[Final | SegmentFailed] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Take in the next result; one without speech adds nothing."""
        if isinstance(result, Final | SegmentFailed):
            self.results.append(result)

    @property
    def finals(self) -> list[Final]:
        """Those with a text."""
        return [result for result in self.results if isinstance(result, Final)]

    @property
    def failures(self) -> list[SegmentFailed]:
        """Those without, since no worker could transcribe them."""
        return [result for result in self.results if isinstance(result, SegmentFailed)]

    def check(self) -> None:
        """Refuse a file of which nothing could be transcribed.

        Raises:
            StoreError: with the cause of the last failure.
        """
        if self.failures and not self.finals:
            last = self.failures[-1]
            raise errors.not_transcribed(last.code, last.message, last.remedy)

    @property
    def usage(self) -> dict[str, Any]:
        """The sound that was sent, as OpenAI charges for it."""
        return {"type": "duration", "seconds": seconds(round(self.seconds * 1000))}

    @property
    def languages(self) -> list[str]:
        """Codes of the languages of the texts, the one of the most speech first."""
        spoken: Counter[str] = Counter()
        for final in self.finals:
            spoken[final.language] += final.end_ms - final.start_ms
        return [language for language, _ in spoken.most_common()]


def seconds(ms: int) -> float:
    """Convert milliseconds to seconds."""
    return ms / 1000
