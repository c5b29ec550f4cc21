"""Takes the pictures of the README: the real page, in a real browser, while recordings of tests/data are spoken.

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
RECORDING = "conversation.wav"
SENTENCES = 4
"""Of the recording; then it begins anew, and the picture is taken in the middle of a word."""
WAIT_MS = 60_000
PICTURES: dict[str, dict[str, Any]] = {
    "page": {"viewport": {"width": 1180, "height": 800}, "color_scheme": "light", "locale": "en-US"},
    "page-dark-phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "locale": "ko-KR"},
}


async def speak(page: Page) -> None:
    """Talk until some sentences are there and another one is being spoken."""
    await page.locator("#toggle").click()
    await expect(page.locator("#sentences li.said").nth(SENTENCES - 1)).to_be_visible(timeout=WAIT_MS)
    await expect(page.locator("#sentences li.interim .text")).to_be_visible(timeout=WAIT_MS)


async def take(url: str) -> None:
    async with async_playwright() as playwright:
        for name, options in PICTURES.items():
            browser = await playwright.chromium.launch(
                executable_path=find_browser(),
                args=[
                    "--headless=new",
                    "--no-sandbox",
                    "--use-fake-device-for-media-stream",
                    "--use-fake-ui-for-media-stream",
                    f"--use-file-for-fake-audio-capture={DATA / RECORDING}",
                ],
            )
            page = await browser.new_page(**options, device_scale_factor=2, reduced_motion="reduce")
            await page.goto(url)
            await speak(page)
            file = ROOT / "docs" / "screenshots" / f"{name}.png"
            await page.screenshot(path=file)
            print(file.relative_to(ROOT))
            await browser.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Stack.start(Path(folder)).wait_ready() as stack:
        asyncio.run(take(stack.url))


if __name__ == "__main__":
    main()
