"""The real model in the real worker: what was said comes out, and silence stays silent."""

import re
import wave
from pathlib import Path

import jiwer
import numpy as np
import pytest
from celery import Celery

from fastapi_service.session_store import SessionStore
from stt_worker.weights import find_weights
from tests.eventually import eventually
from tests.machines import Processes
from tests.speakers import audio_job
from wire import names
from wire.audio import encode_pcm
from wire.broker import send_job
from wire.ledger import Enrolment, Ledger
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText
from wire.messages.results import NoSpeech, segment_end
from wire.results import FIELD
from wire.settings import WireSettings, load_settings
from wire.store import AsyncRedis, Redis

CLIP = Path(__file__).parents[1] / "data" / "jfk.wav"
SAID = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
LOAD_S = 120


@pytest.fixture(scope="module")
def weights() -> Path:
    """Whisper's base model, downloaded once."""
    return find_weights("base", load_settings(WireSettings).model_cache)


async def test_speech_is_heard_and_silence_is_not(
    weights: Path, redis: Redis, aredis: AsyncRedis, celery: Celery, processes: Processes
) -> None:
    """A sentence goes to the analysis with at most every fifth word wrong; digital silence and a hiss end there."""
    with wave.open(str(CLIP)) as file:
        speech = file.readframes(file.getnframes())
    hiss = np.random.default_rng(1).normal(0, 30, 32_000).astype(np.int16)
    record, _ = await SessionStore(aredis, 600).create(Start())
    enrolment = Enrolment(aredis)
    for segment, pcm in enumerate([speech, bytes(2 * 32_000), encode_pcm(hiss)]):
        job = audio_job(segment, record.session_id, ms=11_000)
        assert await enrolment.enrol(record.owner, job, pcm, segment, 600) == "enrolled"
        send_job(celery, job)
    processes.worker("stt_worker", names.STT_QUEUE, STT_MODEL=str(weights), STT_THREADS="2")

    stream = names.stream(names.RESULT_CHANNEL)
    eventually(lambda: redis.xlen(stream) == 2, LOAD_S)
    silent = [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(stream)]
    assert [(type(end), end.segment) for end in silent] == [(NoSpeech, 1), (NoSpeech, 2)]

    heard = Ledger(redis).pending(1)[0].job
    assert isinstance(heard, AnalyzeText)
    words = re.sub(r"[^\w\s]", "", heard.transcript.text.lower())
    assert jiwer.wer(SAID, words) <= 0.2
    assert heard.transcript.language == "en"
    assert redis.hget(names.session(record.session_id), "language") == "en"
    assert heard.transcript.avg_logprob > -0.6
