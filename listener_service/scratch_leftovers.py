"""Removes what is left of deleted conversations in a scratch Redis of its own."""

from redis.exceptions import RedisError

from infra.ledger.entry import OUTSTANDING_S
from infra.outage_log import OutageLog
from infra.redis_client import Redis
from wire import names


class ScratchLeftovers:
    """The sessions that are still to be removed there. An outage of that Redis delays nothing but this.

    Each session is marked there first, as in the Redis of the sessions, so that no service writes more for it.
    """

    def __init__(self, scratch: Redis) -> None:
        self._scratch = scratch
        self._due: set[str] = set()
        self._outage = OutageLog("removal from scratch")

    def add(self, sessions: set[str]) -> None:
        """Let sessions be removed by the next call of ``remove`` that reaches the server."""
        self._due |= sessions

    def remove(self) -> None:
        """Remove what is due. While the server is away nothing happens; what lies there expires within seconds."""
        if not self._due:
            return
        try:
            for session in self._due:
                self._scratch.set(names.deleted(session), "", ex=OUTSTANDING_S)
            self._scratch.zrem(names.INTERIMS, *self._due)
            found = [
                key
                for session in self._due
                for key in self._scratch.scan_iter(f"{names.PATTERN}{session}*", count=1_000)
                if key != names.deleted(session)
            ]
            if found:
                self._scratch.unlink(*found)
        except RedisError as error:
            self._outage.failed(error)
            return
        self._outage.recovered()
        self._due.clear()
