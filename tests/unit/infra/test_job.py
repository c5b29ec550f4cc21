"""A job that this version cannot read is one line in the log, for each task."""

from importlib import import_module
from typing import Any

import pytest
from structlog.testing import capture_logs

from infra.job import read_job
from tests.support.speakers import audio_job, text_job
from wire.messages.base import Message
from wire.messages.jobs import AnalyzeText, TranscribeAudio, TranscribePartial

SECRET = "only between the two of us"


@pytest.mark.parametrize("job", [audio_job(0), text_job(0)])
def test_a_readable_job_is_parsed(job: TranscribeAudio | AnalyzeText) -> None:
    """Fields of a newer version are ignored."""
    assert read_job(type(job), job.model_dump(mode="json") | {"from_the_future": 1}) == job


@pytest.mark.parametrize("damage", [{"task": SECRET}, {"segment": SECRET}, {"clock": None}])
def test_an_unreadable_job_is_one_line_without_its_words(damage: dict[str, Any]) -> None:
    """An unknown value of a choice is as unreadable as damage."""
    with capture_logs() as lines:
        assert read_job(TranscribeAudio, audio_job(0).model_dump(mode="json") | damage) is None
    (line,) = lines
    assert (line["event"], line["log_level"], line["kind"]) == (
        "job left to a newer worker",
        "warning",
        "TranscribeAudio",
    )
    assert "exc_info" not in line
    assert SECRET not in str(line)


@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        ("stt_worker.stt_worker", "transcribe_audio", TranscribeAudio),
        ("stt_worker.stt_worker", "transcribe_partial", TranscribePartial),
        ("analyzer_worker.analyzer_worker", "analyze_text", AnalyzeText),
    ],
)
def test_a_task_with_an_unreadable_job_ends(module: str, name: str, kind: type[Message]) -> None:
    """It touches neither the ledger nor the model, and Celery sees no failure."""
    task = getattr(import_module(module), name)
    with capture_logs() as lines:
        task.run({"from_the_future": 1})
    assert [(line["event"], line["kind"]) for line in lines] == [("job left to a newer worker", kind.__name__)]
