"""Messages as the services would make them, for tests that need some."""

from wire import names
from wire.messages.base import Clock
from wire.messages.jobs import AnalyzeText, NoSpeechReason, TranscribeAudio
from wire.messages.results import Final, Label, NoSpeech, SegmentFailed, Sentiment, result_fields
from wire.messages.transcript import Transcript

ALICE = "a" * 32
BOB = "b" * 32
"""Two session ids."""


def clock(speech_end: float = 1_000.0) -> Clock:
    """Readings of an utterance up to the queue: 0.5 s of endpointing, 10 ms of enrolment."""
    return Clock(speech_end=speech_end, endpointed=speech_end + 0.5, queued=speech_end + 0.51)


def audio_job(
    segment: int = 0,
    session_id: str = ALICE,
    *,
    room: str | None = None,
    language: str | None = None,
    ms: int = 2_000,
    ahead: bool = False,
) -> TranscribeAudio:
    """One utterance of ``ms`` on its way to the speech-to-text worker."""
    return TranscribeAudio(
        session_id=session_id,
        room=room,
        segment=segment,
        start_ms=segment * 10_000,
        end_ms=segment * 10_000 + ms,
        clock=clock(1_000.0 + segment),
        audio_key=names.audio(session_id, segment),
        language=language,
        ahead=ahead,
    )


def text_job(
    segment: int = 0,
    session_id: str = ALICE,
    *,
    room: str | None = None,
    text: str = "good morning everybody",
    language: str = "en",
    ahead: bool = False,
) -> AnalyzeText:
    """The same utterance on its way to the sentiment worker."""
    transcript = Transcript(
        text=text,
        language=language,
        language_probability=0.9,
        avg_logprob=-0.25,
        no_speech_prob=0.01,
        model="base",
    )
    return AnalyzeText(**result_fields(audio_job(segment, session_id, room=room)), transcript=transcript, ahead=ahead)


def sentiment(label: Label = "positive", score: float = 0.8) -> Sentiment:
    """``label`` with ``score``; the other two share the rest."""
    labels: tuple[Label, ...] = ("negative", "neutral", "positive")
    probabilities = {name: score if name == label else (1 - score) / 2 for name in labels}
    return Sentiment(label=label, score=score, probabilities=probabilities, model="instant", language="en")


def final(
    segment: int = 0,
    session_id: str = ALICE,
    *,
    room: str | None = None,
    text: str = "good morning everybody",
    language: str = "en",
    mood: Sentiment | None = None,
) -> Final:
    """The end of an utterance with a text; without ``mood`` it has no sentiment."""
    job = text_job(segment, session_id, room=room, text=text, language=language)
    return Final.of(job, mood, None if mood else "The sentiment model instant knows de, but this is en.")


def no_speech(
    segment: int = 0, session_id: str = ALICE, *, room: str | None = None, reason: NoSpeechReason = "silence"
) -> NoSpeech:
    """The end of an utterance that was only a noise, or that was not understood."""
    return NoSpeech(**result_fields(audio_job(segment, session_id, room=room)), no_speech_prob=0.9, reason=reason)


def failed(segment: int = 0, session_id: str = ALICE, *, room: str | None = None) -> SegmentFailed:
    """The end of an utterance that was given up."""
    return SegmentFailed(
        **result_fields(audio_job(segment, session_id, room=room)),
        code="transcription_failed",
        message="This part could not be transcribed after 3 attempts.",
        remedy="Say it again.",
        attempts=3,
    )
