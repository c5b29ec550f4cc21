"""Two people at one page: a stereo input, and a call in another tab, in a real browser, with the real models."""

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.async_api import Page, expect

from local.testing import Stack
from tests.e2e.pages import DATA, MANIFEST, RESULTS_MS, OpenPage, browsers_at, status, word_error_rate
from tests.e2e.test_page_access import ready, said
from tests.e2e.test_page_room import Entry, column, exported

LEFT, RIGHT = "known-her.wav", "jfk.wav"
RIGHT_BEGINS_S = 2
"""While the left one talks."""
MOST_ERRORS = 0.2
"""Word error rate of a channel; words of the other one would exceed it."""
CALL = """<!doctype html><title>A call</title><audio src="data:audio/wav;base64,{}"></audio>"""


def stereo(path: Path) -> Path:
    """Write both clips beside each other."""
    (left, rate), (right, other) = [soundfile.read(DATA / clip, dtype="float32") for clip in (LEFT, RIGHT)]
    assert rate == other
    both = np.zeros((RIGHT_BEGINS_S * rate + len(right), 2), dtype=np.float32)
    both[: len(left), 0] = left
    both[RIGHT_BEGINS_S * rate :, 1] = right
    soundfile.write(path, both, rate, subtype="PCM_16")
    return path


async def choose(page: Page, talkers: str, second: str = "") -> None:
    """Choose who talks at a page, as a person does."""
    await page.locator("#settings summary").click()
    await page.get_by_label("Who talks here").select_option(talkers)
    await page.get_by_label(re.compile("^Name of the")).fill(second)
    await page.get_by_label(re.compile("^Name of the")).blur()
    await page.locator("#settings summary").click()


async def hears(page: Page, clip: str) -> None:
    """Wait for the last word of a clip."""
    word = MANIFEST[clip]["text"].rstrip(".").split()[-1]
    await expect(page.locator("#sentences .said")).to_contain_text([re.compile(word)], timeout=RESULTS_MS)


async def stop(page: Page) -> None:
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Stopped", RESULTS_MS)


def errors(entries: list[Entry], speaker: str, clip: str) -> float:
    """Return the word error rate of what a person said."""
    text = " ".join(entry["text"] for entry in entries if entry["speaker"] == speaker)
    return word_error_rate(MANIFEST[clip]["text"], text)


@pytest.mark.timeout(240)
async def test_left_and_right_of_a_microphone_are_two_talkers(open_page: OpenPage, tmp_path: Path) -> None:
    """Each has a name, the own words, though both talk at once, and figures; a reload brings both back."""
    page = await open_page(str(stereo(tmp_path / "stereo.wav")))
    await page.locator("#settings summary").click()
    await page.get_by_label("Your name").fill("Ann")
    await page.locator("#settings summary").click()
    await choose(page, "stereo", "Bob")
    await page.get_by_role("button", name="Start").click()
    await hears(page, LEFT)
    await expect(page.get_by_label("Who talks here")).to_be_disabled()
    await hears(page, RIGHT)
    await stop(page)

    await expect(page.locator("#who li")).to_have_text([re.compile(r"^Ann \(you\)"), re.compile("^Bob")])
    entries = await exported(page, tmp_path)
    assert {entry["speaker"] for entry in entries} == {"Ann", "Bob"}
    measured = [errors(entries, "Ann", LEFT), errors(entries, "Bob", RIGHT)]
    print(f"WER left and right: {measured}")
    assert max(measured) <= MOST_ERRORS
    assert sorted(await page.locator("#people-head bdi").all_inner_texts()) == ["Ann", "Bob"]
    for number in range(2):
        assert int((await column(page, number))["Words"]) > 5
    await expect(page.locator("#curves li canvas")).to_have_count(2)
    assert float((await page.locator("[data-figure=overlap]").inner_text()).split()[0]) > 1

    before = await page.locator("#sentences .said").all_inner_texts()
    await page.reload()
    await page.get_by_role("button", name="Go on with it").click()
    await status(page, "Stopped", RESULTS_MS)
    assert await page.locator("#sentences .said").all_inner_texts() == before
    await page.get_by_role("button", name="Delete…").click()
    await page.locator("#delete-it").click()
    await expect(page.locator("#sentences .said")).to_have_count(0)


async def open_call(page: Page, url: str) -> Page:
    """Open another tab, with a call in which somebody will talk."""
    sound = base64.b64encode((DATA / RIGHT).read_bytes()).decode()
    async with page.expect_popup() as opened:
        await page.evaluate("void open('about:blank')")
    call = await opened.value
    await call.route("**/call", lambda route: route.fulfill(body=CALL.format(sound), content_type="text/html"))
    await call.goto(f"{url}/call")
    return call


@pytest.mark.timeout(240)
async def test_a_call_in_another_tab_is_a_talker_beside_the_microphone(
    open_page: OpenPage, stack: Stack, tmp_path: Path
) -> None:
    """Both have their own words and the names of the page's language. Without the call, the microphone goes on."""
    page = await open_page(LEFT, shared="A call", permissions=["microphone"])
    await choose(page, "call")
    call = await open_call(page, stack.url)
    await page.bring_to_front()
    await page.get_by_role("button", name="Start").click()
    await hears(page, LEFT)
    # Not before: what the browser plays when the microphone opens, echo cancellation takes for an echo in it.
    await call.evaluate("document.querySelector('audio').play()")
    await hears(page, RIGHT)
    await call.close()
    await expect(page.locator("#notices")).to_contain_text("no longer shared. Your microphone goes on.")
    await status(page, "Listening|Hearing")
    await stop(page)
    await expect(page.locator("#notices")).not_to_contain_text("shared")

    entries = await exported(page, tmp_path)
    assert {entry["speaker"] for entry in entries} == {"Me", "The call"}
    measured = [errors(entries, "Me", LEFT), errors(entries, "The call", RIGHT)]
    print(f"WER microphone and call: {measured}")
    assert max(measured) <= MOST_ERRORS


async def test_two_talkers_need_no_room_where_access_is_closed(closed: tuple[str, str]) -> None:
    """Their conversation is private, and can be deleted from the page."""
    address, phrase = closed
    received: list[dict[str, Any]] = []
    async with browsers_at(address) as open_page:

        async def listen(page: Page) -> None:
            nonlocal received
            await ready(page)
            received = said(page)

        page = await open_page(url=f"{address}/#pass={phrase}", before=listen)
        await choose(page, "stereo")
        await page.get_by_role("button", name="Start").click()
        await status(page, "Listening|Hearing")
        begun = [message for message in received if message["type"] == "ready"]
        assert [(message["channel"], message["name"]) for message in begun] == [(0, "Left"), (1, "Right")]
        assert len({message["room"] for message in begun} - {None}) == 1
        assert "room=" not in page.url
        await page.get_by_role("button", name="Delete…").click()
        await page.locator("#delete-it").click()
        await expect(page.locator("#notices")).to_contain_text("The conversation was deleted.")
