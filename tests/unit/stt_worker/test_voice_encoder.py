"""The voice of an utterance as a vector, and where it goes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from redis.exceptions import ConnectionError as RedisUnavailable

from infra.voiceprints import FIELD, Voiceprint
from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline, DeadlineExceeded
from stt_worker.engines.voices.campplus import EMBEDDING, CamPlusPlus
from stt_worker.engines.voices.encoder import LONGEST_S, SHORTEST_S, VoiceEncoder, VoiceNotes
from stt_worker.engines.voices.fbank import BANDS, mel_bands
from stt_worker.load import with_voices
from stt_worker.settings import Settings
from stt_worker.tasks.voice import keep_voice
from tests.support.speakers import ALICE, audio_job
from wire import names
from wire.audio import SAMPLE_RATE, Samples
from wire.errors import ModelError

TEXT = Hypothesis(" Good morning.", "en", 0.9, -0.3, 0.05)


def noise(seconds: float, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(scale=0.1, size=int(seconds * SAMPLE_RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that has learnt nothing."""
    torch.manual_seed(0)
    file: Path = tmp_path_factory.mktemp("weights") / "voices.pt"
    torch.save(CamPlusPlus().state_dict(), file)
    return file


@pytest.fixture(scope="module")
def encoder(weights: Path) -> VoiceEncoder:
    return VoiceEncoder(weights)


class Engine(BatchEngine):
    """Gives each request its outcome."""

    name, revision, max_batch_size = "base", "1", 2

    def __init__(self, *outcomes: Outcome) -> None:
        self._outcomes = outcomes

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        assert len(requests) == len(self._outcomes)
        yield from reversed([*enumerate(self._outcomes)])


def request(seconds: float = 1.5, *, allow_fallback: bool = True) -> RecognitionRequest:
    return RecognitionRequest(noise(seconds), RecognitionConfig(allow_fallback=allow_fallback), Deadline.after(60))


def test_mel_bands_of_a_tone_have_their_peak_at_its_frequency() -> None:
    """A tone of 1 kHz that begins in the middle: band 28 of 80, on the mel scale from 20 to 8,000 Hz."""
    time_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = np.where(time_s < 0.5, 0.0, 0.5 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32) + noise(1) / 1000
    bands = mel_bands(torch.from_numpy(tone.astype(np.float32)))
    assert bands.shape == (98, BANDS)
    assert (bands[60] - bands[10]).argmax() == 27
    assert bands.mean(0).abs().max() < 1e-4


def test_the_level_of_an_utterance_does_not_matter(encoder: VoiceEncoder) -> None:
    """A quiet microphone gives the same voice."""
    loud, quiet = encoder(noise(2)), encoder((noise(2) / 8).astype(np.float32))
    assert loud is not None
    assert quiet is not None
    assert loud @ quiet > 0.999


def test_a_voice_is_a_vector_of_length_one(encoder: VoiceEncoder) -> None:
    """Also of the shortest audio, and of one that is read in part; other audio has another one."""
    for seconds in (SHORTEST_S, 1.7, 2 * LONGEST_S):
        vector = encoder(noise(seconds))
        assert vector is not None
        assert vector.shape == (EMBEDDING,)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert encoder(noise(SHORTEST_S - 0.01)) is None


def test_the_middle_of_a_long_utterance_is_read(encoder: VoiceEncoder) -> None:
    """Its ends cost nothing."""
    long = noise(LONGEST_S + 2)
    middle = encoder(long[SAMPLE_RATE:-SAMPLE_RATE])
    whole = encoder(long)
    assert middle is not None
    assert whole is not None
    assert np.array_equal(whole, middle)


def test_only_final_texts_get_a_voice(encoder: VoiceEncoder) -> None:
    """Not those that are soon replaced, that are empty, or that failed; outcomes keep their order."""
    failure = DeadlineExceeded("late", "Late.", "Wait.")
    silence = Hypothesis(" ", "en", None, 0.0, 0.9)
    engine = VoiceNotes(Engine(TEXT, TEXT, silence, failure), encoder)
    outcomes = engine.transcribe_all([request(), request(allow_fallback=False), request(), request()])
    (_, failed), (_, silent), (_, interim), (first, final) = list(outcomes)
    assert (failed, silent, interim, first) == (failure, silence, TEXT, 0)
    assert isinstance(final, Hypothesis)
    assert final.voice is not None
    assert final.voice.seconds == pytest.approx(0.7)  # without what the endpointer leaves around it
    assert final.voice.model.startswith("campplus ")


def test_a_text_of_too_little_audio_has_no_voice(encoder: VoiceEncoder) -> None:
    """It is shown as without this."""
    ((_, outcome),) = VoiceNotes(Engine(TEXT), encoder).transcribe_all([request(0.2)])
    assert outcome == TEXT


def test_without_the_setting_the_engine_stays_as_it_is() -> None:
    """Off by default."""
    engine = Engine(TEXT)
    assert with_voices(engine, Settings()) is engine


def test_the_setting_takes_the_path_of_weights(weights: Path) -> None:
    """For a machine that reaches no registry."""
    engine = with_voices(Engine(TEXT), Settings(speakers=str(weights)))
    assert engine.transcribe(noise(2), RecognitionConfig(), Deadline.after(60)).voice is not None


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
def test_a_damaged_file_of_weights_is_named(tmp_path: Path, content: bytes) -> None:
    """So that a person finds it."""
    file = tmp_path / "voices.pt"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"voices\.pt cannot be used") as caught:
        VoiceEncoder(file)
    assert caught.value.code == "model_corrupt"


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """Their tensors have other names."""
    torch.save({"linear.weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="cannot be used"):
        VoiceEncoder(tmp_path / "other.pt")


class Redis:
    """Notes what is stored, or is unavailable."""

    def __init__(self, *, available: bool = True) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self._available = available

    def register_script(self, _script: str) -> "Redis":
        return self

    def __call__(self, keys: list[str], args: list[Any]) -> None:
        if not self._available:
            raise RedisUnavailable
        key, deleted = keys
        assert deleted == names.deleted(ALICE)
        seconds, field, value = args
        assert seconds == 3_600
        self.stored[key] = {field: value}


def test_the_voice_of_a_text_is_stored_for_the_listener() -> None:
    """Under its utterance."""
    redis: Any = Redis()
    voice = Voiceprint.of("campplus", 1.0, np.eye(4, dtype=np.float32)[0])
    keep_voice(redis, audio_job(3), TEXT)
    assert not redis.stored
    keep_voice(redis, audio_job(3), Hypothesis("Yes.", "en", 0.9, -0.3, 0.05, voice=voice))
    assert redis.stored == {names.voiceprint(ALICE, 3): {FIELD: voice.model_dump_json()}}


def test_a_text_is_worth_more_than_its_voice() -> None:
    """While Redis is unavailable, only the voice is lost."""
    redis: Any = Redis(available=False)
    voice = Voiceprint.of("campplus", 1.0, np.eye(4, dtype=np.float32)[0])
    keep_voice(redis, audio_job(), Hypothesis("Yes.", "en", 0.9, -0.3, 0.05, voice=voice))
