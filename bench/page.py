"""The page in a browser: its size, its CPU time at rest, and the time to append a sentence to a long conversation.

Sentences are appended as finals of the service are, and laid out at once, after 100 and after 5,000 sentences (about
three hours of speech). Then the list is scrolled from its start, 40 pixels per frame, and the frames are timed. Prints
a table and writes ``bench-results/page.json``.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Page, Route, async_playwright
from rich.console import Console
from rich.table import Table

from bench.results import print_header, write_results
from fastapi_service.api.page import as_served
from fastapi_service.security.headers import HEADERS
from tools.browser import find_browser

STATIC = Path(__file__).parents[1] / "fastapi_service" / "static"
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml"}
SERVED = {".html", ".css", ".js", ".mjs", ".svg"}
ANSWERS: dict[str, Any] = {
    "/readyz": {"ready": True, "checks": {}},
    "/access": {"access": "open", "rights": ["read", "talk"], "login": None},
}
"""Path → what a ready gateway with open access answers."""
SENTENCES = (100, 5_000)
REST_S = 10

SET_UP = """async () => {
  const { Transcript } = await import("/static/view/transcript.js");
  const transcript = new Transcript();
  const scroller = document.getElementById("transcript");
  const labels = ["positive", "neutral", "negative"];
  const texts = ["Yes.", "We have quite a lot to talk about today.", "So let us begin with the numbers of the last " +
    "quarter, and after that we come to the plans for the year, which are not small."];
  const session_id = "0".repeat(32);
  transcript.own(session_id);
  const add = () => {
    const segment = transcript.entries.length, end = 1767225600 + segment * 2;
    const sentiment = { label: labels[segment % 3], score: 0.8, probabilities: {} };
    const clock = { speech_end: end, endpointed: end + 0.5, delivered: end + 1 };
    transcript.awaitFinal({ segment });
    transcript.addFinal({ type: "final", session_id, room: null, segment, start_ms: segment * 2000, end_ms: 0, clock,
      text: texts[segment % texts.length], language: "en", sentiment, sentiment_reason: null, seq: segment + 1 });
  };
  const frame = () => new Promise(requestAnimationFrame);
  globalThis.bench = { transcript, scroller, add, frame };
}"""

GROW = "async (count) => { while (bench.transcript.entries.length < count) bench.add(); await bench.frame(); }"

APPEND = """async () => {
  const times = [];
  for (let sample = 0; sample < 20; sample++) {
    await bench.frame();
    await bench.frame();
    const start = performance.now();
    for (let i = 0; i < 5; i++) { bench.add(); void bench.scroller.scrollHeight; }
    times.push((performance.now() - start) / 5);
  }
  return times.sort((a, b) => a - b)[times.length / 2];
}"""

SCROLL = """async () => {
  const times = [];
  await bench.frame(); // what was added last is followed
  bench.scroller.scrollTop = 0;
  await bench.frame();
  let last = await bench.frame();
  for (let i = 0; i < 100; i++) {
    bench.scroller.scrollTop += 40;
    const now = await bench.frame();
    times.push(now - last);
    last = now;
  }
  times.sort((a, b) => a - b);
  return [times[times.length >> 1], times[Math.floor(times.length * 0.95)]];
}"""


class PageServer:
    """Serves the page as a ready gateway does, and counts the bytes that the browser loads."""

    bytes = 0

    async def serve(self, route: Route) -> None:
        """Answer one request of the browser."""
        path = urlsplit(route.request.url).path
        if path in ANSWERS:
            await route.fulfill(json=ANSWERS[path])
            return
        file = STATIC / ("index.html" if path == "/" else path.removeprefix("/static/"))
        body = as_served(file)
        self.bytes += len(body)
        media_type = MEDIA_TYPES.get(file.suffix, "text/javascript")
        await route.fulfill(body=body, headers={**HEADERS, "content-type": media_type})


async def cpu_at_rest(cdp: CDPSession) -> float:
    """Return the CPU time of the page's main thread while nothing happens, in percent of one core."""
    before = await task_seconds(cdp)
    await asyncio.sleep(REST_S)
    return 100 * (await task_seconds(cdp) - before) / REST_S


async def task_seconds(cdp: CDPSession) -> float:
    """Return the CPU seconds that the page's main thread has used."""
    metrics = (await cdp.send("Performance.getMetrics"))["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


async def measure_transcript(page: Page) -> dict[str, Any]:
    """Time appending and scrolling at each length of ``SENTENCES``."""
    await page.evaluate(SET_UP)
    results: dict[str, Any] = {}
    for count in SENTENCES:
        await page.evaluate(GROW, count)
        append_ms = await page.evaluate(APPEND)
        p50_ms, p95_ms = await page.evaluate(SCROLL)
        results[str(count)] = {"append_ms": append_ms, "scroll_frame_p50_ms": p50_ms, "scroll_frame_p95_ms": p95_ms}
    return results


async def measure() -> dict[str, Any]:
    """Open the page in headless Chromium and measure it."""
    server = PageServer()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=["--headless=new", "--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(locale="en-US")
        await page.route("**/*", server.serve)
        await page.goto("http://localhost:8000/")
        await page.wait_for_selector("#toggle:enabled")
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Performance.enable")
        files = [len(as_served(file)) for file in STATIC.rglob("*") if file.suffix in SERVED]
        results: dict[str, Any] = {
            "bytes": {"page": sum(files), "loaded": server.bytes},
            "cpu_at_rest_percent": {"empty": await cpu_at_rest(cdp)},
            "sentences": await measure_transcript(page),
        }
        results["cpu_at_rest_percent"][str(SENTENCES[-1])] = await cpu_at_rest(cdp)
        await browser.close()
    return results


def print_tables(results: dict[str, Any]) -> None:
    """Print the figures."""
    console = Console()
    table = Table("sentences", "append one, ms", "frame while scrolling, p50 ms", "p95 ms")
    for count, times in results["sentences"].items():
        table.add_row(count, *(f"{ms:.2f}" for ms in times.values()))
    console.print(table)
    for state, percent in results["cpu_at_rest_percent"].items():
        console.print(f"CPU at rest, {state}: {percent:.2f} % of a core")
    size = results["bytes"]
    console.print(f"the whole page: {size['page']:,} bytes; loaded when it opens: {size['loaded']:,} bytes")


def main() -> None:
    """Measure the page and write bench-results/page.json."""
    print_header(__doc__)
    results = asyncio.run(measure())
    print_tables(results)
    write_results("page", results)


if __name__ == "__main__":
    main()
