"""Pure: a stream of samples becomes utterances. Knows no socket, no Redis, no clock of its own."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fastapi_service.endpointing.energy_vad import EnergyVad
from wire.audio import SAMPLE_BYTES, SAMPLE_RATE, Pcm, encode_pcm, ms_to_samples

FRAME_MS = 30
FRAME = ms_to_samples(FRAME_MS)  # 480 samples
CUT_SEARCH_MS = 6_000
"""A forced cut is made at the quietest point of this last part of a too long utterance."""
CUT_SMOOTHING = 5
"""Frames over which the energy is averaged to find that point: between words rather than inside a closed consonant."""

KEPT_SILENCE_MS = 500
"""Of the silence that ends an utterance, what stays with it, however long that is: more is time for nothing, and the
workers tell phantoms by how much of an utterance is speech."""

Reason = Literal["silence", "too_long", "flush"]


@dataclass(frozen=True)
class EndpointerOptions:
    """All in milliseconds; see the settings of the gateway for their meaning."""

    pre_roll_ms: int = 300
    silence_ms: int = 500
    pause_ms: int = 0
    """0, or not shorter than ``silence_ms``: no pauses are told."""
    max_utterance_ms: int = 20_000
    min_speech_ms: int = 90
    silence_ceiling: float = 0.0005
    noise_factor: float = 6.0


@dataclass(frozen=True)
class SpeechStart:
    """Enough was loud to be called speech."""

    sample: int


@dataclass(frozen=True)
class Pause:
    """Silence inside an utterance, or the beginning of that which ends it."""

    start: int
    end: int
    pcm: bytes
    """The utterance so far, from ``start`` to ``end``."""


@dataclass(frozen=True)
class Utterance:
    """Speech with the silence around it. Positions are samples at 16 kHz since the session's start, gaps included."""

    start: int
    end: int
    pcm: bytes
    reason: Reason
    speech_end: float
    """When its last loud frame arrived (the caller's clock)."""
    ended: float
    """When it was known to be over."""
    silence: int
    """Samples of silence at its end that belong to it."""

    def says_the_same(self, pause: Pause) -> bool:
        """Whether nothing was said after a pause."""
        return pause.start == self.start and self.end - self.silence < pause.end <= self.end


Event = SpeechStart | Pause | Utterance


class _Open:
    """The utterance that is being spoken."""

    def __init__(self, start: int, pre_roll: bytearray, *, shortest: int) -> None:
        self.start = start
        self.pcm = pre_roll
        self.energies: list[float] = []
        """Of each frame since the pre-roll; negative for silent ones, so that one list holds both."""
        self.pre_roll = len(pre_roll) // SAMPLE_BYTES
        self.silence = 0
        """Samples since the last loud frame."""
        self.loud = 0
        """Samples of loud frames."""
        self.speech_end = 0.0
        self.shortest = shortest
        """Samples of loud frames that make it speech."""
        self.announced = False

    def __len__(self) -> int:
        return len(self.pcm) // SAMPLE_BYTES


class Endpointer:
    """Feed it samples and gaps in order; it answers with what begins and ends in them.

    An utterance begins ``pre_roll_ms`` before its first loud frame and ends after ``silence_ms`` of silence, or, when
    it grows too long, at its quietest recent point; then the rest goes on as the next one. No sample belongs to two.
    """

    def __init__(self, options: EndpointerOptions, position: int = 0) -> None:
        self._gate = EnergyVad(options.silence_ceiling, options.noise_factor)
        self._most_pre_roll = options.pre_roll_ms // FRAME_MS * FRAME * SAMPLE_BYTES
        self._pre_roll = bytearray()
        """The most recent silence, up to ``_position``."""
        self._silence = ms_to_samples(options.silence_ms)
        self._pause = ms_to_samples(options.pause_ms) if options.pause_ms < options.silence_ms else 0
        self._kept_silence = -(-max(ms_to_samples(KEPT_SILENCE_MS), self._pause) // FRAME) * FRAME
        self._longest = ms_to_samples(options.max_utterance_ms)
        self._shortest = ms_to_samples(options.min_speech_ms)
        self._tail: Pcm = np.zeros(0, dtype=np.int16)
        self._position = position  # of the first sample in the tail
        self._open: _Open | None = None

    @property
    def position(self) -> int:
        """Samples taken in so far."""
        return self._position + len(self._tail)

    @property
    def safe(self) -> int:
        """No audio before this sample is needed any more."""
        return self._open.start if self._open else self._position - len(self._pre_roll) // SAMPLE_BYTES

    @property
    def speaking(self) -> bool:
        return self._open is not None

    @property
    def silent(self) -> bool:
        """Whether the newest frame was."""
        return self._open is None or self._open.silence > 0

    def newest(self, since: int) -> tuple[int, bytes]:
        """The open utterance from a sample on, or from its beginning if that is later: where that is, and the audio."""
        assert self._open is not None
        start = max(since, self._open.start)
        return start, bytes(self._open.pcm[(start - self._open.start) * SAMPLE_BYTES :])

    def feed(self, pcm: Pcm, arrived: float) -> list[Event]:
        """Take in samples; ``arrived`` is when they did, on the clock that utterances are stamped with."""
        samples = np.concatenate([self._tail, pcm])
        whole = len(samples) // FRAME * FRAME
        frames = samples[:whole].reshape(-1, FRAME)
        energies = np.mean(np.square(frames.astype(np.float32) / 32_768.0), axis=1)
        self._tail = samples[whole:].copy()
        events: list[Event] = []
        for frame, energy in zip(frames, energies.tolist(), strict=True):
            events += self._frame(encode_pcm(frame), energy, arrived)
        return events

    def gap(self, samples: int, arrived: float) -> list[Event]:
        """Silence that was not sent: it counts as digital silence that was, but costs no memory and no time."""
        rest_of_frame = min(samples, -len(self._tail) % FRAME)
        events = self.feed(_silence(rest_of_frame), arrived)
        samples -= rest_of_frame
        if self._open and samples:
            lacking = min(samples, -(-(self._silence - self._open.silence) // FRAME) * FRAME)
            events += self.feed(_silence(lacking), arrived)
            samples -= lacking
        if samples:  # nothing is open, and the tail is empty
            whole = samples // FRAME * FRAME
            self._remember(bytes(min(whole * SAMPLE_BYTES, self._most_pre_roll)))
            self._position += whole
            self._tail = _silence(samples - whole)
        return events

    def flush(self, arrived: float) -> list[Event]:
        """End the open utterance now; the stream may go on afterwards."""
        events: list[Event] = []
        if self._open:
            self._open.pcm += encode_pcm(self._tail)
        self._position += len(self._tail)
        self._tail = self._tail[:0]
        if self._open:
            events += self._close("flush", arrived)
        self._pre_roll.clear()
        return events

    def _frame(self, frame: bytes, energy: float, arrived: float) -> list[Event]:
        loud = self._gate.is_loud(energy)
        self._position += FRAME
        if self._open is None:
            if not loud:
                self._remember(frame)
                return []
            start = self._position - FRAME - len(self._pre_roll) // SAMPLE_BYTES
            self._open = _Open(start, self._pre_roll, shortest=self._shortest)
            self._pre_roll = bytearray()
        self._open.pcm += frame
        self._open.energies.append(energy if loud else -energy)
        if loud:
            self._open.silence = 0
            self._open.loud += FRAME
            self._open.speech_end = arrived
        else:
            self._open.silence += FRAME
        return [
            *self._announce(),
            *self._tell_pause(),
            *self._close_if_silent(arrived),
            *self._cut_if_too_long(arrived),
        ]

    def _announce(self) -> list[Event]:
        if self._open is None or self._open.announced or self._open.loud < self._open.shortest:
            return []
        self._open.announced = True
        return [SpeechStart(self._open.start)]

    def _tell_pause(self) -> list[Event]:
        still = self._open
        if still is None or not still.announced or not 0 <= still.silence - self._pause < FRAME or not self._pause:
            return []
        return [Pause(still.start, still.start + len(still), bytes(still.pcm))]

    def _close_if_silent(self, arrived: float) -> list[Event]:
        if self._open is None or self._open.silence < self._silence:
            return []
        return self._close("silence", arrived)

    def _close(self, reason: Reason, arrived: float) -> list[Event]:
        closed, self._open = self._open, None
        assert closed is not None
        if closed.loud < closed.shortest:  # a click: its end may still lead into speech
            self._remember(closed.pcm)
            return []
        silence = min(closed.silence, self._kept_silence) if reason == "silence" else closed.silence
        length = len(closed) - (closed.silence - silence)
        self._remember(closed.pcm[length * SAMPLE_BYTES :])
        return [
            Utterance(
                start=closed.start,
                end=closed.start + length,
                pcm=bytes(closed.pcm[: length * SAMPLE_BYTES]),
                reason=reason,
                speech_end=closed.speech_end,
                ended=arrived,
                silence=silence,
            )
        ]

    def _cut_if_too_long(self, arrived: float) -> list[Event]:
        if self._open is None or len(self._open) < self._longest:
            return []
        whole = self._open
        search = min(ms_to_samples(CUT_SEARCH_MS), self._longest // 2) // FRAME
        index = quietest(np.abs(np.array(whole.energies)), search)
        cut = whole.pre_roll + index * FRAME + FRAME // 2
        # The rest is the end of a sentence, however short: it cannot be a click any more.
        rest = _Open(whole.start + cut, whole.pcm[cut * SAMPLE_BYTES :], shortest=FRAME)
        rest.energies = whole.energies[index + 1 :]
        rest.pre_roll = FRAME // 2
        rest.loud = sum(FRAME for energy in rest.energies if energy > 0)
        rest.silence, rest.speech_end = whole.silence, whole.speech_end
        self._open = rest
        pcm = bytes(whole.pcm[: cut * SAMPLE_BYTES])
        return [
            Utterance(whole.start, whole.start + cut, pcm, "too_long", arrived, arrived, silence=0),
            *self._announce(),
        ]

    def _remember(self, pcm: bytes | bytearray) -> None:
        """Keep the end of what lies before the current position."""
        self._pre_roll += pcm
        del self._pre_roll[: max(0, len(self._pre_roll) - self._most_pre_roll)]


def _silence(samples: int) -> Pcm:
    return np.zeros(samples, dtype=np.int16)


def quietest(energies: np.ndarray, search: int) -> int:
    """Index of the frame with the lowest smoothed energy among the last ``search`` frames, without the very last."""
    smooth = np.convolve(energies, np.ones(CUT_SMOOTHING) / CUT_SMOOTHING, mode="same")
    begin = max(0, len(smooth) - search)
    return begin + int(np.argmin(smooth[begin : max(begin + 1, len(smooth) - CUT_SMOOTHING)]))


assert SAMPLE_RATE % 1000 == 0  # so that milliseconds are whole samples
