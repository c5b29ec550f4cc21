"""Pure: a stream of samples becomes utterances. No sockets, no Redis, no clock of its own."""

from dataclasses import dataclass

import numpy as np

from fastapi_service.endpointing.active_utterance import ActiveUtterance, State
from fastapi_service.endpointing.energy_vad import EnergyVad
from fastapi_service.endpointing.events import Event, Reason, SpeculativeEndpoint, SpeechStart, Utterance
from fastapi_service.endpointing.frames import FRAME, FRAME_MS, ceil_to_frames
from fastapi_service.endpointing.vad import Vad
from fastapi_service.endpointing.voice import VoiceModel
from wire.audio import SAMPLE_BYTES, Pcm, encode_pcm, ms_to_samples

CUT_SEARCH_MS = 6_000
"""A forced cut is made at the quietest point of this last part of a too long utterance."""
LEAD = ms_to_samples(90)
"""Samples of a pause that go with what follows it, when an utterance has ended in the pause."""
WORD_MARGIN = ms_to_samples(100)
"""Samples by which the time of a word may be wrong."""
LEAST_PAUSE = ms_to_samples(90)
"""Samples of a pause between two sentences. In shorter ones, consonants end."""
KEPT_SILENCE_MS = 500
"""Maximum trailing silence that stays with an utterance. More would waste decoding time, and would skew the workers'
hallucination filter, which uses the share of speech."""

LATE_VOICE_MS = 150
"""Pre-roll in loud rooms, in addition: the beginning of a voice is found that much later than that of a sound."""
LATE_SILENCE_MS = 150
"""The end of a voice is found that much later there, too: an unfinished sentence waits that much less, so that it ends
within a second of its last word as in a quiet room."""


@dataclass(frozen=True)
class EndpointerOptions:
    """All in milliseconds, but for the last three; see the settings of the gateway for their meaning."""

    pre_roll_ms: int = 300
    silence_ms: int = 500
    pause_ms: int = 0
    """0, or not shorter than ``silence_ms``: no speculative endpoints."""
    max_utterance_ms: int = 20_000
    min_speech_ms: int = 90
    unfinished_ms: int = 0
    """Silence that ends an utterance whose sentence is not over; below ``silence_ms`` that counts.
    0: no text ends an utterance."""
    silence_ceiling: float = 0.0005
    noise_factor: float = 6.0
    manual: bool = False
    """Silence ends no utterance; what is too short to be speech is forgotten all the same."""


class Endpointer:
    """Takes samples and gaps in order, and returns what begins and ends in them.

    An utterance begins ``pre_roll_ms`` before its first voiced frame and ends after ``silence_ms`` of silence, or, when
    it grows too long, at its quietest recent point; then the rest goes on as the next one. No sample belongs to two.
    The text of a pause may show that the sentence is over or not: ``end`` and ``wait``.
    """

    def __init__(self, options: EndpointerOptions, position: int = 0, voice: VoiceModel | None = None) -> None:
        """Begin in silence.

        Args:
            options: see the settings of the gateway.
            position: of the first sample.
            voice: finds voice in the noise of loud rooms; None: an utterance ends there only when it is too long.
        """
        self._vad = Vad(EnergyVad(options.silence_ceiling, options.noise_factor), voice)
        self._pre_roll = bytearray()
        """The most recent silence, up to ``_position``."""
        self.tune(options)
        self._tail: Pcm = np.zeros(0, dtype=np.int16)
        """Samples that do not fill a frame yet."""
        self._position = position
        """Position of the first sample in the tail."""
        self._active: ActiveUtterance | None = None

    def tune(self, options: EndpointerOptions) -> None:
        """Let other options hold from now on, also for the active utterance."""
        self._vad.tune(options.silence_ceiling, options.noise_factor)
        self._pre_roll_ms = options.pre_roll_ms
        self._silence = ms_to_samples(options.silence_ms)
        self._unfinished = max(self._silence, ms_to_samples(options.unfinished_ms))
        self._pause = ms_to_samples(options.pause_ms) if options.pause_ms < options.silence_ms else 0
        """Samples of silence; 0 is never reached, since one unvoiced frame is more."""
        self._kept_silence = ceil_to_frames(max(ms_to_samples(KEPT_SILENCE_MS), self._pause))
        self._max_utterance = ms_to_samples(options.max_utterance_ms)
        self._min_voiced = ms_to_samples(options.min_speech_ms)
        self._is_manual = options.manual

    @property
    def position(self) -> int:
        """Position after the newest sample."""
        return self._position + len(self._tail)

    @property
    def safe(self) -> int:
        """Position before which no audio is needed. It only grows."""
        return self._active.start if self._active else self._position - len(self._pre_roll) // SAMPLE_BYTES

    @property
    def state(self) -> State:
        """State after the newest whole frame."""
        return self._active.state if self._active else State.QUIET

    @property
    def active(self) -> ActiveUtterance | None:
        """The utterance that is being spoken, to read; None in state QUIET."""
        return self._active

    def feed(self, pcm: Pcm, arrived: float) -> list[Event]:
        """Take in samples; ``arrived`` is when they did, on the clock that utterances are stamped with."""
        samples = np.concatenate([self._tail, pcm])
        whole = len(samples) // FRAME * FRAME
        frames = samples[:whole].reshape(-1, FRAME)
        energies = np.mean(np.square(frames.astype(np.float32) / 32_768.0), axis=1)
        self._tail = samples[whole:].copy()
        events: list[Event] = []
        for frame, energy in zip(frames, energies.tolist(), strict=True):
            events += self._frame(frame, energy, arrived)
        return events

    def gap(self, samples: int, arrived: float) -> list[Event]:
        """Take in silence that was not sent: like digital silence, but it costs no memory and no time."""
        rest_of_frame = min(samples, -len(self._tail) % FRAME)
        events = self.feed(_silence(rest_of_frame), arrived)
        samples -= rest_of_frame
        while self._active and samples:  # once, unless silence does not end it
            lacking = self._limit(self._active) - self._active.silence
            lacking = min(samples, ceil_to_frames(max(FRAME, lacking)))  # a rest may have more silence than its limit
            events += self.feed(_silence(lacking), arrived)
            samples -= lacking
        if samples:  # no utterance is active, and the tail is empty
            whole = samples // FRAME * FRAME
            if whole:
                self._vad.skip()
            self._remember(bytes(min(whole * SAMPLE_BYTES, self._max_pre_roll)))
            self._position += whole
            self._tail = _silence(samples - whole)
        return events

    def flush(self, arrived: float, reason: Reason = "flush") -> list[Event]:
        """End the active utterance now; the stream may go on afterwards.

        Args:
            arrived: as for ``feed``.
            reason: with ``silence``, what is too short to be speech stays the pre-roll of what follows.
        """
        tail, self._tail = self._tail, self._tail[:0]
        self._position += len(tail)
        events: list[Event] = []
        if self._active:
            self._active.pcm += encode_pcm(tail)
            events = self._close(self._active, reason, arrived)
        else:
            self._remember(encode_pcm(tail))
        if reason == "flush":
            self._pre_roll.clear()
        return events

    def clear(self) -> None:
        """Forget the active utterance and the silence before the next one. The position stays."""
        self._position += len(self._tail)
        self._tail = self._tail[:0]
        self._active = None
        self._pre_roll.clear()

    def end(self, pause: SpeculativeEndpoint, arrived: float) -> tuple[Utterance, list[Event]] | None:
        """End the active utterance in one of its pauses, also if speech has gone on since; then the rest goes on.

        Args:
            pause: of the active utterance, or of one that is over already.
            arrived: as for ``feed``.

        Returns:
            the utterance, and the events of the rest; None if the utterance is over already.
        """
        active = self._active
        if active is None or active.start != pause.start:
            return None
        return self._end_in(active, (pause.end - pause.silence, pause.end), pause.speech_end, arrived)

    def end_between(
        self, start: int, words: tuple[int, int], until: int, arrived: float
    ) -> tuple[Utterance, list[Event]] | None:
        """End the active utterance in a pause between two words; the rest goes on.

        Args:
            start: of the utterance.
            words: positions at which the first word ends and the second one begins, as far as is known.
            until: position of speech that belongs to the rest.
            arrived: as for ``feed``.

        Returns:
            as ``end``; also None if there is no pause.
        """
        active = self._active
        if active is None or active.start != start:
            return None
        begin, end = words[0] - WORD_MARGIN, words[1] + WORD_MARGIN
        pause = active.pause_between(begin, end, LEAST_PAUSE)
        if pause is None or pause[1] >= until:
            return None
        return self._end_in(active, pause, active.arrival(pause[0]), arrived)

    def _end_in(
        self, active: ActiveUtterance, pause: tuple[int, int], speech_end: float, arrived: float
    ) -> tuple[Utterance, list[Event]]:
        """End an utterance in a pause, given by its positions; the rest, if there is speech in it, goes on."""
        begin, end = pause
        position = end - min((end - begin) // 2, LEAD) // FRAME * FRAME
        pcm, rest = active.split(position, self._min_voiced)
        audio_end = active.arrival(position)
        over = Utterance(active.start, position, pcm, "silence", speech_end, arrived, audio_end, position - begin)
        if not rest.voiced:
            self._active = None
            self._remember(rest.pcm)
            return over, []
        self._active = rest
        events: list[Event] = []
        if rest.state is not State.STARTING:
            events.append(SpeechStart(rest.start))
        if rest.state is State.STOPPING and rest.silence >= self._pause > 0:
            events.append(self._speculative(rest))
        return over, events

    def wait(self, pause: SpeculativeEndpoint) -> None:
        """Let the pause become longer before the utterance ends, if it lasts still: more is to come."""
        if self._active is not None and self.is_last(pause):
            self._active.is_unfinished = True

    def is_last(self, pause: SpeculativeEndpoint) -> bool:
        """True while a pause lasts: no speech has come after it, and its utterance is not over."""
        active = self._active
        return active is not None and active.start == pause.start and active.end - active.silence < pause.end

    def _limit(self, active: ActiveUtterance) -> int:
        """Return the silence that ends an utterance, in samples."""
        if not active.is_unfinished:
            return self._silence
        late = ms_to_samples(LATE_SILENCE_MS) if self._vad.needs_voice else 0
        return max(self._silence, self._unfinished - late)

    @staticmethod
    def _speculative(active: ActiveUtterance) -> SpeculativeEndpoint:
        return SpeculativeEndpoint(active.start, active.end, bytes(active.pcm), active.speech_end, active.silence)

    def _frame(self, samples: Pcm, energy: float, arrived: float) -> list[Event]:
        voiced, frame = self._vad.update(samples, energy), encode_pcm(samples)
        self._position += FRAME
        active = self._active
        if active is None:
            if not voiced:
                self._remember(frame)
                return []
            active = self._begin()
        before = active.state
        active.add(frame, energy, arrived, voiced=voiced)
        events: list[Event] = []
        if before is State.STARTING and active.state is not State.STARTING:
            events.append(SpeechStart(active.start))
        if active.silence - FRAME < self._pause <= active.silence and active.state is State.STOPPING:
            events.append(self._speculative(active))
        if active.silence >= self._limit(active) and (not self._is_manual or active.state is State.STARTING):
            events += self._close(active, "silence", arrived)
        elif len(active) >= self._max_utterance:
            events += self._cut(active, arrived)
        return events

    def _begin(self) -> ActiveUtterance:
        """Begin an utterance with the newest frame, which is still to be added."""
        pre_roll, self._pre_roll = self._pre_roll, bytearray()
        lead = len(pre_roll) // SAMPLE_BYTES
        start = self._position - FRAME - lead
        self._active = ActiveUtterance(start, pre_roll, lead=lead, min_voiced=self._min_voiced)
        return self._active

    def _close(self, active: ActiveUtterance, reason: Reason, arrived: float) -> list[Event]:
        self._active = None
        if active.state is State.STARTING:  # a click: its end may still lead into speech
            self._remember(active.pcm)
            return []
        is_short = reason != "silence" and not self._is_manual
        silence = active.silence if is_short else min(active.silence, self._kept_silence)
        length = len(active) - (active.silence - silence)
        self._remember(active.pcm[length * SAMPLE_BYTES :])
        return [
            Utterance(
                start=active.start,
                end=active.start + length,
                pcm=bytes(active.pcm[: length * SAMPLE_BYTES]),
                reason=reason,
                speech_end=active.speech_end,
                ended=arrived,
                audio_end=active.arrival(active.start + length),
                silence=silence,
            )
        ]

    def _cut(self, active: ActiveUtterance, arrived: float) -> list[Event]:
        pcm, rest = active.cut(min(ms_to_samples(CUT_SEARCH_MS), self._max_utterance // 2) // FRAME)
        self._active = rest
        audio_end = active.arrival(rest.start)
        events: list[Event] = [
            Utterance(active.start, rest.start, pcm, "too_long", arrived, ended=arrived, audio_end=audio_end, silence=0)
        ]
        if rest.state is not State.STARTING:
            events.append(SpeechStart(rest.start))
        return events

    @property
    def _max_pre_roll(self) -> int:
        """Bytes."""
        ms = self._pre_roll_ms + (LATE_VOICE_MS if self._vad.needs_voice else 0)
        return ms // FRAME_MS * FRAME * SAMPLE_BYTES

    def _remember(self, pcm: bytes | bytearray) -> None:
        """Keep the end of what lies before the current position."""
        self._pre_roll += pcm
        del self._pre_roll[: max(0, len(self._pre_roll) - self._max_pre_roll)]


def _silence(samples: int) -> Pcm:
    return np.zeros(samples, dtype=np.int16)
