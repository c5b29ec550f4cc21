"""Writes the files of a trained adapter: ``adapter.safetensors`` and ``config.json``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from analyzer_worker.engines.minilm_net import SentimentNet
from analyzer_worker.engines.pooled_net import HEAD
from analyzer_worker.training.metrics import Scores
from analyzer_worker.training.recipe import Recipe
from analyzer_worker.weights.adapter import DEFAULT_MODEL
from analyzer_worker.weights.base_weights import PACKAGE, PACKAGE_VERSION, WEIGHTS_SHA256
from wire.messages.results import LABELS

PEFT_PREFIX, PEFT_SUFFIX = "base_model.model.", ".default.weight"


def adapter_tensors(net: SentimentNet) -> dict[str, Tensor]:
    """Return a peft encoder's LoRA matrices as ``MODULE.lora_A``, ``MODULE.lora_B``, and the head as ``head.*``."""
    lora = {
        name.removeprefix(PEFT_PREFIX).removesuffix(PEFT_SUFFIX): tensor.detach()
        for name, tensor in net.encoder.state_dict().items()
        if ".lora_" in name
    }
    return lora | {HEAD + name: tensor.detach() for name, tensor in net.head.state_dict().items()}


def write_adapter(folder: Path, adapter: Mapping[str, Tensor], recipe: Recipe, measured: Mapping[str, Scores]) -> None:
    """Write the adapter as float16, and the configuration that the engine reads.

    Args:
        folder: created if missing; existing files are replaced.
        adapter: tensors as ``adapter_tensors`` returns them.
        recipe: stored in ``config.json``, with the sizes that the engine needs.
        measured: scores by the name of the test set.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.half().contiguous() for name, tensor in adapter.items()})
    digest = hashlib.sha256(content).hexdigest()
    config = {
        "name": DEFAULT_MODEL,
        "revision": digest[:12],
        "adapter_sha256": digest,
        "labels": LABELS,
        "languages": ["en"],
        "max_tokens": recipe.max_tokens,
        "hidden": recipe.hidden,
        "rank": recipe.rank,
        "alpha": recipe.alpha,
        "target_modules": recipe.target_modules,
        "base_package": PACKAGE,
        "base_version": PACKAGE_VERSION,
        "base_sha256": WEIGHTS_SHA256,
        "recipe": asdict(recipe),
        "measured": {name: asdict(scores) for name, scores in measured.items()},
    }
    (folder / "adapter.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
