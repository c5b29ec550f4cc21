"""The optimizer of an adapter and the course of its learning rates."""

import torch

from analyzer_worker.engines.pooled_net import PooledNet
from analyzer_worker.training.recipe import LoraRecipe


def optimizer_for(
    net: PooledNet, recipe: LoraRecipe, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Make AdamW with a separate rate for the head, and its schedule: linear warm-up, then linear decay to zero."""
    lora = [weight for weight in net.encoder.parameters() if weight.requires_grad]
    groups = [{"params": lora, "lr": recipe.lora_rate}, {"params": net.head.parameters(), "lr": recipe.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    warm = max(1, int(steps * recipe.warmup))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))
    )
    return optimizer, schedule
