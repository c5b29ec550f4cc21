"""A job as its client sees it."""

import json
from dataclasses import replace

import pytest

from fastapi_service.api.openai_rest.jobs import answer_of
from fastapi_service.storage.file_jobs import FileJob

JOB = FileJob("0" * 32, "in_progress", 1_796_083_200.7, 20.0, 10.0, 62.0)


@pytest.mark.parametrize(
    ("media_type", "answer", "result"),
    [
        ("", "", None),
        ("application/json", '{"text":"안녕"}', {"text": "안녕"}),
        ("text/plain; charset=utf-8", 'He said "no".\n', 'He said "no".\n'),
    ],
)
def test_result_is_what_the_answer_would_have_been(media_type: str, answer: str, result: object) -> None:
    """None before it is there."""
    job = json.loads(bytes(answer_of(replace(JOB, media_type=media_type, answer=answer)).body))
    assert job["result"] == result
    assert job["media_type"] == (media_type or None)
    assert job["progress"] == {"decoded_s": 20.0, "transcribed_s": 10.0, "total_s": 62.0}
    assert (job["status"], job["created_at"], job["error"]) == ("in_progress", 1_796_083_200, None)


def test_result_of_json_is_passed_on_as_it_is() -> None:
    """Megabytes of it are not read and written again while everybody waits."""
    answer = '{"a":1.0, "deep":' + "[" * 100_000 + "]" * 100_000 + "}"
    body = bytes(answer_of(replace(JOB, status="completed", media_type="application/json", answer=answer)).body)
    assert answer.encode() in body


@pytest.mark.parametrize(("error", "code"), [(None, "interrupted"), ('{"code":"no_sound"}', "no_sound")])
def test_job_that_has_failed_says_why(error: str | None, code: str) -> None:
    """Also when its gateway is gone."""
    failed = replace(JOB, status="failed", error=error) if error else replace(JOB, is_lost=True)
    job = json.loads(bytes(answer_of(failed).body))
    assert (job["status"], job["result"], job["error"]["code"]) == ("failed", None, code)
