"""Pure: the results of a file in each format that a client may choose."""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi_service.api.openai_rest.order import Order
from fastapi_service.api.openai_rest.text import text_of
from fastapi_service.api.openai_rest.transcript import Transcript, seconds
from fastapi_service.export.entries import Speaker, Speakers, plain_text
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Said, Sentences
from wire.languages import WITHOUT_SPACES
from wire.messages.results import LABELS, Final, SegmentFailed, Sentiment

SUBTITLES = ("srt", "vtt")
MEDIA_TYPES = {"text": "text/plain; charset=utf-8"} | {name: FORMATS[name].media_type for name in SUBTITLES}
FRAME_S = 0.01
"""Seconds of one frame of Whisper's spectrogram, the unit of ``seek``."""
_SENTIMENT = {"label", "score", "probabilities", "unsure", "zero_shot"}


def written(transcript: Transcript, more: Mapping[str, Any]) -> tuple[str, str]:
    """Return media type and body of the answer; in JSON with ``more`` fields."""
    order = transcript.order
    if order.response_format == "text":
        return MEDIA_TYPES["text"], f"{text_of(transcript.finals)}\n"
    if order.response_format in SUBTITLES:
        return MEDIA_TYPES[order.response_format], _subtitles(transcript)
    return "application/json", json.dumps(body(transcript) | dict(more), ensure_ascii=False, separators=(",", ":"))


def body(transcript: Transcript) -> dict[str, Any]:
    """Return the answer in one of the formats of JSON."""
    order, found = transcript.order, {"text": text_of(transcript.finals)} | overall(transcript)
    if order.response_format == "verbose_json":
        found = {"task": order.task, "language": next(iter(transcript.languages), order.start.language or ""),
                 "duration": transcript.usage["seconds"]} | found  # fmt: skip
        if "segment" in order.granularities:
            found["segments"] = segments(transcript)
        if "word" in order.granularities:
            found["words"] = [word for final in transcript.finals for word in _words(final)]
    elif order.response_format == "diarized_json":
        found = {"task": order.task, "duration": transcript.usage["seconds"], "segments": turns(transcript)} | found
    elif order.sentiment:
        found["segments"] = segments(transcript)
    if order.response_format == "json" and order.logprobs:
        found["logprobs"] = logprobs(transcript.finals)
    return found


def overall(transcript: Transcript) -> dict[str, Any]:
    """Return what is said of the whole file beside its text."""
    found: dict[str, Any] = {"usage": transcript.usage}
    if transcript.order.response_format in {"json", "text"}:
        found["languages"] = [{"code": code} for code in transcript.languages]
    if transcript.order.sentiment:
        found["sentiment"] = _mean([each.result for each in _said(transcript)])
    if transcript.failures:
        found["failed_segments"] = [
            {"start": seconds(each.start_ms), "end": seconds(each.end_ms), "code": each.code}
            for each in transcript.failures
        ]
    return found


def segments(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the sentences, with the fields of Whisper's segments."""
    speaker = _speaker(transcript)
    return [
        _segment(number, final, speaker, with_sentiment=transcript.order.sentiment)
        for number, final in enumerate(_sentences(transcript))
    ]


def turns(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the sentences with who said them."""
    speaker = _speaker(transcript)
    return [turn(number, final, speaker, transcript.order) for number, final in enumerate(_sentences(transcript))]


def turn(number: int, final: Final, speaker: Speaker, order: Order) -> dict[str, Any]:
    """Return one sentence with who said it: A, B, … where voices are distinguished, else A."""
    voice = speaker.voices.get(final.voice or 0, 1)
    found: dict[str, Any] = {
        "type": "transcript.text.segment",
        "id": f"seg_{number}",
        "start": seconds(final.start_ms),
        "end": seconds(final.end_ms),
        "text": plain_text(final.text),
        "speaker": chr(ord("A") + min(voice, 26) - 1),
    }
    return found | ({"sentiment": sentiment(final.sentiment)} if order.sentiment else {})


def logprobs(finals: Sequence[Final]) -> list[dict[str, Any]]:
    """Return the probability of each word, as its logarithm; words stand for tokens."""
    words = [word for final in finals for word in final.words]
    return [
        {"token": word.text, "bytes": list(word.text.encode()), "logprob": math.log(max(word.probability, 1e-9))}
        for word in words
    ]


def sentiment(found: Sentiment | None) -> dict[str, Any] | None:
    """Return a sentiment; None without one."""
    return found.model_dump(include=_SENTIMENT) if found is not None else None


def _segment(number: int, final: Final, speaker: Speaker, *, with_sentiment: bool) -> dict[str, Any]:
    text = ("" if final.language in WITHOUT_SPACES else " ") + plain_text(final.text)
    data = text.encode()
    found: dict[str, Any] = {
        "id": number,
        "seek": round(final.start_ms / 1000 / FRAME_S),
        "start": seconds(final.start_ms),
        "end": seconds(final.end_ms),
        "text": text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": final.avg_logprob,
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 3),
        "no_speech_prob": final.no_speech_prob,
    }
    if speaker.voices:
        found["voice"] = speaker.voices.get(final.voice or 0)
    return found | ({"sentiment": sentiment(final.sentiment)} if with_sentiment else {})


def _words(final: Final) -> list[dict[str, Any]]:
    return [
        {"word": word.text.strip(), "start": seconds(word.start_ms), "end": seconds(word.end_ms)}
        | {"probability": word.probability}
        for word in final.words
    ]


def _noted(results: Sequence[Final | SegmentFailed]) -> tuple[Speakers, Sentences]:
    speakers, sentences = Speakers(), Sentences()
    for result in results:
        speakers.note(result)
        sentences.note(result)
    return speakers, sentences


def _said(transcript: Transcript) -> list[Said]:
    _, sentences = _noted(transcript.results)
    return [*sentences.add(transcript.results), *sentences.rest()]


def _sentences(transcript: Transcript) -> list[Final]:
    return [each.result for each in _said(transcript) if isinstance(each.result, Final)]


def _speaker(transcript: Transcript) -> Speaker:
    speakers, _ = _noted(transcript.results)
    return next(iter(speakers.by_session().values()), Speaker(None, 0))


def _subtitles(transcript: Transcript) -> str:
    """Return the file as an export has it; the marks of sentiment only if they are requested."""
    results = transcript.results
    if not transcript.order.sentiment:
        no_label = {"sentiment": None}
        results = [each.model_copy(update=no_label) if isinstance(each, Final) else each for each in results]
    speakers, sentences = _noted(results)
    file = File(FORMATS[transcript.order.response_format], speakers.by_session(), sentences)
    return file.head() + file.entries(results) + file.tail()


def _mean(results: Sequence[Final | SegmentFailed]) -> dict[str, Any] | None:
    """Return the mean of the sentences' sentiments; None without any."""
    found = [each.sentiment for each in results if isinstance(each, Final) and each.sentiment is not None]
    if not found:
        return None
    means = {label: sum(each.probabilities[label] for each in found) / len(found) for label in LABELS}
    label = max(means, key=lambda name: means[name])
    rounded = {name: round(mean, 4) for name, mean in means.items()}
    return {"label": label, "score": rounded[label], "probabilities": rounded, "sentences": len(found)}
