"""The gateway's way back: it gets what its audiences see, and what pub/sub loses is read from the log, in order."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from fastapi_service.monitoring import metrics
from infra.results import FIELD
from tests.support.eventually import soon
from tests.support.followers import WITHIN_S, Follower, Gateway, audiences, gateway
from tests.support.machines import RedisServer
from tests.support.redis import Redis, connect
from tests.support.speakers import ALICE, BOB, final
from wire import names
from wire.messages.channels import FinalStats, ResultMessage
from wire.messages.statistics import PersonStatistics, Statistics

ROOM = "kitchen"
PERSON = "0" * 16


class Listener:
    """Writes logs and statistics and publishes, as ``release.lua`` does; each step can be left out or stop short."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def say(
        self,
        seq: int,
        session: str = ALICE,
        room: str | None = None,
        *,
        published: bool = True,
        cut_first: bool = False,
    ) -> None:
        audience, message = names.audience(session, room), final(seq, session, room=room)
        envelope = ResultMessage(audience=audience, seq=seq, message=message).model_dump_json()
        pipeline = self.redis.pipeline()
        if cut_first:  # in one transaction: no subscription in between
            pipeline.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        pipeline.xadd(names.log(audience), {FIELD: message.model_dump_json(exclude={"seq"})}, id=f"{seq}-0")
        if published:
            pipeline.publish(names.result_messages(audience), envelope)
        pipeline.execute()

    def count(self, version: int, session: str = ALICE, room: str | None = None, *, published: bool = True) -> None:
        """Count another result of a session or its room; in a room also of a person."""
        audience, person = names.audience(session, room), None
        scope = {"scope": "session", "session_id": session} if room is None else {"scope": "room", "room": room}
        figures = Statistics.model_validate(scope | {"version": version, "trend_window": 20})
        if room is not None:
            person = PersonStatistics(room=room, person=PERSON, version=version, trend_window=20)
            self.redis.hset(names.person_statistics(room), f"{PERSON}:message", person.model_dump_json())
        self.redis.hset(names.statistics(audience), "message", figures.model_dump_json())
        if published:
            envelope = FinalStats(audience=audience, message=figures, person=person)
            self.redis.publish(names.final_stats(audience), envelope.model_dump_json())

    def subscriptions(self) -> list[int]:
        """Of each connection that follows channels, how many."""
        return sorted(map(int, re.findall(r" sub=(\d+)", self._clients())))

    def connections(self) -> list[str]:
        """Ids of the connections that follow channels."""
        return re.findall(r"^id=(\d+)", self._clients(), re.MULTILINE)

    def _clients(self) -> str:
        found: str = self.redis.execute_command("CLIENT", "LIST", "TYPE", "pubsub")
        return found


@pytest.fixture
def listener(mortal_redis: RedisServer) -> Iterator[Listener]:
    with connect(mortal_redis.url) as client:
        yield Listener(client)


@pytest.fixture
async def here(mortal_redis: RedisServer) -> AsyncIterator[Gateway]:
    async with gateway(mortal_redis.url) as started:
        yield started


async def test_results_and_statistics_reach_their_client(here: Gateway, listener: Listener) -> None:
    """In order, once. The newest statistics are the last."""
    alice, _ = await here.enter(ALICE)
    for number in range(1, 6):
        listener.say(number)
        listener.count(number)
    await soon(lambda: len(alice.seqs) == 5 and alice.versions[-1:] == [5], WITHIN_S)
    assert alice.seqs == [1, 2, 3, 4, 5]
    assert alice.versions == sorted(set(alice.versions))


async def test_a_gateway_gets_nothing_of_audiences_without_clients_here(here: Gateway, listener: Listener) -> None:
    """It follows the channels of its own, and of these only as long as it has a client."""
    alice, feed = await here.enter(ALICE)
    assert listener.subscriptions() == [2]
    handled: list[str] = []
    on_message = here.subscriber._subscription._on_message

    async def note(channel: str, data: str) -> None:
        handled.append(channel)
        await on_message(channel, data)

    here.subscriber._subscription._on_message = note
    for seq in range(1, 51):
        listener.say(seq, BOB)
        listener.count(seq, BOB)
        listener.say(seq, BOB, ROOM)
    listener.say(1)
    await soon(lambda: alice.seqs == [1], WITHIN_S)
    assert handled == [names.result_messages(names.audience(ALICE, None))]
    assert listener.redis.pubsub_numsub(names.RESULT_MESSAGES, names.FINAL_STATS) == [
        (names.RESULT_MESSAGES, 0),
        (names.FINAL_STATS, 0),
    ]
    here.subscriber.leave(audiences(ALICE, None), feed)
    await soon(lambda: listener.redis.pubsub_channels() == [], WITHIN_S)
    listener.say(2)
    again, _ = await here.enter(ALICE, last_seq=1)
    await soon(lambda: again.seqs == [2], WITHIN_S)
    assert alice.seqs == [1]


async def test_lost_messages_are_read_before_the_next(here: Gateway, listener: Listener) -> None:
    """The number of the next message shows that others never came: they are read from the log."""
    alice, _ = await here.enter(ALICE)
    listener.say(1)
    await soon(lambda: alice.seqs == [1], WITHIN_S)
    listener.say(2, published=False)
    listener.say(3, published=False)
    listener.say(4)
    listener.count(1, published=False)
    listener.count(2)
    await soon(lambda: len(alice.seqs) == 4 and alice.versions == [2], WITHIN_S)
    listener.say(5)
    await soon(lambda: len(alice.seqs) == 5, WITHIN_S)
    assert alice.seqs == [1, 2, 3, 4, 5]


async def test_a_cut_subscription_misses_nothing_even_if_nothing_follows(here: Gateway, listener: Listener) -> None:
    """The line breaks and the last result of a conversation is published in the same instant: it still arrives."""
    (alice, _), (bob, _) = await here.enter(ALICE), await here.enter(BOB, ROOM)
    listener.say(1)
    await soon(lambda: alice.seqs == [1], WITHIN_S)
    for version in (1, 2):
        listener.count(version, published=False)
        listener.count(version, BOB, published=False)
        listener.count(version, BOB, ROOM, published=False)
    listener.say(2, cut_first=True)
    await soon(lambda: alice.seqs == [1, 2], WITHIN_S)
    await soon(lambda: alice.versions == [2] and len(bob.statistics) == 2 and bob.persons, WITHIN_S)
    assert bob.versions == [2, 2]
    assert [each.version for each in bob.persons] == [2]
    await soon(lambda: listener.subscriptions() == [6], WITHIN_S)
    listener.say(3)
    listener.say(1, BOB, ROOM)
    await soon(lambda: alice.seqs == [1, 2, 3] and bob.seqs == [1], WITHIN_S)


async def test_a_restart_of_redis_is_survived(here: Gateway, listener: Listener, mortal_redis: RedisServer) -> None:
    """Killed and started again: what was published during the outage is read, what follows is received."""
    alice, _ = await here.enter(ALICE)
    listener.say(1)
    await soon(lambda: alice.seqs == [1], WITHIN_S)
    mortal_redis.kill()
    entering = asyncio.create_task(here.enter(BOB))
    mortal_redis.start()
    listener.say(2)
    listener.say(1, BOB)
    await soon(lambda: alice.seqs == [1, 2], WITHIN_S)
    bob, _ = await entering
    await soon(lambda: bob.seqs == [1], WITHIN_S)
    await soon(lambda: listener.subscriptions() == [4], WITHIN_S)
    listener.say(3)
    listener.say(2, BOB)
    listener.count(1)
    await soon(lambda: alice.seqs == [1, 2, 3] and bob.seqs == [1, 2] and alice.versions == [1], WITHIN_S)


async def test_unreadable_message_is_skipped(here: Gateway, listener: Listener) -> None:
    """One without an envelope on either channel."""
    alice, _ = await here.enter(ALICE)
    audience = names.audience(ALICE, None)
    with capture_logs() as logs:
        for channel in (names.result_messages(audience), names.final_stats(audience)):
            listener.redis.publish(channel, "no json")
            listener.redis.publish(channel, "{}")
        listener.say(1)
        await soon(lambda: alice.seqs == [1], WITHIN_S)
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["message unreadable"] * 4
    listener.say(2)
    await soon(lambda: alice.seqs == [1, 2], WITHIN_S)


async def test_what_was_published_before_a_client_came_is_read_from_the_log(here: Gateway, listener: Listener) -> None:
    """After what it has seen, each once."""
    for seq in (1, 2, 3):
        listener.say(seq)
    alice, _ = await here.enter(ALICE, last_seq=1)
    listener.say(4)
    await soon(lambda: len(alice.seqs) == 3, WITHIN_S)
    assert alice.seqs == [2, 3, 4]


async def test_results_of_the_moment_in_which_a_client_comes_arrive_once(here: Gateway, listener: Listener) -> None:
    """Before, during and after its subscription, while other clients of the audience come and go: on one connection."""
    await here.enter("c" * 32)
    connections, missed = listener.connections(), metrics.MISSED.labels(names.RESULT_MESSAGES)._value.get()
    seqs = iter(range(1, 10_000))
    rng = random.Random(5)
    staying: list[tuple[int, Follower]] = []

    async def speak() -> None:
        while True:
            listener.say(next(seqs), ALICE, ROOM)
            await asyncio.sleep(rng.random() / 200)

    speaking = asyncio.create_task(speak())
    for number in range(60):
        seen = number // 2
        follower, feed = await here.enter(BOB, ROOM, last_seq=seen)
        if number % 3 == 0:
            staying.append((seen, follower))
        else:
            here.subscriber.leave(audiences(BOB, ROOM), feed)
        await asyncio.sleep(rng.random() / 100)
    speaking.cancel()
    newest = next(seqs) - 1
    await soon(lambda: all(follower.seqs[-1:] == [newest] for _, follower in staying), WITHIN_S)
    for seen, follower in staying:
        assert follower.seqs == [*range(seen + 1, newest + 1)]
    assert listener.connections() == connections
    assert metrics.MISSED.labels(names.RESULT_MESSAGES)._value.get() == missed


async def test_a_client_that_leaves_while_it_is_subscribed_leaves_nothing(here: Gateway, listener: Listener) -> None:
    """Its channels are unsubscribed once they are subscribed; who comes again gets its results."""
    for _ in range(20):
        entering = asyncio.create_task(here.enter(ALICE))
        await asyncio.sleep(0)
        entering.cancel()
        for receiver in here.hub._of(names.audience(ALICE, None)):
            here.subscriber.leave(audiences(ALICE, None), receiver)
    await soon(lambda: listener.redis.pubsub_channels() == [], WITHIN_S)
    assert not here.hub.audiences
    alice, _ = await here.enter(ALICE)
    listener.say(1)
    await soon(lambda: alice.seqs == [1], WITHIN_S)


async def test_two_gateways_have_one_room(here: Gateway, listener: Listener, mortal_redis: RedisServer) -> None:
    """Clients of both get each result once; when those of one have left, it gets no more."""
    async with gateway(mortal_redis.url) as other:
        (alice, feed), (bob, _) = await here.enter(ALICE, ROOM), await other.enter(BOB, ROOM)
        for seq, session in enumerate((ALICE, BOB) * 10, start=1):
            listener.say(seq, session, ROOM)
            listener.count(seq, session, ROOM)
        for follower in (alice, bob):
            await soon(lambda: follower.seqs == [*range(1, 21)], WITHIN_S)  # noqa: B023
            await soon(lambda: follower.versions[-1:] == [20], WITHIN_S)  # noqa: B023
            assert follower.persons[-1].version == 20
        here.subscriber.leave(audiences(ALICE, ROOM), feed)
        await soon(lambda: listener.subscriptions() == [4], WITHIN_S)
        listener.say(21, BOB, ROOM)
        await soon(lambda: bob.seqs[-1:] == [21], WITHIN_S)
        assert alice.seqs[-1:] == [20]


async def test_the_slow_poll_finds_what_was_lost_without_a_sign(mortal_redis: RedisServer, listener: Listener) -> None:
    """As from a listener older than the channels: results, and statistics of room, session and people."""
    async with gateway(mortal_redis.url, poll_s=0.2) as here:
        (alice, _), (bob, _) = await here.enter(ALICE), await here.enter(BOB, ROOM)
        await asyncio.sleep(0.5)
        assert alice.seqs == bob.seqs == []
        for seq in (1, 2):
            listener.count(seq, BOB, published=False)
            listener.count(seq, BOB, ROOM, published=False)
            listener.count(seq, published=False)
            listener.say(seq, BOB, ROOM, published=False)
            listener.say(seq, published=False)
        await soon(lambda: alice.seqs == bob.seqs == [1, 2], WITHIN_S)
        await soon(lambda: alice.versions == [2] and bob.persons and len(bob.statistics) > 1, WITHIN_S)
        assert {(each.scope, each.version) for each in bob.statistics} >= {("session", 2), ("room", 2)}
        assert bob.persons[-1].version == 2


async def test_the_slow_poll_goes_on_after_an_outage(mortal_redis: RedisServer, listener: Listener) -> None:
    """It is in the log once, and does not end the gateway."""
    async with gateway(mortal_redis.url, poll_s=0.2) as here:
        alice, _ = await here.enter(ALICE)
        mortal_redis.kill()
        here.poll.read_statistics(here.hub.audiences)
        await asyncio.sleep(1)
        mortal_redis.start()
        listener.count(1, published=False)
        listener.say(1, published=False)
        await soon(lambda: alice.seqs == [1] and alice.versions == [1], WITHIN_S)


async def test_many_audiences_are_subscribed_again_with_one_command(here: Gateway, listener: Listener) -> None:
    """And compared in parts."""
    sessions = [f"{number:032x}" for number in range(250)]
    followers = [follower for follower, _ in await asyncio.gather(*map(here.enter, sessions))]
    calls = listener.redis.info("commandstats").get("cmdstat_subscribe", {}).get("calls", 0)
    for session in sessions:
        listener.say(1, session, published=False)
    listener.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await soon(lambda: all(follower.seqs == [1] for follower in followers), WITHIN_S)
    assert listener.redis.info("commandstats")["cmdstat_subscribe"]["calls"] - calls <= 2
    newest = await here.log.newest_of([names.audience(session, None) for session in [*sessions, "f" * 32]])
    assert sorted(newest.values()) == [0, *[1] * 250]
