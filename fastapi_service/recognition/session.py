"""One person's audio, from samples to the ledger."""

import asyncio
from collections.abc import Callable
from typing import assert_never

from fastapi_service.endpointing.active_utterance import State
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.endpointing.client_stream import ClientStream
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, SpeechStart, Utterance
from fastapi_service.monitoring import metrics
from fastapi_service.recognition.acknowledgements import Acknowledgements
from fastapi_service.recognition.audio_timeout import AudioTimeout
from fastapi_service.recognition.common_clock import CommonClock
from fastapi_service.recognition.configuration import Configuration
from fastapi_service.recognition.context import RecentSpeech
from fastapi_service.recognition.interims import Interims
from fastapi_service.recognition.pace import LIVE_S, SETTLED_S, Pace
from fastapi_service.recognition.partial_requester import PartialRequester
from fastapi_service.recognition.ports import PartialRequest, SessionOptions, SessionPorts
from fastapi_service.recognition.sentence_ends import SentenceEnds
from fastapi_service.recognition.speculation import Speculation
from fastapi_service.recognition.store_retry import StoreRetry
from fastapi_service.recognition.writer import FoundUtterance, LedgerWriter
from fastapi_service.storage.record import SessionRecord
from infra.clock import now
from wire.audio import Pcm, decode_pcm, samples_to_ms
from wire.errors import WireError
from wire.messages.client import Configure
from wire.messages.jobs import Partial
from wire.messages.results import Final
from wire.messages.server import Ack, AnyServerMessage, SpeechEnded, SpeechStarted


class Session:
    """Turns one connection's audio into utterances and passes them to the ledger's writer.

    Invariants:
        * Every sample is counted once, in order, gaps and audio that the client took back included.
        * Utterances get consecutive segments from ``record.next_segment`` on, and share no sample.
        * Audio is acknowledged only when it is in the ledger, or when it was silence.
        * The open utterance ends also when no audio comes. The audio clock stands still meanwhile: it counts what the
          client sends, and a client that leaves audio out says so with a gap.
        * A session that sends faster than real time requests no text before the end of an utterance. Once it is live
          again, so are its utterances that were ahead.
        * Texts may end utterances, unless ``unfinished_ms`` is 0: see :class:`SentenceEnds`.
        * Texts requested before the end of an utterance change nothing else of this: see :class:`Speculation` and
          :class:`Interims`.

    Not safe for concurrent calls: one connection calls one method at a time.
    """

    def __init__(
        self,
        record: SessionRecord,
        options: SessionOptions,
        ports: SessionPorts,
        send: Callable[[AnyServerMessage], None],
        send_error: Callable[[WireError], None],
    ) -> None:
        """Continue at the record's segment and position.

        Args:
            send: called with each message for the client; must not block.
            send_error: called with an error for the client that does not end the session.
        """
        self.segments = record.next_segment
        """Utterances found so far, in the ledger or on the way."""
        self._send = send
        self._common_clock: CommonClock | None = None
        self._is_file = False
        self._stream = ClientStream(options.endpointer, record.sample_rate, record.samples, ports.voice)
        retry = StoreRetry(record.session_id, send_error, options.warn_after_s, options.max_retry_pause_s)
        self._configuration = Configuration(record, ports.store, retry, send)
        requester = PartialRequester(self._configuration, ports.partials)
        self._options = options
        self._speculation = Speculation(requester, self._on_pause_text)
        self._interims = Interims(requester, send, self._on_interim_text, options.interim_every_s)
        self._ends = SentenceEnds(
            self._stream.endpointer,
            self._speculation,
            self._interims,
            self._on_over,
            inside=record.task == "transcribe",  # the words of a translation have no exact times
        )
        clock = self._stream.clock
        self._acknowledgements = Acknowledgements(
            record, ports.store, clock, retry, self._acknowledge, options.ack_every_s
        )
        self._recent = RecentSpeech(options.context_s if record.task == "transcribe" else 0.0)
        self._writer = LedgerWriter(record, ports, options, self._acknowledgements, retry, self._recent)
        self._timeout = AudioTimeout(None, self._on_timeout)
        self.tune(EndpointingChange())
        self._time = asyncio.get_running_loop().time
        self._has_ahead = record.next_segment > 0
        """Utterances of the session that were ahead may be outstanding; also those of an earlier connection."""
        resumed_file = self._has_ahead and not record.resumed_live
        self._pace = Pace(
            self._time(),
            resumed=record.resumed_live,
            ahead_s=options.ahead_s,
            settled_s=LIVE_S if resumed_file else SETTLED_S,
        )

    @property
    def record(self) -> SessionRecord:
        """The session, with what its client has changed."""
        return self._configuration.record

    @property
    def seconds(self) -> float:
        """Audio received since the session's start, gaps included."""
        return self._stream.clock.seconds

    def tune(self, change: EndpointingChange) -> None:
        """Let utterances end otherwise from now on, the open one included; what is left out is as the gateway has it.

        The time for which audio may come late stays.
        """
        usual, options = self._options.endpointer, change.applied_to(self._options.endpointer)
        self._stream.endpointer.tune(options)
        self._texts_end = options.unfinished_ms > 0
        """False: silence alone ends utterances, or a flush."""
        late_s = self._options.audio_timeout_s - usual.silence_ms / 1000
        self._timeout.seconds = None if options.manual else late_s + options.silence_ms / 1000

    def share(self, clock: CommonClock) -> None:
        """Put the utterances from now on onto a clock that another session has, too."""
        self._common_clock = clock

    def send_file(self) -> None:
        """Take the audio for that of a file: it is ahead however it comes, and no utterance ends for lack of it."""
        self._is_file = True
        self._pace.pin()

    @property
    def _is_busy(self) -> bool:
        """True if the workers have enough to do with this session's final texts."""
        return self._pace.ahead or self._writer.is_waiting_for_workers

    @property
    def waiting(self) -> int:
        """Utterances that are found and not yet in the ledger."""
        return self.segments - self._writer.next_segment

    async def audio(self, data: bytes) -> None:
        """Take in audio. Waits while too many utterances wait for the ledger.

        Between the seconds of a long message others have their turn. All of it is taken in, also when the caller is
        cancelled meanwhile.

        Args:
            data: Int16 PCM at the session's rate, of an even, non-zero length.

        Raises:
            SessionTakenOver: another connection resumed the session.
            StoreError: the ledger refused an utterance for good.
        """
        pcm = decode_pcm(data)
        seconds = len(pcm) / self.record.sample_rate
        metrics.AUDIO_SECONDS.inc(seconds)
        self._update_pace(seconds)
        await self._feed(pcm)
        endpointer = self._stream.endpointer
        if endpointer.active is not None and endpointer.state is State.SPEAKING and not self._is_busy:
            self._interims.update(endpointer.active, endpointer.position)
        await self._keep_pace()

    async def _feed(self, pcm: Pcm) -> None:
        arrived, second = now(), self.record.sample_rate
        self._timeout.stop()  # the rest of the message is there
        begin = 0
        try:
            while begin < len(pcm):
                piece = pcm[begin : begin + second]
                begin += second
                self._handle(self._stream.feed(piece, arrived))
                if begin < len(pcm):
                    await asyncio.sleep(0)
        except asyncio.CancelledError:  # what is flushed next has the whole message
            self._handle(self._stream.feed(pcm[begin:], arrived))
            raise

    async def gap(self, samples: int) -> None:
        """Take in silence that was not sent, in samples at the session's rate. Waits and raises as ``audio`` does."""
        self._update_pace(gap_s=samples / self.record.sample_rate)
        self._handle(self._stream.gap(samples, now()))
        await self._keep_pace()

    async def configure(self, change: Configure) -> None:
        """Change what utterances that end from now on are recognised with. Waits and raises as ``audio`` does.

        It is answered when it is written, which is not waited for. If languages or prompt change, the open utterance
        gets no further interim text, for it need not begin with what was shown.
        """
        if change.changes_recognition:
            self._speculation.stop()
            self._interims.end()
            self._recent.clear()
        self._configuration.change(change)
        await self._keep_pace()

    def note(self, result: Final) -> None:
        """Take in a result of this session: what is said next continues its text."""
        self._recent.note(result.segment, result)
        self._writer.note_result()

    async def flush(self) -> None:
        """End the open utterance now; audio may follow. Waits and raises as ``audio`` does."""
        self._handle(self._stream.flush(now()))
        await self._keep_pace()

    async def clear(self) -> None:
        """Drop the open utterance; the next one has its segment. Waits and raises as ``audio`` does.

        Utterances that have ended are on their way to the ledger, and stay.
        """
        self._handle(self._stream.clear(now()))
        self._speculation.stop()
        self._interims.end()
        await self._keep_pace()

    async def finish(self) -> None:
        """End the open utterance and wait until everything is in Redis. May be cancelled, and called again.

        Raises:
            SessionTakenOver: another connection resumed the session; what it sends again is not written twice.
            StoreError: the ledger refused an utterance for good.
        """
        self._timeout.stop()
        self._acknowledgements.stop()
        self._update_pace()
        self._handle(self._stream.flush(now()))
        self._speculation.stop()  # not before: the open utterance may end in the pause whose text is there
        self._interims.stop()
        await self._writer.drain()
        await self._configuration.drain()
        await self._writer.put_context(self.segments, None)

    def _update_pace(self, seconds: float = 0.0, gap_s: float = 0.0) -> None:
        self._pace.update(self._time(), seconds, gap_s=gap_s, waiting=self.waiting > 0)
        if self._has_ahead and self._pace.settled:
            self._has_ahead = False
            self._writer.raise_to_live()  # results come in order: these would hold back those of live speech

    async def _keep_pace(self) -> None:
        self._timeout.stop()  # while this waits, no audio is read: that is not the client's silence
        await self._writer.wait_for_room()
        self._configuration.check_owner()
        self._acknowledgements.check_owner()
        if self._stream.endpointer.active is not None:
            if not self._is_file:
                self._timeout.restart()
        elif not self._writer.unwritten:
            self._acknowledgements.note_silence(self._stream.endpointer.safe)

    def _acknowledge(self, ack: Ack) -> None:
        self._send(ack)
        self._update_pace()
        self._timeout.extend()  # the client may have waited for this with its next audio, as with a file

    def _on_timeout(self) -> None:
        """End the open utterance as silence does; audio may follow."""
        if self._writer.unwritten:  # the client waits for an acknowledgement, perhaps
            self._timeout.restart()
        else:
            self._handle(self._stream.flush(now(), "silence"))

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case SpeechStart():
                    self._send(SpeechStarted(segment=self.segments, at_ms=samples_to_ms(event.sample)))
                    self._interims.begin(self.segments, event.sample)
                case SpeculativeEndpoint():
                    self._on_pause(event)
                case Utterance():
                    self._on_utterance(event, self._speculation.take(event))
                case _:
                    assert_never(event)
        if self._stream.endpointer.state is State.SPEAKING and not self._texts_end:
            self._speculation.discard()  # otherwise it may still show that the sentence was over

    def _on_pause(self, pause: SpeculativeEndpoint) -> None:
        if self._is_busy:
            self._speculation.discard()
        else:
            self._speculation.begin(self.segments, pause, self._recent.before(self.segments, pause.start))

    def _on_pause_text(self, pause: SpeculativeEndpoint, request: PartialRequest, partial: Partial) -> None:
        if self._texts_end:
            self._ends.on_pause(pause, request, partial)

    def _on_interim_text(self, partial: Partial, position: int) -> None:
        if self._texts_end:
            self._ends.on_interim(partial, position)

    def _on_over(self, utterance: Utterance, request: PartialRequest | None, rest: list[Event]) -> None:
        """Take in an utterance that is over by its text, and what goes on behind it."""
        self._on_utterance(utterance, request)
        self._handle(rest)

    def _on_utterance(self, utterance: Utterance, request: PartialRequest | None) -> None:
        segment, self.segments = self.segments, self.segments + 1
        self._pace.update(self._time(), waiting=True)
        self._send(
            SpeechEnded(
                segment=segment,
                start_ms=samples_to_ms(utterance.start),
                end_ms=samples_to_ms(utterance.end),
                reason=utterance.reason,
            )
        )
        self._interims.end()
        self._recent.add(segment, utterance)
        partial = request.partial if request is not None else None
        if partial is not None and partial.transcript is not None:  # what goes on behind it continues this text
            self._recent.note(segment, partial.transcript)
        self._has_ahead |= self._pace.ahead
        received = self._stream.clock.to_client(utterance.end)
        if self._common_clock is not None:
            utterance = self._common_clock.place(utterance)
        found = FoundUtterance(segment, utterance, request, self.record, ahead=self._pace.ahead, received=received)
        self._writer.put(found)
