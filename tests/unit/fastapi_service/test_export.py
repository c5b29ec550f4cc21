"""Exports are byte for byte as pinned, and valid for other programs whatever the text is."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from tests.support.speakers import ALICE, BOB, failed, final, sentiment
from wire.messages.base import Clock, Speaker
from wire.messages.results import LABELS, Final, SegmentFailed, segment_end
from wire.messages.transcript import Word

DATA = Path(__file__).parents[2] / "data" / "export"

End = Final | SegmentFailed

anything = st.text(max_size=40) | st.text(st.sampled_from("0123456789:,.->\n\r\t <b>&{}\\\"'=+@\u2028\x85\x1c\ufeff네"))
sentiments = st.builds(sentiment, st.sampled_from(LABELS), st.floats(0.34, 1.0))
marks = st.fixed_dictionaries({"unsure": st.booleans(), "zero_shot": st.booleans()})
moods = st.none() | st.builds(lambda mood, marks: mood.model_copy(update=marks), sentiments, marks)
finals = st.builds(
    lambda session, segment, text, mood: final(segment, session, text=text, mood=mood),
    st.sampled_from([ALICE, BOB]),
    st.integers(0, 99_999),
    anything,
    moods,
)
ends = st.lists(finals | st.builds(failed, st.integers(0, 1_000), st.sampled_from([ALICE, BOB])), max_size=6)


def write(name: str, said: list[End]) -> str:
    speakers, sentences = Speakers(), Sentences()
    for end in said:
        speakers.note(end)
        sentences.note(end)
    file = File(FORMATS[name], speakers.by_session(), sentences)
    return file.head() + "".join(file.entries([end]) for end in said) + file.tail()


def shown(said: list[End]) -> list[End]:
    """Return the results that have a cue in subtitles."""
    return [end for end in said if isinstance(end, Final) and json.loads(write("json", [end]))["entries"][0]["text"]]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", ["", "alone-", "sentences-", "people-", "voices-", "rejoined-"])
def test_files_are_as_pinned(name: str, case: str) -> None:
    """The page's formats are held to the same files."""
    messages = json.loads((DATA / f"{case}entries.json").read_text(encoding="utf-8"))
    ends = [segment_end.validate_python(message) for message in messages]
    said = [end for end in ends if isinstance(end, End)]
    assert said == ends
    assert write(name, said).encode() == (DATA / f"{case}expected.{name}").read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_empty_conversation_is_a_valid_file(name: str) -> None:
    """No result yet, or all of them have expired."""
    expected = {
        "txt": "",
        "srt": "",
        "vtt": "WEBVTT\n",
        "json": json.dumps({"format": "whisper-text-analyzer/1", "entries": []}, indent=2) + "\n",
        "csv": "\ufeffstart,end,speaker,language,text,sentiment,score,unsure,zero_shot,role\r\n",
    }
    assert write(name, []) == expected[name]


@given(ends)
def test_srt_has_cues_for_each_final_whatever_is_said(said: list[End]) -> None:
    """A strict reader finds cues for each final, one of them if it fits, in two lines at most."""
    text = write("srt", said)
    cues = list(srt.parse(text))
    assert len(cues) == sum(len(list(srt.parse(write("srt", [end])))) for end in shown(said)) or _speakers(said) > 1
    assert len(cues) >= len(shown(said))
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))
    assert all(cue.content.count("\n") <= 1 and "-->" not in cue.content for cue in cues)
    assert text.count("\n\n") == max(0, len(cues) - 1)


@given(ends)
def test_webvtt_has_cues_for_each_final_whatever_is_said(said: list[End]) -> None:
    """No text opens a tag: without our own tags the texts of the results are left, in order of time."""
    cues = webvtt.from_string(write("vtt", said)).captions
    entries = [entry for entry in json.loads(write("json", said))["entries"] if entry["text"] and not entry["failed"]]
    texts = [entry["text"] for entry in sorted(entries, key=lambda entry: int(entry["start_ms"]))]
    assert _letters("".join(_unescaped(cue.text) for cue in cues)) == _letters("".join(texts))
    assert len(cues) >= len(texts)
    assert all(cue.start < cue.end for cue in cues)


@given(ends)
def test_csv_has_a_row_for_each_result_whatever_is_said(said: list[End]) -> None:
    """Each utterance is one row of ten cells, none of which a spreadsheet takes for a formula."""
    text = write("csv", said)
    header, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    cells = ["start", "end", "speaker", "language", "text", "sentiment", "score", "unsure", "zero_shot", "role"]
    assert header == cells
    assert len(rows) == len(said) == text.count("\r\n") - 1
    assert {len(row) for row in rows} <= {10}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    with_semicolons = [cell.strip(" ") for row in rows for cell in ",".join(row).split(";")]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in with_semicolons)


@given(ends)
def test_json_is_written_as_json_dumps_does(said: list[End]) -> None:
    """In pieces or at once: the same bytes; and numbers are short enough for JavaScript to agree."""
    text = write("json", said)
    content = json.loads(text)
    assert json.dumps(content, indent=2, ensure_ascii=False) + "\n" == text
    assert len(content["entries"]) == len(said)
    assert not any("e" in str(number) or str(number).endswith(".0") for number in _numbers(content))


@given(ends)
def test_txt_has_a_line_for_each_result(said: list[End]) -> None:
    """Also for programs to which a form feed ends a line."""
    assert len(write("txt", said).splitlines()) == len(said)


def test_subtitles_are_the_same_for_a_second_reader() -> None:
    """A second library reads the same cues; its format has hours of two digits only."""
    said: list[End] = [final(0, text="Good --> morning"), final(1, text="42", mood=sentiment()), failed(2)]
    cues = pysubs2.SSAFile.from_string(write("srt", said), format_="srt")
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [
        (0, 2_000, "Good → morning"),
        (10_000, 12_000, "42 [positive]"),
    ]
    assert [cue.start for cue in pysubs2.SSAFile.from_string(write("vtt", said), format_="vtt")] == [0, 10_000]


def test_every_format_has_the_marks_of_a_label() -> None:
    """In words beside the label, as classes in WebVTT, and as fields; without a sentiment there are none."""
    mood = sentiment("neutral", 0.4).model_copy(update={"unsure": True, "zero_shot": True})
    said: list[End] = [final(0, text="Hm.", mood=mood), final(1, text="Yes.", mood=sentiment()), final(2, text="No.")]
    assert [line.partition("] ")[2] for line in write("txt", said).splitlines()] == [
        "Hm. (neutral 40 %, unsure, zero-shot)",
        "Yes. (positive 80 %)",
        "No.",
    ]
    texts = [cue.content for cue in srt.parse(write("srt", said))]
    assert texts == ["Hm. [neutral, unsure, zero-shot]", "Yes. [positive]", "No."]
    assert write("vtt", said).splitlines()[3::3] == [
        "<c.neutral.unsure.zero-shot>Hm.</c>",
        "<c.positive>Yes.</c>",
        "No.",
    ]
    fields = [entry["sentiment"] for entry in json.loads(write("json", said))["entries"]]
    assert [mood and (mood["unsure"], mood["zero_shot"]) for mood in fields] == [(True, True), (False, False), None]
    rows = csv.DictReader(io.StringIO(write("csv", said).removeprefix("\ufeff"), newline=""))
    assert [(row["unsure"], row["zero_shot"]) for row in rows] == [("true", "true"), ("false", "false"), ("", "")]


def test_speakers_of_a_room_share_a_clock() -> None:
    """Bob's audio began 5.5 s after Alice's; he is the second who is heard."""
    said: list[End] = [_at(ALICE, 1_000, endpointed=102.0), _at(BOB, 500, endpointed=107.0), _at(ALICE, 9_000, 0)]
    entries = json.loads(write("json", said))["entries"]
    assert [(entry["speaker"], entry["end_ms"]) for entry in entries] == [
        ("Speaker 1", 1_000),
        ("Speaker 2", 6_000),
        ("Speaker 1", 9_000),
    ]
    assert [word["end_ms"] for entry in entries for word in entry["words"]] == [1_000, 6_000, 9_000]


def named(session: str, segment: int, person: str, name: str | None, role: str | None = None) -> Final:
    """A final whose person has a name."""
    return final(segment, session).model_copy(update={"speaker": Speaker(person=person, name=name, role=role)})


def speakers_of(said: list[End]) -> list[tuple[str | None, str | None, str | None]]:
    """Name, role and the beginning of the id in each entry."""
    entries = json.loads(write("json", said))["entries"]
    return [(entry["speaker"], entry["role"], entry["person"] and entry["person"][0]) for entry in entries]


def test_people_have_their_newest_name_everywhere() -> None:
    """Also where they spoke before it, and in a session before; without one they are numbered."""
    anna, ben = "a" * 16, "b" * 16
    said: list[End] = [named(ALICE, 0, anna, None), named(BOB, 0, ben, None), named("c" * 32, 0, anna, "Anna", "agent")]
    assert speakers_of(said[:2]) == [("Speaker 1", None, "a"), ("Speaker 2", None, "b")]
    assert speakers_of(said) == [("Anna", "agent", "a"), ("Speaker 2", None, "b"), ("Anna", "agent", "a")]
    cleared = named("c" * 32, 1, anna, None)
    assert speakers_of([*said, cleared]) == [
        ("Speaker 1", None, "a"),
        ("Speaker 2", None, "b"),
        *[("Speaker 1", None, "a")] * 2,
    ]


def test_people_of_one_name_are_told_apart() -> None:
    """And from whoever has no name, or calls herself like one."""
    people = [("a", "Kim"), ("b", None), ("c", "Kim"), ("d", "Speaker 2"), ("e", "Kim (2)")]
    said: list[End] = [named(letter * 32, 0, letter * 16, name) for letter, name in people]
    names = ["Kim", "Speaker 2", "Kim (2)", "Speaker 2 (2)", "Kim (2) (2)"]
    assert [name for name, *_ in speakers_of(said)] == names


def test_a_single_person_is_named_only_if_the_name_is_known() -> None:
    """Also one who has left and come back, and whose first results came through an older service."""
    alone: list[End] = [final(0, ALICE), named(ALICE, 1, "a" * 16, None), named(BOB, 0, "a" * 16, None)]
    assert speakers_of(alone) == [(None, None, "a")] * 3
    assert speakers_of([*alone, named(BOB, 1, "a" * 16, "Anna")]) == [("Anna", None, "a")] * 4


def test_an_entry_has_the_times_of_its_utterances() -> None:
    """Those of a sentence have pauses between them, which are no talk."""
    said: list[End] = [final(0), final(1).continuing(0, 0, "…"), failed(2)]
    entries = json.loads(write("json", said))["entries"]
    assert [[(one["start_ms"], one["end_ms"]) for one in entry["utterances"]] for entry in entries] == [
        [(0, 2_000), (10_000, 12_000)],
        [(20_000, 22_000)],
    ]


@given(st.lists(st.text(max_size=70), min_size=1, max_size=4))
def test_subtitles_are_readable_whatever_people_are_called(names: list[str]) -> None:
    """Two lines at most, and no tag is opened by a name."""
    said: list[End] = [named(f"{n:032x}", 0, f"{n:016x}", name, "agent") for n, name in enumerate(names)]
    cues = list(srt.parse(write("srt", said)))
    assert all(cue.content.count("\n") <= 1 for cue in cues)
    captions = webvtt.from_string(write("vtt", said)).captions
    assert _letters("".join(_unescaped(cue.text) for cue in captions)) == _letters("good morning everybody" * len(said))
    assert all(len(row) == 10 for row in csv.reader(io.StringIO(write("csv", said), newline=""), strict=True))


def test_one_speaker_has_no_name_and_keeps_its_clock() -> None:
    """Also in a room, as long as no other session has a result."""
    (entry,) = json.loads(write("json", [_at(BOB, 61_500, endpointed=5_000.0)]))["entries"]
    assert (entry["speaker"], entry["end_ms"]) == (None, 61_500)


def _at(session: str, end_ms: int, endpointed: float) -> Final:
    """One word that ends there."""
    return final(0, session).model_copy(
        update={
            "end_ms": end_ms,
            "clock": Clock(speech_end=endpointed, endpointed=endpointed),
            "words": (Word(text=" yes", start_ms=0, end_ms=end_ms, probability=0.5),),
        }
    )


def _unescaped(cue: str) -> str:
    """Return the text without escapes; the library has removed the tags."""
    return cue.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _letters(text: str) -> str:
    return text.replace(" ", "").replace("\n", "")


def _speakers(said: list[End]) -> int:
    return len({end.session_id for end in said})


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        return [number for item in (value.values() if isinstance(value, dict) else value) for number in _numbers(item)]
    return [value] if isinstance(value, float) else []
