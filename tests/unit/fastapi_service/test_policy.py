"""The policy: which grant allows what, without Redis."""

from dataclasses import replace
from typing import Any

import pytest

from fastapi_service.access import policy
from fastapi_service.access.grant import OPEN, Grant, with_implied
from fastapi_service.access.identity import of_key
from fastapi_service.storage.keys import KeyRecord
from fastapi_service.storage.rooms import RoomRecord
from wire.errors import AccessError

OWNER = Grant(source="login", id="owner", rights=with_implied("files"))
MEMBER = Grant(source="login", id="member", rights=with_implied("files"))
GUEST = Grant(source="invitation", id="kitchen", rights=with_implied("talk"), room="kitchen", link=1)
READER = Grant(source="key", id="reader", rights=with_implied("read"))
ADMIN = Grant(source="key", id="admin", rights=with_implied("admin"))
PERSON = "0" * 16


def room(**changes: Any) -> RoomRecord:
    return replace(RoomRecord("kitchen", OWNER.subject, "", "", closed=False, removed=frozenset()), **changes)


def refusal(error: pytest.ExceptionInfo[AccessError]) -> tuple[str, int]:
    return error.value.code, error.value.status


def test_each_right_has_those_before_it() -> None:
    """And no other."""
    assert with_implied("files") == {"read", "talk", "files"}
    assert with_implied("talk") == {"read", "talk"}
    assert OPEN.listed == ("read", "talk", "files", "admin")


@pytest.mark.parametrize(("grant", "expected"), [(None, ("no_grant", 401)), (READER, ("not_allowed", 403))])
def test_require_without_the_right_refuses(grant: Grant | None, expected: tuple[str, int]) -> None:
    """Without a grant, another answer than with too small a one."""
    with pytest.raises(AccessError) as error:
        policy.require(grant, "talk")
    assert refusal(error) == expected


@pytest.mark.parametrize("grant", [OWNER, ADMIN])
def test_enter_by_owner_or_admin_keeps_their_rights(grant: Grant) -> None:
    """In that room."""
    entered = policy.enter(grant, room())
    assert (entered.rights, entered.room, entered.subject) == (grant.rights, "kitchen", grant.subject)
    assert entered.links is False


def test_enter_says_to_the_owner_only_whether_there_are_links() -> None:
    """Whoever has one of them does not own the room."""
    linked = room(talk="digest")
    assert policy.enter(OWNER, linked).links is True
    assert [policy.enter(grant, linked, "talk").links for grant in (MEMBER, None)] == [None, None]


@pytest.mark.parametrize(
    ("grant", "invited", "rights"),
    [(None, "read", "read"), (None, "talk", "talk"), (MEMBER, "read", "read"), (MEMBER, "talk", "files"),
     (READER, "talk", "talk")],
)  # fmt: skip
def test_enter_by_a_link_gives_its_right(grant: Grant | None, invited: Any, rights: Any) -> None:
    """With the right to send files if the grant has it, and never more than to read by a link to read."""
    entered = policy.enter(grant, room(), invited)
    assert (entered.rights, entered.room) == (with_implied(rights), "kitchen")
    assert entered.source == ("invitation" if grant is None else grant.source)


@pytest.mark.parametrize(
    ("grant", "changes", "code"),
    [(MEMBER, {}, "not_invited"), (None, {}, "no_grant"), (OWNER, {"closed": True}, "room_closed"),
     (MEMBER, {"removed": frozenset({MEMBER.subject})}, "removed"),
     (Grant(source="invitation", id="attic", rights=with_implied("talk"), room="attic"), {}, "not_invited")],
)  # fmt: skip
def test_enter_without_a_link_is_refused(grant: Grant | None, changes: dict[str, Any], code: str) -> None:
    """A closed room, to its owner too."""
    with pytest.raises(AccessError) as error:
        policy.enter(grant, room(**changes))
    assert error.value.code == code


def test_enter_after_a_removal_is_refused_with_a_link_too() -> None:
    """The subject is kept out, whatever link it finds."""
    with pytest.raises(AccessError) as error:
        policy.enter(MEMBER, room(removed=frozenset({MEMBER.subject})), "talk")
    assert error.value.code == "removed"


@pytest.mark.parametrize("grant", [READER, Grant(source="invitation", id="x", rights=with_implied("talk"), room="x")])
def test_make_room_takes_the_right_to_talk_without_a_room(grant: Grant) -> None:
    """Whoever has but a link owns nothing."""
    with pytest.raises(AccessError):
        policy.make_room(grant)


def test_manage_does_not_say_whether_a_room_exists() -> None:
    """The answer for a foreign room is that for none."""
    with pytest.raises(AccessError) as foreign:
        policy.manage(MEMBER, room())
    with pytest.raises(AccessError) as missing:
        policy.manage(OWNER, None)
    assert str(foreign.value) == str(missing.value)
    assert policy.manage(ADMIN, room()).name == "kitchen"


def test_stays_and_reads_back_differ_in_a_closed_room() -> None:
    """Who was there may export what was said, unless removed."""
    closed = room(closed=True)
    with pytest.raises(AccessError, match="closed"):
        policy.stays(MEMBER, closed, PERSON)
    policy.reads_back(MEMBER, closed, PERSON)
    with pytest.raises(AccessError, match="removed"):
        policy.reads_back(MEMBER, room(removed=frozenset({PERSON})), PERSON)


def test_scopes_of_a_newer_version_give_no_right() -> None:
    """An old gateway beside a new one."""
    record = KeyRecord("0a1b2c3d", "", "", ("talk", "fly"), 2, 3, 0.0)
    grant = of_key(record)
    assert (grant.rights, grant.sessions, grant.minutes_a_day) == (with_implied("talk"), 2, 3)
    assert of_key(KeyRecord("0a1b2c3d", "", "", ("fly",), 0, 0, 0.0)).rights == frozenset()


def test_stays_ends_for_all_sessions_of_a_subject_that_was_removed() -> None:
    """A second tab of the same sign-in, too."""
    policy.stays(MEMBER, room(), PERSON)
    with pytest.raises(AccessError, match="removed"):
        policy.stays(MEMBER, room(removed=frozenset({MEMBER.subject})), PERSON)


@pytest.mark.parametrize(
    ("grant", "person", "expected"),
    [
        (GUEST, PERSON, "grant_refused"),
        (GUEST.model_copy(update={"link": 0}), PERSON, "grant_refused"),  # of a gateway older than the number
        (GUEST.model_copy(update={"link": 2}), PERSON, "yes"),
        (GUEST, "1" * 16, "yes"),
        (GUEST, "2" * 16, "removed"),
        (MEMBER, PERSON, "grant_refused"),
        (OWNER, PERSON, "yes"),
        (ADMIN, PERSON, "yes"),
        (READER, PERSON, "yes"),
        (MEMBER.model_copy(update={"source": "user"}), PERSON, "yes"),
    ],
)
def test_who_comes_back_after_a_removal(grant: Grant, person: str, expected: str) -> None:
    """Those who were there, came by newer links, or are recognised."""
    after = room(valid_from=2, kept=frozenset({"1" * 16, "2" * 16}), removed=frozenset({"2" * 16}))
    for check in (policy.comes_back, policy.reads_back):
        if expected == "yes":
            check(grant, after, person)
            continue
        with pytest.raises(AccessError) as error:
            check(grant, after, person)
        assert error.value.code == expected
    policy.stays(GUEST, after, PERSON)
