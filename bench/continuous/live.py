"""A stream as a live session: cut as the gateway cuts it, transcribed as a worker does it, in the time of the audio.

The audio comes in pieces as the page sends them. A final text is started in a pause, and used if the utterance ends in
it. Interim texts are transcribed while the worker is idle, and give way to final ones. Network and queues (some 10 ms)
and the analysis are left out.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from bench.continuous.played import Final, Played
from bench.continuous.worker import Cost, Job, ModelledWorker
from bench.session import Session
from fastapi_service.endpointing.active_utterance import ActiveUtterance, State
from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, SpeechStart, Utterance
from fastapi_service.recognition.context import RecentSpeech
from fastapi_service.recognition.interims import COST_FACTOR, FIRST_S, newest_speech
from fastapi_service.recognition.local_agreement import LocalAgreement
from fastapi_service.recognition.sentences import end_inside
from fastapi_service.recognition.verdict import judge
from stt_worker.engines.base import Context, Hypothesis
from stt_worker.settings import Settings
from stt_worker.tasks.transcript import reason_not_shown, to_transcript
from wire.audio import SAMPLE_RATE, Pcm, Samples, decode_pcm, ms_to_samples, samples_to_ms, to_float, to_int16
from wire.messages.transcript import Transcript, Word

PIECE = ms_to_samples(90)
"""Samples of one message of the page."""


class LiveSession:
    """One stream on its way through endpointer and worker."""

    def __init__(
        self,
        session: Session,
        endpointer: Endpointer,
        measure: Callable[[Callable[[], None]], Cost] = Cost.of,
        context_s: float = 0.0,
        interim_every_s: float = 0.0,
        texts_end: bool = True,
    ) -> None:
        """Begin without audio.

        Args:
            session: new.
            endpointer: new.
            measure: does some work of the engine and returns what it took.
            context_s: longest speech before an utterance that it is transcribed together with.
            interim_every_s: interval of interim texts; 0: none.
            texts_end: False: silence alone ends utterances.
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
        self._every_s = interim_every_s
        self._texts_end = texts_end
        self._interim: Job | None = None
        self._next_s = 0.0
        self._agreement = LocalAgreement()
        self._prefix: list[Word] = []

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
            self._worker.interim_cpu_s,
        )

    def _feed(self, piece: Pcm, at_s: float) -> None:
        begun = time.process_time()
        events = self._endpointer.feed(piece, at_s)
        self._endpointer_cpu_s += time.process_time() - begun
        self._worker.run_until(at_s)
        self._handle(events, at_s)
        self._judge(at_s)
        self._interims(at_s)
        if self._endpointer.state is State.SPEAKING and not self._texts_end:
            self._discard()

    def _handle(self, events: list[Event], at_s: float) -> None:
        for event in events:
            if isinstance(event, SpeechStart):
                self._begin_interims(event.sample / SAMPLE_RATE)
            elif isinstance(event, SpeculativeEndpoint):
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
        for each in there:
            self._pauses.remove(each)
            if not self._texts_end:
                continue
            pause, job = self._end_inside(*each, at_s)
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

    def _end_inside(self, pause: SpeculativeEndpoint, job: Job, at_s: float) -> tuple[SpeculativeEndpoint, Job]:
        """End the sentences inside the text of a pause; return the pause and the job of the rest."""
        found = end_inside(self._endpointer, pause.start, self._transcript(job), pause.end - pause.silence, at_s)
        if found is None:
            return pause, job
        utterance, rest, words = found
        over, behind = _divide(job, words, utterance.end)
        self._discarded = [each for each in self._discarded if each is not job]
        self._recent.add(len(self._utterances), utterance)
        self._keep(over)
        self._utterances.append((utterance, at_s, over))
        pause = pause.after(utterance.end)
        if self._endpointer.is_last(pause):
            if self._speculation is not None and self._speculation[1] is job:
                self._speculation = pause, behind
            rest = [event for event in rest if not isinstance(event, SpeculativeEndpoint)]
        self._handle(rest, at_s)
        return pause, behind

    def _begin_interims(self, start_s: float) -> None:
        self._agreement, self._interim, self._next_s = LocalAgreement(), None, start_s + FIRST_S

    def _interims(self, at_s: float) -> None:
        """Take in an interim text that is there, and request the next one."""
        active, job = self._endpointer.active, self._interim
        if not self._every_s or active is None:
            return
        if job is not None and (job.is_preempted or job.finished_s <= at_s):
            self._interim = None
            self._next_s = job.arrived_s + max(self._every_s, COST_FACTOR * job.cost.wall_s)
            if not job.is_preempted and job.segment == len(self._utterances):
                self._on_interim(job, at_s)
                active = self._endpointer.active
        if self._interim is None and active is not None and active.state is State.SPEAKING and at_s >= self._next_s:
            self._request_interim(active, at_s)

    def _request_interim(self, active: ActiveUtterance, at_s: float) -> None:
        prefix, start, pcm = newest_speech(self._agreement, active, self._endpointer.position)
        text = "".join(word.text for word in prefix)
        job = Job(at_s, _audio(pcm), None, start, len(self._utterances), prefix=text)
        if self._worker.offer(job):
            self._interim, self._prefix = job, prefix
        else:
            self._next_s = at_s + self._every_s

    def _on_interim(self, job: Job, at_s: float) -> None:
        active, text = self._endpointer.active, self._transcript(job)
        assert job.hypothesis is not None
        assert active is not None
        if reason_not_shown(job.hypothesis, Settings().min_logprob) is not None:
            return
        self._agreement.insert(text.words, self._prefix)
        if not self._texts_end or (self._speculation is not None and self._speculation[1].hypothesis is None):
            return
        found = end_inside(self._endpointer, active.start, text, job.start + len(job.audio), at_s)
        if found is not None:
            self._discard()
            utterance, rest, _ = found
            self._recent.add(len(self._utterances), utterance)
            self._utterances.append((utterance, at_s, self._settle(utterance, at_s)))
            self._handle(rest, at_s)

    @staticmethod
    def _transcript(job: Job) -> Transcript:
        assert job.hypothesis is not None
        return to_transcript(job.hypothesis, "", "transcribe", samples_to_ms(job.start))

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
        if job.prefix is not None:
            return self._session.transcribe_interim(job.audio, job.prefix)
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


def _divide(job: Job, count: int, position: int) -> tuple[Job, Job]:
    """Return the first words of a text for one utterance, and the rest for the next one, from a position on."""
    hypothesis, earlier_s = job.hypothesis, (position - job.start) / SAMPLE_RATE
    assert hypothesis is not None
    over, rest = hypothesis.words[:count], [word.later(-earlier_s) for word in hypothesis.words[count:]]
    return (
        replace(job, hypothesis=replace(hypothesis.with_words(over), sentence_end=None)),
        replace(job, start=position, segment=job.segment + 1, hypothesis=hypothesis.with_words(rest)),
    )


def _audio(pcm: bytes) -> Samples:
    return to_float(decode_pcm(pcm))
