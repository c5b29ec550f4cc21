"""Totals over all sessions: the listener adds to them in Redis, and gateways show them in ``/metrics``."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel

from wire.messages.base import STORED


class Totals(BaseModel):
    """Sums over results. They are integers: in any order and in any number of parts they come to the same."""

    model_config = STORED

    ended: int = 0
    """Results counted, of all kinds; also the version of the statistics."""
    utterances: int = 0
    continued: int = 0
    """Those of ``utterances`` that go on with a sentence; the others begin one."""
    no_speech: int = 0
    uncertain: int = 0
    """Those of ``no_speech`` whose reason is ``uncertain``."""
    failures: int = 0
    words: int = 0
    speech_ms: int = 0
    unanalysed: int = 0
    """Sentences without sentiment."""
    unsure: int = 0
    """Sentiments whose label is unsure."""
    zero_shot: int = 0
    """Sentiments in languages that the model was not trained with."""
    labels: dict[str, int] = {}
    score_ppm: dict[str, int] = {}
    """Sum of the probabilities of the labels that clients got, by label, in millionths; of an unsure one that of
    neutral."""
    languages: dict[str, int] = {}

    @property
    def sentences(self) -> int:
        """Number of sentences."""
        return self.utterances - self.continued

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Return the totals that a Redis hash has. An entry of a table is the field ``table:entry``.

        Raises:
            pydantic.ValidationError: a field is damaged.
        """
        sums = {field: value for field, value in fields.items() if ":" not in field}
        tables: dict[str, dict[str, str]] = {}
        for field in fields.keys() - sums.keys():
            name, _, entry = field.partition(":")
            tables.setdefault(name, {})[entry] = fields[field]
        return cls.model_validate(sums | tables)

    def increments(self) -> dict[str, int]:
        """Return by how much these totals increase fields of the hash, without fields that stay as they are.

        A number is negative if the newest text of a sentence has changed its sentiment.
        """
        found: dict[str, int] = {}
        for name in Totals.model_fields:
            sums: int | dict[str, int] = getattr(self, name)
            found |= {f"{name}:{entry}": n for entry, n in sums.items()} if isinstance(sums, dict) else {name: sums}
        return {field: number for field, number in found.items() if number}
