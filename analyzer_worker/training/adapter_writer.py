"""Writes the files of a trained adapter: ``adapter.safetensors`` and ``config.json``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from analyzer_worker.engines.pooled_net import HEAD, PooledNet
from analyzer_worker.training.metrics import Scores
from analyzer_worker.training.recipe import LoraRecipe
from wire.messages.results import LABELS

PEFT_PREFIX, PEFT_SUFFIX = "base_model.model.", ".default.weight"


@dataclass(frozen=True)
class Identity:
    """Name and languages of an adapter, and the base weights that it belongs to."""

    name: str
    languages: tuple[str, ...]
    """ISO 639-1 codes with training sentences."""
    base_package: str
    base_version: str
    base_sha256: str


def adapter_tensors(net: PooledNet) -> dict[str, Tensor]:
    """Return LoRA's matrices as ``MODULE.lora_A`` and ``MODULE.lora_B``, and the head as ``head.*``.

    They share the memory of ``net``. The encoder is peft's or has the layers of ``training.lora``.
    """
    lora = {
        name.removeprefix(PEFT_PREFIX).removesuffix(PEFT_SUFFIX): tensor.detach()
        for name, tensor in net.encoder.state_dict().items()
        if ".lora_" in name
    }
    return lora | {HEAD + name: tensor.detach() for name, tensor in net.head.state_dict().items()}


def write_adapter(
    folder: Path,
    adapter: Mapping[str, Tensor],
    identity: Identity,
    recipe: LoraRecipe,
    measured: Mapping[str, Scores],
    data: Mapping[str, str] | None = None,
) -> None:
    """Write the adapter as float16, and the configuration that the engine reads.

    Args:
        folder: created if missing; existing files are replaced.
        adapter: tensors as ``adapter_tensors`` returns them.
        identity: stored in ``config.json``.
        recipe: stored too, with the sizes that the engine needs.
        measured: scores by the name of the test set.
        data: name → sha256 of the files with training sentences.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.half().contiguous() for name, tensor in adapter.items()})
    digest = hashlib.sha256(content).hexdigest()
    config = {
        "name": identity.name,
        "revision": digest[:12],
        "adapter_sha256": digest,
        "labels": LABELS,
        "languages": identity.languages,
        "max_tokens": recipe.max_tokens,
        "hidden": recipe.hidden,
        "rank": recipe.rank,
        "alpha": recipe.alpha,
        "target_modules": recipe.target_modules,
        "base_package": identity.base_package,
        "base_version": identity.base_version,
        "base_sha256": identity.base_sha256,
        "recipe": asdict(recipe),
        **({"data": data} if data else {}),
        "measured": {name: asdict(scores) for name, scores in measured.items()},
    }
    (folder / "adapter.safetensors").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
