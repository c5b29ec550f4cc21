"""openai-whisper: the default engine. Its weights, tokens and features, with a window fitted to the speech."""

import hashlib
import math
from functools import partial
from pathlib import Path

import torch
import whisper
from torch import Tensor
from whisper.audio import HOP_LENGTH, N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.device import Device, check_transcription, load_on_device
from stt_worker.engine import MIN_AVG_LOGPROB, Deadline, Hypothesis, Request, is_silent
from stt_worker.engines.fitted_whisper.decoder import Decoder, Memory, ShortlistVocabulary, Vocabulary
from stt_worker.engines.fitted_whisper.encoder import Encoder
from stt_worker.engines.fitted_whisper.greedy import Decoded, GreedySearch, Prompt
from stt_worker.engines.fitted_whisper.guards import (
    MAX_COMPRESSION_RATIO,
    compression_ratio,
    repeats_itself,
    token_cap,
    without_loop,
)
from stt_worker.engines.fitted_whisper.linear import bfloat16, int8, multiplies_bfloat16, packs_int8, plain
from stt_worker.engines.fitted_whisper.word_times import word_times
from stt_worker.settings import Settings
from stt_worker.weights import alignment_heads, find_weights
from wire.audio import SAMPLE_RATE, Samples
from wire.errors import ModelError, WireError

TAILS_S = (2.0, 6.0, 30.0)
"""Silence after the speech that the encoder sees: the first that gives a text that can be trusted. Less than 2 s loops
more often and hears worse; of the clips on which 2 s fails, 6 s succeeds with nearly all, and 3 or 4 s with some. The
last one fills Whisper's window of 30 s, as ``whisper.transcribe`` always does."""
FRAME = 2 * HOP_LENGTH
"""Samples of one position of the encoder: 20 ms."""
ENGLISH = "en"
PROMPT_TOKENS = 64
"""Of a session's prompt, its end: each token costs time in every utterance, and a long one is continued rather than
heeded."""


class WhisperTranscriber:
    """One loaded model, used by one thread at a time."""

    def __init__(self, model: Whisper, name: str, revision: str) -> None:
        self.name = name
        self.revision = revision
        self._n_mels: int = model.dims.n_mels
        self._multilingual: bool = model.is_multilingual
        self._num_languages: int = model.num_languages
        self._device: torch.device = model.device
        self._dtype: torch.dtype = model.encoder.conv1.weight.dtype
        self._alignment_heads: list[tuple[int, int]] = model.alignment_heads.indices().T.tolist()
        embedding = model.decoder.token_embedding.weight
        vocabulary: Vocabulary
        on_cpu = self._device.type == "cpu" and self._dtype == torch.float32
        many_rows = bfloat16 if on_cpu and multiplies_bfloat16() else plain
        if on_cpu and packs_int8():
            one_row, vocabulary = int8, ShortlistVocabulary(embedding, int8)
        else:
            one_row, vocabulary = plain, Vocabulary(embedding)
        self._encoder = Encoder(model.encoder, many_rows)
        self._decoder = Decoder(model.decoder, one_row, many_rows)
        self._search = GreedySearch(self._decoder, vocabulary, self._tokenizer(ENGLISH), self._device)

    @torch.inference_mode()
    def transcribe(self, audio: Samples, request: Request, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        language = request.language
        memory = self._decoder.listen(self._encode(audio, TAILS_S[0]))
        probability = None
        if not self._multilingual:
            language = self._english(request)
        elif language is None:
            language, probability = self._detect(memory)
        tokenizer = self._tokenizer(language, request.task)
        seconds = len(audio) / SAMPLE_RATE
        cap = token_cap(seconds)
        prompt = _prompt(tokenizer, request)
        for windows, tail_s in enumerate(TAILS_S[:-1] if request.quick else TAILS_S, start=1):
            if windows > 1:
                memory = self._decoder.listen(self._encode(audio, tail_s))
                prompt = _prompt(tokenizer, Request())  # what it was told may be what led it astray
            decoded = self._search.run(memory, [prompt], [cap], deadline.check)[0]
            text = tokenizer.decode(decoded.tokens)
            if not _is_doubtful(decoded, text):
                break
        else:
            decoded.tokens = without_loop(decoded.tokens)
            text = tokenizer.decode(decoded.tokens)
        words = word_times(
            self._decoder,
            memory,
            tokenizer,
            self._alignment_heads,
            prompt.tokens[: len(prompt.tokens) - prompt.forced],
            decoded.tokens,
            [1.0] * prompt.forced + [math.exp(logprob) for logprob in decoded.logprobs],
            seconds,
        )
        return Hypothesis(
            text=text.strip(),
            language=language,
            language_probability=probability,
            avg_logprob=decoded.avg_logprob,
            no_speech_prob=decoded.no_speech_prob,
            words=words,
            windows=windows,
        )

    def _english(self, request: Request) -> str:
        """Models such as ``base.en`` write English words whatever they hear."""
        language = request.language
        if language not in (None, ENGLISH):
            raise WireError(
                "stt_language",
                f"The model {self.name} knows English only, not {language}.",
                "Choose English, or ask the operator for a multilingual model (STT_MODEL without .en).",
            )
        return ENGLISH

    def _encode(self, audio: Samples, tail_s: float) -> Tensor:
        """Encoder output of the audio and a tail of silence, shape (1, positions, n_audio_state)."""
        wanted = len(audio) + round(tail_s * SAMPLE_RATE)
        padded = pad_or_trim(audio, min(N_SAMPLES, -(-wanted // FRAME) * FRAME))
        mel = log_mel_spectrogram(padded, self._n_mels, device=self._device)
        return self._encoder(mel.unsqueeze(0).to(self._dtype))

    def _detect(self, memory: Memory) -> tuple[str, float]:
        """The most likely language, and how likely it is."""
        tokenizer = self._tokenizer(ENGLISH)
        probabilities = self._search.languages(memory, tokenizer.sot, tokenizer.all_language_tokens)[0]
        probability, index = probabilities.max(dim=-1)
        return tokenizer.all_language_codes[int(index)], float(probability)

    def _tokenizer(self, language: str, task: str = "transcribe") -> Tokenizer:
        """Kept by the library, one per language and task."""
        return get_tokenizer(self._multilingual, num_languages=self._num_languages, language=language, task=task)


def _prompt(tokenizer: Tokenizer, request: Request) -> Prompt:
    """As ``whisper.decoding.DecodingTask._get_initial_tokens``."""
    before: list[int] = []
    if request.prompt.strip():
        before = [tokenizer.sot_prev, *tokenizer.encode(f" {request.prompt.strip()}")[-PROMPT_TOKENS:]]
    prefix = tokenizer.encode(f" {request.prefix.strip()}") if request.prefix.strip() else []
    tokens = (*before, *tokenizer.sot_sequence_including_notimestamps, *prefix)
    return Prompt(tokens, sot=len(before), forced=len(prefix))


def _is_doubtful(decoded: Decoded, text: str) -> bool:
    """A repetition or a guess. Silence is neither: another look would only invent something."""
    if is_silent(decoded.no_speech_prob, decoded.avg_logprob):
        return False
    return (
        decoded.stop != "end"
        or decoded.avg_logprob < MIN_AVG_LOGPROB
        or repeats_itself(decoded.tokens)
        or compression_ratio(text) > MAX_COMPRESSION_RATIO
    )


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
        model = in_half_precision(model).to(device)
    transcriber = WhisperTranscriber(model, settings.model, _revision(path))
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
    return transcriber.transcribe(torch.zeros(16_000).numpy(), Request(), Deadline.after(60))


def _revision(path: Path) -> str:
    """The first 12 digits of the file's sha256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
