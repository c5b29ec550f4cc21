"""The page where access is closed: sign-in by link and by form, and links into a room, in real browsers."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.pages import browsers_at, status
from tests.e2e.test_page_sessions import AXE, violations


async def ready(page: Page) -> None:
    """Let the page take the service for ready."""
    await page.route(re.compile(r"/readyz\?"), lambda route: route.fulfill(json={"ready": True, "checks": {}}))


def said(page: Page) -> list[dict[str, Any]]:
    """Collect what the service says to a page."""
    received: list[dict[str, Any]] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda text: received.append(json.loads(text))))
    return received


async def test_link_of_the_first_start_signs_in_and_leaves_the_address(closed: tuple[str, str]) -> None:
    """The pass-phrase is in no request but the one that signs in; a reload needs none, and the microphone works."""
    address, phrase = closed
    requests: list[str] = []
    async with browsers_at(address) as open_page:

        async def watch(page: Page) -> None:
            await ready(page)
            page.on("request", lambda request: requests.append(f"{request.url} {request.headers}"))

        page = await open_page(url=f"{address}/#pass={phrase}", before=watch)
        await status(page, "Ready when you are")
        assert page.url == f"{address}/"
        await page.reload()
        await page.get_by_role("button", name="Start").click()
        await status(page, "Listening|Hearing")
        await expect(page.locator("#sign-in")).to_be_hidden()
        await page.get_by_role("button", name="Stop").click()
    assert requests
    assert not [request for request in requests if phrase in request]


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_form_signs_in_and_names_a_wrong_passphrase(closed: tuple[str, str], locale: str) -> None:
    """With keyboard and screen reader; the browser itself reports the request that was refused, and nothing else."""
    address, phrase = closed
    async with browsers_at(address, "401") as open_page:
        page = await open_page(before=ready, locale=locale, bypass_csp=True)
        await expect(page.locator("#sign-in")).to_be_visible()
        await page.add_script_tag(path=AXE)
        assert await violations(page) == []
        await page.locator("#passphrase").fill("a-wrong-one")
        await page.keyboard.press("Enter")
        await expect(page.locator("#sign-in-error")).not_to_be_empty()
        assert await violations(page) == []
        await page.locator("#passphrase").fill(phrase)
        await page.keyboard.press("Enter")
        await expect(page.locator("#sign-in")).to_be_hidden()
        await page.set_viewport_size({"width": 320, "height": 700})
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_links_into_a_room_let_others_talk_or_read(closed: tuple[str, str]) -> None:
    """The owner's page shows the link to talk; whoever has one needs no pass-phrase, and whoever has none stays out."""
    address, phrase = closed
    async with browsers_at(address) as open_page:
        owner = await open_page(url=f"{address}/?room=kitchen#pass={phrase}", before=ready)
        await status(owner, "Press Start to talk")
        await expect(owner.locator("#room-link")).to_have_value(re.compile(r"\?room=kitchen#invite="))
        link = await owner.locator("#room-link").input_value()
        made = await owner.evaluate("fetch('rooms/kitchen/links', {method: 'POST'}).then((answer) => answer.json())")
        received: list[dict[str, Any]] = []

        async def listening(page: Page) -> None:
            nonlocal received
            await ready(page)
            received = said(page)

        stranger = await open_page(url=f"{address}/?room=kitchen", before=listening)
        await expect(stranger.locator("#sign-in")).to_be_visible()
        assert [(message["type"], message["code"]) for message in received] == [("error", "no_grant")]
        late = await open_page(url=link, before=listening)  # replaced meanwhile
        await expect(late.locator("[data-topic=error]")).to_contain_text("no longer valid")
        guest = await open_page(url=f"{address}/?room=kitchen#invite={made['talk']}", before=listening)
        await status(guest, "Press Start to talk")
        await guest.get_by_role("button", name="Start").click()
        await status(guest, "Listening|Hearing")
        assert {tuple(message["rights"]) for message in received if message["type"] == "ready"} == {("read", "talk")}
        await expect(guest.locator("#sign-in")).to_be_hidden()
        reader = await open_page(url=f"{address}/?room=kitchen#invite={made['read']}", before=listening)
        await status(reader, "Your link is for reading")
        assert [message["rights"] for message in received if message["type"] == "ready"] == [["read"]]
        await expect(reader.locator("#toggle")).to_be_hidden()
        await expect(owner.locator("[data-figure=people]")).to_have_text("3")
