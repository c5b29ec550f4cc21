"""Schemathesis reads ``/openapi.json`` and tries what it says, and what it does not say, on real gateways."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from fastapi_service.access.grant import Grant
from fastapi_service.storage.grants import SessionGrants
from fastapi_service.storage.keys import KeyStore
from fastapi_service.storage.sessions import SessionStore
from infra.heartbeat import HeartbeatWriter
from infra.ledger.admission import Admission
from infra.results import publish_result
from listener_service.consumer import Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway
from tests.support.machines import Processes
from tests.support.redis import Redis, connect_async
from tests.support.speakers import audio_job, final, sentiment
from wire import names
from wire.messages.client import Start

TTL_S = 3_600
SESSIONS = 30
LONGEST_S = 600
"""Seconds that one run may take on a busy machine; a quiet one takes a minute."""
SCHEMATHESIS = Path(sys.executable).with_name("st")
CONFIG = Path(__file__).with_name("schemathesis.toml")
UNSLOWED = """
from fastapi_service.access import throttle
throttle.FREE = 10**9
from fastapi_service import fastapi_service
fastapi_service.main()
"""
"""A gateway that answers wrong keys at once: hundreds of them come from one address."""


@pytest.fixture
def ready_services(redis_url: str) -> Iterator[None]:
    """The services behind the gateway, as far as ``/readyz`` looks at them."""
    with ExitStack() as running:
        for service in (names.STT_WORKER, names.ANALYZER_WORKER, names.LISTENER):
            beat = HeartbeatWriter.at(redis_url, service)
            beat.start()
            beat.ready("instant")
            running.callback(beat.stop)
        yield


async def _talk(redis_url: str, redis: Redis) -> str:
    """Begin sessions with an admin's key, some of them in rooms, and let something be said; returns the key."""
    aredis = connect_async(redis_url)
    record, key = await KeyStore(aredis).create("schemathesis", ["admin"])
    grant = Grant(source="key", id=record.key_id, rights=frozenset({"read", "talk", "files", "admin"}))
    store, grants, admission = SessionStore(aredis, TTL_S), SessionGrants(aredis, TTL_S), Admission(aredis)
    consumer = Consumer(redis, "test", Releaser(redis, Settings()))
    consumer.join()
    for number in range(SESSIONS):
        room = f"room-{number}" if number % 2 else None
        session, _ = await store.create(Start(room=room, name="Kim", role="agent"))
        await grants.remember(session.session_id, grant.model_dump_json(), grant.began_by)
        for segment in range(3):
            job = audio_job(segment, session.session_id, room=room).model_copy(update={"speaker": session.speaker})
            assert await admission.admit(session.owner, job, b"", 32_000 * (segment + 1), TTL_S) == "admitted"
        for segment in range(2):  # the third has no result
            said = final(segment, session.session_id, room=room, mood=sentiment())
            publish_result(redis, said.model_copy(update={"speaker": session.speaker}))
            consumer.consume()
    await aredis.aclose()
    await aredis.connection_pool.disconnect()
    return key


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S + 120)
@pytest.mark.parametrize("access", ["open", "closed"])
@pytest.mark.usefixtures("ready_services")
def test_every_answer_is_as_described(
    processes: Processes, redis_url: str, redis: Redis, tmp_path: Path, access: str
) -> None:
    """No answer is 5xx, of an undescribed status, type or shape; what is invalid is refused, what is valid is not."""
    key = asyncio.run(_talk(redis_url, redis))
    gateway = Gateway(processes, UNSLOWED, GATEWAY_ACCESS=access)
    eventually(gateway.answers, START_S)
    headers = {"Authorization": f"Bearer {key}"}
    listed = httpx.get(f"{gateway.http}/v1/sessions", headers=headers).json()["sessions"]
    assert len(listed) == SESSIONS
    assert listed[0]["pending"] == 1
    command = [str(SCHEMATHESIS), "--no-color", "--config-file", str(CONFIG), "run", f"{gateway.http}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {key}", "--mode", "all", "--seed", "1"]
    command += ["--max-examples", "15", "--no-shrink", "--continue-on-failure"]
    command += ["--exclude-tag", "files"] if access == "open" else []  # each upload takes a process, and is the same
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_S)
    print(done.stdout[-12_000:])
    assert done.returncode == 0, done.stderr
