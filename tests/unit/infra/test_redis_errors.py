"""What makes a Redis unusable is named; what may pass is told apart from it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from redis import exceptions
from structlog.testing import capture_logs

from infra.redis_check import ProblemLog
from infra.redis_errors import misfit, store_error
from infra.redis_url import without_secrets
from wire.errors import StoreError, UnusableStoreError

URL = "redis://user:secret@redis:6379/5"
GOOD: dict[str, Any] = {"redis_mode": "standalone", "redis_version": "7.0.0", "role": "master", "cluster_enabled": 0}


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (exceptions.AuthenticationError("invalid username-password pair"), "redis_refused", "refused the password"),
        (exceptions.AuthenticationError("Authentication required."), "redis_refused", "needs a password"),
        (
            exceptions.AuthenticationError("HELLO must be called with the client already authenticated"),
            "redis_refused",
            "needs",
        ),
        (exceptions.ReadOnlyError("You can't write"), "redis_replica", "replica"),
        (exceptions.ClusterCrossSlotError("Keys don't hash"), "redis_cluster", "Redis Cluster, which is not supported"),
        (exceptions.MovedError("1 127.0.0.1:7000"), "redis_cluster", "Cluster"),
        (exceptions.ClusterDownError("Hash slot not served"), "redis_cluster", "Cluster"),
        (exceptions.NoPermissionError("this user has no permissions"), "redis_rights", "its user"),
        (exceptions.ResponseError("DB index is out of range"), "redis_database", "no database 5"),
        (exceptions.ResponseError("SELECT is not allowed in cluster mode"), "redis_cluster", "Cluster"),
        (exceptions.ResponseError("unknown command `HELLO`"), "redis_old", "7.0 or newer"),
    ],
)
def test_what_an_operator_must_change_is_named(error: exceptions.RedisError, code: str, says: str) -> None:
    found = store_error(error, URL)
    assert isinstance(found, UnusableStoreError)
    assert found.code == code
    assert "redis:6379/5" in found.message
    assert says in found.message
    assert found.remedy
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exceptions.ConnectionError("Error 111"), "redis_unreachable"),
        (exceptions.TimeoutError("Timeout"), "redis_unreachable"),
        (OSError("no route"), "redis_unreachable"),
        (exceptions.BusyLoadingError("Redis is loading"), "redis_loading"),
        (exceptions.OutOfMemoryError("command not allowed"), "redis_full"),
        (exceptions.ResponseError("MISCONF Errors writing to the AOF file"), "redis_disk"),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas"), "redis_replicas"),
        (exceptions.ResponseError("wrong kind of value 'what was said'"), "redis_error"),
    ],
)
def test_what_may_pass_is_not_unusable(error: exceptions.RedisError | OSError, code: str) -> None:
    """Arguments of commands are not quoted."""
    found = store_error(error, URL)
    assert type(found) is StoreError
    assert found.code == code
    assert "said" not in str(found)


@pytest.mark.parametrize(
    ("info", "code", "says"),
    [
        ({"redis_mode": "cluster"}, "redis_cluster", "not supported"),
        ({"redis_mode": None, "server_mode": "cluster"}, "redis_cluster", "not supported"),
        ({"cluster_enabled": 1}, "redis_cluster", "not supported"),
        (
            {"role": "slave", "master_host": "10.0.0.7", "master_port": 6380},
            "redis_replica",
            "its primary is 10.0.0.7:6380",
        ),
        ({"redis_version": "6.2.14"}, "redis_old", "it is Redis 6.2.14"),
        ({"redis_version": "2.8.24"}, "redis_old", "it is Redis 2.8.24"),
        ({"redis_mode": "sentinel"}, "redis_sentinel", "Sentinel"),
        ({"loading": 1}, "redis_loading", "reading"),
    ],
)
def test_a_server_says_itself_what_it_is(info: dict[str, Any], code: str, says: str) -> None:
    found = misfit(GOOD | info, URL)
    assert found is not None
    assert found.code == code
    assert says in found.message


@pytest.mark.parametrize(
    "info",
    [
        GOOD,
        GOOD | {"redis_version": "10.1"},
        GOOD | {"redis_version": "7.2.4", "valkey_version": "9.1.2"},
        GOOD | {"redis_version": "255.255.255"},
        {},
    ],
)
def test_a_server_that_fits_is_taken(info: dict[str, Any]) -> None:
    """Also one that hides what it is."""
    assert misfit(info, URL) is None


def test_a_problem_is_logged_once_until_it_changes() -> None:
    """An outage in between is logged by those whose commands fail."""
    problems = ProblemLog()
    replica, cluster = (misfit(GOOD | info, URL) for info in ({"role": "slave"}, {"cluster_enabled": 1}))
    away = store_error(exceptions.ConnectionError(), URL)
    with capture_logs() as lines:
        for problem in (None, replica, replica, away, replica, cluster, away, None, None):
            problems.note(problem)
    assert [(line["event"], line.get("code")) for line in lines] == [
        ("redis unusable", "redis_replica"),
        ("redis unusable", "redis_cluster"),
        ("redis usable", None),
    ]


ADDRESSES = ("redis:6379", "redis", "user", "secret", "10.0.0.7", "6380")
PLACES = [URL, "rediss://user:secret@redis:6379/5", "unix://user:secret@/run/redis/6380.sock?db=5"]
FAULTS = [
    *(
        pytest.param(lambda url, error=error: store_error(error, url), id=type(error).__name__)
        for error in (
            exceptions.AuthenticationError("invalid username-password pair"),
            exceptions.ReadOnlyError("You can't write"),
            exceptions.NoPermissionError("user user has no permissions"),
            exceptions.MovedError("1 10.0.0.7:6380"),
            exceptions.ConnectionError("Error 111 connecting to redis:6379"),
            exceptions.OutOfMemoryError("command not allowed"),
            exceptions.ResponseError("DB index is out of range"),
            OSError("no route to 10.0.0.7"),
        )
    ),
    *(
        pytest.param(lambda url, info=info: misfit(GOOD | info, url), id=str(info))
        for info in (
            {"role": "slave", "master_host": "10.0.0.7", "master_port": 6380},
            {"redis_mode": "cluster"},
            {"redis_version": "6.2.14"},
        )
    ),
]


@pytest.mark.parametrize("url", PLACES)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_public_reason_has_no_address(fault: Callable[[str], StoreError], url: str) -> None:
    """But the cause and the remedy: everybody may read it. The message for the log has the place."""
    found = fault(url)
    assert without_secrets(url) in found.message
    assert found.public.endswith(found.remedy)
    cause = found.public.removesuffix(found.remedy)
    assert cause.startswith("Redis ")
    assert not [word for word in ADDRESSES if re.search(rf"\b{word}\b", cause.replace("its user", ""))]


def test_an_error_without_a_place_is_public_as_it_is() -> None:
    error = StoreError("busy", "Too much waits.", "Try again.")
    assert error.public == str(error)
