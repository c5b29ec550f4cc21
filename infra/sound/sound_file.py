"""Sound files → Int16, 16 kHz, mono, a second at a time, with libsndfile and soxr."""

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

from infra.sound.mono import MonoStream, SplitStream
from infra.sound.mp3 import EndlessFile, is_sound, says_its_length
from infra.sound.wav_header import is_wav, read_header, samples_only
from wire.audio import Pcm
from wire.errors import AudioError

_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000
"""Hertz; a rate beyond these means a damaged header."""
_MOST_CHANNELS = 64
_UNKNOWN = 1 << 37
"""Samples, a month of them, from which a length is none: that of a FLAC file from a pipe is 2⁶³ − 1."""
_BLOCK_VALUES = 1 << 20
"""Values of all channels that are read at once: 4 MB, whatever a header says of rate and channels."""
_NEARLY = 0.95
"""Part of the samples that must come: the length of some files is an estimate."""
_LEFT = 4096
"""Bytes at the end of an MP3 file that need not be sound."""
_CONVERT = "Convert it, for example: ffmpeg -i INPUT -ac 1 -ar 16000 -c:a pcm_s16le OUTPUT.wav"
_COPY = "Copy it again from where it comes from, or send what there is: ffmpeg -i INPUT OUTPUT.wav"
_OTHERS = {
    (4, b"ftyp"): "an MP4 or M4A file",
    (0, b"\x1aE\xdf\xa3"): "a WebM or Matroska file",
    (8, b"AVI "): "an AVI file",
    (0, b"0&\xb2u"): "a WMA or WMV file",
    (0, b"\xff\xf1"): "an AAC file",
    (0, b"#!AMR"): "an AMR file",
    (0, b"%PDF"): "a PDF document",
    (0, b"PK\x03\x04"): "a ZIP archive",
}
"""(offset, bytes) → files that are no audio, or of a kind that libsndfile does not read."""


class SoundFile:
    """A recording: WAV (also G.711, RF64, of unknown length), FLAC, MP3, Ogg Vorbis or Opus, AIFF and others.

    MP3 files are read to their end, whatever length they say: several may be joined. Each reading opens the file again,
    so several readings can go on at once. No more than a second is in memory.
    """

    def __init__(self, path: Path, opener: Callable[[], BinaryIO] | None = None) -> None:
        """Open the file once, to see that it can be read.

        Args:
            path: of the file, also its name in errors.
            opener: opens a file that is not on this machine; it can be read and searched.

        Raises:
            AudioError: the file is missing, empty, no audio, of a kind that is not read here, or cut off in its header.
        """
        self._path = path
        self._opener = opener or (lambda: path.open("rb"))
        with _opened(path, self._opener) as (sound, _):
            self.seconds: float | None = sound.frames / sound.samplerate if _says_length(sound) else None
            """Duration as the file says it; None if it does not."""
            self.channels: int = sound.channels

    def blocks(self, *, split: bool = False) -> Iterator[Pcm]:
        """Yield the samples. A file without its end is read as far as it goes.

        Args:
            split: keep the first two channels apart: blocks have the shape (samples, 2).

        Raises:
            AudioError: the file breaks off, or is damaged, in a way that is not just a missing end of a WAV file.
        """
        with _opened(self._path, self._opener) as (sound, file):
            read = yield from _read(sound, split=split)
            if not read.damaged and sound.format == "MP3":
                read = yield from _read_on(file, read, split=split)
        if read.damaged:
            raise AudioError(
                "file_truncated",
                f"{self._path} breaks off after {read.seconds:.1f} s. What is before was sent.",
                _COPY,
            )


@dataclass(frozen=True)
class _Read:
    """The end of a reading."""

    seconds: float
    damaged: bool


def _read(sound: Any, *, split: bool) -> Generator[Pcm, None, _Read]:
    """Yield the samples of one recording, as far as it goes."""
    stream = SplitStream(sound.samplerate) if split else MonoStream(sound.samplerate, sound.channels)
    size = max(1, min(sound.samplerate, _BLOCK_VALUES // sound.channels))
    taken = 0
    damaged = _breaks_off(sound)
    try:
        while len(samples := sound.read(size, dtype="float32", always_2d=True)):
            taken += len(samples)
            yield stream.push(samples)
    except soundfile.LibsndfileError:
        damaged = True
    yield stream.end()
    damaged = damaged or (_says_length(sound) and taken < _NEARLY * sound.frames)
    return _Read(taken / sound.samplerate, damaged)


def _read_on(file: BinaryIO, read: _Read, *, split: bool) -> Generator[Pcm, None, _Read]:
    """Yield the recordings in an MP3 file that follow the one whose length its header says."""
    seconds, at = read.seconds, file.tell()
    end = file.seek(0, io.SEEK_END)
    while end - at > _LEFT:
        file.seek(at)
        if not is_sound(file.read(_LEFT)):
            break
        try:
            with _Sequential(EndlessFile(file, at)) as sound:
                more = yield from _read(sound, split=split)
        except soundfile.LibsndfileError:
            return _Read(seconds, damaged=True)
        seconds += more.seconds
        at = file.tell()
    return _Read(seconds, damaged=False)


@contextmanager
def _opened(path: Path, opener: Callable[[], BinaryIO]) -> Iterator[tuple[Any, BinaryIO]]:
    """Open a file as a ``soundfile.SoundFile`` with at least one sample, and as what that reads."""
    try:
        file = opener()
    except FileNotFoundError:
        raise AudioError("wav_missing", f"There is no file {path}.", "Correct the path.") from None
    except OSError as error:
        raise AudioError(
            "wav_unreadable", f"{path} cannot be read: {error.strerror}.", "Give a file that you may read."
        ) from None
    with file, _decoder(file, path) as sound:
        yield sound, file


def _decoder(file: BinaryIO, path: Path) -> Any:
    head = file.read(4096)
    header = read_header(file) if is_wav(head) else None
    if header is not None and not header.is_consistent:
        raise _unknown_format(path, "its header is damaged")
    try:
        sound = _open(file)
    except soundfile.LibsndfileError as error:
        # The view begins at the samples: a header that is wrong in itself fails again.
        sound = _reopened(file, header)
        if sound is None:
            raise _refusal(head, path, str(error.error_string).rstrip("."), whole=header is not None) from None
    if not sound.frames:
        sound = _reopened(file, header) or sound
    if not sound.frames:
        if _breaks_off(sound):
            raise AudioError("file_truncated", f"{path} breaks off: its end is missing.", _COPY)
        raise AudioError("wav_empty", f"{path} holds no audio.", "Give a file with at least one sample.")
    if not (_LOWEST_RATE <= sound.samplerate <= _HIGHEST_RATE and sound.channels <= _MOST_CHANNELS):
        raise _unknown_format(path, f"{sound.channels} channels, {sound.samplerate} Hz")
    return sound


def _breaks_off(sound: Any) -> bool:
    """Return True for an Ogg file without its last page."""
    return "ended unexpectedly" in sound.extra_info or "lacks an end-of-stream" in sound.extra_info


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads without seeking, which soundfile does after each block: libsndfile cannot without knowing the length."""

    def seekable(self) -> bool:
        """Say no."""
        return False


def _says_length(sound: Any) -> bool:
    return bool(sound.frames < _UNKNOWN)


def _open(file: Any) -> Any:
    file.seek(0)
    sound = soundfile.SoundFile(file)
    if sound.format == "MP3":  # its position is then where the first recording ends, and the rest begins
        sound.close()
        view = file if says_its_length(file) else EndlessFile(file, 0)
        file.seek(0)
        return _Sequential(view)
    if _says_length(sound):
        return sound
    sound.close()
    file.seek(0)
    return _Sequential(file)


def _reopened(file: BinaryIO, header: Any) -> Any:
    """Open a WAV file by its samples alone; None where that is no better."""
    view = header and samples_only(file, header)
    try:
        return view and _open(view)
    except soundfile.LibsndfileError:
        return None


def _refusal(head: bytes, path: Path, reason: str, *, whole: bool) -> AudioError:
    """Return the error for a file that libsndfile does not open."""
    if whole:
        return _unknown_format(path, reason)
    if not head:
        return AudioError(
            "not_wav", f"{path} is empty: it has no bytes at all.", f"Record or copy it again. {_CONVERT}"
        )
    for (at, magic), name in _OTHERS.items():
        if head[at : at + len(magic)] == magic:
            return AudioError("not_wav", f"{path} is {name}, which is not read here.", _CONVERT)
    if _is_text(head):
        return AudioError("not_wav", f"{path} is a text file and holds no audio.", f"Give a sound file. {_CONVERT}")
    if is_wav(head) or head[:4] in {b"RIFF", b"OggS", b"fLaC", b"FORM", b"riff"}:
        return AudioError("not_wav", f"{path} is cut off or damaged at its beginning ({reason}).", _CONVERT)
    return AudioError("not_wav", f"{path} is no sound file of a kind that is read here ({reason}).", _CONVERT)


def _unknown_format(path: Path, reason: str) -> AudioError:
    return AudioError("wav_format", f"{path} holds audio of a kind that is not read here ({reason}).", _CONVERT)


def _is_text(head: bytes) -> bool:
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head):  # not just the last letter, cut off
            return False
        text = head[: error.start].decode("utf-8")
    return bool(text) and all(sign.isprintable() or sign.isspace() for sign in text)
