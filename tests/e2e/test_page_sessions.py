"""Sessions as people use the page: rooms, a reload, a file, exports; in real browsers, with the real models."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Literal
from urllib.request import Request, urlopen

import pysubs2
import pytest
import srt
import webvtt
from playwright.async_api import Page, expect

from local.testing import Stack
from tests.e2e.pages import DATA, MANIFEST, RESULTS_MS, Line, OpenPage, figure, status, was_said, word_error_rate

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SENTENCES = "#sentences li:not(.interim)"


async def talk(page: Page, until: str) -> None:
    """Press Start, and stop when a text is there."""
    await page.get_by_role("button", name=re.compile("^Start")).click()
    await expect(page.locator("#sentences")).to_contain_text(re.compile(until, re.IGNORECASE), timeout=RESULTS_MS)
    await page.get_by_role("button", name="Stop").click()


async def texts(page: Page) -> list[str]:
    return await page.locator("#sentences .text").all_inner_texts()


KEEP_THE_INTERIM = """() => {
  const items = [...document.querySelectorAll("#sentences li.interim")];
  globalThis.place = items.find((item) => item.querySelector(".text")?.textContent); // the others wait without a text
  return Boolean(globalThis.place);
}"""


async def test_interim_text_becomes_the_final_sentence_in_place(open_page: OpenPage) -> None:
    """While somebody speaks the text so far is there, lighter; the same item of the list gets text and sentiment."""
    page = await open_page("rainbow.wav")
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_function(KEEP_THE_INTERIM, timeout=RESULTS_MS)
    await page.wait_for_function(
        "() => place.className === 'said' && /positive|neutral|negative/i.test(place.textContent)", timeout=RESULTS_MS
    )
    assert await page.evaluate("place.isConnected && place.querySelector('.text').textContent !== ''")
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Stopped", RESULTS_MS)


async def test_people_in_a_room_see_the_same_and_strangers_nothing(open_page: OpenPage, stack: Stack) -> None:
    """Who listens in the room sees text, statistics and people of who talks; a private page sees none of it."""
    room = f"{stack.url}/?room=kitchen"
    talker = await open_page("silly.wav", url=room)
    listener = await open_page("silly.wav", url=room)
    stranger, other = await open_page("pleased.wav"), await open_page("surpassed.wav")
    await other.get_by_role("button", name="Start").click()
    await status(listener, "Press Start to talk")
    await stranger.get_by_role("button", name="Start").click()
    await talk(talker, "silly")
    await status(talker, "Press Start to talk", RESULTS_MS)
    await expect(stranger.locator("#sentences .badge").first).to_be_visible(timeout=RESULTS_MS)

    await expect(listener.locator("#sentences")).to_contain_text(re.compile("silly", re.IGNORECASE))
    assert await texts(listener) == await texts(talker)
    assert (
        await listener.locator("#sentences .badge").all_inner_texts()
        == await talker.locator("#sentences .badge").all_inner_texts()
    )
    for name in ("sentences", "words", "talk", "trend"):
        assert await figure(listener, name) == await figure(talker, name)
    await expect(listener.locator("[data-figure=people]")).to_have_text("2")
    await expect(other.locator("#sentences .badge").first).to_be_visible(timeout=RESULTS_MS)
    private = [" ".join(await texts(page)).lower() for page in (stranger, other)]
    assert "silly" not in " ".join(private)
    assert ["pleased" in text for text in private] == [True, False]
    assert not await stranger.locator("[data-figure=people]").is_visible()

    late = await open_page(url=room)
    await expect(late.locator("#sentences")).to_contain_text(re.compile("silly", re.IGNORECASE))
    await expect(listener.locator("[data-figure=people]")).to_have_text("3")
    await late.close()
    await expect(listener.locator("[data-figure=people]")).to_have_text("2")


async def test_a_reload_offers_the_session_back(open_page: OpenPage) -> None:
    """After a reload in the middle of a sentence nothing that was heard is lost, and the session goes on."""
    line: list[Line] = []

    async def listen(page: Page) -> None:
        line.append(Line(page))

    page = await open_page("conversation.wav", before=listen)
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator(SENTENCES)).not_to_have_count(0, timeout=RESULTS_MS)
    before = await texts(page)
    [ready] = [message for message in line[0].received if message["type"] == "ready"]
    heard = {message["segment"] for message in line[0].received if message["type"] == "speech_started"}
    await page.reload()
    await expect(page.locator("#notices")).to_contain_text("A conversation was going on")
    await page.get_by_role("button", name="Go on with it").click()
    await status(page, "Listening|Hearing")
    await expect(page.locator("#sentences .badge").first).to_be_visible(timeout=RESULTS_MS)
    assert (await texts(page))[: len(before)] == before
    resumed = [message for message in line[0].received if message["type"] == "ready"][-1]
    assert (resumed["resumed"], resumed["session_id"]) == (True, ready["session_id"])
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Stopped", RESULTS_MS)
    ends = ("final", "no_speech", "segment_failed")
    assert heard <= {message["segment"] for message in line[0].received if message["type"] in ends}
    assert await figure(page, "sentences") == str(len(await texts(page)))

    said = await texts(page)
    await page.reload()
    await page.get_by_role("button", name="Go on with it").click()
    await status(page, "Stopped", RESULTS_MS)  # it is over: it is shown again, and no microphone is asked for
    assert await texts(page) == said


async def test_a_new_conversation_can_be_undone(open_page: OpenPage) -> None:
    """Who starts anew by mistake gets the former transcript back."""
    page = await open_page()
    await drop(page, "silly.wav", (DATA / "silly.wav").read_bytes())
    await status(page, "Stopped", RESULTS_MS)
    said = await texts(page)
    await page.locator("#share summary").click()
    await page.get_by_role("button", name="Random name").click()
    await expect(page.locator("#sentences li")).to_have_count(0)
    await page.get_by_role("button", name="Go on with it").click()
    await status(page, "Stopped", RESULTS_MS)
    assert await texts(page) == said
    assert "room=" not in page.url


DROP = """async ([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name));
  for (const type of ["dragenter", "drop"]) {
    document.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


async def drop(page: Page, name: str, content: bytes) -> None:
    await page.evaluate(DROP, [name, list(content)])


async def test_a_dropped_file_gives_the_same_view(open_page: OpenPage) -> None:
    """It ends as a conversation does; a text file says what it is not."""
    page = await open_page()
    await drop(page, "notes.wav", b"not audio at all")
    await expect(page.locator("#notices")).to_contain_text("cannot be read as audio")
    await drop(page, "conversation.wav", (DATA / "conversation.wav").read_bytes())
    await status(page, "Stopped", RESULTS_MS)
    await was_said(page, "Finishing")
    found = await texts(page)
    assert word_error_rate(MANIFEST["conversation.wav"]["text"], " ".join(found)) <= 0.3
    assert await figure(page, "sentences") == str(len(found))
    await expect(page.locator("#notices")).not_to_contain_text("cannot be read")


async def test_exports_are_read_by_libraries_and_equal_the_services(
    open_page: OpenPage, stack: Stack, tmp_path: Path
) -> None:
    """Each format holds every sentence; the page and ``GET /sessions/{id}/export`` write the same bytes."""
    page = await open_page()
    await drop(page, "jfk.wav", (DATA / "jfk.wav").read_bytes())
    await status(page, "Stopped", RESULTS_MS)
    said = await texts(page)
    session = json.loads(await page.evaluate("sessionStorage.getItem('session')"))
    files = {}
    for format in ("txt", "srt", "vtt", "json", "csv"):
        async with page.expect_download() as download:
            await page.get_by_role("button", name=format.upper(), exact=True).click()
        files[format] = tmp_path / f"transcript.{format}"
        await (await download.value).save_as(files[format])
        assert files[format].read_bytes() == await asyncio.to_thread(exported, stack.url, session, format)
    cues = list(srt.parse(files["srt"].read_text(encoding="utf-8")))
    contents = [re.sub(r"\s\[\w+(, unsure)?(, zero-shot)?\]$", "", cue.content) for cue in cues]
    assert " ".join(" ".join(contents).split()) == " ".join(said)
    captions = webvtt.read(str(files["vtt"])).captions
    assert " ".join(" ".join(caption.text for caption in captions).split()) == " ".join(said)
    assert all(len(line) <= 42 for caption in captions for line in caption.text.split("\n"))
    assert len(pysubs2.load(str(files["srt"]))) == len(cues) >= len(said)
    assert [entry["text"] for entry in json.loads(files["json"].read_text(encoding="utf-8"))["entries"]] == said


def exported(url: str, session: dict[str, Any], format: str) -> bytes:
    request = Request(
        f"{url}/sessions/{session['session_id']}/export?format={format}",
        headers={"Authorization": f"Bearer {session['token']}"},
    )
    with urlopen(request) as answer:
        body: bytes = answer.read()
    return body


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
async def test_nothing_stands_in_the_way_of_anybody(open_page: OpenPage, locale: str) -> None:
    """axe-core finds no violation of WCAG 2.2 AA, at the start and with a conversation and all drawers open."""
    page = await open_page(locale=locale, bypass_csp=True)
    assert await page.evaluate("document.documentElement.lang") == locale[:2]
    await page.add_script_tag(path=AXE)
    assert await violations(page) == []
    await drop(page, "jfk.wav", (DATA / "jfk.wav").read_bytes())
    await expect(page.locator("#sentences .badge")).not_to_have_count(0, timeout=RESULTS_MS)
    await page.locator("#toggle[data-action=startAgain]").wait_for(timeout=RESULTS_MS)
    for drawer in await page.locator("summary").all():
        await drawer.click()
    assert await violations(page) == []
    await page.locator("#random-room").click()
    await expect(page.locator("#qr")).to_be_visible()
    assert await violations(page) == []


async def violations(page: Page) -> list[str]:
    """Return what axe-core finds in the light and in the dark page."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found: list[str] = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        report = await page.evaluate("(tags) => axe.run({ runOnly: tags })", tags)
        found += [
            f"{each['id']}, {scheme}: {[node['html'] for node in each['nodes']]}" for each in report["violations"]
        ]
    return found
