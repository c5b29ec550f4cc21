"""Hyperparameters of the adapter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run; the defaults are those of ``minilm-sentiment-en``."""

    epochs: int = 3
    seed: int = 20
    bf16: bool = True
    """Matrix products in bfloat16 during training; evaluation and inference use float32."""
    batch: int = 32
    """Sentences per step."""
    train_tokens: int = 64
    """Token limit in training and evaluation, [CLS] and [SEP] included; longer sentences are cut."""
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
    meld_repeats: int = 2
    """Repeats of the MELD lines per epoch; GoEmotions lines appear once."""

    @property
    def scale(self) -> float:
        """Factor of the LoRA product B·A."""
        return self.alpha / self.rank
