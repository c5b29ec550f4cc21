"""Partial texts of one session, requested from the workers."""

import secrets
from typing import Literal

from fastapi_service.recognition.configuration import Configuration
from fastapi_service.recognition.ports import PartialRequest, PartialService
from infra.context import Context
from wire import names
from wire.audio import samples_to_ms
from wire.messages.jobs import TranscribePartial

REVISIONS = 2**48
"""A connection's revisions begin below this; clients read them as numbers of 53 bits."""


class PartialRequester:
    """Numbers one session's requests and fills in what they share."""

    def __init__(self, configuration: Configuration, partials: PartialService) -> None:
        self._configuration = configuration
        self._partials = partials
        self._revision = secrets.randbelow(REVISIONS)
        """Number of the newest request. Random at first: a connection that resumes the session requests the same
        segments, and the revision alone keeps its audio and answers apart from its predecessor's."""

    def request(
        self,
        purpose: Literal["interim", "final"],
        segment: int,
        start: int,
        pcm: bytes,
        prefix: str = "",
        context: Context | None = None,
    ) -> PartialRequest:
        """Request a text; returns at once.

        Args:
            start: position of the first sample, at 16 kHz.
            prefix: text with which the result must begin.
            context: what was said before.
        """
        self._revision += 1
        record = self._configuration.record
        job = TranscribePartial(
            session_id=record.session_id,
            segment=segment,
            revision=self._revision,
            purpose=purpose,
            start_ms=samples_to_ms(start),
            audio_key=names.partial_audio(record.session_id, segment, self._revision),
            language=record.language,
            languages=record.languages,
            task=record.task,
            prompt=record.prompt,
            prefix=prefix,
            reply_to=self._partials.channel,
        )
        return self._partials.request(job, pcm, context)
