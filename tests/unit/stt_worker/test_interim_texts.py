"""The threads of interim texts: what they leave to others, and how they outlast an outage."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from infra.interim_requests import Turn
from infra.watchdog import Limits
from infra.worker import Worker
from stt_worker.engines.instant import InstantTranscriber
from stt_worker.scheduling.finals_first import FinalsFirst
from stt_worker.tasks import interims as module
from stt_worker.tasks.interims import InterimTexts
from tests.support.eventually import eventually
from tests.support.speakers import ALICE, BOB
from wire import names
from wire.messages.jobs import TranscribePartial

PCM = bytes(640)


def job(session_id: str) -> TranscribePartial:
    fields = {"session_id": session_id, "segment": 0, "revision": 1, "purpose": "interim", "start_ms": 0}
    return TranscribePartial.model_validate(fields | {"audio_key": "k", "reply_to": "c"})


class FakeRequests:
    """Turns in a list; the request of a turn is there unless it is withdrawn."""

    def __init__(self, *sessions: str) -> None:
        self.turns = deque(Turn(session, float(number)) for number, session in enumerate(sessions))
        self.withdrawn: set[str] = set()
        self.returned: list[Turn] = []
        self.away = False
        self.waited = threading.Event()
        self.on_wait: Callable[[], Any] = lambda: None

    def wait(self, seconds: float) -> Turn | None:
        assert seconds < 1
        self.waited.set()
        self.on_wait()
        if self.away:
            raise RedisConnectionError("refused")
        threading.Event().wait(0.005)
        return self.next()

    def next(self) -> Turn | None:
        return self.turns.popleft() if self.turns else None

    def give_back(self, turn: Turn) -> None:
        self.returned.append(turn)

    def begin(self, turn: Turn) -> tuple[TranscribePartial, bytes] | None:
        return None if turn.session_id in self.withdrawn else (job(turn.session_id), PCM)


class Setting:
    def __init__(self, requests: FakeRequests) -> None:
        worker: Any = Worker("redis://127.0.0.1:1/0", names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
        worker.model = InstantTranscriber()
        self.requests, self.finals = requests, FinalsFirst()
        self.done: list[str] = []
        self.interims = InterimTexts(worker, requests, self.finals, self._run)

    def _run(self, job: TranscribePartial, pcm: bytes) -> None:
        assert pcm == PCM
        assert not self.finals.wait_for_room(1, 0)
        self.done.append(job.session_id)
        if job.session_id == "0" * 32:
            raise ValueError("a damaged one")


def test_requests_are_served_in_turn_and_what_is_withdrawn_is_left_out() -> None:
    setting = Setting(FakeRequests(ALICE, "1" * 32, BOB))
    setting.requests.withdrawn.add("1" * 32)
    setting.interims.start()
    eventually(lambda: setting.done == [ALICE, BOB], 10)
    setting.interims.stop()
    assert setting.requests.returned == []


def test_a_failure_ends_no_thread() -> None:
    setting = Setting(FakeRequests("0" * 32, ALICE))
    setting.interims.start()
    eventually(lambda: setting.done == ["0" * 32, ALICE], 10)
    setting.interims.stop()


def test_nothing_is_taken_while_a_task_runs() -> None:
    """Another worker may be idle."""
    setting = Setting(FakeRequests(ALICE))
    with setting.finals.task():
        setting.interims.start()
        assert not setting.requests.waited.wait(0.2)
        assert setting.done == []
    eventually(lambda: setting.done == [ALICE], 10)
    setting.interims.stop()


def test_a_turn_that_comes_with_a_task_is_given_back() -> None:
    """The thread waited for it already when the task came."""
    setting = Setting(FakeRequests(ALICE))
    with ExitStack() as task:
        setting.requests.on_wait = lambda: task.enter_context(setting.finals.task())
        setting.interims.start()
        eventually(lambda: setting.requests.returned == [Turn(ALICE, 0.0)], 10)
        assert setting.done == []
        setting.interims.stop()


def test_a_task_that_waits_behind_interim_texts_lets_one_through() -> None:
    """Of all that wait the first one."""
    setting = Setting(FakeRequests(ALICE, BOB))
    with setting.finals.task():
        setting.interims.serve_one()
    assert setting.done == [ALICE]
    setting.requests.turns.clear()
    setting.interims.serve_one()
    assert setting.done == [ALICE]


def test_an_outage_is_logged_once_at_its_begin_and_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    setting = Setting(FakeRequests())
    setting.requests.away = True
    setting.interims.start()
    assert setting.requests.waited.wait(10)
    threading.Event().wait(0.1)
    setting.requests.turns.append(Turn(ALICE, 1.0))
    setting.requests.away = False
    eventually(lambda: setting.done == [ALICE], 10)
    lines: list[str] = []

    def logged(event: str) -> int:
        lines.extend(capsys.readouterr().out.splitlines())
        return sum(event in line for line in lines)

    eventually(lambda: logged("interim requests recovered") == 1, 10)
    assert logged("interim requests failed") == 1
    setting.interims.stop()
