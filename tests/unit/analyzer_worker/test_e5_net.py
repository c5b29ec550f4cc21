from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from analyzer_worker.engines.e5_net import E5Encoder, E5SentimentNet
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.weights.e5_file import E5File, read_e5_file
from analyzer_worker.weights.e5_package import find_e5_file
from tests.unit.analyzer_worker.tiny_e5 import FEED_FORWARD, HEADS, HIDDEN, LAYERS, POSITIONS, TYPES, write_tiny_e5
from wire.errors import ModelError

BERT_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
TRANSLATIONS = [
    ("The meeting starts at five.", "회의는 다섯 시에 시작합니다.", "Das Treffen beginnt um fünf Uhr."),
    ("Where is the nearest station?", "가장 가까운 역이 어디예요?", "Wo ist der nächste Bahnhof?"),
    ("It is raining outside.", "밖에 비가 와요.", "Draußen regnet es."),
    ("She bought three apples.", "그녀는 사과 세 개를 샀다.", "Sie kaufte drei Äpfel."),
    ("Please close the door.", "문을 닫아 주세요.", "Bitte schließ die Tür."),
]


@pytest.fixture
def file(tmp_path: Path) -> E5File:
    return read_e5_file(write_tiny_e5(tmp_path / "tiny.bin"))


def bert(file: E5File) -> BertModel:
    """transformers' BERT with the weights of ``file``."""
    config = BertConfig(
        vocab_size=file.shape.vocabulary,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FEED_FORWARD,
        max_position_embeddings=POSITIONS,
        type_vocab_size=TYPES,
        layer_norm_eps=1e-12,
    )
    model: BertModel = BertModel(config, add_pooling_layer=False).eval()
    names = {"word_embeddings.weight": "emb.word", "position_embeddings.weight": "emb.pos"}
    names |= {"token_type_embeddings.weight": "emb.type", "LayerNorm.weight": "emb.ln.w", "LayerNorm.bias": "emb.ln.b"}
    names = {f"embeddings.{name}": ours for name, ours in names.items()}
    for layer in range(LAYERS):
        for ours, theirs in BERT_NAMES.items():
            names |= {
                f"encoder.layer.{layer}.{theirs}.{part}": f"l{layer}.{ours}.{part[0]}" for part in ("weight", "bias")
            }
    state = model.state_dict()
    model.load_state_dict(
        {name: torch.from_numpy(file.tensor(ours, *state[name].shape)) for name, ours in names.items()}, strict=False
    )
    return model


def test_encoder_is_bert(file: E5File) -> None:
    """The states are those of transformers, also of padded sentences."""
    ids = torch.tensor([[0, 5, 6, 7, 8, 2], [0, 9, 2, 1, 1, 1]])
    mask = (ids != 1).long()
    net = E5SentimentNet(E5Encoder(file), HIDDEN).eval()
    with torch.inference_mode():
        ours, theirs = net.states(ids, mask), bert(file)(ids, mask).last_hidden_state
    torch.testing.assert_close(ours[mask.bool()], theirs[mask.bool()], atol=1e-4, rtol=1e-4)


def test_padding_does_not_change_the_logits(file: E5File) -> None:
    torch.manual_seed(0)
    net = E5SentimentNet(E5Encoder(file), HIDDEN).eval()
    alone = net(torch.tensor([[0, 9, 2]]), torch.ones(1, 3, dtype=torch.int64))
    padded = net(torch.tensor([[0, 9, 2, 1], [0, 5, 6, 2]]), torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]))
    torch.testing.assert_close(alone[0], padded[0])


def test_missing_tensor_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = write_tiny_e5(tmp_path / "tiny.bin")
    path.write_bytes(path.read_bytes().replace(b"l1.fo.b", b"l1.xx.b"))
    with pytest.raises(ModelError, match=r"no tensor l1\.fo\.b") as error:
        E5Encoder(read_e5_file(path))
    assert str(path) in error.value.message


def test_translations_are_neighbours() -> None:
    """Weights, tokenizer and network are the real ones: a mistake in any of them would scatter the sentences."""
    file = read_e5_file(find_e5_file())
    tokenizer, encoder = UnigramTokenizer(file.vocabulary, 64), E5Encoder(file).eval()
    with torch.inference_mode():
        english, *others = (
            torch.stack([encoder(torch.tensor([tokenizer.encode(text)]), None)[0].mean(0) for text in texts])
            for texts in zip(*TRANSLATIONS, strict=True)
        )
    for other in others:
        nearest = torch.nn.functional.cosine_similarity(english[:, None], other[None], dim=2).argmax(1)
        assert nearest.tolist() == list(range(len(TRANSLATIONS)))
