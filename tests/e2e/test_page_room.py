"""Three people talk in a room, in real browsers, with the real models; the page's figures against a recount."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from local.testing import Stack
from tests.e2e.pages import RESULTS_MS, Line, OpenPage, figure, status
from tests.support.recounts import Said, recount
from wire.messages.statistics import PersonTalk

Entry = dict[str, Any]
"""An entry of the exported JSON."""
LABELS = ("positive", "neutral", "negative")
GLYPHS = re.compile("[▲●▼] ")


async def introduce(page: Page, name: str, role: str = "") -> None:
    """Give a name in a room, as a person does."""
    await page.locator("#rename").click()
    await page.get_by_label("Your name").fill(name)
    await page.get_by_label("Your role").fill(role)
    await page.get_by_label("Your role").blur()
    await expect(page.locator("#others")).not_to_be_empty()


async def say(page: Page, until: str, times: int = 1) -> None:
    """Press Start, and Stop when a text has been there so often."""
    await page.get_by_role("button", name=re.compile("^Start")).click()
    said = page.locator("#sentences .text", has_text=re.compile(until, re.IGNORECASE))
    await expect(said).to_have_count(times, timeout=RESULTS_MS)
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Press Start to talk", RESULTS_MS)


async def three_people(open_page: OpenPage, room: str) -> tuple[list[Page], Line]:
    """Let three people talk: one gets another name while talking, one leaves and comes back, one has no name.

    Returns their pages and that of a reader, and what came to the reader.
    """
    line: list[Line] = []

    async def listen(page: Page) -> None:
        line.append(Line(page))

    reader = await open_page(url=room, before=listen)
    ann, ben, third = [
        await open_page(microphone, url=room) for microphone in ("conversation.wav", "jfk.wav", "pleased.wav")
    ]
    await introduce(ann, "Ann", "agent")
    await introduce(ben, "Ben", "customer")
    await ann.get_by_role("button", name=re.compile("^Start")).click()
    await expect(reader.locator("#sentences .speaker")).to_have_text(["Ann agent"], timeout=RESULTS_MS)
    await expect(reader.locator("#who .talking")).to_contain_text("Ann")
    await introduce(ann, "Anna", "agent")
    await expect(reader.locator("#sentences .speaker").first).to_have_text("Anna agent")
    await say(ben, "for your country")
    await ben.goto(room.partition("?")[0])
    await expect(reader.locator("[data-figure=people]")).to_have_text("3", timeout=RESULTS_MS)
    await say(third, "pleased")
    await ben.goto(room)
    await say(ben, "for your country", 2)
    await expect(reader.locator("#sentences")).to_contain_text(re.compile("begin", re.IGNORECASE), timeout=RESULTS_MS)
    await ann.get_by_role("button", name="Stop").click()
    await status(ann, "Press Start to talk", RESULTS_MS)
    return [ann, ben, third, reader], line[0]


async def exported(page: Page, folder: Path) -> list[Entry]:
    """Return what the page saves as JSON."""
    async with page.expect_download() as download:
        await page.get_by_role("button", name="JSON", exact=True).click()
    await (await download.value).save_as(folder / "transcript.json")
    entries: list[Entry] = json.loads((folder / "transcript.json").read_text(encoding="utf-8"))["entries"]
    return entries


async def test_three_people_are_counted_each_by_themselves(open_page: OpenPage, stack: Stack, tmp_path: Path) -> None:
    """Names, and every figure of every person, are the same on all pages, and those of a recount of the saved JSON."""
    (ann, ben, third, reader), line = await three_people(open_page, f"{stack.url}/?room=three")
    entries = await exported(reader, tmp_path)
    people = list(dict.fromkeys(entry["person"] for entry in entries))
    names = {entry["person"]: entry["speaker"] for entry in entries}
    assert [names[person] for person in people if names[person] in {"Anna", "Ben"}] == ["Anna", "Ben"]
    assert len(people) == 3
    sessions = {
        message["session_id"]: message["speaker"]["person"] for message in line.received if message["type"] == "final"
    }
    assert sorted(sessions.values()).count(next(each for each in people if names[each] == "Ben")) == 2
    called = {message["speaker"]["name"] for message in line.received if message["type"] == "final"}
    assert called == {"Ann", "Anna", "Ben", None}

    expected = recount([
        Said(entry["person"], each["start_ms"], each["end_ms"]) for entry in entries for each in entry["utterances"]
    ])  # fmt: skip
    assert [talk.person for talk in expected.people] == people
    await expect(reader.locator("[data-figure=sentences]")).to_have_text(str(len(entries)))
    for page in (ann, ben, third, reader):
        own = await page.locator("#people-head bdi:not(.role)").all_inner_texts()
        assert own == [
            names[person] if page is not third or names[person] in {"Anna", "Ben"} else "You" for person in people
        ]
        for number, talk in enumerate(expected.people):
            said = [entry for entry in entries if entry["person"] == talk.person]
            check(await column(page, number), talk, said)
        assert_seconds(await figure(page, "silence"), expected.silence_ms)
        assert_seconds(await figure(page, "overlap"), expected.overlap_ms)
        await expect(page.locator("#curves li canvas")).to_have_count(3)
    await most_of_all(reader, entries)


async def column(page: Page, number: int) -> dict[str, str]:
    """Return the figures of one person: name of the row → text."""
    rows = page.locator("#people-rows tr")
    heads = await rows.locator("th").all_inner_texts()
    figures = await rows.locator(f"td:nth-child({number + 2})").all_inner_texts()
    return {GLYPHS.sub("", head): text for head, text in zip(heads, figures, strict=True)}


def check(shown: dict[str, str], talk: PersonTalk, said: Sequence[Entry]) -> None:
    """Compare a column with the recount of what the person said."""
    words = sum(len(entry["text"].split()) for entry in said)
    assert (shown["Time talked"], shown["Longest turn"]) == (clock(talk.talk_ms), clock(talk.longest_monologue_ms))
    assert talk.share is not None
    assert int(shown["Share"].rstrip("%")) == pytest.approx(100 * talk.share, abs=0.51)
    assert int(shown["Words"]) == words
    assert int(shown["Words per minute"]) == pytest.approx(60_000 * words / talk.talk_ms, abs=0.56)
    assert int(shown["Interruptions"]) == talk.interruptions
    assert_seconds(shown["Talking at once"], talk.overlap_ms)
    for label in LABELS:
        counted = sum(entry["sentiment"] is not None and entry["sentiment"]["label"] == label for entry in said)
        assert int(shown[label.capitalize()]) == counted
    valences = [valence(entry) for entry in said if entry["sentiment"] is not None]
    assert signed(shown["Recent trend"]) == pytest.approx(sum(valences) / len(valences), abs=0.0061)
    for row, found in (("Most positive", max(valences)), ("Most negative", min(valences))):
        assert (shown[row] == "–") == (found <= 0 if row == "Most positive" else found >= 0)
        if shown[row] != "–":
            assert signed(shown[row]) == pytest.approx(found, abs=0.0061)


async def most_of_all(page: Page, entries: Sequence[Entry]) -> None:
    """The link of the room leads to the most positive sentence."""
    link = page.locator("[data-figure=most_positive] a")
    best = max((entry for entry in entries if entry["sentiment"]), key=valence)
    await expect(link).to_contain_text(best["text"])
    await link.click()
    await expect(page.locator("#sentences li:focus .text")).to_have_text(best["text"])


def valence(entry: Entry) -> float:
    """P(positive) − P(negative), which the export rounds to three decimals each."""
    probabilities = entry["sentiment"]["probabilities"]
    return float(probabilities["positive"] - probabilities["negative"])


def signed(text: str) -> float:
    """Read a figure of the page."""
    return float(text.replace("−", "-"))


def assert_seconds(text: str, ms: int) -> None:
    """Compare with a figure of the page, which has one decimal."""
    assert float(text.removesuffix(" s")) * 1000 == pytest.approx(ms, abs=50.1)


def clock(ms: int) -> str:
    """Minutes and seconds as on the page."""
    return f"{ms // 60_000:02}:{ms // 1_000 % 60:02}"
