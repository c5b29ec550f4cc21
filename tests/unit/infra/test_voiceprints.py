"""Voices of utterances between the STT worker and the listener."""

import numpy as np
import pytest
from pydantic import ValidationError

from infra.voiceprints import Vector, Voiceprint, pack, unpack

NUMBERS = 192


def vectors(count: int, seed: int = 1) -> list[Vector]:
    found = np.random.default_rng(seed).normal(size=(count, NUMBERS)).astype(np.float32)
    return [vector / np.linalg.norm(vector) for vector in found]


def test_a_packed_vector_keeps_its_direction_and_has_length_one() -> None:
    """Of 50 pairs, no cosine changes by 0.01; the length that it had does not matter."""
    for first, second in zip(vectors(50), vectors(50, seed=2), strict=True):
        mixed = first + 0.7 * second
        mixed /= np.linalg.norm(mixed)
        packed = unpack(pack(20 * mixed))
        assert np.linalg.norm(packed) == pytest.approx(1.0, abs=1e-5)
        assert packed @ unpack(pack(first)) == pytest.approx(float(mixed @ first), abs=0.01)


def test_a_voiceprint_is_small() -> None:
    """It is stored for each utterance: 256 characters for 192 numbers."""
    assert len(Voiceprint.of("campplus", 2.0, vectors(1)[0]).numbers) == 256


@pytest.mark.parametrize("numbers", ["€€€", "abcde", "no base64!"])
def test_a_damaged_voiceprint_is_refused_where_it_is_read(numbers: str) -> None:
    """So that nothing after that has to fear it; the error does not repeat it."""
    with pytest.raises(ValidationError) as refused:
        Voiceprint(model="campplus", seconds=1.0, numbers=numbers)
    assert numbers not in str(refused.value)


def test_fields_of_a_newer_service_stay() -> None:
    """As in all that is stored."""
    read = Voiceprint.model_validate({"model": "m", "seconds": 1, "numbers": "AQ==", "pitch": 3})
    assert '"pitch":3' in read.model_dump_json()
