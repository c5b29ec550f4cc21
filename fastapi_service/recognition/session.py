"""One person's audio, from samples to the ledger."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions, Event, Pause, SpeechStart, Utterance
from fastapi_service.endpointing.resampler import StreamResampler
from fastapi_service.monitoring import metrics
from fastapi_service.recognition.dispatcher import Dispatcher, Promised
from fastapi_service.recognition.interims import Interims
from fastapi_service.recognition.partials import Partials, PendingPartial
from fastapi_service.recognition.store_retry import LedgerFull, StoreRetry
from fastapi_service.storage.sessions import SessionRecord, SessionStore
from infra.ledger.ledger import Admission, Admitted
from wire import names
from wire.audio import SAMPLE_RATE, decode_pcm, samples_to_ms
from wire.errors import WireError
from wire.messages.base import Clock, now
from wire.messages.jobs import AnalyzeText, Partial, TranscribeAudio, TranscribePartial
from wire.messages.results import result_fields
from wire.messages.server import Ack, AnyServerMessage, SpeechEnded, SpeechStarted

MOST_UNWRITTEN_S = 60
"""Seconds of speech in one session that wait for the ledger; then its socket is not read until Redis is back. While it
is not read, the client's answers to pings are not seen either, so it must be longer than an ordinary outage."""
ACK_EVERY_S = 2.0
"""Silence is acknowledged this often, in seconds of audio."""
MOST_REVISIONS = 2**48
"""Of these a connection begins at one; clients read them as numbers of 53 bits."""


class SessionTakenOver(Exception):
    """Another connection resumed the session."""


@dataclass(frozen=True)
class Speculation:
    """The final text of an utterance, begun in a pause that may turn out to be its end."""

    pause: Pause
    asked: PendingPartial


class Session:
    """Counts samples, finds utterances, writes them into the ledger one after the other and acknowledges them.

    In a pause it asks for the text already. When the pause turns out to be the end, that text is committed: it goes
    into the ledger and on to the analysis. Otherwise it is discarded, and nobody has seen it.
    """

    def __init__(
        self,
        record: SessionRecord,
        options: EndpointerOptions,
        store: SessionStore,
        admission: Admission,
        dispatcher: Dispatcher,
        partials: Partials,
        ttl_s: int,
        send: Callable[[AnyServerMessage], None],
        tell: Callable[[WireError], None],
        interim_every_s: float = 0.0,
    ) -> None:
        self.record = record
        self.segments = record.next_segment
        """Utterances found so far, enrolled or on the way."""
        self._store = store
        self._admission = admission
        self._dispatcher = dispatcher
        self._partials = partials
        self._ttl_s = ttl_s
        self._send = send
        self._store_retry = StoreRetry(record.session_id, tell)
        self._received = record.samples
        self._acknowledged = record.samples
        self._resampler = StreamResampler(record.sample_rate)
        self._endpointer = Endpointer(options, self._inside(record.samples))
        self._revision = secrets.randbelow(MOST_REVISIONS)
        """Of the newest draft. A connection that resumes the session asks for the same segments, and must not be
        answered with what its predecessor asked for."""
        self._speculation: Speculation | None = None
        self._interims = Interims(interim_every_s, self._ask_interim, send) if interim_every_s else None
        self._waiting: asyncio.Queue[tuple[int, Utterance, PendingPartial | None]] = asyncio.Queue()
        self._unwritten = 0
        """Samples of the utterances that are found and not yet in the ledger; bounds ``_waiting``."""
        self._written = asyncio.Event()
        self._enrolled = record.next_segment
        self._enrolling: asyncio.Task[None] | None = None
        self._noting: asyncio.Task[bool] | None = None
        """Silence on its way to Redis; False when another connection owns the session."""

    @property
    def seconds(self) -> float:
        """Audio received since the session's start, gaps included."""
        return self._received / self.record.sample_rate

    @property
    def waiting(self) -> int:
        """Utterances that are found and not yet in the ledger."""
        return self.segments - self._enrolled

    async def audio(self, data: bytes) -> None:
        """Take in Int16 PCM of an even, non-zero length. Waits while too many utterances wait for the ledger."""
        pcm = decode_pcm(data)
        self._received += len(pcm)
        metrics.AUDIO_SECONDS.inc(len(pcm) / self.record.sample_rate)
        self._handle(self._endpointer.feed(self._resampler.feed(pcm), now()))
        if self._interims is not None and not self.waiting:
            self._interims.consider(self._endpointer)
        await self._wait_for_room()
        self._acknowledge_silence()

    async def gap(self, samples: int) -> None:
        """Take in silence that was not sent, in samples at the session's rate."""
        self._received += samples
        events = self._endpointer.feed(self._resampler.flush(), now())
        lacking = self._inside(self._received) - self._endpointer.position
        if lacking > 0:
            events += self._endpointer.gap(lacking, now())
        self._handle(events)
        await self._wait_for_room()
        self._acknowledge_silence()

    async def finish(self) -> None:
        """End the open utterance and wait until everything is in the ledger. May be cut short, and called again.

        Raises:
            SessionTakenOver: another connection resumed the session; what it sends anew is not written twice.
        """
        if self._noting is not None:
            self._noting.cancel()
            self._noting = None
        if self._interims is not None:
            self._interims.stop()
        events = self._endpointer.feed(self._resampler.flush(), now())
        self._handle([*events, *self._endpointer.flush(now())])
        if self._enrolling is not None:
            written = asyncio.create_task(self._waiting.join())
            try:
                await asyncio.wait({written, self._enrolling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                written.cancel()
            if self._enrolling.done():
                self._enrolling.result()
            self._enrolling.cancel()
            self._enrolling = None

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case SpeechStart():
                    self._send(SpeechStarted(segment=self.segments, at_ms=samples_to_ms(event.sample)))
                    if self._interims is not None:
                        self._interims.begin(self.segments, event.sample)
                case Pause():
                    self._speculate(event)
                case Utterance():
                    self._found(event)
        if not self._endpointer.silent:
            self._discard()

    def _speculate(self, pause: Pause) -> None:
        self._discard()
        if not self.waiting:  # otherwise there is enough to do
            self._speculation = Speculation(pause, self._ask("final", self.segments, pause.start, pause.pcm))

    def _discard(self) -> None:
        """The person went on speaking."""
        if self._speculation is not None:
            self._speculation.asked.drop()
            self._speculation = None

    def _ask_interim(self, segment: int, start: int, pcm: bytes, prefix: str) -> PendingPartial:
        return self._ask("interim", segment, start, pcm, prefix)

    def _ask(
        self, purpose: Literal["interim", "final"], segment: int, start: int, pcm: bytes, prefix: str = ""
    ) -> PendingPartial:
        self._revision += 1
        record = self.record
        job = TranscribePartial(
            session_id=record.session_id,
            segment=segment,
            revision=self._revision,
            purpose=purpose,
            start_ms=samples_to_ms(start),
            audio_key=names.partial_audio(record.session_id, segment, self._revision),
            language=record.language,
            task=record.task,
            prompt=record.prompt,
            prefix=prefix,
            reply_to=self._partials.channel,
        )
        return self._partials.ask(job, pcm)

    def _found(self, utterance: Utterance) -> None:
        segment, self.segments = self.segments, self.segments + 1
        metrics.UTTERANCES.labels(utterance.reason).inc()
        self._send(
            SpeechEnded(
                segment=segment,
                start_ms=samples_to_ms(utterance.start),
                end_ms=samples_to_ms(utterance.end),
                reason=utterance.reason,
            )
        )
        if self._enrolling is None:
            self._enrolling = asyncio.create_task(self._enrol_all(), name="enrolment")
        self._unwritten += utterance.end - utterance.start
        if self._interims is not None:
            self._interims.end()
        if self._speculation is not None and not utterance.says_the_same(self._speculation.pause):
            self._discard()
        asked = self._speculation.asked if self._speculation is not None else None
        self._speculation = None
        self._waiting.put_nowait((segment, utterance, asked))

    async def _wait_for_room(self) -> None:
        """Until the ledger has caught up; at once as long as it keeps pace."""
        enrolling = self._enrolling
        if enrolling is None:
            return
        while self._unwritten > MOST_UNWRITTEN_S * SAMPLE_RATE and not enrolling.done():
            self._written.clear()
            waiting = asyncio.create_task(self._written.wait())
            await asyncio.wait({waiting, enrolling}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if enrolling.done():
            enrolling.result()

    async def _enrol_all(self) -> None:
        """Write utterances down in order, for as long as this connection owns the session; then the task fails."""
        while True:
            segment, utterance, asked = await self._waiting.get()
            await self._admit(segment, utterance, await _settled(asked))
            self._unwritten -= utterance.end - utterance.start
            self._written.set()
            self._waiting.task_done()

    async def _admit(self, segment: int, utterance: Utterance, draft: Partial | None) -> None:
        samples = self._outside(utterance.end)
        job = self._job(segment, utterance, draft)
        keep = draft.keep_language if draft is not None else None

        async def write() -> Admitted:
            owner, ttl_s = self.record.owner, self._ttl_s
            verdict = await self._admission.admit(owner, job, utterance.pcm, samples, ttl_s, keep)
            if verdict == "full":
                raise LedgerFull
            return verdict

        verdict = await self._store_retry.until_ok(write)
        if verdict == "fenced":
            raise SessionTakenOver
        self._enrolled = segment + 1
        self._acknowledge(samples)
        await self._store_retry.until_ok(lambda: self._dispatcher.dispatch(job))

    def _job(self, segment: int, utterance: Utterance, draft: Partial | None) -> Promised:
        """What is left to do of an utterance after its draft."""
        session_id = self.record.session_id
        job = TranscribeAudio(
            session_id=session_id,
            room=self.record.room,
            segment=segment,
            start_ms=samples_to_ms(utterance.start),
            end_ms=samples_to_ms(utterance.end),
            audio_key=names.audio(session_id, segment),
            language=self.record.language,
            task=self.record.task,
            prompt=self.record.prompt,
            clock=Clock(speech_end=utterance.speech_end, endpointed=utterance.ended, queued=now()),
        )
        if draft is None or (draft.transcript is None and draft.no_speech_prob is None):
            return job
        job = job.model_copy(
            update={
                "clock": job.clock.at(stt_start=draft.stt_start, stt_end=draft.stt_end),
                "no_speech_prob": draft.no_speech_prob,
            }
        )
        return job if draft.transcript is None else AnalyzeText(**result_fields(job), transcript=draft.transcript)

    def _acknowledge_silence(self) -> None:
        """Nobody speaks and nothing waits: what was heard so far is safe. Audio never waits until Redis knows it."""
        if self._noting is not None:
            if not self._noting.done():
                return
            if not self._noting.result():
                raise SessionTakenOver
        idle = not self._endpointer.speaking and not self._unwritten
        safe = self._outside(self._endpointer.safe)
        if idle and safe - self._acknowledged >= ACK_EVERY_S * self.record.sample_rate:
            self._noting = asyncio.create_task(self._note(safe), name="silence")

    async def _note(self, safe: int) -> bool:
        """Write down that audio up to ``safe`` is; False when another connection owns the session."""
        owned = await self._store_retry.until_ok(lambda: self._store.acknowledge(self.record, safe))
        if owned:
            self._acknowledge(safe)
        return owned

    def _acknowledge(self, samples: int) -> None:
        if samples > self._acknowledged:
            self._acknowledged = samples
            self._send(Ack(samples=samples))

    def _inside(self, samples: int) -> int:
        """The client's count of samples → ours at 16 kHz."""
        return samples * SAMPLE_RATE // self.record.sample_rate

    def _outside(self, samples: int) -> int:
        """Our count of samples → the client's. Never more than it has sent, whatever the resampler's filter added."""
        return min(self._received, samples * self.record.sample_rate // SAMPLE_RATE)


async def _settled(asked: PendingPartial | None) -> Partial | None:
    """The text that a worker has or writes, however slowly: asking anew would take longer. None when none has begun."""
    if asked is None:
        return None
    if not asked.done:
        await asked.withdraw()
    return await asked.result()
