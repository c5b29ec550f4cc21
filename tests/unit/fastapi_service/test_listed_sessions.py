"""Sessions in lists: who may see them, under which name they are listed, and what Redis has of one."""

import pytest

from fastapi_service.access import policy
from fastapi_service.access.grant import OPEN, Grant, Source, with_implied
from fastapi_service.storage.listed_session import FIELDS, UNTOUCHED_S, listed_session
from tests.support.speakers import ALICE
from wire.errors import AccessError
from wire.messages.base import Speaker
from wire.messages.server import Right

TTL_S = 3_600
STORED = {"token": "digest", "owner": "now", "began_at": "1796083200125", "sample_rate": "16000", "samples": "40000"}


def grant(source: Source = "key", name: str = "0a1b2c3d", right: Right = "files") -> Grant:
    return Grant(source=source, id=name, rights=with_implied(right))


def test_a_session_is_listed_under_what_it_began_with() -> None:
    """A person's name is in no list; a link and open access have none."""
    assert grant().began_by == "key:0a1b2c3d"
    assert grant("login", "digest").began_by == "login:digest"
    name = grant("user", "Kim").began_by
    assert name is not None
    assert "Kim" not in name
    assert name != grant("user", "Lee").began_by
    assert grant("invitation", "kitchen").began_by is None
    assert OPEN.began_by is None


def test_a_grant_opens_its_own_sessions_and_an_admin_all() -> None:
    """Also those that began while access was open, which no other grant opens."""
    assert policy.opens(grant(), grant())
    assert not policy.opens(grant(), grant(name="ffffffff"))
    assert not policy.opens(grant(), grant("login"))
    assert not policy.opens(grant(), None)
    assert policy.opens(grant(right="admin", name="ffffffff"), grant())
    assert policy.opens(grant(right="admin"), None)


def test_a_list_needs_a_grant() -> None:
    """Access may be open: then there is none, and the answer says what to send."""
    with pytest.raises(AccessError, match="keys create --scope admin") as refused:
        policy.list_sessions(None)
    assert (refused.value.code, refused.value.status) == ("no_grant", 401)
    assert policy.list_sessions(grant(right="read")) == grant(right="read")


def answers(left_s: float = TTL_S, **fields: str) -> list[object]:
    """Answers of Redis for a session."""
    stored = STORED | fields
    return [[stored.get(name) for name in FIELDS], round(left_s * 1000), 2]


def test_a_session_is_shown_with_what_redis_has() -> None:
    """Audio in seconds, times in Unix seconds, languages as a list."""
    found = listed_session(ALICE, answers(languages="en,ko", person="0" * 16, name="Kim"), 1_796_083_300.0, TTL_S)
    assert found is not None
    assert (found.session_id, found.began_at, found.audio_s, found.pending) == (ALICE, 1_796_083_200.125, 2.5, 2)
    assert (found.expires_at, found.languages) == (1_796_086_900.0, ("en", "ko"))
    assert found.speaker == Speaker(person="0" * 16, name="Kim")
    assert (found.state, found.ended_at, found.room, found.began_by) == ("live", None, None, None)


@pytest.mark.parametrize(
    ("left_s", "ended", "state", "ended_at"),
    [
        (TTL_S, "now", "ended", 1.5),
        (TTL_S, "before", "live", None),
        (TTL_S - UNTOUCHED_S + 1, "", "live", None),
        (TTL_S - UNTOUCHED_S - 1, "", "ended", None),
    ],
)
def test_a_session_has_ended_with_its_owner_or_without_activity(
    left_s: float, ended: str, state: str, ended_at: float | None
) -> None:
    """The end of an owner before says nothing: another connection has resumed the session."""
    found = listed_session(ALICE, answers(left_s, ended=ended, ended_at="1500"), 0.0, TTL_S)
    assert found is not None
    assert (found.state, found.ended_at) == (state, ended_at)


@pytest.mark.parametrize("values", [[None] * len(FIELDS)])
def test_a_session_that_is_gone_is_none(values: list[None]) -> None:
    """Nor is a grant without a session one."""
    assert listed_session(ALICE, [values, -2, 0], 0.0, TTL_S) is None
