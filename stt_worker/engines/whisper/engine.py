"""openai-whisper: the default engine. Its weights, tokens and features, with a window fitted to the speech."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import structlog
import torch
import whisper
from whisper.audio import HOP_LENGTH, N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.engines.base import (
    MIN_AVG_LOGPROB,
    BatchEngine,
    Deadline,
    Hypothesis,
    Outcome,
    RecognitionConfig,
    RecognitionRequest,
    Word,
    is_silent,
)
from stt_worker.engines.device import Device, check_transcription, device_may_be_lost, load_on_device
from stt_worker.engines.torch_threads import torch_threads
from stt_worker.engines.whisper.decoder import Decoder, Memory, make_vocabulary
from stt_worker.engines.whisper.encoder import Encoder
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch, Prompt
from stt_worker.engines.whisper.numerics import FLOAT16, Numerics
from stt_worker.engines.whisper.processor import choose_numerics
from stt_worker.engines.whisper.repetition import (
    MAX_COMPRESSION_RATIO,
    compression_ratio,
    repeats_itself,
    repetition,
    sayings,
    token_cap,
    without_loop,
)
from stt_worker.engines.whisper.word_timestamps import Times, token_times, word_times
from stt_worker.settings import Settings
from stt_worker.weights.find import alignment_heads, find_weights
from wire.audio import SAMPLE_RATE
from wire.errors import ModelError, WireError

PADDING_S = (2.0, 6.0, 30.0)
"""Silence after the speech that the encoder sees: the first that gives a text that can be trusted. Less than 2 s loops
more often and hears worse; of the clips on which 2 s fails, 6 s succeeds with nearly all, and 3 or 4 s with some. The
last one fills Whisper's window of 30 s, as ``whisper.transcribe`` always does."""
STEP = 25 * 2 * HOP_LENGTH
"""Windows grow in steps of 25 positions of the encoder, half a second: oneDNN keeps what it prepares for each shape,
and with a shape for each length memory grew by 0.5 MB with each utterance."""
ENGLISH = "en"
PROMPT_TOKENS = 64
"""Of a session's prompt, its end: each token costs time in every utterance, and a long one is continued rather than
heeded."""

LARGEST = 32
"""Utterances of one batch on a GPU. With ``large`` in fp16 (32 layers of 1280 numbers) a position of the audio takes
164 kB of keys and values: 98 MB for 10 s and 2 s of silence; and 448 tokens take 73 MB. 32 of these are 5.5 GB, and up
to three times that when some of them end, because what goes on is copied. A batch that does not fit is halved."""

log = structlog.get_logger()


@dataclass
class _Utterance:
    """One request and what is known about it so far."""

    index: int
    """Of the request."""
    request: RecognitionRequest
    language: str = ""
    language_probability: float | None = None
    """None unless the language was detected."""
    prompt: Prompt | None = None
    outcome: Outcome | None = None
    """None until a text is accepted, the last attempt is over, or it failed."""

    @property
    def config(self) -> RecognitionConfig:
        return self.request.config

    @property
    def seconds(self) -> float:
        """Duration of the audio."""
        return len(self.request.audio) / SAMPLE_RATE


class WhisperTranscriber(BatchEngine):
    """One loaded model.

    On a CPU utterances are decoded one after the other: the int8 products quantise all rows of a call with one scale,
    so that neighbours would change each other's numbers.
    """

    @torch.no_grad()  # what is made of the weights would otherwise keep them
    def __init__(self, model: Whisper, name: str, digest: str, numerics: Numerics) -> None:
        """
        Args:
            digest: of the weights' file.
            numerics: ``FLOAT16`` for weights in half precision; the others are for float32 on a CPU.
        """
        self.name = name
        self.revision = f"{digest} {numerics}"
        self.max_batch_size = LARGEST if numerics == FLOAT16 else 1
        self._n_mels: int = model.dims.n_mels
        self._multilingual: bool = model.is_multilingual
        self._num_languages: int = model.num_languages
        self._device: torch.device = model.device
        self._dtype: torch.dtype = model.encoder.conv1.weight.dtype
        self._encoder = Encoder(model.encoder, numerics.encoder)
        self._decoder = Decoder(model.decoder, numerics, model.alignment_heads.indices().T.tolist())
        vocabulary = make_vocabulary(model.decoder.token_embedding.weight, numerics.vocabulary)
        self._search = GreedySearch(self._decoder, vocabulary, self._tokenizer(ENGLISH), self._device)

    @torch.inference_mode()
    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        utterances = [_Utterance(index, request) for index, request in enumerate(requests)]
        for first in range(0, len(utterances), self.max_batch_size):
            with device_may_be_lost():
                yield from self._transcribe(utterances[first : first + self.max_batch_size])

    def _transcribe(self, batch: Sequence[_Utterance]) -> Iterator[tuple[int, Outcome]]:
        for utterance in batch:
            utterance.outcome = self._unsupported(utterance.config)
        yield from _outcomes(batch)
        for attempt, padding_s in enumerate(PADDING_S, start=1):
            pending = [utterance for utterance in batch if utterance.outcome is None]
            if not pending:
                return
            memory = self._listen(pending, padding_s)
            if attempt == 1:
                with torch_threads(1):
                    self._detect_languages(pending, memory)
            self._set_prompts(pending, first=attempt == 1)
            yield from _outcomes(pending)
            for rows in _rows_of_equal_prompts(pending):
                group = [pending[row] for row in rows]
                self._decode(group, memory.part(rows), attempt)
                yield from _outcomes(group)

    def _listen(self, batch: Sequence[_Utterance], padding_s: float) -> Memory:
        """Encode the audio of each utterance, padded with silence."""
        mels = []
        for utterance in batch:
            audio = utterance.request.audio
            steps = math.ceil((len(audio) + round(padding_s * SAMPLE_RATE)) / STEP)
            padded = pad_or_trim(audio, min(N_SAMPLES, steps * STEP))
            mels.append(log_mel_spectrogram(padded, self._n_mels, device=self._device).to(self._dtype))
        return self._decoder.listen(*self._encoder(mels))

    def _detect_languages(self, batch: Sequence[_Utterance], memory: Memory) -> None:
        for utterance in batch:
            utterance.language = utterance.config.language or ENGLISH
        rows = [row for row, utterance in enumerate(batch) if utterance.config.language is None]
        if not self._multilingual or not rows:
            return
        tokenizer = self._tokenizer(ENGLISH)
        found = self._search.languages(memory.part(rows), tokenizer.sot, tokenizer.all_language_tokens)
        for row, (probability, index) in zip(rows, zip(*found.max(dim=-1), strict=True), strict=True):
            batch[row].language = tokenizer.all_language_codes[int(index)]
            batch[row].language_probability = float(probability)

    def _set_prompts(self, batch: Sequence[_Utterance], *, first: bool) -> None:
        """Later attempts use the task only: prompt or prefix may have led the model astray."""
        for utterance in batch:
            config = utterance.config if first else RecognitionConfig(task=utterance.config.task)
            with _failing_alone(utterance):
                utterance.prompt = _prompt(self._tokenizer(utterance.language, config.task), config)

    def _decode(self, batch: Sequence[_Utterance], memory: Memory, attempt: int) -> None:
        """Decode utterances with prompts of equal shape; a text that is not accepted counts in the last attempt."""
        prompts = [utterance.prompt for utterance in batch if utterance.prompt is not None]
        caps = [self._cap(utterance, attempt) for utterance in batch]
        ticks = [utterance.request.deadline.check for utterance in batch]
        with torch_threads(1):  # a step waits for its weights, and would wait for other threads besides
            texts = self._search.run(memory, prompts, caps, ticks)
        for utterance, decoded in zip(batch, texts, strict=True):
            schedule = PADDING_S if utterance.config.allow_fallback else PADDING_S[:-1]
            with _failing_alone(utterance):
                if decoded.error is not None:
                    raise decoded.error
                accepted = self._trusted(utterance, decoded)
                if accepted is None and attempt == len(schedule):
                    accepted = decoded.first(max(decoded.forced, len(without_loop(decoded.tokens))))
                if accepted is not None:
                    utterance.outcome = self._hypothesis(utterance, accepted, attempt)

    def _trusted(self, utterance: _Utterance, decoded: Decoded) -> Decoded | None:
        """What can be believed of a text: all of it, or without what the audio has no time for; None: nothing.

        After a short tail of silence the model sometimes says a whole sentence again instead of ending.
        """
        if not self._is_doubtful(utterance, decoded):
            return decoded
        phrase, again = repetition(decoded.tokens)
        if not again or len(decoded.tokens) - again < decoded.forced:
            return None
        once = decoded.first(len(decoded.tokens) - again)
        times = self._token_times(utterance, once)
        said = sayings(phrase, times[-1] - times[-1 - phrase], utterance.seconds - times[-1])
        if said == 1 and once.avg_logprob >= MIN_AVG_LOGPROB and not self._is_doubtful(utterance, once):
            return once
        if said == 2 and phrase == again and not self._is_doubtful(utterance, decoded, repetitive=False):
            return decoded
        return None

    def _is_doubtful(self, utterance: _Utterance, decoded: Decoded, *, repetitive: bool = True) -> bool:
        """A guess, or a repetition if asked for. Silence is neither: another look would only invent something."""
        if is_silent(decoded.no_speech_prob, decoded.avg_logprob):
            return False
        return (
            decoded.stop != "end"
            or decoded.avg_logprob < MIN_AVG_LOGPROB
            or (repetitive and repeats_itself(decoded.tokens))
            or compression_ratio(self._text(utterance, decoded)) > MAX_COMPRESSION_RATIO
        )

    def _cap(self, utterance: _Utterance, attempt: int) -> int:
        """Most tokens of a text: of the last look, which nobody corrects, all that the model can write."""
        last = attempt == len(PADDING_S)
        return self._decoder.n_ctx if last else token_cap(utterance.seconds, utterance.language)

    def _hypothesis(self, utterance: _Utterance, decoded: Decoded, attempt: int) -> Hypothesis:
        probabilities = [1.0] * decoded.forced + [math.exp(logprob) for logprob in decoded.logprobs]
        words: tuple[Word, ...] = ()
        if decoded.tokens:
            times = self._token_times(utterance, decoded)
            words = word_times(times, self._tokenizer(utterance.language), decoded.tokens, probabilities)
        return Hypothesis(
            text=self._text(utterance, decoded).strip(),
            language=utterance.language,
            language_probability=utterance.language_probability,
            avg_logprob=decoded.avg_logprob,
            no_speech_prob=decoded.no_speech_prob,
            words=words,
            attempts=attempt,
        )

    def _text(self, utterance: _Utterance, decoded: Decoded) -> str:
        text: str = self._tokenizer(utterance.language).decode(decoded.tokens)
        return text

    @staticmethod
    def _token_times(utterance: _Utterance, decoded: Decoded) -> Times:
        assert decoded.attention is not None
        return token_times(decoded.attention, decoded.before, len(decoded.tokens), utterance.seconds)

    def _unsupported(self, config: RecognitionConfig) -> WireError | None:
        """Models such as ``base.en`` write English words whatever they hear; ``yue`` came with ``large-v3``."""
        if not self._multilingual and (config.language not in (None, ENGLISH) or config.task != "transcribe"):
            return WireError(
                "stt_language",
                f"The model {self.name} knows English only, not {config.language or 'translation'}.",
                "Choose English, or ask the operator for a multilingual model (STT_MODEL without .en).",
            )
        if config.language is not None and config.language not in self._tokenizer(ENGLISH).all_language_codes:
            return WireError(
                "stt_language",
                f"The model {self.name} does not know the language {config.language}.",
                "Choose another, or ask the operator for a newer model (STT_MODEL=large or turbo).",
            )
        return None

    def _tokenizer(self, language: str, task: str = "transcribe") -> Tokenizer:
        """Kept by the library, one per language and task."""
        return get_tokenizer(self._multilingual, num_languages=self._num_languages, language=language, task=task)


def _prompt(tokenizer: Tokenizer, config: RecognitionConfig) -> Prompt:
    """As ``whisper.decoding.DecodingTask._get_initial_tokens``."""
    before: list[int] = []
    if config.prompt.strip():
        before = [tokenizer.sot_prev, *_words(tokenizer, config.prompt)[-PROMPT_TOKENS:]]
    prefix = _words(tokenizer, config.prefix) if config.prefix.strip() else []
    tokens = (*before, *tokenizer.sot_sequence_including_notimestamps, *prefix)
    return Prompt(tokens, sot=len(before), forced=len(prefix))


def _words(tokenizer: Tokenizer, text: str) -> list[int]:
    """Tokens of a text that somebody else wrote: also ``<|endoftext|>`` is nothing but letters."""
    tokens: list[int] = tokenizer.encode(f" {text.strip()}", disallowed_special=())
    return tokens


def _outcomes(batch: Sequence[_Utterance]) -> Iterator[tuple[int, Outcome]]:
    """Yield the index and outcome of the utterances that have one."""
    for utterance in batch:
        if utterance.outcome is not None:
            yield utterance.index, utterance.outcome


def _rows_of_equal_prompts(batch: Sequence[_Utterance]) -> list[list[int]]:
    """Group the utterances that can be decoded together, by their indices: those with prompts of the same shape."""
    groups = defaultdict(list)
    for row, utterance in enumerate(batch):
        if utterance.outcome is None and (prompt := utterance.prompt) is not None:
            groups[len(prompt.tokens), prompt.sot, prompt.forced].append(row)
    return list(groups.values())


@contextmanager
def _failing_alone(utterance: _Utterance) -> Iterator[None]:
    """What goes wrong with one utterance is its own outcome; what torch raises is about the whole batch."""
    try:
        yield
    except RuntimeError:
        raise
    except Exception as error:  # the boundary: one utterance must not end the others of its batch
        utterance.outcome = error


def load_whisper(settings: Settings) -> WhisperTranscriber:
    """Find the weights, load them where the settings want them, and try them there.

    Raises:
        ModelError: they are missing or corrupt, or the GPU is missing or failed.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    return load_on_device(settings.device, partial(_load_whisper_on, settings), fallback=settings.gpu_fallback)


def _load_whisper_on(settings: Settings, device: Device) -> WhisperTranscriber:
    path = find_weights(settings.model, settings.model_cache, offline=settings.model_offline)
    model = _read_checkpoint(path, settings.model)
    if device == "cuda":
        model, numerics = in_half_precision(model).to(device), FLOAT16
    else:
        numerics = choose_numerics(settings.numerics)
    log.info("numerics chosen", **asdict(numerics))
    transcriber = WhisperTranscriber(model, settings.model, _digest(path), numerics)
    heard = warm_up(transcriber)
    if device == "cuda":
        check_transcription(heard)
    return transcriber


def _read_checkpoint(path: Path, name: str) -> Whisper:
    """The model in main memory, so that what fails here is the file's fault and not the GPU's."""
    try:
        model = whisper.load_model(str(path), device="cpu")
        heads = alignment_heads(name)
        if heads is not None:
            model.set_alignment_heads(heads)
    except Exception as error:  # torch.load raises whatever the broken file provokes
        raise ModelError(
            "model_corrupt",
            f"{path} is not an openai-whisper checkpoint ({type(error).__name__}).",
            "Delete it and run `make models`, or set STT_MODEL to another file.",
        ) from error
    return model


def in_half_precision(model: Whisper) -> Whisper:
    """The same model with fp16 weights, except layer norms: Whisper feeds them fp32, and torch wants both alike."""
    model.half()
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.float()
    return model


def warm_up(transcriber: WhisperTranscriber) -> Hypothesis:
    """The first run allocates and compiles; it must not be a user's sentence."""
    return transcriber.transcribe(torch.zeros(16_000).numpy(), RecognitionConfig(), Deadline.after(60))


def _digest(path: Path) -> str:
    """The first 12 digits of the file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
