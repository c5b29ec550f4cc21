"""Results reach the receivers of their audience, and no others."""

from fastapi_service.delivery.hub import Hub
from tests.support.speakers import ALICE, BOB, final
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import People
from wire.messages.statistics import AnyStatistics, Statistics


class Listener:
    """A receiver that remembers what it got."""

    def __init__(self) -> None:
        self.results: list[int] = []
        self.statistics: list[AnyStatistics] = []
        self.people: list[People] = []
        self.missed = 0

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:  # noqa: ARG002
        self.results.append(seq)

    def on_statistics(self, statistics: AnyStatistics) -> None:
        self.statistics.append(statistics)

    def on_people(self, people: People) -> None:
        self.people.append(people)

    def on_missed(self) -> None:
        self.missed += 1

    def on_newest(self, seq: int) -> bool:
        return seq > len(self.results)


FIGURES = Statistics(scope="session", trend_window=20)


def test_private_results_reach_their_session_only() -> None:
    """Two people talk at the same time; neither sees the other's text or figures."""
    hub, alice, bob = Hub(), Listener(), Listener()
    hub.join(names.audience(ALICE, None), alice)
    hub.join(names.audience(BOB, None), bob)
    hub.result(names.audience(ALICE, None), 1, final())
    hub.statistics(names.audience(ALICE, None), FIGURES)
    assert (alice.results, alice.statistics) == ([1], [FIGURES])
    assert (bob.results, bob.statistics) == ([], [])


def test_results_of_a_room_reach_its_receivers_only() -> None:
    """Both receivers of a room get its results; one in another room of a similar name does not."""
    hub, alice, bob, eve = Hub(), Listener(), Listener(), Listener()
    for receiver, room in ((alice, "kitchen"), (bob, "kitchen"), (eve, "kitchen2")):
        hub.join(names.audience(ALICE, room), receiver)
    hub.result(names.audience(BOB, "kitchen"), 7, final(room="kitchen"))
    assert (alice.results, bob.results, eve.results) == ([7], [7], [])


def test_occupancy_reaches_its_room_only() -> None:
    """Not next door, and not to a private session."""
    hub, alice, bob, eve = Hub(), Listener(), Listener(), Listener()
    hub.join(names.audience(ALICE, "kitchen"), alice)
    hub.join(names.audience(BOB, None), bob)
    hub.join(names.audience(ALICE, "kitchen2"), eve)
    hub.people(told := People(room="kitchen", people=1, talking=0))
    assert (alice.people, bob.people, eve.people) == ([told], [], [])


def test_room_named_like_a_session_gets_none_of_its_results() -> None:
    """A room named after another person's session id is another audience."""
    hub, eve = Hub(), Listener()
    for room in (ALICE, f"session:{ALICE}", "global"):
        hub.join(names.audience(BOB, room), eve)
    hub.result(names.audience(ALICE, None), 1, final())
    hub.statistics(names.GLOBAL_AUDIENCE, FIGURES)
    assert (eve.results, eve.statistics) == ([], [])


def test_receiver_that_left_gets_nothing() -> None:
    """The others still get results; leaving twice does no harm."""
    hub, alice, bob = Hub(), Listener(), Listener()
    room = names.audience(ALICE, "kitchen")
    hub.join(room, alice)
    hub.join(room, bob)
    hub.leave(room, alice)
    hub.leave(room, alice)
    hub.result(room, 1, final())
    assert (alice.results, bob.results) == ([], [1])


def test_result_without_receivers_is_dropped() -> None:
    """Results for sessions of other gateways change nothing in this hub."""
    hub = Hub()
    hub.result(names.audience(ALICE, None), 1, final())
    assert not hub._receivers


def test_missed_is_passed_once_to_each_receiver() -> None:
    """Also to a receiver in two audiences."""
    hub, alice, bob = Hub(), Listener(), Listener()
    hub.join(names.audience(ALICE, None), alice)
    hub.join(names.audience(ALICE, "kitchen"), alice)
    hub.join(names.audience(BOB, None), bob)
    hub.missed()
    assert (alice.missed, bob.missed) == (1, 1)


def test_what_a_receiver_lacks_concerns_all_its_audiences() -> None:
    """Alice lacks a result of her room: the statistics of her session may be missing, too. Bob and Eve lack nothing."""
    hub, alice, bob, eve = Hub(), Listener(), Listener(), Listener()
    private, kitchen, cellar = (
        names.audience(ALICE, None),
        names.room_audience("kitchen"),
        names.room_audience("cellar"),
    )
    for audience, receiver in ((private, alice), (kitchen, alice), (kitchen, bob), (cellar, eve)):
        hub.join(audience, receiver)
    bob.results.append(1)
    assert hub.newest({private: 0, kitchen: 1, cellar: 0}) == {private, kitchen}
    assert hub.newest({private: 0, kitchen: 0, "room:unknown": 9}) == set()


def test_an_audience_is_held_from_its_first_receiver_to_its_last() -> None:
    """Whoever asks for it in between leaves it as it is."""
    hub, alice, bob = Hub(), Listener(), Listener()
    room = names.room_audience("kitchen")
    held = [hub.holds(room)]
    for act, receiver in ((hub.join, alice), (hub.join, bob), (hub.leave, alice), (hub.leave, bob)):
        act(room, receiver)
        held.append(hub.holds(room))
        assert hub.audiences == ({room} if held[-1] else set())
    assert held == [False, True, True, True, False]


def test_receiver_may_leave_during_delivery() -> None:
    """A receiver that leaves because of a result does not disturb the others."""
    hub, bob = Hub(), Listener()
    room = names.audience(ALICE, "kitchen")

    class Leaver(Listener):
        def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
            super().on_result(seq, message)
            hub.leave(room, self)

    leavers = [Leaver(), Leaver()]
    for receiver in (*leavers, bob):
        hub.join(room, receiver)
    hub.result(room, 1, final())
    hub.result(room, 2, final(1))
    assert [leaver.results for leaver in leavers] == [[1], [1]]
    assert bob.results == [1, 2]
