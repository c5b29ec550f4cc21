"""The state of an interrupted training run: one file, written so that there is always a whole one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from analyzer_worker.engines.pooled_net import PooledNet
from analyzer_worker.training.adapter_writer import adapter_tensors
from analyzer_worker.training.recipe import LoraRecipe

FILE = "checkpoint.pt"


@dataclass(frozen=True)
class Run:
    """The objects that change while a network is trained."""

    net: PooledNet
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler


def fingerprint(recipe: LoraRecipe, data: Mapping[str, str]) -> str:
    """Return a hash of all that a run depends on: its recipe, and ``data``, name → sha256 of its files."""
    return hashlib.sha256(json.dumps([asdict(recipe), dict(data)], sort_keys=True).encode()).hexdigest()


def save_checkpoint(folder: Path, run: Run, step: int, key: str) -> None:
    """Write the state after ``step`` batches; ``key`` is the run's ``fingerprint``."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    torch.save(
        {
            "key": key,
            "step": step,
            "adapter": adapter_tensors(run.net),
            "optimizer": run.optimizer.state_dict(),
            "schedule": run.schedule.state_dict(),
            "random": torch.get_rng_state(),
        },
        part,
    )
    part.replace(folder / FILE)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Return the state in ``folder``, None if there is none yet; ``adapter`` in it are the trained tensors."""
    path = folder / FILE
    state: dict[str, Any] | None = torch.load(path, weights_only=True) if path.exists() else None
    return state


def restore(run: Run, state: Mapping[str, Any], key: str) -> int:
    """Set ``run`` and torch's random numbers to ``state`` and return its step.

    Raises:
        ValueError: the state is of another recipe or other sentences than ``key``.
    """
    if state["key"] != key:
        raise ValueError("the checkpoint is of another recipe or of other sentences; give an empty folder")
    current = adapter_tensors(run.net)
    for name, tensor in state["adapter"].items():
        current[name].copy_(tensor)
    run.optimizer.load_state_dict(state["optimizer"])
    run.schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["random"])
    return int(state["step"])
