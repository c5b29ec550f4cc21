"""openai-whisper, the default engine: its weights, tokens and features, with as much audio as there is speech."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from whisper.audio import HOP_LENGTH, N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.model import Whisper
from whisper.tokenizer import Tokenizer

from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import DeadlineExceeded
from stt_worker.engines.device import device_may_be_lost
from stt_worker.engines.torch_threads import torch_threads
from stt_worker.engines.whisper import fallback
from stt_worker.engines.whisper.batch import Utterance, failing_alone, outcomes, rows_of_equal_prompts
from stt_worker.engines.whisper.completion import MOST, VoiceSeconds, all_seconds, is_spoken, missed_s
from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.encoder import Encoder
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.kv_cache import KVCache
from stt_worker.engines.whisper.languages import ENGLISH, Languages, choose_language
from stt_worker.engines.whisper.prompt import make_prompt
from stt_worker.engines.whisper.reference import reference_speech, silence_begin
from stt_worker.engines.whisper.repetition import token_limit
from stt_worker.engines.whisper.sentence_end import MEASURED, sentence_end
from stt_worker.engines.whisper.vocabulary import make_vocabulary
from stt_worker.engines.whisper.word_timestamps import token_times, word_times
from stt_worker.numerics import FLOAT16, Numerics
from wire.audio import SAMPLE_RATE, Samples

STEP = 25 * 2 * HOP_LENGTH
"""Samples by which windows grow: 25 positions of the encoder, half a second. oneDNN caches what it prepares for each
shape; with a shape per length, memory grew by 0.5 MB with each utterance."""
LONGEST_PAUSE_S = 1.0
"""Seconds behind the last word of a text, with the silence of a pause; behind more, words may be missing."""
GPU_BATCH_SIZE = 32
"""Utterances of one batch on a GPU. With ``large`` in fp16 (32 layers of 1280 numbers) an audio position takes 164 kB
of keys and values: 107 MB for 10 s, 1 s of silence and the 101 that stand for the rest of it; 448 tokens take 73 MB. 32
of these are 5.8 GB, and up to three times that when some of them end, because the others are copied. A batch that does
not fit is halved."""


class WhisperTranscriber(BatchEngine):
    """One loaded model.

    On a CPU utterances are decoded one after the other: the int8 products quantise all rows of a call with one scale,
    so that neighbours would change each other's numbers.
    """

    @torch.no_grad()  # tensors made of the weights would otherwise keep them alive
    def __init__(
        self,
        model: Whisper,
        name: str,
        digest: str,
        numerics: Numerics,
        padding_s: float = 1.0,
        voice_s: VoiceSeconds = all_seconds,
    ) -> None:
        """Prepare the weights.

        Args:
            model: loaded on the device where it runs.
            name: of the model.
            digest: that of the weights' file.
            numerics: ``FLOAT16`` for fp16 weights only.
            padding_s: silence after the speech in the first attempt, in seconds.
            voice_s: finds voice after a text; without it, all sound is taken for it.
        """
        self._voice_s = voice_s
        self.name = name
        self._padding_s = padding_s
        self.revision = f"{digest} {numerics}"
        self.max_batch_size = GPU_BATCH_SIZE if numerics == FLOAT16 else 1
        self._n_mels: int = model.dims.n_mels
        self._device: torch.device = model.device
        self._dtype: torch.dtype = model.encoder.conv1.weight.dtype
        self._languages = Languages(model, name)
        self._encoder = Encoder(model.encoder, numerics.encoder)
        reference = reference_speech()
        self._encoder.learn_silence(self._features(reference, N_SAMPLES), silence_begin(len(reference)))
        self._decoder = Decoder(model.decoder, numerics, model.alignment_heads.indices().T.tolist())
        vocabulary = make_vocabulary(model.decoder.token_embedding.weight, numerics.vocabulary)
        self._search = GreedySearch(self._decoder, vocabulary, self._languages.tokenizer(), self._device)

    @torch.inference_mode()
    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """See ``BatchEngine``."""
        utterances = [Utterance(index, request) for index, request in enumerate(requests)]
        for first in range(0, len(utterances), self.max_batch_size):
            with device_may_be_lost():
                yield from self._transcribe(utterances[first : first + self.max_batch_size])

    def _transcribe(self, batch: Sequence[Utterance]) -> Iterator[tuple[int, Outcome]]:
        for utterance in batch:
            utterance.outcome = self._languages.unsupported(utterance.config)
        yield from outcomes(batch)
        for attempt in range(1, fallback.ATTEMPTS + 1):
            pending = [utterance for utterance in batch if utterance.outcome is None]
            if not pending:
                return
            check = pending[0].request.deadline.check if len(pending) == 1 else _unchecked
            cache = self._encode([utterance.request.audio for utterance in pending], attempt, check)
            if attempt == 1:
                self._listen(pending, cache)
            self._set_prompts(pending, is_first=attempt == 1)
            yield from outcomes(pending)
            for rows in rows_of_equal_prompts(pending):
                group = [pending[row] for row in rows]
                has_context = group[0].context_len > 0
                audio = [utterance.audio for utterance in group]
                self._decode(group, self._encode(audio, attempt, check) if has_context else cache.select(rows), attempt)
                yield from outcomes(group)

    def _encode(self, batch: Sequence[Samples], attempt: int, check: Callable[[], None]) -> KVCache:
        """Encode some audio, each padded with silence; ``check`` is called before each layer, and may end that."""
        padding = round(fallback.padding_s(attempt, self._padding_s) * SAMPLE_RATE)
        windows = [min(N_SAMPLES, math.ceil((len(audio) + padding) / STEP) * STEP) for audio in batch]
        mels = [self._features(audio, window) for audio, window in zip(batch, windows, strict=True)]
        return self._decoder.precompute_cross_kv(*self._encoder(mels, check))

    def _features(self, audio: Samples, window: int) -> Tensor:
        """Return the log-mel frames of a window that begins with the audio, (mels, window / 160)."""
        frames: Tensor = log_mel_spectrogram(pad_or_trim(audio, window), self._n_mels, device=self._device)
        return frames.to(self._dtype)

    def _listen(self, batch: Sequence[Utterance], cache: KVCache) -> None:
        """Detect languages and silence by the audio of each utterance alone; drop the contexts that do not fit."""
        for utterance in batch:
            utterance.language = utterance.config.language or ENGLISH
        configs = [utterance.config for utterance in batch]
        is_unknown = [self._languages.is_multilingual and config.language is None for config in configs]
        rows = [row for row, config in enumerate(configs) if is_unknown[row] or config.context is not None]
        if not rows:
            return
        tokenizer = self._languages.tokenizer()
        languages = tokenizer.all_language_tokens if self._languages.is_multilingual else ()
        with torch_threads(1):
            found, no_speech = self._search.first_look(cache.select(rows), tokenizer.sot, languages)
        for row, probabilities, no_speech_prob in zip(rows, found, no_speech, strict=True):
            utterance = batch[row]
            if is_unknown[row]:
                utterance.language, utterance.language_probability = choose_language(
                    dict(zip(tokenizer.all_language_codes, probabilities.tolist(), strict=True)),
                    utterance.config,
                    utterance.seconds,
                )
            utterance.no_speech_prob = no_speech_prob
            # With contexts, texts of a batch would hardly ever have prompts of one length, and be decoded one by one.
            if self.max_batch_size > 1 or not utterance.fits_context():
                utterance.drop_context()

    def _set_prompts(self, batch: Sequence[Utterance], *, is_first: bool) -> None:
        """Later attempts use the task only: prompt or prefix may have led the model astray."""
        for utterance in batch:
            config = utterance.config if is_first else RecognitionConfig(task=utterance.config.task)
            with failing_alone(utterance):
                tokenizer = self._languages.tokenizer(utterance.language, config.task)
                utterance.prompt = make_prompt(tokenizer, config)
                if utterance.context_len and len(utterance.prompt.tokens) > self._decoder.n_ctx // 2:
                    utterance.drop_context()  # the other half is for the text, as in the library
                    utterance.prompt = make_prompt(tokenizer, utterance.config)

    def _decode(self, batch: Sequence[Utterance], cache: KVCache, attempt: int) -> None:
        """Decode utterances with prompts of equal shape; a text that is not accepted counts in the last attempt."""
        prompts = [utterance.prompt for utterance in batch if utterance.prompt is not None]
        max_tokens = [self._max_tokens(utterance, attempt) for utterance in batch]
        on_token = [utterance.request.deadline.check for utterance in batch]
        with torch_threads(1):  # a step waits for memory, and with more threads for the slowest of them too
            goes_on = batch[0].context_len > 0  # otherwise no text is empty anyway
            texts = self._search.run(cache.select(range(len(batch))), prompts, max_tokens, on_token, goes_on=goes_on)
        for row, (utterance, decoded) in enumerate(zip(batch, texts, strict=True)):
            with failing_alone(utterance):
                if decoded.error is not None:
                    raise decoded.error
                tokenizer = self._languages.tokenizer(utterance.text_language)
                own = self._own(utterance, decoded)
                text = (
                    None
                    if utterance.repeats_context(tokenizer.decode(own.tokens))
                    else (fallback.accepted(own, tokenizer, utterance.seconds))
                )
                if text is not None:
                    text = self._completed(utterance, text, cache, row)
                elif fallback.is_last(attempt, allow_fallback=utterance.config.allow_fallback):
                    text = fallback.without_loop(own)
                if text is not None:
                    utterance.outcome = self._hypothesis(utterance, text, attempt)

    def _completed(self, utterance: Utterance, decoded: Decoded, cache: KVCache, row: int) -> Decoded:
        """Go on with an accepted text that ends before the speech does, as often as that happens.

        Args:
            utterance: of the text.
            decoded: the text, without that of the context.
            cache: without text; the utterance is a row of it.
            row: index of that row.
        """
        tokenizer = self._languages.tokenizer(utterance.text_language)
        for _ in range(MOST):
            left_s = missed_s(decoded, utterance.request.audio, self._voice_s)
            if not left_s:
                break
            assert utterance.prompt is not None  # there is a text
            prompt = utterance.prompt.followed_by(decoded.tokens)
            most = prompt.given + token_limit(left_s, utterance.text_language)
            check = utterance.request.deadline.check
            with torch_threads(1):
                (rest,) = self._search.run(cache.select([row]), [prompt], [most], [check], goes_on=True)
            if isinstance(rest.error, DeadlineExceeded):
                break  # what there is counts
            if rest.error is not None:
                raise rest.error
            whole = decoded.followed_by(self._own(utterance, rest))
            is_own = is_spoken(rest, tokenizer.decode(rest.tokens[prompt.given :]))
            if not is_own or fallback.needs_fallback(whole, tokenizer.decode(whole.tokens)):
                break
            decoded = whole
        return decoded

    @staticmethod
    def _own(utterance: Utterance, decoded: Decoded) -> Decoded:
        """Return the text of an utterance without that of its context."""
        if not utterance.context_len:
            return decoded
        own = decoded.after(utterance.context_len, utterance.context_positions)
        assert utterance.no_speech_prob is not None  # there was a first look
        return replace(own, no_speech_prob=utterance.no_speech_prob)

    def _max_tokens(self, utterance: Utterance, attempt: int) -> int:
        most = fallback.max_tokens(attempt, utterance.seconds, utterance.text_language, self._decoder.n_ctx)
        return utterance.context_len + most

    def _hypothesis(self, utterance: Utterance, decoded: Decoded, attempt: int) -> Hypothesis:
        tokenizer = self._languages.tokenizer(utterance.text_language)
        probabilities = [1.0] * decoded.prefix_len + [math.exp(logprob) for logprob in decoded.logprobs]
        times = token_times(decoded, utterance.seconds) if decoded.tokens else None
        return Hypothesis(
            text=tokenizer.decode(decoded.tokens).strip(),
            language=utterance.language,
            language_probability=utterance.language_probability,
            avg_logprob=decoded.avg_logprob,
            no_speech_prob=decoded.no_speech_prob,
            continues=decoded.continues,
            sentence_end=_sentence_end(utterance, decoded, tokenizer),
            words=() if times is None else word_times(times, tokenizer, decoded.tokens, probabilities),
            attempts=attempt,
        )


def _unchecked() -> None:
    """Let a batch be encoded to its end: its utterances have deadlines of their own."""


def _sentence_end(utterance: Utterance, decoded: Decoded, tokenizer: Tokenizer) -> float | None:
    """Return the log-odds that a sentence is over; None for a text that is no evidence of that.

    That is one that ends long before the audio, one in a language that was not measured, and a translation, whose
    sentences are not those of the speech.
    """
    if utterance.config.task == "translate" or utterance.language not in MEASURED or not decoded.tokens:
        return None
    if token_times(decoded, utterance.seconds)[-1] < utterance.seconds - LONGEST_PAUSE_S:
        return None
    return sentence_end(decoded, tokenizer)
