"""The first message of a session, from what a person gave on the command line."""

from typing import Any

from pydantic import ValidationError

from wire.errors import ConfigurationError
from wire.messages.client import Start


def speakers(channels: int, names: list[str], roles: list[str]) -> dict[str, Any]:
    """Return who talks, for the first message. Two who have no name are called after their channels."""
    for option, given in (("name", names), ("role", roles)):
        if len(given) > channels:
            message = f"--{option} is given {len(given)} times, and there is one for each channel: {channels}."
            raise ConfigurationError("bad_option", message, "See --help for what it may be.")
    if channels == 1:
        return {"name": "".join(names), "role": "".join(roles)}
    names = [*names, *("left", "right")[len(names) :]]
    roles = [*roles, *("", "")[len(roles) :]]
    return {"channels": 2, "speakers": [{"name": name, "role": role} for name, role in zip(names, roles, strict=True)]}


def make_start(languages: list[str], **choices: Any) -> Start:
    """Return the first message. A single language goes into the older field, which every gateway has."""
    choices |= {"language": languages[0]} if len(languages) == 1 else {"languages": languages}
    try:
        return Start(**{name: choice for name, choice in choices.items() if choice})
    except ValidationError as refused:
        error = refused.errors(include_input=False, include_url=False)[0]
        option = next(str(place) for place in reversed(error["loc"]) if isinstance(place, str)).removesuffix("s")
        reason = error["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            "bad_option", f"--{option} is refused: {reason}.", "See --help for what it may be."
        ) from None
