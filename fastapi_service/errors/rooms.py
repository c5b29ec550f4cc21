"""Errors of a room that a client enters or manages."""

from wire.errors import AccessError


def not_invited() -> AccessError:
    """A client enters a room that it neither owns nor has a link into."""
    return AccessError(
        "not_invited", "This room is entered by a link of its owner.", "Open that link, or make a room of your own."
    )


def not_owner() -> AccessError:
    """A client manages a room that is not its own, or deletes what was said in it."""
    return AccessError(
        "not_owner",
        "There is no such room, or it has another owner: who made it, or where access is open, its first session.",
        "Let the owner do it. What was said goes when the room has been silent for SESSION_TTL_S (an hour).",
    )


def room_closed() -> AccessError:
    """A room was closed by its owner, or has expired."""
    return AccessError("room_closed", "The room is closed.", "Make another room.")


def room_taken() -> AccessError:
    """A room with that name has an owner already."""
    return AccessError("room_taken", "There is a room with this name.", "Choose another name, or none.", status=409)


def removed() -> AccessError:
    """A client was removed from a room by its owner."""
    return AccessError("removed", "You were removed from this room.", "Ask its owner.")
