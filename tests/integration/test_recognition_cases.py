"""What was said stays said: kinds of speech that were lost, doubled or taken for another language.

Streams are cut as the gateway cuts them, and transcribed by the real model as a worker does it; the texts that clients
get are judged. They come out in all number formats of the engine, exact ones too (``STT_NUMERICS``).
"""

from dataclasses import dataclass

import pytest

from bench.noise import cough, hum
from bench.session import new_endpointer
from stt_worker.engines.base import Transcriber
from stt_worker.engines.prompt_echo import is_prompt_echo
from stt_worker.load import load_transcriber
from stt_worker.settings import Settings
from tests.support.recordings import recording
from tests.support.streams import at_level, part, repeated, stream, whispered
from tests.support.transcripts import cut, shown, words_of
from wire.audio import Samples, to_int16

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

Part = tuple[str] | tuple[str, float] | tuple[str, float, float]
"""A recording, and the seconds from which and until which it is taken."""


@pytest.fixture(scope="module")
def engine() -> Transcriber:
    """Whisper's base model and what is in front of it, in the number formats of this machine.

    With one thread: beside other work, two take several times as long.
    """
    return load_transcriber(Settings(model="base", device="cpu", threads=1))


def texts(engine: Transcriber, audio: Samples, language: str, prompt: str = "") -> list[str]:
    return [each.text for each in shown(engine, cut(audio), language, prompt=prompt)]


@dataclass(frozen=True)
class Sentence:
    """Its first words, to be said several times, and the rest."""

    language: str
    words: str
    rest: str
    """Without the words that the model also misunderstands after a single saying."""
    voice: Part
    """Of the first words."""
    following: Part

    def __str__(self) -> str:
        return self.words


LET_ME_SEE = Sentence(
    "en", "let me see", "how can i begin", ("conversation.wav", 18.9, 20.32), ("conversation.wav", 20.32, 22.1)
)
AND_SO_MY = Sentence(
    "en",
    "and so my",
    "fellow americans ask not what your country can do for you ask what you can do for your country",
    ("jfk.wav", 0.3, 1.24),
    ("jfk.wav", 1.24),
)
MANY = Sentence(
    "en",
    "many",
    "complicated ideas about the rainbow have been formed",
    ("rainbow.wav", 1.55, 1.96),
    ("rainbow.wav", 1.96),
)
KNOWN_HER = Sentence(
    "en",
    "he has known her",
    "all her life and has a good influence over her",
    ("known-her.wav", 0.1, 1.1),
    ("known-her.wav", 1.1),
)
SPITEFUL = Sentence("en", "what a spiteful", "thing i am", ("spiteful.wav", 0.2, 1.16), ("spiteful.wav", 1.16))
SONDERFALL = Sentence(
    "de",
    "als sonderfall",
    "kann es zur eingesetzt werden",
    ("de-sonderfall.wav", 0.0, 0.84),
    ("de-sonderfall.wav", 0.84),
)
COMPOSES = Sentence(
    "fr",
    "les deux composés",
    "réagissent pour former des qui peuvent",
    ("fr-cristaux.wav", 0.2, 1.18),
    ("fr-cristaux.wav", 1.18),
)
ONE_MORE_TIME = Sentence(
    "en", "one more time", "and then we stop for today", ("cases/one-more-time.flac",), ("cases/then-we-stop.flac",)
)
THANK_YOU = Sentence("en", "thank you", "see you tomorrow morning", ("cases/thank-you.flac",), ("cases/see-you.flac",))
NO = Sentence("en", "no", "i did not say that at all", ("cases/no.flac",), ("cases/did-not-say.flac",))
NEIN = Sentence("de", "nein", "das habe ich nicht", ("cases/nein.flac",), ("cases/habe-nicht.flac",))
GRACIAS = Sentence("es", "gracias", "nos vemos mañana", ("cases/gracias.flac",), ("cases/nos-vemos.flac",))


@pytest.mark.parametrize(
    ("sentence", "count", "rhythm"),
    [
        (LET_ME_SEE, 4, "even"),
        (LET_ME_SEE, 5, "uneven"),
        (AND_SO_MY, 3, "even"),
        (AND_SO_MY, 5, "uneven"),
        (MANY, 3, "uneven"),
        (MANY, 8, "even"),
        (KNOWN_HER, 5, "uneven"),
        (KNOWN_HER, 8, "even"),
        (SPITEFUL, 5, "even"),
        (SPITEFUL, 8, "uneven"),
        (SONDERFALL, 3, "uneven"),
        (SONDERFALL, 8, "even"),
        (COMPOSES, 5, "uneven"),
        (COMPOSES, 8, "uneven"),
        (ONE_MORE_TIME, 4, "even"),
        (ONE_MORE_TIME, 8, "uneven"),
        (THANK_YOU, 3, "even"),
        (THANK_YOU, 5, "uneven"),
        (NO, 3, "uneven"),
        (NO, 8, "even"),
        (NEIN, 5, "uneven"),
        (NEIN, 8, "even"),
        (GRACIAS, 3, "even"),
        (GRACIAS, 8, "uneven"),
    ],
    ids=str,
)
def test_a_repetition_is_counted_and_what_follows_it_is_there(
    engine: Transcriber, sentence: Sentence, count: int, rhythm: str
) -> None:
    """Within one."""
    words = repeated(part(*sentence.voice), count, evenly=rhythm == "even")
    audio = stream(words, part(*sentence.following))
    check_repetition(texts(engine, audio, sentence.language), sentence, count)


def test_seven_times_no_and_a_sentence(engine: Transcriber) -> None:
    check_repetition(texts(engine, recording("cases/no-seven-times.flac"), "en"), NO, 7)


def check_repetition(written: list[str], sentence: Sentence, count: int) -> None:
    words, said = words_of(*written), words_of(sentence.words)
    times = 0
    while words[times * len(said) : (times + 1) * len(said)] == said:
        times += 1
    assert abs(times - count) <= 1, written
    behind = iter(words[times * len(said) :])
    assert all(word in behind for word in words_of(sentence.rest)), written


@pytest.mark.parametrize("lead_s", [0.7, 0.0])
@pytest.mark.parametrize("level_db", [-20, -38, -45])
@pytest.mark.parametrize(
    ("language", "text", "voice"),
    [
        ("en", "yes", ("cases/yes.flac",)),
        ("en", "no", ("cases/no.flac",)),
        ("en", "okay", ("cases/okay.flac",)),
        ("en", "hello", ("cases/hello.flac",)),
        ("en", "really", ("cases/really.flac",)),
        ("en", "sure", ("cases/sure.flac",)),
        ("en", "good morning", ("cases/good-morning.flac",)),
        ("en", "i don't know", ("cases/i-dont-know.flac",)),
        ("en", "monday", ("cases/monday.flac",)),
        ("en", "yes", ("conversation.wav", 10.56, 11.6)),
        ("en", "silly", ("silly.wav", 1.72)),
        ("en", "so silly", ("silly.wav", 1.56)),
        ("en", "lady", ("pleased.wav", 3.68)),
        ("en", "let me see", ("conversation.wav", 18.9, 20.45)),
        ("de", "ja", ("cases/ja.flac",)),
        ("de", "klima", ("de-klima.wav", 2.1)),
        ("de", "eingesetzt werden", ("de-sonderfall.wav", 2.5)),
        ("es", "gracias", ("cases/gracias.flac",)),
    ],
)
def test_a_short_answer_is_written_once(
    engine: Transcriber, language: str, text: str, voice: Part, level_db: float, lead_s: float
) -> None:
    """However quiet it is (the room is at −72 dBFS), also when the stream begins with it."""
    audio = stream(at_level(part(*voice), level_db), lead_s=lead_s)
    assert words_of(*texts(engine, audio, language)) == words_of(text)


@pytest.mark.parametrize("level_db", [-20, -38, -45])
@pytest.mark.parametrize(
    ("language", "text", "voice"), [("fr", "oui", ("cases/oui.flac",)), ("ko", "네", ("cases/ne.flac",))]
)
def test_a_quarter_of_a_second_behind_some_quiet_is_written_once(
    engine: Transcriber, language: str, text: str, voice: Part, level_db: float
) -> None:
    """At the very start of a stream, the quietest of these are not understood."""
    audio = stream(at_level(part(*voice), level_db))
    assert words_of(*texts(engine, audio, language)) == words_of(text)


@pytest.mark.parametrize(
    ("name", "text"), [("yes-once", "yes"), ("yes-bare", "yes"), ("no-38-once", "no"), ("one-i-agree", "i agree")]
)
def test_recorded_answers_are_written_once(engine: Transcriber, name: str, text: str) -> None:
    """Of −35 to −49 dBFS, one of them without anything around it; the last one is loud."""
    assert words_of(*texts(engine, recording(f"cases/{name}.flac"), "en")) == words_of(text)


@pytest.mark.parametrize("lead_s", [0.7, 0.0])
@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", ("lobster.wav", 3.02)),
        ("en", ("known-her.wav", 3.44)),
        ("en", ("spiteful.wav", 1.34)),
        ("en", ("surpassed.wav", 0.72)),
        ("en", ("rainbow.wav", 4.34)),
        ("en", ("conversation.wav", 6.3, 7.2)),
        ("en", ("jfk.wav", 3.2, 4.42)),
        ("de", ("de-klima.wav", 1.45)),
        ("fr", ("fr-cristaux.wav", 6.3)),
    ],
)
def test_words_cut_out_of_a_sentence_are_kept_and_not_doubled(
    engine: Transcriber, language: str, voice: Part, lead_s: float
) -> None:
    """At −45 dBFS. They are hard to understand, so any words count."""
    words = words_of(*texts(engine, stream(at_level(part(*voice), -45), lead_s=lead_s), language))
    assert words
    lengths = range(1, len(words) // 2 + 1)
    assert not any(words == words[:length] * (len(words) // length) for length in lengths), words


GERMAN = [("de", recording("de-klima.wav")), ("de", recording("de-sonderfall.wav"))]
FRENCH = [("fr", recording("fr-course.wav")), ("fr", recording("fr-cristaux.wav"))]
ENGLISH = [("en", recording(f"{name}.wav")) for name in ("jfk", "silly", "pleased", "known-her", "lobster", "spiteful")]
OKAY = ("en", recording("cases/okay.flac"))
YES = ("en", part("conversation.wav", 10.56, 11.6))


@pytest.mark.parametrize(
    "sentences",
    [
        [ENGLISH[0], GERMAN[0], FRENCH[0]],
        [FRENCH[1], ENGLISH[1], GERMAN[1], ENGLISH[2]],
        [GERMAN[0], FRENCH[0], ENGLISH[3], FRENCH[1], GERMAN[1], ENGLISH[5]],
        [GERMAN[1], ENGLISH[1], GERMAN[0], ENGLISH[4]],
    ],
    ids=lambda sentences: "-".join(language for language, _ in sentences),
)
def test_each_sentence_has_its_own_language(engine: Transcriber, sentences: list[tuple[str, Samples]]) -> None:
    """With certainty, whatever was said before."""
    heard = shown(engine, cut(stream(*(voice for _, voice in sentences), pause_s=1.0)))
    assert [each.language for each in heard] == [language for language, _ in sentences]
    assert min(each.language_probability or 0 for each in heard) > 0.5


@pytest.mark.parametrize("sentences", [GERMAN, FRENCH], ids=["German", "French"])
@pytest.mark.parametrize(("word", "level_db"), [(OKAY, -20), (YES, -40)], ids=["okay", "yes"])
def test_a_first_word_decides_nothing(
    engine: Transcriber, word: tuple[str, Samples], sentences: list[tuple[str, Samples]], level_db: float
) -> None:
    """Nor does one in the middle."""
    language, voice = word
    voice = at_level(voice, level_db)
    heard = shown(engine, cut(stream(voice, sentences[0][1], voice, sentences[1][1], pause_s=0.9)))
    assert len(heard) == 4
    assert heard[0].language == language
    assert [heard[1].language, heard[3].language] == [sentences[0][0]] * 2


@pytest.mark.parametrize("sentences", [GERMAN, FRENCH, ENGLISH[1:3]], ids=["German", "French", "English"])
@pytest.mark.parametrize("sound", ["hum", "cough"])
def test_a_hum_and_a_cough_decide_nothing(
    engine: Transcriber, sound: str, sentences: list[tuple[str, Samples]]
) -> None:
    """They are no text, either."""
    first = hum() if sound == "hum" else cough(3)
    heard = shown(engine, cut(stream(first, first, *(voice for _, voice in sentences), pause_s=0.9)))
    assert [each.language for each in heard] == [language for language, _ in sentences]


def test_of_a_session_with_several_languages_each_sentence_has_one(engine: Transcriber) -> None:
    """Also a word in a language that the session does not name."""
    audio = stream(OKAY[1], GERMAN[0][1], FRENCH[0][1], GERMAN[1][1], pause_s=0.9)
    heard = shown(engine, cut(audio), languages=("fr", "de"))
    assert [each.language for each in heard][-3:] == ["de", "fr", "de"]
    assert {each.language for each in heard} <= {"fr", "de"}


@pytest.mark.parametrize("level_db", [-25, -40])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("silly.wav", "you don't mean that you thought me so silly"),
        ("known-her.wav", "he has known her all her life and has a good influence over her"),
        ("pleased.wav", "but i am hugely pleased that you have seen my lady"),
        ("lobster.wav", "when is a lobster not a lobster when it is a crayfish"),
        ("spiteful.wav", "what a spiteful thing i am"),
    ],
)
def test_whispered_sentences_are_written(engine: Transcriber, name: str, text: str, level_db: float) -> None:
    """With at most every tenth word wrong."""
    words = words_of(*texts(engine, stream(at_level(whispered(recording(name)), level_db)), "en"))
    expected = words_of(text)
    assert len(words) == len(expected)
    assert sum(one != other for one, other in zip(words, expected, strict=True)) <= len(expected) / 10


NAMES = {"en": "Polly, Tom, Fanny, Bob", "ko": "김민수, 박서연, 이상은, 왓챠", "de": "Müller, Schäfer, Grünwald"}


@pytest.mark.parametrize(
    ("language", "prompt", "voice"),
    [
        ("en", NAMES["en"], ("jfk.wav", 8.4, 9.3)),
        ("en", "Anna, Ken, Lee, Maya", ("jfk.wav", 3.2, 3.7)),
        ("en", "Kubernetes, Redis, Valkey, Grafana", ("jfk.wav", 4.2, 5.1)),
        ("en", NAMES["en"], ("known-her.wav", 1.215, 2.115)),
        ("ko", NAMES["ko"], ("jfk.wav", 9.8, 10.7)),
        ("ko", NAMES["ko"], ("jfk.wav", 0.3, 6.5)),
        ("de", NAMES["de"], ("jfk.wav", 10.2, 10.7)),
        ("de", NAMES["de"], ("jfk.wav", 1.1, 1.6)),
        ("de", NAMES["de"], ("lobster.wav", 0.78, 1.28)),
    ],
)
def test_names_that_nobody_said_are_no_text(engine: Transcriber, language: str, prompt: str, voice: Part) -> None:
    """Reversed speech, quiet: without a second look, Whisper writes the prompt."""
    audio = stream(at_level(part(*voice)[::-1], -40))
    assert [text for text in texts(engine, audio, language, prompt) if is_prompt_echo(text, prompt)] == []


@pytest.mark.parametrize("level_db", [-20, -45])
@pytest.mark.parametrize(
    ("language", "prompt", "text", "voice"),
    [
        ("en", "Silly, Polly", "silly", ("silly.wav", 1.72)),
        ("en", "Gentleman, Lady", "lady", ("pleased.wav", 3.68)),
        ("en", "Monday, Tuesday", "monday", ("cases/monday.flac",)),
        ("de", "Klima, Wetter", "klima", ("de-klima.wav", 2.1)),
    ],
)
def test_names_that_were_said_are_written(
    engine: Transcriber, language: str, prompt: str, text: str, voice: Part, level_db: float
) -> None:
    audio = stream(at_level(part(*voice), level_db))
    assert words_of(*texts(engine, audio, language, prompt)) == words_of(text)


def test_stretches_of_speech_without_silence_between_them_are_two_sentences(engine: Transcriber) -> None:
    """A client that leaves silence out: the first one ends because nothing comes, and the words of both are there."""
    endpointer = new_endpointer()
    first = [*endpointer.feed(to_int16(part("jfk.wav", 8.0, 10.6)), 0.0), *endpointer.flush(2.0, "silence")]
    later = [*endpointer.feed(to_int16(part("jfk.wav", 3.3, 4.5)), 15.0), *endpointer.flush(17.0, "silence")]
    one, other = shown(engine, [*first, *later], "en")
    assert words_of(one.text) == words_of("ask what you can do for your country")
    assert words_of(other.text)[-1] == "not"
