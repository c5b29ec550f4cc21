"""The pass-phrase of a small team. People type it, so it is hashed slowly (argon2id)."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike: i, l, o, 0 and 1."""
GROUPS = 4
GROUP = 4
"""Letters of a group; four groups have 79 bits."""
SHORTEST = 12
"""Characters of a pass-phrase that an operator chooses."""
_hasher = PasswordHasher()


def new_passphrase() -> str:
    """Return a random pass-phrase that is easy to type, such as ``k7wm-q3xa-ht9p-vd2c``."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))


def hashed(passphrase: str) -> str:
    """Return the argon2id hash with its salt and parameters; takes about 50 ms and 64 MiB."""
    return _hasher.hash(passphrase)


def is_valid(passphrase: str, known_hash: str) -> bool:
    """Compare a pass-phrase with a hash; takes as long as ``hashed``."""
    try:
        return _hasher.verify(known_hash, passphrase)
    except (VerificationError, InvalidHashError):
        return False
