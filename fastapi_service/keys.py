"""``python -m fastapi_service.keys``: API keys, and the pass-phrase, for operators."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastapi_service.access.first_start import link
from fastapi_service.security import passphrase
from fastapi_service.settings import Settings
from fastapi_service.storage.keys import REQUESTS_A_MINUTE, KeyStore
from fastapi_service.storage.logins import LoginStore
from infra.redis_client import AsyncRedis, connect_async
from infra.redis_errors import store_error
from infra.settings import load_settings_or_exit

T = TypeVar("T")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


class Scope(StrEnum):
    """The right of a key; each has those before it."""

    READ = "read"
    TALK = "talk"
    FILES = "files"
    ADMIN = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whose it is, or what for: shown in the list.")],
    scope: Annotated[
        Scope, typer.Option(help="read; talk: as it is spoken; files: at any speed; admin: rooms of others, metrics.")
    ] = Scope.FILES,
    sessions: Annotated[int, typer.Option(min=0, help="Most connections at once; 0: no limit.")] = 0,
    minutes_a_day: Annotated[int, typer.Option(min=0, help="Most minutes of audio on a day (UTC); 0: no limit.")] = 0,
    requests_a_minute: Annotated[
        int, typer.Option(min=0, help="Most requests and handshakes in a minute; 0: no limit.")
    ] = REQUESTS_A_MINUTE,
) -> None:
    """Make a key and print it: nothing keeps it, only its SHA-256."""
    limits = {"sessions": sessions, "minutes_a_day": minutes_a_day, "requests_a_minute": requests_a_minute}
    record, key = _run(lambda redis: KeyStore(redis).create(name, [scope], **limits))
    Console(stderr=True).print(f"Key {record.key_id} ({scope}), shown once:", highlight=False)
    print(key)


@app.command("list")
def show() -> None:
    """Show all keys, without their secrets."""

    async def read(redis: AsyncRedis) -> list[tuple[str, ...]]:
        store = KeyStore(redis)
        return [
            (
                record.key_id,
                record.name,
                ", ".join(record.scopes),
                str(record.sessions or "–"),
                str(record.requests_a_minute or "–"),
                f"{await store.seconds_today(record.key_id) / 60:.1f} of {record.minutes_a_day or '–'}",
                datetime.fromtimestamp(record.made_at, UTC).strftime("%Y-%m-%d %H:%M"),
            )
            for record in await store.all()
        ]

    table = Table("id", "name", "scope", "connections", "requests a minute", "minutes today", "made (UTC)")
    for row in _run(read):
        table.add_row(*map(Text, row))
    Console().print(table)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="Its id: eight digits of the list, or of the key.")]) -> None:
    """Revoke a key: its connections end within two seconds, on every gateway."""
    if not _run(lambda redis: KeyStore(redis).revoke(key_id)):
        _fail(f"There is no key {key_id}. `list` shows them.")
    print(f"Revoked {key_id}.")


@app.command("passphrase")
def change_passphrase(
    own: Annotated[bool, typer.Option("--own", help="Type one of your own, instead of a random one.")] = False,
) -> None:
    """Make another pass-phrase, print its link, and sign all browsers out."""
    settings = load_settings_or_exit(Settings)
    phrase = typer.prompt("Pass-phrase", hide_input=True, confirmation_prompt=True) if own else None
    if phrase is not None and not passphrase.SHORTEST <= len(phrase) <= passphrase.LONGEST:
        _fail(f"Take at least {passphrase.SHORTEST} characters, and at most {passphrase.LONGEST}.")
    made = phrase or passphrase.new_passphrase()
    count = _run(lambda redis: LoginStore(redis).replace_passphrase(passphrase.hashed(made)))
    print(
        f"Signed out: {count} browsers." if own else f"{link(settings.page_url, made)}  Signed out: {count} browsers."
    )


def _run(use: Callable[[AsyncRedis], Awaitable[T]]) -> T:
    """Return what ``use`` returns, with a connection to Redis; without Redis the command ends with one line."""
    settings = load_settings_or_exit(Settings)

    async def connected() -> T:
        redis = connect_async(settings.redis_url)
        try:
            return await use(redis)
        finally:
            await redis.aclose()

    try:
        return asyncio.run(connected())
    except (RedisError, OSError) as error:
        _fail(str(store_error(error, settings.redis_url)))
        raise


def _fail(reason: str) -> None:
    Console(stderr=True).print(Text(f"error: {reason}"))
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
