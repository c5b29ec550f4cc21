"""A conversation that is deleted from the page: it is gone for all who see it, and from Redis."""

import re

import httpx
import pytest
from playwright.async_api import Page, expect

from local.testing import Stack
from tests.e2e.pages import RESULTS_MS, Line, OpenPage, status
from tests.e2e.test_page_sessions import AXE, talk, texts, violations
from tests.support.eventually import soon
from tests.support.everything import keys_with
from tests.support.redis import connect
from wire import names

DELETED = "The conversation was deleted."


async def delete(page: Page) -> None:
    await page.get_by_role("button", name="Delete…").click()
    await page.get_by_role("button", name="Delete", exact=True).click()


async def is_empty(page: Page) -> None:
    """Nothing that was said is on the page, and it says why."""
    await expect(page.locator("#notices")).to_contain_text(DELETED)
    await expect(page.locator("#sentences li")).to_have_count(0)
    await expect(page.locator("#delete")).to_be_disabled()
    await expect(page.locator("#toggle")).to_have_text("Start again")


def sessions(line: Line) -> list[tuple[str, str]]:
    return [(m["session_id"], m["token"]) for m in line.received if m["type"] == "ready" and m["token"]]


async def test_what_was_said_is_deleted_from_the_page(open_page: OpenPage, stack: Stack) -> None:
    """While the microphone is still open. A reload offers nothing back, and another conversation can begin."""
    line: list[Line] = []

    async def listen(page: Page) -> None:
        line.append(Line(page))

    page = await open_page("silly.wav", before=listen)
    await expect(page.locator("#delete")).to_be_disabled()
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#sentences")).to_contain_text(re.compile("silly", re.IGNORECASE), timeout=RESULTS_MS)
    [said] = await texts(page)
    [(session_id, token)] = sessions(line[0])
    await page.get_by_role("button", name="Delete…").click()
    await page.keyboard.press("Escape")
    assert await texts(page) == [said]
    await delete(page)
    await is_empty(page)
    with connect(stack.redis_url) as redis:
        marks = {names.deleted(session_id), names.DELETING}
        await soon(lambda: keys_with(redis, session_id, said) <= marks)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        refused = await client.get(f"{stack.url}/sessions/{session_id}/export?format=txt")
    assert (refused.status_code, refused.json()["code"]) == (404, "session_unknown")
    await page.reload()
    await expect(page.locator("#status")).not_to_be_empty()
    await expect(page.locator("#notices")).to_be_empty()
    await talk(page, "silly")
    await status(page, "Stopped", RESULTS_MS)


async def test_a_room_is_deleted_by_the_page_that_opened_it(open_page: OpenPage, stack: Stack) -> None:
    """Also after a reload; whoever sees it loses it at the same time, and does not come back by itself."""
    room = f"{stack.url}/?room=cellar"
    owner = await open_page("silly.wav", url=room)
    await status(owner, "Press Start to talk")
    guest = await open_page(url=room)
    await talk(owner, "silly")
    await status(owner, "Press Start to talk", RESULTS_MS)
    await expect(guest.locator("#sentences")).to_contain_text(re.compile("silly", re.IGNORECASE))
    await owner.reload()
    await expect(owner.locator("#sentences")).to_contain_text(re.compile("silly", re.IGNORECASE))
    await delete(owner)
    for page in (owner, guest):
        await is_empty(page)
    with connect(stack.redis_url) as redis:
        assert not redis.keys("*room:cellar")


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_the_question_stands_in_nobodys_way(open_page: OpenPage, locale: str) -> None:
    """axe-core finds no violation, it fits 320 px, and the keyboard is in it until it is answered."""
    page = await open_page(locale=locale, viewport={"width": 320, "height": 568}, bypass_csp=True)
    await page.add_script_tag(path=AXE)
    await page.evaluate("document.querySelector('#sure').showModal()")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= 320")
    assert await page.evaluate("document.activeElement.id") == "keep"
    await page.keyboard.press("Escape")
    await expect(page.locator("#sure")).to_be_hidden()
