"""The owner of a room, and people with the links to talk and to read, in real browsers. No workers run."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.pages import OpenPage, browsers_at, status
from tests.e2e.test_page_access import ready
from tests.e2e.test_page_sessions import AXE, SCHEMES, violations

NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}
STILL_MS = 5_000
"""A page that connects again does so earlier."""


async def opened(open_page: OpenPage, url: str, **options: Any) -> Page:
    """Open a page with its drawers open; ``lines`` on it counts its connections."""

    async def count(page: Page) -> None:
        await ready(page)
        await page.add_init_script(
            "window.lines = 0; WebSocket = class extends WebSocket { constructor(...to) { super(...to); lines++; } }"
        )

    page = await open_page(url=url, before=count, **options)
    for drawer in await page.locator("summary").all():
        await drawer.click()
    return page


async def owned(open_page: OpenPage, closed: tuple[str, str], **options: Any) -> tuple[Page, str, str]:
    """Return the owner's page in a room of its own, and the links to talk and to read."""
    address, phrase = closed
    owner = await opened(open_page, f"{address}/?room=kitchen#pass={phrase}", **options)
    await expect(owner.locator("#read-link")).to_have_value(re.compile("#invite="))
    return owner, await owner.locator("#room-link").input_value(), await owner.locator("#read-link").input_value()


async def is_out(page: Page, why: str) -> None:
    """It says why, and nothing connects again by itself."""
    await expect(page.locator("[data-topic=error]")).to_contain_text(why)
    await expect(page.locator("#toggle")).to_be_hidden()
    lines = await page.evaluate("lines")
    await page.wait_for_timeout(STILL_MS)
    assert await page.evaluate("lines") == lines
    await expect(page.locator(".notice")).to_have_count(1)


async def test_owner_gives_out_links_removes_a_reader_and_closes_the_room(closed: tuple[str, str]) -> None:
    """Only the owner has the menu and may delete; a reader has no button, and a name; who is out stays out."""
    async with browsers_at(closed[0]) as open_page:
        owner, talk, read = await owned(open_page, closed)
        assert talk != read
        talker, reader = await opened(open_page, talk), await opened(open_page, read)
        await talker.get_by_role("button", name="Start").click()
        await status(talker, "Listening|Hearing")
        await status(reader, "Your link is for reading")
        for hidden in ("#toggle", "#choose-file", "#meter", "#device", "#languages", "#owner"):
            await expect(reader.locator(hidden)).to_be_hidden()
        await expect(talker.locator("#owner")).to_be_hidden()
        for page, enabled in ((owner, True), (talker, False), (reader, False)):
            await expect(page.locator("#delete")).to_be_enabled(enabled=enabled)
            await expect(page.locator("[data-figure=people]")).to_have_text("3")
        await reader.locator("#name").fill("Ann")
        await reader.locator("#name").blur()
        remove = owner.get_by_role("button", name=re.compile("Remove… .*Ann"))
        await remove.click()
        await expect(owner.locator("#ask")).to_contain_text("Remove Ann for good?")
        await owner.get_by_role("button", name="Cancel").click()
        await status(reader, "Your link is for reading")
        await remove.click()
        await owner.get_by_role("button", name="Remove", exact=True).click()
        await is_out(reader, "has removed you")
        await expect(remove).to_have_count(0)
        renewed = await owner.locator("#read-link").input_value()
        assert renewed != read
        await owner.get_by_role("button", name="New links").click()
        await expect(owner.locator("#read-link")).not_to_have_value(renewed)
        await status(talker, "Listening|Hearing")
        await owner.get_by_role("button", name="Close the room…").click()
        await owner.get_by_role("button", name="Close the room", exact=True).click()
        for page in (owner, talker):
            await is_out(page, "This room is closed")
        await expect(owner.locator("#owner")).to_be_hidden()
        await talker.locator("#notices").get_by_role("button", name="Leave the room").click()
        await expect(talker.locator("#sign-in")).to_be_visible()
        await expect(talker.locator("#notices")).to_be_empty()


async def test_owner_who_returns_finds_the_same_links(closed: tuple[str, str]) -> None:
    """Also by a link that leads nowhere any more; those who have the others keep them."""
    async with browsers_at(closed[0]) as open_page:
        owner, former, _ = await owned(open_page, closed)
        await owner.get_by_role("button", name="New links").click()
        await expect(owner.locator("#room-link")).not_to_have_value(former)
        link = await owner.locator("#room-link").input_value()
        for url in (f"{closed[0]}/?room=kitchen", former):
            await owner.goto(url)
            await owner.reload()  # another part behind # alone is no other page
            await status(owner, "Press Start to talk")
            await expect(owner.locator("#room-link")).to_have_value(link)


async def test_sign_out_ends_all_of_the_browser(closed: tuple[str, str]) -> None:
    """Another page of it says so at once and does not come back; links are forgotten."""
    address, _ = closed
    async with browsers_at(address) as open_page:
        owner, _, _ = await owned(open_page, closed)
        await owner.context.route(
            re.compile(r"/readyz\?"), lambda route: route.fulfill(json={"ready": True, "checks": {}})
        )
        async with owner.expect_popup() as opening:
            await owner.evaluate("address => void window.open(address)", f"{address}/")
        other = await opening.value
        await other.get_by_role("button", name="Start").click()
        await status(other, "Listening|Hearing")
        await owner.get_by_role("button", name="Sign out").click()
        await expect(owner.locator("#sign-in")).to_be_visible()
        await expect(owner.locator("#sign-out")).to_be_hidden()
        assert await owner.evaluate("localStorage.getItem('own-links')") == "null"
        await expect(other.locator("[data-topic=error]")).to_contain_text("You were signed out")
        await expect(other.locator("#sign-in")).to_be_visible()
        await expect(other.locator("#toggle")).to_be_hidden()


async def test_name_of_the_sign_in_is_fixed(closed: tuple[str, str]) -> None:
    """Others see it, and no other one that the browser has kept; the browser does not keep it. The role is free."""
    state = {"access": "closed", "rights": ["read", "talk"], "name": "jane@example.org", "login": "/oauth2/start?rd=/"}
    async with browsers_at(closed[0]) as open_page:
        owner, _, _ = await owned(open_page, closed)
        await owner.locator("#name").fill("The Boss")
        await owner.locator("#name").blur()
        await owner.route("**/access", lambda route: route.fulfill(json=state))
        await owner.reload()
        await owner.locator("#settings summary").click()
        name = owner.locator("#name")
        await expect(name).to_have_value("jane@example.org")
        await expect(name).not_to_be_editable()
        await expect(owner.locator("#sign-out")).to_be_visible()
        others = owner.locator("#others")
        await expect(others).to_contain_text("jane@example.org")
        await owner.locator("#role").fill("agent")
        await owner.locator("#role").blur()
        stored = await owner.evaluate("localStorage.getItem('settings')")
        assert "agent" in stored
        assert "jane" not in stored


async def test_refusal_is_shown_in_the_services_words(closed: tuple[str, str]) -> None:
    """And the links stay."""
    refusal = {"type": "error", "code": "not_owner", "message": "It has another owner.", "remedy": "Sign in."}
    async with browsers_at(closed[0], "403") as open_page:
        owner, talk, _ = await owned(open_page, closed)
        await owner.route("**/rooms/**", lambda route: route.fulfill(status=403, json=refusal))
        await owner.get_by_role("button", name="New links").click()
        await expect(owner.locator("[data-topic=room]")).to_have_text("It has another owner. Sign in.")
        await expect(owner.locator("#room-link")).to_have_value(talk)


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_the_menu_fits_a_narrow_screen_and_stands_in_nobodys_way(closed: tuple[str, str], locale: str) -> None:
    """axe-core finds no violation in light and dark, with and without the question, which the keyboard is in."""
    async with browsers_at(closed[0]) as open_page:
        owner, talk, read = await owned(open_page, closed, locale=locale, bypass_csp=True, **NARROW)
        await opened(open_page, talk)
        reader = await opened(open_page, read, locale=locale, bypass_csp=True, **NARROW)
        await expect(owner.locator("#others-here li")).to_have_count(2)
        for page in (owner, reader):
            await page.add_script_tag(path=AXE)
        for scheme in SCHEMES:
            for page in (owner, reader):
                await page.emulate_media(color_scheme=scheme)
                assert await violations(page) == []
                assert await page.evaluate("document.documentElement.scrollWidth") == 320
            await owner.locator("#others-here button").first.click()
            assert await violations(owner) == []
            assert await owner.evaluate("document.activeElement.id") == "ask-no"
            await owner.keyboard.press("Escape")
        await owner.locator("#close-room").click()
        await owner.locator("#ask-yes").click()
        await expect(reader.locator("[data-topic=error] button")).to_be_visible()
        assert await violations(reader) == []
