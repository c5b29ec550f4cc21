"""The ledger as workers use it: each step is repeated while Redis is unavailable."""

import stamina
from redis.exceptions import RedisError

from infra.ledger.ledger import Ledger

OUTAGE_S = 60.0
"""Longest outage of Redis, in seconds, that costs a worker no finished transcript."""

retry_while_unavailable = stamina.retry(on=RedisError, attempts=None, timeout=OUTAGE_S, wait_initial=0.1, wait_max=1)
"""Decorator that repeats a call while Redis is unavailable. After ``OUTAGE_S`` it raises the call's ``RedisError``."""


class ResilientLedger(Ledger):
    """A ledger whose steps for workers outlast an outage of Redis. Safe to use from any thread."""

    claim = retry_while_unavailable(Ledger.claim)
    audio = retry_while_unavailable(Ledger.audio)
    analysis = retry_while_unavailable(Ledger.analysis)
    advance = retry_while_unavailable(Ledger.advance)
    abandon = retry_while_unavailable(Ledger.abandon)
