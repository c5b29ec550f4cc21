"""The log of an audience, read from its stream."""

from typing import cast

import pytest
from structlog.testing import capture_logs

from fastapi_service.delivery.result_log import ResultLog
from infra.redis_types import AsyncPipeline
from infra.results import FIELD
from tests.support.speakers import ALICE, BOB, failed, final, no_speech
from wire import names

AUDIENCE = names.audience(ALICE, None)
Entries = list[tuple[str, dict[str, str]]]


class FakeStreams:
    """One stream, and the ranges that were read of it."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.ranges: list[tuple[str, str, int]] = []

    async def xrange(self, name: str, first: str, last: str, /, *, count: int) -> Entries:
        assert name == names.log(AUDIENCE)
        self.ranges.append((first, last, count))
        return self._entries[:count]

    async def xrevrange(self, name: str, /, *, count: int) -> Entries:
        assert name == names.log(AUDIENCE)
        return self._entries[::-1][:count]

    def pipeline(self, transaction: bool) -> AsyncPipeline:
        assert not transaction
        return cast(AsyncPipeline, FakePipeline(self._entries))


class FakePipeline:
    """The end of the one stream; all others are empty."""

    def __init__(self, entries: Entries) -> None:
        self._newest = entries[-1:]
        self._answers: list[Entries] = []

    def xrevrange(self, name: str, *, count: int) -> None:
        assert count == 1
        self._answers.append(self._newest if name == names.log(AUDIENCE) else [])

    async def execute(self) -> list[Entries]:
        return self._answers


RESULTS = (final(1), no_speech(1), failed(2))


@pytest.fixture
def streams() -> FakeStreams:
    return FakeStreams(
        [(f"{seq}-0", {FIELD: result.model_dump_json(exclude={"seq"})}) for seq, result in enumerate(RESULTS, start=9)]
    )


async def test_results_have_the_seq_of_their_entry(streams: FakeStreams) -> None:
    """Of every type that ends an utterance."""
    assert await ResultLog(streams).read(AUDIENCE, 8, 10) == [*enumerate(RESULTS, start=9)]


async def test_results_after_a_seq_are_read(streams: FakeStreams) -> None:
    """As many as are wanted, and up to another one if that is given."""
    results = ResultLog(streams)
    assert [seq for seq, _ in await results.read(AUDIENCE, 8, 2)] == [9, 10]
    await results.read(AUDIENCE, 0, 100, 10)
    assert streams.ranges == [("(8-0", "+", 2), ("(0-0", "10-0", 100)]


async def test_result_of_a_newer_version_is_none() -> None:
    """It keeps its place, so that the reader goes on after it."""
    streams = FakeStreams([("1-0", {FIELD: '{"type": "from_the_future"}'})])
    assert await ResultLog(streams).read(AUDIENCE, 0, 10) == [(1, None)]


@pytest.mark.parametrize(
    "fields",
    [
        {FIELD: ""},
        {FIELD: "half of a mes"},
        {FIELD: final(1).model_dump_json().replace('"start_ms":', '"start":')},
        {FIELD: '{"type": "final", "text": "a secret"}'},
        {"other": "a secret"},
    ],
)
async def test_unreadable_result_is_none(fields: dict[str, str], streams: FakeStreams) -> None:
    """The results around it are read, whatever is wrong with it. The service's own log does not quote it."""
    damaged = FakeStreams([("8-0", fields), *await streams.xrange(names.log(AUDIENCE), "-", "+", count=9)])
    with capture_logs() as lines:
        assert await ResultLog(damaged).read(AUDIENCE, 0, 10) == [(8, None), *enumerate(RESULTS, start=9)]
    assert [(line["event"], line["entry"]) for line in lines] == [("result unreadable", "8-0")]
    assert "secret" not in str(lines)


async def test_newest_is_the_seq_of_the_last_result(streams: FakeStreams) -> None:
    """0 for an empty log."""
    assert await ResultLog(streams).newest(AUDIENCE) == 11
    assert await ResultLog(FakeStreams([])).newest(AUDIENCE) == 0


async def test_the_newest_of_several_logs_are_read_at_once(streams: FakeStreams) -> None:
    """Each by its audience, 0 for those without a log."""
    empty = names.audience(BOB, None)
    assert await ResultLog(streams).newest_of([empty, AUDIENCE]) == {empty: 0, AUDIENCE: 11}
    assert await ResultLog(streams).newest_of([]) == {}
