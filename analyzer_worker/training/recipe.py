"""Every number that makes the adapter what it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How ``minilm-sentiment-en`` is trained."""

    epochs: int = 3
    seed: int = 20
    bf16: bool = True
    """Matrix products in bfloat16 while training; evaluation and use are float32."""
    batch: int = 32
    """Sentences a step."""
    train_tokens: int = 64
    """Longer sentences are cut while training and measuring; [CLS] and [SEP] count."""
    max_tokens: int = 128
    """Longer texts are cut in use: what all-MiniLM-L6-v2 was trained with."""
    hidden: int = 384
    """Width of the encoder."""
    rank: int = 16
    """LoRA rank."""
    alpha: int = 32
    """LoRA alpha: the update is scaled by alpha / rank."""
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")
    """Suffixes of the adapted linear layers: all of the encoder."""
    dropout: float = 0.1
    """On the pooled vector."""
    lora_rate: float = 1e-3
    """Peak learning rate of A and B."""
    head_rate: float = 3e-3
    """Peak learning rate of the head."""
    warmup: float = 0.06
    """Share of the steps until the peak."""
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    balance: float = 0.5
    """Loss weight of a label = its frequency to the power of minus this: 0 ignores rarity, 1 evens it out."""
    meld_repeats: int = 2
    """MELD lines are seen this often per epoch, GoEmotions lines once."""

    @property
    def scale(self) -> float:
        """Factor of B·A."""
        return self.alpha / self.rank
