"""Sessions over REST on two real gateways: what one of them began, the other one lists, shows, exports and deletes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from fastapi_service.export.formats import FORMATS
from fastapi_service.storage.keys import KeyStore
from infra.ledger.admission import Admission
from infra.results import publish_result
from listener_service.consumer import Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.gateways import RECEIVE_S, START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis
from tests.support.speakers import audio_job, final, sentiment
from wire import names
from wire.messages.base import Speaker

SAID = "good morning everybody"


class Setting:
    """Two gateways, the listener's part of the release, and clients with keys."""

    def __init__(self, gateways: list[Gateway], redis: Redis, aredis: AsyncRedis, lines: AsyncExitStack) -> None:
        self.gateways, self.redis, self._aredis, self._lines = gateways, redis, aredis, lines
        self._consumer = Consumer(redis, "test", Releaser(redis, Settings()))
        self._consumer.join()

    async def key(self, scope: str = "talk") -> dict[str, str]:
        """Return the headers of a client with a new key."""
        _, key = await KeyStore(self._aredis).create("test", [scope])
        return {"Authorization": f"Bearer {key}"}

    async def begin(self, headers: dict[str, str] | None = None, **start: object) -> Person:
        """Begin a session at the first gateway."""
        connecting = websockets.connect(self.gateways[0].ws, additional_headers=headers or {})
        return await Person.enter(await self._lines.enter_async_context(connecting), **start)

    async def say(self, person: Person, count: int = 2) -> None:
        """Let utterances of a session be transcribed, analysed and released."""
        room = person.ready["room"]
        owner = self.redis.hget(names.session(person.session_id), "owner")
        admission = Admission(self._aredis)
        for segment in range(count):
            job = audio_job(segment, person.session_id, room=room)
            assert await admission.admit(str(owner), job, b"", 32_000 * (segment + 1), 3_600) == "admitted"
            said = final(segment, person.session_id, room=room, text=SAID, mood=sentiment())
            speaker = Speaker(person=person.ready["person"], name=person.ready.get("name"))
            publish_result(self.redis, said.model_copy(update={"speaker": speaker}))
            self._consumer.consume()

    async def request(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Return the answer of the second gateway."""
        async with httpx.AsyncClient(base_url=self.gateways[1].http) as client:
            return await client.request(method, path, headers=headers)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        answer = await self.request("GET", path, headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.json()

    async def ids(self, headers: dict[str, str], query: str = "") -> list[str]:
        return [each["session_id"] for each in (await self.get(f"/v1/sessions{query}", headers))["sessions"]]

    async def refused(self, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        answer = await self.request(method, path, headers)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]


@pytest.fixture(params=["closed"])
async def setting(
    processes: Processes, redis: Redis, aredis: AsyncRedis, request: pytest.FixtureRequest
) -> AsyncIterator[Setting]:
    gateways = [Gateway(processes, GATEWAY_ACCESS=request.param) for _ in range(2)]
    for gateway in gateways:
        eventually(gateway.answers, START_S)
    async with AsyncExitStack() as lines:
        yield Setting(gateways, redis, aredis, lines)


def token(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.token}"}


def path(person: Person, rest: str = "") -> str:
    return f"/v1/sessions/{person.session_id}{rest}"


async def test_a_key_lists_its_sessions_while_they_are_there(setting: Setting) -> None:
    """Live, ended, expired and deleted ones, on another gateway than the one that has them."""
    key, other, admin = await setting.key(), await setting.key(), await setting.key("admin")
    one, two = [await setting.begin(key) for _ in range(2)]
    three = await setting.begin(other, name="Kim", role="agent", languages=["en", "ko"])
    assert await setting.ids(key) == [two.session_id, one.session_id]
    assert await setting.ids(admin) == [three.session_id, two.session_id, one.session_id]
    (listed,) = (await setting.get("/v1/sessions", other))["sessions"]
    assert listed["key"] == other["Authorization"].split("_")[1]
    assert (listed["state"], listed["languages"], listed["speaker"]["name"]) == ("live", ["en", "ko"], "Kim")
    assert listed["began_at"] < listed["expires_at"]
    await one.leave()
    for _ in range(80):
        if await setting.ids(key, "?state=ended") == [one.session_id]:
            break
        await asyncio.sleep(0.1)
    assert await setting.ids(key, "?state=live") == [two.session_id]
    assert await setting.ids(key, "?state=ended") == [one.session_id]
    setting.redis.delete(names.session(one.session_id))
    assert await setting.ids(key) == [two.session_id]
    assert (await setting.request("DELETE", path(two), key)).status_code == 204
    assert await setting.ids(key) == []
    assert await setting.ids(admin) == [three.session_id]


async def test_pages_follow_their_cursors(setting: Setting) -> None:
    """Until there is none."""
    key = await setting.key()
    ids = [(await setting.begin(key)).session_id for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        page = await setting.get(f"/v1/sessions?limit=2{cursor}", key)
        found += [each["session_id"] for each in page["sessions"]]
        if page["next"] is None:
            break
        cursor = f"&after={page['next']}"
    assert found == ids[::-1]


async def test_a_session_has_its_statistics_and_its_transcript(setting: Setting) -> None:
    """For its key, its token and an admin; in every format the same bytes as the older route."""
    key, admin = await setting.key(), await setting.key("admin")
    person = await setting.begin(key, name="Kim")
    before = await setting.get(path(person), key)
    assert (before["statistics"], before["room_statistics"], before["people"]) == (None, None, [])
    await setting.say(person)
    for headers in (key, token(person), admin):
        shown = await setting.get(path(person), headers)
        assert shown["statistics"]["utterances"] == 2
        assert (shown["audio_s"], shown["utterances"], shown["pending"]) == (4.0, 2, 0)
        entries = (await setting.get(path(person, "/transcript"), headers))["entries"]
        assert [entry["text"] for entry in entries] == [SAID, SAID]
    for name, form in FORMATS.items():
        answer = await setting.request("GET", path(person, f"/transcript?format={name}"), key)
        older = await setting.request("GET", f"/sessions/{person.session_id}/export?format={name}", token(person))
        assert answer.content == older.content
        assert SAID in answer.text
        for header in ("content-type", "content-disposition", "cache-control"):
            assert answer.headers[header] == older.headers[header]
        assert answer.headers["content-type"] == form.media_type


async def test_a_session_in_a_room_has_the_statistics_of_room_and_people(setting: Setting) -> None:
    """As its client saw them."""
    key = await setting.key()
    person = await setting.begin(key, room="kitchen", name="Kim")
    await setting.say(person)
    shown = await setting.get(path(person), key)
    assert shown["room_statistics"]["scope"] == "room"
    assert [(each["name"], each["utterances"]) for each in shown["people"]] == [("Kim", 2)]
    assert shown["room_statistics"]["utterances"] == 2
    assert await setting.ids(key, "?room=kitchen") == [person.session_id]
    assert await setting.ids(key, "?room=hall") == []


async def test_another_key_opens_nothing(setting: Setting) -> None:
    """In the words of an unknown session; nor does a wrong token, and without anything it needs a key."""
    key, other = await setting.key(), await setting.key("files")
    person, foreign = await setting.begin(key), await setting.begin(other)
    unknown = f"/v1/sessions/{'0' * 32}"
    for method, rest in (("GET", ""), ("GET", "/transcript"), ("DELETE", "")):
        for headers in (other, token(foreign)):
            assert await setting.refused(method, path(person, rest), headers) == (404, "session_unknown")
            assert await setting.refused(method, unknown + rest, headers) == (404, "session_unknown")
        assert await setting.refused(method, path(person, rest)) == (401, "no_grant")
    assert await setting.refused("GET", "/v1/sessions", token(person)) == (401, "no_grant")
    assert await setting.refused("GET", path(person, "/transcript?format=pdf"), key) == (400, "bad_format")
    for query in ("limit=0", "limit=201", "after=x", "since=-1", "state=over", "room=a%20b", "nothing=1"):
        assert await setting.refused("GET", f"/v1/sessions?{query}", key) == (422, "bad_message")


async def test_a_deletion_by_its_key_ends_the_session_everywhere(setting: Setting) -> None:
    """Its client gets ``deleted`` within a second, and nothing of it can be read any longer."""
    key = await setting.key()
    person = await setting.begin(key)
    await setting.say(person)
    assert (await setting.request("DELETE", path(person), key)).status_code == 204
    async with asyncio.timeout(RECEIVE_S):
        await person.until("deleted")
        with pytest.raises(ConnectionClosed):
            await person.receive()
    for headers in (key, token(person)):
        assert await setting.refused("GET", path(person), headers) == (404, "session_unknown")
    assert await setting.refused("DELETE", path(person), key) == (404, "session_unknown")
    assert (await setting.request("DELETE", path(person), token(person))).status_code == 204
    left = [each for each in setting.redis.keys("wta:*") if person.session_id in each]
    assert left == [names.deleted(person.session_id)]


async def test_a_room_is_deleted_by_its_owner_or_an_admin(setting: Setting) -> None:
    """A guest's key does not, though it began its session there; who was removed reads nothing back."""
    owner, guest, admin = await setting.key(), await setting.key(), await setting.key("admin")
    async with httpx.AsyncClient(base_url=setting.gateways[1].http) as client:
        made = (await client.post("/rooms", headers=owner)).json()
        inside = await setting.begin(guest, room=made["room"], invite=made["talk"])
        host = await setting.begin(owner, room=made["room"])
        assert await setting.refused("DELETE", path(inside), guest) == (403, "not_owner")
        assert await setting.refused("DELETE", path(inside), token(inside)) == (403, "not_owner")
        await setting.get(path(inside), guest)
        removal = await client.delete(f"/rooms/{made['room']}/people/{inside.ready['person']}", headers=owner)
        assert removal.status_code == 200
    for headers in (guest, token(inside)):
        assert await setting.refused("GET", path(inside, "/transcript"), headers) == (403, "removed")
    await setting.get(path(inside), admin)
    assert (await setting.request("DELETE", path(host), owner)).status_code == 204
    assert await setting.ids(admin) == []


async def test_a_revoked_key_lists_nothing_and_a_sign_in_its_own(setting: Setting) -> None:
    """Its sessions are an admin's then, until they expire."""
    key, admin = await setting.key(), await setting.key("admin")
    person = await setting.begin(key)
    key_id = key["Authorization"].split("_")[1]
    setting.redis.delete(names.api_key(key_id))
    assert await setting.refused("GET", "/v1/sessions", key) == (401, "grant_refused")
    assert await setting.refused("GET", path(person), token(person)) == (403, "grant_ended")
    assert await setting.ids(admin) == [person.session_id]


@pytest.mark.parametrize("setting", ["open"], indirect=True)
async def test_open_access_lists_sessions_for_a_key_only(setting: Setting) -> None:
    """Whoever comes by does not see who talks, and each token opens its session; an admin's key opens all."""
    person = await setting.begin(room="kitchen")
    await setting.say(person)
    assert await setting.refused("GET", "/v1/sessions") == (401, "no_grant")
    assert await setting.refused("GET", path(person)) == (401, "no_grant")
    assert (await setting.get(path(person), token(person)))["statistics"]["utterances"] == 2
    admin, key = await setting.key("admin"), await setting.key("files")
    assert await setting.ids(admin) == [person.session_id]
    assert await setting.ids(key) == []
    assert await setting.refused("GET", path(person), key) == (404, "session_unknown")
    assert len((await setting.get(path(person, "/transcript"), admin))["entries"]) == 2
    assert (await setting.request("DELETE", path(person), admin)).status_code == 204
    assert await setting.ids(admin) == []
