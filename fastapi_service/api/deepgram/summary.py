"""The last message of a stream: its length, its digest, and what its client did not get."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi_service.api.deepgram.answers import Answers
from fastapi_service.api.deepgram.messages import Metadata
from fastapi_service.api.deepgram.query import ListenQuery
from fastapi_service.api.deepgram.results import model_infos
from infra.clock import now


class Summary:
    """Counts one stream."""

    def __init__(self, request_id: str, version: str) -> None:
        """Begin now; ``version`` is that of the server."""
        self._request_id = request_id
        self._version = version
        self._created = datetime.fromtimestamp(now(), UTC)
        self._digest = hashlib.sha256()
        self.rate = 0
        """Hertz; 0 until it is known."""
        self.samples = 0
        """Samples of one channel."""

    def take(self, data: bytes) -> None:
        """Take in audio as it came."""
        self._digest.update(data)

    @property
    def position_ms(self) -> int:
        """Audio that has come."""
        return self.samples * 1000 // self.rate if self.rate else 0

    def frame(self, answers: Answers, query: ListenQuery) -> str:
        """Return the message."""
        infos = model_infos(answers.models, self._version)
        return Metadata(
            request_id=self._request_id,
            sha256=self._digest.hexdigest(),
            created=self._created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            duration=round(self.samples / self.rate, 3) if self.rate else 0.0,
            channels=query.talkers if self.samples else 0,
            models=tuple(infos),
            model_info=infos,
            extra=dict(pair.partition(":")[::2] for pair in query.extra) or None,
            tags=query.tag or None,
            warnings=tuple(_warnings(answers, query)) or None,
        ).json_frame()


def _warnings(answers: Answers, query: ListenQuery) -> Sequence[str]:
    """Return requests of the client that had no effect."""
    found = list(query.warnings)
    if query.diarizes and not answers.has_voices:
        found.append("diarize had no effect: this server does not distinguish voices.")
    if answers.late:
        found.append(f"Utterances whose text was not there in time: {answers.late}.")
    return found
