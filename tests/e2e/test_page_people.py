"""People in a room on the page, with a service that follows a script."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e import room_script
from tests.e2e.lone_gateway import READY, Service, lone_gateway
from tests.e2e.pages import OpenPage
from tests.e2e.room_script import PEOPLE, ROOM, SAID, everything
from tests.e2e.test_page_sessions import AXE, violations

NARROW: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}


class Room(Service):
    """The service of a room; its listener is the first of ``PEOPLE``."""

    def say(self, **message: Any) -> None:
        """Send a message to the page; ``ready`` with room and person."""
        own = {"room": ROOM, "person": PEOPLE[0][0], "name": PEOPLE[0][1], "role": PEOPLE[0][2]}
        super().say(**message | (own if message["type"] == "ready" else {}))


@pytest.fixture
async def open_page() -> AsyncIterator[OpenPage]:
    """A page whose `/ws` a test answers."""
    async with lone_gateway() as open_it:
        yield open_it


async def opened(open_page: OpenPage, service: Service, *, room: bool = True, **options: Any) -> Page:
    page = await open_page(before=service.take_the_place, **options)
    if room:
        await page.goto(f"{page.url}?room={ROOM}")
        await expect(page.locator("#status")).to_contain_text(re.compile("Press Start to talk|시작을 누르세요"))
    return page


async def talked(open_page: OpenPage, **options: Any) -> Page:
    """Return the page of somebody who has seen everything."""
    service = Room()
    page = await opened(open_page, service, **options)
    for message in everything():
        service.say(**message)
    await expect(page.locator("#sentences li.said")).to_have_count(len(SAID))
    return page


async def column(page: Page, number: int) -> dict[str, str]:
    """Return the figures of one person: name of the row → text."""
    rows = page.locator("#people-rows tr")
    heads = await rows.locator("th").all_inner_texts()
    return dict(zip(heads, await rows.locator(f"td:nth-child({number + 2})").all_inner_texts(), strict=True))


async def test_each_person_has_a_name_a_mark_a_curve_and_a_column(open_page: OpenPage) -> None:
    """Sentences of one person in a row have one heading; who talks now is marked, also in words."""
    page = await talked(open_page)
    headings = await page.locator("#sentences .speaker").all_inner_texts()
    assert headings == [
        "김서연 agent",
        "Max Mustermann customer",
        "김서연 agent",
        "Max Mustermann customer",
        "Speaker 3",
    ]
    assert await page.locator("#who li").all_text_contents() == [
        "김서연 agent (you)", "Max Mustermann customer talking", "Speaker 3"
    ]  # fmt: skip
    await expect(page.locator("#others")).to_have_text("2 listening: Bob")
    assert await page.locator("#who .mark").evaluate_all("marks => marks.map(mark => mark.dataset.mark)") == [
        "김",
        "MM",
        "3",
    ]
    await expect(page.locator("#curves li canvas")).to_have_count(3)
    await expect(page.locator("#curves li").nth(1)).to_contain_text("lowest −0.90, highest +0.95")
    await expect(page.locator("#turns")).to_contain_text("Turning points: positive from")
    assert await column(page, 1) == {
        "Time talked": "00:08", "Share": "40%", "Words": "9", "Words per minute": "135", "Longest turn": "00:04",
        "Interruptions": "1", "Talking at once": "0.8 s", "Positive": "1", "Neutral": "0", "Negative": "1",
        "Recent trend": "+0.25", "Most positive": "+0.95", "Most negative": "−0.90",
    }  # fmt: skip
    assert await page.locator("[data-figure=silence]").inner_text() == "32.0 s"


async def test_the_most_positive_sentence_is_a_link_to_itself(open_page: OpenPage) -> None:
    """It stays the same link when figures change, and leads keyboard and eye to the sentence; the address stays."""
    page = await talked(open_page, **NARROW)
    link = page.locator("[data-figure=most_positive] a")
    await expect(link).to_have_text(f"+0.95 {SAID[3][1]}")
    await link.focus()
    await page.keyboard.press("Enter")
    sentence = page.locator("#sentences li.said").nth(3)
    await expect(sentence).to_be_focused()
    await expect(sentence).to_be_in_viewport()
    assert "#" not in page.url
    await page.get_by_role("link", name="−0.30").click()
    await expect(page.locator("#sentences li.said").nth(2)).to_be_focused()


async def test_a_name_is_remembered_and_said_at_the_start(open_page: OpenPage) -> None:
    """A person gives a name while reading; another page of the browser has it, and is the same person in the room."""
    service = Room()
    page = await opened(open_page, service)
    service.say(**room_script.people(name=None))
    await page.get_by_role("button", name="Add your name").click()
    field = page.get_by_label("Your name")
    await expect(field).to_be_focused()
    await field.fill(" Ann\u202e Lee ")
    await page.get_by_label("Your role").fill("agent")
    await page.get_by_label("Your role").blur()
    service.say(**room_script.people(name="Ann Lee"))
    await expect(page.locator("#who li").first).to_have_text("Ann Lee agent (you)")
    await page.reload()
    await expect(page.locator("#status")).to_contain_text("Press Start to talk")
    first, second = service.starts
    assert (second["name"], second["role"]) == ("Ann Lee", "agent")
    assert "name" not in first
    assert first["person_key"] == second["person_key"]
    assert re.fullmatch("[0-9a-f]{32}", first["person_key"])


async def test_alone_nothing_is_said_about_people(open_page: OpenPage) -> None:
    """Without a room there is no key, no list, no table and no heading, unless the person has a name."""
    service = Service()
    page = await opened(open_page, service, room=False)
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#status")).to_contain_text("Listening")
    own = {"session_id": READY["session_id"], "room": None, "speaker": {"person": "f" * 16, "name": None, "role": None}}
    service.say(**{**room_script.final(0), **own})
    service.say(**{**room_script.statistics(), "scope": "session", "room": None, "conversation": None})
    await expect(page.locator("[data-figure=sentences]")).to_have_text("5")
    await expect(page.locator("#sentences li.said")).to_have_count(1)
    for hidden in ("#here", "#people-figures", "[data-figure=most_positive]", "#sentences .speaker"):
        await expect(page.locator(hidden)).to_be_hidden()
    await expect(page.locator("#turns")).to_be_empty()
    assert service.starts[0].keys().isdisjoint({"person_key", "name", "role"})
    named = {**own, "speaker": {"person": "f" * 16, "name": "<b>Ann</b>", "role": None}}
    service.say(**{**room_script.final(1), **named})
    await expect(page.locator("#sentences .speaker")).to_have_text(["<b>Ann</b>"])


async def test_an_older_service_has_neither_names_nor_people(open_page: OpenPage) -> None:
    """Sessions are speakers as before, and what is not sent has no place on the page."""
    service = Service()
    page = await opened(open_page, service)
    for segment in range(3):
        service.say(**{**room_script.final(segment), "speaker": None})
    service.say(**{key: value for key, value in room_script.statistics().items() if key not in NEW_FIELDS})
    service.say(type="people", room=ROOM, people=3, talking=2)
    await expect(page.locator("#sentences .speaker")).to_have_text(["You", "Speaker 2", "You"])
    await expect(page.locator("[data-figure=people]")).to_have_text("3")
    for hidden in ("#here", "#people-figures", "[data-figure=silence]", "[data-figure=most_positive]"):
        await expect(page.locator(hidden)).to_be_hidden()


NEW_FIELDS = {"conversation", "turning_points", "most_positive", "most_negative"}


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_people_fit_a_narrow_screen_and_stand_in_nobodys_way(open_page: OpenPage, locale: str) -> None:
    """At 320 px the page does not scroll sideways, and axe-core finds no violation of WCAG 2.2 AA, also in dark."""
    page = await talked(open_page, locale=locale, bypass_csp=True, **NARROW)
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    table = page.locator("#people-figures")
    assert await table.evaluate("table => table.scrollWidth - table.clientWidth") == 0
    await page.add_script_tag(path=AXE)
    for drawer in await page.locator("summary").all():
        await drawer.click()
    assert await violations(page) == []
