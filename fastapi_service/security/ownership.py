"""Rights to a conversation that several people share."""


def may_delete(session_id: str, first_of_room: str | None) -> bool:
    """Return True if a session may delete the conversation of its room: it is the room's first, and so its owner.

    Args:
        session_id: whose token the caller has shown.
        first_of_room: the first session of the room; None if that is unknown.
    """
    return session_id == first_of_room
