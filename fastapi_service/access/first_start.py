"""The pass-phrase of the first start, and the link that signs in with it."""

import asyncio

import stamina
import structlog
from redis.exceptions import RedisError

from fastapi_service.security import passphrase
from fastapi_service.storage.logins import LoginStore

log = structlog.get_logger()


async def make_passphrase(logins: LoginStore, page_url: str) -> None:
    """Make a pass-phrase unless there is one, and print its link, once; waits for Redis."""
    async for attempt in stamina.retry_context(
        on=(RedisError, OSError), attempts=None, timeout=None, wait_initial=0.1, wait_max=2
    ):
        with attempt:
            if await logins.passphrase() is not None:
                return
            phrase = passphrase.new_passphrase()
            hashed = await asyncio.to_thread(passphrase.hashed, phrase)
            if await logins.first_passphrase(hashed):
                log.info("passphrase made")
                print(link(page_url, phrase), flush=True)


def link(page_url: str, phrase: str) -> str:
    """Return the lines for people; browsers send no server what stands behind ``#``."""
    return (
        f"\n  Open the page, signed in:  {page_url}/#pass={phrase}\n"
        "  It is shown once. Another one: python -m fastapi_service.keys passphrase\n"
    )
