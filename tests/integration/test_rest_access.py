"""Files over HTTP where access is closed: rights, limits, and the end of a file in its middle. There are no workers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from fastapi_service.storage.file_jobs import LOST_S, FileJobs
from tests.integration.test_rest_files import SENTENCE, TRANSCRIPTIONS, wav
from tests.support.closed import closed_gateway, code_of, make_key, revoke
from tests.support.eventually import eventually
from tests.support.redis import AsyncRedis, Redis
from wire import names

FILE = wav(SENTENCE * 20)
"""100 seconds."""


@pytest.fixture
def client(redis_url: str) -> Iterator[TestClient]:
    with closed_gateway(redis_url) as client:
        yield client


def send(client: TestClient, key: str, **fields: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    return client.post(TRANSCRIPTIONS, files={"file": ("x", FILE)}, data=fields, headers=headers)


def sessions(redis: Redis) -> list[str]:
    return redis.keys("wta:session:*")


def test_key_needs_the_scope_files(client: TestClient, redis: Redis) -> None:
    """One to talk is not enough; nothing is read of the file."""
    answer = send(client, make_key(client, "talk")[1])
    assert (answer.status_code, code_of(answer)) == (403, "not_allowed")
    assert answer.json()["error"]["type"] == "permission_error"
    assert sessions(redis) == []


def test_key_that_is_revoked_ends_its_file(client: TestClient, redis: Redis) -> None:
    """Within two seconds, and nothing of it is kept."""
    key_id, key = make_key(client, "files")
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(send, client, key)
        eventually(lambda: redis.zcard(names.PENDING) > 0, 10)
        revoke(client, key_id)
        answer = sending.result(timeout=3)
    assert (answer.status_code, code_of(answer)) == (403, "grant_ended")
    eventually(lambda: sessions(redis) == [], 3)


def test_minutes_of_a_key_count_the_length_of_files(client: TestClient, redis: Redis) -> None:
    """A file that is longer than what is left ends."""
    key = make_key(client, "files", minutes_a_day=1)[1]
    answer = send(client, key)
    assert (answer.status_code, code_of(answer)) == (429, "minutes_used")
    assert int(answer.headers["retry-after"]) > 0
    eventually(lambda: sessions(redis) == [], 3)


def test_files_of_a_key_are_limited_as_its_connections(client: TestClient, redis: Redis) -> None:
    """The one that is there goes on."""
    key_id, key = make_key(client, "files", sessions=1)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(send, client, key)
        eventually(lambda: sessions(redis), 10)
        second = send(client, key)
        assert (second.status_code, code_of(second)) == (429, "too_many_connections")
        assert not first.done()
        revoke(client, key_id)
        first.result(timeout=3)


def test_job_is_its_owners_alone(client: TestClient, redis: Redis) -> None:
    """Another key sees none, and deletes none."""
    key, other = make_key(client, "files")[1], make_key(client, "admin")[1]
    begun = send(client, key, background="true").json()
    url = f"/v1/jobs/{begun['id']}"
    own, foreign = ({"Authorization": f"Bearer {each}"} for each in (key, other))
    assert client.get(url, headers=own).json()["status"] == "in_progress"
    for method in ("GET", "DELETE"):
        answer = client.request(method, url, headers=foreign)
        assert (answer.status_code, code_of(answer)) == (404, "job_not_found")
    eventually(lambda: sessions(redis), 10)
    assert client.delete(url, headers=own).json() == {"id": begun["id"], "object": "transcription.job", "deleted": True}
    eventually(lambda: sessions(redis) == [], 3)


def test_gateway_that_stops_ends_its_files(redis_url: str, redis: Redis) -> None:
    """Nothing is kept of them; their jobs count as lost after a while."""
    with closed_gateway(redis_url) as client:
        key = make_key(client, "files")[1]
        send(client, key, background="true")
        eventually(lambda: sessions(redis), 10)
    assert sessions(redis) == []


async def test_job_without_a_word_of_its_gateway_is_lost(aredis: AsyncRedis) -> None:
    """Not before that; one that was deleted is not written again."""
    jobs = FileJobs(aredis, ttl_s=60)
    job = await jobs.create("key:a")
    assert await jobs.progress(job.job_id, 20.0, 10.0)
    found = await jobs.find(job.job_id, "key:a")
    assert found is not None
    assert (found.decoded_s, found.done_s, found.is_lost) == (20.0, 10.0, False)
    assert found.total_s is None
    assert await jobs.progress(job.job_id, 20.0, 10.0, 40.0)
    found = await jobs.find(job.job_id, "key:a")
    assert found is not None
    assert found.total_s == 40.0
    assert await jobs.find(job.job_id, "key:b") is None
    seen_at = float(await aredis.hget(names.file_job(job.job_id), "seen_at") or 0)
    await aredis.hset(names.file_job(job.job_id), mapping={"seen_at": seen_at - LOST_S - 1})
    lost = await jobs.find(job.job_id, "key:a")
    assert lost is not None
    assert lost.is_lost
    assert await jobs.delete(job.job_id, "key:a")
    assert not await jobs.complete(job.job_id, "text/plain", "words")
    assert await jobs.find(job.job_id, "key:a") is None
