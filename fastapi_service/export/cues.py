"""Pure: entries as the cues of subtitles.

A cue is read at a glance: at most 7 s and two lines of 42 columns. An entry that has more is cut between words, at the
times of its words. Cues are in order of time, only one is shown at a time, and none long after its speech: short
answers of many people share a cue.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import ceil
from operator import le

from wcwidth import wcswidth

from fastapi_service.export.entries import Entry, plain_text

MAX_MS = 7_000
MAX_COLUMNS = 42
"""Width of a line. A sign of Chinese, Japanese or Korean takes two columns."""
MIN_MS = 1_000
"""A cue is shown for so long, or as long as it was spoken if that is shorter, also when another speaker begins."""
MAX_LATE_MS = 1_100
"""Longest time that a cue begins late because of those that were said before it."""
MAX_AT_ONCE = 100
"""Cues that are looked at to find those moments."""
LOOK_AHEAD = 3
"""Moments at which later cues begin that decide how long one is shown. With more, cues are short before they have to
be; with fewer, single ones are very short."""
WORD_COLUMNS = 30
"""A longer word is cut as well, so that it fits on a line with the name of its speaker."""
_ATOMS = re.compile(
    " ?(?:[!-\u10ff]{1,30}(?= |$)|[「『（]*[^ ][^ 「『（\u3041-\u30fa\u3400-\u9fff\uf900-\ufaff]{0,14})"
)
"""Words; signs of Chinese and Japanese, each with the punctuation after it; pieces of longer words. None is wider than
``WORD_COLUMNS``."""


@dataclass(frozen=True)
class Cue:
    """A text that is shown for a time, in milliseconds on the file's clock."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    """One or two, none of them empty."""
    entry: Entry
    second: Entry | None = None
    """That of the second line, if two entries are shown together."""


@dataclass
class _Atom:
    """A text that is not cut, with the space before it. Several of them, joined, are another one."""

    text: str
    start_ms: int
    end_ms: int


def cut(entry: Entry, before: str = "", after: str = "") -> list[Cue]:
    """Return an entry's cues; none without text.

    Args:
        entry: with the times of its words. Without them, or if cues by them could not be read, they are estimated from
            the number of letters.
        before: is put before the text of each cue, such as a name.
        after: is put after the text of the last cue, such as a label.
    """
    estimated = _cut(entry, _estimated_atoms(entry), before, after)
    timed = _cut(entry, _timed_atoms(entry), before, after)
    readable_ms = min(MIN_MS, _shortest_ms(estimated)) / 2
    return timed if timed and _shortest_ms(timed) >= readable_ms else estimated


def _shortest_ms(cues: Sequence[Cue]) -> int:
    return min((cue.end_ms - cue.start_ms for cue in cues), default=0)


def _cut(entry: Entry, atoms: Sequence[_Atom], before: str, after: str) -> list[Cue]:
    parts = _parts(entry, atoms, before, after)
    for part in parts[-1:]:
        part[-1].end_ms = max(part[-1].end_ms, entry.end_ms)
    return [
        Cue(
            part[0].start_ms,
            part[0].start_ms + max(1, min(part[-1].end_ms - part[0].start_ms, MAX_MS)),
            tuple(_lines([before, *(atom.text for atom in part), after if part is parts[-1] else ""])),
            entry,
        )
        for part in parts
    ]


def in_order(cues: Iterable[Cue]) -> list[Cue]:
    """Sort cues by time, and bring those together that are shown at once.

    A cue ends where the next one begins, but is shown for ``MIN_MS`` at least: then the next one begins later. If what
    is said later would begin more than ``MAX_LATE_MS`` late, two cues of one line each are shown together, and where
    that is not enough, each is shown for a shorter time.
    """
    waiting = sorted(cues, key=lambda cue: cue.start_ms)
    shown: list[Cue] = []
    free_ms, first = 0, 0
    while first < len(waiting):
        cue, following = waiting[first], waiting[first + 1 : first + 1 + MAX_AT_ONCE]
        start_ms = max(cue.start_ms, free_ms)
        share = _share(start_ms, cue, following)
        if share < 1 and following and _fit_together(cue, following[0], start_ms):
            waiting[first + 1] = _together(cue, following[0])
            first += 1
            continue
        end_ms = min(cue.end_ms, following[0].start_ms) if following else cue.end_ms
        free_ms = max(end_ms, start_ms + max(1, int(_needs_ms(cue) * share)))
        shown.append(replace(cue, start_ms=start_ms, end_ms=free_ms))
        first += 1
    return shown


def _needs_ms(cue: Cue) -> int:
    return min(cue.end_ms - cue.start_ms, MIN_MS)


def _share(start_ms: int, cue: Cue, following: Sequence[Cue]) -> float:
    """Return the part of what a cue needs for which it can be shown if those that begin later are not to be too late.

    Cues that begin at the same time are shown one after the other, however late the last of them is.
    """
    needs_ms, share, moment_ms, moments = _needs_ms(cue), 1.0, cue.start_ms, 0
    for later in following:
        if later.start_ms > moment_ms:
            share = min(share, (later.start_ms + MAX_LATE_MS - start_ms) / needs_ms)
            moment_ms, moments = later.start_ms, moments + 1
            if moments == LOOK_AHEAD:
                break
        needs_ms += _needs_ms(later)
    return max(0.0, share)


def _fit_together(cue: Cue, following: Cue, start_ms: int) -> bool:
    """True if two cues have a line each, and the second one is not shown before it is said."""
    return len(cue.lines) == len(following.lines) == 1 and following.start_ms <= start_ms


def _together(cue: Cue, following: Cue) -> Cue:
    end_ms = max(cue.end_ms, following.end_ms)
    return replace(cue, end_ms=end_ms, lines=cue.lines + following.lines, second=following.entry)


def _parts(entry: Entry, atoms: Sequence[_Atom], before: str, after: str) -> list[list[_Atom]]:
    """Divide an entry's atoms among as many cues as the limits require, about evenly."""
    columns = wcswidth(entry.text)
    room = 2 * MAX_COLUMNS - wcswidth(before + after)
    share = columns / max(1, ceil(max(columns / room, (entry.end_ms - entry.start_ms) / MAX_MS)))
    parts: list[list[_Atom]] = []
    for atom in atoms:
        if not parts:
            parts.append([replace(atom, text=atom.text.lstrip(" "), start_ms=entry.start_ms)])
            continue
        texts = [each.text for each in parts[-1]]
        if (
            wcswidth("".join(texts)) < share
            and atom.end_ms - parts[-1][0].start_ms <= MAX_MS
            and all(wcswidth(line) <= MAX_COLUMNS for line in _lines([before, *texts, atom.text, after]))
        ):
            parts[-1].append(atom)
        else:
            start_ms = max(atom.start_ms, parts[-1][-1].end_ms)  # whatever the engine says, in the order of the words
            parts.append([replace(atom, text=atom.text.lstrip(" "), start_ms=start_ms)])
    return parts


def _timed_atoms(entry: Entry) -> list[_Atom]:
    """Return the words of an entry with their times, long ones in pieces; a word keeps the space before it.

    Nothing if they are not those of the text, or not in order of time. Times are within those of the entry.
    """
    words = entry.words
    starts, ends = [word.start_ms for word in words], [word.end_ms for word in words]
    ordered = starts == sorted(starts) and ends == sorted(ends) and all(map(le, starts, ends))
    if not ordered or plain_text("".join(word.text for word in words)) != entry.text:
        return []
    atoms: list[_Atom] = []
    for word in words:
        start_ms, end_ms = (min(max(at, entry.start_ms), entry.end_ms) for at in (word.start_ms, word.end_ms))
        atom = _Atom(plain_text(f"|{word.text}")[1:], start_ms, end_ms)
        atoms += [atom] if atom.text and wcswidth(atom.text) <= WORD_COLUMNS else _pieces(atom)
    return atoms


def _estimated_atoms(entry: Entry) -> list[_Atom]:
    """Return what an entry's text has for words, at times in proportion to their letters."""
    return _pieces(_Atom(entry.text, entry.start_ms, entry.end_ms))


def _pieces(atom: _Atom) -> list[_Atom]:
    length_ms, letters = atom.end_ms - atom.start_ms, len(atom.text)
    return [
        _Atom(piece[0], *(atom.start_ms + length_ms * at // letters for at in piece.span()))
        for piece in _ATOMS.finditer(atom.text)
    ]


def _lines(texts: list[str]) -> list[str]:
    """Join texts to one line, or else to two that are as even as can be."""
    whole = "".join(texts)
    if wcswidth(whole) <= MAX_COLUMNS:
        return [whole]
    edges = list(accumulate(map(wcswidth, texts), initial=0))
    middle = min(range(len(texts)), key=lambda i: max(edges[i], edges[-1] - edges[i] - texts[i].startswith(" ")))
    return ["".join(half).strip(" ") for half in (texts[:middle], texts[middle:])]
