"""The parts of access, put together."""

from dataclasses import dataclass

from fastapi_service.access.entrance import Entrance
from fastapi_service.access.grant import Grant
from fastapi_service.access.guard import Guard
from fastapi_service.access.identity import Identity
from fastapi_service.access.limits import Limits
from fastapi_service.access.throttle import Throttle
from fastapi_service.access.visit import Visit
from fastapi_service.settings import Settings
from fastapi_service.storage.grants import SessionGrants
from fastapi_service.storage.keys import KeyStore
from fastapi_service.storage.logins import LoginStore
from fastapi_service.storage.rooms import RoomStore
from infra.redis_client import AsyncRedis


@dataclass(frozen=True, slots=True)
class Access:
    """The doors of one gateway call these parts."""

    identity: Identity
    entrance: Entrance
    guard: Guard
    logins: LoginStore

    @classmethod
    def at(cls, redis: AsyncRedis, subscriptions: AsyncRedis, settings: Settings) -> "Access":
        """Build the parts on one Redis; ``subscriptions`` is for :func:`fastapi_service.pubsub.follow`."""
        throttle, logins, rooms = Throttle(redis), LoginStore(redis), RoomStore(redis, settings.session_ttl_s)
        identity = Identity(KeyStore(redis), logins, throttle, Limits(redis))
        entrance = Entrance(identity, rooms, SessionGrants(redis, settings.session_ttl_s), throttle)
        return cls(identity, entrance, Guard(redis, subscriptions, identity, rooms, settings), logins)

    def visit(self, grant: Grant | None, address: str | None) -> Visit:
        """Return the visit of one connection.

        Raises:
            AccessError: it has no grant, and too many of its network have none either.
        """
        return Visit(self.entrance, self.guard, grant, address)
