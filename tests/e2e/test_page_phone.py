"""The page on a phone: the screen stays on, what was not recorded is said, languages are found."""

import io
import re
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.async_api import Page, expect

from tests.e2e.lone_gateway import Decoding, Service, lone_gateway
from tests.e2e.pages import OpenPage, status
from tests.e2e.test_page_sessions import AXE, violations

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
WAKE_LOCK = """
globalThis.locks = { taken: 0, held: 0 };
const request = async () => {
  locks.taken++;
  locks.held++;
  return { released: false, release: async () => { locks.held--; } };
};
Object.defineProperty(navigator, "wakeLock", { value: { request } });
"""
NO_WAKE_LOCK = 'Object.defineProperty(navigator, "wakeLock", { value: undefined });'
REFUSED_WAKE_LOCK = """
const request = () => Promise.reject(new DOMException("low battery", "NotAllowedError"));
Object.defineProperty(navigator, "wakeLock", { value: { request } });
"""
SLEEP = """
const { resume } = AudioContext.prototype;
globalThis.contexts = [];
globalThis.asleep = false;
AudioContext.prototype.resume = function () {
  if (!contexts.includes(this)) contexts.push(this);
  return asleep ? Promise.resolve() : resume.call(this);
};
"""
RETURN = 'document.dispatchEvent(new Event("visibilitychange"))'


@pytest.fixture
async def open_page() -> AsyncIterator[OpenPage]:
    """A page whose `/ws` a test answers."""
    async with lone_gateway() as open_it:
        yield open_it


async def opened(open_page: OpenPage, service: Service, script: str = "", **options: Any) -> Page:
    async def prepare(page: Page) -> None:
        await service.take_the_place(page)
        await page.add_init_script(script)

    return await open_page(before=prepare, **options)


async def test_the_screen_stays_on_while_it_records(open_page: OpenPage) -> None:
    """The lock is taken at Start, again at each return, and given back at Stop; one is held at a time."""
    page = await opened(open_page, Service(), WAKE_LOCK, **PHONE)
    assert await page.evaluate("locks") == {"taken": 0, "held": 0}
    await page.get_by_role("button", name="Start").click()
    await status(page, "Listening|Hearing")
    assert await page.evaluate("locks") == {"taken": 1, "held": 1}
    for returned in (2, 3):
        await page.evaluate(RETURN)
        await page.wait_for_function("count => locks.taken === count", arg=returned)
        assert await page.evaluate("locks.held") == 1
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Stopped")
    await page.evaluate(RETURN)
    assert await page.evaluate("locks") == {"taken": 3, "held": 0}


async def test_the_screen_stays_on_while_a_file_is_read(open_page: OpenPage) -> None:
    """From its choice on: until it is stopped, or refused, or sent."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(11 * 60 * 8_000, dtype=np.int16), 8_000, format="FLAC")
    decoding = Decoding("stall", "decoder_failed", "serve")
    page = await opened(open_page, Service(), WAKE_LOCK, **PHONE)
    await decoding.take_the_place(page)
    for end in ("Ready", "Ready", "Stopped"):
        await page.locator("#file").set_input_files({"name": "a.flac", "mimeType": "", "buffer": file.getvalue()})
        if decoding.closed == 0:
            await status(page, "Reading the file… 50%")
            assert await page.evaluate("locks.held") == 1
            await page.get_by_role("button", name="Stop").click()
        await status(page, end, 120_000)
        assert await page.evaluate("locks.held") == 0
    assert await page.evaluate("locks.taken") == 3


@pytest.mark.parametrize("script", [NO_WAKE_LOCK, REFUSED_WAKE_LOCK], ids=["without locks", "refused"])
async def test_a_browser_that_keeps_no_screen_on_is_no_error(open_page: OpenPage, script: str) -> None:
    """It records all the same, and nothing is said."""
    page = await opened(open_page, Service(), script)
    await page.get_by_role("button", name="Start").click()
    await status(page, "Listening|Hearing")
    await expect(page.locator("#notices")).to_be_empty()


@pytest.mark.parametrize(("locale", "words"), [("en-US", r"recorded for [456] seconds"), ("ko-KR", "[456]초 동안")])
async def test_what_was_not_recorded_is_said(open_page: OpenPage, locale: str, words: str) -> None:
    """The audio of a suspended context is lost; its duration stands behind what was said before it."""
    service = Service()
    page = await opened(open_page, service, SLEEP, locale=locale)
    await page.locator("#toggle").click()
    await page.locator("#status:is([data-status=listening], [data-status=hearing])").wait_for()
    service.say(type="interim", segment=0, revision=1, stable="I was just", unstable="saying", language="en")
    await page.evaluate("asleep = true; contexts.forEach((context) => context.suspend())")
    await page.locator("#status[data-status=interrupted]").wait_for()
    await page.wait_for_timeout(4_500)
    service.say(type="speech_ended", segment=0, start_ms=0, end_ms=900, reason="silence")  # as the gateway does by now
    await page.evaluate("asleep = false")
    await page.evaluate(RETURN)
    divider = page.locator("#sentences .divider")
    await expect(divider).to_contain_text(re.compile(words))
    await expect(page.locator("#sentences li").first).to_have_class(re.compile("awaited"))
    service.say(type="no_speech", session_id="0" * 32, room=None, segment=0, seq=1, start_ms=0, end_ms=900, clock={})
    await expect(page.locator("#sentences li")).to_have_count(1)


async def test_languages_are_found_by_each_of_their_names(open_page: OpenPage) -> None:
    """The frequent ones first; what is typed hides the others; the number found is said."""
    page = await opened(open_page, Service(), **PHONE)
    await page.locator("#settings summary").click()
    labels = page.locator("#languages label:visible")
    await expect(labels).to_have_count(100)
    assert "English" in (await labels.all_inner_texts())[:15]
    for typed, name in (("kore", "Korean"), ("한국", "Korean"), ("espanol", "Spanish"), ("uk", "Ukrainian")):
        await page.get_by_label("Search").fill(typed)
        assert name in await labels.all_inner_texts(), typed
    await page.get_by_label("Search").fill("klingon")
    await expect(page.locator("#found")).to_have_text("Found: 0")
    await page.get_by_label("Search").fill("german")
    await page.keyboard.press("Tab")
    while await page.evaluate("document.activeElement.id === 'languages'"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.get_by_label("Search").fill("")
    await page.reload()
    await page.locator("#settings summary").click()
    await expect(page.get_by_label("German", exact=True)).to_be_checked()


@pytest.mark.parametrize(
    ("query", "chosen", "unknown"),
    [
        ("?language=ko", ["ko"], None),
        ("?languages=en,pt-BR", ["en", "pt"], None),
        ("?language=klingon", [], "klingon"),
        ("?language=ko,xx", ["ko"], "xx"),
    ],
)
async def test_an_address_chooses_languages(
    open_page: OpenPage, query: str, chosen: list[str], unknown: str | None
) -> None:
    """What it asks for is sent; what there is not is named."""
    service = Service()
    page = await opened(open_page, service)
    await page.goto(page.url + query)
    await page.get_by_role("button", name="Start").click()
    await status(page, "Listening|Hearing")
    start = service.starts[0]
    assert start.get("languages", [start["language"]] if start.get("language") else []) == chosen
    notice = page.locator("[data-topic=language]")
    await (expect(notice).to_contain_text(unknown) if unknown else expect(notice).to_have_count(0))


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_settings_and_notices_stand_in_nobodys_way(open_page: OpenPage, locale: str) -> None:
    """axe-core finds nothing with the search in use, a missing language and a refused file; 320 px are enough."""
    page = await opened(open_page, Service(), locale=locale, bypass_csp=True, viewport={"width": 320, "height": 700})
    await page.goto(page.url + "?language=klingon")
    await page.locator("#file").set_input_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": b""})
    await page.locator("[data-topic=file]").wait_for()
    await page.locator("#settings summary").click()
    await page.locator("#search").fill("kor")
    await page.add_script_tag(path=AXE)
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
