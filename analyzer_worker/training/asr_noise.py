"""Makes written sentences look like what speech recognition writes, so that training meets it.

Each sentence gets some of these changes, each by chance: no capital letters, no punctuation or no exclamation marks, a
cut begin or end, missing short words, words that sound the same, and in Korean missing spaces and spellings that sound
the same. Negations are never removed: a sentence must keep its meaning.
"""

import re
from random import Random

PUNCTUATION = re.compile(r"[.,!?;:…。、！？，；：\"“”()]+")
CUT_FROM = 6
"""Sentences of fewer words are not cut: what would be left may mean something else."""
STRONG_WORDS = (
    "no not nor non nie kein nein pas ne ni ja sin sí si 안 못 걔 왜 bad sad mad fun joy hate love good nice ok ugh "
    "wow yay but too ill die mal gut toll bon bien"
)
"""Short words that carry the sentiment, in all languages of the training sentences."""
NEVER_DROPPED = frozenset(STRONG_WORDS.split())
SHORT = 3
"""Longest word, in letters, that may be lost; in Korean a syllable is a letter, and only words of one are lost."""
ENGLISH_HOMOPHONES: tuple[tuple[str, ...], ...] = (
    ("their", "there", "they're"),
    ("your", "you're"),
    ("its", "it's"),
    ("to", "too", "two"),
    ("then", "than"),
    ("were", "we're", "where"),
    ("hear", "here"),
    ("right", "write"),
    ("week", "weak"),
    ("would", "wood"),
    ("our", "are"),
    ("by", "buy", "bye"),
    ("one", "won"),
    ("for", "four"),
    ("whole", "hole"),
    ("piece", "peace"),
    ("wait", "weight"),
    ("whether", "weather"),
    ("who's", "whose"),
    ("through", "threw"),
    ("new", "knew"),
    ("meet", "meat"),
    ("break", "brake"),
)
KOREAN_SPELLINGS: tuple[tuple[str, str], ...] = (
    ("돼", "되"),
    ("되", "돼"),
    ("데", "대"),
    ("대", "데"),
    ("에", "애"),
    ("애", "에"),
    ("않", "안"),
    ("낫", "낳"),
    ("왠", "웬"),
    ("웬", "왠"),
    ("할게", "할께"),
    ("거예요", "거에요"),
    ("이에요", "이예요"),
    ("예요", "에요"),
    ("맞추", "마추"),
    ("같아", "같애"),
    ("어떡해", "어떻게"),
    ("며칠", "몇일"),
    ("네가", "니가"),
    ("봬", "뵈"),
    ("으로", "으루"),
    ("개", "게"),
    ("게", "개"),
)
_HOMOPHONES = {word: [other for other in group if other != word] for group in ENGLISH_HOMOPHONES for word in group}


def as_recognized(text: str, language: str, random: Random, *, whole: bool = False) -> str:
    """Return ``text`` as a recognizer may have written it; ``text`` itself if nothing would be left.

    Args:
        text: one sentence.
        language: ISO 639-1 code; ``en`` and ``ko`` have changes of their own.
        random: the same state gives the same text.
        whole: neither the begin nor the end may be cut, because one of its clauses decides the label.
    """
    changed = text if whole else _cut(text, random)
    if random.random() < 0.25:
        changed = _drop_short_words(changed, language, random)
    if language == "en" and random.random() < 0.5:
        changed = _homophones(changed, random)
    if language == "ko" and random.random() < 0.6:
        changed = _korean(changed, random)
    without = random.random() < 0.6
    changed = PUNCTUATION.sub(" ", changed) if without else changed.replace("!", ".").replace("！", "。")
    if random.random() < 0.6:
        changed = changed.lower()
    return " ".join(changed.split()) or text


def _cut(text: str, random: Random) -> str:
    """Lose the first word, the last word or two, or the last letters: where an utterance was cut too early."""
    words = text.split()
    if len(words) < CUT_FROM:
        return text
    chance = random.random()
    if chance < 0.08:
        words = words if _is_kept(words[0]) else words[1:]
    elif chance < 0.2:
        lost = random.randint(1, 2)
        words = words if any(map(_is_kept, words[-lost:])) else words[:-lost]
    elif chance < 0.26 and not _is_kept(words[-1]):
        words[-1] = words[-1][: max(1, len(words[-1]) // 2)]
    return " ".join(words)


def _is_kept(word: str) -> bool:
    """Return True for a word that carries the sentiment, and for one that is negated in itself, such as "can't"."""
    plain = PUNCTUATION.sub("", word).lower()
    return plain in NEVER_DROPPED or plain.endswith(("n't", "n’t"))


def _drop_short_words(text: str, language: str, random: Random) -> str:
    longest = 1 if language == "ko" else SHORT
    return " ".join(word for word in text.split() if len(word) > longest or _is_kept(word) or random.random() > 0.3)


def _homophones(text: str, random: Random) -> str:
    def replace(match: re.Match[str]) -> str:
        word: str = match.group()
        others = _HOMOPHONES.get(word.lower())
        return random.choice(others) if others and random.random() < 0.35 else word

    return re.sub(r"[A-Za-z']+", replace, text)


def _korean(text: str, random: Random) -> str:
    """Lose spaces, and swap spellings that sound the same."""
    lost_spaces = random.choice((0.0, 0.15, 0.4, 1.0)) if random.random() < 0.6 else 0.0
    words = text.split(" ")
    text = "".join(word + ("" if random.random() < lost_spaces else " ") for word in words[:-1]) + words[-1]
    for spelling, other in random.sample(KOREAN_SPELLINGS, 6):
        if spelling in text and random.random() < 0.5:
            text = text.replace(spelling, other, 1)
    return text
