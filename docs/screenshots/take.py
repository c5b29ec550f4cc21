"""Takes the pictures of the README: the page in a real browser, with a recording of tests/data as its microphone.

``make screenshots`` writes ``docs/screenshots/*.png``.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright, expect

from local.testing import Stack
from tools.browser import find_browser

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
RECORDINGS = {"en-US": ("conversation.wav", 4), "ko-KR": ("korean.wav", 7)}
"""Language of the reader → recording, and its number of sentences.

It then repeats, and the picture is taken while the next interim text is shown.
"""
WAIT_MS = 60_000
DESK: dict[str, Any] = {"viewport": {"width": 1180, "height": 800}, "color_scheme": "light"}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
PICTURES: dict[str, dict[str, Any]] = {
    "page": {**DESK, "locale": "en-US"},
    "page-dark-phone": {**PHONE, "locale": "en-US"},
    "page-ko": {**DESK, "locale": "ko-KR"},
    "page-ko-dark-phone": {**PHONE, "locale": "ko-KR"},
}


async def speak(page: Page, sentences: int) -> None:
    """Start the microphone and wait for ``sentences`` finals and one interim text."""
    await page.locator("#toggle").click()
    await expect(page.locator("#sentences li.said").nth(sentences - 1)).to_be_visible(timeout=WAIT_MS)
    await expect(page.locator("#sentences .interim:not(:empty)").last).to_be_visible(timeout=WAIT_MS)


async def take(url: str) -> None:
    """Take each of ``PICTURES`` of the page at ``url``."""
    async with async_playwright() as playwright:
        for name, options in PICTURES.items():
            recording, sentences = RECORDINGS[options["locale"]]
            browser = await playwright.chromium.launch(
                executable_path=find_browser(),
                args=[
                    "--headless=new",
                    "--no-sandbox",
                    "--use-fake-device-for-media-stream",
                    "--use-fake-ui-for-media-stream",
                    f"--use-file-for-fake-audio-capture={DATA / recording}",
                ],
            )
            page = await browser.new_page(**options, device_scale_factor=2, reduced_motion="reduce")
            await page.goto(url)
            await speak(page, sentences)
            file = ROOT / "docs" / "screenshots" / f"{name}.png"
            await page.screenshot(path=file)
            print(file.relative_to(ROOT))
            await browser.close()


def main() -> None:
    """Start the whole system and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder)).wait_ready() as stack:
        asyncio.run(take(stack.url))


if __name__ == "__main__":
    main()
