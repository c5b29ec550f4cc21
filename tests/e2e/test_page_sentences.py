"""Sentences that were said with pauses in them, as the page shows what comes over its line."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from local.testing import Stack
from tests.e2e.lone_gateway import SESSION, Service, lone_gateway
from tests.e2e.pages import DATA, RESULTS_MS, Line, OpenPage, browsers_at, figure, status
from tests.e2e.test_page_sessions import AXE, drop, exported, violations

US, THEM = "0" * 32, "b" * 32
BEGAN = 1_790_000_000.0
STAGES = ("speech_end", "endpointed", "queued", "stt_start", "stt_end", "analysis_start", "analysed", "published")
SENTIMENT: dict[str, Any] = {
    "label": "positive", "score": 0.9, "unsure": False, "zero_shot": False, "model": "m", "language": "en",
    "probabilities": {"negative": 0.05, "neutral": 0.05, "positive": 0.9},
}  # fmt: skip
STATISTICS: dict[str, Any] = {
    "type": "stats", "scope": "session", "session_id": US, "room": None, "version": 3, "utterances": 3, "sentences": 1,
    "no_speech": 0, "uncertain": 0, "failures": 0, "words": 12, "speech_ms": 3_000, "unanalysed": 0, "unsure": 0,
    "zero_shot": 0, "trend": 0.9, "trend_window": 20, "languages": {"en": 1}, "timeline": [], "latency": {},
    "sentiment": {"positive": {"count": 1, "mean_score": 0.9}},
}  # fmt: skip
FRAGMENTS = ("I have been to the", "shop and", "it was really great.")
HOLD = "globalThis.held = document.querySelector('#sentences li')"
IS_HELD = "held === document.activeElement && held.isConnected"


class Talk(Service):
    """Says what the gateway would, of utterances of a second with pauses of a second."""

    def __init__(self) -> None:
        super().__init__()
        self._seq = 0

    def begin(self, segment: int, stable: str, unstable: str) -> None:
        """An utterance of ours has begun, and this is its text so far."""
        self.say(type="speech_started", segment=segment, at_ms=segment * 2_000)
        self.say(type="interim", segment=segment, revision=1, stable=stable, unstable=unstable, language="en")

    def end(self, segment: int, text: str, sentence: str | None = None, *, session: str = US, **more: Any) -> None:
        """An utterance has its final, which goes on with the one before if there is a ``sentence``."""
        self._seq += 1
        start_ms, end = segment * 2_000, BEGAN + segment * 2 + 1
        chain = {"continued_segment": segment - 1, "first_segment": 0, "sentence": sentence} if sentence else {}
        final = {
            **SESSION, "type": "final", "session_id": session, "segment": segment, "revision": 0, "seq": self._seq,
            "start_ms": start_ms, "end_ms": start_ms + 1_000,
            "clock": {**dict.fromkeys(STAGES, end), "delivered": end + 1 + segment},
            "text": text, "words": [], "language": "en", "sentiment": SENTIMENT, "sentiment_reason": None,
            "continues": sentence is not None, **chain,
        }  # fmt: skip
        self.say(**final | more)


@pytest.fixture
async def open_page() -> AsyncIterator[OpenPage]:
    """A page whose `/ws` a test answers."""
    async with lone_gateway() as open_it:
        yield open_it


async def talking(open_page: OpenPage, talk: Talk, **options: Any) -> Page:
    page = await open_page(before=talk.take_the_place, **options)
    await page.locator("#toggle").click()
    await expect(page.locator("#status")).to_have_attribute("data-status", "listening", timeout=RESULTS_MS)
    return page


async def test_three_fragments_are_one_sentence(open_page: OpenPage) -> None:
    """It has one item, which grows in its place under the reader's focus, one label, and is one in the figures."""
    talk = Talk()
    page = await talking(open_page, talk)
    item, text, spoken = page.locator("#sentences li"), page.locator("#sentences .text"), page.locator("#spoken")
    talk.end(0, FRAGMENTS[0])
    await item.focus()
    await page.evaluate(HOLD)
    await expect(spoken).to_have_text(FRAGMENTS[0])
    talk.begin(1, "shop", "end")
    await expect(text).to_have_text("I have been to the shop end")
    await expect(item.locator(".interim")).to_have_attribute("aria-hidden", "true")
    talk.say(type="speech_ended", segment=1, start_ms=2_000, end_ms=3_000, reason="silence")
    await expect(item.locator(".awaited")).to_have_count(1)
    talk.end(1, FRAGMENTS[1], "I have been to the shop and")
    await expect(text).to_have_text("I have been to the shop and")
    await expect(item.locator(".hops")).to_contain_text("Here after 2.0 s")
    await expect(spoken).to_have_text(FRAGMENTS[1])
    talk.begin(2, "it was", "")
    await expect(text).to_have_text("I have been to the shop and it was")
    talk.end(2, FRAGMENTS[2], "I have been to the shop and it was really great.", start_ms=4_000)
    await expect(text).to_have_text("I have been to the shop and it was really great.")
    await expect(item.locator(".hops")).to_contain_text("Here after 3.0 s")
    await expect(item).to_have_count(1)
    await expect(item.locator("time")).to_have_text("00:00")
    assert await item.locator(".badge").all_inner_texts() == ["▲ Positive 90%"]
    assert await page.evaluate(IS_HELD)
    await expect(spoken).to_have_text(FRAGMENTS[2])
    talk.say(**STATISTICS)
    await expect(page.locator("[data-figure=sentences]")).to_have_text("1")
    await page.get_by_role("button", name="한국어").click()
    await expect(item.locator(".badge")).to_have_text("▲ 긍정 90%")
    await expect(page.locator("#totals")).to_contain_text("문장")
    assert await figure(page, "sentences") == "1"


async def test_a_sentence_that_grows_is_not_a_new_one(open_page: OpenPage) -> None:
    """Whoever reads further up stays there, and the button counts sentences."""
    talk = Talk()
    page = await talking(open_page, talk)
    for segment in range(60):
        talk.end(2 * segment, f"Sentence {segment}.")
    talk.end(120, "This one")
    await expect(page.locator("#sentences li")).to_have_count(61)
    await page.evaluate("document.getElementById('transcript').scrollTop = 100")
    newest = page.locator("#newest")
    await expect(newest).to_be_visible()
    talk.end(121, "goes on.", "This one goes on.")
    await expect(page.locator("#sentences .text").last).to_have_text("This one goes on.")
    await expect(newest).to_have_text("↓ Newest")
    talk.end(123, "Another.")
    await expect(newest).to_have_text("↓ Newest (1)")
    assert await page.evaluate("document.getElementById('transcript').scrollTop") == 100
    await newest.click()
    await expect(page.locator("#sentences li").last).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 1_100])
async def test_an_open_sentence_in_a_room_stands_in_nobodys_way(open_page: OpenPage, width: int) -> None:
    """axe-core finds nothing where somebody else talked in between and more is being said; 320 px are enough."""
    talk = Talk()
    page = await talking(open_page, talk, bypass_csp=True, viewport={"width": width, "height": 700})
    talk.end(0, "I think that the", room="demo")
    talk.end(0, "Mhm.", session=THEM, room="demo")
    talk.end(1, "kitchen is", "I think that the kitchen is", room="demo")
    talk.begin(2, "large enough", "for")
    items = page.locator("#sentences li")
    await expect(items).to_have_count(2)
    await expect(items.first).to_contain_text("I think that the kitchen is large enough for")
    assert await page.locator(".speaker").all_inner_texts() == ["You", "Speaker 2"]
    await page.add_script_tag(path=AXE)
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    talk.say(type="no_speech", **SESSION, segment=2, seq=4)
    await expect(items.first.locator(".text")).to_have_text("I think that the kitchen is")
    await page.locator("#toggle").click()
    await status(page, "Stopped")


async def test_the_whole_system_agrees_on_sentences(tmp_path: Path) -> None:
    """Texts without last marks are one sentence in the list, in the figures and in the files of page and service.

    A text that comes to the analysis before the one it follows begins a sentence of its own.
    """
    lines: list[Line] = []

    async def listen(page: Page) -> None:
        lines.append(Line(page))

    instant = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant"}
    with Stack.start(tmp_path / "run", env=instant).wait_ready() as stack:
        async with browsers_at(stack.url) as open_it:
            page = await open_it(before=listen)
            await drop(page, "conversation.wav", (DATA / "conversation.wav").read_bytes())
            await status(page, "Stopped", RESULTS_MS)
            finals = [message for message in lines[0].received if message["type"] == "final"]
            shown = await page.locator("#sentences .text").all_inner_texts()
            sentences: list[list[str]] = []
            for final in finals:
                sentences += [] if final["continues"] else [[]]
                sentences[-1].append(final["text"])
            assert shown == [" ".join(texts) for texts in sentences]
            assert len(finals) >= 3
            assert len(sentences) < len(finals)
            assert await page.locator("#sentences .badge").count() == len(sentences)
            assert await figure(page, "sentences") == str(len(sentences))
            async with page.expect_download() as download:
                await page.get_by_role("button", name="TXT").click()
            await (await download.value).save_as(tmp_path / "saved.txt")
            session = json.loads(await page.evaluate("sessionStorage.getItem('session')"))
            saved = (tmp_path / "saved.txt").read_bytes()
            assert saved == await asyncio.to_thread(exported, stack.url, session, "txt")
            assert saved.decode().count("\n") == len(sentences)
            assert all(text in saved.decode() for text in shown)
