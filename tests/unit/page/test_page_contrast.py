"""Text of the transcript against its background: WCAG AA asks for 4.5:1, in light and dark, under the pointer too."""

import re

import pytest

from fastapi_service.api.page import STATIC

STYLE = (STATIC / "style.css").read_text(encoding="utf-8")
COLOURS = {
    name: colours for name, *colours in re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\);", STYLE)
}
TEXT_ON_BACKGROUND = [
    ("ink", "panel"),
    ("ink", "sunk"),
    ("quiet", "panel"),
    ("quiet", "sunk"),
    ("positive", "positive-tint"),
    ("neutral", "neutral-tint"),
    ("neutral", "panel"),
    ("neutral", "sunk"),
    ("negative", "negative-tint"),
    *((f"person-{letter}", background) for letter in "abcdefgh" for background in ("panel", "sunk")),
]
"""Sentences; times, reasons and unsure labels; other labels, of which neutral ones have no fill; names and marks.

``sunk`` is the sentence under the pointer."""


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "background"), TEXT_ON_BACKGROUND)
def test_text_can_be_read(text: str, background: str, scheme: int) -> None:
    """The lighter of both is at least 4.5 times as bright, with 5 % for the ambient light."""
    dark, light = sorted(luminance(COLOURS[name][scheme]) for name in (text, background))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_an_unsure_label_is_quiet_text_without_a_fill() -> None:
    """Its pair of colours is among those above; an outline and its word distinguish it without colour."""
    (rule,) = re.findall(r"^\.unsure \{(.*?)\}", STYLE, re.DOTALL | re.MULTILINE)
    assert {"background: none", "color: var(--quiet)"} <= {line.strip() for line in rule.split(";")}
    assert "box-shadow: inset" in rule


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rgb`` or ``#rrggbb``, 0–1."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
