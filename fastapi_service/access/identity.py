"""From what a client presents to its grant."""

import asyncio
import contextlib
from collections.abc import Sequence

from pydantic import ValidationError

from fastapi_service import errors
from fastapi_service.access.grant import ORDER, Grant, with_implied
from fastapi_service.access.limits import Limits
from fastapi_service.access.throttle import Throttle
from fastapi_service.security import api_keys, passphrase, tokens
from fastapi_service.security.credentials import Credential
from fastapi_service.storage.keys import KeyRecord, KeyStore
from fastapi_service.storage.logins import LoginStore
from wire import names

SIGNED_IN = with_implied("files")
"""Rights of people who signed in; those of keys are chosen when they are made."""
MOST_SIGNING_IN = 20
"""Pass-phrases that wait to be hashed, over all networks: about a second. Further ones are refused at once."""
SOON_S = 2


class Identity:
    """Looks credentials up. Raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, keys: KeyStore, logins: LoginStore, throttle: Throttle, limits: Limits) -> None:
        self._limits = limits
        self._keys = keys
        self._logins = logins
        self._throttle = throttle
        self._hashing = asyncio.Semaphore(1)
        """Each takes 64 MiB."""
        self._signing_in = 0
        """Those that have it, or wait for it."""

    async def grant_of(self, credential: Credential | None, address: str | None) -> Grant | None:
        """Return the grant; None without a credential, or with a cookie that has expired.

        Raises:
            AccessError: the credential is wrong, or a key that makes too many requests.
        """
        match credential:
            case Credential("key", key):
                return await self._of_key(key, address)
            case Credential("ticket", ticket):
                grant = parsed(await self._logins.take_ticket(ticket))
                if grant is None or not all(await self.stand([grant])):
                    raise await self._throttle.wrong(address, "ticket")
                return grant
            case Credential("cookie", token):
                return parsed(await self._logins.login(token))
            case Credential("user", name):
                return Grant(source="user", id=name, rights=SIGNED_IN)
        return None

    async def sign_in(self, phrase: str, address: str | None) -> str:
        """Sign a browser in with the pass-phrase; returns the value of its cookie.

        Raises:
            AccessError: it is the wrong one, or too many were tried.
        """
        async with self._throttle.one_at_a_time(address):
            known = await self._logins.passphrase()
            if known is None or not await self._is_right(phrase, known):
                raise await self._throttle.wrong(address, "passphrase")
        token = tokens.new_token()
        grant = Grant(source="login", id=tokens.digest(token), rights=SIGNED_IN)
        await self._logins.sign_in(grant.model_dump_json(), token)
        if await self._logins.passphrase() != known:  # it was replaced meanwhile, which signs everyone out
            await self._logins.sign_out(token)
            raise errors.grant_refused()
        return token

    async def sign_out(self, token: str) -> None:
        """End a browser's sign-in, and its connections."""
        await self._logins.sign_out(token)

    async def make_ticket(self, grant: Grant) -> str:
        """Return a ticket for one connection with the same grant."""
        ticket = tokens.new_token()
        await self._logins.add_ticket(grant.model_dump_json(), ticket)
        return ticket

    async def stand(self, grants: Sequence[Grant]) -> list[bool]:
        """Return for each grant whether what it comes from still is: not revoked, not signed out."""
        return await self._logins.exist([_origin(grant) for grant in grants])

    async def _of_key(self, key: str, address: str | None) -> Grant:
        key_id = api_keys.id_of(key)
        record = await self._keys.find(key_id) if key_id else None
        if not api_keys.is_valid(key, record.digest if record else None) or record is None:
            raise await self._throttle.wrong(address, "key", key_id)
        await self._limits.request(record.key_id, record.requests_a_minute)
        return of_key(record)

    async def _is_right(self, phrase: str, known: str) -> bool:
        if self._signing_in > MOST_SIGNING_IN:
            raise errors.slow_down(SOON_S)
        self._signing_in += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(passphrase.is_valid, phrase, known)
        finally:
            self._signing_in -= 1


def of_key(record: KeyRecord) -> Grant:
    """Return the grant of a key; scopes of a newer version give no right."""
    return Grant(
        source="key",
        id=record.key_id,
        rights=with_implied(*(right for right in ORDER if right in record.scopes)),
        sessions=record.sessions,
        minutes_a_day=record.minutes_a_day,
    )


def _origin(grant: Grant) -> str | None:
    """Return the key in Redis that a grant ends with; None if it has none."""
    match grant.source:
        case "key":
            return names.api_key(grant.id)
        case "login":
            return names.login(grant.id)
    return None


def parsed(stored: str | None) -> Grant | None:
    """Return a grant as Redis keeps it; None without one, or if it cannot be read."""
    with contextlib.suppress(ValidationError):
        return None if stored is None else Grant.model_validate_json(stored)
    return None
