"""Our encoder and decoder against the library's, with random weights: the same numbers, the same tokens."""

import pytest
import torch
from torch import Tensor
from whisper.decoding import DecodingOptions, DecodingTask
from whisper.model import ModelDimensions, Whisper
from whisper.timing import median_filter
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.engines.whisper.attention import SelfAttention, Sound
from stt_worker.engines.whisper.decoder import Decoder, ShortlistVocabulary, Vocabulary
from stt_worker.engines.whisper.encoder import Encoder, Pack
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch, Prompt
from stt_worker.engines.whisper.linear import bfloat16, int8, multiplies_bfloat16, packs_int8
from stt_worker.engines.whisper.word_timestamps import SMOOTHING, _median
from tests.unit.stt_worker.tiny_whisper import random_whisper

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")
needs_int8 = pytest.mark.skipif(not packs_int8(), reason="torch has packed int8 products on x86 only")
needs_bfloat16 = pytest.mark.skipif(not multiplies_bfloat16(), reason="the processor does not multiply bfloat16")

DIMENSIONS = ModelDimensions(
    n_mels=80,
    n_audio_ctx=1500,
    n_audio_state=64,
    n_audio_head=4,
    n_audio_layer=2,
    n_vocab=51_865,
    n_text_ctx=64,
    n_text_state=64,
    n_text_head=4,
    n_text_layer=2,
)


@pytest.fixture(scope="module")
def model() -> Whisper:
    return random_whisper(DIMENSIONS)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return get_tokenizer(True, num_languages=99, language="en", task="transcribe")


def mel(seed: int, frames: int = 3000) -> Tensor:
    return torch.randn(1, 80, frames, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def decode(model: Whisper, tokenizer: Tokenizer, features: Tensor, **options: object) -> list[Decoded]:
    decoder = Decoder(model.decoder)
    search = GreedySearch(decoder, Vocabulary(model.decoder.token_embedding.weight), tokenizer, torch.device("cpu"))
    prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
    memory = decoder.listen(features, **options)  # type: ignore[arg-type]
    return search.run(memory, [prompt] * len(features), [1000] * len(features), [lambda: None] * len(features))


@torch.inference_mode()
def test_the_encoder_gives_the_librarys_numbers(model: Whisper) -> None:
    frames = mel(1)
    ours, _ = Encoder(model.encoder)([frames[0]])
    torch.testing.assert_close(ours, model.encoder(frames), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_short_window_is_as_long_as_its_audio(model: Whisper) -> None:
    features, positions = Encoder(model.encoder)([mel(1, 400)[0]])
    assert (features.shape, positions) == ((1, 200, 64), [200])


@torch.inference_mode()
@pytest.mark.parametrize("seed", range(6))
def test_decoding_gives_the_librarys_tokens(model: Whisper, tokenizer: Tokenizer, seed: int) -> None:
    """Token for token, with the same probabilities; only a loop ends sooner here."""
    features = model.encoder(mel(seed))
    options = DecodingOptions(language="en", without_timestamps=True, fp16=False)
    expected = DecodingTask(model, options).run(features)[0]
    ours = decode(model, tokenizer, features)[0]
    assert ours.tokens == expected.tokens[: len(ours.tokens)]
    assert ours.no_speech_prob == pytest.approx(expected.no_speech_prob, rel=1e-3)
    if ours.stop == "end":
        assert ours.tokens == expected.tokens
        assert ours.avg_logprob == pytest.approx(expected.avg_logprob, rel=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize("forced", [0, 2])
def test_attention_is_kept_from_each_step(model: Whisper, tokenizer: Tokenizer, forced: int) -> None:
    """Of each utterance of a batch, which end at different steps, what one pass over all its tokens gives."""
    decoder = Decoder(model.decoder, following=[(0, 1), (1, 0), (1, 3)])
    search = GreedySearch(decoder, Vocabulary(model.decoder.token_embedding.weight), tokenizer, torch.device("cpu"))
    before = (tokenizer.sot_prev, 300)
    tokens = (*before, *tokenizer.sot_sequence_including_notimestamps, *(400, 500)[:forced])
    prompt = Prompt(tokens, sot=len(before), forced=forced)
    features = model.encoder(torch.cat([mel(1), mel(2), mel(3)]))
    found = search.run(decoder.listen(features), [prompt] * 3, [4, 9, 6], [lambda: None] * 3)
    assert len({len(text.tokens) for text in found}) > 1
    for row, text in enumerate(found):
        written = text.tokens[forced:] if text.stop == "end" else text.tokens[forced:-1]
        looks: list[Tensor] = []
        decoder(torch.tensor([[*tokens, *written]]), decoder.listen(features[row : row + 1]), looks)
        assert text.attention is not None
        torch.testing.assert_close(text.attention, torch.cat(looks, dim=1)[0, :, prompt.sot :], rtol=1e-3, atol=1e-3)


def test_the_beginning_of_a_text_keeps_its_probabilities() -> None:
    """What was forced has none, the end has one."""
    for logprobs in ([-1.0, -2.0, -3.0, -9.0], [-1.0, -2.0, -3.0]):
        text = Decoded([7, 8, 1, 2, 3], logprobs, forced=2)
        cut = text.first(4)
        assert (cut.tokens, cut.logprobs, cut.stop) == ([7, 8, 1, 2], [-1.0, -2.0], "end")
        assert (cut.first(3).logprobs, text.first(1).logprobs) == ([-1.0], [])
        assert text.first(5) is text


@torch.inference_mode()
def test_a_batch_gives_what_each_gives_alone(model: Whisper, tokenizer: Tokenizer) -> None:
    """Utterances of different lengths and ends, padded to the longest and masked."""
    encoder = Encoder(model.encoder)
    mels = [mel(seed, frames)[0] for seed, frames in ((1, 500), (2, 300), (3, 800))]
    alone = [encoder([each])[0] for each in mels]
    batch, lengths = encoder(mels)
    for row, features in enumerate(alone):
        torch.testing.assert_close(batch[row : row + 1, : lengths[row]], features, rtol=1e-4, atol=1e-4)
    together = decode(model, tokenizer, batch, positions=lengths)
    for features, ours in zip(alone, together, strict=True):
        expected = decode(model, tokenizer, features)[0]
        assert (ours.tokens, ours.stop) == (expected.tokens, expected.stop)


@torch.inference_mode()
def test_only_what_is_decoded_takes_room_for_its_tokens(model: Whisper, tokenizer: Tokenizer) -> None:
    """A whole batch is listened to, and its groups decoded one by one: none of it is laid out twice."""
    decoder = Decoder(model.decoder)
    memory = decoder.listen(model.encoder(torch.cat([mel(1), mel(2)])))
    part = memory.part([1])
    decoder(torch.tensor([[tokenizer.sot]]), part)
    assert memory.text is None
    assert part.text is not None
    assert part.text.shape == (2, 1, 2 * 4, 64, 16)
    assert memory.part([0, 1]).sound is memory.sound


@torch.inference_mode()
@needs_int8
def test_the_shortlist_finds_the_best_token(model: Whisper) -> None:
    """int8 scores choose 16 tokens, float32 scores among them: the winner and its score are float32's."""
    embedding = model.decoder.token_embedding.weight
    states = torch.randn(40, 64)
    suppressed = torch.tensor([5, 6])
    exact, short = Vocabulary(embedding)(states, suppressed), ShortlistVocabulary(embedding, int8)(states, suppressed)
    assert torch.equal(exact.argmax(-1), short.argmax(-1))
    torch.testing.assert_close(exact.amax(-1), short.amax(-1))


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize(
    ("pack", "tolerance"),
    [pytest.param(bfloat16, 0.02, marks=needs_bfloat16), pytest.param(int8, 0.03, marks=needs_int8)],
)
def test_packed_products_are_close(pack: Pack, tolerance: float, rows: int) -> None:
    weight, bias, x = torch.randn(96, 64), torch.randn(96), torch.randn(1, rows, 64)
    for added in (bias, None):
        exact = torch.nn.functional.linear(x, weight, added)
        assert (pack(weight, added)(x) - exact).abs().max() < tolerance * exact.abs().max()


@torch.inference_mode()
def test_attention_in_bfloat16_is_close() -> None:
    """Also where the next utterance is shorter, and where it is longer."""
    torch.manual_seed(0)
    attend = SelfAttention()
    rooms = []
    for positions in (30, 20, 40):
        query, key, value = torch.randn(3, 1, 4, positions, 16).unbind()
        exact = attend(query, key, value, None)
        close = attend(query.bfloat16(), key.bfloat16(), value.bfloat16(), None)
        torch.testing.assert_close(close.float(), exact, rtol=0.05, atol=0.05)
        rooms.append(attend._room.data_ptr())
    assert rooms[0] == rooms[1] != rooms[2]


@torch.inference_mode()
def test_smoothing_is_the_librarys() -> None:
    for positions in (3, 4, 50):
        x = torch.randn(2, 5, positions)
        assert torch.equal(_median(x), median_filter(x, SMOOTHING))


@torch.inference_mode()
@pytest.mark.parametrize("tokens", [1, 3])
def test_audio_in_bfloat16_is_seen_as_in_float32(tokens: int) -> None:
    """What is compiled for one token, and what torch does for several, from the same rounded numbers."""
    key, value = torch.randn(2, 1, 4, 50, 16).bfloat16().unbind()
    query = torch.randn(1, tokens, 64)
    for silent in (None, torch.arange(50)[None, None, None] >= 40):
        scores, seen = Sound(key, value).attend(query, silent)
        expected_scores, expected = Sound(key.float(), value.float()).attend(query, silent)
        torch.testing.assert_close(scores, expected_scores)
        torch.testing.assert_close(seen, expected)
