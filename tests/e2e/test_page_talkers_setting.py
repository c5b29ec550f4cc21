"""The setting of who talks at a page, in a real browser, with a service that a test stands in for."""

import numpy as np
import pytest
from playwright.async_api import Page, expect

from tests.e2e.lone_gateway import Service, lone_gateway
from tests.e2e.pages import status
from tests.e2e.test_page_sessions import AXE, violations
from tests.e2e.test_page_two_talkers import choose

ONE_CHANNEL = """
const { getSettings } = MediaStreamTrack.prototype;
MediaStreamTrack.prototype.getSettings = function () { return { ...getSettings.call(this), channelCount: 1 }; };
"""


async def test_a_device_with_one_channel_is_one_talker_and_the_page_says_so() -> None:
    """It goes on, and the session has one channel."""
    service = Service()

    async def prepare(page: Page) -> None:
        await page.add_init_script(ONE_CHANNEL)
        await service.take_the_place(page)

    async with lone_gateway() as open_page:
        page = await open_page(before=prepare)
        await choose(page, "stereo")
        await page.get_by_role("button", name="Start").click()
        await status(page, "Listening|Hearing")
        await expect(page.locator("#notices")).to_contain_text("one channel only")
        await page.wait_for_function("() => document.querySelector('#meter').style.length > 0")
        await page.get_by_role("button", name="Stop").click()
        await status(page, "Stopped")
    assert "channels" not in service.starts[0]
    assert np.abs(service.pcm).max() > 0.02 * 32_768


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_who_talks_is_chosen_by_anyone(locale: str) -> None:
    """On a narrow page nothing is cut off, and axe finds nothing, in each choice; a choice is kept."""
    service = Service()
    async with lone_gateway() as open_page:
        page = await open_page(
            before=service.take_the_place, locale=locale, viewport={"width": 320, "height": 640}, bypass_csp=True
        )
        await page.add_script_tag(path=AXE)
        await page.locator("#settings summary").click()
        for talkers in ("stereo", "call", "one"):
            await page.locator("#talkers").select_option(talkers)
            assert await page.locator("#beside").is_visible() is (talkers != "one")
            assert await page.locator("#processing").is_visible() is (talkers != "stereo")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320
            assert await violations(page) == []
        await page.locator("#talkers").select_option("call")
        await page.reload()
        await expect(page.locator("#talkers")).to_have_value("call")


async def test_a_browser_that_shares_no_sound_does_not_offer_it() -> None:
    """It has two choices, also where the third one was stored."""

    async def prepare(page: Page) -> None:
        await page.add_init_script("localStorage.setItem('settings', JSON.stringify({talkers: 'call'}))")
        await page.add_init_script("delete MediaDevices.prototype.getDisplayMedia")
        await Service().take_the_place(page)

    async with lone_gateway() as open_page:
        page = await open_page(before=prepare)
        assert await page.locator("#talkers option").evaluate_all("all => all.map(each => each.value)") == [
            "one",
            "stereo",
        ]
        await expect(page.locator("#talkers")).to_have_value("one")
