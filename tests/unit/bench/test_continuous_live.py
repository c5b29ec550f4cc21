"""The modelled clock of ``make bench-continuous``: when texts are there, and what they cost."""

import time

import numpy as np
import pytest

from bench.continuous.live import PIECE, LiveSession
from bench.continuous.played import Played
from bench.continuous.worker import Cost, Job, ModelledWorker
from bench.session import Session, new_endpointer
from fastapi_service.settings import Settings as GatewaySettings
from stt_worker.engines.base import Hypothesis
from tests.support.scripted_engine import ScriptedEngine, taking
from tests.support.voices import tone
from wire.audio import SAMPLE_RATE, Samples

PIECE_S = PIECE / SAMPLE_RATE
SILENCE_S, PAUSE_S = 0.5, 0.2
"""Defaults of the gateway: silence that ends an utterance, and after which its text is started."""
BY_ENERGY = GatewaySettings.model_construct(voice_detection=False)
"""The voices of these tests are tones."""


def voices(*seconds: float) -> Samples:
    """Voice and silence in turn, after half a second of silence."""
    parts = [np.zeros(SAMPLE_RATE // 2, dtype=np.float32)]
    for number, each in enumerate(seconds):
        parts.append(np.zeros(round(each * SAMPLE_RATE), dtype=np.float32) if number % 2 else tone(each))
    return np.concatenate(parts)


def play(audio: Samples, wall_s: float, engine: ScriptedEngine | None = None) -> Played:
    session = Session(engine or ScriptedEngine(), "en")
    return LiveSession(session, new_endpointer(BY_ENERGY), taking(wall_s)).play(audio)


def test_a_quick_text_is_there_when_the_utterance_is_over() -> None:
    """It was started in the pause: the latency is the silence that ends the utterance, and the rest of a piece."""
    (final,) = play(voices(2.0, 1.5), 0.1).finals
    assert 2.5 + SILENCE_S <= final.finished_s <= 2.5 + SILENCE_S + PIECE_S + 0.03
    assert final.finished_s == final.decided_s
    assert (final.reason, final.is_shown) == ("silence", True)


@pytest.mark.parametrize("wall_s", [0.6, 1.0, 3.0])
def test_a_slow_text_is_there_when_the_worker_is_done(wall_s: float) -> None:
    """It began in the pause, and is not begun again."""
    played = play(voices(2.0, 1.5), wall_s)
    (final,) = played.finals
    begun = final.finished_s - wall_s
    assert 2.5 + PAUSE_S <= begun <= 2.5 + PAUSE_S + PIECE_S + 0.03
    assert final.finished_s > final.decided_s
    assert (played.cpu_s, played.discarded_cpu_s) == (2 * wall_s, 0)


def test_a_pause_in_which_speech_goes_on_costs_and_gives_no_text() -> None:
    """The text of the whole utterance comes from all of its audio."""
    engine = ScriptedEngine()
    played = play(voices(2.0, 0.35, 1.0, 1.5), 0.1, engine)
    assert len(played.finals) == 1
    assert len(engine.lengths_s) == 2
    assert engine.lengths_s[0] < 3 < engine.lengths_s[1]
    assert played.discarded_cpu_s == pytest.approx(0.2)
    assert played.cpu_s == pytest.approx(0.4)
    assert "3." in played.text


def test_a_pause_whose_text_has_not_begun_costs_nothing() -> None:
    """The worker is busy with the utterance before; that of a pause waits behind it and is withdrawn."""
    engine = ScriptedEngine()
    played = play(voices(1.0, 0.7, 1.0, 0.35, 1.0, 1.5), 4.0, engine)
    assert len(played.finals) == 2
    assert len(engine.lengths_s) == 2
    assert played.discarded_cpu_s == 0


def test_utterances_wait_for_the_worker() -> None:
    """One after the other, each as long as it takes."""
    played = play(voices(1.0, 0.7, 1.0, 0.7, 1.0, 1.0), 4.0)
    first, second, third = (final.finished_s for final in played.finals)
    assert second - first == pytest.approx(4)
    assert third - second == pytest.approx(4)


def test_a_monologue_is_cut() -> None:
    """Its part is decided when it is too long, not where it is cut."""
    played = play(voices(25.0, 1.0), 0.5)
    cut, rest = played.finals
    assert (cut.reason, rest.reason) == ("too_long", "silence")
    assert cut.end == rest.begin
    assert cut.decided_s == pytest.approx(20.2, abs=PIECE_S + 0.05)
    assert cut.finished_s == pytest.approx(cut.decided_s + 0.5)


def test_the_end_of_a_stream_ends_the_utterance() -> None:
    (final,) = play(voices(2.0), 0.3).finals
    assert final.reason == "flush"
    assert final.finished_s == pytest.approx(2.5 + 0.3)


def test_texts_that_clients_do_not_get_are_not_shown() -> None:
    """They are finals all the same: their utterances are over."""
    played = play(voices(1.0, 0.7, 1.0, 0.7, 1.0, 1.0), 0.1, ScriptedEngine(iter(["one", "", "three"])))
    assert [final.is_shown for final in played.finals] == [True, False, True]
    assert played.text == "one three"


def test_the_language_of_what_was_said_before_is_expected() -> None:
    """Of utterances that are over: that of a pause in which speech goes on decides nothing."""

    engine = ScriptedEngine(language="ko", language_probability=0.9)
    session = Session(engine)
    LiveSession(session, new_endpointer(BY_ENERGY), taking(0.1)).play(voices(1.0, 0.35, 1.0, 0.7, 1.0, 1.0))
    assert [config.expected_language for config in engine.configs] == [None, None, "ko"]


def job(arrived_s: float) -> Job:
    return Job(arrived_s, np.zeros(1, dtype=np.float32))


def worker(wall_s: float) -> ModelledWorker:
    return ModelledWorker(lambda _: Hypothesis("", "en", None, 0.0, 0.0), taking(wall_s))


def test_jobs_begin_when_they_are_there_and_the_worker_is_free() -> None:
    jobs, idle = [job(1.0), job(1.5), job(9.0)], worker(2.0)
    for each in jobs:
        idle.put(each)
    idle.run_until(100.0)
    assert [each.finished_s for each in jobs] == [3.0, 5.0, 11.0]
    assert idle.cpu_s == 12.0


def test_only_jobs_that_have_not_begun_can_be_withdrawn() -> None:
    first, second, busy = job(1.0), job(1.5), worker(2.0)
    busy.put(first)
    busy.put(second)
    busy.run_until(2.9)
    assert not busy.withdraw(first)
    assert busy.withdraw(second)
    busy.run_until(100.0)
    assert second.hypothesis is None


def test_real_work_is_measured() -> None:
    """In seconds of this process."""
    cost = Cost.of(lambda: np.sort(np.arange(300_000)[::-1]).sort())
    assert 0 < cost.wall_s < 10
    assert 0 < cost.cpu_s < 10
    by_cpu = Cost.by_cpu(lambda: time.sleep(0.2))
    assert by_cpu.wall_s == by_cpu.cpu_s < 0.15
