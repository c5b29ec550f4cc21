"""A conversation in Korean through microphone, queues and page, in a browser of a Korean reader."""

import re

import jiwer
from playwright.async_api import Page, expect

from tests.e2e.pages import MANIFEST, RESULTS_MS, Line, OpenPage, figure, status

SENTIMENT = ["중립", "중립", "긍정", "긍정", "부정", "부정", "긍정"]
"""Label of each utterance of the recording; the first, a greeting, may be positive too."""


async def test_a_conversation_in_korean_has_its_sentiment(open_page: OpenPage) -> None:
    """Text and sentiment of every sentence, statistics and plot; nothing is marked as zero-shot."""
    line: list[Line] = []

    async def listen(page: Page) -> None:
        line.append(Line(page))

    page = await open_page("korean.wav", before=listen, locale="ko-KR")
    spoken = MANIFEST["korean.wav"]
    await page.get_by_role("button", name="시작").click()
    await line[0].seconds(spoken["seconds"])
    await page.get_by_role("button", name="정지").click()
    await status(page, "정지했습니다", RESULTS_MS)

    finals = [message for message in line[0].received if message["type"] == "final"]
    assert [final["language"] for final in finals] == ["ko"] * len(SENTIMENT)
    assert not any(final["sentiment"]["zero_shot"] for final in finals)
    texts = await page.locator("#sentences .text").all_inner_texts()
    assert jiwer.cer(spoken["texts"], texts) <= 0.1

    badges = [text.split()[1] for text in await page.locator("#sentences .badge").all_inner_texts()]
    assert badges[1:] == SENTIMENT[1:]
    assert badges[0] in ("중립", "긍정")
    await assert_counted(page, badges)
    await assert_drawn(page, finals[-1])


async def assert_counted(page: Page, badges: list[str]) -> None:
    assert await figure(page, "sentences") == str(len(badges))
    assert await figure(page, "languages") == f"한국어 {len(badges)}"
    for label, name in (("positive", "긍정"), ("neutral", "중립"), ("negative", "부정")):
        count = await page.locator(f"#statistics tr[data-label={label}] td").first.inner_text()
        assert int(count) == badges.count(name)


async def assert_drawn(page: Page, last: dict[str, object]) -> None:
    """The plot goes from clearly negative to clearly positive, and ends with the last sentence."""
    await expect(page.locator("#timeline canvas")).to_be_visible()
    said = await page.locator("#timeline-text").inner_text()
    lowest, highest, latest = (
        float(number.replace("−", "-")) for number in re.findall(r"(?:최저|최고|최근) ([−+]?\d\.\d+)", said)
    )
    assert lowest < -0.5
    assert highest > 0.5
    sentiment = last["sentiment"]
    assert isinstance(sentiment, dict)
    valence = sentiment["probabilities"]["positive"] - sentiment["probabilities"]["negative"]
    assert abs(latest - valence) <= 0.01
