"""Pure: what one session changes of the gateway's settings for the ends of utterances."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi_service.endpointing.endpointer import EndpointerOptions

LOUDER = 4.0
"""Factor of the energy that is voiced, for the threshold 1 instead of 0.5: 6 dB. For 0 it is the inverse."""
LEAST_NOISE_FACTOR = 2.0
"""Lowest factor of the noise floor, whatever the threshold: the floor is a low percentile of the noise itself."""


@dataclass(frozen=True, slots=True)
class EndpointingChange:
    """None, or ``manual`` being False, leaves the gateway's own value. It holds for one session and is not stored."""

    silence_ms: int | None = None
    """Silence that ends an utterance, 30–10,000 ms."""
    unfinished_ms: int | None = None
    """Silence that ends one whose sentence is not over by its text, up to 10,000 ms. 0: silence alone ends utterances,
    after ``silence_ms`` to the frame."""
    pre_roll_ms: int | None = None
    """Audio before the first voiced frame that belongs to an utterance, 0–2,000 ms."""
    threshold: float | None = None
    """0–1: how loud a voice has to be in a quiet room; 0.5 is the gateway's own. It does not count in loud rooms."""
    manual: bool = False
    """Nothing but a ``Flush`` ends an utterance, and the longest duration. Silence, texts, and audio that stays away do
    not."""

    def applied_to(self, options: EndpointerOptions) -> EndpointerOptions:
        """Return the options of the session, from those of the gateway."""
        found = {name: getattr(self, name) for name in ("silence_ms", "unfinished_ms", "pre_roll_ms")}
        changes: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
        if self.threshold is not None:
            factor = LOUDER ** (2 * self.threshold - 1)
            changes["silence_ceiling"] = options.silence_ceiling * factor
            changes["noise_factor"] = max(LEAST_NOISE_FACTOR, options.noise_factor * factor)
        if self.manual:
            changes |= {"manual": True, "pause_ms": 0, "unfinished_ms": 0}
        return replace(options, **changes)
