"""A real browser whose microphone plays a recording, for tests of the page."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jiwer
from playwright.async_api import Page, async_playwright, expect

from tools.browser import find_browser
from wire.audio import SAMPLE_RATE

DATA = Path(__file__).parents[1] / "data"
MANIFEST = {
    line["file"]: line for line in map(json.loads, (DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines())
}
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    # An address that browsers do not trust as they trust localhost.
    "--host-resolver-rules=MAP plain.example 127.0.0.1",
]
ALLOW_EVERYTHING = "--use-fake-ui-for-media-stream"
"""Without the person's permission; of what a page wants to share, also the sound is a fake."""
SHARE_TAB = "--auto-select-tab-capture-source-by-title={}"
REMEMBER_STATUSES = """
addEventListener("DOMContentLoaded", () => {
    const status = document.querySelector("#status");
    window.statuses = [];
    const options = {childList: true, characterData: true, subtree: true};
    new MutationObserver(() => window.statuses.push(status.textContent)).observe(status, options);
});
"""
RESULTS_MS = 60_000
"""For the slowest machine to answer everything."""

OpenPage = Callable[..., Awaitable[Page]]


@asynccontextmanager
async def browsers_at(address: str, *refusals: str) -> AsyncIterator[OpenPage]:
    """Opens the page in a browser whose microphone plays a file; at the end, nothing may have gone wrong unseen.

    ``shared`` is the title of the tab that the person shares; then the microphone needs a permission of the context.

    Browsers report each request that the service refuses: of these there must be exactly the ``refusals``, which are
    parts of their texts.
    """
    complaints: list[str] = []

    async with async_playwright() as playwright:
        browsers = []

        async def open_it(
            microphone: str = "silly.wav",
            *,
            before: Callable[[Page], Awaitable[object]] | None = None,
            url: str = address,
            shared: str | None = None,
            **options: Any,
        ) -> Page:
            picks = ALLOW_EVERYTHING if shared is None else SHARE_TAB.format(shared)
            browser = await playwright.chromium.launch(
                executable_path=find_browser(),
                args=[*FLAGS, picks, f"--use-file-for-fake-audio-capture={DATA / microphone}%noloop"],
                ignore_default_args=None if shared is None else ["--mute-audio"],  # a muted tab shares silence
            )
            browsers.append(browser)
            page = await browser.new_page(**options)
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            own = urlsplit(url).netloc
            page.on("request", lambda r: complaints.append(r.url) if origin_of(r.url) != own else None)
            await page.add_init_script(REMEMBER_STATUSES)
            if before is not None:
                await before(page)
            response = await page.goto(url)
            assert response is not None
            assert "default-src 'none'" in response.headers["content-security-policy"]
            await page.locator("#status:not(:empty)").wait_for()  # its scripts have run
            return page

        yield open_it
        for browser in browsers:
            await browser.close()
    for refusal in refusals:
        complaints.remove(next(complaint for complaint in complaints if refusal in complaint))
    assert complaints == []


def origin_of(url: str) -> str:
    """Return host and port of an address; those of its page for a file that the page holds itself."""
    return urlsplit(url.removeprefix("blob:")).netloc


class Line:
    """What goes over the page's WebSocket."""

    def __init__(self, page: Page) -> None:
        self.received: list[dict[str, Any]] = []
        self._samples = 0
        self._more = asyncio.Event()
        page.on("websocket", self._listen)

    async def seconds(self, count: float) -> None:
        """Wait until so much sound and silence went over it: the microphone's own clock."""
        while self._samples < count * SAMPLE_RATE:
            self._more.clear()
            await self._more.wait()

    def _listen(self, websocket: Any) -> None:
        websocket.on("framesent", self._sent)
        websocket.on("framereceived", lambda message: self.received.append(json.loads(message)))

    def _sent(self, message: str | bytes) -> None:
        self._samples += len(message) // 2 if isinstance(message, bytes) else json.loads(message).get("samples", 0)
        self._more.set()


def word_error_rate(reference: str, hypothesis: str) -> float:
    plain = jiwer.Compose(
        [jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.Strip(), jiwer.ReduceToListOfListOfWords()]
    )
    return jiwer.wer(reference, hypothesis, reference_transform=plain, hypothesis_transform=plain)


async def status(page: Page, word: str, timeout_ms: int = 20_000) -> None:
    await expect(page.locator("#status")).to_have_text(re.compile(word), timeout=timeout_ms)


async def was_said(page: Page, word: str, timeout_ms: int = 20_000) -> None:
    """Wait until the status says it or has said it: what it says for a moment only would slip through `status`."""
    await page.wait_for_function(
        "word => window.statuses.some(text => text.includes(word))", arg=word, timeout=timeout_ms
    )


async def figure(page: Page, name: str) -> str:
    return await page.locator(f"[data-figure={name}]").inner_text()
