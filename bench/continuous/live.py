"""A stream as a live session: cut as the gateway cuts it, transcribed as a worker does it, in the time of the audio.

The audio comes in pieces as the page sends them. A final text is started in a pause, and used if the utterance ends in
it. Interim texts, which give way to final ones, are not requested. Network and queues (some 10 ms) and the analysis are
left out.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.continuous.worker import Cost, Job, ModelledWorker
from bench.session import Session
from fastapi_service.endpointing.active_utterance import State
from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.endpointing.events import Event, Reason, SpeculativeEndpoint, Utterance
from fastapi_service.recognition.context import RecentSpeech
from fastapi_service.recognition.verdict import judge
from stt_worker.engines.base import Context, Hypothesis
from stt_worker.tasks.transcript import to_transcript
from wire.audio import SAMPLE_RATE, Pcm, Samples, decode_pcm, ms_to_samples, samples_to_ms, to_float, to_int16

PIECE = ms_to_samples(90)
"""Samples of one message of the page."""


@dataclass(frozen=True)
class Final:
    """The text of an utterance. Seconds are those of the stream."""

    begin: int
    """First sample."""
    end: int
    """The sample after the last."""
    reason: Reason
    decided_s: float
    """The gateway found that it is over."""
    finished_s: float
    hypothesis: Hypothesis
    is_shown: bool
    """True if clients get its text."""


@dataclass(frozen=True)
class Played:
    """A whole session."""

    finals: tuple[Final, ...]
    """In order, also those that are not shown."""
    cpu_s: float
    """CPU seconds of the engine."""
    discarded_cpu_s: float
    """Part of it for pauses in which speech went on."""
    endpointer_cpu_s: float
    engine_s: float
    """Time that the engine took on the modelled clock."""

    @property
    def shown(self) -> list[Final]:
        """Return the finals that clients get."""
        return [final for final in self.finals if final.is_shown]

    @property
    def text(self) -> str:
        """Return the text of the whole session."""
        return " ".join(final.hypothesis.text for final in self.shown)


class LiveSession:
    """One stream on its way through endpointer and worker."""

    def __init__(
        self,
        session: Session,
        endpointer: Endpointer,
        measure: Callable[[Callable[[], None]], Cost] = Cost.of,
        context_s: float = 0.0,
    ) -> None:
        """Begin without audio.

        Args:
            session: new.
            endpointer: new.
            measure: does some work of the engine and returns what it took.
            context_s: longest speech before an utterance that it is transcribed together with.
        """
        self._session = session
        self._endpointer = endpointer
        self._worker = ModelledWorker(self._transcribe, measure)
        self._speculation: tuple[SpeculativeEndpoint, Job] | None = None
        self._discarded: list[Job] = []
        self._utterances: list[tuple[Utterance, float, Job]] = []
        """With the time of its end."""
        self._shown: dict[Job, bool] = {}
        """True for a text that clients get; only jobs whose utterance is over."""
        self._endpointer_cpu_s = 0.0
        self._recent = RecentSpeech(context_s)
        self._pauses: list[tuple[SpeculativeEndpoint, Job]] = []
        """Those whose text is not there yet."""

    def play(self, audio: Samples) -> Played:
        """Run a whole stream and return its finals. Only once."""
        pcm = to_int16(audio)
        for begin in range(0, len(pcm), PIECE):
            piece = pcm[begin : begin + PIECE]
            self._feed(piece, (begin + len(piece)) / SAMPLE_RATE)
        at_s = len(pcm) / SAMPLE_RATE
        self._handle(self._endpointer.flush(at_s), at_s)
        self._worker.run_until(math.inf)
        return Played(
            tuple(self._final(*each) for each in self._utterances),
            self._worker.cpu_s,
            sum(job.cost.cpu_s for job in self._discarded),
            self._endpointer_cpu_s,
            self._worker.busy_s,
        )

    def _feed(self, piece: Pcm, at_s: float) -> None:
        begun = time.process_time()
        events = self._endpointer.feed(piece, at_s)
        self._endpointer_cpu_s += time.process_time() - begun
        self._worker.run_until(at_s)
        self._handle(events, at_s)
        self._judge(at_s)
        if self._endpointer.state is State.SPEAKING:
            self._discard()

    def _handle(self, events: list[Event], at_s: float) -> None:
        for event in events:
            if isinstance(event, SpeculativeEndpoint):
                self._discard()
                job = self._job(at_s, event)
                self._speculation = event, job
                self._pauses.append((event, job))
                self._worker.put(job)
            elif isinstance(event, Utterance):
                self._recent.add(len(self._utterances), event)
                self._utterances.append((event, at_s, self._settle(event, at_s)))

    def _judge(self, at_s: float) -> None:
        """End the utterance by the texts of its pauses that are there, as the gateway does."""
        there = [each for each in self._pauses if each[1].hypothesis is not None and each[1].finished_s <= at_s]
        for pause, job in there:
            self._pauses.remove((pause, job))
            assert job.hypothesis is not None
            verdict = judge(job.hypothesis.sentence_end, self._endpointer, pause)
            if verdict == "wait":
                self._endpointer.wait(pause)
            elif verdict == "end" and (ended := self._endpointer.end(pause, at_s)) is not None:
                utterance, rest = ended
                if self._speculation is not None and self._speculation[1] is not job:
                    self._discard()
                self._speculation = None
                self._discarded = [each for each in self._discarded if each is not job]
                self._recent.add(len(self._utterances), utterance)
                self._keep(job)
                self._utterances.append((utterance, at_s, job))
                self._handle(rest, at_s)

    def _settle(self, utterance: Utterance, at_s: float) -> Job:
        """Return the job of an utterance that is over: the one of its last pause if that has begun, else a new one."""
        if self._speculation and utterance.ends_in(self._speculation[0]):
            job = self._speculation[1]
            if not self._worker.withdraw(job):
                self._speculation = None
                self._keep(job)
                return job
        self._discard()
        job = self._job(at_s, utterance)
        self._shown[job] = False
        self._worker.put(job)
        return job

    def _discard(self) -> None:
        if self._speculation and not self._worker.withdraw(self._speculation[1]):
            self._discarded.append(self._speculation[1])
        self._speculation = None

    def _job(self, at_s: float, said: SpeculativeEndpoint | Utterance) -> Job:
        """Return a job with its context, as far as the texts before are there."""
        segment = len(self._utterances)
        before = self._recent.before(segment, said.start)
        context = None if before is None else Context(_audio(before.pcm), before.text, before.language)
        return Job(at_s, _audio(said.pcm), context, said.start, segment)

    def _transcribe(self, job: Job) -> Hypothesis:
        hypothesis = self._session.transcribe(job.audio, job.context)
        if job in self._shown:
            self._shown[job] = self._session.keep(hypothesis)
            self._note(job, hypothesis)
        return hypothesis

    def _keep(self, job: Job) -> None:
        assert job.hypothesis is not None
        self._shown[job] = self._session.keep(job.hypothesis)
        self._note(job, job.hypothesis)

    def _note(self, job: Job, hypothesis: Hypothesis) -> None:
        """Let what is said next continue a text that clients get."""
        start_ms = samples_to_ms(job.start)
        text = to_transcript(hypothesis, "", "transcribe", start_ms) if self._shown[job] else None
        self._recent.note(job.segment, text)

    def _final(self, utterance: Utterance, at_s: float, job: Job) -> Final:
        assert job.hypothesis is not None  # all jobs have run
        finished_s = max(at_s, job.finished_s)
        begin, end = utterance.start, utterance.end
        return Final(begin, end, utterance.reason, at_s, finished_s, job.hypothesis, self._shown[job])


def _audio(pcm: bytes) -> Samples:
    return to_float(decode_pcm(pcm))
