"""Background tasks are kept until they are done."""

import asyncio

from structlog.testing import capture_logs

from fastapi_service.tasks import TaskSet
from tests.support.eventually import soon


async def test_wait_ends_when_all_tasks_are_done() -> None:
    """Without tasks at once."""
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    tasks = TaskSet()
    await tasks.wait(5)
    tasks.start(work(), "one")
    tasks.start(work(), "two")
    await tasks.wait(5)
    assert done == [1, 1]


async def test_cancel_ends_what_wait_has_not_seen_end() -> None:
    """The time-out of ``wait`` cancels nothing itself."""
    before = asyncio.all_tasks()
    tasks = TaskSet()
    tasks.start(asyncio.sleep(60), "sleep")
    await tasks.wait(0.01)
    assert asyncio.all_tasks() != before
    tasks.cancel()
    await soon(lambda: asyncio.all_tasks() == before)


async def test_a_failed_task_is_logged_with_its_name() -> None:
    """A task that should run for ever does not end in silence."""

    async def fail() -> None:
        raise ValueError("broken")

    tasks = TaskSet()
    with capture_logs() as lines:
        tasks.start(fail(), "owners")
        await tasks.wait(5)
        await soon(lambda: lines)
    assert [(line["event"], line["task"]) for line in lines] == [("background task failed", "owners")]


async def test_the_end_of_a_task_is_reported() -> None:
    """With an error or without one, but not if it was cancelled with the others, whatever it raises then."""
    ended: list[str] = []
    tasks = TaskSet(ended.append)

    async def run(*, fails: bool) -> None:
        if fails:
            raise ValueError("broken")

    async def run_for_ever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("broken")

    tasks.start(run(fails=True), "failing")
    tasks.start(run(fails=False), "returning")
    tasks.start(run_for_ever(), "endless")
    tasks.start(asyncio.sleep(60), "another")
    await soon(lambda: len(ended) == 2)
    tasks.cancel()
    await tasks.wait(5)
    await asyncio.sleep(0)
    assert sorted(ended) == ["failing", "returning"]
