"""An export has one entry for each sentence, whatever finals it came in; the page's is the same."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

from fastapi_service.export.entries import Speakers, plain_text
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences, as_one
from tests.support.fragments import conversation
from tests.support.speakers import ALICE, BOB, failed, final, sentiment
from wire.messages.results import Final, SegmentFailed
from wire.messages.transcript import Word

PAGE = Path(__file__).parents[1] / "page" / "export-formats.js"
CONVERSATIONS = 300

End = Final | SegmentFailed


def write(name: str, said: list[End], batch: int = 100, until: int | None = None) -> str:
    speakers, sentences = Speakers(), Sentences()
    for end in said:
        speakers.note(end)
        sentences.note(end)
    file = File(FORMATS[name], speakers.by_session(), sentences)
    read = said[:until]
    return file.head() + "".join(file.entries(read[i : i + batch]) for i in range(0, len(read), batch)) + file.tail()


def entries(said: list[End]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(write("json", said))["entries"]
    return found


def key(end: End) -> tuple[str, int]:
    """Session and first segment of a sentence."""
    first = end.first_segment if isinstance(end, Final) else None
    return end.session_id, end.segment if first is None else first


def test_each_sentence_is_one_entry() -> None:
    """At the place of its first final, with the text and the sentiment that its last final showed."""
    for seed in range(CONVERSATIONS):
        said = conversation(random.Random(seed))
        sentences: dict[tuple[str, int], list[End]] = {}
        for end in said:
            sentences.setdefault(key(end), []).append(end)
        found = entries(said)
        assert len(found) == len(sentences)
        for entry, ends in zip(found, sentences.values(), strict=True):
            check(entry, ends)


def check(entry: dict[str, Any], ends: list[End]) -> None:
    """An entry is that of these results."""
    first, last = ends[0], ends[-1]
    assert entry["end_ms"] - entry["start_ms"] == last.end_ms - first.start_ms
    if not isinstance(first, Final) or not isinstance(last, Final):
        assert entry["failed"]
        return
    if not first.continues:  # else the beginning of the sentence is missing, and its text is not that of the last
        assert entry["text"] == plain_text(last.sentence or last.text)
    assert (entry["sentiment"] and entry["sentiment"]["label"]) == (last.sentiment and last.sentiment.label)
    if entry["words"]:
        assert plain_text("".join(word["text"] for word in entry["words"])) == entry["text"]


def test_a_file_is_the_same_in_pieces_of_any_size() -> None:
    """A sentence may be cut by the end of a piece."""
    for seed in range(100):
        said = conversation(random.Random(seed))
        for name in FORMATS:
            assert len({write(name, said, batch) for batch in (1, 2, 3, 100)}) == 1


def test_a_file_ends_with_what_is_there() -> None:
    """The log lost its end between the two times that it is read."""
    said: list[End] = [final(0), final(0, BOB, text="well"), failed(1), final(2).continuing(0, 0, "…")]
    assert write("txt", said, until=2).splitlines() == [
        "[00:00:00] Speaker 1: good morning everybody",
        "[00:00:00] Speaker 2: well",
    ]


def test_page_and_service_write_the_same_sentences() -> None:
    """Hundreds of conversations, byte for byte."""
    said = [conversation(random.Random(seed)) for seed in range(CONVERSATIONS)]
    given = json.dumps([[end.model_dump(mode="json") for end in each] for each in said])
    done = subprocess.run(["node", str(PAGE)], input=given, capture_output=True, text=True, check=True)
    for each, (txt, as_json, csv) in zip(said, json.loads(done.stdout), strict=True):
        assert (txt, as_json, csv) == (write("txt", each), write("json", each), write("csv", each))


def test_what_others_said_in_between_stands_behind_the_sentence() -> None:
    """Also what failed; a sentence of theirs that began later and ended earlier too."""
    said: list[End] = [
        final(0, ALICE, text="Ask not."),
        final(0, BOB, text="Well"),
        failed(1, ALICE),
        final(1, BOB, text="well.").continuing(0, 0, "Well well."),
        final(2, ALICE, text="what.", mood=sentiment("negative")).continuing(0, 0, "Ask not what."),
    ]
    assert [entry["text"] for entry in entries(said)] == ["Ask not what.", "Well well.", "[not transcribed]"]
    assert [entry["sentiment"] and entry["sentiment"]["label"] for entry in entries(said)] == ["negative", None, None]


def test_a_mark_within_a_sentence_is_left_out_of_its_word() -> None:
    """Also one that is a word of its own; the words keep their times, and joined they are the text."""
    words = [(" Ask", 0), (" not", 200), (" .", 300), ('"', 400)], [("what", 1_000), (" they.", 1_200)]
    finals = [
        final(n, text="".join(text for text, _ in each).strip()).model_copy(
            update={"words": tuple(Word(text=text, start_ms=at, end_ms=at + 90, probability=1.0) for text, at in each)}
        )
        for n, each in enumerate(words)
    ]
    whole = as_one(finals)
    assert whole.text == 'Ask not" what they.'
    assert [(word.text, word.start_ms) for word in whole.words] == [
        (" Ask", 0),
        (" not", 200),
        ('"', 400),
        (" what", 1_000),
        (" they.", 1_200),
    ]
