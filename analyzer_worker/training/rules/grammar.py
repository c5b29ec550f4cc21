"""Fills templates at random: ``{slot}``, ``[one|or the other]`` and, in Korean, particles that fit the syllable before.

Alternatives may hold slots and slots alternatives; alternatives inside of alternatives are not supported.
"""

import re
from collections.abc import Mapping, Sequence
from random import Random

CHOICE = re.compile(r"\{(\w+)\}|\[([^\[\]{}]*)\]")
PARTICLE = re.compile(r"(.)\(([가-힣]+)/([가-힣]+)\)")
HANGUL_FIRST, HANGUL_LAST = ord("가"), ord("힣")
FINALS = 28
"""Syllables per pair of initial and vowel in Unicode's order: one without final consonant and 27 with one."""
FINAL_L = 8
"""Number of the final consonant ㄹ, after which -으로 becomes -로 as after a vowel."""
DIGIT_FINALS = {"0": 21, "1": FINAL_L, "3": 16, "6": 1, "7": FINAL_L, "8": FINAL_L}
"""Final consonants of the digits' Korean names (영, 일, 삼, 육, 칠, 팔); the others end in a vowel."""


def fill(template: str, slots: Mapping[str, Sequence[str]], random: Random) -> str:
    """Return ``template`` with a random choice in every place.

    Raises:
        KeyError: the template names a slot that ``slots`` lacks.
    """

    def choose(match: re.Match[str]) -> str:
        slot, alternatives = match.groups()
        return str(random.choice(slots[slot] if slot else alternatives.split("|")))

    text = template
    while CHOICE.search(text):
        text = CHOICE.sub(choose, text)
    return PARTICLE.sub(_particle, text)


def _particle(match: re.Match[str]) -> str:
    before, after_consonant, after_vowel = (str(group) for group in match.groups())
    final = _final(before)
    vowel = final == 0 or (final == FINAL_L and after_consonant.startswith("으로"))
    return before + (after_vowel if vowel else after_consonant)


def _final(character: str) -> int:
    """Return the number of the syllable's final consonant, 0 for none and for what is no syllable."""
    if HANGUL_FIRST <= ord(character) <= HANGUL_LAST:
        return (ord(character) - HANGUL_FIRST) % FINALS
    return DIGIT_FINALS.get(character, 0)
