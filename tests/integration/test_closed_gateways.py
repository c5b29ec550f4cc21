"""Two real gateways with closed access: what is revoked ends on both, limits hold over both, no log has a secret."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import websockets
from typer.testing import CliRunner
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fastapi_service import keys
from tests.support.eventually import eventually, soon
from tests.support.gateways import RECEIVE_S, START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import Redis
from wire import names
from wire.messages.client import Start
from wire.people import person_id
from wta.client.client import Client
from wta.client.errors import GatewayError

REVOKED_S = 2.0
"""The promise."""
LINK = re.compile(r"http://localhost:\d+/#pass=(\S+)")


@pytest.fixture
def gateways(processes: Processes) -> list[Gateway]:
    started = [Gateway(processes, GATEWAY_ACCESS="closed") for _ in range(2)]
    for gateway in started:
        eventually(gateway.answers, START_S)
    return started


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Any]]:
    """Returns a function that connects with a key to a gateway, and begins a session."""
    async with AsyncExitStack() as lines:

        async def one(gateway: Gateway, key: str | None = None, **start: object) -> Person:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            line = await lines.enter_async_context(websockets.connect(gateway.ws, additional_headers=headers))
            return await Person.enter(line, **start)

        yield one


async def knock(gateway: Gateway, key: str | None = None, **start: object) -> dict[str, Any]:
    """Return the first answer to a client that leaves then."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with websockets.connect(gateway.ws, additional_headers=headers) as line:
        await line.send(json.dumps({"type": "start"} | start))
        answer: dict[str, Any] = json.loads(await line.recv())
        return answer


@pytest.fixture
def run_keys(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Returns a function that runs the command, in a thread because it has a loop of its own."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, ends_with: int = 0, **options: Any) -> str:
        done = CliRunner().invoke(keys.app, arguments, **options)
        assert done.exit_code == ends_with, done.output
        return done.stdout + done.stderr if ends_with else done.stdout

    return run


async def make_key(run_keys: Callable[..., str], *options: str) -> tuple[str, str]:
    """Return id and key."""
    key = (await asyncio.to_thread(run_keys, "create", "--name", "test", *options)).strip()
    return key.split("_")[1], key


async def ended(person: Person) -> tuple[str, int]:
    """Return the code of the last error and that of the close frame."""
    error = await person.until("error", fatal=True)
    try:
        async with asyncio.timeout(RECEIVE_S):
            while True:
                await person.receive()
    except ConnectionClosed as closed:
        return error["code"], closed.rcvd.code if closed.rcvd else 1006


async def refused(connecting: Any) -> dict[str, Any]:
    """Return the answer to a handshake that is refused."""
    with pytest.raises(InvalidStatus) as error:
        await connecting
    answer: dict[str, Any] = json.loads(error.value.response.body or b"{}")
    return answer | {"status": error.value.response.status_code}


async def test_a_revoked_key_ends_its_connections_on_every_gateway(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str]
) -> None:
    """Within two seconds, also of one that is silent; another key's stay, and the token resumes nothing."""
    key_id, key = await make_key(run_keys)
    _, other = await make_key(run_keys, "--scope", "talk")
    people = [await connect(gateway, key) for gateway in gateways]
    stays = await connect(gateways[0], other)
    assert stays.ready["rights"] == ["read", "talk"]
    await people[0].talk()
    began = asyncio.get_running_loop().time()
    await asyncio.to_thread(run_keys, "revoke", key_id)
    assert [await ended(person) for person in people] == [("grant_ended", 1008)] * 2
    assert asyncio.get_running_loop().time() - began < REVOKED_S
    await stays.ping()
    answer = await refused(connect(gateways[1], key))
    assert (answer["status"], answer["code"]) == (401, "grant_refused")
    token = {"session_id": people[0].session_id, "token": people[0].token}
    assert (await knock(gateways[1], other, **token))["code"] == "grant_ended"


async def test_a_lost_message_delays_a_revocation_by_a_second_at_most(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str], redis: Redis
) -> None:
    """Pub/sub keeps nothing: the key is gone without a message here."""
    key_id, key = await make_key(run_keys)
    person = await connect(gateways[0], key)
    began = asyncio.get_running_loop().time()
    redis.delete(names.api_key(key_id))
    assert await ended(person) == ("grant_ended", 1008)
    assert asyncio.get_running_loop().time() - began < REVOKED_S


async def test_sessions_of_a_key_are_limited_over_all_gateways(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str], redis: Redis
) -> None:
    """Two of them; the third comes in when one has left."""
    key_id, key = await make_key(run_keys, "--sessions", "2")
    one, _ = [await connect(gateway, key) for gateway in gateways]
    third = await knock(gateways[1], key)
    assert (third["code"], third["fatal"]) == ("too_many_connections", True)
    await one.leave()
    await soon(lambda: redis.zcard(names.connections(f"key:{key_id}")) == 1)
    assert (await connect(gateways[1], key)).ready["type"] == "ready"


async def test_minutes_of_a_key_are_limited_for_a_day(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str]
) -> None:
    """Audio of both gateways counts; then the connections end, and none begins until the next day."""
    _, key = await make_key(run_keys, "--minutes-a-day", "1")
    people = [await connect(gateway, key) for gateway in gateways]
    for person in people:
        for _ in range(16):
            await person.talk(bytes(64_000))  # 2 s
    assert [await ended(person) for person in people] == [("minutes_used", 1013)] * 2
    late = await knock(gateways[0], key)
    assert late["code"] == "minutes_used"
    assert re.search(r"Go on in \d+ s", late["remedy"])
    assert "1.1 of 1" in await asyncio.to_thread(run_keys, "list")


async def test_a_file_is_too_fast_for_a_key_that_may_only_talk(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str]
) -> None:
    """After two minutes at once; with the scope files it goes on."""
    for scope, expected in (("talk", "too_fast"), ("files", "pong")):
        _, key = await make_key(run_keys, "--scope", scope)
        person = await connect(gateways[0], key)
        for _ in range(70):
            await person.talk(bytes(64_000))
        if expected == "pong":
            await person.ping()
        else:
            assert await ended(person) == (expected, 1013)


async def test_wrong_keys_are_slowed_and_in_no_log(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str], processes: Processes
) -> None:
    """From the fourth on; the right one passes meanwhile. No log has any of them, nor a pass-phrase or a link."""
    _, key = await make_key(run_keys)
    wrong = [f"wta_0000000{n}_{'A' * 43}" for n in range(7)]
    began = asyncio.get_running_loop().time()
    for n, guess in enumerate(wrong):
        assert (await refused(connect(gateways[n % 2], guess)))["code"] == "grant_refused"
    assert asyncio.get_running_loop().time() - began > 0.25 + 0.5 + 1 + 2
    began = asyncio.get_running_loop().time()
    guessing = [asyncio.create_task(refused(connect(gateways[0], wrong[0]))) for _ in range(30)]
    await asyncio.sleep(0.2)
    assert (await connect(gateways[0], key)).ready["type"] == "ready"
    assert asyncio.get_running_loop().time() - began < 2
    answers = [task.result() for task in guessing if task.done()]
    assert {answer["code"] for answer in answers} == {"slow_down"}
    assert len(answers) == 20
    for task in guessing:
        task.cancel()
    logs = "".join(processes.output(process) for process in processes._running)
    assert logs.count("credential refused") >= 7
    assert not [secret for secret in (key, *wrong) if secret[-43:] in logs]


async def test_the_owner_closes_a_room_removes_a_person_and_renews_its_links(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str], redis: Redis
) -> None:
    """A removed person does not come back by link, token or key; who stays is not disturbed until the room closes."""
    _, key = await make_key(run_keys)
    _, colleague = await make_key(run_keys)
    owner = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=gateways[0].http, headers=owner) as http:
        made = (await http.post("/rooms", json={"room": "kitchen"})).json()
        host = await connect(gateways[0], key, room="kitchen")
        guest = await connect(gateways[1], room="kitchen", invite=made["talk"])
        reader = await connect(gateways[1], room="kitchen", invite=made["read"])
        member = await connect(gateways[1], colleague, room="kitchen", invite=made["talk"])
        assert [person.ready["rights"] for person in (guest, reader)] == [["read", "talk"], ["read"]]
        for gone in (guest, member):
            answer = await http.delete(f"/rooms/kitchen/people/{person_id(gone.session_id, None, None)}")
            assert await ended(gone) == ("removed", 1008)
        links = answer.json()
        assert not {made["talk"], made["read"]} & set(links.values())
        back = [
            await knock(gateways[0], session_id=guest.session_id, token=guest.token),
            await knock(gateways[0], room="kitchen", invite=made["talk"]),
        ]
        await soon(lambda: redis.hget(names.room("kitchen"), f"removed:key:{colleague[4:12]}"))
        back.append(await knock(gateways[0], colleague, room="kitchen", invite=links["talk"]))
        assert [answer["code"] for answer in back] == ["removed", "grant_refused", "removed"]
        for _ in range(20):
            await reader.talk()
        assert await ended(reader) == ("too_many_errors", 1008)
        assert {message["code"] for message in reader.received if message["type"] == "error"} == {
            "not_allowed",
            "too_many_errors",
        }
        await host.ping()
        assert (await http.delete("/rooms/kitchen")).status_code == 204
        assert await ended(host) == ("room_closed", 1008)
        export = {"Authorization": f"Bearer {host.token}"}
        url = f"{gateways[1].http}/sessions/{host.session_id}/export?format=txt"
        assert (await http.get(url, headers=export)).status_code == 200
        guests = {"Authorization": f"Bearer {guest.token}"}
        url = f"{gateways[1].http}/sessions/{guest.session_id}/export?format=txt"
        assert (await http.get(url, headers=guests)).json()["code"] == "removed"


async def test_the_first_talker_of_a_room_owns_it(
    gateways: list[Gateway], connect: Callable[..., Any], run_keys: Callable[..., str]
) -> None:
    """Who comes later needs a link, with whatever key."""
    _, key = await make_key(run_keys)
    _, other = await make_key(run_keys)
    assert (await connect(gateways[0], key, room="kitchen")).ready["rights"] == ["read", "talk", "files"]
    assert (await knock(gateways[1], other, room="kitchen"))["code"] == "not_invited"
    async with httpx.AsyncClient(base_url=gateways[1].http) as http:
        links = (await http.post("/rooms/kitchen/links", headers={"Authorization": f"Bearer {key}"})).json()
        taken = await http.post("/rooms", json={"room": "kitchen"}, headers={"Authorization": f"Bearer {other}"})
    assert taken.json()["code"] == "room_taken"
    assert (await connect(gateways[1], other, room="kitchen", invite=links["read"])).ready["rights"] == ["read"]


async def test_the_first_start_prints_one_link_that_signs_in(
    gateways: list[Gateway], processes: Processes, redis: Redis, run_keys: Callable[..., str]
) -> None:
    """One of two gateways does; a browser talks with its cookie until it signs out, or the pass-phrase is replaced."""
    outputs = list(processes._running)
    (phrase,) = eventually(lambda: LINK.findall("".join(map(processes.output, outputs))), 10)
    assert phrase not in str(redis.hgetall(names.PASSPHRASE))
    cookies = []
    async with httpx.AsyncClient(base_url=gateways[1].http) as http:
        assert (await http.post("/login", json={"passphrase": "wrong"})).json()["code"] == "grant_refused"
        for _ in range(2):
            answer = await http.post("/login", json={"passphrase": phrase})
            assert answer.status_code == 204
            assert "HttpOnly" in answer.headers["set-cookie"]
            assert "SameSite=strict" in answer.headers["set-cookie"]
            cookies.append(http.cookies["wta"])
            http.cookies.clear()
        lines = [
            await websockets.connect(gateway.ws, additional_headers={"Cookie": f"wta={cookie}"}, origin=gateway.http)  # type: ignore[arg-type]
            for gateway, cookie in zip(gateways, cookies, strict=True)
        ]
        one, two = [await Person.enter(line) for line in lines]
        assert (await http.delete("/login", headers={"Cookie": f"wta={cookies[0]}"})).status_code == 204
        assert await ended(one) == ("grant_ended", 1008)
        await two.ping()
        said = await asyncio.to_thread(run_keys, "passphrase")
        assert await ended(two) == ("grant_ended", 1008)
        assert (await http.post("/login", json={"passphrase": phrase})).json()["code"] == "grant_refused"
        (new,) = LINK.findall(said)
        assert (await http.post("/login", json={"passphrase": new})).status_code == 204
        assert (await http.post("/login", json={"passphrase": "x" * 5_000})).status_code == 413


def test_the_command_lists_keys_without_their_secrets(run_keys: Callable[..., str]) -> None:
    """It takes no short pass-phrase, and names a key that it does not find."""
    key = run_keys("create", "--name", "call centre", "--scope", "talk", "--sessions", "3").strip()
    listed = run_keys("list")
    assert all(text in listed for text in (key[4:12], "call centre", "talk", "3"))
    assert key[13:] not in listed
    assert "Revoked" in run_keys("revoke", key[4:12])
    assert "There is no key" in run_keys("revoke", key[4:12], ends_with=2)
    assert key[4:12] not in run_keys("list")
    assert "at least 12" in run_keys("passphrase", "--own", input="short\nshort\n", ends_with=2)
    longest = f"{'x' * 200}\n" * 2
    assert "at most 200" in run_keys("passphrase", "--own", input=longest.replace("\n", "x\n"), ends_with=2)
    assert "Signed out: 0" in run_keys("passphrase", "--own", input=longest)
    assert "Signed out: 0" in run_keys("passphrase", "--own", input="a-long-passphrase\na-long-passphrase\n")


async def test_the_recorder_comes_in_with_a_key(gateways: list[Gateway], run_keys: Callable[..., str]) -> None:
    """The key is in the handshake; without one the gateway's reason is the error."""
    _, key = await make_key(run_keys, "--scope", "files")
    async with Client(gateways[0].ws, Start(key=key)) as client:
        await client.send(bytes(3_200))
        await client.stop()
    with pytest.raises(GatewayError) as refused_:
        await Client(gateways[0].ws, Start()).__aenter__()
    assert refused_.value.code == "no_grant"
