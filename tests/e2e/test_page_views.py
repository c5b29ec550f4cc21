"""What the page shows, without a service: its views, told by a test what they would be told by a conversation."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, async_playwright, expect

from fastapi_service.security.headers import HEADERS
from tools.browser import find_browser

STATIC = Path(__file__).parents[2] / "fastapi_service" / "static"
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".svg": "image/svg+xml"}
MAIN = """
import { ExportMenu } from "./view/export-menu.js";
import { FilePicker } from "./view/file-picker.js";
import { Meter } from "./view/meter.js";
import { Settings } from "./view/settings.js";
import { Share } from "./view/share.js";
import { StatisticsPanel } from "./view/statistics.js";
import { Transcript } from "./view/transcript.js";
import { localize } from "./view/localize.js";
import { View } from "./view/view.js";
import { texts } from "./i18n/index.js";

await localize();
const transcript = new Transcript();
new ExportMenu(transcript);
Object.assign(globalThis, { transcript, view: new View(), meter: new Meter(), settings: new Settings(),
  share: new Share(), file: new FilePicker(), statistics: new StatisticsPanel() });
view.status("idle");
statistics.clear();
"""
US, THEM = "a" * 32, "b" * 32
BEGAN = 1_790_000_000.0

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def open_page() -> AsyncIterator[OpenPage]:
    """Opens the page with its real headers; at the end, nothing may have gone wrong unseen."""
    complaints: list[str] = []

    async def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path
        file = STATIC / ("index.html" if path == "/" else path.removeprefix("/static/"))
        body = MAIN if file.name == "main.js" else file.read_bytes()
        media_type = MEDIA_TYPES.get(file.suffix, "text/javascript")
        await route.fulfill(body=body, headers={**HEADERS, "content-type": media_type})

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=["--headless=new", "--no-sandbox", "--disable-gpu"]
        )

        async def open_it(**options: Any) -> Page:
            page = await browser.new_page(**{"locale": "en-US", **options})
            page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.route("**/*", serve)
            await page.goto("http://localhost:8000/")
            await page.wait_for_selector("#toggle:enabled")
            return page

        yield open_it
        await browser.close()
    assert complaints == []


def final(
    segment: int, text: str, *, session: str = US, room: str | None = None, began: float = BEGAN
) -> dict[str, Any]:
    """A final whose session's clock began at ``began``; it was said in the second after ten times its segment."""
    end_ms = segment * 10_000 + 1_000
    end = began + end_ms / 1000
    return {
        "type": "final",
        "session_id": session,
        "room": room,
        "segment": segment,
        "seq": segment + 1,
        "start_ms": end_ms - 1_000,
        "end_ms": end_ms,
        "clock": {
            "speech_end": end - 0.5,
            "endpointed": end,
            "stt_start": end + 0.1,
            "stt_end": end + 0.4,
            "analysed": end + 0.5,
            "delivered": end + 0.7,
        },
        "text": text,
        "words": [],
        "language": "en",
        "sentiment": {"label": "positive", "score": 0.91, "probabilities": {}},
        "sentiment_reason": None,
    }


async def add(page: Page, *entries: dict[str, Any]) -> None:
    await page.evaluate("(entries) => entries.forEach((entry) => transcript.addFinal(entry))", list(entries))


async def test_a_sentence_grows_in_its_place(open_page: OpenPage) -> None:
    """Interim text, an ellipsis while the service thinks, and the final text are one and the same item of the list."""
    page = await open_page()
    await page.evaluate("(us) => transcript.own(us)", US)
    for segment, stable in enumerate(("Good", "How are")):
        interim = {"segment": segment, "stable": stable, "unstable": "morn", "language": "en"}
        await page.evaluate("(interim) => transcript.showInterim(interim)", interim)
        await page.evaluate("(segment) => transcript.awaitFinal({ segment })", segment)
    items = page.locator("#sentences li")
    await expect(items).to_have_count(2)
    await expect(items.nth(0)).to_have_text("Good morn")
    await expect(items.nth(0)).to_have_attribute("aria-hidden", "true")
    await page.evaluate("globalThis.place = document.querySelector('#sentences li')")
    await add(page, final(0, "Good morning."))
    assert await page.evaluate("place === document.querySelector('#sentences li')")
    await expect(items).to_have_count(2)
    await expect(items.nth(0)).to_have_text(re.compile("00:00Good morning.▲ Positive 91%"))
    await expect(items.nth(0)).not_to_have_attribute("aria-hidden", "true")
    await page.evaluate("(session_id) => transcript.drop({ session_id, segment: 1 })", US)
    await expect(items).to_have_count(1)
    await expect(page.locator("#spoken")).to_have_text("Good morning.")


async def test_many_at_once_are_not_all_read_aloud(open_page: OpenPage) -> None:
    """After a reload, screen readers say how many sentences came, not each of them."""
    page = await open_page()
    await add(page, *(final(segment, f"Number {segment}.") for segment in range(120)))
    await expect(page.locator("#spoken")).to_have_text("120 sentences were added.")
    await expect(page.locator("#sentences li")).to_have_count(120)


async def test_who_talks_is_named_in_a_room_and_times_are_on_one_clock(open_page: OpenPage) -> None:
    """We are "You"; a session that began earlier moves the times of the others."""
    page = await open_page()
    await page.evaluate("(us) => transcript.own(us)", US)
    await add(page, final(0, "One.", room="demo"), final(9, "Two.", room="demo", session=THEM, began=BEGAN - 65))
    items = page.locator("#sentences li")
    await expect(items.nth(0)).to_contain_text("You")
    await expect(items.nth(1)).to_contain_text("Speaker 2")
    assert await items.locator("time").all_inner_texts() == ["01:05", "01:30"]


async def test_what_took_how_long_is_shown_where_the_reader_looks(open_page: OpenPage) -> None:
    """Hover and keyboard focus show the latency of a sentence; arrow keys go from sentence to sentence."""
    page = await open_page()
    await add(page, *(final(segment, f"Number {segment}.") for segment in range(3)))
    items = page.locator("#sentences li")
    await expect(items.nth(0).locator(".hops")).to_have_count(0)
    await items.nth(0).hover()
    hops = "Here after 1.2 s: pause 0.5 s · queue 0.1 s · speech to text 0.3 s · sentiment 0.1 s · delivery 0.2 s"
    await expect(items.nth(0).locator(".hops")).to_have_text(hops)
    await page.mouse.move(0, 0)
    await expect(items.nth(0).locator(".hops")).to_be_hidden()
    await items.nth(2).focus()
    await page.keyboard.press("ArrowUp")
    await expect(items.nth(1)).to_be_focused()
    await expect(items.nth(1).locator(".hops")).to_be_visible()


async def test_the_list_follows_until_the_reader_scrolls_up(open_page: OpenPage) -> None:
    """Whoever reads earlier sentences stays there, sees how many came meanwhile, and gets back with one press."""
    page = await open_page()
    await add(page, *(final(segment, f"Number {segment}.") for segment in range(100)))
    last = page.locator("#sentences li").last
    await expect(last).to_be_in_viewport()
    newest = page.locator("#newest")
    await expect(newest).to_be_hidden()
    await page.evaluate("document.getElementById('transcript').scrollTop = 200")
    await expect(newest).to_be_visible()
    await add(page, final(100, "Unread."))
    await expect(newest).to_have_text("↓ Newest (1)")
    assert await page.evaluate("document.getElementById('transcript').scrollTop") == 200
    await newest.click()
    await expect(last).to_be_in_viewport()
    await expect(newest).to_be_hidden()


async def test_the_page_changes_its_language_in_place(open_page: OpenPage) -> None:
    """All that stands there is translated, also what came before; the choice is remembered."""
    page = await open_page()
    await add(page, {**final(0, "Good."), "sentiment": None, "sentiment_reason": "The sentiment model x knows en, …"})
    await page.evaluate("view.notice('error', () => 'kept')")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await page.get_by_role("button", name="한국어").click()
    await expect(page.locator("html")).to_have_attribute("lang", "ko")
    await expect(page.locator("#toggle")).to_have_text("시작")
    await expect(page.locator("#sentences li")).to_contain_text("감정 없음")
    await expect(page.locator("#sentences li")).to_contain_text("지원하지 않는 언어입니다: 영어")
    await expect(page.locator("#languages label").filter(has=page.locator("[value=de]"))).to_have_text("독일어")
    await page.reload()
    await page.wait_for_selector("#toggle:enabled")
    await expect(page.locator("#toggle")).to_have_text("시작")


async def test_settings_are_remembered(open_page: OpenPage) -> None:
    """What was chosen is there after a reload, the threshold as energy, an unplugged microphone, too."""
    page = await open_page()
    await page.locator("#settings summary").click()
    devices = [{"kind": "audioinput", "deviceId": "usb", "label": "USB"}]
    await page.evaluate("(devices) => settings.devices(devices)", devices)
    for language in ("Korean", "English"):
        await page.get_by_label(language, exact=True).check()
    await page.get_by_label("Microphone", exact=True).select_option("usb")
    await page.get_by_label("Suppress noise").check()
    await page.get_by_label("Find the silence threshold").uncheck()
    await page.get_by_label("Silence is below").fill("-40")
    await expect(page.locator("#threshold-db")).to_have_text("−40 dB (0.0001)")
    await page.reload()
    await page.wait_for_selector("#toggle:enabled")
    value = await page.evaluate("settings.value")
    assert value.pop("threshold") == pytest.approx(0.0001)
    assert value == {
        "languages": ["en", "ko"],
        "task": "transcribe",
        "prompt": "",
        "name": None,
        "role": None,
        "talkers": "one",
        "device": "usb",
        "echoCancellation": True,
        "noiseSuppression": True,
        "autoGainControl": True,
    }


async def test_a_room_is_joined_and_left(open_page: OpenPage) -> None:
    """Impossible names are refused with a reason; the link and its code are those of the room."""
    page = await open_page(permissions=["clipboard-read", "clipboard-write"])
    await page.evaluate("globalThis.rooms = []; share.onChange((room) => rooms.push(room))")
    await page.locator("#share summary").click()
    await page.get_by_label("Room name").fill("no room")
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("#room-error")).to_contain_text("1 to 64")
    await page.get_by_label("Room name").fill("demo-1")
    await page.get_by_role("button", name="Join").click()
    link = "http://localhost:8000/?room=demo-1"
    await expect(page.get_by_label("Link to this room", exact=True)).to_have_value(link)
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.locator("#copied")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == link
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    await page.evaluate("share.people(3, 1)")
    await expect(page.locator("#people")).to_have_text("3 people here, 1 talking")
    await page.get_by_role("button", name="Leave").click()
    await page.get_by_role("button", name="Random name").click()
    rooms = await page.evaluate("rooms")
    assert rooms[:2] == ["demo-1", None]
    assert re.fullmatch("[a-z2-9]{12}", rooms[2])


async def test_the_transcript_is_saved(open_page: OpenPage, tmp_path: Path) -> None:
    """The buttons save what the list shows; there is nothing to save before."""
    page = await open_page()
    button = page.get_by_role("button", name="JSON")
    await expect(button).to_be_disabled()
    await add(page, final(0, "Good morning."))
    async with page.expect_download() as download:
        await button.click()
    saved = await download.value
    assert saved.suggested_filename == "transcript.json"
    await saved.save_as(tmp_path / "saved.json")
    entries = json.loads((tmp_path / "saved.json").read_text(encoding="utf-8"))["entries"]
    assert [entry["text"] for entry in entries] == ["Good morning."]


async def test_a_file_is_chosen_or_dropped(open_page: OpenPage) -> None:
    """Both ways give the file; while a recording runs neither does."""
    page = await open_page()
    await page.evaluate("globalThis.files = []; file.onFile(({ name }) => files.push(name))")
    drop = """(name) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["x"], name));
      for (const type of ["dragenter", "drop"]) document.body.dispatchEvent(
        new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }"""
    await page.locator("#file").set_input_files({"name": "a.wav", "mimeType": "audio/wav", "buffer": b"x"})
    await page.evaluate(drop, "b.wav")
    await page.evaluate("view.status('listening')")
    await page.evaluate(drop, "c.wav")
    assert await page.evaluate("files") == ["a.wav", "b.wav"]
    await expect(page.locator("#drop")).to_be_hidden()


async def test_sentiment_over_time_is_drawn_and_said(open_page: OpenPage) -> None:
    """The plot has a canvas for the eye and a sentence for screen readers; without a timeline there is neither."""
    page = await open_page()
    await expect(page.locator("#timeline")).to_be_hidden()
    timeline = [{"at": BEGAN + 60 * i, "valence": valence, "count": 1} for i, valence in enumerate((0.9, 0, -0.75))]
    stats = {"utterances": 3, "words": 30, "speech_ms": 15_000, "sentiment": {}, "trend": 0.05, "languages": {"en": 3}}
    await page.evaluate(
        "(stats) => statistics.show(stats)",
        {**stats, "latency": {}, "unanalysed": 0, "failures": 0, "timeline": timeline},
    )
    await expect(page.locator("#timeline canvas")).to_be_visible()
    await expect(page.locator("#timeline-text")).to_contain_text("lowest −0.75, highest +0.90, latest −0.75")
    await expect(page.locator("[data-figure=pace]")).to_have_text("120")
    await expect(page.locator("[data-figure=trend]")).to_have_text("Balanced (+0.05)")
