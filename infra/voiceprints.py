"""The voice of an utterance in Redis: written by the STT worker, read by the listener when the result is released.

It is biometric data, so it is in no message, job, stream or log: only here, until the release, and in the voices that
the listener keeps for the time of the session. Best effort: a text without it is released all the same.
Redis does not write it into its append-only file.
"""

import base64
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ValidationError

from infra.redis_client import Redis
from infra.scratch import ThreadScratch
from wire import names
from wire.messages.base import STORED

EXPIRES_S = 3600
"""As long as the audio of an utterance: about the longest time that its result takes."""
FIELD = "data"
"""Field of the hash."""
FULL_SCALE = 127
"""Greatest stored number. The cosine of two vectors of 192 numbers changes by less than 0.01."""

Vector = NDArray[np.float32]
"""Shape (numbers,), length 1."""


def _checked(numbers: str) -> str:
    """Raise ``ValueError`` unless it can be unpacked."""
    unpack(numbers)
    return numbers


class Voiceprint(BaseModel):
    """A vector of a voice: the cosine of two of them is high if the voices are alike."""

    model_config = STORED

    model: str
    """Distinguishes models: vectors of two models cannot be compared."""
    seconds: float
    """Speech that it was made of."""
    numbers: Annotated[str, AfterValidator(_checked)]
    """Int8, base64: the vector, scaled to the greatest of its numbers."""

    @classmethod
    def of(cls, model: str, seconds: float, vector: Vector) -> Self:
        """Return the voiceprint of a vector that is not zero."""
        return cls(model=model, seconds=seconds, numbers=pack(vector))

    @property
    def vector(self) -> Vector:
        """The vector."""
        return unpack(self.numbers)


def pack(vector: Vector) -> str:
    """Return a vector as Int8 in base64."""
    scaled = np.rint(vector * (FULL_SCALE / np.abs(vector).max())).astype(np.int8)
    return base64.b64encode(scaled.tobytes()).decode()


def unpack(numbers: str) -> Vector:
    """Return the vector of length 1 that was packed.

    Raises:
        ValueError: it is no base64.
    """
    vector = np.frombuffer(base64.b64decode(numbers, validate=True), np.int8).astype(np.float32)
    unit: Vector = vector / max(float(np.linalg.norm(vector)), 1.0)
    return unit


def put_voiceprint(redis: Redis, session_id: str, segment: int, voiceprint: Voiceprint) -> None:
    """Store the voice of an utterance; a later one of the same utterance replaces it. Not if the session was deleted.

    Raises:
        redis.exceptions.RedisError: Redis is unavailable.
    """
    fields = {FIELD: voiceprint.model_dump_json()}
    ThreadScratch(redis).put(names.voiceprint(session_id, segment), session_id, fields, EXPIRES_S)


def get_voiceprints(redis: Redis, session_id: str, segments: Sequence[int]) -> dict[int, Voiceprint]:
    """Return the voices of utterances by segment, as far as there are any that can be read.

    Raises:
        redis.exceptions.RedisError: Redis is unavailable.
    """
    if not segments:
        return {}
    pipeline = redis.pipeline(transaction=False)
    for segment in segments:
        pipeline.hget(names.voiceprint(session_id, segment), FIELD)
    found = {}
    for segment, data in zip(segments, pipeline.execute(), strict=True):
        with suppress(ValidationError):
            if data:
                found[segment] = Voiceprint.model_validate_json(data)
    return found
