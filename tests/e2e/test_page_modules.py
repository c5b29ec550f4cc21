"""The page's pure modules, each alone in a browser; nothing else is needed, no server and no node."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Route, async_playwright

from local.browser import find_browser
from wire.audio import SAMPLE_RATE

STATIC = Path(__file__).parents[2] / "fastapi_service" / "static"
RATES = (44_100, 48_000)
BLOCK = 128
"""Samples that an audio worklet gets at once."""

pytestmark = pytest.mark.asyncio(loop_scope="module")

Evaluate = Callable[..., Awaitable[Any]]

HELPERS = """
const rms = (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
const decibels = (ratio) => 20 * Math.log10(Math.max(ratio, 1e-9));
const tone = (hertz, rate, seconds) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
const resample = (input, rate, block) => {
  const resampler = new Resampler(rate, 16000);
  const output = [];
  for (let i = 0; i < input.length; i += block) output.push(...resampler.push(input.subarray(i, i + block)));
  output.push(...resampler.flush());
  return output;
};
const middle = (samples) => samples.slice(1600, -1600);  // without the filter's start and end
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evaluate() -> AsyncIterator[Evaluate]:
    """Runs the body of a JavaScript function in which the modules' exports are known."""

    async def serve(route: Route) -> None:
        name = urlsplit(route.request.url).path.lstrip("/")
        await route.fulfill(path=STATIC / name) if name else await route.fulfill(body="", content_type="text/html")

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.route("http://page.example/**", serve)
        await page.goto("http://page.example/")

        async def run(module: str, names: str, body: str, argument: Any = None) -> Any:
            return await page.evaluate(
                f"async (given) => {{ const {{ {names} }} = await import('/{module}.js'); {HELPERS} {body} }}", argument
            )

        yield run
        await browser.close()


@pytest.mark.parametrize("rate", [*RATES, 8_000, 16_000, 22_050, 96_000])
async def test_a_minute_is_a_minute(evaluate: Evaluate, rate: int) -> None:
    """60 s in blocks of a worklet come out as exactly 60 s: no sample is lost or made up between blocks."""
    counted = """
        const resampler = new Resampler(given.rate, 16000);
        let count = 0;
        const block = new Float32Array(given.block);
        for (let left = 60 * given.rate; left > 0; left -= block.length) {
          count += resampler.push(block.subarray(0, Math.min(left, block.length))).length;
        }
        return count + resampler.flush().length;
    """
    assert await evaluate("audio/resampler", "Resampler", counted, {"rate": rate, "block": BLOCK}) == 60 * SAMPLE_RATE


@pytest.mark.parametrize("rate", RATES)
async def test_what_16_khz_cannot_hold_does_not_fold_back(evaluate: Evaluate, rate: int) -> None:
    """Tones above 8 kHz come out at most at −60 dB, wherever they would fold to."""
    weakened = """
        const levels = [];
        for (let hertz = 8000; hertz < given / 2; hertz += 250) {
          const input = tone(hertz, given, 0.5);
          levels.push(decibels(rms(middle(resample(input, given, 128))) / rms(input)));
        }
        return levels;
    """
    assert max(await evaluate("audio/resampler", "Resampler", weakened, rate)) <= -60


@pytest.mark.parametrize("rate", RATES)
async def test_speech_passes_unchanged_and_in_time(evaluate: Evaluate, rate: int) -> None:
    """A tone below 7 kHz is the same tone at 16 kHz, neither weaker nor shifted; the difference is below −60 dB."""
    differences = """
        return [100, 440, 1000, 3000, 5000, 7000].map((hertz) => {
          const expected = middle([...tone(hertz, 16000, 1)]);
          const output = middle(resample(tone(hertz, given, 1), given, 128));
          return decibels(rms(expected.map((x, i) => x - output[i])) / rms(expected));
        });
    """
    assert max(await evaluate("audio/resampler", "Resampler", differences, rate)) <= -60


@pytest.mark.parametrize("rate", RATES)
async def test_blocks_leave_no_trace(evaluate: Evaluate, rate: int) -> None:
    """A chirp resampled in blocks of any size is the chirp resampled at once."""
    largest = """
        const sweep = (i) => Math.sin((Math.PI * 7000 * i * i) / given / given);
        const chirp = Float32Array.from({ length: given }, (_, i) => sweep(i));
        const whole = resample(chirp, given, chirp.length);
        return [1, 128, 1000].map((block) =>
          Math.max(...resample(chirp, given, block).map((x, i) => Math.abs(x - whole[i]))));
    """
    assert await evaluate("audio/resampler", "Resampler", largest, rate) == [0, 0, 0]


async def test_loud_samples_are_clipped(evaluate: Evaluate) -> None:
    """Float becomes Int16 as it does on the other side of the wire; beyond full scale it stays at full scale."""
    values = [-2, -1, -0.5, 0, 0.5, 32_767 / 32_768, 1, 2]
    clipped = await evaluate("audio/pcm", "toInt16", "return given.map(toInt16);", values)
    assert clipped == [-32_768, -32_768, -16_384, 0, 16_384, 32_767, 32_767, 32_767]


async def test_the_page_sends_the_format_of_the_wire(evaluate: Evaluate) -> None:
    """Python's and the page's sample rate are the same, and a frame is 100 ms."""
    constants = await evaluate("audio/pcm", "SAMPLE_RATE, FRAME_SAMPLES", "return [SAMPLE_RATE, FRAME_SAMPLES];")
    assert constants == [SAMPLE_RATE, SAMPLE_RATE // 10]


async def test_the_backlog_keeps_what_is_not_acknowledged_and_no_more(evaluate: Evaluate) -> None:
    """Frames go when they are acknowledged or too old; what is left is found from any position on."""
    story = """
        const backlog = new Backlog(40);
        const tell = (frame) => frame && [frame.start, frame.pcm.length];
        const at = (position) => tell(backlog.next(position));
        const push = (count) => { while (count--) backlog.push(new Int16Array(10)); };
        push(3);
        const told = { fresh: at(0), inside: at(14), end: at(30) };
        backlog.acknowledge(15);
        told.acknowledged = at(0);
        push(5);
        told.bounded = at(0);
        backlog.rebase();
        told.rebased = at(0);
        push(1);
        told.after = at(40);
        return told;
    """
    assert await evaluate("session/backlog", "Backlog", story) == {
        "fresh": [0, 10],
        "inside": [14, 6],
        "end": None,
        "acknowledged": [10, 10],
        "bounded": [40, 10],
        "rebased": [0, 10],
        "after": [40, 10],
    }


async def test_times_are_minutes_and_seconds(evaluate: Evaluate) -> None:
    """Hours are shown as minutes: a conversation's clock never wraps."""
    told = await evaluate(
        "words/words", "minutes", "return given.map(minutes);", [0, 999, 61_000, 3_600_000, 6_000_000]
    )
    assert told == ["00:00", "00:00", "01:01", "60:00", "100:00"]
