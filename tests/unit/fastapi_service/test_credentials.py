"""Keys, pass-phrases, cookies, and where a request has them."""

import hashlib
import random
import statistics
import time

import pytest
from starlette.requests import HTTPConnection

from fastapi_service.api.native import NativeSerializer
from fastapi_service.security import api_keys, passphrase
from fastapi_service.security.credentials import Credential, cookie_name, presented, subprotocols
from fastapi_service.security.proxies import USER
from wire.messages.client import Start

ROUNDS = 4_000
"""Comparisons of each kind."""
BOUND = 0.15
"""Share by which the medians of any two kinds may differ: a comparison takes less than a microsecond, so work that only
some kinds do, such as hashing or a return before it, shows."""


def request(scheme: str = "https", user: str | None = None, kind: str = "http", **headers: str) -> HTTPConnection:
    listed = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "scheme": scheme, "path": "/", "query_string": b"key=wta_x", "headers": listed}
    scope |= {"server": ("localhost", 443)} | ({USER: user} if user else {})
    return HTTPConnection(scope)


def test_a_key_has_an_id_and_a_secret() -> None:
    """The id is found in a key, and in nothing else."""
    key_id, key = api_keys.new_key()
    assert api_keys.id_of(key) == key_id
    assert [api_keys.id_of(text) for text in ("", "wta_", key[:-1], f"{key}x", key.upper(), f" {key}")] == [None] * 6
    assert key != api_keys.new_key().key


def test_a_key_is_valid_with_its_own_digest_only() -> None:
    """Not without one, nor with that of another."""
    key, other = api_keys.new_key().key, api_keys.new_key().key
    digest = hashlib.sha256(key.encode()).hexdigest()
    assert api_keys.is_valid(key, digest)
    assert not api_keys.is_valid(other, digest)
    assert not api_keys.is_valid(key, None)
    assert not api_keys.is_valid(digest, digest)


def test_the_time_of_a_comparison_does_not_depend_on_the_key() -> None:
    """Unknown id, wrong from the first or from the last character on, and right: the medians agree.

    All kinds in turn and in random order, so that a busy machine slows all of them alike.
    """
    key = api_keys.new_key().key
    digest = hashlib.sha256(key.encode()).hexdigest()
    last = "A" if key[-1] != "A" else "B"
    kinds: dict[str, tuple[str, str | None]] = {
        "unknown": (key, None),
        "wrong at once": (f"{key[:13]}{'A' * 43}", digest),
        "wrong at last": (key[:-1] + last, digest),
        "right": (key, digest),
    }
    took: dict[str, list[int]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind in random.sample([*kinds], len(kinds)):
            presented_key, known = kinds[kind]
            began = time.perf_counter_ns()
            api_keys.is_valid(presented_key, known)
            took[kind].append(time.perf_counter_ns() - began)
    medians = {kind: statistics.median(times) for kind, times in took.items()}
    assert max(medians.values()) <= (1 + BOUND) * min(medians.values()), medians


def test_a_passphrase_is_typed_easily_and_hashed_with_a_salt() -> None:
    """Twice the same phrase has two hashes, both of which it fits; no hash at all fits nothing."""
    phrase = passphrase.new_passphrase()
    assert [len(group) for group in phrase.split("-")] == [passphrase.GROUP] * passphrase.GROUPS
    assert set(phrase) <= {*passphrase.LETTERS, "-"}
    one, two = passphrase.hashed(phrase), passphrase.hashed(phrase)
    assert one != two
    assert one.startswith("$argon2id$")
    assert all(passphrase.is_valid(phrase, known) for known in (one, two))
    assert not passphrase.is_valid(phrase.upper(), one)
    assert not passphrase.is_valid(phrase, "no hash")


def test_a_key_is_found_in_the_header_and_among_the_subprotocols() -> None:
    """Never in the query; the header counts first, and a session's token is no key."""
    key = api_keys.new_key().key
    assert presented(request(authorization=f"bearer {key}"), takes_cookie=True) == Credential("key", key)
    offered = request(kind="websocket", sec_websocket_protocol=f"wta, wta.key.{key}")
    assert presented(offered, takes_cookie=True) == Credential("key", key)
    ticket = request(kind="websocket", sec_websocket_protocol="wta,wta.ticket.abc")
    assert presented(ticket, takes_cookie=False) == Credential("ticket", "abc")
    assert presented(request(authorization="Bearer session-token"), takes_cookie=True) is None
    assert presented(request(), takes_cookie=True) is None


def test_a_key_is_found_where_clients_of_other_services_put_it() -> None:
    """Deepgram's header and its pages' sub-protocols, and those of OpenAI's pages; only in a handshake."""
    key = api_keys.new_key().key
    assert presented(request(authorization=f"Token {key}"), takes_cookie=False) == Credential("key", key)
    for offer in (f"realtime, openai-insecure-api-key.{key}, openai-beta.realtime-v1", f"token, {key}"):
        offered = request(kind="websocket", sec_websocket_protocol=offer)
        assert presented(offered, takes_cookie=False) == Credential("key", key)
        assert presented(request(sec_websocket_protocol=offer), takes_cookie=False) is None
    assert presented(request(kind="websocket", sec_websocket_protocol=f"{key}, token"), takes_cookie=False) is None
    assert presented(request(authorization="Token sk-elsewhere"), takes_cookie=False) is None


def test_a_ticket_in_a_request_that_opens_no_websocket_is_not_taken() -> None:
    """Else it would make the next ticket, and so on, after the sign-in that it was made with."""
    assert presented(request(sec_websocket_protocol="wta, wta.ticket.abc"), takes_cookie=True) is None
    signed_in = request(sec_websocket_protocol="wta.ticket.abc", cookie="__Host-wta=t")
    assert presented(signed_in, takes_cookie=True) == Credential("cookie", "t")


def test_a_secret_among_the_subprotocols_is_not_sent_back() -> None:
    """Only our own name is accepted, and only if it is offered."""
    offered = subprotocols(request(sec_websocket_protocol="wta.key.secret, wta"))
    assert NativeSerializer(offered).subprotocol == "wta"
    assert NativeSerializer(["wta.key.secret"]).subprotocol is None


@pytest.mark.parametrize(("scheme", "name"), [("https", "__Host-wta"), ("wss", "__Host-wta"), ("http", "wta")])
def test_the_cookie_has_a_name_for_each_scheme(scheme: str, name: str) -> None:
    """Browsers take one that begins with ``__Host-`` by HTTPS only, and from this host only."""
    assert cookie_name(request(scheme)) == name
    assert presented(request(scheme, cookie=f"{name}=t"), takes_cookie=True) == Credential("cookie", "t")
    assert presented(request("https", cookie="wta=t"), takes_cookie=True) is None


def test_cookie_and_user_do_not_count_on_foreign_pages() -> None:
    """Browsers and proxies add both to what a foreign page requests."""
    assert presented(request(user="Kim", cookie="__Host-wta=t"), takes_cookie=True) == Credential("user", "Kim")
    assert presented(request(user="Kim", cookie="__Host-wta=t"), takes_cookie=False) is None


def test_secrets_are_in_no_repr() -> None:
    """Logs and tracebacks show objects so."""
    assert "secret" not in repr(Credential("key", "secret"))
    start = Start(key="secret", ticket="secret", invite="secret", room="kitchen")
    again = Start(session_id="0" * 32, token="secret", person_key="secret-of-the-browser")
    assert "secret" not in repr(again)
    assert "secret" not in repr(start)
    assert "kitchen" in repr(start)
