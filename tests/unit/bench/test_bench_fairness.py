"""Figures of ``make bench-fairness``: what is missing, broken or counted twice is seen; no system runs."""

from collections.abc import Sequence

import pytest

from bench.fairness import File, Talker, figures
from recorder_service.client.errors import GatewayError, GatewayUnavailable
from tests.support.speakers import failed as segment_failed
from tests.support.speakers import final, no_speech
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Ready, SpeechEnded, Stopped

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
    assert (found.broken, found.resumes) == (broken, resumes)


@pytest.mark.parametrize(
    ("error", "broken"), [(GatewayUnavailable("a", "b", "c"), 1), (GatewayError("no_progress", "b", "c"), 0)]
)
def test_line_that_is_never_connected_again_is_broken(error: GatewayError, broken: int) -> None:
    """No resume tells of it. A file that fails is not whole, and its utterances are known."""
    found = file([READY, ended(0), ended(1)])
    found.on_failure(error)
    assert (found.broken, found.whole, found.utterances) == (broken, False, 2)


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
    found = figures(alone, beside, files, counted=6)
    assert found["talker_alone_p95_s"] == 0.2
    assert found["talker_p95_s"] == pytest.approx(0.59)
    assert (found["files_complete"], found["lines_broken"], found["resumes"], found["counted_twice"]) == (2, 1, 0, 1)
    assert figures(Talker(), beside, files, counted=4)["talker_alone_p95_s"] is None


def test_talker_of_whom_nothing_comes_is_late_by_the_whole_time() -> None:
    """Figures that are no numbers would not be JSON."""
    assert talker([]).percentiles_s() == (60.0, 60.0)
