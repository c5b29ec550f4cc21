"""A real gateway and Redis: the languages that a client chooses reach the jobs, and outlive its connection."""

import pytest
import websockets

from infra.ledger.ledger import Ledger
from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import Redis
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE
from wire.messages.jobs import TranscribeAudio


@pytest.fixture
def gateway(processes: Processes) -> Gateway:
    started = Gateway(processes)
    eventually(started.answers, START_S)
    return started


async def test_languages_of_jobs_are_those_that_were_chosen_before_the_utterance_ended(
    gateway: Gateway, redis: Redis
) -> None:
    """At the start, during the session, and after a broken connection without saying it again."""
    sentence = speech(SAMPLE_RATE) + quiet(SAMPLE_RATE)
    async with websockets.connect(gateway.ws) as line:
        first = await Person.enter(line, languages=["ko", "en"])
        assert (first.ready["language"], first.ready["languages"]) == (None, ["ko", "en"])
        await first.talk(sentence)
        await first.until("speech_ended", segment=0)
        await line.send('{"type":"configure","language":"de","prompt":"Valkey"}')
        assert (await first.until("configured"))["languages"] == ["de"]
        await first.talk(sentence)
        await first.until("ack", samples=4 * SAMPLE_RATE - SAMPLE_RATE // 2 + 160)
        first.break_line()
    async with websockets.connect(gateway.ws) as line:
        second = await Person.enter(line, session_id=first.session_id, token=first.token)
        ready = second.ready
        assert (ready["language"], ready["languages"], ready["prompt"]) == ("de", ["de"], "Valkey")
        await second.talk(sentence)
        await soon(lambda: len(Ledger(redis).pending(10)) == 3)
    jobs = [entry.job for entry in Ledger(redis).pending(10)]
    languages = [(job.language, job.languages) for job in jobs if isinstance(job, TranscribeAudio)]
    assert languages == [(None, ("ko", "en")), ("de", ("de",)), ("de", ("de",))]
