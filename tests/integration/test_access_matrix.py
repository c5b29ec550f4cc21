"""Every request by every kind of client, with closed access: the table of docs/access.md, cell by cell."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_service.api.routes import flattened
from tests.support.closed import (
    EVIL,
    PHRASE,
    Visitor,
    begin,
    closed_gateway,
    code_of,
    converse,
    make_key,
    outcome,
    revoke,
    sign_in,
    with_key,
)  # fmt: skip
from tests.support.machines import ROOT, RedisServer
from tests.support.redis import Redis, connect
from wire import names


def table() -> list[tuple[str, str, str]]:
    """Request, client and answer of each cell."""
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8").partition("## Who gets what")[2]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *body = [[cell.strip() for cell in row] for row in rows]
    return [
        (request.replace("`", ""), client, answer)
        for request, *answers in body
        for client, answer in zip(head[1:], answers, strict=True)
    ]


@dataclass
class World:
    """One gateway, one room, and a client of each kind with a session of its own."""

    client: TestClient
    room: str
    visitors: dict[str, Visitor]
    sessions: dict[str, dict[str, Any]]
    """``ready`` of each client's session; nobody's is made up."""

    def start(self, name: str, **fields: Any) -> dict[str, Any]:
        """Return a ``start`` with the link of a client, if it has one."""
        link = self.visitors[name].link
        invite = {"invite": link["invite"]} if link and "room" in fields else {}
        return {"type": "start"} | fields | invite

    def ticket(self, name: str) -> str:
        visitor = self.visitors[name]
        answer = self.client.post("/tickets", json=visitor.link, headers=visitor.headers)
        return str(answer.json().get("ticket", "none"))


@pytest.fixture(scope="module")
def world(redis_server: RedisServer) -> Iterator[World]:
    """Made once: no cell changes what another one tries."""
    with connect(redis_server.url) as redis:
        redis.flushall()
        with closed_gateway(redis_server.url) as client:
            owner = sign_in(client)
            made = client.post("/rooms", headers=owner.headers).json()
            other = client.post("/rooms", headers=owner.headers).json()
            key_id, expired = make_key(client, "admin")
            visitors = {
                "nobody": Visitor(),
                "reader": Visitor(link={"room": made["room"], "invite": made["read"]}),
                "talker": Visitor(link={"room": made["room"], "invite": made["talk"]}),
                "member": sign_in(client),
                "owner": owner,
                "admin": with_key(make_key(client, "admin")[1]),
                "expired": with_key(expired),
                "foreign room": Visitor(link={"room": other["room"], "invite": other["talk"]}),
                "foreign origin": Visitor(owner.headers | {"Origin": EVIL}),
            }
            sessions = {"nobody": {"session_id": "0" * 32, "token": "none"}}
            for name in ("reader", "talker", "foreign room"):
                sessions[name] = begin(client, visitors[name], **visitors[name].link)
            for name in ("member", "owner", "admin", "expired"):
                sessions[name] = begin(client, visitors[name])
            sessions["foreign origin"] = sessions["owner"]
            revoke(client, key_id)
            for name in ("reader", "talker", "foreign room"):  # what such a client has is its link
                visitors[name].link["room"] = made["room"]
            yield World(client, made["room"], visitors, sessions)


def _get(path: str) -> Callable[[World, str], str]:
    return lambda world, name: _plain(world.client.get(path, headers=world.visitors[name].headers))


def _plain(answer: Any) -> str:
    return "yes" if answer.is_success else code_of(answer)


def _readyz(world: World, name: str) -> str:
    answer = world.client.get("/readyz", headers=world.visitors[name].headers).json()
    return "yes" if answer["checks"] else "bare"


def _post(path: str, **body: Any) -> Callable[[World, str], str]:
    def run(world: World, name: str) -> str:
        url = path.replace("ROOM", world.room)
        answer = world.client.post(url, json=body or None, headers=world.visitors[name].headers)
        world.client.cookies.clear()
        return _plain(answer)

    return run


def _managed(method: str, path: str) -> Callable[[World, str], str]:
    """In another room of the same owner, whose links no other cell needs."""

    def run(world: World, name: str) -> str:
        made = world.client.post("/rooms", headers=world.visitors["owner"].headers).json()
        url = f"/rooms/{made['room']}{path}"
        return _plain(world.client.request(method, url, headers=world.visitors[name].headers))

    return run


def _tickets(world: World, name: str) -> str:
    visitor = world.visitors[name]
    return _plain(world.client.post("/tickets", json=visitor.link, headers=visitor.headers))


def _session(
    method: str = "GET", path: str = "", of: str | None = None, *, token: bool = False
) -> Callable[[World, str], str]:
    """A request for one's own session, or for that of another client; with the own token, or the grant alone."""

    def run(world: World, name: str) -> str:
        session = world.sessions[of or name]
        if method == "DELETE":  # one that no other cell needs
            session = begin(world.client, world.visitors[of or name])
        headers = dict(world.visitors[name].headers)
        if token:
            headers["Authorization"] = f"Bearer {world.sessions[name]['token']}"
        return _plain(world.client.request(method, f"/v1/sessions/{session['session_id']}{path}", headers=headers))

    return run


def _export(session_of: str | None, *, token: bool = True) -> Callable[[World, str], str]:
    def run(world: World, name: str) -> str:
        session = world.sessions[session_of or name]
        headers = {key: value for key, value in world.visitors[name].headers.items() if key != "Authorization"}
        if token:
            headers["Authorization"] = f"Bearer {world.sessions[name]['token']}"
        return _plain(world.client.get(f"/sessions/{session['session_id']}/export?format=txt", headers=headers))

    return run


def _export_of_the_room(world: World, name: str) -> str:
    """With the own token, the session of somebody else."""
    of = "reader" if name != "reader" else "talker"
    return _export(of)(world, name)


def _delete(world: World, name: str, door: str = "", *, token: bool = True) -> str:
    """A session in another room of the same owner, with a link into that room for those who live by links."""
    made = world.client.post("/rooms", headers=world.visitors["owner"].headers).json()
    visitor, start = world.visitors[name], {"type": "start", "room": made["room"]}
    if visitor.link:
        start["invite"] = made.get({"reader": "read", "talker": "talk"}.get(name, ""), visitor.link["invite"])
    received = converse(world.client, visitor, start)
    if received[0]["type"] != "ready":
        return outcome(received)
    headers = {key: value for key, value in visitor.headers.items() if key != "Authorization" or not token}
    if token:
        headers["Authorization"] = f"Bearer {received[0]['token']}"
    return _plain(world.client.delete(f"{door}/sessions/{received[0]['session_id']}", headers=headers))


def _file(path: str) -> Callable[[World, str], str]:
    """The file is none, which is found out by those who may send one."""

    def run(world: World, name: str) -> str:
        answer = world.client.post(path, files={"file": ("x", b"")}, headers=world.visitors[name].headers)
        return "yes" if code_of(answer) == "not_wav" else _plain(answer)

    return run


def _job(method: str) -> Callable[[World, str], str]:
    return lambda world, name: _plain(
        world.client.request(method, f"/v1/jobs/{'0' * 32}", headers=world.visitors[name].headers)
    )


def _decode(world: World, name: str) -> str:
    visitor = world.visitors[name]
    headers = visitor.headers
    if visitor.link:
        link = visitor.link if name != "foreign room" else visitor.link | {"room": world.sessions[name]["room"]}
        ticket = world.client.post("/tickets", json=link).json()["ticket"]
        headers = {"Sec-WebSocket-Protocol": f"wta, wta.ticket.{ticket}"}
    (answer,) = converse(world.client, Visitor(headers), path="/decode")
    return "yes" if answer["code"] == "bad_message" else str(answer["code"])  # the ping is no file


def _ws(*messages: dict[str, Any] | bytes, room: bool = True) -> Callable[[World, str], str]:
    def run(world: World, name: str) -> str:
        start = world.start(name, room=world.room) if room else world.start(name)
        return outcome(converse(world.client, world.visitors[name], start, *messages))

    return run


def _audio_at_once(world: World, name: str) -> str:
    return outcome(converse(world.client, world.visitors[name], bytes(3_200)))


def _with_ticket(world: World, name: str) -> str:
    """The ticket is all that the WebSocket brings. A foreign origin has the owner's."""
    ticket = world.ticket(name if name != "foreign origin" else "owner")
    room = world.room
    if name == "foreign room":
        link = world.visitors[name].link | {"room": world.sessions[name]["room"]}
        ticket = world.client.post("/tickets", json=link).json()["ticket"]
    origin = {"Origin": EVIL} if name == "foreign origin" else {}
    return outcome(converse(world.client, Visitor(origin), {"type": "start", "ticket": ticket, "room": room}))


def _listen(world: World, name: str) -> str:
    """A stream that ends at once."""
    path = "/v1/listen?encoding=linear16&sample_rate=16000"
    try:
        with world.client.websocket_connect(path, headers=_at_home(world.visitors[name])) as line:
            line.send_json({"type": "CloseStream"})
            assert line.receive_json()["type"] == "Metadata"
            return "yes"
    except WebSocketDenialResponse as denied:
        return str(denied.json()["err_code"])
    except WebSocketDisconnect:
        return "origin_refused"


def _call(world: World, name: str) -> str:
    """A call with some audio. Its close frame says what was refused."""
    visitor = world.visitors[name]
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    parameters = {"room": world.room} | visitor.link
    begin = {"callSid": "CA0", "tracks": ["inbound"], "mediaFormat": form, "customParameters": parameters}
    sound = {"track": "inbound", "timestamp": "0", "payload": "////"}
    events = [{"event": "start", "start": begin}, {"event": "media", "media": sound}, {"event": "stop"}]
    otherwise = "origin_refused"
    try:
        with world.client.websocket_connect("/twilio", headers=_at_home(visitor)) as line:
            otherwise = "yes"
            for event in events:
                line.send_json(event)
            line.receive_text()
    except WebSocketDenialResponse as denied:
        return str(denied.json()["code"])
    except WebSocketDisconnect as closed:
        return closed.reason.partition(":")[0] or otherwise
    raise AssertionError("Twilio reads nothing")


def _at_home(visitor: Visitor) -> dict[str, str]:
    return {"Host": "localhost"} | visitor.headers


def _resume(world: World, name: str) -> str:
    session = world.sessions[name]
    credentials = {"session_id": session["session_id"], "token": session["token"]}
    headers = {key: value for key, value in world.visitors[name].headers.items() if key == "Origin"}
    if name == "nobody":
        headers = world.visitors["member"].headers  # a wrong token, of a client that may come in
    return outcome(converse(world.client, Visitor(headers), {"type": "start"} | credentials))


def _realtime(world: World, name: str) -> str:
    """A page or a program of OpenAI's clients: nothing but its handshake has a grant."""
    headers = {"Host": "localhost"} | world.visitors[name].headers
    try:
        with world.client.websocket_connect("/v1/realtime", headers=headers) as line:
            first = json.loads(line.receive_text())
            return "yes" if first["type"] == "session.created" else str(first["error"]["code"])
    except WebSocketDenialResponse as denied:
        return str(denied.json()["error"]["code"])
    except WebSocketDisconnect:
        return "origin_refused"


REQUESTS: dict[str, Callable[[World, str], str]] = {
    "page": _get("/"),
    "/healthz": _get("/healthz"),
    "/readyz": _readyz,
    "/metrics": _get("/metrics"),
    "/openapi.json": _get("/openapi.json"),
    "GET /access": _get("/access"),
    "POST /login": _post("/login", passphrase=PHRASE),
    "POST /tickets": _tickets,
    "POST /rooms": _post("/rooms"),
    "POST /rooms/ROOM/links": _managed("POST", "/links"),
    "DELETE /rooms/ROOM/people/PERSON": _managed("DELETE", f"/people/{'0' * 16}"),
    "DELETE /rooms/ROOM": _managed("DELETE", ""),
    "export, without a token": _export(None, token=False),
    "export, own session": _export(None),
    "export, session of the room": _export_of_the_room,
    "DELETE /sessions/SESSION, in a room": _delete,
    "POST /v1/audio/transcriptions": _file("/v1/audio/transcriptions"),
    "POST /v1/audio/translations": _file("/v1/audio/translations"),
    "GET /v1/models": _get("/v1/models"),
    "GET /v1/models/MODEL": _get("/v1/models/whisper-1"),
    "GET /v1/jobs/JOB, of another client": _job("GET"),
    "DELETE /v1/jobs/JOB, of another client": _job("DELETE"),
    "GET /v1/sessions": _get("/v1/sessions"),
    "GET /v1/sessions/SESSION, own, with its token": _session(token=True),
    "GET /v1/sessions/SESSION, own, without it": _session(),
    "GET /v1/sessions/SESSION, the member's": _session(of="member"),
    "its transcript, with its token": _session(path="/transcript", token=True),
    "its transcript, the member's": _session(path="/transcript?format=srt", of="member"),
    "DELETE /v1/sessions/SESSION, the member's": _session("DELETE", of="member"),
    "DELETE /v1/sessions/SESSION, in a room, with its token": partial(_delete, door="/v1"),
    "DELETE /v1/sessions/SESSION, in a room, without it": partial(_delete, door="/v1", token=False),
    "/decode": _decode,
    "/ws, audio at once": _audio_at_once,
    "start, private": _ws(room=False),
    "start, into the room": _ws(),
    "start, with a ticket": _with_ticket,
    "audio in the room": _ws(bytes(3_200)),
    "gap in the room": _ws({"type": "gap", "samples": 1_600}),
    "configure in the room": _ws({"type": "configure", "prompt": "Valkey"}),
    "ping in the room": _ws({"type": "ping"}),
    "resume, own session": _resume,
    "/v1/listen": _listen,
    "/twilio, a call into the room": _call,
    "/v1/realtime": _realtime,
}


@pytest.mark.parametrize(("request_", "client", "answer"), table())
def test_each_client_gets_what_the_document_says(world: World, request_: str, client: str, answer: str) -> None:
    """One cell of the table."""
    assert REQUESTS[request_](world, client) == answer


def test_the_table_has_every_request() -> None:
    """And each once."""
    rows = [request for request, client, _ in table() if client == "nobody"]
    assert sorted(rows) == sorted(REQUESTS)


def test_every_route_asks_for_a_grant_or_is_public(world: World) -> None:
    """Of a client without a grant each route refuses all methods, also one that is added later."""
    public = {"/", "/healthz", "/readyz", "/access", "/login", "/static"}
    public |= {"/ws", "/decode", "/v1/listen", "/v1/realtime", "/twilio"}  # their handshakes are in the table
    own_token = {"/sessions/{session_id}/export", "/sessions/{session_id}"}
    tried: list[str] = []
    for route in flattened(world.client.app.routes):  # type: ignore[attr-defined]
        path = str(getattr(route, "path", ""))
        if path in public | own_token or not getattr(route, "methods", None):
            continue
        tried.append(path)
        for method in route.methods - {"HEAD"}:  # type: ignore[attr-defined]
            url = path.replace("{room}", world.room).replace("{person}", "0" * 16).replace("{session_id}", "0" * 32)
            url = url.replace("{job_id}", "0" * 32)
            answer = world.client.request(method, url)
            assert (answer.status_code, code_of(answer)) == (401, "no_grant"), f"{method} {path}"
    assert {"/metrics", "/rooms", "/v1/sessions", "/v1/sessions/{session_id}"} <= {*tried}


def test_redis_has_digests_only(world: World, redis_server: RedisServer) -> None:
    """Whoever reads Redis can sign in nowhere: neither key nor cookie, link, ticket or pass-phrase is there."""
    ticket = world.ticket("owner")
    secrets = [PHRASE, ticket]
    for visitor in world.visitors.values():
        secrets += [value.removeprefix("Bearer ").removeprefix("wta=") for value in visitor.headers.values()]
        secrets += [visitor.link["invite"]] if visitor.link else []
    with connect(redis_server.url) as redis:
        assert len(redis.keys(f"{names.SESSIONS}:*")) >= 3
        stored = [key + _content(redis, key) for key in redis.keys("*")]
        assert redis.exists(names.PASSPHRASE)
    assert len([text for text in stored if "wta:login:" in text or "wta:ticket:" in text]) >= 3
    assert not [secret for secret in secrets if secret != EVIL and any(secret in text for text in stored)]


def _content(redis: Redis, key: str) -> str:
    """Return what a key of access or of a session holds."""
    if key.startswith(("wta:login:", "wta:ticket:")):
        return str(redis.get(key))
    if key.startswith(names.SESSIONS):
        return " ".join(redis.zrange(key, 0, -1))
    return (
        json.dumps(redis.hgetall(key)) if key.startswith(("wta:key:", "wta:room:", "wta:pass", "wta:session:")) else ""
    )
