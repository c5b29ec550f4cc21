"""Hyperparameters of the adapters."""

from dataclasses import dataclass

from analyzer_worker.engines.e5_net import LINEARS
from analyzer_worker.training.rules.spoken import LANGUAGES

SPOKEN_MOST = ("ko", "en")
"""Languages with the most sentences that are made by rules."""
SPOKEN_COUNTS = (
    *(("neutral", 2_500, 400), ("fact", 1_000, 150), ("polite", 1_500, 250)),
    *(("praise", 1_500, 500), ("complaint", 1_500, 500)),
    *(("mixed_praise", 1_500, 500), ("mixed_complaint", 1_500, 500)),
    *(("negated_praise", 1_500, 500), ("negated_complaint", 1_500, 500)),
    *(("strong_praise", 1_000, 400), ("strong_complaint", 1_000, 400)),
    *(("both_praise", 1_000, 400), ("both_complaint", 1_000, 400)),
)
"""Kind of sentences → their number per epoch in each of ``SPOKEN_MOST``, and in each other language."""


@dataclass(frozen=True)
class LoraRecipe:
    """Settings that both built-in models need in training; the defaults are those of the English one."""

    seed: int = 20
    bf16: bool = True
    """Matrix products in bfloat16 during training; evaluation and inference use float32."""
    batch: int = 32
    """Sentences per step."""
    train_tokens: int = 64
    """Token limit in training and evaluation, first and last token included; longer sentences are cut."""
    max_tokens: int = 128
    """Token limit in inference, as all-MiniLM-L6-v2 was trained; longer texts are cut."""
    hidden: int = 384
    """Width of the encoder."""
    rank: int = 16
    """LoRA rank."""
    alpha: int = 32
    """LoRA alpha; the update is scaled by alpha / rank."""
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")
    """Suffixes of the adapted linear layers: all in the encoder."""
    dropout: float = 0.1
    """Dropout on the pooled vector."""
    lora_rate: float = 1e-3
    """Peak learning rate of the LoRA matrices."""
    head_rate: float = 3e-3
    """Peak learning rate of the head."""
    warmup: float = 0.06
    """Share of the steps before the peak learning rate, 0–1."""
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    balance: float = 0.5
    """Loss weight of a label = frequency ** -balance: 0 ignores rarity, 1 compensates for it fully."""

    @property
    def scale(self) -> float:
        """Factor of the LoRA product B·A."""
        return self.alpha / self.rank


@dataclass(frozen=True)
class Recipe(LoraRecipe):
    """Settings of a training run of ``minilm-sentiment-en``."""

    epochs: int = 3
    meld_repeats: int = 2
    """Repeats of the MELD lines per epoch; GoEmotions lines appear once."""


@dataclass(frozen=True)
class E5Recipe(LoraRecipe):
    """Settings of a training run of the multilingual model."""

    steps: int = 11_000
    """Batches in the whole run."""
    order: int = 0
    """Seed of the order, the noise and the dropout; ``seed`` is that of the initial values."""
    train_tokens: int = 48
    target_modules: tuple[str, ...] = LINEARS
    lora_rate: float = 8e-4
    warmup: float = 0.05
    taught: float = 0.5
    """Share of the teachers' probabilities in the target, 0–1; the label has the rest."""
    noise: float = 0.35
    """Share of the sentences that are made to look like recognized speech, 0–1."""
    calmed: float = 0.5
    """Share of MELD's lines whose exclamation marks become full stops, 0–1."""
    mixture: tuple[tuple[str, int], ...] = (
        ("goemotions_train", 38_400),
        ("goemotions_ko_train", 38_400),
        ("meld_train", 30_000),
        ("nsmc_train", 23_000),
        ("kote_val", 7_400),
        ("xed_en", 22_300),
    )
    """Set → its sentences per epoch, the next ones of a shuffled cycle."""
    natural: tuple[str, ...] = ("nsmc_train", "kote_val", "xed_en")
    """Sets whose labels all have the weight 1: how often each is said is a part of what they teach."""
    spoken: tuple[tuple[str, str, int], ...] = tuple(
        (language, kind, many if language in SPOKEN_MOST else few)
        for kind, many, few in SPOKEN_COUNTS
        for language in LANGUAGES
    )
    """Language and kind of sentences that are made by rules, and their number per epoch."""
