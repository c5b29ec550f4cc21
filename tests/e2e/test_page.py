"""The page in a real browser, with a recording as its microphone."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, WebSocketRoute, expect

from tests.e2e.pages import MANIFEST, RESULTS_MS, Line, OpenPage, figure, status, was_said, word_error_rate


async def test_a_conversation_is_shown_with_its_sentiment_and_counted(open_page: OpenPage) -> None:
    """Every sentence is shown, stop flushes the last one, and the statistics are those of the list."""
    line: list[Line] = []

    async def listen(page: Page) -> None:
        line.append(Line(page))

    page = await open_page("conversation.wav", before=listen)
    spoken = MANIFEST["conversation.wav"]
    await page.get_by_role("button", name="Start").click()
    await status(page, "Hearing")
    await line[0].seconds(spoken["ends_s"][-1] - 0.8)  # in the middle of the last sentence
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Stopped", RESULTS_MS)

    silent = {message["segment"] for message in line[0].received if message["type"] == "no_speech"}
    ended = [message for message in line[0].received if message["type"] == "speech_ended"]
    assert ended[-1]["reason"] == "flush"
    ended = [message for message in ended if message["segment"] not in silent]  # a crackle as the microphone opens
    texts = await page.locator("#sentences .text").all_inner_texts()
    assert len(texts) == len(ended)
    assert word_error_rate(spoken["text"], " ".join(texts)) <= 0.3

    times = await page.locator("#sentences time").all_inner_texts()
    assert times == [f"{ms // 60_000:02}:{ms // 1000 % 60:02}" for ms in (message["start_ms"] for message in ended)]
    await assert_statistics_equal_the_list(page, texts)


async def assert_statistics_equal_the_list(page: Page, texts: list[str]) -> None:
    assert await figure(page, "sentences") == str(len(texts))
    assert await figure(page, "words") == str(sum(len(text.split()) for text in texts))
    assert re.fullmatch(r"\d+\.\d s", await figure(page, "latency"))
    assert await figure(page, "languages") == f"English {len(texts)}"
    badges = await page.locator("#sentences .badge").all_inner_texts()
    for label in ("positive", "neutral", "negative"):
        scores = [int(found[1]) for text in badges if (found := re.search(rf"{label} (\d+)%", text, re.IGNORECASE))]
        count, share, mean = await page.locator(f"#statistics tr[data-label={label}] td").all_inner_texts()
        assert int(count) == len(scores)
        assert share == f"{round(100 * len(scores) / len(badges))}%"
        if scores:
            assert abs(int(mean.rstrip("%")) - sum(scores) / len(scores)) <= 1.5
        else:
            assert mean == "–"


async def test_a_broken_line_loses_and_doubles_nothing(open_page: OpenPage) -> None:
    """When the line breaks in the middle of a word, the page says so, comes back, and the text is whole."""
    starts: list[dict[str, Any]] = []

    async def break_once(page: Page) -> None:
        async def route(client: WebSocketRoute) -> None:
            server = client.connect_to_server()
            frames = 0

            async def forward(message: str | bytes) -> None:
                nonlocal frames
                if isinstance(message, str) and json.loads(message)["type"] == "start":
                    starts.append(json.loads(message))
                frames += isinstance(message, bytes)
                if len(starts) == 1 and frames == 30:
                    await server.close(code=3000)  # to the gateway a line that broke: the client may come back
                    await client.close(code=3000)
                elif len(starts) > 1 or frames < 30:
                    server.send(message)

            client.on_message(lambda message: asyncio.ensure_future(forward(message)))

        await page.route_web_socket(re.compile("/ws$"), route)

    page = await open_page("jfk.wav", before=break_once)
    await page.get_by_role("button", name="Start").click()
    await was_said(page, "reconnecting")
    await expect(page.locator("#sentences li").last).to_contain_text(
        re.compile("for your country", re.IGNORECASE), timeout=RESULTS_MS
    )
    await page.get_by_role("button", name="Stop").click()
    await status(page, "Stopped", RESULTS_MS)

    texts = await page.locator("#sentences .text").all_inner_texts()
    assert word_error_rate(MANIFEST["jfk.wav"]["text"], " ".join(texts)) <= 0.15
    assert await figure(page, "sentences") == str(len(texts))
    assert [start.get("session_id") is None for start in starts] == [True, False]


SESSION = {"session_id": "0" * 32, "room": None}
READY = {
    **SESSION,
    "type": "ready",
    "token": "t",
    "resumed": False,
    "samples": 0,
    "sample_rate": 16_000,
    "language": None,
}


def answer_with(*messages: dict[str, Any], close: int | None = None) -> Callable[[Page], Awaitable[None]]:
    """Instead of the gateway: say these messages to whoever says start."""

    async def prepare(page: Page) -> None:
        async def route(client: WebSocketRoute) -> None:
            async def answer() -> None:
                for message in messages:
                    client.send(json.dumps(message))
                if close is not None:
                    await client.close(code=close)

            client.on_message(lambda message: asyncio.ensure_future(answer()) if '"start"' in str(message) else None)

        await page.route_web_socket(re.compile("/ws$"), route)

    return prepare


def segment_end(segment: int, **fields: Any) -> dict[str, Any]:
    position = {
        "segment": segment,
        "seq": segment + 1,
        "revision": 0,
        "start_ms": 61_000 * segment,
        "end_ms": 0,
        "clock": {},
    }
    return {**SESSION, **position, **fields}


async def test_what_has_no_sentiment_or_no_text_says_why(open_page: OpenPage) -> None:
    """A null sentiment shows its reason, a failed utterance its message in place, silence nothing; markup is text."""
    final = {"type": "final", "language": "sw", "sentiment": None, "sentiment_reason": "It knows English only."}
    page = await open_page(
        before=answer_with(
            READY,
            segment_end(0, **final, text="<img src=x onerror=alert(1)>"),
            segment_end(1, type="no_speech"),
            segment_end(2, type="segment_failed", message="Three tries failed.", remedy="Say it again."),
        )
    )
    await page.get_by_role("button", name="Start").click()
    sentences = page.locator("#sentences li")
    await expect(sentences).to_have_count(2)
    await expect(sentences.nth(0)).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(sentences.nth(0)).to_contain_text("No sentiment")
    await expect(sentences.nth(0)).to_contain_text("It knows English only.")
    await expect(sentences.nth(1)).to_contain_text("02:02")
    await expect(sentences.nth(1)).to_contain_text("Three tries failed. Say it again.")


async def test_a_forgotten_session_goes_on_as_a_new_one(open_page: OpenPage) -> None:
    """When the service no longer knows the session after a broken line, the page says so and begins another."""
    starts: list[str | None] = []
    unknown = {"type": "error", "code": "session_unknown", "message": "", "remedy": "", "fatal": False}
    final = segment_end(0, type="final", language="en", text="Here again.", sentiment=None, sentiment_reason="")

    async def forget(page: Page) -> None:
        async def answer(client: WebSocketRoute, start: dict[str, Any]) -> None:
            starts.append(start.get("session_id"))
            client.send(json.dumps(READY if starts[-1] is None else unknown))
            if len(starts) == 1:
                await client.close(code=1012)
            elif len(starts) == 3:
                client.send(json.dumps(final))

        def route(client: WebSocketRoute) -> None:
            client.on_message(
                lambda message: (
                    asyncio.ensure_future(answer(client, json.loads(message))) if '"start"' in str(message) else None
                )
            )

        await page.route_web_socket(re.compile("/ws$"), route)

    page = await open_page(before=forget)
    await page.get_by_role("button", name="Start").click()
    sentences = page.locator("#sentences li")
    await expect(sentences).to_have_count(2)
    await expect(sentences.nth(0)).to_contain_text("a new one began")
    await expect(sentences.nth(1)).to_contain_text("Here again.")
    assert starts == [None, SESSION["session_id"], None]


async def test_an_error_of_the_service_is_shown_with_its_remedy(open_page: OpenPage) -> None:
    """After an error that ends the session the page says what happened, and can start again."""
    error = {
        "type": "error",
        "code": "taken_over",
        "message": "It goes on elsewhere.",
        "remedy": "Close it.",
        "fatal": True,
    }
    page = await open_page(before=answer_with(READY, error, close=4409))
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("It goes on elsewhere. Close it.")
    await status(page, "Stopped")
    await expect(page.get_by_role("button", name="Start again")).to_be_enabled()


async def test_a_delay_is_shown_until_it_is_over(open_page: OpenPage) -> None:
    """While the service cannot write down what is said, the page says so; the next acknowledgement ends that."""
    error = {"type": "error", "code": "busy", "message": "It comes late.", "remedy": "Keep talking.", "fatal": False}
    lines: list[WebSocketRoute] = []

    async def hold_up(page: Page) -> None:
        def route(client: WebSocketRoute) -> None:
            def answer(message: str | bytes) -> None:
                if '"start"' in str(message):
                    lines.append(client)
                    for said in (READY, error):
                        client.send(json.dumps(said))

            client.on_message(answer)

        await page.route_web_socket(re.compile("/ws$"), route)

    page = await open_page(before=hold_up)
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("It comes late. Keep talking.")
    lines[0].send(json.dumps({"type": "ack", "samples": 0}))
    await expect(page.get_by_role("alert")).to_be_empty()


@pytest.mark.parametrize(
    ("error", "words"),
    [("NotAllowedError", "not allowed"), ("NotFoundError", "No microphone"), ("NotReadableError", "other programs")],
)
async def test_without_a_microphone_the_page_says_what_to_do(open_page: OpenPage, error: str, words: str) -> None:
    """Each way of not getting a microphone has a sentence of its own, and the button stays for another try."""
    refuse = f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{error}') }}"
    page = await open_page(before=lambda page: page.add_init_script(refuse))
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text(words)
    await expect(page.get_by_role("button", name="Start")).to_be_enabled()


async def test_on_an_insecure_address_the_page_says_what_to_do(open_page: OpenPage, stack: Any) -> None:
    """Browsers give no microphone to plain http from elsewhere; the page names https and localhost."""
    page = await open_page(url=f"http://plain.example:{urlsplit(stack.url).port}")
    await expect(page.get_by_role("alert")).to_contain_text(re.compile("https://.*localhost"))
    await expect(page.get_by_role("button", name="Start")).to_be_disabled()


async def test_a_service_that_is_not_ready_says_why_until_it_is(open_page: OpenPage) -> None:
    """The reasons of /readyz are shown, and go away by themselves."""
    checks = {"redis": {"ready": True}, "stt_worker": {"ready": False, "reason": "the model is loading"}}
    states = iter([{"ready": False, "checks": checks}])

    async def readyz(route: Route) -> None:
        await route.fulfill(json=next(states, {"ready": True, "checks": {}}))

    page = await open_page(before=lambda page: page.route(re.compile(r"/readyz\?"), readyz))
    await expect(page.get_by_role("alert")).to_contain_text("stt_worker: the model is loading")
    await expect(page.get_by_role("alert")).to_be_empty()


async def test_the_page_fits_a_narrow_screen(open_page: OpenPage) -> None:
    """At 320 px nothing, not even a very long word, needs scrolling sideways."""
    sentiment = {"label": "negative", "score": 0.98}
    final = {"type": "final", "language": "en", "text": "a" * 200, "sentiment": sentiment}
    page = await open_page(before=answer_with(READY, segment_end(0, **final)), viewport={"width": 320, "height": 640})
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#sentences li")).to_contain_text("Negative 98%")
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
