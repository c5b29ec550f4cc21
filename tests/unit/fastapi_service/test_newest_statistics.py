"""Statistics at most twice a second, the newest of each scope and person; on a clock that jumps."""

import asyncio

from fastapi_service.delivery.newest_statistics import PAUSE_S, NewestStatistics
from tests.support.fake_clock import run
from wire.messages.statistics import AnyStatistics, PersonStatistics, Statistics


class Sent:
    """Keeps times and versions of what is passed on."""

    def __init__(self) -> None:
        self.at: list[tuple[float, str, int]] = []
        self.sut = NewestStatistics(self._note)

    def _note(self, statistics: AnyStatistics) -> None:
        of = statistics.scope if isinstance(statistics, Statistics) else statistics.person[0]
        self.at.append((round(asyncio.get_running_loop().time(), 3), of, statistics.version))

    def take(self, version: int, scope: str = "session") -> None:
        self.sut.take(Statistics.model_validate({"scope": scope, "version": version, "trend_window": 20}))

    def take_of(self, person: str, version: int) -> None:
        self.sut.take(PersonStatistics(room="kitchen", person=person * 16, version=version, trend_window=20))


def test_each_scope_and_person_has_two_messages_a_second() -> None:
    """The first at once, then the newest; nothing is sent twice, and the last one always comes."""

    async def talk() -> Sent:
        sent = Sent()
        for version in range(1, 101):  # one every 20 ms, for two seconds
            sent.take(version)
            sent.take(version, "room")
            sent.take_of("a", version)
            await asyncio.sleep(0.02)
        await asyncio.sleep(2)
        return sent

    found = run(talk()).at
    for of in ("session", "room", "a"):
        times = [at for at, each, _ in found if each == of]
        versions = [version for _, each, version in found if each == of]
        assert times == [0.0, 0.5, 1.0, 1.5, 2.0]
        assert versions == sorted(set(versions))
        assert (versions[0], versions[-1]) == (1, 100)


def test_whoever_talks_now_and_then_has_all_at_once() -> None:
    """Another scope, another session or another person does not hold them up."""

    async def talk() -> Sent:
        sent = Sent()
        for number in range(4):
            sent.take(number + 1)
            sent.take_of("a", number + 1)
            await asyncio.sleep(PAUSE_S / 2)
            sent.take_of("b", number + 1)
            await asyncio.sleep(PAUSE_S / 2)
        return sent

    found = run(talk()).at
    assert found == [
        entry
        for n in range(4)
        for entry in ((n / 2, "session", n + 1), (n / 2, "a", n + 1), (n / 2 + 0.25, "b", n + 1))
    ]


def test_older_statistics_are_not_passed_on() -> None:
    """Neither at once nor later, and not in place of newer ones that wait."""

    async def talk() -> Sent:
        sent = Sent()
        for version in (1, 3, 2, 1, 3):
            sent.take(version)
        await asyncio.sleep(2)
        sent.take(3)
        return sent

    assert run(talk()).at == [(0.0, "session", 1), (0.5, "session", 3)]


def test_a_flush_passes_on_all_that_waits() -> None:
    """Once, and what comes after it waits again."""

    async def talk() -> Sent:
        sent = Sent()
        for version in (1, 2):
            sent.take(version)
            sent.take(version, "room")
        await asyncio.sleep(0.1)
        sent.sut.flush()
        sent.sut.flush()
        sent.take(3)
        await asyncio.sleep(2)
        return sent

    assert run(talk()).at == [
        (0.0, "session", 1), (0.0, "room", 1), (0.1, "session", 2), (0.1, "room", 2), (0.6, "session", 3),
    ]  # fmt: skip


def test_nothing_is_passed_on_after_the_end() -> None:
    """A timer that was set does nothing, either."""

    async def talk() -> Sent:
        sent = Sent()
        sent.take(1)
        sent.take(2)
        sent.sut.stop()
        await asyncio.sleep(2)
        return sent

    assert run(talk()).at == [(0.0, "session", 1)]
