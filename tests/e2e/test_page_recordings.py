"""Files on the page: short ones, odd ones, long ones, and what is none, in a real browser with a real decoder."""

import io
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile
from playwright.async_api import Page, expect

from tests.e2e.lone_gateway import Decoding, Service, lone_gateway
from tests.e2e.pages import OpenPage, status
from tests.support.containers import packed
from tests.support.eventually import soon
from wire.audio import SAMPLE_RATE, encode_pcm, to_int16


@pytest.fixture
async def open_page() -> AsyncIterator[OpenPage]:
    """A page whose `/ws` a test answers."""
    async with lone_gateway() as open_it:
        yield open_it


def tone(rate: int, channels: int, seconds: float = 3) -> Any:
    """Return a tone of 440 Hz, shape (samples, channels)."""
    wave = 0.25 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def encoded(samples: Any, rate: int, **format: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **format)
    return file.getvalue()


def with_length_zero(wav: bytes) -> bytes:
    at = wav.index(b"data") + 4
    return wav[:4] + bytes(4) + wav[8:at] + bytes(4) + wav[at + 4 :]


SHORT: dict[str, Callable[[], bytes]] = {
    "length 0.wav": lambda: with_length_zero(encoded(tone(16_000, 1), 16_000, format="WAV")),
    "G.711.wav": lambda: encoded(tone(8_000, 1), 8_000, format="WAV", subtype="ULAW"),
    "RF64.wav": lambda: encoded(tone(48_000, 2), 48_000, format="RF64", subtype="PCM_24"),
    "inverted.wav": lambda: encoded(tone(44_100, 2) * np.array([1, -1], dtype=np.float32), 44_100, format="WAV"),
    "stereo.flac": lambda: encoded(tone(48_000, 2), 48_000, format="FLAC"),
    "speech.mp3": lambda: encoded(tone(44_100, 1), 44_100, format="MP3"),
    "speech.ogg": lambda: encoded(tone(48_000, 2), 48_000, format="OGG", subtype="VORBIS"),
    "only the service reads.aiff": lambda: encoded(tone(22_050, 1), 22_050, format="AIFF"),
} | {
    f"with FFmpeg.{kind}": lambda kind=kind: packed(encode_pcm(to_int16(tone(SAMPLE_RATE, 1)[:, 0])), kind)
    for kind in ("amr", "3gp", "mkv", "wma", "webm")
}


async def choose(page: Page, name: str, content: bytes | Path) -> None:
    file: Any = content if isinstance(content, Path) else {"name": name, "mimeType": "", "buffer": content}
    await page.locator("#file").set_input_files(file)


async def test_short_files_of_many_kinds_are_sent_as_sound(open_page: OpenPage) -> None:
    """The tone of each is there in its length, and not silent, whoever decodes it."""
    services: list[Service] = []
    for name, make in SHORT.items():
        service = Service()
        services.append(service)
        page = await open_page(before=service.take_the_place)
        await choose(page, name, make())
        await status(page, "Stopped", 60_000)
        pcm = service.pcm
        assert len(pcm) / SAMPLE_RATE == pytest.approx(3, abs=0.15), name
        spectrum = np.abs(np.fft.rfft(pcm.astype(float)))
        assert spectrum.argmax() * SAMPLE_RATE / len(pcm) == pytest.approx(440, abs=2), name
        assert np.abs(pcm).max() > 0.2 * 32_768, name
        await page.context.browser.close()  # type: ignore[union-attr]


MINUTES = 40
LONG: dict[str, dict[str, str]] = {
    "long.flac": {"format": "FLAC"},
    "long.ogg": {"format": "OGG", "subtype": "VORBIS"},
    "long.mp3": {"format": "MP3"},
}


def long_file(path: Path, minutes: int, **format: str) -> Path:
    """Write silence in 48 kHz stereo with a tone of 3 s in its middle."""
    with soundfile.SoundFile(path, "w", 48_000, 2, **format) as file:
        for minute in range(minutes):
            second = np.zeros((48_000, 2), dtype=np.float32)
            for at in range(60):
                is_middle = minute == minutes // 2 and at < 3
                file.write(tone(48_000, 2, 1) if is_middle else second)
    return path


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", LONG)
async def test_a_long_recording_takes_no_gigabytes_in_the_tab(open_page: OpenPage, tmp_path: Path, name: str) -> None:
    """As a whole it would be 0.9 GB at least; the service decodes it, and what is said in its middle arrives."""
    service = Service()
    page = await open_page(before=service.take_the_place)
    before = memory()
    await choose(page, name, long_file(tmp_path / name, MINUTES, **LONG[name]))
    await status(page, "Sending", 200_000)
    grown = memory() - before
    await status(page, "Stopped", 200_000)
    pcm = service.pcm
    assert len(pcm) / SAMPLE_RATE == pytest.approx(MINUTES * 60, abs=1)
    assert np.abs(pcm[MINUTES // 2 * 60 * SAMPLE_RATE :][: 3 * SAMPLE_RATE]).max() > 0.2 * 32_768
    assert grown < 400e6


def memory() -> int:
    """Return the resident bytes of the largest process of the browsers."""
    children = psutil.Process().children(recursive=True)
    return max(child.memory_info().rss for child in children if "chrom" in child.name())


def wav_header(seconds: int) -> bytes:
    """Return the header of a WAV file of 8-bit sound at 1 kHz."""
    return encoded(np.zeros((seconds * 1000, 1), dtype=np.int16), 1000, format="WAV", subtype="PCM_U8")


REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty.wav": (lambda: b"", "holds no audio", "소리가 없습니다"),
    "no samples.wav": (lambda: encoded(tone(16_000, 1, 0), 16_000, format="WAV"), "holds no audio", "소리가 없습니다"),
    "notes.wav": (lambda: b"not audio at all", "cannot be read as audio", "오디오로 읽을 수 없습니다"),
    "four hours.wav": (lambda: wav_header(4 * 3600), "longer than three hours", "세 시간보다 깁니다"),
    "large.bin": (lambda: bytes(3_000_000), "cannot be read as audio", "오디오로 읽을 수 없습니다"),
}


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_the_reason_for_a_refusal_is_named(open_page: OpenPage, locale: str) -> None:
    """Length, emptiness, or that it is no sound; then another file can be chosen."""
    service = Service()
    page = await open_page(before=service.take_the_place, locale=locale)
    for name, (make, *words) in REFUSED.items():
        await choose(page, name, make())
        await expect(page.locator("[data-topic=file]")).to_contain_text(words[locale == "ko-KR"], timeout=30_000)
        await expect(page.locator("#choose-file")).to_be_enabled()
    assert not service.starts


async def test_a_file_that_breaks_off_is_sent_as_far_as_it_goes(open_page: OpenPage) -> None:
    """And the page says so."""
    whole = encoded(tone(48_000, 2, 700), 48_000, format="FLAC")
    service = Service()
    page = await open_page(before=service.take_the_place)
    await choose(page, "half.flac", whole[: len(whole) // 2])
    await expect(page.locator("[data-topic=file]")).to_contain_text(
        re.compile(r"breaks off after 3\d\d"), timeout=60_000
    )
    await status(page, "Stopped", 60_000)
    assert 300 < len(service.pcm) / SAMPLE_RATE < 400


ELEVEN_MINUTES = encoded(np.zeros((11 * 60 * 8_000, 1), dtype=np.int16), 8_000, format="FLAC")
"""So long that the service decodes it, and small."""


async def opened(open_page: OpenPage, service: Service, decoding: Decoding, **options: Any) -> Page:
    async def prepare(page: Page) -> None:
        await service.take_the_place(page)
        await decoding.take_the_place(page)

    return await open_page(before=prepare, **options)


async def test_reading_a_file_shows_its_progress_and_can_be_stopped(open_page: OpenPage) -> None:
    """The line is closed, and another file can be chosen."""
    service, decoding = Service(), Decoding("stall")
    page = await opened(open_page, service, decoding)
    await choose(page, "long.flac", ELEVEN_MINUTES)
    await status(page, "Reading the file… 50%")
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Ready")
    await soon(lambda: decoding.closed == 1)
    assert service.starts == []
    await choose(page, "a.wav", encoded(tone(16_000, 1), 16_000, format="WAV"))
    await status(page, "Stopped")
    assert len(service.starts) == 1


async def test_what_begins_meanwhile_ends_the_reading(open_page: OpenPage) -> None:
    """A conversation that is restored is not overrun by the file."""
    service, decoding = Service(), Decoding("stall")
    page = await opened(open_page, service, decoding)
    await choose(page, "a.wav", encoded(tone(16_000, 1), 16_000, format="WAV"))
    await status(page, "Stopped")
    await page.reload()
    await choose(page, "long.flac", ELEVEN_MINUTES)
    await status(page, "Reading the file… 50%")
    await page.get_by_role("button", name="Go on with it").click()
    await status(page, "Stopped")
    await soon(lambda: decoding.closed == 1)
    await expect(page.locator("#choose-file")).to_be_enabled()
    assert [start.get("session_id") for start in service.starts] == [None, "0" * 32]


async def test_a_file_waits_for_its_turn_and_for_the_line(open_page: OpenPage) -> None:
    """Then it is read and sent."""
    service, decoding = Service(), Decoding("decoders_busy", "lose", "serve")
    page = await opened(open_page, service, decoding)
    await choose(page, "long.flac", ELEVEN_MINUTES)
    await status(page, "Yours waits for its turn")
    await status(page, "Stopped", 60_000)
    assert len(decoding.lines) == 3
    # The browser's real sockets keep the order; in those that a test routes the end may overtake the last pieces.
    assert len(service.pcm) / SAMPLE_RATE == pytest.approx(11 * 60, abs=5)


@pytest.mark.parametrize(
    ("locale", "words"), [("en-US", "cannot be reached"), ("ko-KR", "서비스에 연결할 수 없습니다")]
)
async def test_a_service_that_is_away_is_the_reason(open_page: OpenPage, locale: str, words: str) -> None:
    """The tab does not decode the file instead."""
    decoding = Decoding("lose")
    page = await opened(open_page, Service(), decoding, locale=locale)
    await choose(page, "long.flac", ELEVEN_MINUTES)
    await expect(page.locator("[data-topic=file]")).to_contain_text(words, timeout=30_000)
    assert len(decoding.lines) == 3


async def test_the_page_waits_for_results_in_the_queue(open_page: OpenPage) -> None:
    """It says how many, resumes the session until none is missing, and can be told not to wait."""
    service = Service()
    service.pending = [3, 1]
    page = await open_page(before=service.take_the_place)
    await choose(page, "a.wav", encoded(tone(16_000, 1), 16_000, format="WAV"))
    await expect(page.locator("[data-topic=end]")).to_contain_text("queue: 3")
    await status(page, "Stopped")
    await expect(page.locator("[data-topic=end]")).to_have_count(0)
    assert [start.get("session_id") for start in service.starts] == [None, "0" * 32, "0" * 32]
    service.pending = [2] * 100
    service.audio.clear()
    await choose(page, "b.wav", encoded(tone(16_000, 1), 16_000, format="WAV"))
    await page.get_by_role("button", name="Do not wait").click()
    await status(page, "Stopped")
    await expect(page.locator("[data-topic=end]")).to_contain_text("Still missing: 2 results")
