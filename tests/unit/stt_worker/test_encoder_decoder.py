"""Our encoder and decoder against the library's, with random weights: the same numbers, the same tokens."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear
from whisper.model import ModelDimensions, Whisper
from whisper.timing import median_filter
from whisper.tokenizer import Tokenizer, get_tokenizer

from stt_worker.engines.whisper.attention import MASKED, Bfloat16CrossKV, Bfloat16SelfAttention, CrossKV, SelfAttention
from stt_worker.engines.whisper.decoder import Decoder
from stt_worker.engines.whisper.encoder import Encoder
from stt_worker.engines.whisper.greedy import Decoded, GreedySearch
from stt_worker.engines.whisper.linear import PACKS
from stt_worker.engines.whisper.prompt import Prompt
from stt_worker.engines.whisper.vocabulary import Vocabulary, make_vocabulary
from stt_worker.engines.whisper.word_timestamps import SMOOTHING, _median
from stt_worker.numerics import FLOAT32, INT8, Format, Numerics
from tests.support.exact_scores import Program, check_rounding, check_same_text, judge
from tests.support.formats import ENGINES, NUMERICS, quantized_engine
from tests.support.product_error import product_error
from tests.unit.stt_worker.tiny_whisper import random_whisper

# The library leaves its word lists to the garbage collector to close.
pytestmark = pytest.mark.filterwarnings("ignore:.*tiktoken:pytest.PytestUnraisableExceptionWarning")

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


SEEDS = range(6)
"""Of the sounds that are decoded in each format."""
FRAMES = 400


@pytest.fixture(scope="module")
def model() -> Whisper:
    return random_whisper(DIMENSIONS)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return get_tokenizer(True, num_languages=99, language="en", task="transcribe")


def mel(seed: int, frames: int = 3000) -> Tensor:
    return torch.randn(1, 80, frames, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def decode(model: Whisper, tokenizer: Tokenizer, features: Tensor, **options: Any) -> list[Decoded]:
    decoder = Decoder(model.decoder, FLOAT32)
    search = GreedySearch(decoder, Vocabulary(model.decoder.token_embedding.weight), tokenizer, torch.device("cpu"))
    prompt = Prompt(tokenizer.sot_sequence_including_notimestamps, sot=0)
    cache = decoder.precompute_cross_kv(features, **options)
    return search.run(cache, [prompt] * len(features), [1000] * len(features), [lambda: None] * len(features))


@torch.inference_mode()
def test_the_encoder_gives_the_librarys_numbers(model: Whisper) -> None:
    frames = mel(1)
    ours, _ = Encoder(model.encoder, "float32")([frames[0]])
    torch.testing.assert_close(ours, model.encoder(frames), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_short_window_is_as_long_as_its_audio(model: Whisper) -> None:
    features, bias = Encoder(model.encoder, "float32")([mel(1, 400)[0]])
    assert (features.shape, bias) == ((1, 200, 64), None)


@pytest.fixture(scope="module")
def short_models(tokenizer: Tokenizer) -> list[Whisper]:
    """Models for each of ``SEEDS``, whose texts reach their limit, except the last two.

    The library accepts no window of another length than its embedding of positions.
    """
    models = [random_whisper(DIMENSIONS), random_whisper(DIMENSIONS)]
    for model in models:
        model.encoder.positional_embedding = model.encoder.positional_embedding[: FRAMES // 2]
    end_text(models[1], tokenizer, mel(SEEDS[-1], FRAMES))
    return [models[seed in SEEDS[-2:]] for seed in SEEDS]


@torch.inference_mode()
def end_text(model: Whisper, tokenizer: Tokenizer, sound: Tensor) -> None:
    """Make the text of a sound end after some tokens, where the end now scores higher than the token that was best."""
    (text,) = decode(model, tokenizer, model.encoder(sound))
    embedding = model.decoder.token_embedding.weight
    embedding[tokenizer.eot] = 1.2 * embedding[text.tokens[12]]


@torch.inference_mode()
@pytest.mark.parametrize("numerics", NUMERICS, ids=str)
def test_every_choice_is_the_librarys_or_as_good(
    short_models: list[Whisper], tokenizer: Tokenizer, numerics: Numerics
) -> None:
    """In each format, a choice is the best of our scores, and these are as close to the exact ones as it rounds."""
    stops = set()
    for seed, model in zip(SEEDS, short_models, strict=True):
        judged = judge(model, tokenizer, Program(model, numerics), mel(seed, FRAMES))
        stops.add(judged.text.stop)
        check_rounding(judged)
    if numerics == FLOAT32:
        assert stops >= {"end", "limit"}


@torch.inference_mode()
@pytest.mark.parametrize("ends", [True, False])
def test_float32_gives_the_librarys_tokens(tokenizer: Tokenizer, *, ends: bool) -> None:
    """In the full window, up to where two scores nearly tie, and where the library ends."""
    model = random_whisper(DIMENSIONS)
    sound = mel(1)
    if ends:
        end_text(model, tokenizer, sound)
    features, _ = Encoder(model.encoder, "float32")([sound[0]])
    (text,) = decode(model, tokenizer, features)
    if check_same_text(model, tokenizer, text, sound[0], model.encoder(sound)):
        assert text.stop == ("end" if ends else "limit")


@torch.inference_mode()
@pytest.mark.parametrize("forced", [0, 2])
def test_attention_is_kept_from_each_step(model: Whisper, tokenizer: Tokenizer, forced: int) -> None:
    """Of each utterance of a batch, which end at different steps, what one pass over all its tokens gives."""
    decoder = Decoder(model.decoder, FLOAT32, alignment_heads=[(0, 1), (1, 0), (1, 3)])
    search = GreedySearch(decoder, Vocabulary(model.decoder.token_embedding.weight), tokenizer, torch.device("cpu"))
    before = (tokenizer.sot_prev, 300)
    tokens = (*before, *tokenizer.sot_sequence_including_notimestamps, *(400, 500)[:forced])
    prompt = Prompt(tokens, sot=len(before), prefix_len=forced)
    features = model.encoder(torch.cat([mel(1), mel(2), mel(3)]))
    found = search.run(decoder.precompute_cross_kv(features), [prompt] * 3, [4, 9, 6], [lambda: None] * 3)
    assert len({len(text.tokens) for text in found}) > 1
    for row, text in enumerate(found):
        written = text.tokens[forced:] if text.stop == "end" else text.tokens[forced:-1]
        scores: list[Tensor] = []
        decoder(torch.tensor([[*tokens, *written]]), decoder.precompute_cross_kv(features[row : row + 1]), scores)
        assert text.attention is not None
        torch.testing.assert_close(text.attention, torch.cat(scores, dim=1)[0, :, prompt.sot :], rtol=1e-3, atol=1e-3)


def test_the_beginning_of_a_text_keeps_its_probabilities() -> None:
    """What was forced has none, the end has one."""
    for logprobs in ([-1.0, -2.0, -3.0, -9.0], [-1.0, -2.0, -3.0]):
        text = Decoded([7, 8, 1, 2, 3], logprobs, prefix_len=2)
        cut = text.first(4)
        assert (cut.tokens, cut.logprobs, cut.stop) == ([7, 8, 1, 2], [-1.0, -2.0], "end")
        assert (cut.first(3).logprobs, text.first(1).logprobs) == ([-1.0], [])
        assert text.first(5) is text


def quiet_after(position: int) -> Tensor:
    """Return the frames of a full window that is silent from a position on, (mels, 3000)."""
    frames = mel(4)[0]
    frames[:, 2 * position :] = -0.5
    return frames


@torch.inference_mode()
def test_silence_changes_nothing_in_the_full_window(model: Whisper) -> None:
    """It has its own."""
    encoder = Encoder(model.encoder, "float32")
    encoder.learn_silence(quiet_after(100), 100)
    features, bias = encoder([mel(1)[0]])
    assert bias is not None
    torch.testing.assert_close(features[:, :1500], model.encoder(mel(1)), rtol=1e-4, atol=1e-4)
    assert (bias[0, :1500] == 0).all()
    assert (bias[0, 1500:] == MASKED).all()


@torch.inference_mode()
def test_silence_counts_as_often_as_it_lasts(model: Whisper) -> None:
    """Each sink behind the window once, and their mean as often as there are others; none of those inside."""
    encoder = Encoder(model.encoder, "float32")
    encoder.learn_silence(quiet_after(100), 100)
    _, bias = encoder([mel(1, 400)[0], mel(1, 2000)[0]])
    assert bias is not None
    for row, length in enumerate((200, 1000)):
        total = bias[row].exp().sum()
        assert float(total) == pytest.approx(1500, rel=1e-4), length


@torch.inference_mode()
def test_a_short_window_is_close_to_the_full_one(model: Whisper) -> None:
    """The reference is the utterance itself here, so its silence is exact; only the mean of the others is not."""
    full = model.encoder(quiet_after(100)[None])[:, :100]
    short = quiet_after(100)[:, :300]
    encoder = Encoder(model.encoder, "float32")
    without = encoder([short])[0][:, :100]
    encoder.learn_silence(quiet_after(100), 150)
    found = encoder([short])[0][:, :100]
    assert (found - full).norm() < 0.2 * (without - full).norm()


@torch.inference_mode()
@pytest.mark.parametrize("knows_silence", [False, True])
def test_a_batch_gives_what_each_gives_alone(model: Whisper, tokenizer: Tokenizer, *, knows_silence: bool) -> None:
    """Utterances of different lengths and ends, padded to the longest and masked."""
    encoder = Encoder(model.encoder, "float32")
    if knows_silence:
        encoder.learn_silence(quiet_after(100), 100)
    mels = [mel(seed, frames)[0] for seed, frames in ((1, 500), (2, 300), (3, 800))]
    alone = [encoder([each]) for each in mels]
    batch, bias = encoder(mels)
    for row, (features, _) in enumerate(alone):
        length = mels[row].shape[-1] // 2
        torch.testing.assert_close(batch[row : row + 1, :length], features[:, :length], rtol=1e-4, atol=1e-4)
    together = decode(model, tokenizer, batch, bias=bias)
    for (features, own), ours in zip(alone, together, strict=True):
        expected = decode(model, tokenizer, features, bias=own)[0]
        assert (ours.tokens, ours.stop) == (expected.tokens, expected.stop)


@torch.inference_mode()
def test_only_what_is_decoded_takes_room_for_its_tokens(model: Whisper, tokenizer: Tokenizer) -> None:
    """A whole batch is listened to, and its groups decoded one by one: none of it is laid out twice."""
    decoder = Decoder(model.decoder, FLOAT32)
    cache = decoder.precompute_cross_kv(model.encoder(torch.cat([mel(1), mel(2)])))
    part = cache.select([1])
    decoder(torch.tensor([[tokenizer.sot]]), part)
    assert cache.text is None
    assert part.text is not None
    assert part.text.shape == (2, 1, 2 * 4, 64, 16)
    assert cache.select([0, 1]).cross is cache.cross


@torch.inference_mode()
@pytest.mark.parametrize("name", sorted(INT8 & ENGINES.keys()))
def test_the_shortlist_finds_the_best_token(model: Whisper, name: Format) -> None:
    """int8 scores choose 16 tokens, float32 scores among them: the winner and its score are float32's."""
    embedding = model.decoder.token_embedding.weight
    states = torch.randn(40, 64, generator=torch.Generator().manual_seed(0))
    suppressed = torch.tensor([5, 6]).expand(40, -1)
    with quantized_engine(ENGINES[name]):
        short = make_vocabulary(embedding, name)(states, suppressed)
    exact = Vocabulary(embedding)(states, suppressed)
    assert torch.equal(exact.argmax(-1), short.argmax(-1))
    torch.testing.assert_close(exact.amax(-1), short.amax(-1))


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 7])
@pytest.mark.parametrize("name", [name for name in ENGINES if name != "float16"])
def test_products_are_as_close_as_their_format_allows(name: Format, rows: int) -> None:
    random = torch.Generator().manual_seed(rows)
    weight, bias, x = (torch.randn(shape, generator=random) for shape in ((96, 64), (96,), (rows, 64)))
    for added in (bias, None):
        exact = linear(x.double(), weight.double(), None if added is None else added.double())
        with quantized_engine(ENGINES[name]):
            multiply = PACKS[name](weight, added)
        assert ((multiply(x) - exact).abs() <= product_error(name, weight, bias, x)).all()


@torch.inference_mode()
@pytest.mark.parametrize("masked", [False, True])
def test_attention_in_bfloat16_is_close(*, masked: bool) -> None:
    """Also where the next utterance is shorter, and where it is longer."""
    random = torch.Generator().manual_seed(0)
    close, exact = Bfloat16SelfAttention(), SelfAttention()
    rooms = []
    for positions in (30, 20, 40):
        query, key, value = torch.randn(3, 1, 4, positions, 16, generator=random).unbind()
        bias = torch.zeros(1, 1, 1, positions).masked_fill(torch.arange(positions) >= 15, MASKED) if masked else None
        ours = close(query.bfloat16(), key.bfloat16(), value.bfloat16(), None if bias is None else bias.bfloat16())
        torch.testing.assert_close(ours.float(), exact(query, key, value, bias), rtol=0.05, atol=0.05)
        rooms.append(close._buffer.data_ptr())
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
    for bias in (None, torch.randn(1, 50), torch.zeros(1, 50).masked_fill(torch.arange(50) >= 40, MASKED)):
        scores, seen = Bfloat16CrossKV(key, value).attend(query, bias)
        expected_scores, expected = CrossKV(key.float(), value.float()).attend(query, bias)
        torch.testing.assert_close(scores, expected_scores)
        torch.testing.assert_close(seen, expected)
