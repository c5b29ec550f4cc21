"""Partial requests without a worker."""

import asyncio
from typing import Any

from infra.context import Context
from wire.messages.jobs import NoSpeechReason, Partial, TranscribePartial
from wire.messages.transcript import Transcript, Word


class FakeRequest:
    """A request that a test answers by hand."""

    def __init__(self, job: TranscribePartial, pcm: bytes, context: Context | None) -> None:
        self.job, self.pcm, self.context = job, pcm, context
        self.begun = False
        self.withdrawn = False
        self.answer: asyncio.Future[Partial | None] = asyncio.get_running_loop().create_future()

    @property
    def done(self) -> bool:
        return self.answer.done()

    @property
    def partial(self) -> Partial | None:
        return self.answer.result() if self.done else None

    async def result(self) -> Partial | None:
        return await asyncio.shield(self.answer)

    async def withdraw(self) -> bool:
        self.drop()
        return not self.begun

    def drop(self) -> None:
        self.withdrawn = True
        if not self.begun and not self.done:
            self.answer.set_result(None)

    def write(self, text: str, *, language: str = "en", cost_s: float = 0.1, sentence_end: float | None = None) -> None:
        """A worker answers with words of 200 ms each, from the beginning of the audio."""
        spoken = [*text.split()]
        start = self.job.start_ms
        words = tuple(
            Word(text=f" {word}", start_ms=start + 200 * i, end_ms=start + 200 * (i + 1), probability=0.9)
            for i, word in enumerate(spoken)
        )
        transcript = Transcript(
            text=text, language=language, language_probability=0.9, avg_logprob=-0.1, no_speech_prob=0.0,
            model="base", words=words,
        )  # fmt: skip
        self._answer(cost_s, transcript, keep_language=language, sentence_end=sentence_end)

    def hear_nothing(self, *, cost_s: float = 0.1, reason: NoSpeechReason = "silence") -> None:
        """A worker answers that there is no speech, or none with a certain text."""
        self._answer(cost_s, no_speech_prob=0.9, no_speech_reason=reason)

    def give_way(self) -> None:
        """A worker answers that there will be no text."""
        self._answer(0.0)

    def _answer(self, cost_s: float, transcript: Transcript | None = None, **fields: Any) -> None:
        job = self.job
        self.answer.set_result(
            Partial(
                session_id=job.session_id, segment=job.segment, revision=job.revision, transcript=transcript,
                stt_start=10.0, stt_end=10.0 + cost_s, **fields,
            )
        )  # fmt: skip


class FakePartials:
    """Keeps the requests of a session."""

    channel = "wta:drafts:test"

    def __init__(self) -> None:
        self.requests: list[FakeRequest] = []
        self.at_once: str | None = None
        """The text with which a worker answers immediately."""

    def request(self, job: TranscribePartial, pcm: bytes, context: Context | None = None) -> FakeRequest:
        self.requests.append(FakeRequest(job, pcm, context))
        if self.at_once is not None:
            self.requests[-1].begun = True
            self.requests[-1].write(self.at_once)
        return self.requests[-1]
