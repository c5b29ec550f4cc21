"""Figures of ``make bench-fairness``: what is missing, broken or counted twice is seen; no system runs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import live_speakers
from bench.clips import Clip
from bench.fairness import File, Talker, figures
from tests.support.speakers import failed as segment_failed
from tests.support.speakers import final, no_speech
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Ready, SpeechEnded, Stopped
from wta.client.errors import GatewayError, GatewayUnavailable

READY = Ready(
    session_id="a" * 32, token=None, resumed=False, samples=0, sample_rate=16_000, room=None, language=None,
    languages=(), prompt="",
)  # fmt: skip
RESUMED = READY.model_copy(update={"resumed": True})


def ended(segment: int) -> SpeechEnded:
    return SpeechEnded(segment=segment, start_ms=0, end_ms=1, reason="silence")


def stopped(segments: int, pending: int = 0) -> Stopped:
    return Stopped(segments=segments, pending=pending)


def talker(messages: Sequence[AnyServerMessage], latencies_s: Sequence[float] = (), elapsed_s: float = 60.0) -> Talker:
    found = Talker(elapsed_s=elapsed_s)
    for message in messages:
        found.on_message(message)
    if latencies_s:
        found.latencies_s = list(latencies_s)
    return found


def file(messages: Sequence[AnyServerMessage]) -> File:
    found = File()
    for message in messages:
        found.on_message(message)
    return found


@pytest.mark.parametrize(
    ("messages", "broken", "resumes"),
    [
        ([READY, ended(0), stopped(1)], 0, 0),
        ([READY, ended(0), RESUMED, stopped(1)], 1, 0),
        ([READY, ended(0), stopped(1, pending=1), RESUMED, stopped(1)], 0, 1),
        ([READY, RESUMED, RESUMED, stopped(1, pending=1), RESUMED, RESUMED, stopped(1)], 3, 1),
    ],
    ids=["whole", "broken once", "results were late", "both"],
)
def test_resume_for_late_results_is_no_broken_line(messages: list[AnyServerMessage], broken: int, resumes: int) -> None:
    """The gateway had stopped the session in order."""
    found = file(messages)
    assert (found.line.broken, found.line.resumes) == (broken, resumes)


@pytest.mark.parametrize(
    ("error", "broken"), [(GatewayUnavailable("a", "b", "c"), 1), (GatewayError("no_progress", "b", "c"), 0)]
)
def test_line_that_is_never_connected_again_is_broken(error: GatewayError, broken: int) -> None:
    """No resume tells of it. A file that fails is not whole, and its utterances are known."""
    found = file([READY, ended(0), ended(1)])
    found.line.on_failure(error)
    assert (found.line.broken, found.whole, found.utterances) == (broken, False, 2)


@pytest.mark.parametrize(
    ("results", "whole"),
    [
        ([final(0), no_speech(1)], True),
        ([final(0)], False),
        ([final(0), segment_failed(1)], False),
        ([final(1), final(0)], False),
        ([final(0), final(0)], False),
    ],
    ids=["all", "missing", "failed", "disordered", "doubled"],
)
def test_file_is_whole_with_each_result_once_in_order(
    results: list[Final | NoSpeech | SegmentFailed], whole: bool
) -> None:
    found = file([READY, ended(0), ended(1), stopped(2)])
    found.on_results(results)
    assert found.whole is whole


@pytest.mark.parametrize(
    ("messages", "missing"),
    [
        ([ended(0), final(0), ended(1), final(1)], 0),
        ([ended(0), final(0), ended(1), no_speech(1)], 0),
        ([ended(0), final(0), ended(1)], 1),
        ([ended(0), final(0), ended(1), segment_failed(1)], 1),
        ([ended(0), ended(1)], 2),
    ],
    ids=["none", "no words", "late", "failed", "all"],
)
def test_final_that_does_not_come_counts_with_the_whole_time(messages: list[AnyServerMessage], missing: int) -> None:
    """Otherwise the worst delays would be left out."""
    found = talker(messages)
    found.latencies_s = [0.2] * len(found.finals)
    assert found.missing_finals == missing
    assert (found.percentiles_s()[1] > 50) is (missing > 0)


def test_figures_have_before_and_after_and_what_was_counted_twice() -> None:
    """The gateway's metrics are of both parts of the run."""
    alone = talker([ended(0), final(0)], [0.2])
    beside = talker([ended(0), final(0), ended(1), final(1)], [0.4, 0.6])
    files = [file([READY, ended(0), stopped(1)]), file([READY, RESUMED, ended(0), stopped(1)])]
    for each in files:
        each.on_results([final(0)])
    found = figures(alone, beside, files, counted=6, written=5)
    assert found["talker_alone_p95_s"] == 0.2
    assert found["talker_p95_s"] == pytest.approx(0.59)
    assert (found["files_complete"], found["lines_broken"], found["resumes"], found["counted_twice"]) == (2, 1, 0, 1)
    assert figures(Talker(), beside, files, counted=4, written=4)["talker_alone_p95_s"] is None


def test_a_failed_file_hides_nothing_that_was_counted_twice() -> None:
    """Its client announced less than was written, and less than that was counted."""
    broken = file([READY, ended(0)])
    broken.line.on_failure(GatewayError("no_progress", "b", "c"))
    found = figures(Talker(), talker([ended(0), final(0)], [0.2]), [broken], counted=5, written=4)
    assert found["counted_twice"] == 1


def test_lines_of_the_talker_count_and_so_do_utterances_without_words() -> None:
    """The one who talks is the one whom it matters to."""
    beside = talker([READY, ended(0), RESUMED, final(0), ended(1), no_speech(1), stopped(2), RESUMED])
    beside.line.on_failure(GatewayUnavailable("a", "b", "c"))
    found = figures(Talker(), beside, [file([READY, RESUMED])], counted=2, written=2)
    assert (found["lines_broken"], found["resumes"]) == (3, 1)
    assert (found["talker_without_words"], found["talker_missing"]) == (1, 0)
    assert beside.line.session_id == READY.session_id


@pytest.mark.parametrize(
    ("end_ms", "read_late_s", "latency_s"),
    [(2_500, 0.0, 1.0), (2_500, 3.0, 1.0), (1_500, 0.0, 1.5), (2_500, -0.2, 1.0)],
)
def test_delay_is_from_the_end_of_speech_as_it_was_sent(
    monkeypatch: pytest.MonkeyPatch, end_ms: int, read_late_s: float, latency_s: float
) -> None:
    """A gateway that reads late cannot hide that: the lag is a figure of its own, and in the delay."""
    clip = Clip(Path("a.wav"), "en", "Good morning.", 2.0)
    found = Talker(clips=[(0.0, 2.0, clip), (4.0, 6.0, clip)], started_at=1_000.0)
    spoken_s = min(end_ms / 1000, 2.0)
    monkeypatch.setattr(live_speakers, "now", lambda: 1_003.0)
    message = final(0)
    clock = message.clock.model_copy(update={"speech_end": 1_000.0 + spoken_s + read_late_s})
    found.on_message(message.model_copy(update={"start_ms": 0, "end_ms": end_ms, "clock": clock}))
    assert found.latencies_s == [pytest.approx(latency_s)]
    assert found.receipt_lags_s == [pytest.approx(read_late_s)]


def test_talker_of_whom_nothing_comes_is_late_by_the_whole_time() -> None:
    """Figures that are no numbers would not be JSON."""
    assert talker([]).percentiles_s() == (60.0, 60.0)
