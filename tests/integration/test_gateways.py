"""Two real gateways and a listener on one Redis: who is in a room, and conversations as files."""

import asyncio
import csv
import io
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import numpy as np
import pytest
import srt
import websockets
import webvtt

from fastapi_service.export.formats import FORMATS
from infra.results import publish_result
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import Redis
from tests.support.speakers import ALICE, failed, final, no_speech, sentiment
from wire import names

FORGET_S = 3
# A gateway that forgets connections sooner than this test waits.
GATEWAY = f"""
from functools import partial
from fastapi_service import fastapi_service, gateway
gateway.RoomOccupancy = partial(gateway.RoomOccupancy, refresh_s=0.5, forget_s={FORGET_S})
fastapi_service.main()
"""


def rooms(*persons: Person) -> set[str]:
    """Return the rooms whose occupancy these clients received."""
    return {message["room"] for person in persons for message in person.received if message["type"] == "people"}


@pytest.fixture
def gateways(processes: Processes) -> list[Gateway]:
    started = [Gateway(processes, GATEWAY), Gateway(processes, GATEWAY)]
    for gateway in started:
        eventually(gateway.answers, START_S)
    return started


@pytest.fixture
async def enter() -> AsyncIterator[Callable[..., Any]]:
    """Returns a function that connects to a gateway, in a room or alone."""
    async with AsyncExitStack() as lines:

        async def one(gateway: Gateway, room: str | None = None, **start: str) -> Person:
            line = await lines.enter_async_context(websockets.connect(gateway.ws))
            return await Person.enter(line, room=room, **start)

        yield one


async def test_occupancy_of_a_room_reaches_its_clients_on_all_gateways(
    gateways: list[Gateway], enter: Callable[..., Any], redis: Redis
) -> None:
    """Each join, first audio and leave. Another room and a private session get nothing of it."""
    one, two = gateways
    alone, stranger = await enter(one), await enter(one, "attic")
    await stranger.until("people", people=1)
    alice = await enter(one, "kitchen")
    await alice.until("people", room="kitchen", people=1, talking=0)
    bob = await enter(two, "kitchen")
    for person in (alice, bob):
        await person.until("people", people=2, talking=0)
    await bob.talk()
    for person in (alice, bob):
        await person.until("people", people=2, talking=1)
    await bob.leave()
    await alice.until("people", people=1, talking=0)
    carol = await enter(two, "attic")
    for person in (stranger, carol):
        await person.until("people", room="attic", people=2)
    await alone.talk()
    for person in (alone, alice, stranger, carol):
        await person.ping()
    assert {message["room"] for message in alice.received + bob.received if message["type"] == "people"} == {"kitchen"}
    assert {message["room"] for message in stranger.received + carol.received if message["type"] == "people"} == {
        "attic"
    }
    assert [message["type"] for message in alone.received] == ["pong"]
    assert not [key for key in redis.scan_iter("wta:people:*") if not key.endswith(("kitchen", "attic"))]


async def test_people_are_seen_by_name_on_all_gateways(gateways: list[Gateway], enter: Callable[..., Any]) -> None:
    """One renames, one talks, leaves and comes back elsewhere as the same person; a bad name is refused."""
    one, two = gateways
    alice = await enter(one, "kitchen", name=" Alice ", role="agent", person_key="a" * 32)
    bob = await enter(two, "kitchen", person_key="b" * 32)
    known = {each.ready["person"]: each for each in (alice, bob)}
    assert (alice.ready["name"], alice.ready["role"], "name" in bob.ready) == ("Alice", "agent", False)
    people = await alice.until("people", people=2)
    assert {each["person"]: each["name"] for each in people["who"]} == dict(zip(known, ("Alice", None), strict=True))
    await bob.send(type="configure", name="two\nlines")
    assert (await bob.until("error"))["code"] == "bad_name"
    await bob.send(type="configure", name="Bob")
    assert (await bob.until("configured"))["name"] == "Bob"
    tone = (np.sin(np.arange(32_000) / 5) * 9_000).astype("<i2").tobytes()
    await bob.talk(tone)
    while not (await alice.until("people"))["who"][0]["talking"]:
        pass
    assert [each["name"] for each in alice.received[-1]["who"] if each["talker"]] == ["Bob"]
    await bob.leave()
    again = await enter(one, "kitchen", person_key="b" * 32)
    assert again.ready["person"] == bob.ready["person"]
    assert again.session_id != bob.session_id


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
async def test_people_of_a_gateway_that_ended_are_no_longer_counted(
    gateways: list[Gateway], enter: Callable[..., Any], how: signal.Signals
) -> None:
    """Killed, after a while; stopped, at once."""
    one, two = gateways
    alice, bob = await enter(one, "kitchen"), await enter(two, "kitchen")
    await bob.talk()
    await alice.until("people", people=2, talking=1)
    began = asyncio.get_running_loop().time()
    two.end(how)
    await alice.until("people", people=1, talking=0)
    took = asyncio.get_running_loop().time() - began
    assert took < FORGET_S + 2 if how == signal.SIGKILL else took < FORGET_S - 1


@pytest.fixture
async def said(
    gateways: list[Gateway], enter: Callable[..., Any], processes: Processes, redis: Redis
) -> tuple[Person, Person, Person]:
    """Results of Alice and Bob in the kitchen, and of Carol without a room, in their logs."""
    processes.python("-m", "listener_service.listener_service")
    one, two = gateways
    alice, bob, carol = await enter(one, "kitchen"), await enter(two, "kitchen"), await enter(one)
    for result in (
        final(0, alice.session_id, room="kitchen", text="What, --> <b>you</b>?", mood=sentiment("negative", 0.75)),
        no_speech(1, alice.session_id, room="kitchen"),
        failed(2, alice.session_id, room="kitchen"),
        final(0, carol.session_id, text="=secret()"),
    ):
        publish_result(redis, result)
    await alice.until("segment_failed")
    publish_result(redis, final(0, bob.session_id, room="kitchen", text="네, 저요."))
    await alice.until("final", seq=4)
    await carol.until("final", seq=1)
    return alice, bob, carol


async def export(gateway: Gateway, session_id: str, format_name: str, token: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    async with httpx.AsyncClient() as client:
        url = f"{gateway.http}/sessions/{session_id}/export"
        return await client.get(url, params={"format": format_name}, headers=headers)


async def test_a_conversation_is_exported_in_every_format(
    gateways: list[Gateway], said: tuple[Person, Person, Person]
) -> None:
    """By any gateway; in a room with the results of all its sessions."""
    alice, bob, carol = said
    files = {name: await export(gateways[1], alice.session_id, name, alice.token) for name in FORMATS}
    assert {answer.status_code for answer in files.values()} == {200}
    for name, answer in files.items():
        assert answer.headers["content-type"] == FORMATS[name].media_type
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="transcript-{alice.session_id[:8]}.{name}"'
        )
        assert answer.content == (await export(gateways[0], bob.session_id, name, bob.token)).content
    assert files["txt"].text.splitlines() == [
        "[00:00:00] Speaker 1: What, --> <b>you</b>? (negative 75 %)",
        "[00:00:20] Speaker 1: [not transcribed]",
        "[00:00:00] Speaker 2: 네, 저요.",
    ]
    assert [" ".join(cue.content.splitlines()) for cue in srt.parse(files["srt"].text)] == [
        "Speaker 1: What, → <b>you</b>? [negative]",
        "Speaker 2: 네, 저요.",
    ]
    assert [cue.voice for cue in webvtt.from_string(files["vtt"].text).captions] == ["Speaker 1", "Speaker 2"]
    assert [entry["failed"] for entry in files["json"].json()["entries"]] == [False, True, False]
    rows = list(csv.reader(io.StringIO(files["csv"].content.decode("utf-8-sig"), newline="")))
    assert [row[4] for row in rows[1:]] == ["What, --> <b>you</b>?", "[not transcribed]", "네, 저요."]
    private = await export(gateways[0], carol.session_id, "csv", carol.token)
    assert "'=secret()" in private.text
    assert "Speaker" not in private.text


async def test_only_the_token_opens_a_conversation(
    gateways: list[Gateway], said: tuple[Person, Person, Person], redis: Redis
) -> None:
    """No token, a wrong one, another session's, a stored digest, an expired session: each gets nothing."""
    alice, _, carol = said
    gateway = gateways[0]
    digest = redis.hget(names.session(carol.session_id), "token")
    none = await export(gateway, carol.session_id, "txt", None)
    assert (none.status_code, none.json()["code"], none.headers["www-authenticate"]) == (401, "no_token", "Bearer")
    answers = [await export(gateway, carol.session_id, "txt", token) for token in ("wrong", alice.token, digest)]
    answers.append(await export(gateway, ALICE, "txt", alice.token))
    answers.append(await export(gateway, "%2e%2e", "txt", alice.token))
    redis.delete(names.session(carol.session_id))
    answers.append(await export(gateway, carol.session_id, "txt", carol.token))
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.text for answer in answers} == {answers[0].text}
    assert set(answers[0].json()) == {"type", "title", "status", "detail", "code", "message", "remedy"}
    assert not any("secret" in answer.text for answer in (none, *answers))


async def test_unknown_format_is_refused_with_the_known_ones(
    gateways: list[Gateway], said: tuple[Person, Person, Person]
) -> None:
    """A missing format, too."""
    alice, *_ = said
    for name in ("pdf", "", "__class__"):
        answer = await export(gateways[0], alice.session_id, name, alice.token)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_format")
        assert all(known in answer.json()["remedy"] for known in FORMATS)


async def test_a_conversation_of_ten_thousand_sentences_is_exported_whole(
    gateways: list[Gateway], enter: Callable[..., Any], redis: Redis
) -> None:
    """As many as a log keeps. Another client's pings are answered meanwhile, not at its end."""
    alice, bob = await enter(gateways[0]), await enter(gateways[0])
    pipeline = redis.pipeline(transaction=False)
    for n in range(10_000):
        end = final(n, alice.session_id, text=f"sentence {n}", mood=sentiment())
        pipeline.xadd(names.log(f"session:{alice.session_id}"), {"data": end.model_dump_json()}, id=f"{n + 1}-0")
    pipeline.execute()
    exporting = asyncio.create_task(export(gateways[0], alice.session_id, "csv", alice.token))
    waits, requested = [], asyncio.get_running_loop().time()
    while not exporting.done():
        began = asyncio.get_running_loop().time()
        await bob.ping()
        waits.append(asyncio.get_running_loop().time() - began)
        await asyncio.sleep(0.01)
    took = asyncio.get_running_loop().time() - requested
    rows = (await exporting).text.splitlines()
    assert len(rows) == 10_001
    assert rows[-1].endswith("sentence 9999,positive,0.8,false,false,")
    assert max(waits) < took / 2
